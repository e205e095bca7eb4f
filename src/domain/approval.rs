//! A second person: where an environment says `approve = true`, a restore waits until another owner agrees.
//!
//! What is approved is a plan, by its id, and a plan is good for an hour ([`super::staleness`]): so is the question. Not in here:
//! asking, and what follows from an answer (`engine::restore::approval`).

use serde::{Deserialize, Serialize};

use super::Instant;
use super::backup::BackupId;
use super::environment::EnvironmentName;
use super::measure;
use super::plan::PlanId;
use super::principal::Principal;
use super::staleness::PLAN_LIFE;

/// Which person somebody is, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The account on the machine, or the one that the token was made for.
    pub account: String,
    /// The account that made the token, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
}

impl Person {
    /// Whoever sits at the machine.
    #[must_use]
    pub fn here(who: &Principal) -> Self {
        Self {
            account: who.to_string(),
            made_by: None,
        }
    }

    /// Whether both may be the same one: of the same account, or one has made the token of the other.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let made =
            |token: &Self, by: &Self| token.made_by.as_ref().is_some_and(|maker| is(maker, &by.account));
        is(&self.account, &other.account) || made(self, other) || made(other, self)
    }
}

/// A restore that waits for another owner.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The plan that it follows, which is what is approved.
    pub plan: PlanId,
    /// The environment.
    pub environment: EnvironmentName,
    /// The backup.
    pub backup: BackupId,
    /// What is to be done, in a few words.
    pub title: String,
    /// Who asked.
    pub by: Principal,
    /// When.
    pub at: Instant,
    /// Until when it can be approved.
    pub until: Instant,
    /// Items that the plan adds, changes and removes.
    pub totals: (u64, u64, u64),
    /// What the plan warns of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Asked {
    /// Until when a plan that was made then can be approved.
    #[must_use]
    pub fn life_of(made: Instant) -> Instant {
        made + PLAN_LIFE
    }

    /// Whether it can still be approved.
    #[must_use]
    pub fn stands(&self, now: Instant) -> bool {
        // One from the future was asked by a clock that was wrong.
        self.at <= now + super::ahead::SKEW && now < self.until
    }

    /// It in a line: what, who asked, and until when it waits.
    #[must_use]
    pub fn in_words(&self) -> String {
        let (added, changed, removed) = self.totals;
        format!(
            "{}, asked by {}: {} items to add, {} to change, {} to remove. It waits until {}",
            self.title,
            self.by,
            measure::count(added),
            measure::count(changed),
            measure::count(removed),
            measure::moment(self.until)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(account: &str, made_by: Option<&str>) -> Person {
        Person {
            account: account.to_owned(),
            made_by: made_by.map(str::to_owned),
        }
    }

    #[test]
    fn nobody_is_a_second_person_to_themselves() {
        let ann = person("ann", None);
        assert!(ann.may_be(&person("ann", Some("root"))), "her token");
        assert!(ann.may_be(&person("Ann", Some("root"))), "however it is written");
        assert!(
            ann.may_be(&person("bob", Some("ann"))),
            "a token that she has made for another name"
        );
        assert!(person("bob", Some("ann")).may_be(&ann));
        let bobs = person("bob", Some("root"));
        assert!(!ann.may_be(&bobs));
        assert!(
            !person("ann", Some("root")).may_be(&bobs),
            "somebody makes the tokens of all"
        );
    }
}
