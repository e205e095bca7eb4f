//! The fleet at a glance: every environment of every context that is reached.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Duration;
use lifeboat::domain::environment::EnvironmentKind;
use lifeboat::domain::state::EnvironmentSummary;
use lifeboat::tui::{CockpitSettings, ContextChoice, Elsewhere};

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
