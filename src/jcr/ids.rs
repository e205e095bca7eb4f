//! Ids of nodes as people read them, and those that are the same in every repository.

use std::fmt::Write as _;

use super::NodeId;

/// The root of every workspace, unless somebody has configured another one.
pub const ROOT: NodeId = *b"\xca\xfe\xba\xbe\xca\xfe\xba\xbe\xca\xfe\xba\xbe\xca\xfe\xba\xbe";
/// `/jcr:system`, which every workspace has a row of.
pub const SYSTEM: NodeId = *b"\xde\xad\xbe\xef\xca\xfe\xba\xbe\xca\xfe\xba\xbe\xca\xfe\xba\xbe";
/// `/jcr:system/jcr:versionStorage`, which is in the version storage.
pub const VERSION_STORAGE: NodeId = *b"\xde\xad\xbe\xef\xfa\xce\xba\xbe\xca\xfe\xba\xbe\xca\xfe\xba\xbe";
/// `/jcr:system/jcr:activities`, which is in the version storage.
pub const ACTIVITIES: NodeId = *b"\xde\xad\xbe\xef\xfa\xce\xba\xbe\xac\x71\xba\xbe\xca\xfe\xba\xbe";
/// `/jcr:system/jcr:configurations`, which is in the version storage.
pub const CONFIGURATIONS: NodeId = *b"\xde\xad\xbe\xef\xfa\xce\xba\xbe\xc0\x4f\xba\xbe\xca\xfe\xba\xbe";
/// `/jcr:system/jcr:nodeTypes`, which Jackrabbit makes up from its registry: it has no row anywhere.
pub const NODE_TYPES: NodeId = *b"\xde\xad\xbe\xef\xca\xfe\xca\xfe\xca\xfe\xba\xbe\xca\xfe\xba\xbe";

/// An id as JCR writes it: `cafebabe-cafe-babe-cafe-babecafebabe`.
#[must_use]
pub fn show(id: &NodeId) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in id.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The id that JCR writes so, in small or large letters. `None` for any other text.
#[must_use]
pub fn parse(text: &str) -> Option<NodeId> {
    let hyphens = [8, 13, 18, 23];
    let has_form = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if hyphens.contains(&at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    if !has_form {
        return None;
    }
    let digits: String = text.split('-').collect();
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_and_read() {
        for (id, text) in [
            (ROOT, "cafebabe-cafe-babe-cafe-babecafebabe"),
            (SYSTEM, "deadbeef-cafe-babe-cafe-babecafebabe"),
            (VERSION_STORAGE, "deadbeef-face-babe-cafe-babecafebabe"),
            (ACTIVITIES, "deadbeef-face-babe-ac71-babecafebabe"),
            (CONFIGURATIONS, "deadbeef-face-babe-c04f-babecafebabe"),
            (NODE_TYPES, "deadbeef-cafe-cafe-cafe-babecafebabe"),
        ] {
            assert_eq!(show(&id), text);
            assert_eq!(parse(text), Some(id));
            assert_eq!(parse(&text.to_uppercase()), Some(id));
        }
        for none in [
            "",
            "cafebabecafebabecafebabecafebabe",
            "cafebabe-cafe-babe-cafe-babecafebab+",
        ] {
            assert_eq!(parse(none), None);
        }
    }
}
