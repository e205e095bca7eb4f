//! Which backup is selected in the table: the one that the first line of the main screen means, until somebody selects another.

use lifeboat::domain::backup::{Backup, Trigger, WorkspaceCopy};
use lifeboat::domain::event::Event;
use lifeboat::domain::shrinking;
use lifeboat::domain::version::MagnoliaVersion;

use crate::look;
use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike};

/// Puts a backup before all others of acme/live.
fn newest(state: &mut State, trigger: Trigger, change: impl FnOnce(&mut Backup)) {
    let live = state.environments.get_mut(&name("acme/live")).unwrap();
    let mut new = two_projects::backup(4, two_projects::ago(40), trigger, &[]);
    change(&mut new);
    live.backups.retain(|backup| backup.id != new.id);
    live.backups.insert(0, new);
    shrinking::mark(live.backups.iter_mut());
    // Of the others it is not said, as it is not elsewhere.
    live.backups[1..].iter_mut().for_each(|backup| backup.less = None);
    if live.backups[0].is_good_of_live() {
        live.summary.newest = Some(live.backups[0].manifest.taken);
    }
}

fn upgrade() -> Trigger {
    Trigger::Upgrade {
        to: MagnoliaVersion("6.3.5".to_owned()),
    }
}

/// Leaves little of it.
fn gutted(backup: &mut Backup) {
    let workspaces = backup
        .manifest
        .instances
        .iter_mut()
        .flat_map(|copy| &mut copy.workspaces);
    for WorkspaceCopy { items, bytes, .. } in workspaces {
        *items /= 15;
        *bytes /= 15;
    }
}

/// What is planned where somebody presses the keys for a restore at once.
async fn planned(cockpit: &Runner) -> String {
    cockpit.press("r<Enter><Enter>").await.see("come back").await;
    let calls = cockpit.backend.state().calls.clone();
    calls
        .iter()
        .rfind(|call| call.starts_with("plan "))
        .unwrap()
        .clone()
}

alike!(a_restore_begins_with_the_backup_that_the_first_line_means);
async fn a_restore_begins_with_the_backup_that_the_first_line_means() {
    // The newest is none that holds a slot.
    let newer = |state: &mut State| newest(state, upgrade(), |_| ());
    let cockpit = Runner::start((80, 24), Fixture::with(newer)).await;
    cockpit
        .see("▸ upgrade 11-23 04:50")
        .await
        .see("back to 11-23 04:50 UTC")
        .await;
    assert!(planned(&cockpit).await.starts_with("plan acme/live 5ad0c3b2"));
    // A safety backup is what somebody wanted to be rid of.
    let safety = |state: &mut State| newest(state, Trigger::Restore, |_| ());
    let cockpit = Runner::start((80, 24), Fixture::with(safety)).await;
    cockpit
        .see("▸ daily   11-23 00:17")
        .await
        .see("back to 11-23 00:17 UTC")
        .await;
    assert!(planned(&cockpit).await.starts_with("plan acme/live 3b90aa17"));
}

alike!(one_that_holds_far_less_is_not_begun_with_and_is_named);
async fn one_that_holds_far_less_is_not_begun_with_and_is_named() {
    let broken = |state: &mut State| newest(state, upgrade(), gutted);
    look("newest-holds-less", broken, &[("", "newest: 93 % fewer items")]).await;
    look(
        "newest-holds-less-about",
        broken,
        &[("", "newest: 93 %"), ("i", "whether Live was")],
    )
    .await;
    let cockpit = Runner::start((80, 24), Fixture::with(broken)).await;
    cockpit
        .see("▸ daily   11-23 00:17")
        .await
        .see("back to 11-23 00:17 UTC")
        .await;
    assert!(planned(&cockpit).await.starts_with("plan acme/live 3b90aa17"));
    cockpit
        .see("newer")
        .await
        .see("verified, 93 % fewer items, of")
        .await;
}

alike!(the_selection_follows_a_newer_backup_unless_somebody_has_chosen);
async fn the_selection_follows_a_newer_backup_unless_somebody_has_chosen() {
    for (keys, planning) in [("", "plan acme/live 5ad0c3b2"), ("k", "plan acme/live e2d4415c")] {
        let cockpit = Runner::start((80, 24), Fixture::new()).await;
        cockpit.see("▸ daily").await;
        cockpit.press(keys).await.settle().await;
        newest(&mut cockpit.backend.state(), upgrade(), |_| ());
        cockpit.backend.tell(Event::Environment {
            name: name("acme/live"),
        });
        cockpit.see("back to 11-23 04:50 UTC").await.settle().await;
        let plan = planned(&cockpit).await;
        assert!(plan.starts_with(planning), "{keys:?}: {plan}");
    }
}
