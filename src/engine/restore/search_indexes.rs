//! Search indexes of what was restored go before Magnolia starts, since Jackrabbit builds one only where there is none.
//!
//! Each node of a cluster has its own. Those that are configured as reached from here are removed; of the others it is said
//! that somebody has to, beforehand in the plan and afterwards in the outcome. Not in here: where they are and how one is removed
//! (`content::search_indexes`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::journal::{InstanceRecord, Journal, SettledInstance};
use crate::content::search_indexes::places;
use crate::domain::activity::Severity;
use crate::domain::environment::InstanceName;
use crate::domain::measure::listed;
use crate::domain::plan::Selection;
use crate::domain::settings::{InstanceSettings, NodeSettings};
use crate::engine::Live;

/// What to do about indexes of a node that nobody has named.
const BY_HAND: &str = "remove them on its machine before it starts, or its searches are wrong";
/// The same of several.
const OF_EACH_BY_HAND: &str =
    "remove them on the machine of each before it starts, or its searches are wrong";

fn by_hand(nodes: usize) -> &'static str {
    if nodes == 1 { BY_HAND } else { OF_EACH_BY_HAND }
}

impl Live {
    /// Removes the folders of search indexes of what was restored: Jackrabbit builds one only where there is none.
    pub(super) fn remove_search_indexes(
        &self,
        journal: &Journal,
        say: &dyn Fn(Severity, &str),
    ) -> Vec<String> {
        if journal.indexes_removed {
            return Vec::new();
        }
        let mut warnings = Vec::new();
        for record in &journal.instances {
            let behind = behind(&journal.settled, &record.instance);
            warnings.extend(self.remove_of(record, &behind, say));
        }
        let instances = journal.instances.iter();
        let instances = instances.filter_map(|record| self.settings_of(&record.instance));
        warnings.extend(instances.filter_map(|instance| self.unnamed_indexes(instance)));
        warnings.extend(self.left_on_other_machines(journal));
        let removed = Journal {
            indexes_removed: true,
            ..journal.clone()
        };
        // Without it, a crash before the end has the indexes removed once more.
        if let Err(error) = self.write_journal(&removed) {
            warnings.push(error.to_string());
        }
        warnings
    }

    /// A switch that was taken back has settled clusters too: those of their nodes that had not seen everything do not learn it
    /// any more, and their search indexes go. Only of those that a hook has stopped: one that runs needs its own. Returns what
    /// could not be removed, and what has to be removed by hand.
    pub(super) fn remove_overtaken_indexes(
        &self,
        settled: &[SettledInstance],
        journal: &Journal,
        say: &dyn Fn(Severity, &str),
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        for record in &journal.instances {
            let Some(settings) = self.settings_of(&record.instance) else {
                continue;
            };
            let mut by_hand = Vec::new();
            for id in behind(settled, &record.instance) {
                let mut nodes = settings.nodes.iter();
                let node = nodes.find(|node| node.cluster_id() == id && !node.search_indexes.is_empty());
                let is_stopped = |node: &&NodeSettings| {
                    !settings.hooks.before_restore.is_empty() || !node.hooks.before_restore.is_empty()
                };
                match node.filter(is_stopped) {
                    Some(node) => {
                        let patterns = node.search_indexes.iter();
                        let all = record.beside.all_workspaces();
                        warnings.extend(remove(
                            &record.instance,
                            patterns.map(|pattern| (pattern, all)),
                            say,
                        ));
                    }
                    None => by_hand.push(id.to_owned()),
                }
            }
            if !by_hand.is_empty() {
                warnings.push(format!(
                    "{} of the cluster of {} had not seen every change and does not learn of them any more: the search indexes of \
                     all its workspaces have to be removed while it stands still, or its searches are wrong",
                    listed(&by_hand),
                    record.instance
                ));
            }
        }
        warnings
    }

    /// Removes the search indexes of what was restored of an instance, and those of all workspaces where a node was behind.
    /// Returns what could not be removed.
    fn remove_of(
        &self,
        record: &InstanceRecord,
        behind: &[&str],
        say: &dyn Fn(Severity, &str),
    ) -> Vec<String> {
        let Some(place) = self.place_of(&record.instance) else {
            return Vec::new();
        };
        let workspaces = |is_behind: bool| {
            if is_behind {
                record.beside.all_workspaces()
            } else {
                record.beside.workspaces()
            }
        };
        // Whose those are that belong to no node in particular, nobody knows.
        let own = place.search_indexes().unwrap_or_default().iter();
        let own = own.map(|pattern| (pattern, workspaces(!behind.is_empty())));
        let nodes = self.settings_of(&record.instance).map(|settings| &settings.nodes);
        let of_nodes = nodes.into_iter().flatten().flat_map(|node| {
            let workspaces = workspaces(behind.contains(&node.cluster_id()));
            node.search_indexes
                .iter()
                .map(move |pattern| (pattern, workspaces))
        });
        remove(&record.instance, own.chain(of_nodes), say)
    }

    fn settings_of(&self, instance: &InstanceName) -> Option<&InstanceSettings> {
        let mut instances = self.settings().instances.iter();
        instances.find(|settings| settings.name == *instance)
    }

    /// What a plan says of the nodes of instances that are chosen: those that are configured, and those that their clusters know,
    /// by the names they know them by.
    pub(super) fn told_of_nodes(
        &self,
        selection: &Selection,
        clusters: &[(InstanceName, Vec<String>)],
    ) -> Vec<String> {
        let clusters = by_instance(clusters.iter().map(|(instance, ids)| (instance, ids)));
        let instances = self.settings().instances.iter();
        let chosen = instances.filter(|settings| selection.has_instance(&settings.name));
        let told = chosen.flat_map(|settings| {
            let ids = clusters.get(&settings.name).map_or(&[][..], Vec::as_slice);
            told_of(settings, ids)
        });
        told.collect()
    }

    /// That nobody has said where the search indexes of an instance are that has only one node. A plan says it beforehand,
    /// the outcome once more.
    pub(super) fn unnamed_indexes(&self, instance: &InstanceSettings) -> Option<String> {
        let place = self.place(instance);
        let is_unnamed = place.search_indexes().is_some_and(<[_]>::is_empty) && instance.nodes.is_empty();
        is_unnamed.then(|| {
            format!(
                "search_indexes of {} is not set, so its search indexes stay: unless a hook removes them before Magnolia \
                 starts, remove them by hand while it stands still, or its searches are wrong",
                instance.name
            )
        })
    }

    /// Whose search indexes are still there as far as anybody here knows. A node with hooks of its own around restores may
    /// have removed them in those, or may only have been stopped and started.
    fn left_on_other_machines(&self, journal: &Journal) -> Vec<String> {
        let settled = journal.settled.iter();
        let clusters = by_instance(settled.map(|settled| (&settled.instance, &settled.settled.nodes)));
        let left = journal.instances.iter().flat_map(|record| {
            let ids = clusters.get(&record.instance).map_or(&[][..], Vec::as_slice);
            let settings = self.settings_of(&record.instance);
            settings.map_or_else(Vec::new, |settings| left_of(settings, ids))
        });
        left.collect()
    }
}

/// What an outcome says of the search indexes of an instance's nodes that nobody here has removed.
fn left_of(settings: &InstanceSettings, ids: &[String]) -> Vec<String> {
    if !are_told(settings, ids) {
        return Vec::new();
    }
    let mut told: Vec<String> = unreached(settings, ids, |node| {
        node.search_indexes.is_empty() && !node.has_restore_hook()
    })
    .into_iter()
    .collect();
    let by_hooks = settings.nodes.iter();
    let by_hooks = by_hooks.filter(|node| node.search_indexes.is_empty() && node.has_restore_hook());
    let by_hooks: Vec<String> = by_hooks.map(|node| node.name.to_string()).collect();
    if !by_hooks.is_empty() {
        told.push(format!(
            "the search indexes of {} of {} are not reached from here: make sure that the hooks of the node have removed them before it \
             started, or its searches are wrong",
            listed(&by_hooks),
            settings.name
        ));
    }
    told
}

/// The nodes that the clusters of each instance know: one may have several.
fn by_instance<'c>(
    clusters: impl Iterator<Item = (&'c InstanceName, &'c Vec<String>)>,
) -> BTreeMap<&'c InstanceName, Vec<String>> {
    let mut all: BTreeMap<&InstanceName, BTreeSet<&String>> = BTreeMap::new();
    for (instance, ids) in clusters {
        all.entry(instance).or_default().extend(ids);
    }
    let all = all.into_iter();
    all.map(|(instance, ids)| (instance, ids.into_iter().cloned().collect()))
        .collect()
}

/// What a plan says of the nodes of an instance: `ids` are the names by which its clusters know them.
fn told_of(settings: &InstanceSettings, ids: &[String]) -> Vec<String> {
    if !are_told(settings, ids) {
        return Vec::new();
    }
    let mut told: Vec<String> = unreached(settings, ids, |node| node.search_indexes.is_empty())
        .into_iter()
        .collect();
    if settings.nodes.is_empty() {
        return told;
    }
    let unknown = unknown(settings, ids);
    if !unknown.is_empty() {
        told.push(format!(
            "the cluster of {} knows {} and no node is configured for that: neither hooks nor an address nor search indexes are \
             known of it. Configure it as an [[environment.instance.node]], with cluster_id where its name is another; if there \
             is no such node any more, its row in the table of local revisions can go",
            settings.name,
            listed(&unknown)
        ));
    }
    told
}

/// Whether anything is to be said of the search indexes of an instance's nodes: a cluster knows some, or those of one are named.
fn are_told(settings: &InstanceSettings, ids: &[String]) -> bool {
    !ids.is_empty() || settings.nodes.iter().any(|node| !node.search_indexes.is_empty())
}

/// The nodes that clusters know and that are not configured.
fn unknown(settings: &InstanceSettings, ids: &[String]) -> Vec<String> {
    let is_configured = |id: &&String| settings.nodes.iter().any(|node| node.cluster_id() == id.as_str());
    ids.iter().filter(|id| !is_configured(id)).cloned().collect()
}

/// Removes the search indexes that patterns stand for, of the workspaces beside each. Returns what could not be removed.
fn remove<'p>(
    instance: &InstanceName,
    patterns: impl Iterator<Item = (&'p PathBuf, &'p [String])>,
    say: &dyn Fn(Severity, &str),
) -> Vec<String> {
    let mut warnings = Vec::new();
    for (pattern, workspaces) in patterns {
        for place in places(pattern, workspaces) {
            let folder = place.path.display();
            match place.remove() {
                Ok(true) => say(
                    Severity::Information,
                    &format!("{instance}: the search index in {folder} is removed"),
                ),
                Ok(false) => {}
                Err(why) => warnings.push(format!(
                    "the search index of {instance} in {folder} is still there ({why}): remove it before Magnolia starts, or its \
                     searches are wrong"
                )),
            }
        }
    }
    warnings
}

/// The nodes of an instance that had not seen everything, by the names that their cluster knows them by.
fn behind<'s>(settled: &'s [SettledInstance], instance: &InstanceName) -> Vec<&'s str> {
    let settled = settled.iter().filter(|settled| settled.instance == *instance);
    settled
        .flat_map(|settled| settled.settled.behind.iter().map(String::as_str))
        .collect()
}

/// That search indexes of nodes are not reached from here, as a sentence.
fn unreached(
    settings: &InstanceSettings,
    ids: &[String],
    is_unreached: impl Fn(&NodeSettings) -> bool,
) -> Option<String> {
    if settings.nodes.is_empty() {
        return (ids.len() > 1).then(|| {
            format!(
                "each node of {} ({}) has search indexes of its own, and only those go that search_indexes names: of every other \
                 node, {BY_HAND}. With an [[environment.instance.node]] for each, they are named and known",
                settings.name,
                listed(ids)
            )
        });
    }
    let nodes = settings.nodes.iter().filter(|node| is_unreached(node));
    let mut names: Vec<String> = nodes.map(|node| node.name.to_string()).collect();
    names.extend(unknown(settings, ids));
    (!names.is_empty()).then(|| {
        let by_hand = by_hand(names.len());
        format!(
            "the search indexes of {} of {} are not reached from here: {by_hand}. A hook of the node can do that; where its folders \
             are reached, name them as search_indexes of the node",
            listed(&names),
            settings.name
        )
    })
}
