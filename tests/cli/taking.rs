//! What is said before a backup is taken by hand of the ones that go for it, and who is asked.

use crate::asked::{begun, in_one_line};
use crate::harness::{alike, lifeboat};
use crate::made_up::Fixture;
use crate::made_up::name;
use crate::made_up::one_project::{at, usual};
use crate::made_up::records::add_a_little_one_by_hand;

/// Live with a manual backup that a new one replaces, of this person and with this note.
fn with_a_manual_backup(by: &str, note: Option<&str>) -> Fixture {
    let fixture = usual();
    if let Some(live) = fixture.state().environments.get_mut(&name("acme/live")) {
        let good = live.backups[0].verification.clone();
        for backup in &mut live.backups {
            if backup.manifest.trigger.names() == "manual" {
                backup.manifest.by = by.into();
                backup.manifest.note = note.map(str::to_owned);
                backup.verification = good.clone();
            }
        }
    }
    fixture
}

alike!(a_backup_for_which_one_may_go_that_is_kept_for_holding_more_asks_first);
fn a_backup_for_which_one_may_go_that_is_kept_for_holding_more_asks_first() {
    let fixture = with_a_manual_backup("maria", None);
    let live = fixture
        .state()
        .environments
        .get_mut(&name("acme/live"))
        .map(add_a_little_one_by_hand);
    assert!(live.is_some());
    let left = lifeboat(&["--plain"])
        .on(fixture)
        .typing("acme/live\n2\nmine\nno\nquit\n")
        .ends();
    assert_eq!(begun(&left), [""; 0], "{}", left.err);
    let told = left.out.replace('\n', " ");
    assert!(
        told.contains("For it, the backup 99999999 of")
            && told.contains("if the new one holds about as much as e1234567, kept until now"),
        "{told}{}",
        left.err
    );
    assert!(
        left.err
            .contains("Take the backup, though it may be what e1234567 goes for?"),
        "{}",
        left.err
    );
}

alike!(a_backup_that_takes_the_place_of_somebody_elses_asks_first);
fn a_backup_that_takes_the_place_of_somebody_elses_asks_first() {
    let ended = |fixture: Fixture, typed: &str| lifeboat(&["--plain"]).on(fixture).typing(typed).ends();
    let somebodys = || with_a_manual_backup("robin", Some("before the relaunch"));
    for no in ["no", "", "back", "quit"] {
        let left = ended(somebodys(), &format!("acme/live\n2\nmine\n{no}\nquit\n"));
        assert_eq!(begun(&left), [""; 0], "{no}: {}", left.err);
        let told = left.out.replace('\n', " ");
        assert!(
            told.contains(
                "It takes the manual slot. For it, the backup e1234567 of 2026-11-20 16:45 UTC by robin (\"before the relaunch\") is \
                 deleted, once the new one is complete and verified."
            ),
            "{told}"
        );
        assert!(
            left.err.contains("(yes or no, Enter for no)") && left.err.contains("nothing was done"),
            "{no}: {}",
            left.err
        );
        // It is said once.
        assert!(!left.err.contains("It takes the manual slot"), "{}", left.err);
    }
    let taken = ended(somebodys(), "acme/live\n2\nmine\nyes\nquit\n");
    assert_eq!(begun(&taken), ["backup acme/live note=mine to="], "{}", taken.err);
    // A verb that is typed asks as well, and says what goes.
    let typed = ended(somebodys(), "acme/live\nbackup acme/live\nno\nquit\n");
    assert!(typed.err.contains("It takes the manual slot"), "{}", typed.err);
    assert_eq!(begun(&typed), [""; 0]);
    // One's own without a note goes without a question.
    let mine = ended(with_a_manual_backup("kim", None), "acme/live\n2\n\nquit\n");
    assert_eq!(begun(&mine), ["backup acme/live note= to="], "{}", mine.err);
    // Whose it is, the service says: by it one may be known as another than on this machine.
    let as_token = |by: &str| {
        let fixture = with_a_manual_backup(by, None);
        fixture.state().you = Some("kims-laptop".into());
        fixture
    };
    let mine = ended(as_token("kims-laptop"), "acme/live\n2\n\nquit\n");
    assert_eq!(begun(&mine), ["backup acme/live note= to="], "{}", mine.err);
    let somebodys = ended(as_token("kim"), "acme/live\n2\n\n\nquit\n");
    assert_eq!(begun(&somebodys), [""; 0], "{}", somebodys.err);
    let noted = ended(
        with_a_manual_backup("kim", Some("keep me")),
        "acme/live\n2\n\n\nquit\n",
    );
    assert_eq!(begun(&noted), [""; 0], "{}", noted.err);
}

alike!(a_backup_that_may_be_kept_is_not_said_to_be_deleted);
fn a_backup_that_may_be_kept_is_not_said_to_be_deleted() {
    let fixture = with_a_manual_backup("robin", None);
    if let Some(live) = fixture.state().environments.get_mut(&name("acme/live")) {
        for backup in live
            .backups
            .iter_mut()
            .filter(|backup| backup.manifest.by == "robin".into())
        {
            backup.manifest.expires = Some(at(30, 0, 0));
        }
    }
    let told = lifeboat(&["backup", "acme/live"])
        .on(fixture)
        .on_a_terminal(100)
        .ends();
    let said = in_one_line(&told.err);
    assert!(
        said.contains("by robin leaves the manual slot, and goes once nothing else keeps it.")
            && !said.contains("is deleted"),
        "{said}"
    );
}

alike!(in_a_shell_a_backup_says_which_one_goes_and_asks_nothing);
fn in_a_shell_a_backup_says_which_one_goes_and_asks_nothing() {
    let run = |arguments: &[&str]| {
        lifeboat(arguments)
            .on(with_a_manual_backup("robin", Some("before the relaunch")))
            .on_a_terminal(100)
            .ends()
    };
    let told = run(&["backup", "acme/live"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(
        told.err
            .replace('\n', " ")
            .contains("the backup e1234567 of 2026-11-20 16:45 UTC by robin"),
        "{}",
        told.err
    );
    assert_eq!(begun(&told).len(), 1);
    let json = run(&["backup", "acme/live", "--json"]);
    assert!(!json.err.contains("robin"), "{}", json.err);
    // Nobody is there to hear it: nothing is looked up.
    let cron = lifeboat(&["backup", "acme/live"])
        .on(with_a_manual_backup("robin", None))
        .ends();
    let begins = cron
        .calls
        .iter()
        .position(|call| call.starts_with("backup acme/live"));
    let before = &cron.calls[..begins.unwrap()];
    assert!(
        !before.contains(&"environment acme/live".to_owned()),
        "{before:?}"
    );
    assert!(!cron.err.contains("robin"), "{}", cron.err);
    let upgrade = run(&["backup", "acme/live", "--trigger", "upgrade", "--to", "6.3.5"]);
    assert!(!upgrade.err.contains("robin"), "{}", upgrade.err);
}
