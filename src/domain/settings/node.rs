//! Several Magnolias on one content: the nodes of a cluster share an instance's database, and each has its own address,
//! commands and search indexes.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{HealthSettings, HookPoint, Hooks, InstanceSettings};
use crate::domain::environment::{MemberName, NodeName};

/// One of the nodes that share an instance's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSettings {
    /// Its name in the instance.
    pub name: NodeName,
    /// What Jackrabbit's configuration calls it (`<Cluster id="…">`), if that is another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// Where it is asked whether it is up.
    #[serde(default)]
    pub health: Option<HealthSettings>,
    /// Commands around backups and restores of the instance.
    #[serde(default)]
    pub hooks: Hooks,
    /// Folders of its search indexes that a restore removes, as this machine reaches them. `{workspace}` stands for the name
    /// of each restored workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search_indexes: Vec<PathBuf>,
}

impl NodeSettings {
    /// What its cluster knows it as.
    #[must_use]
    pub fn cluster_id(&self) -> &str {
        self.cluster_id.as_deref().unwrap_or(self.name.as_str())
    }

    /// Whether a command of its own may remove its search indexes while it stands still.
    #[must_use]
    pub fn has_restore_hook(&self) -> bool {
        !self.hooks.before_restore.is_empty() || !self.hooks.after_restore.is_empty()
    }
}

/// Whoever has an address and commands: an instance itself, or one of its nodes.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The instance.
    pub instance: &'a InstanceSettings,
    /// The node; `None` for the instance itself.
    pub node: Option<&'a NodeSettings>,
}

impl<'a> Member<'a> {
    /// Where it is asked whether it is up.
    #[must_use]
    pub fn health(&self) -> Option<&'a HealthSettings> {
        match self.node {
            Some(node) => node.health.as_ref(),
            None => self.instance.health.as_ref(),
        }
    }

    /// Its commands.
    #[must_use]
    pub fn hooks(&self) -> &'a Hooks {
        match self.node {
            Some(node) => &node.hooks,
            None => &self.instance.hooks,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> MemberName {
        MemberName {
            instance: self.instance.name.clone(),
            node: self.node.map(|node| node.name.clone()),
        }
    }
}

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name(), f)
    }
}

impl InstanceSettings {
    /// The instance itself and its nodes, in the order in which their commands run.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        let itself = Member {
            instance: self,
            node: None,
        };
        let nodes = self.nodes.iter().map(|node| Member {
            instance: self,
            node: Some(node),
        });
        std::iter::once(itself).chain(nodes)
    }

    /// The nodes that nothing stops before a restore, though something is run for others.
    #[must_use]
    pub fn unstopped(&self) -> Vec<String> {
        if self.has_hook(HookPoint::BeforeRestore) {
            self.nodes_without(HookPoint::BeforeRestore)
        } else {
            Vec::new()
        }
    }

    /// The nodes that nothing is run for at this point. What is run for the instance itself is for all of them.
    fn nodes_without(&self, point: HookPoint) -> Vec<String> {
        if !self.hooks.at(point).is_empty() {
            return Vec::new();
        }
        let without = self.nodes.iter().filter(|node| node.hooks.at(point).is_empty());
        without.map(|node| node.name.to_string()).collect()
    }

    /// What is wrong with its nodes, as a sentence.
    pub(super) fn wrong_node(&self) -> Option<String> {
        let name = &self.name;
        let mut names = BTreeSet::new();
        if let Some(twice) = self.nodes.iter().find(|node| !names.insert(&node.name)) {
            return Some(format!("two nodes of {name} are called {}", twice.name));
        }
        let mut ids = BTreeSet::new();
        if let Some(twice) = self.nodes.iter().find(|node| !ids.insert(node.cluster_id())) {
            return Some(format!(
                "two nodes of {name} are {} to their cluster: each has a cluster_id of its own",
                twice.cluster_id()
            ));
        }
        if let Some(empty) = self.nodes.iter().find(|node| node.cluster_id().trim().is_empty()) {
            return Some(format!(
                "the cluster_id of {name}/{} is empty: write what its repository.xml has as <Cluster id=\"…\">, or leave it out",
                empty.name
            ));
        }
        let is_relative = |node: &&NodeSettings| node.search_indexes.iter().any(|path| !path.is_absolute());
        let relative = self.nodes.iter().find(is_relative)?;
        Some(format!(
            "each of search_indexes of {name}/{} has to be an absolute path",
            relative.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::environment::Role;
    use crate::domain::settings::ContentSettings;

    fn node(name: &str) -> NodeSettings {
        NodeSettings {
            name: name.parse().unwrap(),
            cluster_id: None,
            health: None,
            hooks: Hooks::default(),
            search_indexes: Vec::new(),
        }
    }

    fn instance(nodes: Vec<NodeSettings>) -> InstanceSettings {
        InstanceSettings {
            name: "author".parse().unwrap(),
            role: Role::Author,
            content: ContentSettings::Files {
                path: "/srv/content".into(),
            },
            health: None,
            hooks: Hooks::default(),
            nodes,
        }
    }

    #[test]
    fn an_instance_comes_before_its_nodes() {
        let instance = instance(vec![node("one"), node("two")]);
        let names: Vec<String> = instance.members().map(|member| member.to_string()).collect();
        assert_eq!(names, ["author", "author/one", "author/two"]);
    }

    #[test]
    fn nodes_that_cannot_be_told_apart_are_refused() {
        assert_eq!(instance(vec![node("one"), node("two")]).wrong_node(), None);
        let wrong = |nodes| instance(nodes).wrong_node().unwrap();
        assert!(wrong(vec![node("one"), node("one")]).contains("called one"));
        let mut other = node("two");
        other.cluster_id = Some("one".to_owned());
        assert!(wrong(vec![node("one"), other]).contains("are one to their cluster"));
        let mut empty = node("two");
        empty.cluster_id = Some(" ".to_owned());
        assert!(wrong(vec![empty]).contains("cluster_id of author/two is empty"));
        let mut relative = node("two");
        relative.search_indexes.push("index".into());
        assert!(wrong(vec![relative]).contains("absolute"));
    }
}
