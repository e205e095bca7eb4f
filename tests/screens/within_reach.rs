//! What hands expect on the screens that are visited less: searching in what differs, copying contexts, saving
//! whatever is all here.

use std::sync::{Arc, Mutex};

use lifeboat::tui::beyond::Beyond;
use lifeboat::tui::{CockpitSettings, ContextChoice};

use super::hands::{cockpit, copied};
use crate::screens::runner::{alike, settings};

alike!(what_differs_is_searched_too);
async fn what_differs_is_searched_too() {
    let cockpit = cockpit(settings()).await;
    cockpit.press("=").await.see("What differs").await;
    cockpit
        .press("/changed<Enter>")
        .await
        .see("\"changed\": 1 of")
        .await;
    cockpit
        .press("/nowhere<Enter>")
        .await
        .see("has \"nowhere\"")
        .await;
}

alike!(contexts_are_copied_and_so_is_the_way_there);
async fn contexts_are_copied_and_so_is_the_way_there() {
    let choice = |name: &str| ContextChoice {
        name: name.to_owned(),
        leads_to: "this machine".to_owned(),
        is_a_service: false,
        read_only: false,
        accent: None,
    };
    let command = ["--config", "a.toml", "--context", "local"];
    let cockpit = cockpit(CockpitSettings {
        contexts: vec![choice("local"), choice("prod")],
        command: command.map(str::to_owned).to_vec(),
        ..settings()
    })
    .await;
    cockpit.press("Xj").await.see("Contexts").await;
    cockpit.press("y").await;
    assert_eq!(copied(&cockpit), "prod");
    cockpit.press("Y").await;
    assert_eq!(copied(&cockpit), "lifeboat --context prod --config a.toml");
}

alike!(what_is_here_is_saved);
async fn what_is_here_is_saved() {
    let files = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&files);
    let save = move |name: &str, text: &str| {
        written.lock().unwrap().push(text.to_owned());
        Ok(format!("/tmp/{name}"))
    };
    let cockpit = cockpit(CockpitSettings {
        beyond: Beyond {
            save: Arc::new(save),
            ..Beyond::default()
        },
        ..settings()
    })
    .await;
    let last = || files.lock().unwrap().last().cloned().unwrap_or_default();
    cockpit
        .press("W<Enter>")
        .await
        .see("saved as /tmp/backups-acme-live")
        .await;
    assert!(
        last().starts_with(
            "slot,backup,taken,verified,release,magnolia,items,bytes,by,note,environment\r\nmonthly,"
        ) && last().ends_with(",acme/live\r\n"),
        "{}",
        last()
    );
    cockpit.press("FW<Enter>").await.see("saved as /tmp/fleet-").await;
    assert!(last().contains("local,globex/live,Live,"), "{}", last());
    cockpit.press("<Esc>e").await.see("public-2").await;
    // What is in a place is read to its end for the file.
    cockpit
        .press("W<Enter>")
        .await
        .see("saved as /tmp/content-")
        .await;
    assert!(
        last()
            .starts_with("name,kind,type,id,in_it,bytes,environment,source,as_of,within\r\nauthor,instance,"),
        "{}",
        last()
    );
    cockpit.press("<Tab>").await.see("workspaces").await;
    cockpit.press("W<Enter>").await.see("saved as /tmp/node-").await;
    assert!(last().contains("author:/"), "{}", last());
}
