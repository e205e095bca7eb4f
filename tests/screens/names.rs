//! Names that are long and begin alike: on every screen they are told apart by how they end, and what is said beside them
//! has its room.

use lifeboat::tui::{CockpitSettings, ContextChoice};

use crate::made_up::records::instance;
use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, look, look_with, unchanged};

const PROJECT: &str = "staedtische-verkehrsbetriebe-muenchen";

/// A project with two environments, each with jobs and news.
fn begin_alike(state: &mut State) {
    let names = ["live-des-konzerns", "live-der-stiftung"].map(|one| format!("{PROJECT}/{one}"));
    state.environments.clear();
    for one in &names {
        let mut details = two_projects::live(one, two_projects::backups());
        let author = instance("author-of-the-editorial-staff");
        details.instances[0].name = author.clone();
        for backup in &mut details.backups {
            backup.manifest.instances[0].name = author.clone();
        }
        state.environments.insert(details.summary.name.clone(), details);
    }
    let first = state.environments.get_mut(&name(&names[0])).unwrap();
    first.summary.failed = Some(
        "opening the content folder /srv/magnolia/author/content failed: there is no such folder; mount it"
            .to_owned(),
    );
    for (number, job) in state.jobs.iter_mut().enumerate() {
        job.environment = name(&names[number % 2]);
    }
    for (number, news) in state.notifications.iter_mut().enumerate() {
        let one = name(&names[number % 2]);
        news.text = format!("{one}: backup 3b90aa17 is complete and verified");
        news.environment = Some(one);
    }
}

alike!(environments_of_one_project);
async fn environments_of_one_project() {
    let sizes = [SIZES[0], SIZES[1], (160, 50)];
    look_with("alike-main", &settings(), &sizes, begin_alike, &[("", "daily")]).await;
}

alike!(titles_and_news_say_how_they_end);
async fn titles_and_news_say_how_they_end() {
    let cockpit = Runner::start((80, 24), Fixture::with(begin_alike)).await;
    cockpit.see("daily").await;
    let title = || cockpit.text().lines().nth(1).unwrap_or_default().to_owned();
    assert!(title().contains("/live-der-stiftung ─"), "{}", title());
    // What is said of it has room behind its name.
    let text = cockpit.text();
    let news = text.lines().nth(22).unwrap_or_default();
    assert!(news.contains(": backup 3b90aa17 is"), "{news}");
    cockpit.press("b").await.see("/live-der-stiftung ─╮").await;
    cockpit.press("<Esc>r").await.see("/live-der-stiftung ─").await;
    // Which backup was chosen is said whole, whatever that leaves of the name.
    cockpit
        .press("<Enter>")
        .await
        .see("Everything will be restored")
        .await;
    let chosen = "/live-der-stiftung: backup 3b90aa17 (daily) ─";
    assert!(title().contains(chosen), "{}", title());
    cockpit.press("<Esc>").await.see("3b90aa17, by schedule").await;
    cockpit.press("<Esc>o").await.see("Job 30").await;
    assert!(title().contains("/live-der-stiftung ─"), "{}", title());
}

alike!(their_jobs);
async fn their_jobs() {
    look("alike-jobs", begin_alike, &[("", "daily"), ("J", "Asked")]).await;
}

alike!(news_of_them);
async fn news_of_them() {
    look("alike-news", begin_alike, &[("", "daily"), ("n", "complete and")]).await;
}

alike!(the_fleet_says_whole_what_is_wrong_with_the_selected_one);
async fn the_fleet_says_whole_what_is_wrong_with_the_selected_one() {
    look("alike-fleet", begin_alike, &[("", "daily"), ("F", "mount it")]).await;
}

alike!(contexts_of_long_names);
async fn contexts_of_long_names() {
    let choice = |name: &str, leads_to: &str| ContextChoice {
        name: name.to_owned(),
        leads_to: leads_to.to_owned(),
        is_a_service: leads_to.starts_with("https"),
        read_only: false,
        accent: None,
    };
    let settings = CockpitSettings {
        context: "local".to_owned(),
        contexts: vec![
            choice("local", "this machine"),
            choice("rechenzentrum-frankfurt-am-main", "https://a.example.com"),
            choice("rechenzentrum-frankfurt-an-der-oder", "https://b.example.com"),
        ],
        ..settings()
    };
    look_with(
        "alike-contexts",
        &settings,
        &SIZES,
        unchanged,
        &[("X", "this machine")],
    )
    .await;
}
