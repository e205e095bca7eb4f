//! Where a node is: `author:/website/home/news`.
//!
//! The instance stands before the colon and may be left out where an environment has only one. Then the workspace, then
//! the names of nodes from the root on; a node with older siblings of the same name has its number behind its name,
//! `news[2]`. The text is what a person types, so it is the name that is seen, with a prefix.
//!
//! Content may have any names, files more than nodes. What would be read as something else is written as a percent sign and
//! two digits for each of its bytes: a slash in a name, a bracket at its end, controls, and whatever is printed as a sign that
//! stands for it. Such a text can be printed, and what was printed can be typed again.

use std::fmt;
use std::str::FromStr;

use crate::domain::as_text::as_text;
use crate::domain::environment::InstanceName;
use crate::domain::printable;

/// The longest text of a path, in characters.
const LONGEST: usize = 8 * 1024;

/// Where something of an environment's content is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NodePath {
    /// The instance; `None` where there is only one, or where all instances are meant.
    pub instance: Option<InstanceName>,
    /// The workspace; `None` for the instance itself.
    pub workspace: Option<String>,
    /// The nodes, from below the workspace's root on. Empty for the root itself.
    pub steps: Vec<Step>,
}

/// One node on the way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Step {
    /// Its name, with the prefix of its namespace.
    pub name: String,
    /// Which of the siblings of that name, from 1.
    pub index: u32,
}

impl Step {
    /// The first, or only, node of a name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            index: 1,
        }
    }
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It has no slash where one belongs, or the instance is none.
    #[error("\"{0}\" is no path: write INSTANCE:/WORKSPACE/NODE/…, for example author:/website/home")]
    NoPath(String),
    /// It is longer than any path of content.
    #[error("the path is too long")]
    TooLong,
}

impl NodePath {
    /// The same with one more name at its end: a workspace below an instance, a node below a workspace.
    #[must_use]
    pub fn child(&self, step: Step) -> Self {
        let mut child = self.clone();
        if child.workspace.is_none() {
            child.workspace = Some(step.name);
        } else {
            child.steps.push(step);
        }
        child
    }

    /// What it is in; `None` for an environment as a whole.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let mut parent = self.clone();
        if parent.steps.pop().is_none() && parent.workspace.take().is_none() {
            parent.instance.take()?;
        }
        Some(parent)
    }

    /// The last name of it, as it is written: a node's, the workspace's, or the instance's.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(step) = self.steps.last() {
            return step.to_string();
        }
        match (&self.workspace, &self.instance) {
            (Some(workspace), _) => escaped(workspace),
            (None, Some(instance)) => instance.to_string(),
            (None, None) => String::new(),
        }
    }

    /// Whether it is `other`, or somewhere in it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        (other.instance.is_none() || other.instance == self.instance)
            && (other.workspace.is_none() || other.workspace == self.workspace)
            && self.steps.starts_with(&other.steps)
    }

    /// The path inside the workspace alone: `/home/news`.
    #[must_use]
    pub fn within_workspace(&self) -> String {
        if self.steps.is_empty() {
            return "/".to_owned();
        }
        let steps: Vec<_> = self.steps.iter().map(ToString::to_string).collect();
        format!("/{}", steps.join("/"))
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if let Some(instance) = &self.instance {
            text.push_str(&instance.to_string());
            text.push(':');
        }
        text.push('/');
        if let Some(workspace) = &self.workspace {
            text.push_str(&escaped(workspace));
        }
        for step in &self.steps {
            text.push('/');
            text.push_str(&step.to_string());
        }
        f.pad(&text)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escaped(&self.name);
        if self.index == 1 {
            f.pad(&name)
        } else {
            f.pad(&format!("{name}[{}]", self.index))
        }
    }
}

impl FromStr for NodePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.chars().count() > LONGEST {
            return Err(PathError::TooLong);
        }
        let wrong = || PathError::NoPath(text.to_owned());
        let (instance, rest) = match text.split_once('/') {
            Some(("", rest)) => (None, rest),
            Some((before, rest)) => {
                let name = before.strip_suffix(':').ok_or_else(wrong)?;
                (Some(name.parse().map_err(|_| wrong())?), rest)
            }
            None => {
                // An instance alone, with or without its colon.
                let name = text.strip_suffix(':').unwrap_or(text);
                (Some(name.parse().map_err(|_| wrong())?), "")
            }
        };
        let mut names = rest.split('/').filter(|name| !name.is_empty());
        let workspace = names.next().map(unescaped);
        Ok(Self {
            instance,
            workspace,
            steps: names.map(step).collect(),
        })
    }
}

as_text!(NodePath);

/// A name with the number behind it, if there is one.
fn step(text: &str) -> Step {
    let numbered = text
        .strip_suffix(']')
        .and_then(|text| text.rsplit_once('['))
        .filter(|(name, digits)| !name.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
        .and_then(|(name, digits)| Some((name, digits.parse().ok().filter(|index| *index > 0)?)));
    match numbered {
        Some((name, index)) => Step {
            name: unescaped(name),
            index,
        },
        None => Step::new(unescaped(text)),
    }
}

/// Whether a text begins with a percent sign and two digits.
fn code(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

fn escaped(name: &str) -> String {
    use std::fmt::Write as _;

    let is_numbered = name.ends_with(']');
    let mut text = String::with_capacity(name.len());
    // What a mark could stand on.
    let mut before = '/';
    for (at, c) in name.char_indices() {
        let is_taken = match c {
            '/' => true,
            '%' => code(&name.as_bytes()[at..]).is_some(),
            '[' => is_numbered,
            c => c.is_control() || !is_printed(before, c),
        };
        before = if is_taken { '%' } else { c };
        if is_taken {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing into memory cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Whether a character is printed as itself behind another.
fn is_printed(before: char, c: char) -> bool {
    (' '..='~').contains(&c) || printable::line(&String::from_iter([before, c])).ends_with(c)
}

fn unescaped(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let decoded = code(&text.as_bytes()[at..]);
        bytes.push(decoded.unwrap_or(*byte));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    // What decodes to no text was no escape.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> NodePath {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_taken_apart() {
        let news = path("author:/website/home/news[2]");
        assert_eq!(news.instance, Some("author".parse().unwrap()));
        assert_eq!(news.workspace.as_deref(), Some("website"));
        assert_eq!(news.steps[0], Step::new("home"));
        assert_eq!((news.steps[1].name.as_str(), news.steps[1].index), ("news", 2));
        assert_eq!(news.to_string(), "author:/website/home/news[2]");
        assert_eq!(news.within_workspace(), "/home/news[2]");
        assert_eq!(news.parent().unwrap().to_string(), "author:/website/home");
        assert!(news.is_within(&path("/website/home")));
        assert!(!news.is_within(&path("/dam")));
        for (text, same) in [
            ("", ""),
            ("/", "/"),
            ("author", "author:/"),
            ("author:", "author:/"),
            ("author:/", "author:/"),
            ("/website//home/", "/website/home"),
            ("/config/jcr:system/mgnl:a", "/config/jcr:system/mgnl:a"),
            ("/website/50% off", "/website/50% off"),
            ("/website/a%2Fb%1B", "/website/a%2Fb%1B"),
            ("/website/a[0]", "/website/a%5B0]"),
        ] {
            if text.is_empty() {
                assert!(text.parse::<NodePath>().is_err());
            } else {
                assert_eq!(path(text).to_string(), same, "{text}");
            }
        }
        for wrong in ["website/home", ":/website", "a b:/website"] {
            assert!(wrong.parse::<NodePath>().is_err(), "{wrong}");
        }
        let deep = "/a".repeat(LONGEST);
        assert_eq!(deep.parse::<NodePath>(), Err(PathError::TooLong));
    }

    #[test]
    fn what_is_printed_of_a_path_can_be_typed_again() {
        for (name, written) in [
            ("a\u{202e}b", "a%E2%80%AEb"),
            ("a\u{200b}", "a%E2%80%8B"),
            ("a\u{a0}b", "a%C2%A0b"),
            ("Gr\u{fc}\u{df}e", "Gr\u{fc}\u{df}e"),
            ("u\u{308}ber", "u\u{308}ber"),
        ] {
            let path = path("author:/website").child(Step::new(name));
            let text = path.to_string();
            assert_eq!(text, format!("author:/website/{written}"));
            assert_eq!(printable::line(&text), text);
            assert_eq!(text.parse(), Ok(path));
        }
    }

    #[test]
    fn parents_end_with_the_environment() {
        let mut path = path("author:/website/home");
        let mut seen = Vec::new();
        while let Some(parent) = path.parent() {
            seen.push(parent.to_string());
            path = parent;
        }
        assert_eq!(seen, ["author:/website", "author:/", "/"]);
    }

    proptest! {
        #[test]
        fn every_name_survives_being_written(name in "[^\\x00]{1,20}", workspace in "[a-z%\\[\\]/]{1,8}", index in 1..5_u32) {
            let path = NodePath {
                instance: None,
                workspace: Some(workspace),
                steps: vec![Step { name, index }],
            };
            let text = path.to_string();
            prop_assert_eq!(printable::line(&text), text.as_str());
            prop_assert_eq!(text.parse::<NodePath>().unwrap(), path);
        }
    }
}
