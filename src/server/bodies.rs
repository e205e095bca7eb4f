//! What is sent to the service beside the path: the bodies and queries of its operations. Unknown fields are refused, so
//! that a slip of the pen is found at once.
//!
//! What is answered has no types here: those are the domain's.

pub(super) mod explore;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::elsewhere::Elsewhere;
use crate::domain::free_text::{self, TEXT_LIMIT};
use crate::domain::job::JobId;
use crate::domain::plan::{PlanId, Selection};
use crate::domain::settings::RepositoryChoice;
use crate::domain::version::MagnoliaVersion;

/// The most entries of a list that can be asked for at once.
pub const LIST_LIMIT: u32 = 20_000;
/// The entries of a list when nobody says how many.
const USUAL_LIMIT: u32 = 100;
/// The most names that a part of a backup is chosen by. Other numbers in [`SelectedParts`] say the same.
const NAMES_LIMIT: usize = 500;
/// The most characters of the name of a workspace, which is that of a folder.
const NAME_LIMIT: usize = 255;

/// Which environments to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnlyOne {
    /// Only this environment, PROJECT/ENVIRONMENT.
    #[serde(default)]
    pub(super) environment: Option<crate::domain::environment::EnvironmentName>,
}

/// Which jobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichJobs {
    /// Only those of this environment, PROJECT/ENVIRONMENT.
    #[serde(default)]
    pub(super) environment: Option<crate::domain::environment::EnvironmentName>,
    /// At most so many, newest first.
    #[serde(default = "usual_limit", deserialize_with = "limit")]
    #[schemars(range(min = 1, max = 20_000))]
    pub(super) limit: u32,
}

/// How many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HowMany {
    /// At most so many, newest first.
    #[serde(default = "usual_limit", deserialize_with = "limit")]
    #[schemars(range(min = 1, max = 20_000))]
    pub(super) limit: u32,
}

/// Which lines of a job's log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichLines {
    /// Only those after this one; 0 for all.
    #[serde(default, deserialize_with = "number")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub(super) after: u64,
}

/// Up to which notification.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    /// The number of the newest one that was seen.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    #[serde(deserialize_with = "whole")]
    pub(super) up_to: u64,
}

/// A backup to take.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBackup {
    /// Why, in the words of whoever asks.
    #[serde(default, deserialize_with = "some_text")]
    #[schemars(transform = plain_text)]
    pub(super) note: Option<String>,
    /// Before an upgrade of Magnolia to this version; a manual backup without it.
    #[serde(default, deserialize_with = "version")]
    #[schemars(with = "Option<String>", transform = plain_text)]
    pub(super) upgrade_to: Option<MagnoliaVersion>,
}

/// A restore to plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPlan {
    /// From which backup: an id, a unique beginning of one, or a slot's name.
    #[serde(deserialize_with = "text")]
    #[schemars(transform = plain_text)]
    pub(super) backup: String,
    /// Which part of it.
    #[serde(default, deserialize_with = "object")]
    pub(super) selection: SelectedParts,
    /// Whether the safety backup is left out.
    #[serde(default)]
    pub(super) without_safety: bool,
    /// Whether everything is put back also where nothing would change. Without it such a restore says so and ends.
    #[serde(default)]
    pub(super) even_if_unchanged: bool,
    /// From which of the two repositories.
    #[serde(default)]
    pub(super) from: RepositoryChoice,
}

/// Which part of a backup. Empty lists mean everything.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SelectedParts {
    /// Only these instances.
    #[serde(deserialize_with = "few")]
    #[schemars(length(max = 500))]
    instances: Vec<crate::domain::environment::InstanceName>,
    /// Only these workspaces.
    #[serde(deserialize_with = "few_names")]
    #[schemars(
        length(max = 500),
        inner(length(max = 255), regex(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"))
    )]
    workspaces: Vec<String>,
    /// Of these workspaces only these nodes with all that is below them, written `/WORKSPACE/NODE/…`. Of
    /// content in folders, these folders and files.
    #[serde(deserialize_with = "few")]
    #[schemars(with = "Vec<String>", length(max = 500))]
    paths: Vec<crate::domain::explore::NodePath>,
}

impl From<SelectedParts> for Selection {
    fn from(parts: SelectedParts) -> Self {
        Self {
            instances: parts.instances,
            workspaces: parts.workspaces,
            paths: parts.paths,
        }
    }
}

/// A restore to start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRestore {
    /// The id of the plan that was looked at.
    pub(super) plan: PlanId,
    /// The environment's name as a person has typed it, PROJECT/ENVIRONMENT.
    pub(super) confirm: String,
    /// Begin it although nobody else has agreed, where somebody has to: why. It is told loudly.
    #[serde(default, deserialize_with = "some_text")]
    #[schemars(transform = plain_text)]
    pub(super) break_glass: Option<String>,
}

/// A restore to agree to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApproval {
    /// The id of the plan that waits.
    pub(super) plan: PlanId,
    /// The environment's name as a person has typed it, PROJECT/ENVIRONMENT.
    pub(super) confirm: String,
}

/// A restore not to agree to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRejection {
    /// The id of the plan that waits.
    pub(super) plan: PlanId,
    /// Why not.
    #[serde(default, deserialize_with = "some_text")]
    #[schemars(transform = plain_text)]
    pub(super) reason: Option<String>,
}

/// A confirmation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmed {
    /// The environment's name as a person has typed it, PROJECT/ENVIRONMENT.
    pub(super) confirm: String,
}

/// Which backup; none: for a verification all of them, for a drill the newest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichBackup {
    /// An id, a unique beginning of one, or a slot's name.
    #[serde(default, deserialize_with = "some_text")]
    #[schemars(transform = plain_text)]
    pub(super) backup: Option<String>,
}

/// Which receiver; none: all of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichReceiver {
    /// Its name in the configuration.
    #[serde(default, deserialize_with = "some_text")]
    #[schemars(transform = plain_text)]
    pub(super) name: Option<String>,
}

/// A restore into a place that is nobody's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewExtract {
    /// From which backup: an id, a unique beginning of one, or a slot's name.
    #[serde(deserialize_with = "text")]
    #[schemars(transform = plain_text)]
    pub(super) backup: String,
    /// Which part of it.
    #[serde(default, deserialize_with = "object")]
    pub(super) selection: SelectedParts,
    /// From which of the two repositories.
    #[serde(default)]
    pub(super) from: RepositoryChoice,
    /// Where to, on the service's machine.
    #[serde(deserialize_with = "object")]
    pub(super) into: Elsewhere,
}

/// A backup to keep on purpose.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPin {
    /// Until when; for ever without it.
    #[serde(default, deserialize_with = "end_of_pin")]
    pub(super) until: Option<crate::domain::Instant>,
    /// Why; shown to everybody who wonders.
    #[serde(default, deserialize_with = "some_text")]
    #[schemars(transform = plain_text)]
    pub(super) note: Option<String>,
}

/// A hold to set or to lift.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHold {
    /// On or off.
    pub(super) on: bool,
    /// Why; shown to everybody whom it keeps waiting.
    #[serde(default, deserialize_with = "some_text")]
    #[schemars(transform = plain_text)]
    pub(super) reason: Option<String>,
}

/// The job that was started.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Started {
    /// Its number.
    pub(super) job: JobId,
}

/// What was broken on purpose.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Broken {
    /// What, as a sentence.
    pub(super) broken: String,
}

fn usual_limit() -> u32 {
    USUAL_LIMIT
}

/// An object, and not a list of its values.
fn object<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let object = serde_json::Map::deserialize(deserializer)?;
    serde_json::from_value(object.into()).map_err(serde::de::Error::custom)
}

/// A number that every client can write: those of JavaScript are exact up to 2^53.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = u64::deserialize(deserializer)?;
    if number < 1 << 53 {
        Ok(number)
    } else {
        Err(serde::de::Error::custom(
            "a number is too large: at most 2^53 - 1",
        ))
    }
}

/// As [`number`], from JSON, where `7.0` is a whole number as well.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let text = number.to_string();
    let text = text.strip_suffix(".0").unwrap_or(&text);
    text.parse()
        .ok()
        .filter(|number: &u64| *number < 1 << 53)
        .ok_or_else(|| serde::de::Error::custom("a number has to be a whole one, from 0 to 2^53 - 1"))
}

fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let limit = u32::deserialize(deserializer)?;
    if (1..=LIST_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(serde::de::Error::custom(format!(
            "limit has to be from 1 to {LIST_LIMIT}"
        )))
    }
}

/// A text for people: not endless, and without the characters that no store and no terminal takes.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Names go through here as well: they are taken as they are.
    free_text::optional(&text).map_err(serde::de::Error::custom)?;
    Ok(text)
}

fn some_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "text")] String);
    Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(text)| text))
}

/// A list of names that is not endless.
fn few<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let names = Vec::deserialize(deserializer)?;
    if names.len() > NAMES_LIMIT {
        return Err(serde::de::Error::custom(format!(
            "a list is too long: at most {NAMES_LIMIT} names"
        )));
    }
    Ok(names)
}

/// As [`few`], each a [`text`] that can be a name.
fn few_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Name(#[serde(deserialize_with = "text")] String);
    let names: Vec<String> = few(deserializer)?.into_iter().map(|Name(name)| name).collect();
    if names.iter().any(|name| name.chars().count() > NAME_LIMIT) {
        return Err(serde::de::Error::custom(format!(
            "a name is too long: at most {NAME_LIMIT} characters"
        )));
    }
    Ok(names)
}

/// A time that a pin can hold until.
fn end_of_pin<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<crate::domain::Instant>, D::Error> {
    let until = Option::<crate::domain::Instant>::deserialize(deserializer)?;
    let until = until.map(crate::domain::pin::end_at).transpose();
    until.map_err(serde::de::Error::custom)
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MagnoliaVersion>, D::Error> {
    Ok(some_text(deserializer)?.map(MagnoliaVersion))
}

/// What [`text`] accepts, for the description.
fn plain_text(schema: &mut Schema) {
    schema.insert("maxLength".to_owned(), TEXT_LIMIT.into());
    schema.insert(
        "pattern".to_owned(),
        "^[^\\u0000-\\u001f\\u007f-\\u009f]*$".into(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_odd_texts_are_refused() {
        let good = r#"{"note":"before the fair","upgrade_to":null}"#;
        assert!(serde_json::from_str::<NewBackup>(good).is_ok());
        assert!(serde_json::from_str::<NewBackup>("{}").is_ok());
        let long = format!(r#"{{"note":"{}"}}"#, "x".repeat(TEXT_LIMIT + 1));
        for bad in [
            r#"{"note":"a\u0000b"}"#,
            r#"{"notes":"x"}"#,
            r#"{"note":7}"#,
            &long,
        ] {
            assert!(serde_json::from_str::<NewBackup>(bad).is_err(), "{bad}");
        }
        for bad in [
            "18446744073709551615",
            "9007199254740992",
            "-1",
            "1.5",
            "1e300",
            "null",
        ] {
            assert!(
                serde_json::from_str::<Seen>(&format!(r#"{{"up_to":{bad}}}"#)).is_err(),
                "{bad}"
            );
        }
        assert!(serde_json::from_str::<NewPin>(r#"{"until":"9999-12-31T00:00:00Z"}"#).is_ok());
        assert!(serde_json::from_str::<NewPin>(r#"{"until":null}"#).is_ok());
        for late in ["9999-12-31T00:00:01Z", "+30000-01-01T00:00:00Z"] {
            let error = serde_json::from_str::<NewPin>(&format!(r#"{{"until":"{late}"}}"#)).unwrap_err();
            assert!(
                error.to_string().contains("9999-12-30 is the last one"),
                "{error}"
            );
        }
        let seen: Seen = serde_json::from_str(r#"{"up_to":62591.0}"#).unwrap();
        assert_eq!(seen.up_to, 62_591);
    }
}
