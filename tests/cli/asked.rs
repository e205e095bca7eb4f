//! Questions of the cockpit in lines: what answers them, what helps with them, and what was typed before they were asked.

use lifeboat::backend::BackendError;
use lifeboat::domain::backup::{BackupId, Trigger};
use lifeboat::domain::job::{JobId, JobKind, JobState, Outcome};
use lifeboat::domain::plan::Selection;
use lifeboat::domain::state::{EnvironmentDetails, UndoWay};
use lifeboat::domain::undoing::UndoOf;

use crate::harness::{Ended, alike, lifeboat};
use crate::made_up::name;
use crate::made_up::one_project::environments::has_replaced;
use crate::made_up::one_project::past::job;
use crate::made_up::one_project::{at, usual};

/// What the backend was asked to begin or to change.
pub fn begun(ended: &Ended) -> Vec<&str> {
    let begins = [
        "restore ", "undo ", "backup ", "confirm ", "delete ", "break ", "hold ",
    ];
    let calls = ended.calls.iter().map(String::as_str);
    calls
        .filter(|call| begins.iter().any(|begin| call.starts_with(begin)))
        .collect()
}

/// What was said, however it was broken into lines.
pub fn in_one_line(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn pasting(pieces: &[&str]) -> Ended {
    lifeboat(&["--plain"]).pasting(pieces).ends()
}

alike!(a_name_that_was_pasted_behind_another_restores_nothing);
fn a_name_that_was_pasted_behind_another_restores_nothing() {
    let ways = ["acme/live\n", "restore\n", "1\n", "1\n"];
    let pasted = pasting(&[&ways[..], &["acme/lvie\nacme/live\n", "back\n", "quit\n"]].concat());
    assert_eq!(begun(&pasted), [""; 0], "{}", pasted.err);
    assert!(
        pasted
            .err
            .contains("1 line was typed before this was asked, and not taken"),
        "{}",
        pasted.err
    );
    // Once it was asked again, the name is the answer.
    let typed = pasting(&[&ways[..], &["acme/lvie\nacme/live\n", "acme/live\n", "quit\n"]].concat());
    assert_eq!(begun(&typed).len(), 1, "{}", typed.err);
}

alike!(what_is_pasted_where_choices_are_confirms_nothing);
fn what_is_pasted_where_choices_are_confirms_nothing() {
    for pasted in [
        "restore\n1\n1\nacme/live\n",
        "undo\nacme/live\n",
        "back up\n\n",
        "back up\nbefore the sale\n",
        "maintenance\nthe disks are being moved\n",
        "delete acme/live upgrade\nyes\n",
        "confirm acme/live\nyes\n",
    ] {
        let fixture = usual();
        if let Some(live) = fixture.state().environments.get_mut(&name("acme/live")) {
            has_replaced(live);
        }
        let ended = lifeboat(&["--plain"])
            .on(fixture)
            .pasting(&["acme/live\n", pasted, "back\n", "quit\n"])
            .ends();
        assert_eq!(begun(&ended), [""; 0], "{pasted}: {}", ended.err);
        assert!(
            ended.err.contains("typed before this was asked"),
            "{pasted}: {}",
            ended.err
        );
    }
}

#[test]
fn what_is_pasted_breaks_no_live() {
    let fixture = usual();
    fixture.state().demo = true;
    let ended = lifeboat(&["--plain"])
        .on(fixture)
        .pasting(&["globex/live\n", "break\nglobex/live\n", "back\n", "quit\n"])
        .ends();
    assert!(!ended.out.contains("Live is broken now"), "{}", ended.out);
}

alike!(what_was_typed_behind_something_that_did_not_fit_does_nothing);
fn what_was_typed_behind_something_that_did_not_fit_does_nothing() {
    for pasted in [
        // No choice, a number of none, a choice that cannot be taken, a verb that fails.
        "restroe\ndrill acme/live\n",
        "99\ndrill acme/live\n",
        "18\ndrill acme/live\n",
        "backups acme/lvie\ndrill acme/live\n",
    ] {
        let ended = pasting(&["acme/live\n", pasted, "quit\n"]);
        assert!(
            !ended.out.contains("lifeboat drill"),
            "{pasted}: {}{}",
            ended.out,
            ended.err
        );
    }
    // What fits can be typed ahead.
    let ended = pasting(&["acme/live\n4\ndaily\n\nback\nquit\n"]);
    assert!(
        ended.out.contains("lifeboat browse acme/live b1234567"),
        "{}",
        ended.out
    );
}

alike!(in_a_shell_what_was_typed_ahead_is_thrown_away);
fn in_a_shell_what_was_typed_ahead_is_thrown_away() {
    // The terminal does it, which is asked to by showing what is typed anew.
    let ended = lifeboat(&["restore", "acme/live", "daily"])
        .typing("help\nacme/live\n")
        .ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("Nothing has been done yet"), "{}", ended.err);
    assert!(ended.flushes > 0);
}

alike!(help_inside_a_question_helps_with_it_and_asks_again);
fn help_inside_a_question_helps_with_it_and_asks_again() {
    for (typed, asked, helps) in [
        (
            &["restore"][..],
            "which backup (1 to 6, an id, or back)>",
            "the beginning of its words",
        ),
        (
            &["restore", "1"],
            "restore (1 to 5, or back)>",
            "Nothing has been done to Live yet",
        ),
        (
            &["restore", "1", "3"],
            "instances, numbers with spaces",
            "with spaces between them, such as",
        ),
        (
            &["restore", "1", "4"],
            "a path, such as",
            "A path is the instance, a colon",
        ),
        (
            &["restore", "1", "1"],
            "To restore it, type acme/live:",
            "once acme/live is typed",
        ),
        (
            &["look", "1"],
            "the path, such as",
            "A path is the instance, a colon",
        ),
        (
            &["back up"],
            "a note for the backup, or nothing:",
            "in your words",
        ),
        (&["find a page"], "a part of the name:", "Upper and lower case"),
        (&["maintenance"], "the reason:", "everybody who is kept waiting"),
        (
            &["delete acme/live upgrade"],
            "Delete it? (yes or no, Enter for no):",
            "\"yes\" does it",
        ),
    ] {
        for help in ["help", "?"] {
            let lines = [&["acme/live"], typed, &[help, "back", "quit"]].concat();
            let ended = lifeboat(&["--plain"])
                .typing(&format!("{}\n", lines.join("\n")))
                .ends();
            let said = ended.err.replace('\n', " ");
            assert_eq!(ended.code, 0, "{typed:?}: {said}");
            assert_eq!(said.matches(asked).count(), 2, "{typed:?}: {said}");
            assert!(said.contains(helps), "{typed:?}: {said}");
            assert_eq!(begun(&ended), [""; 0], "{typed:?}");
        }
    }
}

alike!(what_drops_or_deletes_something_asks_in_lines);
fn what_drops_or_deletes_something_asks_in_lines() {
    for (typed, answer, begins) in [
        ("18", "yes", &["confirm acme/live"][..]),
        ("confirm", "no", &[]),
        ("delete acme/live upgrade", "yes", &["delete acme/live c1234567"]),
        ("delete acme/live upgrade", "", &[]),
    ] {
        let fixture = usual();
        if let Some(live) = fixture.state().environments.get_mut(&name("acme/live")) {
            has_replaced(live);
        }
        let ended = lifeboat(&["--plain"])
            .on(fixture)
            .typing(&format!("acme/live\n{typed}\n{answer}\nquit\n"))
            .ends();
        assert_eq!(begun(&ended), begins, "{typed}: {}", ended.err);
        assert!(ended.err.contains("(yes or no, Enter for no)"), "{}", ended.err);
    }
}

alike!(what_is_left_of_undo_is_said_before_something_goes);
fn what_is_left_of_undo_is_said_before_something_goes() {
    let asked = |typed: &str, undo: fn(&mut EnvironmentDetails)| {
        let fixture = usual();
        if let Some(live) = fixture.state().environments.get_mut(&name("acme/live")) {
            undo(live);
        }
        let ended = lifeboat(&["--plain"])
            .on(fixture)
            .typing(&format!("acme/live\n{typed}\nno\nquit\n"))
            .ends();
        in_one_line(&ended.err)
    };
    let from_the_backup = asked("confirm", has_replaced);
    assert!(
        from_the_backup.contains("Undo is a restore of the safety backup "),
        "{from_the_backup}"
    );
    let at_its_end = asked("confirm", |live| {
        has_replaced(live);
        live.undo = None;
    });
    assert!(
        at_its_end.contains("no safety backup to go back to: nothing can be undone afterwards.")
            && !at_its_end.contains("Undo is a restore"),
        "{at_its_end}"
    );
    let upgrade = |live: &mut EnvironmentDetails| {
        let upgrade = live
            .backups
            .iter()
            .find(|backup| matches!(backup.manifest.trigger, Trigger::Upgrade { .. }));
        live.undo = upgrade.map(|backup| backup.id.clone());
    };
    let deleted = asked("delete acme/live upgrade", upgrade);
    assert!(
        deleted.contains("Undo goes back to it: the last restore or undo cannot be undone afterwards."),
        "{deleted}"
    );
}

alike!(an_undo_of_which_nothing_is_told_warns_before_it_asks);
fn an_undo_of_which_nothing_is_told_warns_before_it_asks() {
    let fixture = usual();
    fixture.state().undo_untold = Some(BackendError::OutOfReach(
        "the database does not answer".to_owned(),
    ));
    let ended = lifeboat(&["undo", "acme/live"]).on(fixture).typing("no\n").ends();
    let said = ended.err.replace('\n', " ");
    let warned = said.find("cannot be told: the database does not answer");
    let asked = said.find("type acme/live:");
    assert!(warned.is_some() && warned < asked, "{}", ended.err);
}

alike!(after_an_undo_the_offer_says_that_it_would_be_undone);
fn after_an_undo_the_offer_says_that_it_would_be_undone() {
    // An older service leaves it to the jobs to say it.
    offers_to_undo_the_undo(43, None);
    offers_to_undo_the_undo(
        47,
        Some(UndoOf {
            kind: Some(JobKind::Undo),
            job: Some(JobId(47)),
            at: Some(at(23, 5, 2)),
        }),
    );
}

fn offers_to_undo_the_undo(by: u64, said: Option<UndoOf>) {
    let fixture = usual();
    {
        let mut state = fixture.state();
        let safety = BackupId("9".repeat(64));
        let mut undo = job(
            43,
            JobKind::Undo,
            "undo: restore of the safety backup",
            JobState::Done,
        );
        undo.outcome = Some(Outcome {
            summary: "Live is as it was".to_owned(),
            backup: None,
            safety: Some(safety.clone()),
            warnings: Vec::new(),
            health: Vec::new(),
            not_proven: Vec::new(),
        });
        state.jobs.insert(0, undo);
        if let Some(live) = state.environments.get_mut(&name("acme/live")) {
            live.undo_way = Some(UndoWay::Safety { backup: safety });
            live.undo_of = said;
        }
    }
    let ended = lifeboat(&["--plain"])
        .on(fixture)
        .typing("acme/live\nundo\nback\nquit\n")
        .ends();
    let offered = in_one_line(&ended.out);
    assert!(
        offered.contains(&format!(
            "17 undo the undo, job {by} of 2026-11-23 05:02:00 UTC: Live becomes again as it was before that undo, "
        )),
        "{offered}"
    );
    assert!(
        ended.err.contains("To undo the undo, type acme/live:"),
        "{}",
        ended.err
    );
}

alike!(an_undo_of_an_undo_names_the_restore_that_stays);
fn an_undo_of_an_undo_names_the_restore_that_stays() {
    let after_an_undo = || {
        let fixture = usual();
        let mut state = fixture.state();
        let digits = ["a", "b", "c"];
        let kinds = [JobKind::Restore, JobKind::Restore, JobKind::Undo];
        state.jobs.clear();
        for ((id, kind), digit) in (51..).zip(kinds).zip(digits) {
            let mut done = job(id, kind, "restore of b1234567 (daily)", JobState::Done);
            done.outcome = Some(Outcome {
                safety: Some(BackupId(digit.repeat(64))),
                ..Outcome::default()
            });
            state.jobs.insert(0, done);
        }
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        let mut safety = live
            .backups
            .iter()
            .find(|backup| backup.manifest.trigger == Trigger::Restore)
            .cloned()
            .unwrap();
        safety.id = BackupId("a".repeat(64));
        safety.manifest.replaced = Some(Selection {
            instances: vec!["author".parse().unwrap()],
            workspaces: vec!["website".to_owned()],
            paths: Vec::new(),
        });
        live.backups.insert(0, safety);
        live.undo_way = Some(UndoWay::Safety {
            backup: BackupId("c".repeat(64)),
        });
        live.undo_of = Some(UndoOf {
            kind: Some(JobKind::Undo),
            job: Some(JobId(53)),
            at: None,
        });
        drop(state);
        fixture
    };
    let stays = "The restore of job 51 before that stays. To take it back, restore its safety backup aaaaaaaa of \
                 2026-11-23 04:02 UTC, only website on author: ";
    let restore = "restore acme/live aaaaaaaa --instance author --workspace website";
    for (arguments, typed, command) in [
        (&["undo", "acme/live"][..], "no\n", format!("lifeboat {restore}")),
        (&["--plain"], "acme/live\nundo\nback\nquit\n", restore.to_owned()),
    ] {
        let ended = lifeboat(arguments).on(after_an_undo()).typing(typed).ends();
        let said = in_one_line(&ended.err);
        assert!(said.contains(&format!("{stays}{command}")), "{said}");
    }
}

alike!(a_verb_takes_the_environment_that_one_is_in_where_it_names_none);
fn a_verb_takes_the_environment_that_one_is_in_where_it_names_none() {
    for (typed, run) in [
        ("find news", "lifeboat find acme/live news\n"),
        ("find --by text news", "lifeboat find acme/live --by text news\n"),
        (
            "browse daily author:/website",
            "lifeboat browse acme/live daily author:/website\n",
        ),
        ("diff daily live", "lifeboat diff acme/live daily live\n"),
        ("plan daily", "lifeboat plan acme/live daily\n"),
        // One that names one means that, spelled well or badly.
        ("backups globex/live", "lifeboat backups globex/live\n"),
        ("plan acme/lvie", "lifeboat plan acme/lvie\n"),
        ("find globex/live news", "lifeboat find globex/live news\n"),
    ] {
        let ended = lifeboat(&["--plain"])
            .typing(&format!("acme/live\n{typed}\nquit\n"))
            .ends();
        assert!(ended.out.contains(run), "{typed}: {}{}", ended.out, ended.err);
    }
    // Where one is in none, none is taken.
    let nowhere = lifeboat(&["--plain"]).typing("find news\nquit\n").ends();
    assert!(nowhere.out.contains("lifeboat find news\n"), "{}", nowhere.out);
}
