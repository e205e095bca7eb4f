//! How commands end that do not do what was asked: exit codes, sentences, objects.

use crate::harness::{alike, lifeboat};
use crate::made_up::Script;
use crate::made_up::one_project::{in_trouble, playing};

alike!(every_kind_of_error_has_its_exit_code_and_says_what_to_do);
fn every_kind_of_error_has_its_exit_code_and_says_what_to_do() {
    let commands: [(&[&str], u8); 14] = [
        (&["nope"], 2),
        (&["restroe"], 2),
        (&["jobs", "--limit", "0"], 2),
        (&["backups"], 2),
        (&["backups", "live"], 2),
        (&["backups", "acme/lvie"], 2),
        (&["jobs", "7"], 2),
        (&["extend", "acme/live", "0000"], 2),
        (&["extend", "globex/live", "manual"], 2),
        (&["backup", "acme/uat"], 3),
        (&["backups", "acme/uat"], 3),
        (&["backup", "globex/live"], 3),
        (&["restore", "acme/live", "daily"], 3),
        (&["delete", "acme/live", "weekly"], 3),
    ];
    let mut transcript = String::new();
    for (arguments, code) in commands {
        let ended = lifeboat(arguments).ends();
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.err);
        assert_eq!(ended.out, "", "{arguments:?}");
        transcript.extend(["$ lifeboat ", &arguments.join(" "), "\n", &ended.err, "\n"]);
    }
    insta::assert_snapshot!(
        "every_kind_of_error_has_its_exit_code_and_says_what_to_do",
        transcript
    );
}

alike!(a_verb_that_is_spelled_badly_is_told_unless_it_means_the_opposite);
fn a_verb_that_is_spelled_badly_is_told_unless_it_means_the_opposite() {
    let said = lifeboat(&["restroe", "acme/live"]).ends().err;
    assert!(
        said.contains("there is no verb 'restroe'") && said.contains("'restore'"),
        "{said}"
    );
    let said = lifeboat(&["unprotect", "acme/live"]).ends().err;
    assert!(
        said.contains("there is no verb 'unprotect'") && !said.contains("similar"),
        "{said}"
    );
}

alike!(what_is_no_id_and_no_backup_is_told_what_would_be_one);
fn what_is_no_id_and_no_backup_is_told_what_would_be_one() {
    for neither in ["abc", "12a", ""] {
        let ended = lifeboat(&["jobs", neither]).ends();
        let said = ended.err.replace('\n', " ");
        assert!(
            ended.code == 2
                && said.contains("the id of a job is a number")
                && said.contains("an environment is written PROJECT/ENVIRONMENT"),
            "{said}"
        );
    }
    let ended = lifeboat(&["jobs", "acme/lvie"]).ends();
    assert!(
        ended.code == 2 && ended.err.contains("did you mean acme/live?"),
        "{}",
        ended.err
    );
    let said = lifeboat(&["jobs", "acme/"]).ends().err;
    assert!(
        said.contains("there is no environment \"acme/\": did you mean"),
        "{said}"
    );
    for of_a_list in [
        &["jobs", "40", "--limit", "3"][..],
        &["jobs", "40", "--environment", "acme/live"],
    ] {
        assert_eq!(lifeboat(of_a_list).ends().code, 2, "{of_a_list:?}");
    }
    let ended = lifeboat(&["jobs", "acme/live", "--log"]).ends();
    assert!(
        ended.code == 2 && ended.err.contains("of one job"),
        "{}",
        ended.err
    );
    let ended = lifeboat(&["jobs", "--limit", "1", "--log"]).ends();
    assert!(
        ended.code == 2 && ended.err.contains("of one job"),
        "{}",
        ended.err
    );
    let said = lifeboat(&["extend", "acme/live", "whatever"])
        .ends()
        .err
        .replace('\n', " ");
    assert!(said.contains("(monthly, weekly, daily, manual)"), "{said}");
}

alike!(what_is_not_there_is_told_before_anybody_is_asked_whether_they_are_sure);
fn what_is_not_there_is_told_before_anybody_is_asked_whether_they_are_sure() {
    for (backup, told) in [("weekl", "did you mean weekly"), ("0000", "no backup \"0000\"")] {
        let ended = lifeboat(&["restore", "acme/live", backup]).ends();
        let said = ended.err.replace('\n', " ");
        assert_eq!(ended.code, 2, "{said}");
        assert!(said.contains(told) && !said.contains("confirm"), "{said}");
    }
    let ended = lifeboat(&["restore", "acme/lvie", "daily"]).ends();
    assert!(
        ended.code == 2 && ended.err.contains("acme/live"),
        "{}",
        ended.err
    );
}

alike!(what_is_written_for_others_to_read_has_a_bound_and_something_to_see);
fn what_is_written_for_others_to_read_has_a_bound_and_something_to_see() {
    let long = "x".repeat(1_001);
    let restore = [
        "restore",
        "acme/live",
        "daily",
        "--confirm",
        "acme/live",
        "--break-glass",
    ];
    let commands: [&[&str]; 5] = [
        &["pin", "acme/live", "daily", "--note"],
        &["backup", "acme/live", "--note"],
        &["protect", "acme/live", "--reason"],
        &["reject", "acme/live", "--reason"],
        &restore,
    ];
    for arguments in commands {
        for (text, told) in [
            (long.as_str(), "at most 1000"),
            ("two\nlines", "control characters"),
        ] {
            let ended = lifeboat(&[arguments, &[text]].concat()).ends();
            let said = ended.err.replace('\n', " ");
            assert!(ended.code == 2 && said.contains(told), "{arguments:?}: {said}");
        }
    }
    let silent = lifeboat(&[&restore[..], &["\u{200b}"]].concat()).ends();
    assert!(
        silent.code == 2
            && silent
                .err
                .replace('\n', " ")
                .contains("nothing in it that can be seen"),
        "{}",
        silent.err
    );
}

alike!(a_text_in_which_nothing_is_seen_is_none);
fn a_text_in_which_nothing_is_seen_is_none() {
    for unseen in ["", "  ", "\u{200b}"] {
        let hold = ["maintenance", "acme/live", "--reason", unseen, "--json"];
        let ended = lifeboat(&hold).ends();
        let told: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        assert!(ended.code == 0 && told["reason"].is_null(), "{unseen:?}: {told}");
    }
}

alike!(names_that_are_spelled_badly_are_asked_about);
fn names_that_are_spelled_badly_are_asked_about() {
    for (arguments, question, near) in [
        (
            &["backups", "acme/lvie"][..],
            "did you mean acme/live?",
            "acme/live",
        ),
        (&["backup", "acme-live"], "did you mean acme/live?", "acme/live"),
        (
            &["backup", "GLOBEX/live"],
            "did you mean globex/live?",
            "globex/live",
        ),
        (&["undo", "globex"], "did you mean globex/live?", "globex/live"),
        (
            &["extend", "acme/live", "weekl"],
            "did you mean weekly?",
            "weekly",
        ),
        (&["delete", "acme/live", "Daily"], "did you mean daily?", "daily"),
        (
            &["extend", "acme/live", "saftey"],
            "did you mean safety?",
            "safety",
        ),
    ] {
        let ended = lifeboat(arguments).ends();
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.err);
        assert!(
            ended.err.replace('\n', " ").contains(question),
            "{arguments:?}: {}",
            ended.err
        );
        let ended = lifeboat(&[arguments, &["--json"]].concat()).ends();
        let last = ended.err.lines().last().unwrap();
        let value: serde_json::Value = serde_json::from_str(last).unwrap();
        assert_eq!(
            value["error"]["did_you_mean"],
            serde_json::json!([near]),
            "{last}"
        );
    }
}

alike!(nothing_is_asked_about_where_nothing_is_near);
fn nothing_is_asked_about_where_nothing_is_near() {
    for arguments in [
        &["backups", "nowhere/else"][..],
        &["backup", "x"],
        &["extend", "acme/live", "zz"],
    ] {
        let ended = lifeboat(&[arguments, &["--json"]].concat()).ends();
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert!(!ended.err.contains("did you mean"), "{}", ended.err);
        assert!(!ended.err.contains("did_you_mean"), "{}", ended.err);
    }
}

#[test]
fn help_is_a_verb_too() {
    for (asked, same) in [
        (&["help"][..], &["--help"][..]),
        (&["help", "restore"], &["restore", "--help"]),
    ] {
        let (asked, same) = (lifeboat(asked).ends(), lifeboat(same).ends());
        assert_eq!((asked.code, asked.out), (0, same.out));
    }
}

#[test]
fn help_and_version_are_json_where_that_is_asked_for() {
    let value = |arguments: &[&str]| -> serde_json::Value {
        let ended = lifeboat(arguments).ends();
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        serde_json::from_str(&ended.out).unwrap()
    };
    assert_eq!(
        value(&["--json", "--version"])["version"],
        env!("CARGO_PKG_VERSION")
    );
    for arguments in [&["--help", "--json"][..], &["restore", "--json", "-h"]] {
        assert!(
            value(arguments)["help"].as_str().unwrap().contains("Usage:"),
            "{arguments:?}"
        );
    }
}

alike!(an_environment_in_trouble_does_not_look_like_one_without_backups);
fn an_environment_in_trouble_does_not_look_like_one_without_backups() {
    let mut transcript = String::new();
    for arguments in [
        &["backups", "globex/live"][..],
        &["schedule", "globex/live"],
        &["extend", "globex/live", "upgrade"],
        &["delete", "globex/live", "upgrade"],
    ] {
        let ended = lifeboat(arguments).on(in_trouble()).ends();
        assert_eq!(ended.code, 1, "{arguments:?}");
        transcript.extend([
            "$ lifeboat ",
            &arguments.join(" "),
            "\n",
            &ended.transcript(),
            "\n",
        ]);
    }
    insta::assert_snapshot!(
        "an_environment_in_trouble_does_not_look_like_one_without_backups",
        transcript
    );

    for verb in ["backups", "schedule"] {
        let ended = lifeboat(&[verb, "globex/live", "--json"]).on(in_trouble()).ends();
        assert_eq!(ended.code, 1, "{verb}");
        let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        assert!(
            value["trouble"]
                .as_str()
                .unwrap()
                .contains("does not open the repository")
        );
    }
}

alike!(programs_get_the_error_as_an_object_in_the_last_line);
fn programs_get_the_error_as_an_object_in_the_last_line() {
    let error = |run: crate::harness::Run| {
        let ended = run.ends();
        let last = ended.err.lines().last().unwrap().to_owned();
        let value: serde_json::Value = serde_json::from_str(&last).unwrap();
        assert!(!value["error"]["message"].as_str().unwrap().is_empty());
        (
            ended.code,
            value["error"]["kind"].clone(),
            value["error"]["rule"].clone(),
        )
    };
    let busy = error(lifeboat(&["backup", "globex/live", "--json"]));
    assert_eq!(busy, (3, "refused".into(), "busy".into()));
    let usage = error(lifeboat(&["backups", "--json"]));
    assert_eq!(usage, (2, "usage".into(), serde_json::Value::Null));
    let away = error(lifeboat(&["environments", "--json"]).out_of_reach());
    assert_eq!(away, (4, "out_of_reach".into(), serde_json::Value::Null));
    let failed = error(lifeboat(&["backup", "acme/live", "--json"]).on(playing(Script::Fails)));
    assert_eq!(failed, (1, "failed".into(), serde_json::Value::Null));
}

alike!(a_read_only_context_answers_and_changes_nothing);
fn a_read_only_context_answers_and_changes_nothing() {
    let context = |arguments: &[&str]| {
        lifeboat(&[arguments, &["--context", "prod"]].concat())
            .read_only()
            .ends()
    };
    assert_eq!(context(&["backups", "acme/live"]).code, 0);
    assert_eq!(context(&["plan", "acme/live", "daily"]).code, 0);
    for arguments in [
        &["backup", "acme/live"][..],
        &["restore", "acme/live", "daily", "--confirm", "acme/live"],
        &["undo", "acme/live", "--confirm", "acme/live"],
        &["verify", "acme/live"],
        &["cancel", "41"],
        &["protect", "acme/live"],
        &["maintenance", "acme/live", "--off"],
        &["extend", "acme/live", "upgrade"],
        &["delete", "acme/live", "safety", "--yes"],
    ] {
        let ended = context(arguments);
        assert_eq!(ended.code, 3, "{arguments:?}");
        assert!(
            ended.err.contains("the context \"prod\" is read-only"),
            "{}",
            ended.err
        );
    }
}

alike!(a_backend_out_of_reach_is_told_by_info_as_well);
fn a_backend_out_of_reach_is_told_by_info_as_well() {
    let ended = lifeboat(&["info"]).out_of_reach().ends();
    assert_eq!(ended.code, 0);
    insta::assert_snapshot!("a_backend_out_of_reach_is_told_by_info_as_well", ended.out);
}

alike!(info_tells_of_environments_that_need_somebody);
fn info_tells_of_environments_that_need_somebody() {
    let ended = lifeboat(&["info"]).on(in_trouble()).ends();
    assert_eq!(ended.code, 0);
    let needs = "Needs you: globex/live: the key does not open the repository";
    assert!(ended.out.contains(needs), "{}", ended.out);
    let ended = lifeboat(&["info", "--json"]).on(in_trouble()).ends();
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert!(
        value["problem"]
            .as_str()
            .unwrap()
            .starts_with("globex/live: the key")
    );
}

alike!(a_reader_that_has_seen_enough_is_no_error);
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in [
        &["environments"][..],
        &["man"],
        &["--help"],
        &["backups", "acme/live", "--json"],
    ] {
        let ended = lifeboat(arguments).reader_gone().ends();
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn the_cockpit_needs_a_terminal_and_prints_no_json() {
    assert_eq!(lifeboat(&[]).ends().code, 2);
    assert_eq!(lifeboat(&["--json"]).on_a_terminal(80).ends().code, 2);
    assert!(
        lifeboat(&[])
            .on_a_terminal(80)
            .ends()
            .err
            .contains("the cockpit was opened")
    );
    assert_eq!(lifeboat(&["demo"]).ends().code, 2);
}
