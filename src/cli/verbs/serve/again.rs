//! The configuration of a service that runs, read again when its file changes or a signal asks for it: what can be taken
//! over is, and the rest is told.

use std::path::PathBuf;

use serde_json::json;

use crate::backend::embedded::Embedded;
use crate::cli::cockpit_beyond::{Stamp, stamp};
use crate::cli::{CliError, Globals, House};
use crate::config::{Changes, Config};
use crate::server::log::{Level, Log};

/// The configuration of a service, and what was last seen of its file.
pub(super) struct Configuration<'h> {
    house: &'h dyn House,
    globals: Globals,
    file: PathBuf,
    seen: Stamp,
    /// What was seen at the last look, where that was something else: whoever writes the file may not be done.
    settling: Option<Stamp>,
    in_use: Config,
}

impl<'h> Configuration<'h> {
    /// As it is now, which the service is about to use.
    pub(super) fn read(house: &'h dyn House, globals: &Globals) -> Result<Self, CliError> {
        let file = house.config_file(globals)?;
        let seen = stamp(&file);
        Ok(Self {
            in_use: house.configuration(globals)?,
            house,
            globals: globals.clone(),
            file,
            seen,
            settling: None,
        })
    }

    /// Takes it over if the file has changed since it was read last, and has stayed the same for a look.
    pub(super) async fn look(&mut self, engine: &Embedded, log: &Log) {
        let now = stamp(&self.file);
        if now == self.seen {
            self.settling = None;
        } else if self.settling.replace(now) == Some(now) {
            self.take_over(engine, log).await;
        }
    }

    /// Reads it and takes it over, whether the file has changed or not.
    pub(super) async fn take_over(&mut self, engine: &Embedded, log: &Log) {
        let doubt = self.taken_over(engine, log).await.err();
        // An engine that is not open is told of nothing, and tells nobody anything.
        let _ = engine.note_doubt(doubt).await;
    }

    /// Fails with why it is not used.
    async fn taken_over(&mut self, engine: &Embedded, log: &Log) -> Result<(), String> {
        self.seen = stamp(&self.file);
        self.settling = None;
        let wrong = |why: String| {
            let facts = json!({
                "file": self.file.display().to_string(),
                "why": why,
                "consequence": "what was read before stays in use",
            });
            log.line(Level::Error, "the configuration is not used", facts);
            Err(why)
        };
        let config = match self.house.configuration(&self.globals) {
            Ok(config) => config,
            Err(error) => return wrong(error.message),
        };
        let changes = Changes::between(&self.in_use, &config);
        if !changes.taken.is_empty()
            && let Err(error) = engine
                .take_over(config.environments.clone(), config.receivers.clone())
                .await
        {
            return wrong(error.to_string());
        }
        log.line(
            Level::Info,
            "the configuration was read again",
            json!({ "file": self.file.display().to_string(), "taken_over": changes.taken }),
        );
        let mut waits = changes.at_a_start;
        waits.extend(Changes::of_server(&self.in_use, &config));
        if !waits.is_empty() {
            log.line(
                Level::Warn,
                "part of the configuration is used after a new start only",
                json!({ "waits": waits }),
            );
        }
        // What needs a new start is compared with what is in use, and told until it has been one.
        self.in_use.environments = config.environments;
        self.in_use.receivers = config.receivers;
        Ok(())
    }
}
