//! What the cockpit in lines says, and how often.

use crate::asked::in_one_line;
use crate::harness::{alike, lifeboat};
use crate::made_up::name;
use crate::made_up::one_project::usual;

const TROUBLE: &str = "the newest backup holds much less than the one before it: look whether Live was whole";

alike!(why_somebody_is_needed_is_said_once_until_it_changes);
fn why_somebody_is_needed_is_said_once_until_it_changes() {
    let fixture = usual();
    if let Some(live) = fixture.state().environments.get_mut(&name("globex/live")) {
        live.summary.trouble = Some(TROUBLE.to_owned());
    }
    let ended = lifeboat(&["--plain"])
        .on(fixture)
        .typing("globex/live\njobs --limit 1\njobs --limit 1\n\nback up\n\njobs --limit 1\nquit\n")
        .ends();
    let said = in_one_line(&ended.out);
    let again = "globex/live NEEDS YOU, as before. Enter says the choices.";
    // In the list of environments, where one has come to it, and where it was asked for.
    assert_eq!(said.matches(TROUBLE).count(), 3, "{said}");
    assert!(said.matches(again).count() >= 3, "{said}");
}

alike!(backups_of_one_minute_are_told_apart);
fn backups_of_one_minute_are_told_apart() {
    let fixture = usual();
    if let Some(live) = fixture.state().environments.get_mut(&name("acme/live")) {
        let first = live.backups[0].manifest.taken;
        live.backups[0].manifest.taken = first + chrono::Duration::seconds(40);
        live.backups[1].manifest.taken = first;
    }
    let lines = [["restore", "back"], ["look", "back"], ["5", "back"]].concat();
    let ended = lifeboat(&["--plain"])
        .on(fixture)
        .typing(&format!("acme/live\n{}\nquit\n", lines.join("\n")))
        .ends();
    for told in [
        "1 safety, taken 2026-11-23 04:02:40 UTC, ",
        "2 daily, taken 2026-11-23 04:02:00 UTC, ",
        "3 upgrade, taken 2026-11-22 20:00 UTC, ",
    ] {
        let said = in_one_line(&ended.out);
        assert_eq!(said.matches(told).count(), 3, "{told}: {said}");
    }
}

alike!(each_path_has_a_line_of_its_own);
fn each_path_has_a_line_of_its_own() {
    let paths = ["author:/website/home", "author:/website/news"];
    let typed = [
        &["acme/live", "restore", "1", "4"][..],
        &paths,
        &["", "4", "back", "quit"],
    ]
    .concat();
    let ended = lifeboat(&["--plain"])
        .typing(&format!("{}\n", typed.join("\n")))
        .ends();
    let limits = "limited to: 2 paths of author\npath: /website/home\npath: /website/news\n";
    assert!(ended.out.contains(limits), "{}", ended.out);
    let dropped =
        "what was chosen before is dropped:\n  --path author:/website/home\n  --path author:/website/news\n";
    assert!(ended.err.contains(dropped), "{}", ended.err);
    assert!(
        ended.err.contains("or nothing for the whole backup: "),
        "{}",
        ended.err
    );
}
