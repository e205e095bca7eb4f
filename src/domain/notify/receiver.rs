//! Who is told, and what each wants to be told of.

use chrono::Duration;

use super::{AliveSettings, Message, Quiet, ReceiverKind, ReceiverSettings, Topic};
use crate::domain::activity::Severity;
use crate::domain::environment::EnvironmentName;

/// A receiver, ready to be asked what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// As it is written.
    pub settings: ReceiverSettings,
    /// Whether it is called after each round of the schedule, and told of nothing else.
    pub rounds: bool,
}

impl Receiver {
    /// All receivers of a configuration.
    #[must_use]
    pub fn all(notify: &[ReceiverSettings], alive: &[AliveSettings]) -> Vec<Self> {
        let told = notify.iter().map(|settings| Self {
            settings: settings.clone(),
            rounds: false,
        });
        let called = alive.iter().map(|alive| Self {
            settings: alive.receiver(),
            rounds: alive.rounds,
        });
        told.chain(called).collect()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The least severity that it is told of.
    #[must_use]
    pub fn least(&self) -> Severity {
        let usual = if self.settings.events.is_empty() {
            Severity::Warning
        } else {
            Severity::Information
        };
        self.settings.severity.unwrap_or(usual)
    }

    /// Whether it is told of an environment. What belongs to none is told to whoever is told of all.
    #[must_use]
    pub fn covers(&self, environment: Option<&EnvironmentName>) -> bool {
        let patterns = &self.settings.environments;
        !self.rounds
            && match environment {
                Some(name) => patterns.is_empty() || patterns.iter().any(|pattern| pattern.names(name)),
                None => patterns.is_empty() || self.settings.events.contains(&Topic::Undelivered),
            }
    }

    /// Whether it wants to be told of this.
    #[must_use]
    pub fn wants(&self, message: &Message) -> bool {
        let events = &self.settings.events;
        // Beginnings are for those who ask for them, and for whoever wants to hear of every restore.
        let is_named = match message.topic {
            Topic::BackupBegun => events.contains(&Topic::BackupBegun),
            topic => events.is_empty() || events.contains(&topic),
        };
        is_named && weight(message) >= self.least() && self.covers(message.environment.as_ref())
    }

    /// The hours in which only what is critical is told.
    #[must_use]
    pub fn quiet(&self) -> Option<Quiet> {
        self.settings.quiet.map(Quiet)
    }

    /// Within which time the same is told once. Zero where each counts.
    #[must_use]
    pub fn fold(&self) -> Duration {
        if self.settings.kind == ReceiverKind::Alive {
            return Duration::zero();
        }
        Duration::from_std(self.settings.fold.duration()).unwrap_or_default()
    }

    /// After which time a message that was not taken is given up.
    #[must_use]
    pub fn gives_up_after(&self) -> Duration {
        Duration::from_std(self.settings.give_up.duration()).unwrap_or_default()
    }
}

/// How serious something is for who is told. Who hears that Live is about to be changed hears how that ended.
pub(super) fn weight(message: &Message) -> Severity {
    match message.topic {
        Topic::RestoreDone => message.severity.max(Severity::Warning),
        _ => message.severity,
    }
}

/// What is wrong with receivers beside one another: two of the same name.
#[must_use]
pub fn receivers_wrong(names: &[&str]) -> Option<String> {
    let twice = names
        .iter()
        .enumerate()
        .find(|(index, name)| names.iter().take(*index).any(|before| before == *name));
    twice.map(|(_, name)| {
        format!(
            "the receiver \"{name}\" is there twice: give each [[notify]] and [[alive]] a name of its own"
        )
    })
}
