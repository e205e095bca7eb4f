//! The cockpit in lines: numbered choices, verbs that are typed, and what happens meanwhile.

use lifeboat::backend::BackendError;
use lifeboat::cli::Interrupt;

use crate::asked::in_one_line;
use crate::harness::{alike, lifeboat};
use crate::made_up::name;
use crate::made_up::one_project::usual;

/// Types these lines into the cockpit in lines.
fn typing(lines: &[&str]) -> crate::harness::Ended {
    let ended = lifeboat(&["--plain"])
        .typing(&format!("{}\n", lines.join("\n")))
        .ends();
    assert!(
        !ended.out.contains(['\r', '\u{1b}']),
        "a line was drawn over: {}",
        ended.out
    );
    assert!(
        !ended.err.contains(['\r', '\u{1b}']),
        "a line was drawn over: {}",
        ended.err
    );
    ended
}

alike!(a_restore_is_a_matter_of_five_answers);
fn a_restore_is_a_matter_of_five_answers() {
    let ended = typing(&["acme/live", "restore", "1", "1", "acme/live", "quit"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("plain_restore", ended.transcript());
}

alike!(a_name_that_is_not_the_environments_restores_nothing);
fn a_name_that_is_not_the_environments_restores_nothing() {
    for leaves in ["back", "quit", ""] {
        let ended = typing(&["acme/live", "restore", "1", "1", "acme", leaves, "quit"]);
        assert_eq!(ended.code, 0);
        assert!(
            ended.err.contains("\"acme\" is not the name. Type acme/live")
                && ended.err.contains("nothing was done"),
            "{leaves}: {}",
            ended.err
        );
        assert!(!ended.out.contains("to go back: undo"), "{leaves}: {}", ended.out);
    }
}

alike!(a_restore_that_was_not_begun_is_not_offered_as_if_nothing_had_been_said);
fn a_restore_that_was_not_begun_is_not_offered_as_if_nothing_had_been_said() {
    let fixture = usual();
    for details in fixture.state().environments.values_mut() {
        details.summary.protection = None;
    }
    let lines = ["acme/live", "restore", "1", "1", "acme", "back", "back", "quit"];
    let ended = lifeboat(&["--plain"])
        .on(fixture)
        .typing(&format!("{}\n", lines.join("\n")))
        .ends();
    let (first, second) = ended
        .out
        .split_once("It was not begun, and nothing was changed. What now?")
        .unwrap_or_else(|| panic!("{}{}", ended.out, ended.err));
    assert!(first.contains("What now?\n  1  restore it\n"), "{first}");
    assert!(
        second.contains("  1  try to restore it all the same\n"),
        "{second}"
    );
}

alike!(a_restore_of_which_nobody_knows_whether_it_was_begun_is_told_as_that);
fn a_restore_of_which_nobody_knows_whether_it_was_begun_is_told_as_that() {
    let fixture = usual();
    for details in fixture.state().environments.values_mut() {
        details.summary.protection = None;
    }
    fixture.state().refuses = Some(BackendError::OutOfReach("nothing answered".to_owned()));
    let ended = lifeboat(&["--plain"])
        .on(fixture)
        .typing("acme/live\nrestore\n1\n1\nacme/live\nback\nquit\n")
        .ends();
    assert!(
        in_one_line(&ended.out)
            .contains("Whether the restore was begun is not known. Leave it, and look at the jobs first.")
            && !ended.out.contains("It was not begun"),
        "{}{}",
        ended.out,
        ended.err
    );
}

alike!(a_name_that_was_mistyped_is_asked_for_once_more);
fn a_name_that_was_mistyped_is_asked_for_once_more() {
    let ended = typing(&["acme/live", "restore", "1", "1", "acme/lvie", "acme/live", "quit"]);
    assert_eq!(
        ended.err.matches("To restore it, type acme/live:").count(),
        2,
        "{}",
        ended.err
    );
    assert!(ended.out.contains("to go back: undo"), "{}", ended.out);
}

alike!(a_pipe_is_asked_as_a_terminal_is);
fn a_pipe_is_asked_as_a_terminal_is() {
    let typed = "acme/live\nrestore\n1\n1\nacme/live\nquit\n";
    let ended = lifeboat(&["--plain"]).piping(typed).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.contains("to go back: undo"),
        "{}{}",
        ended.out,
        ended.err
    );
}

alike!(what_comes_through_a_pipe_behind_another_line_confirms_nothing);
fn what_comes_through_a_pipe_behind_another_line_confirms_nothing() {
    for typed in [
        // Where a backup is chosen, where it is said what to do, where the name is typed, and where a verb asks for it.
        "acme/live\nrestore\n99\n1\n1\nacme/live\nquit\n",
        "acme/live\nrestore\n1\nrestoer it\n1\nacme/live\nquit\n",
        "acme/live\nrestore\n1\n1\njobs\nacme/live\nquit\n",
        "acme/live\nundo acme/live\njobs\nacme/live\nquit\n",
        "acme/live\nrestroe\nundo acme/live\nacme/live\nquit\n",
    ] {
        let ended = lifeboat(&["--plain"]).piping(typed).ends();
        assert_eq!(ended.code, 2, "{}", ended.err);
        assert!(ended.err.contains("was not done"), "{}", ended.err);
        assert!(!ended.out.contains("to go back: undo"), "{}", ended.out);
        assert!(!ended.out.contains("is back"), "{}", ended.out);
    }
}

alike!(enter_alone_says_the_choices_again_and_drops_no_plan);
fn enter_alone_says_the_choices_again_and_drops_no_plan() {
    let ended = typing(&["acme/live", "restore", "", "1", "", "5", "quit"]);
    for (said, times) in [
        ("6  monthly, taken", 2),
        ("4  only some paths", 2),
        ("lifeboat plan acme/live", 1),
    ] {
        assert_eq!(ended.out.matches(said).count(), times, "{said}: {}", ended.out);
    }
}

alike!(what_can_be_done_keeps_its_number);
fn what_can_be_done_keeps_its_number() {
    let fixture = usual();
    let said_of = |fixture, environment: &str| {
        let ended = lifeboat(&["--plain"])
            .on(fixture)
            .typing(&format!("{environment}\n20\nquit\n"))
            .ends();
        assert!(
            ended.err.contains("\"20\" is the number of no choice now"),
            "{}",
            ended.err
        );
        ended.out
    };
    let always = [
        "  3  restore Live from a backup",
        "  4  look inside a backup or Live",
        "  5  differences: what is gone from Live",
        " 12  jobs: what ran and what runs",
        " 14  back to all environments",
        " 15  quit",
    ];
    let comes_and_goes = [" 16  cancel job 41", " 17  undo the last restore, job 40 of"];
    let out = said_of(fixture, "acme/live");
    for line in always.iter().chain(&comes_and_goes) {
        assert!(out.contains(&format!("\n{line}")), "{line}: {out}");
    }
    // Nothing runs there, and nothing was restored.
    let out = said_of(usual(), "globex/live");
    for line in always {
        assert!(out.contains(&format!("\n{line}")), "{line}: {out}");
    }
    for line in comes_and_goes {
        assert!(!out.contains(&format!("\n{line}")), "{line}: {out}");
    }
    // Nothing is left out without a reason.
    for line in [
        " 16  not now, none runs: cancel a job",
        " 17  not now, there is nothing to undo: undo the last restore",
        " 18  not now, no tables stand that one has replaced: confirm a restore",
    ] {
        assert!(out.contains(&format!("\n{line}")), "{line}: {out}");
    }
    let out = said_of(usual(), "acme/uat");
    for line in ["1 to 11  not here: only Live is backed up", " 12  jobs: what ran"] {
        assert!(out.contains(&format!("\n{line}")), "{line}: {out}");
    }
    assert!(!out.contains("restore Live"), "{out}");
}

alike!(what_cannot_be_taken_now_says_why);
fn what_cannot_be_taken_now_says_why() {
    for (environment, typed, why) in [
        ("globex/live", "undo", "there is nothing to undo"),
        ("globex/live", "16", "none runs"),
        ("acme/uat", "3", "only Live is backed up"),
        ("acme/uat", "restore", "only Live is backed up"),
    ] {
        let ended = typing(&[environment, typed, "quit"]);
        assert_eq!(ended.code, 0);
        assert!(
            ended.err.contains(&format!("that cannot be done now: {why}")),
            "{environment}, {typed}: {}",
            ended.err
        );
    }
}

alike!(what_is_gone_is_a_choice);
fn what_is_gone_is_a_choice() {
    let ended = typing(&["acme/live", "5", "daily", "", "author:/website", "", "quit"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    for verb in [
        "lifeboat diff acme/live b1234567 live\n",
        "lifeboat diff acme/live b1234567 live author:/website\n",
    ] {
        assert!(ended.out.contains(verb), "{verb}: {}{}", ended.out, ended.err);
    }
    let none = typing(&["globex/live", "5", "quit"]);
    assert!(none.out.contains("There is no backup that Live"), "{}", none.out);
}

alike!(a_backup_is_chosen_by_the_words_that_verbs_take);
fn a_backup_is_chosen_by_the_words_that_verbs_take() {
    // Two are daily, and the words of one begin with weekly: a verb takes the newest of those that it means.
    for (word, id) in [
        ("latest", "b1234567"),
        ("Latest", "b1234567"),
        ("daily", "b1234567"),
        ("weekly", "d1234567"),
        ("monthly", "f1234567"),
        ("upgrade", "c1234567"),
        ("safety", "a1234567"),
    ] {
        let ended = typing(&["acme/live", "3", word, "5", "quit"]);
        let plan = format!("lifeboat plan acme/live {id}\n");
        assert!(ended.out.contains(&plan), "{word}: {}{}", ended.out, ended.err);
        let ended = typing(&["acme/live", "4", word, "back", "quit"]);
        let path = "the path, such as author:/website/home";
        assert!(ended.err.contains(path), "{word}: {}", ended.err);
    }
    // What is understood and is not there is told as that; what the words of one begin with is that one still.
    let ended = typing(&["acme/live", "3", "recent", "back", "quit"]);
    assert!(ended.err.contains("there is no recent backup"), "{}", ended.err);
    let ended = typing(&["acme/live", "3", "manual", "5", "quit"]);
    let plan = "lifeboat plan acme/live e1234567\n";
    assert!(ended.out.contains(plan), "{}{}", ended.out, ended.err);
}

alike!(what_can_be_looked_into_is_chosen_by_number_and_then_by_path);
fn what_can_be_looked_into_is_chosen_by_number_and_then_by_path() {
    let ended = typing(&[
        "acme/live",
        "look",
        "daily",
        "",
        "author:/website",
        "",
        "4",
        "live",
        "back",
        "quit",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("  7  Live, as it is now"), "{}", ended.out);
    for verb in [
        "lifeboat browse acme/live b1234567\n",
        "lifeboat browse acme/live b1234567 author:/website\n",
    ] {
        assert!(ended.out.contains(verb), "{verb}: {}", ended.out);
    }
    // Nothing was looked at in Live: the path was not given.
    assert!(
        !ended.out.contains("lifeboat browse acme/live live"),
        "{}",
        ended.out
    );
}

#[test]
fn a_demo_breaks_live_once_its_name_is_typed() {
    let demo = || {
        let fixture = usual();
        fixture.state().demo = true;
        fixture
    };
    let ended = |typed: &str| lifeboat(&["--plain"]).on(demo()).typing(typed).ends();
    let broken = ended("globex/live\nbreak\nglobex\nglobex/live\nquit\n");
    assert!(broken.out.contains(" 19  break Live"), "{}", broken.out);
    assert!(
        broken.out.contains("Live is broken now: globex/live: 312 items"),
        "{}",
        broken.out
    );
    let left = ended("globex/live\n19\nback\nquit\n");
    assert!(!left.out.contains("Live is broken now"), "{}", left.out);
    // What is at work there is not disturbed.
    let busy = ended("acme/live\n19\nquit\n");
    assert!(
        busy.err.contains("41") && !busy.err.contains("To break Live"),
        "{}",
        busy.err
    );
    let elsewhere = typing(&["globex/live", "19", "quit"]);
    assert!(!elsewhere.out.contains("break Live"), "{}", elsewhere.out);
}

alike!(some_workspaces_are_chosen_by_number);
fn some_workspaces_are_chosen_by_number() {
    let ended = typing(&["acme/live", "restore", "1", "3", "1", "2", "back", "quit"]);
    assert!(
        ended.out.contains("--instance author --workspace"),
        "{}",
        ended.out
    );
}

alike!(a_verb_that_is_typed_runs_and_its_errors_end_nothing);
fn a_verb_that_is_typed_runs_and_its_errors_end_nothing() {
    let ended = typing(&[
        "jobs --limit 1",
        "backups acme/lvie",
        "nonsense",
        "say 'it",
        "serve",
        "help",
        "quit",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    for told in [
        "\"nonsense\" is none of the choices",
        "quotation mark",
        "type it in a shell",
        "acme/lvie",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert!(ended.out.contains("lifeboat jobs --limit 1"), "{}", ended.out);
}

#[test]
fn an_input_that_has_ended_leaves() {
    let ended = lifeboat(&["--plain"]).typing("").ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn ctrl_c_asks_once_before_it_leaves() {
    let ended = lifeboat(&["--plain"])
        .typing("")
        .interrupted(&[Interrupt::CtrlC, Interrupt::CtrlC])
        .ends();
    assert!(ended.err.contains("Ctrl-C once more leaves"), "{}", ended.err);
}

#[test]
fn it_is_no_json() {
    let ended = lifeboat(&["--plain", "--json"]).ends();
    assert_eq!(ended.code, 2);
}

alike!(quit_inside_a_question_leaves_the_question_and_says_so);
fn quit_inside_a_question_leaves_the_question_and_says_so() {
    // Which backup, what of it, which instances, which paths, and what a verb needs besides.
    let left = [
        &["restore", "quit"][..],
        &["restore", "1", "quit"],
        &["restore", "1", "3", "quit"],
        &["restore", "1", "3", "1", "quit"],
        &["restore", "1", "4", "quit"],
        &["find", "quit"],
        &["find", "back"],
    ];
    for typed in left {
        let ended = typing(&[&["acme/live"], typed, &["jobs --limit 1", "quit"]].concat());
        assert_eq!(ended.code, 0, "{typed:?}: {}", ended.err);
        let told = ended.err.contains("the question is left");
        assert_eq!(told, typed.contains(&"quit"), "{typed:?}: {}", ended.err);
        // What follows is heard where choices are, and nothing was done.
        assert!(
            ended.out.contains("lifeboat jobs --limit 1"),
            "{typed:?}: {}",
            ended.out
        );
        for verb in ["lifeboat restore", "lifeboat find"] {
            // A plan says in the middle of a line how it is followed from a shell.
            let was_run = ended.out.lines().any(|line| line.starts_with(verb));
            assert!(!was_run, "{typed:?}: {}", ended.out);
        }
    }
}

alike!(a_backup_is_chosen_by_the_beginning_of_its_words);
fn a_backup_is_chosen_by_the_beginning_of_its_words() {
    let ended = typing(&["acme/live", "restore", "weekly", "leave", "quit"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("lifeboat plan acme/live"), "{}", ended.out);
    assert!(!ended.err.contains("no number"), "{}", ended.err);
}

alike!(what_was_typed_is_said_again_in_its_beginning_alone);
fn what_was_typed_is_said_again_in_its_beginning_alone() {
    let (long, pasted) = ("nonsense".repeat(50), "x".repeat(5_000_000));
    let ended = typing(&[
        "acme/live",
        &long,
        &pasted,
        "restore",
        &long,
        &pasted,
        "back",
        "quit",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err.len());
    for told in [
        "is none of the",
        "none of these begins with it",
        "5,000,000 characters",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    for said in [&ended.out, &ended.err] {
        assert!(!said.contains(&"nonsense".repeat(8)), "{said}");
        assert!(!said.contains(&"x".repeat(61)), "{}", said.len());
    }
}

alike!(help_and_a_verb_say_what_it_takes);
fn help_and_a_verb_say_what_it_takes() {
    let ended = typing(&["help restore", "quit"]);
    assert!(
        ended.out.contains("Usage: lifeboat restore") && !ended.err.contains("none of the choices"),
        "{}{}",
        ended.out,
        ended.err
    );
}

alike!(taking_a_backup_says_which_one_goes_for_it);
fn taking_a_backup_says_which_one_goes_for_it() {
    let fixture = usual();
    if let Some(live) = fixture.state().environments.get_mut(&name("acme/live")) {
        let good = live.backups[0].verification.clone();
        for backup in &mut live.backups {
            backup.manifest.note = None;
            backup.verification = good.clone();
        }
    }
    let ended = lifeboat(&["--plain"])
        .on(fixture)
        .typing("acme/live\nback up\nback\nquit\n")
        .ends();
    let said = ended.out.replace('\n', " ");
    assert!(
        said.contains("It takes the manual slot. For it, the backup ")
            && said.contains(" of 2026-11-20 16:45 UTC"),
        "{said}"
    );
}

alike!(what_is_in_the_way_of_a_restore_is_said_once_and_before_what_can_be_chosen);
fn what_is_in_the_way_of_a_restore_is_said_once_and_before_what_can_be_chosen() {
    let ended = typing(&[
        "acme/live",
        "restore",
        "1",
        "4",
        "author:/website/home",
        "",
        "back",
        "quit",
    ]);
    assert!(
        ended.err.contains("one more path, or nothing to go on"),
        "{}",
        ended.err
    );
    assert!(ended.out.contains("--path author:/website/home"), "{}", ended.out);
    let part = typing(&["acme/live", "plan acme/live upgrade", "quit"]);
    assert_eq!(
        part.out.matches("It cannot be done:").count(),
        1,
        "{}{}",
        part.out,
        part.err
    );
    assert!(!part.err.contains("cannot start"), "{}", part.err);
}
