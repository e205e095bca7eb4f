//! What differs between two readings of the configuration, as far as it is the engine's: what a program that runs can take
//! over, and what it cannot.

use std::collections::BTreeMap;

use super::Config;
use crate::domain::settings::EnvironmentSettings;

/// What differs between two readings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Environments that are new, have changed or are gone, each as a sentence without its end; and receivers.
    pub taken: Vec<String>,
    /// What is used by a program that is started after it only, by the names of the settings.
    pub at_a_start: Vec<String>,
}

impl Changes {
    /// What `after` has otherwise than `before`.
    #[must_use]
    pub fn between(before: &Config, after: &Config) -> Self {
        let mut changes = Self::default();
        let mut note = |is_new: bool, what: &str| {
            if is_new {
                changes.at_a_start.push(what.to_owned());
            }
        };
        note(before.repository != after.repository, "[repository]");
        note(before.catalog != after.catalog, "catalog");
        note(before.state != after.state, "state");
        note(before.limits != after.limits, "[engine]");
        if before.receivers != after.receivers {
            changes.taken.push("[[notify]] and [[alive]]".to_owned());
        }
        let (old, new) = (by_name(before), by_name(after));
        for (name, settings) in &new {
            match old.get(name) {
                None => changes.taken.push(format!("{name} is new")),
                Some(other) if other != settings => changes.taken.push(format!("{name} has changed")),
                Some(_) => {}
            }
        }
        let gone = old.keys().filter(|name| !new.contains_key(*name));
        changes.taken.extend(gone.map(|name| format!("{name} is gone")));
        changes
    }

    /// What a service uses at its start only, beside what an engine does: how it is reached.
    #[must_use]
    pub fn of_server(before: &Config, after: &Config) -> Vec<String> {
        let (old, new) = (&before.server, &after.server);
        let parts = [
            (old.listen != new.listen, "listen of [server]"),
            (old.tls != new.tls, "[server.tls]"),
            (old.plain_http != new.plain_http, "plain_http of [server]"),
            (old.proxies != new.proxies, "proxies of [server]"),
            (old.metrics != new.metrics, "metrics of [server]"),
            (old.stop_within != new.stop_within, "stop_within of [server]"),
            (old.limits != new.limits, "[server.limits]"),
        ];
        let changed = parts.into_iter().filter(|(is_new, _)| *is_new);
        changed.map(|(_, name)| name.to_owned()).collect()
    }
}

fn by_name(config: &Config) -> BTreeMap<String, EnvironmentSettings> {
    let environments = config.environments.iter();
    environments
        .filter_map(|environment| {
            let name = environment.environment_name().ok()?;
            Some((name.to_string(), environment.clone()))
        })
        .collect()
}
