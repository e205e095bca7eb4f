//! What there was before a round, and what it is compared with.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::live::Parts;

/// See the module.
pub struct Before {
    pub live: Parts,
    /// What Live holds when the action is done.
    pub goal: Parts,
    pub records: BTreeSet<String>,
    pub backups: Vec<Value>,
}

impl Before {
    /// The newest good backup of each slot stands, or a newer one; and so does every other that nobody has deleted.
    pub fn backups_stand(&self, now: &[Value], may_delete: bool) -> Result<(), String> {
        let mut deleted = u64::from(may_delete);
        for backup in &self.backups {
            if now.iter().any(|other| id(other) == id(backup)) {
                continue;
            }
            let slots: Vec<_> = backup["slots"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let is_replaced = |slot: &&str| {
                now.iter()
                    .any(|other| has_slot(other, slot) && other["taken"].as_str() > backup["taken"].as_str())
            };
            if slots.is_empty() && deleted > 0 {
                deleted -= 1;
            } else if slots.is_empty() || !slots.iter().all(is_replaced) {
                return Err(format!(
                    "the backup {} is gone, of the slots {slots:?}",
                    id(backup)
                ));
            }
        }
        match now
            .iter()
            .find(|backup| backup["verification"]["state"] != "verified")
        {
            Some(backup) => Err(format!("the backup {} is {}", id(backup), backup["verification"])),
            None => Ok(()),
        }
    }

    /// Which parts of Live are old, new or neither.
    pub fn differences(&self, live: &Parts) -> String {
        let mut text = String::new();
        for part in live.keys().chain(self.live.keys()).collect::<BTreeSet<_>>() {
            let is = live.get(part);
            let what = match (is == self.live.get(part), is == self.goal.get(part)) {
                (true, true) => continue,
                (true, false) => "old",
                (false, true) => "new",
                (false, false) => "neither",
            };
            write!(text, "{part} is {what}; ").unwrap();
        }
        text
    }
}

/// The id of a backup that was listed.
pub fn id(backup: &Value) -> String {
    backup["id"].as_str().unwrap().to_owned()
}

pub fn has_slot(backup: &Value, slot: &str) -> bool {
    backup["slots"]
        .as_array()
        .unwrap()
        .iter()
        .any(|known| known == slot)
}
