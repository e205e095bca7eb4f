//! What the second repository has, and restores from there.

use lifeboat::domain::backup::Verification;
use lifeboat::domain::copies::{CopiedBackup, Copies};
use lifeboat::domain::slot::Slot;

use crate::look;
use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike};

/// The monthly backup has a copy; the weekly one is damaged and has one; the daily one has none.
fn with_copies(state: &mut State) {
    let details = state.environments.get_mut(&name("acme/live")).unwrap();
    let slot = |slot| {
        details
            .backups
            .iter()
            .position(|backup| backup.is_for(slot))
            .unwrap()
    };
    let (weekly, monthly) = (slot(Slot::Weekly), slot(Slot::Monthly));
    let copies = [(weekly, 21), (monthly, 22)].map(|(index, number)| {
        let mut backup = details.backups[index].clone();
        let of = std::mem::replace(&mut backup.id, two_projects::id(number));
        CopiedBackup { of, backup }
    });
    details.copies = Some(Copies {
        repository: "s3://acme-backups/second/acme/live".to_owned(),
        slots: vec![Slot::Monthly, Slot::Weekly],
        backups: copies.to_vec(),
        missing: Vec::new(),
        trouble: None,
    });
    details.backups[weekly].verification = Verification::Damaged {
        at: two_projects::ago(30),
        why: "the digest of author/dam differs".to_owned(),
    };
}

/// The first repository is out of reach, and the second one has copies of two backups.
fn with_the_first_lost(state: &mut State) {
    with_copies(state);
    let details = state.environments.get_mut(&name("acme/live")).unwrap();
    details.backups.clear();
    details
        .summary
        .slots
        .iter_mut()
        .for_each(|slot| slot.taken = None);
    details.summary.newest = None;
    details.summary.trouble = Some(
        "the repository of acme/live, which held backups, is not in /backups/acme/live: is its disk mounted?"
            .to_owned(),
    );
    details.undo = None;
    details.undo_way = None;
}

alike!(what_only_the_second_repository_has_is_shown_and_restored_from_there);
async fn what_only_the_second_repository_has_is_shown_and_restored_from_there() {
    let table = [("", "second repository only")];
    look("second-only", with_the_first_lost, &table).await;
    let choose = [
        ("", "second repository only"),
        ("r", "choose a backup"),
        ("gg", "which alone has it"),
    ];
    look("second-only-choose", with_the_first_lost, &choose).await;

    let cockpit = Runner::start((80, 24), Fixture::with(with_the_first_lost)).await;
    cockpit.see("second repository only").await;
    cockpit
        .press("<Tab>v")
        .await
        .see("only the second repository")
        .await;
    cockpit.press("<Esc>r").await.see("choose a backup").await;
    // There is no first one to choose.
    cockpit.press("<Tab>").await.see("it is taken from there").await;
    cockpit.press("gg<Enter><Enter>").await.see("come back").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    let calls = cockpit.backend.state().calls.clone();
    let last = calls.iter().find(|call| call.starts_with("restore")).unwrap();
    assert!(last.ends_with("from the copy"), "{last}");

    // One whose original is gone stands beside those of the first.
    let cockpit = Runner::start(
        (120, 36),
        Fixture::with(|state: &mut State| {
            with_copies(state);
            let details = state.environments.get_mut(&name("acme/live")).unwrap();
            details.backups.retain(|backup| !backup.is_for(Slot::Monthly));
        }),
    )
    .await;
    cockpit.see("empty: next").await;
    cockpit.see("2nd repository only").await;
}

alike!(a_restore_can_come_from_the_second_repository);
async fn a_restore_can_come_from_the_second_repository() {
    let choose = [
        ("", "daily"),
        ("r", "choose a backup"),
        ("gg", "first repository"),
    ];
    look("copy-choose", with_copies, &choose).await;
    let taken = [choose[0], choose[1], choose[2], ("<Tab>", "its copy in")];
    look("copy-chosen", with_copies, &taken).await;
    let scope = [taken[0], taken[1], taken[2], taken[3], ("<Enter>", "Everything")];
    look("copy-scope", with_copies, &scope).await;
    let plan = [
        scope[0],
        scope[1],
        scope[2],
        scope[3],
        scope[4],
        ("<Enter>", "come back"),
    ];
    look("copy-plan", with_copies, &plan).await;
    let first = [
        plan[0],
        plan[1],
        plan[2],
        plan[3],
        plan[4],
        plan[5],
        ("<Tab>", "first repository"),
    ];
    look("copy-plan-first", with_copies, &first).await;
    let confirm = [
        plan[0],
        plan[1],
        plan[2],
        plan[3],
        plan[4],
        plan[5],
        ("<Enter>", "and press Enter"),
    ];
    look("copy-name", with_copies, &confirm).await;

    let cockpit = Runner::start((80, 24), Fixture::with(with_copies)).await;
    cockpit.see("daily").await;
    cockpit.press("r").await.see("choose a backup").await;
    cockpit.press("<Tab>").await.see("no copy in the second").await;
    // One that is damaged comes only from its copy.
    cockpit
        .press("G<Enter>")
        .await
        .see("Tab takes its copy instead")
        .await;
    cockpit.press("<Tab>").await.see("its copy in").await;
    cockpit.press("<Enter><Enter>").await.see("come back").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    let calls = cockpit.backend.state().calls.clone();
    let last = calls.iter().find(|call| call.starts_with("restore")).unwrap();
    assert!(last.ends_with("from the copy"), "{last}");

    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit.press("r").await.see("choose a backup").await;
    cockpit
        .press("<Tab>")
        .await
        .see("there is no second repository")
        .await;
}
