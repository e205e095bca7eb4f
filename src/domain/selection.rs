//! Which part of a backup a restore is limited to (rules 16 and 22): instances, workspaces, or nodes with all that is below
//! them. Of content in folders a node is a folder or a file.
//!
//! A selection of nodes names their workspaces too ([`Selection::of_paths`] sees to it, [`Selection::checked`] asks for it):
//! whoever knows nothing of paths takes it for more than it is, and never for everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::environment::{InstanceName, WorkspaceKind};
use super::explore::{NodePath, Step};

/// The most paths of one restore.
pub const MOST_PATHS: usize = 500;

/// The node below each root under which Jackrabbit shows what all workspaces share.
const SYSTEM: &str = "jcr:system";

/// Which part of a backup a restore is limited to (rule 16). Empty lists mean everything.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Only these instances.
    pub instances: Vec<InstanceName>,
    /// Only these workspaces.
    pub workspaces: Vec<String>,
    /// Of these workspaces only these nodes with all that is below them, written `/WORKSPACE/NODE/…`: in all chosen
    /// instances. Of content in folders, these folders and files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "engine", schemars(with = "Vec<String>"))]
    pub paths: Vec<NodePath>,
}

/// Why paths are no part that can be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It names no workspace.
    #[error(
        "\"{0}\" says no workspace: write INSTANCE:/WORKSPACE/NODE/…, for example author:/website/home/news, or \
         /WORKSPACE/NODE/… for all instances"
    )]
    NoWorkspace(String),
    /// It is all of a workspace.
    #[error("{0} is all of the workspace {1}: choose that instead (--workspace {1})")]
    Root(NodePath, String),
    /// It is nothing that a workspace has of its own.
    #[error("{0} is what all workspaces share, and comes back with what refers to it, or with everything")]
    Shared(NodePath),
    /// One comes back with the other anyway.
    #[error("{inner} is in {outer}: name the outer one alone")]
    Within {
        /// The one inside.
        inner: Box<NodePath>,
        /// The one around it.
        outer: Box<NodePath>,
    },
    /// Whole workspaces and nodes at once.
    #[error("choose workspaces or paths, not both: a path says its workspace")]
    Mixed,
    /// Of several instances, each has other paths.
    #[error(
        "each of the named instances has other paths: restore one instance after the other, or name the same paths for each"
    )]
    Uneven,
    /// Of several instances, each has other workspaces.
    #[error(
        "other workspaces are named of one instance than of another: restore one instance after the other, or name the same \
         workspaces for each"
    )]
    UnevenWorkspaces,
    /// A path names an instance that is not among those chosen.
    #[error("{0} is not in the chosen instances")]
    OtherInstance(NodePath),
    /// Too many.
    #[error("at most {MOST_PATHS} paths come back in one restore: choose the workspace, or nodes further up")]
    TooMany,
}

/// How an item of content in folders stands to what a selection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It is none of it.
    Outside,
    /// It is a folder on the way to something of it.
    Above,
    /// It is something of it.
    Within,
}

/// That a path says no workspace, and the path much as it was written: its instance alone, if it has one.
fn without_workspace(path: &NodePath) -> PartError {
    let instance = path.instance.as_ref();
    PartError::NoWorkspace(instance.map_or_else(|| path.to_string(), ToString::to_string))
}

impl Selection {
    /// The nodes at some paths, with all that is below them. A path that names an instance limits the restore to it.
    ///
    /// # Errors
    /// [`PartError`] when they are no part that can be restored.
    pub fn of_paths(instances: Vec<InstanceName>, paths: Vec<NodePath>) -> Result<Self, PartError> {
        if paths.len() > MOST_PATHS {
            return Err(PartError::TooMany);
        }
        let mut named: Vec<InstanceName> = Vec::new();
        for path in &paths {
            // Before its instance is taken off: what is told is what was written.
            if path.workspace.is_none() {
                return Err(without_workspace(path));
            }
            let Some(instance) = &path.instance else { continue };
            if !instances.is_empty() && !instances.contains(instance) {
                return Err(PartError::OtherInstance(path.clone()));
            }
            if !named.contains(instance) {
                named.push(instance.clone());
            }
        }
        let everywhere = |path: &NodePath| NodePath {
            instance: None,
            ..path.clone()
        };
        let of = |instance: Option<&InstanceName>| {
            let mut own: Vec<NodePath> = paths
                .iter()
                .filter(|path| path.instance.is_none() || path.instance.as_ref() == instance)
                .map(everywhere)
                .collect();
            own.sort();
            own.dedup();
            own
        };
        let own = of(named.first());
        let has_other_paths = |instance: &InstanceName| of(Some(instance)) != own;
        // An instance that is chosen and not named by any path has those without an instance.
        let all = if instances.is_empty() {
            named.clone()
        } else {
            instances
        };
        if all.iter().any(has_other_paths) {
            return Err(PartError::Uneven);
        }
        let first = named.first();
        let is_own = |path: &NodePath| path.instance.is_none() || path.instance.as_ref() == first;
        let mut own: Vec<NodePath> = paths.into_iter().filter(is_own).collect();
        for path in &mut own {
            path.instance = None;
        }
        own.sort();
        own.dedup();
        let mut workspaces: Vec<String> = own.iter().filter_map(|path| path.workspace.clone()).collect();
        workspaces.dedup();
        let selection = Self {
            instances: all,
            workspaces,
            paths: own,
        };
        selection.checked()?;
        Ok(selection)
    }

    /// The whole workspaces at some paths that lead to no node in them. A path that names an instance limits the restore to it.
    ///
    /// # Errors
    /// [`PartError`] when they are no part that can be restored.
    pub fn of_workspaces(paths: Vec<NodePath>) -> Result<Self, PartError> {
        let mut of: BTreeMap<Option<InstanceName>, BTreeSet<String>> = BTreeMap::new();
        for path in paths {
            let Some(workspace) = path.workspace.clone() else {
                return Err(without_workspace(&path));
            };
            if !path.steps.is_empty() {
                return Err(PartError::Mixed);
            }
            if WorkspaceKind::of(&workspace) == WorkspaceKind::Shared {
                return Err(PartError::Shared(path));
            }
            of.entry(path.instance).or_default().insert(workspace);
        }
        let mut all = of.values();
        let workspaces = all.next().cloned().unwrap_or_default();
        if all.any(|other| *other != workspaces) {
            return Err(PartError::UnevenWorkspaces);
        }
        let is_of_all = of.contains_key(&None);
        Ok(Self {
            instances: of.into_keys().flatten().filter(|_| !is_of_all).collect(),
            workspaces: workspaces.into_iter().collect(),
            paths: Vec::new(),
        })
    }

    /// Makes sure that its paths, if it has any, are a part that can be restored, and that it says their workspaces.
    ///
    /// # Errors
    /// [`PartError`].
    pub fn checked(&self) -> Result<(), PartError> {
        if self.paths.is_empty() {
            return Ok(());
        }
        if self.paths.len() > MOST_PATHS {
            return Err(PartError::TooMany);
        }
        for path in &self.paths {
            let Some(workspace) = &path.workspace else {
                return Err(without_workspace(path));
            };
            if path.instance.is_some() {
                return Err(PartError::Uneven);
            }
            let Some(first) = path.steps.first() else {
                return Err(PartError::Root(path.clone(), workspace.clone()));
            };
            if WorkspaceKind::of(workspace) == WorkspaceKind::Shared || first.name == SYSTEM {
                return Err(PartError::Shared(path.clone()));
            }
            let is_around = |other: &&NodePath| *other != path && path.is_within(other);
            if let Some(outer) = self.paths.iter().find(is_around) {
                return Err(PartError::Within {
                    inner: Box::new(path.clone()),
                    outer: Box::new(outer.clone()),
                });
            }
            if !self.workspaces.contains(workspace) {
                return Err(PartError::Mixed);
            }
        }
        let is_of_a_path = |workspace: &String| {
            let mut paths = self.paths.iter();
            paths.any(|path| path.workspace.as_ref() == Some(workspace))
        };
        if self.workspaces.iter().all(is_of_a_path) {
            Ok(())
        } else {
            Err(PartError::Mixed)
        }
    }

    /// Whether it takes everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.instances.is_empty() && self.workspaces.is_empty() && self.paths.is_empty()
    }

    /// Whether it takes nodes out of workspaces.
    #[must_use]
    pub fn has_paths(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Whether it takes the instance.
    #[must_use]
    pub fn has_instance(&self, instance: &InstanceName) -> bool {
        self.instances.is_empty() || self.instances.contains(instance)
    }

    /// Whether it takes the workspace, or nodes of it.
    #[must_use]
    pub fn has_workspace(&self, workspace: &str) -> bool {
        if self.has_paths() {
            return self.paths_in(workspace).next().is_some();
        }
        self.workspaces.is_empty() || self.workspaces.iter().any(|name| name == workspace)
    }

    /// The ways to the nodes that it takes out of a workspace, from below its root on.
    pub fn paths_in<'a>(&'a self, workspace: &'a str) -> impl Iterator<Item = &'a [Step]> {
        self.paths
            .iter()
            .filter(move |path| path.workspace.as_deref() == Some(workspace))
            .map(|path| path.steps.as_slice())
    }

    /// How an item of content in folders stands to it, by its path below the instance. There a node is a folder or a file, and
    /// its name is that.
    #[must_use]
    pub fn reach(&self, item: &Path) -> Reach {
        let mut names = item.iter();
        let Some(workspace) = names.next() else {
            return Reach::Above;
        };
        let workspace = workspace.to_string_lossy();
        if !self.has_paths() {
            return if self.has_workspace(&workspace) {
                Reach::Within
            } else {
                Reach::Outside
            };
        }
        let depth = names.clone().count();
        let mut reach = Reach::Outside;
        for steps in self.paths_in(&workspace) {
            let mut pairs = steps.iter().zip(names.clone());
            if !pairs.all(|(step, name)| step.index == 1 && *name == *step.name) {
                continue;
            }
            if depth >= steps.len() {
                return Reach::Within;
            }
            reach = Reach::Above;
        }
        reach
    }

    /// The same with all of each workspace that it takes nodes out of.
    #[must_use]
    pub fn with_whole_workspaces(&self) -> Self {
        Self {
            paths: Vec::new(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<NodePath> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn of(texts: &[&str]) -> Result<Selection, PartError> {
        Selection::of_paths(Vec::new(), paths(texts))
    }

    #[test]
    fn whole_workspaces_come_back_on_every_instance_alike() {
        let of = |texts: &[&str]| Selection::of_workspaces(paths(texts));
        let both = of(&[
            "author:/website",
            "public-1:/website",
            "author:/dam",
            "public-1:/dam",
        ])
        .unwrap();
        let names: Vec<_> = both.instances.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["author", "public-1"]);
        assert_eq!(both.workspaces, ["dam", "website"]);
        assert!(!both.has_paths());
        assert_eq!(of(&["/website"]).unwrap().instances, []);
        let uneven = of(&["author:/website", "public-1:/dam"]);
        assert_eq!(uneven, Err(PartError::UnevenWorkspaces));
        assert_eq!(
            of(&["author:/website", "author:/dam/logo"]),
            Err(PartError::Mixed)
        );
    }

    #[test]
    fn paths_say_their_workspaces_and_instances() {
        let both = of(&[
            "author:/website/home/news",
            "author:/dam/a",
            "author:/website/about",
        ])
        .unwrap();
        assert_eq!(both.instances, ["author".parse().unwrap()]);
        assert_eq!(both.workspaces, ["dam", "website"]);
        assert_eq!(
            both.paths,
            paths(&["/dam/a", "/website/about", "/website/home/news"])
        );
        assert!(both.has_workspace("dam") && !both.has_workspace("config"));
        assert_eq!(both.paths_in("website").count(), 2);
        assert!(!both.with_whole_workspaces().has_paths());
        let same = of(&["author:/website/a", "public:/website/a"]).unwrap();
        assert_eq!(same.instances.len(), 2);
        assert_eq!(same.paths, paths(&["/website/a"]));
        let everywhere = of(&["/website/a"]).unwrap();
        assert!(everywhere.instances.is_empty() && !everywhere.is_everything());
    }

    #[test]
    fn what_is_no_part_is_refused_with_the_reason() {
        for (texts, told) in [
            (&["/"][..], "says no workspace"),
            (
                &["nope"][..],
                "\"nope\" says no workspace: write INSTANCE:/WORKSPACE/NODE",
            ),
            (&["/website"][..], "--workspace website"),
            (&["/website/jcr:system/jcr:nodeTypes"][..], "all workspaces share"),
            (
                &["/website/a", "/website/a/b"][..],
                "/website/a/b is in /website/a",
            ),
            (&["author:/website/a", "public:/website/b"][..], "other paths"),
            (
                &["author:/website/a", "/website/b", "public:/website/c"][..],
                "other paths",
            ),
        ] {
            let why = of(texts).unwrap_err().to_string();
            assert!(why.contains(told), "{texts:?}: {why}");
        }
        let versions = format!("/{}/a", crate::domain::environment::VERSIONS);
        assert!(matches!(of(&[&versions]), Err(PartError::Shared(_))));
        let author = || vec!["author".parse().unwrap()];
        let elsewhere = Selection::of_paths(author(), paths(&["public:/website/a"]));
        assert!(matches!(elsewhere, Err(PartError::OtherInstance(_))));
        let two = vec!["author".parse().unwrap(), "public".parse().unwrap()];
        let uneven = Selection::of_paths(two, paths(&["author:/website/a"]));
        assert_eq!(uneven, Err(PartError::Uneven));
        let many: Vec<String> = (0..=MOST_PATHS).map(|n| format!("/website/n{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(of(&many), Err(PartError::TooMany));
    }

    #[test]
    fn a_selection_that_names_other_workspaces_than_its_paths_is_none() {
        let sound = of(&["/website/a"]).unwrap();
        for workspaces in [vec![], vec!["website".to_owned(), "dam".to_owned()]] {
            let mixed = Selection {
                workspaces,
                ..sound.clone()
            };
            assert_eq!(mixed.checked(), Err(PartError::Mixed));
            assert!(!mixed.has_workspace("dam") && !mixed.is_everything());
        }
    }

    #[test]
    fn a_file_is_outside_on_the_way_or_within() {
        let part = of(&["/website/home/news", "/dam/a.jpg"]).unwrap();
        for (item, reach) in [
            ("", Reach::Above),
            ("website", Reach::Above),
            ("website/home", Reach::Above),
            ("website/home/news", Reach::Within),
            ("website/home/news/first.xml", Reach::Within),
            ("website/home/news.xml", Reach::Outside),
            ("website/homes", Reach::Outside),
            ("website/page.xml", Reach::Outside),
            ("dam/a.jpg", Reach::Within),
            ("dam/b.jpg", Reach::Outside),
            ("config", Reach::Outside),
        ] {
            assert_eq!(part.reach(Path::new(item)), reach, "{item}");
        }
        // No file has a number.
        assert_eq!(
            of(&["/website/a[2]"]).unwrap().reach(Path::new("website/a")),
            Reach::Outside
        );
        let whole = part.with_whole_workspaces();
        assert_eq!(whole.reach(Path::new("website/page.xml")), Reach::Within);
        assert_eq!(whole.reach(Path::new("config/a")), Reach::Outside);
        assert_eq!(Selection::default().reach(Path::new("config/a")), Reach::Within);
    }

    #[test]
    fn what_was_written_before_there_were_paths_is_read_and_written_as_it_was() {
        let old = r#"{"instances":["author"],"workspaces":["dam"]}"#;
        let read: Selection = serde_json::from_str(old).unwrap();
        assert!(!read.has_paths());
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        let part = of(&["author:/website/a"]).unwrap();
        let written = serde_json::to_string(&part).unwrap();
        assert!(written.contains(r#""paths":["/website/a"]"#), "{written}");
        assert_eq!(serde_json::from_str::<Selection>(&written).unwrap(), part);
    }
}
