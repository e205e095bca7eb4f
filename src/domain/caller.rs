//! Who asks for something, and from where: what the activity log keeps of every action.
//!
//! Not in here: what somebody may do (`token`), and finding out who it is (`server`, `cli`).

use serde::{Deserialize, Serialize};

use super::approval::Person;
use super::principal::Principal;
use super::printable;

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// A person, or the token that was shown.
    pub who: Principal,
    /// The address that the question came from. None for whoever sits at this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The id of the request, to find it in the service's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Which person that is. None for a token that does not say whom it was made for, and for Lifeboat itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// The key under which the same request is sent again when its answer was not heard: the job that is started carries
    /// it, so that the answer can always be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Caller {
    /// Somebody at this machine.
    #[must_use]
    pub fn here(who: &Principal) -> Self {
        Self {
            who: who.clone(),
            from: None,
            person: is_somebody(who).then(|| Person::here(who)),
            request: None,
            key: None,
        }
    }
}

/// Whether that names a person: a name in which nothing is seen is nobody's.
fn is_somebody(who: &Principal) -> bool {
    matches!(who, Principal::Named(_)) && printable::is_seen(who.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_which_nothing_is_seen_is_no_person() {
        assert!(Caller::here(&"ann".into()).person.is_some());
        for unseen in ["", " ", "\u{200b}\u{2060}", "\u{3000}"] {
            assert_eq!(Caller::here(&unseen.into()).person, None, "{unseen:?}");
        }
    }
}
