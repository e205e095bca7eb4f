//! How far a comparison is, for whoever waits for it. Not the comparison: that is `diff`.

use crate::domain::environment::InstanceName;
use crate::domain::explore::{FirstLook, NodePath, Source};

/// A workspace that is being compared.
#[derive(Clone, Default)]
pub(super) struct At {
    pub(super) path: NodePath,
    /// How many come after it.
    pub(super) others: u64,
    /// How far the comparison was when it began with this one.
    pub(super) begun: (u64, u64),
}

/// How far a comparison with a source is in the workspace that it is at.
///
/// `at` is `None` until it is known what is to be compared, which a database that is slow to list its tables can make long:
/// the first of the instances stands for all of them then, with no workspace. `None` where there is no instance.
pub(super) fn how_far(
    source: Source,
    instances: impl IntoIterator<Item = InstanceName>,
    at: Option<At>,
    (done, total): (u64, u64),
) -> Option<FirstLook> {
    let At { path, others, begun } = at.unwrap_or_default();
    let instance = path.instance.or_else(|| instances.into_iter().next());
    Some(FirstLook {
        source,
        instance: instance?,
        workspace: path.workspace.unwrap_or_default(),
        done: done.saturating_sub(begun.0),
        total: total.saturating_sub(begun.1),
        others,
        comparing: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_that_does_not_know_yet_what_it_compares_has_begun() {
        let instances: [InstanceName; 2] = ["author".parse().unwrap(), "public".parse().unwrap()];
        let look = how_far(Source::Live, instances.clone(), None, (0, 0)).unwrap();
        assert_eq!((look.instance.as_str(), look.workspace.as_str()), ("author", ""));
        assert!(look.comparing);
        let at = At {
            path: "public:/website".parse().unwrap(),
            others: 1,
            begun: (40, 100),
        };
        let look = how_far(Source::Live, instances, Some(at), (50, 120)).unwrap();
        assert_eq!(
            (look.instance.as_str(), look.workspace.as_str()),
            ("public", "website")
        );
        assert_eq!((look.done, look.total, look.others), (10, 20, 1));
    }
}
