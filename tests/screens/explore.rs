//! Inside a backup or Live: the tree, the node, its history, finding, and what differs.

use lifeboat::domain::explore::Source;
use lifeboat::tui::CockpitSettings;
use lifeboat::tui::theme::ThemeChoice;

use crate::made_up::inside::{EXPORTED, first_look};
use crate::made_up::{Fixture, State, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, look, look_with, unchanged};

/// Into website of the author in the daily backup.
const INTO: [(&str, &str); 4] = [
    ("", "daily"),
    ("e", "public-2"),
    ("<Enter>", "userroles"),
    ("G<Enter>", "archive"),
];

fn into(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    INTO.iter().chain(more).copied().collect()
}

fn light() -> CockpitSettings {
    CockpitSettings {
        theme: ThemeChoice::Light,
        ..settings()
    }
}

alike!(the_tree);
async fn the_tree() {
    look("explore-instances", unchanged, &INTO[..2]).await;
    look("explore-workspaces", unchanged, &INTO[..3]).await;
    look("explore-tree", unchanged, &INTO).await;
    look_with("explore-tree-light", &light(), &SIZES, unchanged, &INTO).await;
    let ascii = CockpitSettings {
        ascii: true,
        ..settings()
    };
    look_with("explore-tree-ascii", &ascii, &SIZES[..1], unchanged, &INTO).await;
    let empty = into(&[("jjjjjjjjjj<Enter>", "Nothing is in it")]);
    look("explore-empty", unchanged, &empty).await;
    let remarks = |state: &mut State| {
        let remark = "3 children of this node are listed and not there";
        state.inside.remarks = vec![remark.to_owned()];
    };
    look("explore-remark", remarks, &INTO).await;
}

alike!(a_hundred_thousand_children);
async fn a_hundred_thousand_children() {
    let end = into(&[("j<Enter>", "page-000000"), ("G", "page-099999")]);
    look("explore-archive-end", unchanged, &end).await;
    // Far more than what is on the screen is never asked for.
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    for (keys, text) in end {
        cockpit.press(keys).await.see(text).await;
    }
    let pages = cockpit.calls();
    let pages: Vec<_> = pages
        .iter()
        .filter(|call| call.contains("/website/archive "))
        .collect();
    assert!(pages.len() <= 6, "{pages:?}");
}

alike!(marks);
async fn marks() {
    let marked = into(&[
        ("  ", "2 marked"),
        ("k<Enter>", "page-000000"),
        (" ", "marked already"),
    ]);
    look("explore-within-mark", unchanged, &marked).await;
    let back = into(&[
        ("jj<Enter>", "extras"),
        (" ", "1 marked"),
        ("h", "archive"),
        ("kk ", "2 marked"),
    ]);
    look("explore-marks", unchanged, &back).await;
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    for (keys, text) in back {
        cockpit.press(keys).await.see(text).await;
    }
    cockpit.press("u").await;
    assert!(!cockpit.has("marked"), "{}", cockpit.text());
    // Live is not brought back from itself.
    cockpit.press("]]]]").await.see(": Live").await;
    cockpit.press(" ").await.see("is marked in a backup").await;
}

alike!(what_is_marked_or_chosen_is_written_on_this_machine);
async fn what_is_marked_or_chosen_is_written_on_this_machine() {
    let asked = into(&[("  ", "2 marked"), ("x", "Export 2 marked")]);
    look("explore-export", unchanged, &asked).await;
    let wrong = into(&[
        ("x", "Export out of"),
        ("<C-u>html<Enter>", "write xml, yaml or files"),
    ]);
    look("explore-export-wrong", unchanged, &wrong).await;
    let refused = into(&[
        ("x", "Export out of"),
        ("<Tab><C-u>/no/such/folder<Enter>", "there is no folder"),
    ]);
    look("explore-export-refused", unchanged, &refused).await;

    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().to_str().unwrap();
    let cockpit = Runner::start((120, 36), Fixture::new()).await;
    for (keys, text) in INTO {
        cockpit.press(keys).await.see(text).await;
    }
    cockpit.press("x").await.see("Export out of").await;
    cockpit.press("<Tab><C-u>").await;
    cockpit.paste(there).await;
    cockpit.press("<Enter>").await.see("exported").await;
    let file = folder.path().join("website.home.xml");
    assert_eq!(std::fs::read(&file).unwrap(), EXPORTED);
    // It is not written over, and what was typed is there again.
    cockpit.press("x").await.see("Export out of").await;
    cockpit.press("<Enter>").await.see("is there already").await;
    cockpit.press("<Enter>").await;
    cockpit
        .press("x<C-u>files<Enter>")
        .await
        .see("website.home (")
        .await;
    let files = folder.path().join("website.home/properties.json");
    assert_eq!(std::fs::read(files).unwrap(), b"{}");
}

alike!(a_whole_workspace_is_marked_and_comes_back);
async fn a_whole_workspace_is_marked_and_comes_back() {
    let planned = async |cockpit: &Runner| {
        cockpit.press("r").await.see("come back").await;
        let planned = cockpit.backend.state().planned.clone();
        let selection = planned.map(|(request, _)| request.selection).unwrap();
        assert_eq!(selection.instances, ["author".parse().unwrap()]);
        assert_eq!(selection.workspaces, ["website"]);
        assert!(!selection.has_paths());
        // It is a part as the wizard has it.
        cockpit.press("<Esc>").await.see("✓ workspace  website").await;
        assert!(cockpit.has("· workspace  dam"), "{}", cockpit.text());
    };
    // In a comparison, on a line that only Live has.
    let compared = [
        ("", "daily"),
        ("=", "campaign"),
        ("*", "website is marked as a whole"),
    ];
    look("explore-workspace-mark", unchanged, &compared).await;
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    for (keys, text) in compared {
        cockpit.press(keys).await.see(text).await;
    }
    planned(&cockpit).await;
    // In the tree. Nodes beside a workspace are no part, and nodes in it go along with it.
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    for (keys, text) in into(&[
        (" ", "1 marked"),
        ("h", "userroles"),
        ("k ", "not both; u takes all"),
        ("<Enter>j ", "✓ website"),
        ("<Enter>", "archive"),
        ("j ", "is marked already"),
        ("h", "userroles"),
        ("k<Enter> ", "not both; u takes all"),
        ("<Enter>h", "userroles"),
    ]) {
        cockpit.press(keys).await.see(text).await;
    }
    planned(&cockpit).await;
}

alike!(what_is_marked_comes_back);
async fn what_is_marked_comes_back() {
    let plan = into(&[("r", "nothing is marked"), (" ", "1 marked"), ("r", "come back")]);
    look("explore-restore", unchanged, &plan).await;
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    for (keys, text) in plan {
        cockpit.press(keys).await.see(text).await;
    }
    let planned = cockpit.backend.state().planned.clone();
    let selection = planned.map(|(request, _)| request.selection).unwrap();
    let paths: Vec<_> = selection.paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["/website/home"]);
    assert_eq!(selection.instances, ["author".parse().unwrap()]);
    // One step back is where the mark was made, and it still stands.
    cockpit.press("<Esc>").await.see("1 marked").await;
    cockpit.press("r").await.see("come back").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    // It is not planned once more with what is marked next.
    cockpit.press("<Esc>").await.see("Backups").await;
    cockpit.press("e").await.see("author").await;
    assert!(!cockpit.has("1 marked"), "{}", cockpit.text());
    cockpit.press("r").await.see("nothing is marked").await;
}

alike!(a_node);
async fn a_node() {
    let node = into(&[("<Tab>", "Welcome")]);
    look("explore-node", unchanged, &node).await;
    look_with("explore-node-light", &light(), &SIZES, unchanged, &node).await;
    look(
        "explore-node-end",
        unchanged,
        &into(&[("<Tab>", "Welcome"), ("G", "2026-11-02T14")]),
    )
    .await;
    let file = into(&[("jjjjjjjjjjj<Enter>", "How to read this")]);
    look("explore-file", unchanged, &file).await;
    // A reference leads to what it refers to, and Esc back.
    let cockpit = Runner::start((80, 60), Fixture::new()).await;
    for (keys, text) in node {
        cockpit.press(keys).await.see(text).await;
    }
    for _ in 0..60 {
        if cockpit.press("j").await.press("<Enter>").await.has("A page") {
            break;
        }
    }
    cockpit.see("author:/website/home/news").await;
    cockpit.press("<Esc>").await.see("Welcome").await;
}

alike!(the_history_of_a_node);
async fn the_history_of_a_node() {
    let history = into(&[("H", "deleted")]);
    look("explore-history", unchanged, &history).await;
    look_with("explore-history-light", &light(), &SIZES, unchanged, &history).await;
    look_with(
        "explore-no-history",
        &settings(),
        &SIZES[..1],
        unchanged,
        &[("", "daily"), ("e", "public-2"), ("H", "have a history")],
    )
    .await;
}

alike!(what_cannot_be_read_is_told_as_that);
async fn what_cannot_be_read_is_told_as_that() {
    let unreadable =
        |state: &mut State| state.inside.unreadable = Some("it ends in the middle of an element");
    let list = [("", "daily"), ("=", "1 cannot be read")];
    look("explore-differs-unreadable", unreadable, &list).await;
    let node = [
        ("", "daily"),
        ("=", "website.jobs.xml"),
        ("<Tab>", "nobody can tell"),
    ];
    look_with(
        "explore-differs-unreadable-node",
        &settings(),
        &SIZES[..1],
        unreadable,
        &node,
    )
    .await;
    // Where nobody can read it in either, it is not said that nothing differs.
    let in_both = |state: &mut State| {
        state.inside.nothing_differs = true;
        state.inside.unreadable_in_both = Some(52);
    };
    let same = [("", "daily"), ("=", "52 files cannot be read in either")];
    look("explore-differs-unreadable-in-both", in_both, &same).await;
    let history = into(&[("H", "cannot be read")]);
    look("explore-history-unreadable", unreadable, &history).await;
    // What is marked on the line is the file in the backup, which comes back as a whole.
    let cockpit = Runner::start((80, 24), Fixture::with(unreadable)).await;
    cockpit.see("daily").await;
    cockpit.press("=").await.see("website.jobs.xml").await;
    cockpit.press(" ").await.see("✓ cannot be read").await;
}

alike!(a_first_look);
async fn a_first_look() {
    let reads = |state: &mut State| {
        let source = Source::from(&two_projects::id(2));
        state.inside.reading = Some(first_look(source, 43));
    };
    let steps = [
        ("", "daily"),
        ("e", "public-2"),
        ("<Enter>", "userroles"),
        ("G<Enter>", "43 %"),
    ];
    look("explore-first-look", reads, &steps).await;
    look_with("explore-first-look-light", &light(), &SIZES, reads, &steps).await;
    // Where two sources are compared, what they need is read before that.
    let has_read = |state: &mut State| state.inside.reading = Some(first_look(Source::Live, 100));
    let cockpit = Runner::start((80, 24), Fixture::with(has_read)).await;
    cockpit
        .see("daily")
        .await
        .press("=")
        .await
        .see("a moment more")
        .await;
    // No key waits for it, and Esc ends it.
    let cockpit = Runner::start((80, 24), Fixture::with(reads)).await;
    for (keys, text) in steps {
        cockpit.press(keys).await.see(text).await;
    }
    cockpit.press("?").await.see("─ Help").await;
    cockpit.press("<Esc>").await.see("43 %").await;
    cockpit.press("<Esc>").await.see("userroles").await;
    assert!(cockpit.has("nobody asks for that any more"), "{}", cockpit.text());
}

alike!(what_cannot_be_looked_into);
async fn what_cannot_be_looked_into() {
    let trouble = |state: &mut State| {
        let why = "author keeps its content in a database of its own (H2), which cannot be looked into: restore it elsewhere to see what is in it";
        state.inside.trouble = Some(why.to_owned());
    };
    let steps = [
        ("", "daily"),
        ("e", "public-2"),
        ("<Enter>", "userroles"),
        ("G<Enter>", "(H2)"),
    ];
    look("explore-trouble", trouble, &steps).await;
}

alike!(finding);
async fn finding() {
    look(
        "explore-find",
        unchanged,
        &into(&[("/", "what to look for"), ("news", "3 found")]),
    )
    .await;
    look(
        "explore-find-chosen",
        unchanged,
        &into(&[
            ("/", "what to look for"),
            ("news", "3 found"),
            ("<Esc>G", "rather-deep"),
        ]),
    )
    .await;
    let goes_on = |state: &mut State| state.inside.searches_on = true;
    look(
        "explore-find-goes-on",
        goes_on,
        &into(&[("/", "what to look for"), ("news", "found so far")]),
    )
    .await;
    let text = into(&[
        ("/", "what to look for"),
        ("<Tab><Tab><Tab>", "press Enter"),
        ("<BackTab><BackTab>", "every backup"),
        ("news<Enter>", "3 found"),
    ]);
    look("explore-find-text", unchanged, &text).await;
    let nothing = into(&[("/", "what to look for"), ("nowhere", "nothing found")]);
    look_with(
        "explore-find-nothing",
        &settings(),
        &SIZES[..1],
        unchanged,
        &nothing,
    )
    .await;
    let there = into(&[
        ("/", "what to look for"),
        ("news", "3 found"),
        ("<Enter>", "A page"),
    ]);
    look("explore-found", unchanged, &there).await;
}

alike!(what_differs);
async fn what_differs() {
    let steps = [("", "daily"), ("=", "Summer"), ("j", "welcome")];
    let wide = &SIZES[1..];
    look_with("explore-differs", &settings(), wide, unchanged, &steps).await;
    look_with("explore-differs-light", &light(), wide, unchanged, &steps).await;
    let list = [("", "daily"), ("=", "campaign"), ("jG ", "1,206 removed")];
    look_with("explore-differs", &settings(), &SIZES[..1], unchanged, &list).await;
    let node = [("", "daily"), ("=", "campaign"), ("j<Tab>", "on every day")];
    look_with("explore-differs-node", &settings(), &SIZES[..1], unchanged, &node).await;
    look_with(
        "explore-differs-node-light",
        &light(),
        &SIZES[..1],
        unchanged,
        &node,
    )
    .await;
    let same = |state: &mut State| state.inside.nothing_differs = true;
    let below = into(&[("=", "Nothing differs")]);
    look_with("explore-same", &settings(), &SIZES[..1], same, &below).await;
    // The plan's counts are looked at in the same way.
    let plan = [
        ("", "daily"),
        ("r", "choose a backup"),
        ("<Enter>", "Everything will be restored"),
        ("<Enter>", "come back"),
        ("=", "campaign"),
        ("<Esc>", "come back"),
    ];
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    for (keys, text) in plan {
        cockpit.press(keys).await.see(text).await;
    }
    assert!(
        cockpit.calls().contains(&"diff Live 3b90aa17 /".to_owned()),
        "{:?}",
        cockpit.calls()
    );
}

alike!(the_same_place_in_other_backups);
async fn the_same_place_in_other_backups() {
    let cockpit = Runner::start((120, 36), Fixture::new()).await;
    for (keys, text) in INTO {
        cockpit.press(keys).await.see(text).await;
    }
    let before = cockpit.text();
    cockpit.press("jj[").await.see("archive").await;
    assert_ne!(cockpit.text().lines().nth(1), before.lines().nth(1));
    // The selection is still on the same node.
    cockpit.see("▸   Produkte für").await;
    cockpit.press("]").await.see("backup 3b90aa17").await;
    // What is left is come back to.
    cockpit.press("<Esc>").await.see("Schedule").await;
    cockpit.press("E").await.see(": Live").await.see("archive").await;
    cockpit
        .press("h")
        .await
        .see("userroles")
        .await
        .press("h")
        .await
        .see("public-2")
        .await;
    cockpit.press("h").await.see("the top of it").await;
}
