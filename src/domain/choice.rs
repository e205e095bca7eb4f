//! Which backup somebody means: by a slot's name, by what it was taken for, or by its id. And what they may have meant
//! where there is none.

use serde::{Deserialize, Serialize};

use super::backup::{Backup, BackupId, LATEST, RECENT, Trigger, Verification};
use super::measure;
use super::nearest::{nearest, question};
use super::slot::Slot;

/// How many more characters of an id are shown than were written, where that begins several of them.
const TELLS_APART: usize = 4;

/// Why no backup could be found for what somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "choice", rename_all = "snake_case")]
pub enum ChoiceError {
    /// Nothing begins with it; or it is `upgrade` or `safety`, and none was taken for that.
    #[error("{}", unknown(text, near))]
    Unknown {
        /// What was written.
        text: String,
        /// What may have been meant.
        #[serde(default)]
        near: Vec<String>,
    },
    /// More than one id begins with it.
    #[error(
        "\"{text}\" is the beginning of more than one backup's id{}: write more of it",
        among(near)
    )]
    Ambiguous {
        /// What was written.
        text: String,
        /// Short ids of those that begin with it, as far as they tell them apart.
        #[serde(default)]
        near: Vec<String>,
    },
    /// The slot is empty.
    #[error("the {slot} slot is empty")]
    EmptySlot {
        /// The slot.
        #[serde(rename = "text")]
        slot: Slot,
    },
    /// It was to be looked for in the second repository, and none is configured.
    #[error("there is no second repository: the setting repository.copy names none")]
    NoSecondRepository,
    /// What was taken for the slot cannot be relied on.
    #[error("{why}")]
    NotGood {
        /// Why, as a sentence.
        #[serde(rename = "text")]
        why: String,
    },
}

impl ChoiceError {
    /// What may have been meant instead.
    #[must_use]
    pub fn near(&self) -> &[String] {
        match self {
            Self::Unknown { near, .. } | Self::Ambiguous { near, .. } => near,
            Self::EmptySlot { .. } | Self::NoSecondRepository | Self::NotGood { .. } => &[],
        }
    }

    /// That nothing is called so among these backups, and what may have been meant.
    #[must_use]
    pub fn unknown<'a>(text: &str, backups: impl IntoIterator<Item = &'a Backup>) -> Self {
        let words = Slot::ALL.map(Slot::label);
        let mut near = nearest(
            text,
            words.into_iter().chain(["upgrade", "safety", RECENT, LATEST]),
        );
        if near.is_empty() && !text.is_empty() {
            // Of an id, much or little is written: it is compared with as much of each.
            let ids: Vec<&str> = backups.into_iter().map(|backup| backup.id.0.as_str()).collect();
            let length = text.chars().count();
            let begun = ids.iter().filter_map(|id| id.get(..length));
            let begun = nearest(text, begun);
            let called = ids
                .iter()
                .filter(|id| begun.iter().any(|begun| id.starts_with(begun)));
            near = called.map(|id| begun_of(id, 0)).collect();
        }
        let text = text.to_owned();
        Self::Unknown { text, near }
    }

    /// That the ids of several of these backups begin so.
    #[must_use]
    pub fn ambiguous<'a>(text: &str, backups: impl IntoIterator<Item = &'a Backup>) -> Self {
        let ids = backups.into_iter().map(|backup| backup.id.0.as_str());
        let near = ids.filter(|id| id.starts_with(text));
        let near = near.map(|id| begun_of(id, text.len() + TELLS_APART)).collect();
        let text = text.to_owned();
        Self::Ambiguous { text, near }
    }
}

/// As much of an id as people are shown, or more of it.
fn begun_of(id: &str, at_least: usize) -> String {
    let short = BackupId(id.to_owned()).short().len();
    id.get(..short.max(at_least)).unwrap_or(id).to_owned()
}

fn among(near: &[String]) -> String {
    match near {
        [] => String::new(),
        _ => format!(" ({})", near.join(", ")),
    }
}

fn unknown(text: &str, near: &[String]) -> String {
    if matches!(text, "upgrade" | "safety" | RECENT | LATEST) {
        let good = if text == LATEST { " that is good" } else { "" };
        return format!("there is no {text} backup{good}");
    }
    if !near.is_empty() {
        return format!("there is no backup \"{text}\"{}", question(near));
    }
    format!(
        "there is no backup \"{text}\": give an id, a unique beginning of one, a slot's name (monthly, weekly, daily, manual), \
         \"latest\", \"recent\", \"upgrade\" or \"safety\""
    )
}

fn not_good(slot: Slot, backup: &Backup) -> ChoiceError {
    let why = match &backup.verification {
        Verification::Damaged { why, .. } => format!("was found damaged: {why}"),
        Verification::Unverified => "was never read back".to_owned(),
        Verification::Verified { .. } => "did not come back whole in a drill".to_owned(),
    };
    let why = format!(
        "no good backup holds the {slot} slot: {} of {} {why}. To look at it all the same, give its id",
        backup.id,
        measure::moment(backup.manifest.taken)
    );
    ChoiceError::NotGood { why }
}

/// Whether this stands for a backup, whichever that is: a slot's name or one of the other words that [`choose`] knows.
#[must_use]
pub fn is_word(text: &str) -> bool {
    text.parse::<Slot>().is_ok() || matches!(text, "upgrade" | "safety" | RECENT | LATEST)
}

/// Finds the backup that a person means: a slot's name, `upgrade`, `safety` or `recent` for the newest of those, `latest` for
/// the newest good one of any kind but safety backups, an id, or a unique beginning of one. One that is dated ahead of the clock is found by its id only.
///
/// # Errors
/// [`ChoiceError`] when nothing or more than one thing fits.
pub fn choose<'a>(backups: &'a [Backup], text: &str) -> Result<&'a Backup, ChoiceError> {
    let newest = |fits: &dyn Fn(&Backup) -> bool| {
        backups
            .iter()
            .filter(|backup| fits(backup) && !backup.dated_ahead)
            .max_by_key(|backup| backup.manifest.taken)
    };
    if let Ok(slot) = text.parse::<Slot>() {
        return newest(&|backup| backup.is_good() && backup.is_for(slot)).ok_or_else(|| {
            newest(&|backup| backup.is_for(slot))
                .map_or(ChoiceError::EmptySlot { slot }, |backup| not_good(slot, backup))
        });
    }
    let by_trigger = match text {
        "upgrade" => newest(&|backup| matches!(backup.manifest.trigger, Trigger::Upgrade { .. })),
        "safety" => newest(&|backup| backup.manifest.trigger == Trigger::Restore),
        RECENT => newest(&|backup| backup.is_good() && backup.is_recent()),
        LATEST => newest(&Backup::is_good_of_live),
        _ => None,
    };
    if let Some(backup) = by_trigger {
        return Ok(backup);
    }
    let mut matches = backups
        .iter()
        .filter(|backup| !text.is_empty() && backup.id.0.starts_with(text));
    match (matches.next(), matches.next()) {
        (Some(backup), None) => Ok(backup),
        (Some(_), Some(_)) => Err(ChoiceError::ambiguous(text, backups)),
        (None, _) => by_earlier_id(backups, text),
    }
}

/// One that had such an id before it was pinned or extended: whoever has noted that means it.
fn by_earlier_id<'a>(backups: &'a [Backup], text: &str) -> Result<&'a Backup, ChoiceError> {
    let was_called = |backup: &&Backup| {
        let mut earlier = backup.manifest.earlier.iter();
        !text.is_empty() && earlier.any(|id| id.0.starts_with(text))
    };
    let mut matches = backups.iter().filter(was_called);
    match (matches.next(), matches.next()) {
        (Some(backup), None) => Ok(backup),
        (Some(_), Some(_)) => Err(ChoiceError::Ambiguous {
            text: text.to_owned(),
            near: Vec::new(),
        }),
        (None, _) => Err(ChoiceError::unknown(text, backups)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_badly_is_asked_about() {
        let said = |text: &str| ChoiceError::unknown(text, []).to_string();
        assert_eq!(
            said("weekl"),
            "there is no backup \"weekl\": did you mean weekly?"
        );
        assert_eq!(said("Daily"), "there is no backup \"Daily\": did you mean daily?");
        assert_eq!(
            said("updgrade"),
            "there is no backup \"updgrade\": did you mean upgrade?"
        );
        assert!(said("7a").contains("give an id, a unique beginning of one"));
    }

    #[test]
    fn programs_read_what_was_meant_and_older_answers_without_it() {
        let error = ChoiceError::unknown("weekl", []);
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(
            json,
            serde_json::json!({ "choice": "unknown", "text": "weekl", "near": ["weekly"] })
        );
        assert_eq!(serde_json::from_value::<ChoiceError>(json).unwrap(), error);
        let older = serde_json::json!({ "choice": "unknown", "text": "weekl" });
        let older: ChoiceError = serde_json::from_value(older).unwrap();
        assert!(older.near().is_empty());
        let older = serde_json::json!({ "choice": "empty_slot", "text": "weekly" });
        let older: ChoiceError = serde_json::from_value(older).unwrap();
        assert_eq!(older, ChoiceError::EmptySlot { slot: Slot::Weekly });
    }
}
