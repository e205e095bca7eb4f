//! How long search indexes take to be built anew after a restore has removed them: what was seen the last time, and a guess
//! where nobody has seen it yet. Until then an instance is not up, or does not find what it has.
//!
//! What is seen is the time from the end of the hooks to the first answer that says that the instance is up. It is kept
//! per instance, across restores. Not in here: removing them (`search_indexes`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::journal::Journal;
use crate::domain::Instant;
use crate::domain::backup::InstanceCopy;
use crate::domain::environment::{InstanceName, WorkspaceKind};
use crate::domain::job::InstanceHealth;
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::domain::principal::Principal;
use crate::domain::settings::InstanceSettings;
use crate::engine::Live;
use crate::engine::jobs::papers::name_of;

/// What the records of what was seen are called.
const KIND: &str = "indexing";

/// So many nodes a second are taken for granted where nothing was seen: what Jackrabbit does on a machine of some years
/// whose content has little text in binaries. Only ever told as a guess.
const NODES_A_SECOND: u64 = 500;

/// What was seen of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    nodes: u64,
    millis: u64,
    at: Instant,
}

/// What is to be indexed in one instance, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Indexing {
    nodes: u64,
    seen: Option<Seen>,
}

impl Indexing {
    /// How long it should take. What was seen has the start of Magnolia in it, so that fewer nodes do not make it shorter.
    pub(super) fn time(&self) -> Duration {
        let millis = match self.seen {
            Some(seen) => {
                let scaled = u128::from(seen.millis) * u128::from(self.nodes) / u128::from(seen.nodes.max(1));
                seen.millis.max(u64::try_from(scaled).unwrap_or(u64::MAX))
            }
            None => self.nodes.saturating_mul(1000) / NODES_A_SECOND,
        };
        // No clock counts longer than a day here.
        Duration::from_millis(millis).min(Duration::from_hours(24))
    }

    fn sentence(&self, instance: &InstanceName) -> String {
        // To the second would be more than is known.
        let time = measure::between(Instant::default(), Instant::default() + self.time());
        let nodes = measure::nodes(self.nodes);
        let basis = match self.seen {
            Some(seen) => format!(
                "as was seen at {}: {} took {}",
                measure::moment(seen.at),
                measure::nodes(seen.nodes),
                measure::millis(seen.millis)
            ),
            None => "a guess, since nobody has seen it yet".to_owned(),
        };
        format!(
            "the search indexes of {instance} are built anew when Magnolia starts: about {time} for {nodes} ({basis}). \
             Until then it is not up, or does not find everything"
        )
    }
}

impl Live {
    /// What a plan says of the search indexes of an instance.
    pub(super) fn indexing_of(
        &self,
        instance: &InstanceSettings,
        copy: &InstanceCopy,
        selection: &Selection,
    ) -> Option<String> {
        if self.place(instance).search_indexes().is_none_or(<[_]>::is_empty) {
            return None;
        }
        let nodes = nodes(copy, &|workspace| selection.has_workspace(workspace));
        let seen = self.seen().get(&instance.name).copied();
        (nodes > 0).then(|| Indexing { nodes, seen }.sentence(&instance.name))
    }

    /// What the instances of a restore have to index, once their indexes are removed.
    pub(super) fn indexing_after(&self, journal: &Journal) -> BTreeMap<InstanceName, Indexing> {
        let has_indexes = |instance: &InstanceName| {
            let place = self.place_of(instance);
            place.is_some_and(|place| place.search_indexes().is_some_and(|indexes| !indexes.is_empty()))
        };
        let records = journal.instances.iter();
        let records: Vec<_> = records.filter(|record| has_indexes(&record.instance)).collect();
        if records.is_empty() {
            return BTreeMap::new();
        }
        // A backup that cannot be read now, or that nobody knows any more, tells nothing.
        let Ok(backup) = self.find_backup(&journal.backup) else {
            return BTreeMap::new();
        };
        let seen = self.seen();
        let indexing = records.into_iter().filter_map(|record| {
            let mut copies = backup.manifest.instances.iter();
            let copy = copies.find(|copy| copy.name == record.instance)?;
            let restored = record.beside.workspaces();
            let nodes = nodes(copy, &|workspace| restored.iter().any(|name| name == workspace));
            let seen = seen.get(&record.instance).copied();
            Some((record.instance.clone(), Indexing { nodes, seen }))
        });
        indexing.filter(|(_, indexing)| indexing.nodes > 0).collect()
    }

    /// Remembers how long the instances took that are up.
    pub(super) fn note_indexing(
        &self,
        indexing: &BTreeMap<InstanceName, Indexing>,
        answers: &[(InstanceHealth, Duration)],
    ) {
        let now = self.now();
        let news: BTreeMap<InstanceName, Seen> = answers
            .iter()
            .filter(|(health, _)| health.up)
            .filter_map(|(health, took)| {
                let seen = Seen {
                    nodes: indexing.get(&health.instance)?.nodes,
                    millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    at: now,
                };
                Some((health.instance.clone(), seen))
            })
            .collect();
        if news.is_empty() {
            return;
        }
        let mut all = self.seen();
        all.extend(news);
        if let Err(error) = self.papers().write(KIND, &name_of(self.name()), &all) {
            let error = self.paper_failed("writing to", KIND)(error);
            self.remember_warning(&Principal::Lifeboat, &error.to_string());
        }
    }

    /// What was seen. What cannot be read counts as not seen.
    fn seen(&self) -> BTreeMap<InstanceName, Seen> {
        let read = self.papers().read(KIND, &name_of(self.name()));
        read.ok().flatten().unwrap_or_default()
    }
}

/// How many nodes a copy has in these workspaces.
fn nodes(copy: &InstanceCopy, is_chosen: &dyn Fn(&str) -> bool) -> u64 {
    let workspaces = copy.workspaces.iter();
    workspaces
        .filter(|workspace| WorkspaceKind::of(&workspace.name) != WorkspaceKind::Shared)
        .filter(|workspace| is_chosen(&workspace.name))
        .map(|workspace| workspace.items)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_counts_and_grows_with_the_nodes_and_else_it_is_a_guess() {
        let guess = Indexing {
            nodes: 60_000,
            seen: None,
        };
        assert_eq!(guess.time(), Duration::from_mins(2));
        let author: InstanceName = "author".parse().unwrap();
        assert!(
            guess
                .sentence(&author)
                .contains("about 2 min for 60,000 nodes (a guess")
        );
        let seen = Seen {
            nodes: 10_000,
            millis: 240_000,
            at: Instant::default(),
        };
        let after = |nodes| Indexing {
            nodes,
            seen: Some(seen),
        };
        assert_eq!(after(20_000).time(), Duration::from_mins(8));
        assert_eq!(after(100).time(), Duration::from_mins(4));
        assert_eq!(after(u64::MAX).time(), Duration::from_hours(24));
        let sentence = after(20_000).sentence(&author);
        assert!(sentence.contains("10,000 nodes took 4 min"), "{sentence}");
    }
}
