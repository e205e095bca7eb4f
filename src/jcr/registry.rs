//! The registry of namespaces in a repository's home: two files in Java's format of properties.
//!
//! `repository/namespaces/ns_reg.properties` has the address of each prefix, `ns_idx.properties` beside it the number of
//! each address, with which bundles older than version 3 were written.

use std::collections::BTreeMap;

use super::namespaces::Namespaces;

/// Where the prefixes are, below a home.
pub const PREFIXES: &str = "repository/namespaces/ns_reg.properties";
/// Where the numbers are, below a home.
pub const NUMBERS: &str = "repository/namespaces/ns_idx.properties";

/// What stands for an empty key, which the format does not know.
const EMPTY_KEY: &str = ".empty.key";

/// The prefixes of a home whose registry has these bytes.
#[must_use]
pub fn namespaces(registry: &[u8]) -> Namespaces {
    Namespaces::with(entries(registry))
}

/// The addresses by their numbers, of a home with this file. What is no number is left out.
#[must_use]
pub fn numbers(file: &[u8]) -> BTreeMap<u32, String> {
    entries(file)
        .filter_map(|(address, number)| Some((number.parse().ok()?, address)))
        .collect()
}

/// Keys and values of one of the two files, in its order: addresses by prefixes, or numbers by addresses.
pub(crate) fn entries(file: &[u8]) -> impl Iterator<Item = (String, String)> {
    properties(file).into_iter().map(|(key, value)| {
        let key = if key == EMPTY_KEY { String::new() } else { key };
        (key, value)
    })
}

/// Keys and values of a file as `java.util.Properties` writes it, in its order. Its letters are bytes, the others escaped.
fn properties(file: &[u8]) -> Vec<(String, String)> {
    let text: String = file.iter().copied().map(char::from).collect();
    let mut lines = text.lines().map(str::trim_start);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while ends_in_escape(&whole) {
            whole.pop();
            whole.push_str(lines.next().unwrap_or_default());
        }
        let (key, value) = cut(&whole);
        found.push((unescaped(key), unescaped(value)));
    }
    found
}

/// Whether a line goes on in the next one: it ends with a backslash that is not itself escaped.
fn ends_in_escape(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Cuts a line behind its key: at the first colon, equals sign or space that is not escaped.
fn cut(line: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, letter) in line.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '=' | ':' | ' ' | '\t' | '\u{c}' => {
                let (key, rest) = line.split_at(at);
                let rest = rest.trim_start();
                let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
                return (key, rest.trim_start());
            }
            _ => {}
        }
    }
    (line, "")
}

fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '\\' => match letters.next() {
                Some('u') => {
                    let digits: String = letters.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        units.extend(letter.encode_utf16(&mut [0; 2]).iter());
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_read_as_java_writes_it() {
        let file = b"#Mon Nov 30 07:00:00 UTC 2026\n.empty.key=\nmgnl=http\\://www.magnolia.info/jcr/mgnl\n\
            x\\:y = urn\\:a\\=b\\\\c\n   wide=\\u00FCber\\uD83D\\uDEDF\n! remark\nlong=one\\\n   two\nempty\nlatin=\xe9\n";
        let namespaces = namespaces(file);
        for (prefix, address) in [
            ("", ""),
            ("mgnl", "http://www.magnolia.info/jcr/mgnl"),
            ("x:y", "urn:a=b\\c"),
            ("wide", "über🛟"),
            ("long", "onetwo"),
            ("latin", "é"),
            ("jcr", "http://www.jcp.org/jcr/1.0"),
        ] {
            assert_eq!(namespaces.address(prefix), Some(address), "{prefix}");
            assert_eq!(namespaces.prefix(address), Some(prefix));
        }
        assert_eq!(namespaces.address("! remark"), None);
    }

    #[test]
    fn the_numbers_of_addresses_are_read() {
        let numbers = numbers(b"http\\://www.jcp.org/jcr/1.0=3\n.empty.key=0\nwrong=x\n");
        assert_eq!(numbers.len(), 2);
        assert_eq!(numbers[&0], "");
        assert_eq!(numbers[&3], "http://www.jcp.org/jcr/1.0");
    }

    #[test]
    fn any_bytes_are_read() {
        for file in [&b"\\"[..], b"\\u12", b"a=\\", b"=", b":\\\n\\", b"\xff\xfe\0"] {
            assert_eq!(
                namespaces(file).address("jcr"),
                Some("http://www.jcp.org/jcr/1.0")
            );
        }
    }
}
