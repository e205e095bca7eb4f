//! The two versions that every backup carries: the customer's release and the Magnolia software.
//!
//! Not in here: where a version is read from (a string, a file or a command); the engine does that.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A deployed code release of the customer, written `v<index>` and counted from 1.
///
/// Operators sometimes deploy from elsewhere and call their releases something else, so any text is kept as it is;
/// only [`ReleaseVersion::index`] asks for the `v<index>` form.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseVersion(pub String);

impl ReleaseVersion {
    /// A release by its index: `ReleaseVersion::numbered(12)` is `v12`.
    #[must_use]
    pub fn numbered(index: u32) -> Self {
        Self(format!("v{index}"))
    }

    /// The index of a `v<index>` release; `None` for any other text and for `v0`, since releases count from 1.
    #[must_use]
    pub fn index(&self) -> Option<u32> {
        self.0.strip_prefix('v')?.parse().ok().filter(|index| *index > 0)
    }
}

impl fmt::Display for ReleaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The version of the Magnolia software, for example `6.3.4`.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MagnoliaVersion(pub String);

impl fmt::Display for MagnoliaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What runs in an environment at one moment: both versions together.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The customer's release.
    pub release: ReleaseVersion,
    /// The Magnolia software.
    pub magnolia: MagnoliaVersion,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_count_from_one() {
        assert_eq!(ReleaseVersion::numbered(12).to_string(), "v12");
        assert_eq!(ReleaseVersion::numbered(12).index(), Some(12));
        assert_eq!(ReleaseVersion("v0".into()).index(), None);
        assert_eq!(ReleaseVersion("2026-11".into()).index(), None);
    }
}
