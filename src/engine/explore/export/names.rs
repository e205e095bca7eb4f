//! Names of files for names of nodes, which may be anything: what no file may be called is written as a percent sign and two
//! digits, what is too long is cut, and names that would be one file are told apart.

use std::collections::HashSet;

use crate::domain::explore::LONGEST_NAME;

/// The names that are taken in a folder.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// The name of a file for something of that name, followed by `ending`.
    pub(super) fn take(&mut self, wanted: &str, ending: &str) -> String {
        let plain = safe(wanted);
        for number in 1_u64.. {
            let mark = match number {
                1 => ending.to_owned(),
                number => format!("~{number}{ending}"),
            };
            let name = format!("{}{mark}", cut(&plain, LONGEST_NAME.saturating_sub(mark.len())));
            // On some file systems capitals make no difference.
            if self.0.insert(name.to_lowercase()) {
                return name;
            }
        }
        plain
    }
}

fn safe(wanted: &str) -> String {
    let mut name = String::with_capacity(wanted.len());
    for letter in wanted.chars() {
        // A percent sign as well, so that what is written so means one thing.
        if letter.is_control() || matches!(letter, '/' | '\\' | '%') {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        } else {
            name.push(letter);
        }
    }
    match name.as_str() {
        "" => "%".to_owned(),
        "." | ".." => name.replace('.', "%2E"),
        _ => name,
    }
}

/// The beginning of a text, in so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_elsewhere_and_none_is_given_twice() {
        let mut names = Names::default();
        let long = "ü".repeat(200);
        let taken: Vec<_> = [
            "home",
            "Home",
            "a/b",
            "..",
            ".",
            "",
            "\u{1b}[2J",
            "100%",
            &long,
            &long,
        ]
        .iter()
        .map(|wanted| names.take(wanted, ""))
        .collect();
        assert_eq!(
            taken[..8],
            [
                "home", "Home~2", "a%2Fb", "%2E%2E", "%2E", "%", "%1B[2J", "100%25"
            ]
        );
        assert_ne!(taken[8], taken[9]);
        assert!(taken.iter().all(|name| name.len() <= LONGEST_NAME));
        assert_eq!(names.take("jcr:data", ".bin"), "jcr:data.bin");
        assert!(names.take(&long, ".bin").ends_with(".bin"));
    }
}
