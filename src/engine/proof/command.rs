//! The program that an operator names for drills: it is given what was restored of each instance, where it stands in scratch,
//! and says by its exit code whether that works. It may open the content with a Magnolia or a Jackrabbit of its own.
//!
//! Not in here: running a program (`engine::hooks`), and what it is told of a place (`content::restoring`).

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::content::restoring::Facts;
use crate::domain::activity::Severity;
use crate::domain::backup::Backup;
use crate::domain::environment::InstanceName;
use crate::engine::hooks::process::{self, Stopped};
use crate::engine::hooks::to_the_log;
use crate::engine::{EngineError, Live, Work, secrets};

/// So many of its last lines are told with the verdict.
const LAST: usize = 5;

impl Live {
    /// Runs the program on one instance in scratch. Gives why that does not work, in its words; `None` when it does, or no
    /// program is named.
    ///
    /// # Errors
    /// That it could not be started, or did not come to its end: that says nothing of the backup. Cancellation.
    pub(super) fn judged(
        &self,
        work: &Work,
        backup: &Backup,
        instance: &InstanceName,
        facts: impl FnOnce() -> Result<Facts, EngineError>,
    ) -> Result<Option<String>, EngineError> {
        let drill = &self.settings().drill;
        let Some(program) = drill.command.first() else {
            return Ok(None);
        };
        // What Lifeboat knows of its own secrets goes, and what the program needs for this place comes after it.
        let secrets = secrets::variables(self.engine());
        let mut variables: Vec<(&str, Option<String>)> =
            secrets.iter().map(|name| (name.as_str(), None)).collect();
        variables.extend([
            ("LIFEBOAT_ENVIRONMENT", Some(self.name().to_string())),
            ("LIFEBOAT_INSTANCE", Some(instance.to_string())),
            ("LIFEBOAT_JOB", Some(work.id().to_string())),
            ("LIFEBOAT_BACKUP", Some(backup.id.0.clone())),
        ]);
        variables.extend(facts()?.into_iter().map(|(name, value)| (name, Some(value))));
        let say = |severity: Severity, text: &str| work.log(severity, text);
        say(
            Severity::Information,
            &format!("{instance}: the command of the drill is run"),
        );
        let log = to_the_log(instance, "the command", &say);
        let last = Mutex::new(VecDeque::new());
        let tell = |line: &str| {
            log(line);
            let mut last = last.lock();
            if last.len() == LAST {
                last.pop_front();
            }
            last.push_back(line.to_owned());
        };
        let is_cancelled = || work.is_cancelled_now();
        let run = process::run(
            &drill.command,
            &variables,
            drill.limit.duration(),
            &is_cancelled,
            &tell,
        );
        let named = |why: String| format!("the command of the drill, {program}, {why} ({instance})");
        match self.engine().runtime().block_on(run) {
            Ok(()) => Ok(None),
            Err(Stopped::Cancelled) => Err(EngineError::Cancelled),
            Err(Stopped::Failed(why)) => Err(EngineError::Failed(named(why))),
            Err(Stopped::Refused(why)) => {
                let said: Vec<String> = last.into_inner().into();
                let said = if said.is_empty() {
                    String::new()
                } else {
                    format!(". It said: {}", said.join(" / "))
                };
                Ok(Some(format!("{}{said}", named(why))))
            }
        }
    }
}
