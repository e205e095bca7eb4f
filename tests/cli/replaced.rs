//! A safety backup of a restore of a part, restored by hand: that part is named, and offered.

use lifeboat::domain::backup::Trigger;
use lifeboat::domain::plan::Selection;

use crate::asked::{begun, in_one_line};
use crate::harness::{Ended, Run, alike, lifeboat};
use crate::made_up::one_project::usual;
use crate::made_up::{Fixture, name};

/// The safety backup is one of a restore of a part.
fn with_part(paths: &[&str]) -> Fixture {
    let fixture = usual();
    let mut state = fixture.state();
    let live = state.environments.get_mut(&name("acme/live")).unwrap();
    live.summary.protection = None;
    let mut backups = live.backups.iter_mut();
    let safety = backups
        .find(|backup| backup.manifest.trigger == Trigger::Restore)
        .unwrap();
    safety.manifest.replaced = Some(Selection {
        instances: vec!["author".parse().unwrap()],
        workspaces: vec!["website".to_owned()],
        paths: paths.iter().map(|path| path.parse().unwrap()).collect(),
    });
    let safety = safety.clone();
    if let Ok(plan) = &mut state.plan {
        plan.backup = safety;
    }
    drop(state);
    fixture
}

fn on(run: Run, paths: &[&str]) -> Run {
    run.on(with_part(paths))
}

const ONLY: &str =
    "To take back the restore that this safety backup was taken for, website on author is enough";

alike!(a_plan_of_all_of_it_names_the_part_that_the_restore_replaced);
fn a_plan_of_all_of_it_names_the_part_that_the_restore_replaced() {
    for (more, paths, options) in [
        (&[][..], &[][..], "--instance author --workspace website"),
        (
            &["--from", "copy"],
            &[],
            "--instance author --workspace website --from copy",
        ),
        (
            &[],
            &["/website/home/our news"],
            "--instance author --path '/website/home/our news'",
        ),
    ] {
        let arguments = [&["plan", "acme/live", "safety"], more].concat();
        let ended = on(lifeboat(&arguments), paths).ends();
        let said = in_one_line(&ended.out);
        let only = "/website/home/our news on author is enough";
        assert!(
            said.contains(if paths.is_empty() { ONLY } else { only }),
            "{said}"
        );
        let command = format!("\n  lifeboat plan acme/live a1234567 {options}\n");
        assert!(ended.out.contains(&command), "{}", ended.out);
        // What was typed means what it meant.
        assert!(
            ended
                .calls
                .iter()
                .any(|call| call.ends_with("instances=0 workspaces=0")),
            "{:?}",
            ended.calls
        );
    }
    let parts = ["--instance", "author", "--workspace", "website"];
    let arguments = [&["plan", "acme/live", "safety"][..], &parts].concat();
    let ended = on(lifeboat(&arguments), &[]).ends();
    assert!(!in_one_line(&ended.out).contains(ONLY), "{}", ended.out);
    let json = on(lifeboat(&["plan", "acme/live", "safety", "--json"]), &[]).ends();
    assert!(
        !json.out.contains(ONLY) && json.out.contains("\"replaced\""),
        "{}",
        json.out
    );
}

alike!(a_restore_of_all_of_it_names_the_part_that_the_restore_replaced);
fn a_restore_of_all_of_it_names_the_part_that_the_restore_replaced() {
    let restore = ["restore", "acme/live", "safety"];
    let command = "\n  lifeboat restore acme/live a1234567 --instance author --workspace website\n";
    let given = [&restore[..], &["--confirm", "acme/live"]].concat();
    let confirmed = on(lifeboat(&given), &[]).ends();
    let asked = on(lifeboat(&restore), &[]).typing("acme/live\n").ends();
    for ended in [&confirmed, &asked] {
        assert!(in_one_line(&ended.err).contains(ONLY), "{}", ended.err);
        assert!(ended.err.contains(command), "{}", ended.err);
        assert_eq!(begun(ended).len(), 1, "{}", ended.err);
    }
    let before = asked.err.split("type acme/live:").next().unwrap();
    assert!(in_one_line(before).contains(ONLY), "{}", asked.err);
    let part = [&given[..], &["--instance", "author", "--workspace", "website"]].concat();
    let ended = on(lifeboat(&part), &[]).ends();
    assert!(!in_one_line(&ended.err).contains(ONLY), "{}", ended.err);
    let json = on(lifeboat(&[&given[..], &["--json"]].concat()), &[]).ends();
    assert!(!json.err.contains("is enough"), "{}", json.err);
}

/// Restores the safety backup in lines, where this is typed to what of it is to come back.
fn in_lines(typed: &[&str]) -> Ended {
    let lines = [&["acme/live", "restore", "safety"], typed, &["quit"]].concat();
    on(lifeboat(&["--plain"]), &[])
        .typing(&format!("{}\n", lines.join("\n")))
        .ends()
}

alike!(in_lines_the_part_is_offered_before_the_plan);
fn in_lines_the_part_is_offered_before_the_plan() {
    let part = "lifeboat plan acme/live a1234567 --instance author --workspace website\n";
    let ended = in_lines(&["1", "1", "acme/live"]);
    let said = in_one_line(&ended.out);
    assert!(
        said.contains(&format!(
            "{ONLY}. What is to come back of backup a1234567 (safety)? 1 only that part 2 everything"
        )),
        "{said}"
    );
    assert!(ended.out.contains(part), "{}", ended.out);
    assert_eq!(begun(&ended).len(), 1, "{}", ended.err);
    let everything = in_lines(&["everything", "1", "acme/live"]);
    assert!(
        everything.out.contains("lifeboat plan acme/live a1234567\n"),
        "{}",
        everything.out
    );
    // It is said with the question and with the plan, and not a third time before the name is typed.
    assert!(!in_one_line(&everything.err).contains(ONLY), "{}", everything.err);
    assert_eq!(begun(&everything).len(), 1, "{}", everything.err);
    // Something else can be chosen under the plan, and the question can be left.
    let other = in_lines(&["1", "3", "", "", "back"]);
    let dropped = "what was chosen before is dropped:\n  --instance author\n  --workspace website\n";
    assert!(other.err.contains(dropped), "{}", other.err);
    let left = in_lines(&["help", "back"]);
    assert!(
        in_one_line(&left.err).contains("is of all of Live"),
        "{}",
        left.err
    );
    assert!(!left.out.contains("lifeboat plan"), "{}", left.out);
    // Of any other backup nothing is asked.
    let daily = on(lifeboat(&["--plain"]), &[])
        .typing("acme/live\nrestore\ndaily\nback\nquit\n")
        .ends();
    assert!(!daily.out.contains("What is to come back"), "{}", daily.out);
}
