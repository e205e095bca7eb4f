//! The part of a backup that was chosen, against what the backup holds.

use crate::domain::backup::Backup;
use crate::domain::environment::{WorkspaceKind, workspace_label};
use crate::domain::measure;
use crate::domain::nearest::{nearest, question};
use crate::domain::plan::Selection;

/// How many of the parts that are not there are named.
const UNKNOWN_TOLD: usize = 20;

/// Instances and workspaces that were asked for and are not in the backup. A long list of them is cut: a plan is kept.
pub(super) fn unknown_parts(backup: &Backup, selection: &Selection) -> Vec<String> {
    let mut obstacles = all_unknown_parts(backup, selection);
    let more = obstacles.len().saturating_sub(UNKNOWN_TOLD);
    if more > 0 {
        obstacles.truncate(UNKNOWN_TOLD);
        obstacles.push(format!(
            "{} more of what was chosen is not in the backup",
            measure::count(more as u64)
        ));
    }
    obstacles
}

fn all_unknown_parts(backup: &Backup, selection: &Selection) -> Vec<String> {
    let mut obstacles = Vec::new();
    let instances = &backup.manifest.instances;
    for name in &selection.instances {
        if !instances.iter().any(|copy| copy.name == *name) {
            let known = || instances.iter().map(|copy| copy.name.as_str());
            let near = nearest(name.as_str(), known());
            let instead = if near.is_empty() {
                format!(": it has {}", listed(known()))
            } else {
                question(&near)
            };
            obstacles.push(format!("the backup holds no instance {name}{instead}"));
        }
    }
    if !obstacles.is_empty() {
        return obstacles;
    }
    let workspaces = || {
        instances
            .iter()
            .filter(|copy| selection.has_instance(&copy.name))
            .flat_map(|copy| copy.workspaces.iter())
            .filter(|workspace| workspace.kind != WorkspaceKind::Shared)
            .map(|workspace| workspace.name.as_str())
    };
    for name in &selection.workspaces {
        if WorkspaceKind::of(name) == WorkspaceKind::Shared {
            obstacles.push(format!(
                "{name} is no workspace but the {} that all workspaces share: it comes along with those that are chosen",
                workspace_label(name)
            ));
            continue;
        }
        let held = instances
            .iter()
            .filter(|copy| selection.has_instance(&copy.name))
            .any(|copy| copy.workspaces.iter().any(|workspace| workspace.name == *name));
        if !held {
            let near = nearest(name, workspaces());
            let instead = if near.is_empty() {
                format!(": it has {}", listed(workspaces()))
            } else {
                question(&near)
            };
            obstacles.push(format!(
                "the backup holds no workspace \"{name}\" in the chosen instances{instead}"
            ));
        }
    }
    obstacles
}

/// Names for people, each once.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: std::collections::BTreeSet<_> = names.collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
