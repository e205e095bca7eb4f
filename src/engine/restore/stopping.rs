//! What becomes of Magnolia around a restore: who stops it before and starts it after, hooks or a person. A plan says it,
//! of everything and of a part alike.

use crate::domain::measure::listed;
use crate::domain::plan::Stopping;
use crate::domain::settings::{HookPoint, Hooks, InstanceSettings, NodeSettings};
use crate::engine::Live;

/// A file of this name in the state folder says that no Magnolia is at work on any content: that of a sandbox.
pub const NO_MAGNOLIA: &str = "no-magnolia";

/// Why it has to be stopped.
const WHY: &str =
    "one that runs goes on with the old content, and what it writes there is lost or in the way";

impl Live {
    /// What has to be done about Magnolia when content of these instances is exchanged.
    pub(super) fn stopping(&self, instances: &[&InstanceSettings]) -> Stopping {
        if self.state().join(NO_MAGNOLIA).exists() {
            return Stopping {
                by_hand: Vec::new(),
                by_hooks: vec![
                    "No Magnolia runs in this sandbox, so nothing has to be stopped. Elsewhere it is stopped before the restore and \
                     started after it, by hooks or by hand"
                        .to_owned(),
                ],
            };
        }
        stopping_of(instances)
    }
}

/// A Magnolia that runs on content: that of an instance, or one of its nodes where these are served in different ways.
struct Running {
    name: String,
    is_stopped: bool,
    is_started: bool,
}

impl Running {
    fn of(instance: &InstanceSettings) -> Vec<Self> {
        // What is run for the instance itself is for all of its nodes.
        let is_served =
            |hooks: &Hooks, point| !instance.hooks.at(point).is_empty() || !hooks.at(point).is_empty();
        let running = |name: String, hooks: &Hooks| Self {
            name,
            is_stopped: is_served(hooks, HookPoint::BeforeRestore),
            is_started: is_served(hooks, HookPoint::AfterRestore),
        };
        let of_node =
            |node: &NodeSettings| running(format!("{} of {}", node.name, instance.name), &node.hooks);
        let nodes: Vec<_> = instance.nodes.iter().map(of_node).collect();
        let served = |one: &Self| (one.is_stopped, one.is_started);
        match nodes.first() {
            None => vec![running(instance.name.to_string(), &instance.hooks)],
            Some(first) if nodes.iter().all(|node| served(node) == served(first)) => vec![Self {
                name: instance.name.to_string(),
                ..*first
            }],
            Some(_) => nodes,
        }
    }
}

fn stopping_of(instances: &[&InstanceSettings]) -> Stopping {
    let running: Vec<_> = instances.iter().copied().flat_map(Running::of).collect();
    let named = |is_stopped: bool, is_started: bool| {
        let is_such = |one: &&Running| (one.is_stopped, one.is_started) == (is_stopped, is_started);
        let names: Vec<_> = running
            .iter()
            .filter(is_such)
            .map(|one| one.name.clone())
            .collect();
        (!names.is_empty()).then(|| listed(&names))
    };
    let mut told = Stopping::default();
    if let Some(names) = named(false, false) {
        told.by_hand.push(format!(
            "Stop Magnolia on {names} before the restore, and start it when the restore is over: no hook does it, and {WHY}"
        ));
    }
    if let Some(names) = named(false, true) {
        told.by_hand.push(format!(
            "Stop Magnolia on {names} before the restore: no before_restore hook does it, and {WHY}. The after_restore hook is \
             there to start it"
        ));
    }
    if let Some(names) = named(true, false) {
        told.by_hand.push(format!(
            "Start Magnolia on {names} when the restore is over: its before_restore hook is there to stop it, and no after_restore \
             hook starts it"
        ));
    }
    if let Some(names) = named(true, true) {
        told.by_hooks.push(format!(
            "Lifeboat stops and starts Magnolia on {names}: it runs before_restore before the switch and after_restore after it"
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::environment::Role;
    use crate::domain::settings::ContentSettings;

    fn instance(name: &str, before: &[&str], after: &[&str]) -> InstanceSettings {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        InstanceSettings {
            name: name.parse().unwrap(),
            role: Role::Author,
            content: ContentSettings::Files { path: "/srv".into() },
            health: None,
            hooks: Hooks {
                before_restore: words(before),
                after_restore: words(after),
                ..Hooks::default()
            },
            nodes: Vec::new(),
        }
    }

    #[test]
    fn who_stops_and_starts_magnolia_is_said_by_what_is_configured() {
        let by_hand = [instance("author", &[], &[]), instance("public-1", &[], &[])];
        let told = stopping_of(&by_hand.iter().collect::<Vec<_>>());
        assert_eq!(told.by_hand.len(), 1);
        assert!(
            told.by_hand[0]
                .starts_with("Stop Magnolia on author and public-1 before the restore, and start it when"),
            "{told:?}"
        );
        assert!(told.by_hooks.is_empty());

        let hooked = instance("author", &["stop"], &["start"]);
        let told = stopping_of(&[&hooked]);
        assert!(told.by_hand.is_empty(), "{told:?}");
        assert!(told.by_hooks[0].starts_with("Lifeboat stops and starts Magnolia on author"));

        let stopped_alone = instance("author", &["stop"], &[]);
        let told = stopping_of(&[&stopped_alone]);
        assert!(
            told.by_hand[0].starts_with("Start Magnolia on author when"),
            "{told:?}"
        );
        let started_alone = instance("author", &[], &["start"]);
        let told = stopping_of(&[&started_alone]);
        assert!(
            told.by_hand[0].starts_with("Stop Magnolia on author before"),
            "{told:?}"
        );
    }
    #[test]
    fn of_a_cluster_each_node_is_either_served_by_hooks_or_named_to_somebody() {
        let node = |name: &str, before: &[&str], after: &[&str]| NodeSettings {
            name: name.parse().unwrap(),
            cluster_id: None,
            health: None,
            hooks: instance("of-node", before, after).hooks,
            search_indexes: Vec::new(),
        };
        let cluster = |before: &[&str], nodes: &[NodeSettings]| InstanceSettings {
            nodes: nodes.to_vec(),
            ..instance("author", before, &[])
        };
        let beginning = |told: &[String]| -> Vec<String> {
            let until = |told: &String| told.split([':', ',']).next().unwrap().to_owned();
            told.iter().map(until).collect()
        };
        let said = |cluster: &InstanceSettings| {
            let told = stopping_of(&[cluster]);
            (beginning(&told.by_hand), beginning(&told.by_hooks))
        };
        let served = node("node-1", &["stop"], &["start"]);
        let not_at_all = node("node-2", &[], &[]);
        let not_started = node("node-2", &["stop"], &[]);
        let not_stopped = node("node-2", &[], &["start"]);
        let by_hooks = || vec!["Lifeboat stops and starts Magnolia on node-1 of author".to_owned()];
        for (other, by_hand) in [
            (not_at_all, "Stop Magnolia on node-2 of author before the restore"),
            (
                not_stopped,
                "Stop Magnolia on node-2 of author before the restore",
            ),
            (
                not_started.clone(),
                "Start Magnolia on node-2 of author when the restore is over",
            ),
        ] {
            let cluster = cluster(&[], &[served.clone(), other]);
            assert_eq!(said(&cluster), (vec![by_hand.to_owned()], by_hooks()));
        }
        // What stops the instance stops all of its nodes, and only one of them is started again.
        let stopped = cluster(&["stop"], &[served.clone(), node("node-2", &[], &[])]);
        assert_eq!(
            said(&stopped),
            (
                vec!["Start Magnolia on node-2 of author when the restore is over".to_owned()],
                by_hooks()
            )
        );
        let alike = cluster(&[], &[not_started.clone(), not_started]);
        assert_eq!(
            said(&alike),
            (
                vec!["Start Magnolia on author when the restore is over".to_owned()],
                Vec::new()
            )
        );
        let all = cluster(&[], &[served.clone(), served]);
        let whole = vec!["Lifeboat stops and starts Magnolia on author".to_owned()];
        assert_eq!(said(&all), (Vec::new(), whole));
    }
}
