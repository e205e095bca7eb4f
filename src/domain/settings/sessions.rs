//! Who may stay connected to a database while a restore exchanges its tables, as an operator configures it.
//!
//! Not in here: who is connected (`content::postgres::sessions`), and when that is asked (`engine::restore`).

use std::fmt;
use std::net::IpAddr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::domain::limit::TimeLimit;

/// What sessions of others mean for a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "SessionKeys")]
pub struct SessionSettings {
    /// Whether whoever is connected may stay.
    pub all: bool,
    /// Programs that may stay, by the name that they have given themselves (`application_name`).
    pub programs: Vec<String>,
    /// Addresses that may stay: `10.0.0.5`, `10.1.0.0/16`, or `socket`.
    pub addresses: Vec<String>,
    /// Users of the database that may stay.
    pub users: Vec<String>,
    /// How long a restore waits for the others to go.
    pub wait: TimeLimit,
}

impl SessionSettings {
    /// How long is waited where nothing is written: the server sees at once that a program has ended, and a pool that is
    /// being closed takes seconds.
    pub const WAIT: TimeLimit = TimeLimit::seconds(10);

    /// The word for sessions over the server's socket, in place of an address.
    pub const SOCKET: &'static str = "socket";

    /// Whether this is what holds where nothing is written.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What is wrong with it, as a sentence; `None` when it holds together.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let is_empty = |names: &[String]| names.iter().any(|name| name.trim().is_empty());
        if is_empty(&self.programs) || is_empty(&self.users) {
            Some("sessions allows a program or a user without a name")
        } else if !self.addresses.iter().all(|address| is_address(address)) {
            Some(
                "allow_addresses of sessions takes addresses such as \"10.0.0.5\", networks such as \"10.1.0.0/16\", and \
                 \"socket\"",
            )
        } else {
            None
        }
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            all: false,
            programs: Vec::new(),
            addresses: Vec::new(),
            users: Vec::new(),
            wait: Self::WAIT,
        }
    }
}

fn is_address(text: &str) -> bool {
    if text == SessionSettings::SOCKET {
        return true;
    }
    let (address, network) = match text.split_once('/') {
        Some((address, network)) => (address, Some(network)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    network.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// What may be written.
const FORM: &str = "\"allow\", or { wait = \"10s\", allow_programs = [\"…\"], allow_addresses = [\"…\"], allow_users = [\"…\"] }";

/// [`SessionSettings`] as they may be written: the word, or a table.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum SessionKeys {
    Word(Word),
    Table(SessionTable),
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionTable {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<TimeLimit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allow_programs: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allow_addresses: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allow_users: Vec<String>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Allow,
}

/// Read by itself and not as one of two forms: of two that do not fit, nobody is told why the right one does not.
impl<'de> Deserialize<'de> for SessionSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let settings = deserializer.deserialize_any(Reads)?;
        match settings.wrong() {
            Some(wrong) => Err(de::Error::custom(wrong)),
            None => Ok(settings),
        }
    }
}

struct Reads;

impl<'de> Visitor<'de> for Reads {
    type Value = SessionSettings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sessions to be {FORM}")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<SessionSettings, E> {
        if word == "allow" {
            return Ok(SessionSettings {
                all: true,
                ..SessionSettings::default()
            });
        }
        Err(E::custom(format!("sessions has to be {FORM}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SessionSettings, A::Error> {
        let table = SessionTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(SessionSettings {
            all: false,
            programs: table.allow_programs,
            addresses: table.allow_addresses,
            users: table.allow_users,
            wait: table.wait.unwrap_or(SessionSettings::WAIT),
        })
    }
}

impl From<SessionSettings> for SessionKeys {
    fn from(settings: SessionSettings) -> Self {
        if settings.all {
            return Self::Word(Word::Allow);
        }
        Self::Table(SessionTable {
            wait: Some(settings.wait),
            allow_programs: settings.programs,
            allow_addresses: settings.addresses,
            allow_users: settings.users,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Keys {
        sessions: SessionSettings,
    }

    #[test]
    fn they_are_a_word_or_say_who_may_stay() {
        let read = |text: &str| toml::from_str::<Keys>(text).map(|keys| keys.sessions);
        assert!(read("sessions = \"allow\"").unwrap().all);
        let some =
            read("sessions = { wait = \"3s\", allow_addresses = [\"10.1.0.0/16\", \"socket\", \"::1\"] }")
                .unwrap();
        assert_eq!(
            (some.all, some.wait, some.wrong()),
            (false, TimeLimit::seconds(3), None)
        );
        for (wrong, told) in [
            ("sessions = \"refuse\"", "sessions has to be"),
            ("sessions = 3", "sessions to be"),
            ("sessions = { allow = [\"x\"] }", "allow_programs"),
            ("sessions = { wait = \"10\" }", "for example \"5m\""),
            ("sessions = { allow_users = [\" \"] }", "without a name"),
        ] {
            let why = read(wrong).unwrap_err().to_string();
            assert!(why.contains(told), "{wrong}: {why}");
        }
        for address in ["10.0.0", "10.0.0.0/33", "db.internal", ""] {
            let settings = SessionSettings {
                addresses: vec![address.to_owned()],
                ..SessionSettings::default()
            };
            assert!(settings.wrong().is_some(), "{address}");
            let why = read(&format!("sessions = {{ allow_addresses = [\"{address}\"] }}")).unwrap_err();
            assert!(why.to_string().contains("takes addresses"), "{why}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for settings in [
            SessionSettings {
                all: true,
                ..SessionSettings::default()
            },
            SessionSettings {
                programs: vec!["metabase".to_owned()],
                users: vec!["reports".to_owned()],
                wait: TimeLimit::seconds(90),
                ..SessionSettings::default()
            },
        ] {
            let keys = Keys { sessions: settings };
            let text = toml::to_string(&keys).unwrap();
            assert_eq!(toml::from_str::<Keys>(&text).unwrap(), keys, "{text}");
        }
    }
}
