//! A second person: where an environment says `approve = true`, a restore waits until another owner agrees.
//!
//! What is approved is a plan, by its id, and a plan is good for an hour ([`super::staleness`]): so is the question. If following it
//! would do something else by now, whoever is to agree is shown what. Not in here: asking, and what follows from an answer
//! (`engine::restore::approval`).

use chrono::Duration;
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
    /// What this plan would do otherwise than the one that was asked for, where that had to be made anew, each as a sentence
    /// without its end. Whoever agrees has to see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<String>,
}

/// For how long a plan that was made anew for whoever is to agree is followed without a further look at Live: they have to
/// read it, and people go on working meanwhile.
const READING: Duration = Duration::minutes(10);

/// Whether a plan that was made anew at `looked` may be followed as it is at `now`.
#[must_use]
pub fn was_just_made(looked: Option<Instant>, now: Instant) -> bool {
    looked.is_some_and(|looked| looked <= now && now - looked <= READING)
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
            "{}, asked by {}: {} to add, {} to change, {} to remove. It waits until {}",
            self.title,
            self.by,
            measure::items(added),
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
    fn a_plan_that_was_made_anew_is_good_while_it_is_read() {
        let looked: Instant = "2026-11-23T03:12:00Z".parse().unwrap();
        assert!(!was_just_made(None, looked));
        assert!(was_just_made(Some(looked), looked + Duration::minutes(10)));
        assert!(!was_just_made(Some(looked), looked + Duration::minutes(11)));
        assert!(
            !was_just_made(Some(looked), looked - Duration::minutes(1)),
            "by another clock"
        );
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
