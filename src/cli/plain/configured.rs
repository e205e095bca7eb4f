//! The configuration has changed during a stay in lines: what has is said, and what is wrong in it. Not in here: looking at the
//! file, and opening the context anew.

use std::time::Duration;

use tokio::time::Instant;

use super::Session;
use crate::cli::CliError;
use crate::domain::check::in_use_still;
use crate::tui::ContextChoice;
use crate::tui::beyond::{Changed, Found, Look, Reread};

/// What is looked at for whoever stays.
pub struct Follows {
    /// Looks at the configuration.
    pub reread: Reread,
    /// How long it is from one look to the next.
    pub every: Duration,
    /// The contexts that there are.
    pub contexts: Vec<ContextChoice>,
    /// Whether the context can be opened anew, with what waits for that. A demo has one, and stays in it.
    pub opens_anew: bool,
}

/// What is known of the configuration.
pub(super) struct Configuration {
    follows: Option<Follows>,
    /// Whether something has changed that is used once the context is opened anew.
    waits: bool,
    /// When it is looked at next.
    next: Instant,
}

impl Configuration {
    pub(super) fn new(follows: Option<Follows>) -> Self {
        Self {
            follows,
            waits: false,
            next: Instant::now(),
        }
    }

    /// Whether something waits for the context to be opened anew, which can be done.
    fn waits_for_opening(&self) -> bool {
        self.waits && self.follows.as_ref().is_some_and(|follows| follows.opens_anew)
    }

    /// Looks at it as it is now, before the context is closed to be opened anew with it: what does not work then would leave nothing
    /// to go on with. Gives why that is not done.
    pub(super) fn not_opened_anew(&mut self) -> Option<String> {
        if let Some(follows) = self.follows.as_mut().filter(|follows| follows.opens_anew) {
            match (follows.reread)(Look::Now) {
                Found::Same => {}
                Found::Wrong(why) => {
                    return Some(format!("the context is not opened anew: {}", in_use_still(&why)));
                }
                Found::Changed(changed) => {
                    self.waits = !changed.waits.is_empty();
                    let told = told(follows, *changed);
                    if !self.waits {
                        return Some(told);
                    }
                }
            }
        }
        (!self.waits_for_opening())
            .then(|| "nothing in the configuration waits for the context to be opened anew".to_owned())
    }

    /// Waits until it is time to look; for ever where there is nothing to look at.
    pub(super) async fn is_due(&self) {
        match &self.follows {
            Some(_) => tokio::time::sleep_until(self.next).await,
            None => std::future::pending().await,
        }
    }

    /// Looks, and gives what there is to say.
    pub(super) fn news(&mut self) -> Option<String> {
        let follows = self.follows.as_mut()?;
        self.next = Instant::now() + follows.every;
        match (follows.reread)(Look::OnceSettled) {
            Found::Same => None,
            Found::Wrong(why) => Some(format!(
                "the configuration has changed, and is not used: {}",
                in_use_still(&why)
            )),
            Found::Changed(changed) => {
                self.waits = !changed.waits.is_empty();
                Some(told(follows, *changed))
            }
        }
    }
}

/// What is said of a configuration that has changed.
fn told(follows: &mut Follows, changed: Changed) -> String {
    let mut parts = Vec::new();
    if follows.contexts != changed.contexts {
        follows.contexts = changed.contexts;
        parts.push("the contexts have changed, and are used from now on".to_owned());
    }
    if !changed.waits.is_empty() {
        let waits = changed.waits.join(", ");
        parts.push(if follows.opens_anew {
            format!("\"anew\" opens the context anew with the rest: {waits}")
        } else {
            format!("the demo goes on with what it began with: {waits}")
        });
    }
    if parts.is_empty() {
        parts.push("nothing that is used in lines has changed".to_owned());
    }
    format!("the configuration was read again: {}", parts.join("; "))
}

impl Session<'_, '_> {
    /// Says what has become of the configuration, if there is something to say.
    pub(super) fn tell_of_configuration(&mut self) -> Result<bool, CliError> {
        let Some(news) = self.configuration.news() else {
            return Ok(false);
        };
        self.news(&news)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;
    use crate::tui::action::Keymap;
    use crate::tui::terminal_call::Calling;
    use crate::tui::theme::ThemeChoice;

    fn changed(contexts: Vec<ContextChoice>, waits: &[&str]) -> Found {
        Found::Changed(Box::new(Changed {
            theme: ThemeChoice::default(),
            accent: None,
            keys: Arc::new(Keymap::default()),
            contexts,
            idle_lock: None,
            calling: Calling::default(),
            waits: waits.iter().map(ToString::to_string).collect(),
        }))
    }

    fn prod() -> ContextChoice {
        ContextChoice {
            name: "prod".to_owned(),
            leads_to: "https://backups.example.com".to_owned(),
            is_a_service: true,
            read_only: false,
            accent: None,
        }
    }

    /// What is said of what is found.
    fn said(found: Found, opens_anew: bool) -> (Option<String>, bool) {
        let found = Mutex::new(Some(found));
        let mut configuration = Configuration::new(Some(Follows {
            reread: Arc::new(move |_| found.lock().take().unwrap_or(Found::Same)),
            every: Duration::ZERO,
            contexts: Vec::new(),
            opens_anew,
        }));
        let news = configuration.news();
        assert_eq!(configuration.news(), None, "it is said once");
        (news, configuration.waits_for_opening())
    }

    #[test]
    fn what_has_changed_is_said_with_what_it_waits_for() {
        assert_eq!(said(Found::Same, true), (None, false));
        let (news, waits) = said(changed(vec![prod()], &["acme/live has changed"]), true);
        assert_eq!(
            news.unwrap(),
            "the configuration was read again: the contexts have changed, and are used from now on; \"anew\" opens the context anew \
             with the rest: acme/live has changed"
        );
        assert!(waits);
        let (news, waits) = said(changed(Vec::new(), &["acme/live has changed"]), false);
        assert!(
            news.unwrap()
                .ends_with("the demo goes on with what it began with: acme/live has changed")
        );
        assert!(!waits);
        let (news, _) = said(changed(Vec::new(), &[]), true);
        assert!(
            news.unwrap()
                .ends_with("nothing that is used in lines has changed")
        );
        let (news, waits) = said(
            Found::Wrong("lifeboat.toml, line 3: no equals sign".to_owned()),
            true,
        );
        assert_eq!(
            news.unwrap(),
            "the configuration has changed, and is not used: lifeboat.toml, line 3: no equals sign. What was read before stays \
             in use."
        );
        assert!(!waits);
    }

    #[test]
    fn nothing_is_closed_for_a_configuration_that_does_not_work() {
        let found = Arc::new(Mutex::new(Vec::new()));
        let next = Arc::clone(&found);
        let mut configuration = Configuration::new(Some(Follows {
            reread: Arc::new(move |_| next.lock().pop().unwrap_or(Found::Same)),
            every: Duration::ZERO,
            contexts: Vec::new(),
            opens_anew: true,
        }));
        let mut why = |now| {
            found.lock().extend(now);
            configuration.not_opened_anew()
        };
        let nothing = "nothing in the configuration waits for the context to be opened anew";
        assert_eq!(why(None).as_deref(), Some(nothing));
        // What has changed is found out by looking now, settled or not.
        assert_eq!(why(Some(changed(Vec::new(), &["acme/live has changed"]))), None);
        assert_eq!(
            why(Some(Found::Wrong(
                "lifeboat.toml, line 3: no equals sign".to_owned()
            )))
            .as_deref(),
            Some(
                "the context is not opened anew: lifeboat.toml, line 3: no equals sign. What was read before stays in use."
            )
        );
        assert_eq!(why(None), None);
        assert!(why(Some(changed(Vec::new(), &[]))).is_some());
        assert_eq!(why(None).as_deref(), Some(nothing));
    }
}
