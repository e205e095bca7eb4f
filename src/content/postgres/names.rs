//! Names of tables: how they are written in SQL, and which workspace one belongs to.
//!
//! Jackrabbit puts a workspace's name into the names of its tables, in lower case where the database folds it, with
//! every character that a name in SQL cannot have written as `_x` and four hexadecimal digits and `_`.

use std::fmt::Write as _;

/// A name as SQL takes it, whatever is in it.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name in a schema, as SQL takes it.
#[must_use]
pub fn in_schema(schema: &str, name: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(name))
}

/// A text as SQL takes it, whatever the server's settings are.
#[must_use]
pub fn literal(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// The workspace's name in the middle of a table's name, as people know it.
#[must_use]
pub fn workspace(middle: &str) -> String {
    let mut name = String::new();
    let mut rest = middle;
    while let Some(at) = rest.find("_x") {
        let escaped = rest
            .get(at + 2..at + 6)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if let (Some(character), Some("_")) = (escaped.and_then(char::from_u32), rest.get(at + 6..at + 7)) {
            name.push_str(&rest[..at]);
            name.push(character);
            rest = &rest[at + 7..];
        } else {
            name.push_str(&rest[..at + 2]);
            rest = &rest[at + 2..];
        }
    }
    name.push_str(rest);
    as_folder(&name)
}

/// A name as a folder in a backup can have it: what a path cannot hold, and a dot in front, is written as `%` and two
/// hexadecimal digits.
#[must_use]
pub fn as_folder(name: &str) -> String {
    let mut folder = String::new();
    for (index, character) in name.char_indices() {
        if matches!(character, '/' | '\0' | '%') || (index == 0 && character == '.') {
            // Writing to a string cannot fail.
            let _ = write!(folder, "%{:02x}", u32::from(character));
        } else {
            folder.push(character);
        }
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_is_in_them() {
        assert_eq!(quoted("pm_website_bundle"), "\"pm_website_bundle\"");
        assert_eq!(in_schema("a\"b", "Ü c"), "\"a\"\"b\".\"Ü c\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }

    #[test]
    fn workspaces_are_named_as_people_know_them() {
        assert_eq!(workspace("website"), "website");
        assert_eq!(workspace("my_x002d_site"), "my-site");
        assert_eq!(workspace("wébsite"), "wébsite");
        assert_eq!(workspace("a_xyz"), "a_xyz");
        assert_eq!(workspace("_x"), "_x");
        assert_eq!(workspace("_x002f_.."), "%2f..");
        assert_eq!(as_folder(".versions"), "%2eversions");
    }
}
