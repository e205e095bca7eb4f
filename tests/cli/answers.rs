//! What each verb that asks something prints, as text and as JSON.

use crate::harness::{alike, lifeboat};
use crate::made_up::one_project::{on_a_database, with_bad_backups};

/// One snapshot for the text and one for the JSON of a command.
fn both(name: &str, arguments: &[&str]) {
    let text = lifeboat(arguments).ends();
    assert!(
        text.out.chars().all(|c| c == '\n' || !c.is_control()),
        "control characters came through"
    );
    insta::assert_snapshot!(format!("{name}_text"), text.transcript());
    let json = lifeboat(&[arguments, &["--json"]].concat()).ends();
    let value: serde_json::Value = serde_json::from_str(&json.out).expect("one JSON value");
    assert!(value.is_object());
    insta::assert_snapshot!(format!("{name}_json"), json.transcript());
}

alike!(environments);
fn environments() {
    both("environments", &["environments"]);
}

alike!(what_was_proven_to_be_bad_is_told_in_the_line_of_its_environment);
fn what_was_proven_to_be_bad_is_told_in_the_line_of_its_environment() {
    let ended = lifeboat(&["environments"]).on(with_bad_backups()).ends();
    let line_of = |name: &str| {
        let mut lines = ended.out.lines();
        lines.find(|line| line.starts_with(name)).unwrap().to_owned()
    };
    let live = line_of("acme/live");
    assert!(
        live.contains("last drill failed: backup ") && live.contains("a row is missing"),
        "{live}"
    );
    let globex = line_of("globex/live");
    assert!(
        globex.contains("none good") && globex.contains("2 backups cannot be relied on"),
        "{globex}"
    );
    assert!(!globex.contains("no backup yet"), "{globex}");
}

alike!(nodes);
fn nodes() {
    both("nodes", &["nodes"]);
}

alike!(receivers);
fn receivers() {
    both("notify_list", &["notify", "list"]);
    both("notify_test", &["notify", "test"]);
    let one = lifeboat(&["notify", "test", "pager"]).ends();
    assert_eq!((one.code, one.err.as_str()), (0, ""), "{}", one.out);
}

alike!(reports);
fn reports() {
    both("report_restore", &["report", "restore", "40"]);
    both("report_proof", &["report", "proof", "--since", "2026-11-01"]);
    let ahead = lifeboat(&["report", "proof", "--since", "2027-01-01"]).ends();
    assert_eq!(ahead.code, 2);
    assert!(ahead.err.contains("has not come yet"), "{}", ahead.err);
    let page = lifeboat(&["report", "restore", "40", "--form", "html"]).ends();
    assert!(page.out.starts_with("<!DOCTYPE html>"), "{}", page.out);
    let wrong = lifeboat(&["report", "restore", "39"]).ends();
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("is a backup"), "{}", wrong.err);
}

alike!(check);
fn check() {
    both("check", &["check"]);
    let ended = lifeboat(&["check", "acme/uat"]).ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    let ended = lifeboat(&["check", "acme/lvie"]).ends();
    assert_eq!(ended.code, 2, "{}", ended.err);
}

alike!(backups);
fn backups() {
    both("backups", &["backups", "acme/live"]);
}

alike!(backups_beside_which_replaced_tables_stand);
fn backups_beside_which_replaced_tables_stand() {
    let ended = lifeboat(&["backups", "acme/live"]).on(on_a_database()).ends();
    insta::assert_snapshot!("backups_beside_which_replaced_tables_stand", ended.transcript());
}

alike!(plan_without_a_safety_backup);
fn plan_without_a_safety_backup() {
    let ended = lifeboat(&["plan", "acme/live", "daily", "--without-safety-backup"]).ends();
    insta::assert_snapshot!("plan_without_a_safety_backup", ended.transcript());
}

alike!(plan_of_a_restore_that_would_change_nothing);
fn plan_of_a_restore_that_would_change_nothing() {
    let ended = lifeboat(&["plan", "acme/live", "manual"]).ends();
    insta::assert_snapshot!("plan_of_a_restore_that_would_change_nothing", ended.transcript());
}

alike!(plan_from_the_second_repository);
fn plan_from_the_second_repository() {
    let ended = lifeboat(&["plan", "acme/live", "monthly", "--from", "copy"]).ends();
    insta::assert_snapshot!("plan_from_the_second_repository", ended.transcript());
}

alike!(schedule);
fn schedule() {
    both("schedule", &["schedule", "acme/live"]);
}

alike!(jobs);
fn jobs() {
    both("jobs", &["jobs"]);
}

alike!(jobs_of_an_environment);
fn jobs_of_an_environment() {
    let told = |arguments: &[&str]| {
        let ended = lifeboat(&[arguments, &["--json"]].concat()).ends();
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.out
    };
    let of_live = told(&["jobs", "acme/live"]);
    assert_eq!(of_live, told(&["jobs", "--environment", "acme/live"]));
    let value: serde_json::Value = serde_json::from_str(&of_live).unwrap();
    let jobs = value["jobs"].as_array().unwrap();
    assert!(!jobs.is_empty() && jobs.iter().all(|job| job["environment"] == "acme/live"));
    let none: serde_json::Value = serde_json::from_str(&told(&["jobs", "acme/uat"])).unwrap();
    assert_eq!(none["jobs"], serde_json::json!([]));
    let said = lifeboat(&["jobs", "acme/uat"]).ends().out;
    assert_eq!(said, "There has been no job of acme/uat yet.\n");
}

alike!(one_job);
fn one_job() {
    both("one_job", &["jobs", "40"]);
}

alike!(one_job_with_its_log);
fn one_job_with_its_log() {
    both("one_job_log", &["jobs", "39", "--log"]);
}

alike!(activity);
fn activity() {
    both("activity", &["activity"]);
}

alike!(info);
fn info() {
    for (name, arguments) in [("info_text", &["info"][..]), ("info_json", &["info", "--json"])] {
        let ended = lifeboat(arguments).ends();
        let mut transcript = ended.transcript();
        if let Some(address) = &ended.address {
            assert!(transcript.contains(address), "{transcript}");
            transcript = transcript.replace(address, "embedded");
        }
        insta::assert_snapshot!(name, transcript);
    }
}

alike!(keys);
fn keys() {
    let text = lifeboat(&["info", "--keys"]).ends().transcript();
    insta::assert_snapshot!("info_keys", text);
    let json = lifeboat(&["info", "--keys", "--json"]).ends().out;
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    let backup = &object["keys"][0];
    assert_eq!(backup["action"], "backup");
    assert_eq!(backup["keys"], serde_json::json!(["b"]));
    assert_eq!(backup["own"], false);
}

alike!(plan);
fn plan() {
    both("plan", &["plan", "acme/live", "daily"]);
}

alike!(plan_of_a_part_that_has_obstacles);
fn plan_of_a_part_that_has_obstacles() {
    let arguments = [
        "plan",
        "acme/live",
        "upgrade",
        "--workspace",
        "website",
        "--workspace",
        "dam",
        "--instance",
        "author",
    ];
    insta::assert_snapshot!(
        "plan_of_a_part_that_has_obstacles",
        lifeboat(&arguments).ends().transcript()
    );
}

alike!(plan_repeats_the_part_in_the_command_that_it_proposes);
fn plan_repeats_the_part_in_the_command_that_it_proposes() {
    let arguments = [
        "plan",
        "acme/live",
        "daily",
        "--workspace",
        "website",
        "--instance",
        "author",
    ];
    let ended = lifeboat(&arguments).ends();
    let command =
        "lifeboat restore acme/live b1234567 --confirm acme/live --instance author --workspace website";
    assert!(ended.out.contains(command), "{}", ended.out);
}

alike!(plan_of_a_path_is_limited_to_that_path_and_not_to_its_workspace);
fn plan_of_a_path_is_limited_to_that_path_and_not_to_its_workspace() {
    let arguments = [
        "plan",
        "acme/live",
        "daily",
        "--path",
        "author:/website/home/news",
    ];
    let ended = lifeboat(&arguments).ends();
    let limits = "limited to     1 path of author\n               /website/home/news\n";
    assert!(ended.out.contains(limits), "{}", ended.out);
}

alike!(plan_that_cannot_be_done_is_refused_and_says_what_could_be_chosen);
fn plan_that_cannot_be_done_is_refused_and_says_what_could_be_chosen() {
    let arguments = ["plan", "acme/live", "daily", "--workspace", "webstie"];
    let ended = lifeboat(&arguments).ends();
    assert_eq!(ended.code, 3);
    // Sentences are broken into lines.
    let said: Vec<_> = ended.out.split_whitespace().collect();
    let said = said.join(" ");
    assert!(said.contains("Not all of it could be compared"), "{said}");
    assert!(said.contains("it has config, dam, website"), "{said}");
    let ended = lifeboat(&[&arguments[..], &["--json"]].concat()).ends();
    assert_eq!(ended.code, 3);
    let plan: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(plan["can_be_done"], false);
    let error: serde_json::Value = serde_json::from_str(ended.err.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["rule"], "obstacle");
}

alike!(commands_to_copy_lead_to_the_same_configuration_and_context);
fn commands_to_copy_lead_to_the_same_configuration_and_context() {
    let given = ["--config", "/srv/my files/lb.toml", "--context", "prod"];
    for (arguments, command) in [
        (
            &["plan", "acme/live", "daily"][..],
            "lifeboat restore acme/live b1234567 --confirm acme/live",
        ),
        (
            &["restore", "acme/live", "daily", "--confirm", "acme/live"],
            "lifeboat undo acme/live --confirm acme/live",
        ),
        (&["backup", "acme/live", "--detach"], "lifeboat jobs 42"),
        (&["cancel", "41"], "lifeboat jobs 41"),
        (
            &["maintenance", "acme/live"],
            "lifeboat maintenance acme/live --off",
        ),
        (&["protect", "acme/live"], "lifeboat protect acme/live --off"),
    ] {
        let ended = lifeboat(&[arguments, &given].concat()).ends();
        let whole = format!("{command} --config '/srv/my files/lb.toml' --context prod");
        assert!(
            ended.out.contains(&whole) || ended.err.contains(&whole),
            "{arguments:?}: {}",
            ended.transcript()
        );
    }
}

alike!(holds_are_set_and_lifted);
fn holds_are_set_and_lifted() {
    both("protect", &["protect", "acme/live", "--reason", "sale"]);
    both("protect_off", &["protect", "acme/live", "--off"]);
    both("maintenance", &["maintenance", "acme/live"]);
    both("maintenance_off", &["maintenance", "acme/live", "--off"]);
}

alike!(upgrade_backups_are_extended_and_deleted);
fn upgrade_backups_are_extended_and_deleted() {
    both("extend", &["extend", "acme/live", "upgrade"]);
    both("delete", &["delete", "acme/live", "safety", "--yes"]);
}

alike!(cancel);
fn cancel() {
    both("cancel", &["cancel", "41"]);
}

#[test]
fn demo_is_handed_on() {
    assert_eq!(
        lifeboat(&["demo", "--headless"]).ends().out,
        "demo, headless: true\n"
    );
}

alike!(limits_reach_the_backend);
fn limits_reach_the_backend() {
    let ended = lifeboat(&["jobs", "--limit", "1", "--json"]).ends();
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["jobs"].as_array().unwrap().len(), 1);
}

alike!(tables_fit_a_terminal_of_80_columns);
fn tables_fit_a_terminal_of_80_columns() {
    for arguments in [
        &["environments"][..],
        &["backups", "acme/live"],
        &["schedule", "acme/live"],
        &["jobs"],
        &["activity"],
        &["nodes"],
        &["notify", "list"],
        &["plan", "acme/live", "daily"],
    ] {
        let ended = lifeboat(arguments).on_a_terminal(80).ends();
        for line in ended
            .out
            .lines()
            .filter(|line| !line.contains("lifeboat restore"))
        {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
    }
}

/// The fields that the help documents for a verb.
fn documented<'a>(help: &'a str, verb: &str) -> Vec<&'a str> {
    let table = help
        .split("Fields of the object that --json prints:\n")
        .nth(1)
        .unwrap();
    let mut lines = table.lines().skip_while(|line| {
        let fields = line.trim().strip_prefix(verb);
        !fields.is_some_and(|fields| fields.starts_with("   "))
    });
    let first = lines.next().unwrap_or_default();
    // A list that is too long for one line goes on below where it began.
    let more = lines.take_while(|line| line.starts_with("                 "));
    std::iter::once(first)
        .chain(more)
        .flat_map(|line| line.split([' ', ';']))
        .collect()
}

alike!(the_fields_of_every_object_are_documented);
fn the_fields_of_every_object_are_documented() {
    let help = lifeboat(&["--help"]).ends().out;
    let commands: [&[&str]; 24] = [
        &["check"],
        &["environments"],
        &["backups", "acme/live"],
        &["schedule", "acme/live"],
        &["jobs"],
        &["jobs", "39", "--log"],
        &["activity"],
        &["nodes"],
        &["notify", "test"],
        &["report", "restore", "40"],
        &["report", "proof"],
        &["info"],
        &["backup", "acme/live"],
        &["restore", "acme/live", "daily", "--confirm", "acme/live"],
        &["undo", "acme/live", "--confirm", "acme/live"],
        &["confirm", "acme/live"],
        &["verify", "acme/live"],
        &["drill", "acme/live"],
        &["cancel", "41"],
        &["plan", "acme/live", "daily"],
        &["protect", "acme/live"],
        &["maintenance", "acme/live"],
        &["extend", "acme/live", "upgrade"],
        &["delete", "acme/live", "safety", "--yes"],
    ];
    for arguments in commands {
        let printed = lifeboat(&[arguments, &["--json"]].concat()).ends().out;
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&printed).unwrap();
        let documented = documented(&help, arguments[0]);
        for field in object.keys() {
            assert!(
                documented.contains(&field.as_str()),
                "{arguments:?}: {field} is not in {documented:?}"
            );
        }
    }
}
