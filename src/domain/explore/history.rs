//! What happened to one node, as all backups and Live tell it.

use serde::{Deserialize, Serialize};

use super::{NodePath, Source, SourceAt};
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;

/// Asks for the history of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HistoryRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where the path is meant; `None` for the newest source that has something there. A node that has an id is then
    /// followed by its id, wherever it was moved; one that has none, a file, by its path.
    pub source: Option<Source>,
    /// The node.
    pub path: NodePath,
}

/// The history of a node.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHistory {
    /// The node's path, where it was last seen.
    pub path: NodePath,
    /// Its id, as a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Every source that was looked at, the oldest first, with what it has of the node.
    pub sights: Vec<Sight>,
    /// What happened, the oldest first. Nothing where it is the same everywhere.
    pub occurrences: Vec<Occurrence>,
    /// What could not be looked at, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Whether more is below it than is compared here: something there may have changed that is not told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub below_not_compared: bool,
}

impl NodeHistory {
    /// The first source that has it.
    #[must_use]
    pub fn first(&self) -> Option<&Sight> {
        self.sights.iter().find(|sight| sight.path.is_some())
    }

    /// Whether nothing happened to it: the oldest source has it, and it is the same in all that are newer.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        !self.below_not_compared
            && self.sights.len() > 1
            && self.occurrences.iter().all(|event| event.after.is_none())
    }

    /// What happened in this source, beside the one before it, in words; `None` where nothing did.
    #[must_use]
    pub fn happened_in(&self, seen: &SourceAt) -> Option<String> {
        let there = self.occurrences.iter().filter(|event| event.before == *seen);
        // That the oldest one has it is no event.
        let words: Vec<&str> = there
            .filter(|event| event.after.is_some())
            .map(Occurrence::words)
            .collect();
        (!words.is_empty()).then(|| words.join(" and "))
    }

    /// The last source that has it.
    #[must_use]
    pub fn last(&self) -> Option<&Sight> {
        self.sights.iter().rev().find(|sight| sight.path.is_some())
    }
}

/// What one source has of a node.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// Which source.
    pub seen: SourceAt,
    /// Where the node is in it; `None` where it is not there.
    pub path: Option<NodePath>,
    /// What tells its types and properties from others, in hexadecimal: two sights with the same text are of the same
    /// content. What is below it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How many nodes are in it.
    pub children: u64,
    /// Why nobody can tell whether the node is there, or what it is: the file that has it elsewhere cannot be read in this one. To
    /// those who do not know of this it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_read: Option<NotRead>,
}

/// A file whose text cannot be read, or a node whose bundle cannot be.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRead {
    /// The file, or the node.
    pub file: NodePath,
    /// Why, as a sentence.
    pub why: String,
}

/// Something that happened to a node between two sources that follow each other.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// What.
    #[serde(flatten)]
    pub turn: Turn,
    /// After this one. `None` when the oldest source has the node: it may be older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SourceAt>,
    /// And before this one.
    pub before: SourceAt,
    /// What changed below it, where that is known: `children_changed` alone has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<ChangedBelow>,
    /// Whether it can be read: something changed, and nobody knows more. `changed` alone has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readable: Option<Readable>,
}

/// Whether something can be read.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Readable {
    /// It cannot be.
    Not(NotRead),
    /// It could not be before, and can be now.
    Again,
}

/// How much was added, changed, moved or deleted below a node.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedBelow {
    /// How many nodes, or files and folders.
    pub count: u64,
    /// Some of them: their paths below it, the largest first. Of what was added or deleted as a whole only its top.
    pub names: Vec<String>,
}

impl Occurrence {
    /// What happened, in a few words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match &self.readable {
            Some(Readable::Not(_)) => return "cannot be read",
            Some(Readable::Again) => return "can be read again",
            None => {}
        }
        match &self.turn {
            Turn::FirstSeen { .. } if self.after.is_none() => "in the oldest backup already",
            Turn::FirstSeen { .. } => "first seen",
            Turn::Changed => "changed",
            Turn::ChildrenChanged if self.below.is_some() => "changed below",
            Turn::ChildrenChanged => "what is in it changed",
            Turn::Moved { .. } => "moved",
            Turn::Deleted { .. } => "deleted",
            Turn::Back { .. } => "there again",
            Turn::Other => "something happened to it that only a newer Lifeboat can say",
        }
    }

    /// Where that was, behind the words; empty where it is where it was.
    #[must_use]
    pub fn place(&self) -> String {
        if let Some(Readable::Not(NotRead { file, why })) = &self.readable {
            return format!("in {file}: {why}");
        }
        match &self.turn {
            Turn::Moved { from, to } => format!("from {from} to {to}"),
            Turn::Deleted { from } => format!("from {from}"),
            Turn::FirstSeen { path } | Turn::Back { path } => format!("as {path}"),
            Turn::ChildrenChanged => self
                .below
                .as_ref()
                .map(ChangedBelow::in_words)
                .unwrap_or_default(),
            Turn::Changed | Turn::Other => String::new(),
        }
    }
}

impl ChangedBelow {
    /// `(news and about)`, or `(412 in all, such as news)`.
    fn in_words(&self) -> String {
        let named = measure::listed(&self.names);
        if self.count == self.names.len() as u64 {
            format!("({named})")
        } else {
            format!("({} in all, such as {named})", measure::count(self.count))
        }
    }
}

/// What can happen to a node.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Turn {
    /// It was first seen.
    FirstSeen {
        /// Where.
        path: NodePath,
    },
    /// Its types or properties changed.
    Changed,
    /// What is below it was added, changed, moved or deleted: `below` says how much. Where that is not said, what is in it is
    /// in another order, or is too much to be compared.
    ChildrenChanged,
    /// It was moved, or has another name.
    Moved {
        /// Where it was before.
        from: NodePath,
        /// Where it is now.
        to: NodePath,
    },
    /// It was deleted.
    Deleted {
        /// Where it was.
        from: NodePath,
    },
    /// It is there again.
    Back {
        /// Where.
        path: NodePath,
    },
    /// What this version knows no word for.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_below_is_counted_and_some_of_it_is_named() {
        let place = |count, names: &[&str]| {
            let occurrence = Occurrence {
                turn: Turn::ChildrenChanged,
                below: Some(ChangedBelow {
                    count,
                    names: names.iter().map(ToString::to_string).collect(),
                }),
                readable: None,
                after: None,
                before: SourceAt {
                    source: Source::Live,
                    at: "2026-11-23T04:00:00Z".parse().unwrap(),
                },
            };
            format!("{} {}", occurrence.words(), occurrence.place())
        };
        assert_eq!(place(1, &["page.xml"]), "changed below (page.xml)");
        assert_eq!(
            place(412, &["news", "about", "team/page.xml"]),
            "changed below (412 in all, such as news, about and team/page.xml)"
        );
    }

    #[test]
    fn a_client_that_does_not_know_what_happened_knows_that_something_did() {
        let told = |what: &str| -> Occurrence {
            let before = r#"{"source":"live","at":"2026-11-23T04:00:00Z"}"#;
            serde_json::from_str(&format!(r#"{{"what":"{what}","before":{before},"count":1}}"#)).unwrap()
        };
        assert_eq!(told("turned_inside_out").turn, Turn::Other);
        // What older clients know, older services say without how much it is.
        let changed = told("children_changed");
        assert_eq!(
            (changed.turn.clone(), changed.below.clone()),
            (Turn::ChildrenChanged, None)
        );
        let below = ChangedBelow {
            count: 1,
            names: vec!["news".to_owned()],
        };
        let written = serde_json::to_value(Occurrence {
            below: Some(below),
            ..changed
        });
        let written = written.unwrap();
        assert_eq!(written["what"], "children_changed");
        assert_eq!(written["below"]["names"][0], "news");
    }

    #[test]
    fn what_was_not_compared_is_not_said_to_be_the_same() {
        let path: NodePath = "author:/website".parse().unwrap();
        let sight = |minute: u8| Sight {
            seen: SourceAt {
                source: Source::Live,
                at: format!("2026-11-23T04:{minute:02}:00Z").parse().unwrap(),
            },
            path: Some(path.clone()),
            digest: None,
            children: 6_000,
            not_read: None,
        };
        let mut history = NodeHistory {
            path: path.clone(),
            id: None,
            sights: vec![sight(1), sight(2)],
            occurrences: Vec::new(),
            remarks: Vec::new(),
            below_not_compared: false,
        };
        assert!(history.is_unchanged());
        history.below_not_compared = true;
        assert!(!history.is_unchanged());
    }

    #[test]
    fn each_source_has_the_words_of_what_happened_before_it() {
        let seen = |source: &str, at: &str| SourceAt {
            source: source.parse().unwrap(),
            at: format!("2026-11-23T{at}:00Z").parse().unwrap(),
        };
        let path: NodePath = "author:/website/home".parse().unwrap();
        let all = [
            seen("a1234567", "01:00"),
            seen("b1234567", "02:00"),
            seen("c1234567", "03:00"),
            seen("live", "04:00"),
        ];
        let event = |turn: Turn, number: usize| Occurrence {
            turn,
            after: number.checked_sub(1).map(|number| all[number].clone()),
            before: all[number].clone(),
            below: None,
            readable: None,
        };
        let moved = Turn::Moved {
            from: path.clone(),
            to: path.clone(),
        };
        let history = NodeHistory {
            path: path.clone(),
            id: None,
            sights: Vec::new(),
            occurrences: vec![
                event(Turn::FirstSeen { path }, 0),
                event(moved, 2),
                event(Turn::ChildrenChanged, 2),
            ],
            remarks: Vec::new(),
            below_not_compared: false,
        };
        let happened = all.each_ref().map(|seen| history.happened_in(seen));
        let both = "moved and what is in it changed".to_owned();
        assert_eq!(happened, [None, None, Some(both), None]);
    }
}
