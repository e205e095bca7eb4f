//! Restores into databases: replaced tables, confirming, and the tables that a job is on.

use chrono::Duration;
use lifeboat::domain::environment::{Answer, Node, WorkspaceKind};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobKind, JobState, Outcome, Phase};
use lifeboat::domain::plan::Selection;

use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look};

fn with_databases(state: &mut State) {
    two_projects::has_replaced(state.environments.get_mut(&name("acme/live")).unwrap(), 31);
    if let Ok(plan) = &mut state.plan {
        for (number, workspace) in [(37, ".versions"), (4, ".datastore")] {
            let mut change = plan.changes[0].clone();
            workspace.clone_into(&mut change.workspace);
            change.kind = WorkspaceKind::of(workspace);
            (change.added, change.changed, change.removed) = (number, 0, 0);
            change.examples.clear();
            plan.changes.insert(0, change);
        }
    }
}

alike!(replaced_tables_beside_live);
async fn replaced_tables_beside_live() {
    look("replaced", with_databases, &[("", "replaced tables")]).await;
    look(
        "replaced-about",
        with_databases,
        &[("", "replaced tables"), ("i", "kept in")],
    )
    .await;
    look(
        "replaced-backup-page",
        with_databases,
        &[
            ("", "replaced tables"),
            ("<Enter>", "asked by"),
            ("G", "data store"),
        ],
    )
    .await;
    look(
        "confirm-question",
        with_databases,
        &[("", "replaced tables"), ("C", "drop the replaced")],
    )
    .await;
    let exchange = [("", "replaced tables"), ("u", "is exchanged with")];
    look("undo-exchange", with_databases, &exchange).await;
    let name = [exchange[0], exchange[1], ("<Enter>", "and press Enter")];
    look("undo-exchange-name", with_databases, &name).await;
    let plan = [
        ("", "replaced tables"),
        ("r", "choose a backup"),
        ("<Enter>", "Everything"),
        ("<Enter>", "come back"),
    ];
    look("wizard-plan-shared", with_databases, &plan).await;
}

/// The last restore brought back a page alone.
fn with_a_page_back(state: &mut State) {
    with_databases(state);
    let live = state.environments.get_mut(&name("acme/live")).unwrap();
    let page = vec!["/website/home/news".parse().unwrap()];
    for tables in &mut live.replaced {
        tables.selection = Selection::of_paths(Vec::new(), page.clone()).unwrap();
    }
}

alike!(the_undo_of_a_page_says_what_was_written_since);
async fn the_undo_of_a_page_says_what_was_written_since() {
    let exchange = [("", "replaced tables"), ("u", "14 nodes were added")];
    look("undo-exchange-page", with_a_page_back, &exchange).await;
}

alike!(confirming_a_restore);
async fn confirming_a_restore() {
    let cockpit = Runner::start((80, 24), Fixture::with(with_databases)).await;
    cockpit.see("replaced tables").await;
    cockpit.press("C").await.see("drop the replaced").await;
    cockpit.press("y").await.see("job 32").await;
    let calls = cockpit.backend.state().calls.clone();
    assert!(calls.contains(&"confirm acme/live".to_owned()), "{calls:?}");
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit.press("C").await.see("nothing to confirm").await;
}

alike!(a_job_says_which_table_it_is_on);
async fn a_job_says_which_table_it_is_on() {
    let change = |state: &mut State| {
        let mut first = two_projects::job(40, "acme/live", JobKind::Restore, "restore of 3b90aa17 (daily)");
        let mut progress = two_projects::progress(Phase::Staging, 43);
        progress.part = Some("pm_website_bundle".to_owned());
        first.progress = Some(progress);
        let environment = state.environments.get_mut(&first.environment).unwrap();
        environment.summary.job = Some(first.clone());
        state.jobs.insert(0, first);
    };
    look("table-running", change, &[("", "Running jobs")]).await;
    look(
        "table-progress",
        change,
        &[("", "Running jobs"), ("o", "pm_website_bundle")],
    )
    .await;
}

alike!(a_restore_of_databases_at_its_end);
async fn a_restore_of_databases_at_its_end() {
    for size in SIZES {
        let cockpit = Runner::start(size, Fixture::with(with_databases)).await;
        cockpit.see("replaced tables").await;
        cockpit.press("r<Enter><Enter>").await.see("come back").await;
        cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
        two_projects::has_replaced(
            cockpit
                .backend
                .state()
                .environments
                .get_mut(&name("acme/live"))
                .unwrap(),
            32,
        );
        cockpit.backend.move_on(32, |job| {
            job.ended = Some(job.created + Duration::seconds(24));
            job.state = JobState::Done;
            job.outcome = Some(Outcome {
                summary: "acme/live is back as it was at 2026-11-23 00:17".to_owned(),
                backup: Some(two_projects::id(2)),
                warnings: vec!["no safety backup was taken, by choice: only what the restore replaced beside Live can bring the old content back".to_owned()],
                health: two_projects::health(),
                ..Outcome::default()
            });
        });
        cockpit.backend.tell(Event::Environment {
            name: name("acme/live"),
        });
        cockpit.see("an exchange, it takes a moment").await;
        keep(&cockpit, &settings(), "restore-tables-done", size);
    }
}

/// An author of three nodes on one database, one of which is down and one of which is not asked.
fn with_nodes(state: &mut State) {
    let live = state.environments.get_mut(&name("acme/live")).unwrap();
    let author = &mut live.instances[0];
    let up = author.answer.take();
    author.health = None;
    let node = |name: &str, answer: Option<Answer>| Node {
        name: name.parse().unwrap(),
        health: Some(format!("http://{name}.internal:8080/.rest/health")),
        answer,
    };
    let down = up.clone().map(|answer| Answer {
        up: false,
        detail: "http://author-b.internal:8080/.rest/health: status 503".to_owned(),
        ..answer
    });
    author.nodes = vec![
        node("author-a", up),
        node("author-b", down),
        node("author-c", None),
    ];
    author.nodes[2].health = None;
}

alike!(several_nodes_on_one_database);
async fn several_nodes_on_one_database() {
    look("nodes", with_nodes, &[("", "DOWN author-b")]).await;
    look(
        "nodes-about",
        with_nodes,
        &[("", "DOWN author-b"), ("i", "kept in")],
    )
    .await;
}
