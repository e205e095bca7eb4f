//! Taking a backup: what a manual one replaces, and the version that an upgrade backup wants.

use crate::made_up::{State, name};
use crate::screens::runner::{alike, settings};
use crate::{SIZES, look, look_with, unchanged};

alike!(a_manual_backup_says_what_it_replaces);
async fn a_manual_backup_says_what_it_replaces() {
    let note = "before the press release goes out";
    look(
        "backup-form",
        unchanged,
        &[("", "daily"), ("b", "Replaces"), (note, note)],
    )
    .await;
}

alike!(an_upgrade_backup_wants_a_version);
async fn an_upgrade_backup_wants_a_version() {
    let change = |state: &mut State| {
        let acme = state.environments.get_mut(&name("acme/live")).unwrap();
        acme.backups.remove(1);
    };
    look_with(
        "upgrade-form",
        &settings(),
        &SIZES[..1],
        change,
        &[("", "daily"), ("U", "48 hours"), ("<Enter>", "write the version")],
    )
    .await;
}
