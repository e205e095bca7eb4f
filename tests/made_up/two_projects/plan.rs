//! What restoring the daily backup would do.

use lifeboat::domain::environment::WorkspaceKind;
use lifeboat::domain::plan::{ExpectedTime, ItemChange, PlanId, RestorePlan, Room, WorkspaceChange};
use lifeboat::domain::settings::RepositoryChoice;

use super::backups::WORKSPACES;
use super::{ago, backups, now};
use crate::made_up::records::{instance, name, versions};

pub fn plan() -> RestorePlan {
    let mut changes = Vec::new();
    for (number, instance_name) in [(1_u64, "author"), (0, "public-1"), (0, "public-2")] {
        for (workspace, items, bytes) in WORKSPACES {
            let touched = matches!(workspace, "website" | "dam");
            changes.push(WorkspaceChange {
                instance: instance(instance_name),
                workspace: workspace.to_owned(),
                kind: WorkspaceKind::of(workspace),
                added: if touched { 37 + number * 12 } else { 0 },
                changed: if touched { 112 + number } else { 0 },
                removed: if touched { number * 4 } else { 0 },
                unchanged: if touched { items - 150 } else { items },
                bytes,
                examples: if touched && number == 1 {
                    vec![
                        "acme/home.yaml".to_owned(),
                        "acme/news/2026/11/opening.yaml".to_owned(),
                    ]
                } else {
                    Vec::new()
                },
                example_changes: if touched && number == 1 {
                    vec![ItemChange::Changed, ItemChange::Added]
                } else {
                    Vec::new()
                },
                example_below: Vec::new(),
            });
        }
    }
    let daily = backups().remove(0);
    RestorePlan {
        id: PlanId::of_random([7; 16]),
        environment: name("acme/live"),
        backup: daily,
        selection: lifeboat::domain::plan::Selection::default(),
        without_safety: false,
        even_if_unchanged: false,
        changes_nothing: false,
        from: RepositoryChoice::First,
        made: now(),
        changes,
        newest_change: Some(ago(12)),
        nothing_written: false,
        newer: None,
        versions_now: versions(43, "6.3.4"),
        expected: Some(ExpectedTime {
            millis: 24_800,
            past_jobs: 3,
            drill: None,
        }),
        room: vec![
            Room {
                purpose: "staging beside author".to_owned(),
                folder: "/srv/magnolia/author".to_owned(),
                needed: 210_000_000,
                free: 48_000_000_000,
            },
            Room {
                purpose: "safety backup in the repository".to_owned(),
                folder: "/var/lib/lifeboat/repository".to_owned(),
                needed: 620_000_000,
                free: 210_000_000_000,
            },
        ],
        obstacles: Vec::new(),
        stopping: lifeboat::domain::plan::Stopping::default(),
        warnings: vec![
            "release v43 runs now and the backup is of v42: content that v43 has changed may not fit it"
                .to_owned(),
        ],
    }
}
