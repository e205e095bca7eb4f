//! Breaking Live of a demo, so that there is something to restore.

use super::{Session, Why};
use crate::cli::CliError;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::refusal::Refusal;

impl Session<'_, '_> {
    /// Breaks Live once its name is typed. Gives why to leave, if that came of it.
    pub(super) async fn break_live(&mut self, name: &EnvironmentName) -> Result<Option<Why>, CliError> {
        let summary = self.backend.environment(name).await?.summary;
        if let Some(job) = summary.job.filter(|job| !job.state.has_ended()) {
            let busy = Refusal::Busy {
                environment: name.clone(),
                job: job.id,
                kind: job.kind,
            };
            CliError::failed(busy.to_string()).print(self.call.outside, false)?;
            return Ok(None);
        }
        self.call.tell(&format!(
            "This deletes and changes content of {name} for real, in the demo's sandbox only. A restore of a backup brings it back."
        ))?;
        match self
            .types_the_name(name, &format!("To break Live, type {name}: "))
            .await?
        {
            Err(why) => return Ok(Some(why)),
            Ok(false) => return Ok(None),
            Ok(true) => {}
        }
        match self.backend.break_live(name.clone()).await {
            Ok(what) => {
                self.call.tell(&format!("Live is broken now: {what}"))?;
                self.news_but_of(name)?;
            }
            Err(error) => CliError::from(error).print(self.call.outside, false)?,
        }
        Ok(None)
    }

    /// What happened meanwhile, but for the notification of what has just been said.
    fn news_but_of(&mut self, name: &EnvironmentName) -> Result<(), CliError> {
        while let Some(event) = self.events.waiting() {
            let is_said = matches!(
                &event,
                Event::Notification(told) if told.job.is_none() && told.environment.as_ref() == Some(name)
            );
            if !is_said {
                self.tell(&event)?;
            }
        }
        Ok(())
    }
}
