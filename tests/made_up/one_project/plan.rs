//! What a restore of a backup of `acme/live` would do.

use lifeboat::domain::environment::WorkspaceKind;
use lifeboat::domain::plan::{
    ExpectedTime, ItemChange, PlanId, RestorePlan, Room, Selection, WorkspaceChange,
};
use lifeboat::domain::request::RestoreRequest;
use lifeboat::domain::settings::RepositoryChoice;

use super::{at, backups, now};
use crate::made_up::records::{name, versions};

pub fn plan() -> RestorePlan {
    let change = |workspace: &str, added, changed, removed, examples: &[&str]| WorkspaceChange {
        instance: "author".parse().unwrap(),
        workspace: workspace.to_owned(),
        kind: WorkspaceKind::of(workspace),
        added,
        changed,
        removed,
        unchanged: 1_200,
        bytes: 41 << 20,
        examples: examples.iter().map(|example| (*example).to_owned()).collect(),
        example_changes: [ItemChange::Added, ItemChange::Removed]
            .into_iter()
            .take(examples.len())
            .collect(),
        example_below: Vec::new(),
    };
    RestorePlan {
        id: PlanId::of_random([7; 16]),
        environment: name("acme/live"),
        backup: backups()[1].clone(),
        selection: Selection::default(),
        without_safety: false,
        even_if_unchanged: false,
        changes_nothing: false,
        from: RepositoryChoice::First,
        made: now(),
        changes: vec![
            change("config", 0, 0, 0, &[]),
            change(
                "website",
                12,
                3,
                1,
                &["home/products.yaml", "home/new\u{1b}[31m.yaml"],
            ),
        ],
        newest_change: Some(at(23, 5, 11)),
        nothing_written: false,
        newer: None,
        versions_now: versions(13, "6.3.4"),
        expected: Some(ExpectedTime {
            millis: 192_000,
            past_jobs: 4,
            drill: None,
        }),
        room: vec![Room {
            purpose: "staging beside author".to_owned(),
            folder: "/srv".to_owned(),
            needed: 856 << 20,
            free: 3 << 30,
        }],
        obstacles: Vec::new(),
        stopping: lifeboat::domain::plan::Stopping::default(),
        warnings: vec![
            "Live runs release v13 and the backup is of v12: deploy v12 after the restore".to_owned(),
        ],
    }
}

/// What is not in the backup, and what there is no room for, cannot be restored.
pub fn fit(request: &RestoreRequest, plan: &mut RestorePlan) {
    if request.selection.workspaces.iter().any(|name| name == "webstie") {
        plan.changes.clear();
        let why =
            "the backup holds no workspace \"webstie\" in the chosen instances: it has config, dam, website";
        plan.obstacles = vec![why.to_owned()];
    }
    if request.backup == "manual" {
        for change in &mut plan.changes {
            change.unchanged += change.changed + change.added;
            (change.added, change.changed, change.removed) = (0, 0, 0);
            change.examples.clear();
        }
        plan.changes_nothing = true;
        plan.newest_change = None;
    }
    if request.backup == "upgrade" {
        plan.room[0].free = 1 << 20;
        plan.obstacles = vec!["there is no room in /srv: 855 MiB more are needed".to_owned()];
        plan.expected = None;
    }
}
