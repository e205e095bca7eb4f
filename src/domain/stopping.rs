//! Who stops Magnolia before a restore and starts it afterwards.

use serde::{Deserialize, Serialize};

/// Who stops Magnolia before a restore and starts it afterwards, as sentences without their ends.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stopping {
    /// What somebody has to do. A plan has it among its `warnings` as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<String>,
    /// What is done by configured hooks, or need not be done at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hooks: Vec<String>,
}

impl Stopping {
    /// Whether nothing is said, as in a plan of an older Lifeboat.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
