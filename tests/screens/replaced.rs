//! A safety backup of a restore of a part: the wizard begins with that part marked.

use lifeboat::domain::plan::Selection;

use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike};
use crate::{SIZES, look};

/// The safety backup is one of a restore of this part.
fn of_part(part: Selection) -> impl Fn(&mut State) {
    move |state| {
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        let mut backups = live.backups.iter_mut();
        let safety = backups.find(|backup| backup.id == two_projects::id(5)).unwrap();
        safety.manifest.replaced = Some(part.clone());
    }
}

fn part(instances: &[&str], workspaces: &[&str], paths: &[&str]) -> Selection {
    Selection {
        instances: instances.iter().map(|name| name.parse().unwrap()).collect(),
        workspaces: workspaces.iter().map(ToString::to_string).collect(),
        paths: paths.iter().map(|path| path.parse().unwrap()).collect(),
    }
}

fn website() -> Selection {
    part(&["author"], &["website"], &[])
}

fn paths() -> Selection {
    part(
        &["author"],
        &["dam", "website"],
        &["/dam/pictures/logo.png", "/website/acme/home/news"],
    )
}

/// What the last plan was asked for.
fn planned(cockpit: &Runner) -> Selection {
    cockpit
        .backend
        .state()
        .planned
        .as_ref()
        .unwrap()
        .0
        .selection
        .clone()
}

alike!(a_safety_backup_of_a_restore_of_a_part_begins_with_that_part);
async fn a_safety_backup_of_a_restore_of_a_part_begins_with_that_part() {
    let chosen = [("", "daily"), ("r", "choose a backup")];
    let marked = (
        "G<Enter>",
        "It takes back the restore that this backup was taken for",
    );
    let all = ("+", "a part is enough");
    look(
        "wizard-replaced",
        of_part(website()),
        &[&chosen[..], &[marked]].concat(),
    )
    .await;
    look(
        "wizard-replaced-all",
        of_part(website()),
        &[&chosen[..], &[marked, all]].concat(),
    )
    .await;
    look(
        "wizard-replaced-paths",
        of_part(paths()),
        &[&chosen[..], &[marked]].concat(),
    )
    .await;
}

alike!(one_key_takes_everything_instead_and_the_part_again);
async fn one_key_takes_everything_instead_and_the_part_again() {
    for part in [website(), paths()] {
        let cockpit = Runner::start(SIZES[0], Fixture::with(of_part(part.clone()))).await;
        cockpit.see("daily").await;
        cockpit
            .press("rG<Enter>")
            .await
            .see("It takes back the restore")
            .await;
        cockpit
            .press("<Enter>")
            .await
            .see("only a part is restored")
            .await;
        assert_eq!(planned(&cockpit), part);
        cockpit
            .press("<Esc>+")
            .await
            .see("Everything will be restored")
            .await;
        cockpit.press("<Enter>").await.see("everything").await;
        assert_eq!(planned(&cockpit), Selection::default());
        if !part.has_paths() {
            // Whoever marks the same by hand has the same, in whatever order it stands.
            cockpit
                .press("<Esc>g=G=")
                .await
                .see("It takes back the restore")
                .await;
            cockpit.press("+").await.see("Everything will be restored").await;
            cockpit.press("<Enter>").await.see("everything").await;
        }
        cockpit
            .press("<Esc>+")
            .await
            .see("It takes back the restore")
            .await;
        // What is marked by hand instead is that, and going back to the list of backups leaves it.
        cockpit.press("G ").await.see("+ takes it").await;
        cockpit.press("<Esc><Enter>").await.see("+ takes it").await;
        cockpit.press("+").await.see("It takes back the restore").await;
        // Of another backup everything is marked, and the key does nothing.
        cockpit
            .press("<Esc>g<Enter>")
            .await
            .see("Everything will be restored")
            .await;
        assert!(!cockpit.text().contains("that took this backup"));
        cockpit.press("+").await.see("this is no safety backup").await;
    }
}

alike!(paths_of_the_part_can_be_left_out);
async fn paths_of_the_part_can_be_left_out() {
    let cockpit = Runner::start(SIZES[0], Fixture::with(of_part(paths()))).await;
    cockpit.see("daily").await;
    cockpit.press("rG<Enter>").await.see("✓ path").await;
    cockpit.press("G ").await.see("· path       /website/acme").await;
    cockpit
        .press("<Enter>")
        .await
        .see("only a part is restored")
        .await;
    let left = part(&["author"], &["dam"], &["/dam/pictures/logo.png"]);
    assert_eq!(planned(&cockpit), left);
    cockpit.press("<Esc>k ").await.see("· path       /dam").await;
    cockpit.press("<Enter>").await.see("no path is taken").await;
}

alike!(what_was_not_there_before_the_restore_is_a_part_of_it_as_well);
async fn what_was_not_there_before_the_restore_is_a_part_of_it_as_well() {
    let part = part(&["author"], &["website", "intranet"], &[]);
    let cockpit = Runner::start(SIZES[0], Fixture::with(of_part(part.clone()))).await;
    cockpit.see("daily").await;
    cockpit
        .press("rG<Enter>")
        .await
        .see("✓ workspace  intranet")
        .await;
    cockpit
        .press("<Enter>")
        .await
        .see("only a part is restored")
        .await;
    assert_eq!(planned(&cockpit), part);
    // The plan of an undo is of exactly that as well.
    cockpit
        .press("<Esc><Esc><Esc>u")
        .await
        .see("1 see the plan")
        .await
        .see("come back")
        .await;
    assert_eq!(planned(&cockpit), part);
}

alike!(a_part_that_is_all_the_backup_holds_is_not_everything);
async fn a_part_that_is_all_the_backup_holds_is_not_everything() {
    let part = part(&["author", "public-1", "public-2"], &[], &[]);
    let cockpit = Runner::start(SIZES[0], Fixture::with(of_part(part.clone()))).await;
    cockpit.see("daily").await;
    for _ in 0..2 {
        let step = if cockpit.backend.state().planned.is_none() {
            "rG<Enter>"
        } else {
            "<Esc>+"
        };
        cockpit.press(step).await.see("It takes back the restore").await;
        cockpit
            .press("<Enter>")
            .await
            .see("only a part is restored")
            .await;
        assert_eq!(planned(&cockpit), part);
        cockpit
            .press("<Esc>+")
            .await
            .see("Everything will be restored")
            .await;
        cockpit.press("<Enter>").await.see("everything").await;
        assert_eq!(planned(&cockpit), Selection::default());
    }
}
