//! The fleet at a glance: every environment of every context that is reached.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::Duration;
use lifeboat::domain::environment::EnvironmentKind;
use lifeboat::domain::proof::{Drill, DrillOutcome};
use lifeboat::domain::state::EnvironmentSummary;
use lifeboat::domain::target::{Aim, Standing};
use lifeboat::tui::beyond::Beyond;
use lifeboat::tui::{CockpitSettings, ContextChoice, Elsewhere, LastView};

use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, look, look_with, unchanged};

/// One service that answers, and one that does not.
struct Others;

#[async_trait]
impl Elsewhere for Others {
    async fn environments(&self, context: &str) -> Result<Vec<EnvironmentSummary>, String> {
        if context == "broken" {
            return Err("https://broken.example.com did not answer".to_owned());
        }
        let mut shop = EnvironmentSummary::unread(name("shop/live"), EnvironmentKind::Live);
        shop.unread = false;
        shop.newest = Some(two_projects::now() - Duration::hours(52));
        shop.late = true;
        Ok(vec![shop])
    }
}

fn with_others() -> CockpitSettings {
    let choice = |name: &str| ContextChoice {
        name: name.to_owned(),
        leads_to: format!("https://{name}.example.com"),
        is_a_service: true,
        read_only: false,
        accent: None,
    };
    CockpitSettings {
        contexts: vec![choice("local"), choice("prod"), choice("broken")],
        elsewhere: Some(Arc::new(Others)),
        ..settings()
    }
}

alike!(the_worst_comes_first_and_filters_and_orders_keep_the_selection);
async fn the_worst_comes_first_and_filters_and_orders_keep_the_selection() {
    let trouble = |state: &mut State| {
        let globex = state.environments.get_mut(&name("globex/live")).unwrap();
        globex.summary.trouble = Some("public-1 is half switched since 05:12".to_owned());
    };
    look("fleet", trouble, &[("", "daily"), ("F", "needs you now")]).await;
    let cockpit = Runner::start((120, 36), Fixture::with(trouble)).await;
    cockpit.see("daily").await;
    cockpit.press("F").await.see("worst first").await;
    cockpit.press("s").await.see("oldest first").await;
    cockpit.press("s").await.see("by name").await;
    cockpit.press("/globex").await.see("Fleet: ").await;
    assert!(!cockpit.has("acme/uat"), "{}", cockpit.text());
    cockpit.press("<Enter>").await.see("/globex").await;
    cockpit.press("<Enter>").await.see("Backups of globex/").await;
}

alike!(other_contexts_are_asked_and_one_goes_there);
async fn other_contexts_are_asked_and_one_goes_there() {
    let steps = [("", "daily"), ("F", "shop/live")];
    look_with("fleet-contexts", &with_others(), &SIZES, unchanged, &steps).await;
    let cockpit = Runner::start_with((120, 36), Fixture::new(), with_others()).await;
    cockpit.see("daily").await;
    cockpit.press("F").await.see("did not answer").await;
    cockpit.press("/shop<Enter><Enter>").await.see(" prod ").await;
}

alike!(a_target_is_named_and_so_is_by_how_much_it_is_missed);
async fn a_target_is_named_and_so_is_by_how_much_it_is_missed() {
    let targets = |state: &mut State| {
        let standing = |aim, target: &str, met, seconds| Standing {
            aim,
            target: target.parse().unwrap(),
            met,
            since: (aim == Aim::Rpo).then(|| two_projects::ago(i64::try_from(seconds / 60).unwrap())),
            seconds: (aim == Aim::Rto).then_some(seconds),
            drill_failed: false,
            cause: (!met).then(|| "by the last drill a restore takes 42 min".to_owned()),
        };
        let acme = state.environments.get_mut(&name("acme/live")).unwrap();
        acme.summary.targets = vec![
            standing(Aim::Rpo, "26h", true, 5 * 3600),
            standing(Aim::Rto, "30m", false, 42 * 60 - 10),
        ];
        let globex = state.environments.get_mut(&name("globex/live")).unwrap();
        globex.summary.failed = None;
        globex.summary.targets = vec![standing(Aim::Rpo, "24h", false, 27 * 3600)];
    };
    let steps = [("", "daily"), ("F", "RTO 12 min over"), ("", "RPO 3 h over")];
    look("fleet-targets", targets, &steps).await;
    let about = [
        ("", "daily"),
        ("i", "RPO 26h met: the newest good backup is 5 h 00 min old"),
    ];
    look_with("targets-about", &settings(), &SIZES[..1], targets, &about).await;
}

alike!(a_target_of_which_nothing_is_known_is_not_told_as_missed);
async fn a_target_of_which_nothing_is_known_is_not_told_as_missed() {
    let unmeasured = |state: &mut State| {
        let acme = state.environments.get_mut(&name("acme/live")).unwrap();
        acme.summary.targets = vec![Standing {
            aim: Aim::Rto,
            target: "30m".parse().unwrap(),
            met: false,
            since: None,
            seconds: None,
            drill_failed: false,
            cause: Some("no drill or restore of all of it yet; a drill makes it known".to_owned()),
        }];
    };
    let steps = [("", "RTO 30m not known"), ("F", "RTO not known")];
    look("fleet-target-not-known", unmeasured, &steps).await;
}

alike!(age_target_and_proof_stand_in_the_narrowest_fleet);
async fn age_target_and_proof_stand_in_the_narrowest_fleet() {
    let proven = |state: &mut State| {
        for (environment, newest) in [("acme/live", true), ("globex/live", false)] {
            let live = state.environments.get_mut(&name(environment)).unwrap();
            live.summary.last_proven = Some(Drill {
                at: two_projects::ago(30),
                newest,
                ..two_projects::drill(DrillOutcome::Proven)
            });
        }
        let long = name("a-project-of-a-very-long-name/live");
        let mut live = state.environments[&name("acme/live")].clone();
        live.summary.name = long.clone();
        state.environments.insert(long, live);
    };
    let small = &SIZES[..1];
    let steps = [("", "daily"), ("F", "29 min, older")];
    look_with("fleet-proven", &settings(), small, proven, &steps).await;
    let steps = [("", "daily"), ("F", "shop/live"), ("", "29 min, older")];
    look_with("fleet-proven-contexts", &with_others(), small, proven, &steps).await;
}

alike!(its_order_is_remembered_and_so_is_that_it_was_open);
async fn its_order_is_remembered_and_so_is_that_it_was_open() {
    let kept = Arc::new(Mutex::new(None));
    let keeps = Arc::clone(&kept);
    let first = CockpitSettings {
        beyond: Beyond {
            keep: Arc::new(move |view: &LastView| *keeps.lock().unwrap() = Some(view.clone())),
            ..Beyond::default()
        },
        ..settings()
    };
    let cockpit = Runner::start_with((80, 24), Fixture::new(), first).await;
    cockpit.see("daily").await;
    cockpit.press("Fss").await.see("by name").await;
    cockpit.press("<Esc>F").await.see("by name").await;
    cockpit.press("q").await;
    assert!(cockpit.end().await.is_ok());
    let second = CockpitSettings {
        last_view: kept.lock().unwrap().take(),
        ..settings()
    };
    let cockpit = Runner::start_with((80, 24), Fixture::new(), second).await;
    cockpit.see("Fleet: ").await.see("by name").await;
}
