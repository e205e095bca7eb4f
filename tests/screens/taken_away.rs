//! What is taken away from a screen: copied, with the command that does the same, or saved into a file.

use std::sync::{Arc, Mutex};

use lifeboat::tui::CockpitSettings;
use lifeboat::tui::beyond::Beyond;

use crate::made_up::{Fixture, State};
use crate::screens::hands::{cockpit, copied};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, look, look_with, unchanged};

/// What the id of the chosen backup begins with; it is the same eight times over.
const ID: &str = "3b90aa17";

alike!(what_is_meant_is_copied_and_so_is_its_command);
async fn what_is_meant_is_copied_and_so_is_its_command() {
    let cockpit = cockpit(CockpitSettings {
        command: vec!["--config".to_owned(), "/srv/my files/it's.toml".to_owned()],
        ..settings()
    })
    .await;
    let command = |rest: &str| format!(r"lifeboat {rest} --config '/srv/my files/it'\''s.toml'");
    cockpit.press("y").await.see("the id of backup").await;
    assert_eq!(copied(&cockpit), ID.repeat(8));
    cockpit.press("Y").await.see("clipboard").await;
    assert_eq!(copied(&cockpit), command("backups acme/live"));
    cockpit.press("v").await.see("Verify a backup of").await;
    cockpit.press("Y").await;
    assert_eq!(
        copied(&cockpit),
        command(&format!("verify acme/live {}", ID.repeat(8)))
    );
    cockpit.press("<Esc>b").await.see("Manual backup of").await;
    cockpit.press("it's; rm -rf /<C-y>").await;
    assert_eq!(
        copied(&cockpit),
        command(r"backup acme/live --note 'it'\''s; rm -rf /'")
    );
    cockpit
        .press("<Esc>r<Enter>")
        .await
        .see("Everything will be restored")
        .await;
    cockpit.press("<Enter>").await.see("come back").await;
    cockpit.press("Y").await;
    assert_eq!(
        copied(&cockpit),
        command(&format!("restore acme/live {}", ID.repeat(8)))
    );
    cockpit.press("y").await;
    assert!(copied(&cockpit).lines().count() > 5, "the whole plan");
    cockpit.press("<Esc><Esc><Esc>J").await.see("Asked (UTC)").await;
    cockpit.press("jy").await;
    assert!(
        copied(&cockpit).starts_with("30\t2026-11-23T05:28:"),
        "{}",
        copied(&cockpit)
    );
    cockpit.press("Y").await;
    assert_eq!(copied(&cockpit), command("jobs --limit 4"));
    cockpit.press("<Enter>").await.see("failed").await;
    cockpit.press("y").await.see("the error of job 30").await;
    cockpit.press("L").await.see("every digest").await;
    cockpit.press("Y").await;
    assert_eq!(copied(&cockpit), command("jobs 30 --log"));
    cockpit.press("<Esc><Esc><Esc>n").await.see("Notifications").await;
    cockpit.press("Y").await.see("no verb lists notifications").await;
}

/// Files that were written: their names, and what is in them.
type Files = Arc<Mutex<Vec<(String, String)>>>;

/// A cockpit that writes into memory.
fn writing(files: &Files) -> CockpitSettings {
    let written = Arc::clone(files);
    let save = move |name: &str, text: &str| {
        if name == "there.csv" {
            return Err("/tmp/there.csv is there already: write another name".to_owned());
        }
        written.lock().unwrap().push((name.to_owned(), text.to_owned()));
        Ok(format!("/tmp/{name}"))
    };
    CockpitSettings {
        beyond: Beyond {
            save: Arc::new(save),
            ..Beyond::default()
        },
        ..settings()
    }
}

alike!(what_differs_is_saved_and_so_are_other_lists_inside);
async fn what_differs_is_saved_and_so_are_other_lists_inside() {
    let differs = [
        ("", "daily"),
        ("=", "campaign"),
        ("W", "differences-20261123-0530.csv"),
    ];
    look_with("save-differences", &settings(), &SIZES[..1], unchanged, &differs).await;
    let files = Files::default();
    let cockpit = cockpit(writing(&files)).await;
    cockpit.press("=").await.see("campaign").await;
    for name in ["d.csv", "d.json", "d.txt"] {
        cockpit
            .press(&format!("W<C-u>{name}<Enter>"))
            .await
            .see(&format!("saved as /tmp/{name}"))
            .await;
    }
    // What differs in one node is a text.
    cockpit.press("j<Tab>").await.see("on every day").await;
    cockpit
        .press("W")
        .await
        .see("differences-20261123-0530.txt")
        .await;
    cockpit
        .press("<C-u>node.txt<Enter>")
        .await
        .see("saved as /tmp/node.txt")
        .await;
    cockpit
        .press("<Esc><Esc>")
        .await
        .see("Backups of acme/live")
        .await;
    // All of a list that is longer than any screen, and than what is read of it at once.
    cockpit.press("e<Enter>").await.see("userroles").await;
    cockpit.press("G<Enter>").await.see("archive").await;
    cockpit.press("j<Enter>").await.see("page-000000").await;
    cockpit
        .press("W<C-u>all.csv<Enter>")
        .await
        .see("saved as /tmp/all.csv")
        .await;
    cockpit.press("/news").await.see("3 found").await;
    cockpit.press("<Enter>").await.see("Properties").await;
    // Back among what was found.
    cockpit.press("<Esc>").await.see("3 found").await;
    cockpit
        .press("W<C-u>found.csv<Enter>")
        .await
        .see("saved as /tmp/found.csv")
        .await;
    let backup = ID.repeat(8);
    let about = format!("acme/live,{backup},2026-11-23T00:17:04Z,live,2026-11-23T05:30:12Z");
    let files = files.lock().unwrap();
    let text = |name: &str| {
        let file = files.iter().find(|(file, _)| file == name);
        file.unwrap_or_else(|| panic!("no {name}")).1.as_str()
    };
    assert_eq!(
        text("d.csv").lines().take(2).collect::<Vec<_>>(),
        [
            "change,before,after,below_it,type,id,cannot_be_read_before,cannot_be_read_after,environment,older,older_as_of,newer,newer_as_of,within",
            &format!("added,,author:/website/campaign,11,mgnl:page,,,,{about},/")
        ]
    );
    assert_eq!(text("d.csv").lines().count(), 8);
    assert!(text("d.json").contains("\"before\": \"author:/website/products\""));
    assert!(text("d.json").contains("\"environment\": \"acme/live\""));
    // A text says it once, above.
    says_once_what_it_is_about(text("d.txt"));
    says_once_what_it_is_about(text("node.txt"));
    assert!(text("node.txt").contains("hideInNav"), "{}", text("node.txt"));
    // A long text is one line, however wide the column is.
    assert!(
        text("node.txt").lines().any(|line| line.chars().count() > 90),
        "{}",
        text("node.txt")
    );
    assert_eq!(text("all.csv").lines().count(), 100_001);
    assert!(text("all.csv").contains("page-099999,node,"));
    assert!(
        text("all.csv").ends_with(",author:/website/archive\r\n"),
        "{}",
        text("all.csv").lines().last().unwrap()
    );
    assert!(text("found.csv").contains(",author:/website/archive/old news,node,"));
    assert!(text("found.csv").contains(",acme/live,news,name,author:/website"));
}

/// A text names environment and sources above what it says, and not again.
fn says_once_what_it_is_about(text: &str) {
    let (head, below) = text.split_once("\n\n").unwrap();
    assert!(
        head.starts_with("environment  acme/live\nolder        "),
        "{head}"
    );
    assert!(
        head.contains(ID.repeat(8).as_str()) && head.contains("newer        live\n"),
        "{head}"
    );
    assert!(!below.contains("acme/live"), "{below}");
}

alike!(a_history_is_saved_as_long_as_its_lines_are);
async fn a_history_is_saved_as_long_as_its_lines_are() {
    let files = Files::default();
    let cockpit = cockpit(writing(&files)).await;
    cockpit.press("e<Enter>").await.see("userroles").await;
    cockpit.press("G<Enter>").await.see("archive").await;
    cockpit.press("H").await.see("deleted").await;
    cockpit
        .press("W<C-u>history.txt<Enter>")
        .await
        .see("saved as /tmp/history.txt")
        .await;
    let files = files.lock().unwrap();
    let (head, below) = files[0].1.split_once("\n\n").unwrap();
    assert!(
        head.starts_with("environment  acme/live\nnode         author:/website/"),
        "{head}"
    );
    assert_eq!(head.matches("looked into").count(), 4, "{head}");
    assert!(head.contains(ID.repeat(8).as_str()), "{head}");
    // Each event and where it was are lines of their own, which nothing breaks.
    assert!(
        below
            .lines()
            .any(|line| line.contains("after ") && line.contains(", before Live, as of ")),
        "{below}"
    );
}

alike!(what_cannot_be_saved_yet_says_why);
async fn what_cannot_be_saved_yet_says_why() {
    let nothing = |state: &mut State| state.inside.nothing_differs = true;
    let cockpit = Runner::start((80, 24), Fixture::with(nothing)).await;
    cockpit.see("daily").await;
    cockpit.press("=").await.see("Nothing differs").await;
    cockpit
        .press("W")
        .await
        .see("nothing differs here: there is nothing to save")
        .await;
    let searching = |state: &mut State| state.inside.searches_on = true;
    let cockpit = Runner::start((80, 24), Fixture::with(searching)).await;
    cockpit.see("daily").await;
    cockpit.press("e").await.see("public-2").await;
    cockpit.press("/news").await.see("found so far").await;
    cockpit.press("<Enter>").await.see("Properties").await;
    cockpit.press("<Esc>").await.see("found so far").await;
    cockpit.press("W").await.see("the search goes on").await;
}

alike!(a_list_is_sorted_and_saved);
async fn a_list_is_sorted_and_saved() {
    look(
        "jobs-sorted",
        unchanged,
        &[("J", "Asked (UTC)"), ("s", "sorted by environment")],
    )
    .await;
    let in_a_folder = CockpitSettings {
        beyond: Beyond {
            folder: Some("/home/kim/reports".to_owned()),
            ..Beyond::default()
        },
        ..settings()
    };
    look_with(
        "save-form",
        &in_a_folder,
        &SIZES[..1],
        unchanged,
        &[("J", "Asked (UTC)"), ("W", "jobs-20261123-0530.csv")],
    )
    .await;
    let files = Files::default();
    let cockpit = cockpit(writing(&files)).await;
    cockpit.press("JssS").await.see("sorted by what").await;
    cockpit
        .press("W<C-u>there.csv<Enter>")
        .await
        .see("there already")
        .await;
    // What is none of the three is not written as one of them.
    for name in ["jobs", "jobs.xlsx", "jobs.csv.gz"] {
        cockpit
            .press(&format!("<C-u>{name}<Enter>"))
            .await
            .see("the ending says what is written")
            .await;
    }
    cockpit
        .press("<C-u>jobs.csv<Enter>")
        .await
        .see("saved as /tmp/jobs.csv")
        .await;
    cockpit
        .press("W<C-u>jobs.json<Enter>")
        .await
        .see("saved as /tmp/jobs.json")
        .await;
    let files = files.lock().unwrap();
    let [(_, csv), (_, json)] = files.as_slice() else {
        panic!("two files: {files:?}");
    };
    assert!(
        csv.starts_with("job,asked,environment,what,by,state,took_seconds\r\n28,2026-11-23T"),
        "{csv}"
    );
    assert!(
        json.starts_with("[\n  {") && json.contains("\"environment\": \"globex/live\""),
        "{json}"
    );
}
