//! `lifeboat backup ENV`: takes a backup of Live by hand, or before an upgrade.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};

use crate::backend::BackendError;
use crate::cli::follow::{self, Begun, JobArguments};
use crate::cli::plain::MOMENT;
use crate::cli::plain::asking::Wanted;
use crate::cli::{Call, CliError, heard};
use crate::domain::ahead::Look;
use crate::domain::backup::{Backup, BackupId, Manifest};
use crate::domain::environment::EnvironmentName;
use crate::domain::free_text;
use crate::domain::principal::Principal;
use crate::domain::request::BackupRequest;
use crate::domain::slot::Slot;
use crate::domain::state::EnvironmentDetails;
use crate::domain::version::MagnoliaVersion;
use crate::domain::{Instant, measure, retention};

/// What a backup is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackupTrigger {
    /// Fills the manual slot
    Manual,
    /// Before an upgrade of Magnolia in Live: stands outside the four slots and expires after 48 hours
    Upgrade,
}

/// What `lifeboat backup --help` says first.
pub const LONG_ABOUT: &str = "\
Takes a backup of Live, reads back what it has written, and only then lets the one that it replaces go. A manual \
backup fills the manual slot. A backup before an upgrade stands outside the four slots and expires after 48 \
hours; while it stands, no further upgrade of the same Live is accepted.";

/// What `lifeboat backup` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BackupArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// Why, in your words; kept with the backup
    #[arg(long, value_name = "TEXT", value_parser = free_text::argument)]
    pub note: Option<String>,
    /// What the backup is taken for
    #[arg(long, value_enum, default_value_t = BackupTrigger::Manual)]
    pub trigger: BackupTrigger,
    /// The Magnolia version that Live is about to be upgraded to
    #[arg(long, value_name = "VERSION", required_if_eq("trigger", "upgrade"))]
    pub to: Option<String>,
    /// How the job is followed.
    #[command(flatten)]
    pub job: JobArguments,
}

pub(super) async fn run(arguments: BackupArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let upgrade_to = match (arguments.trigger, arguments.to) {
        (BackupTrigger::Upgrade, to) => to.map(MagnoliaVersion),
        (BackupTrigger::Manual, None) => None,
        (BackupTrigger::Manual, Some(_)) => {
            return Err(CliError::usage(
                "--to names the version of an upgrade: add --trigger upgrade, or leave --to out",
            ));
        }
    };
    let request = BackupRequest {
        environment: arguments.environment,
        note: free_text::said(arguments.note),
        upgrade_to,
    };
    let tells = !call.globals.json && !call.in_background;
    follow::start_telling(&arguments.job, call, async |backend, call| {
        let is_manual = request.upgrade_to.is_none();
        if is_manual && tells && hears(call) {
            // Only in lines it is asked whether somebody would miss what goes.
            let you = match call.in_lines {
                Some(_) => backend.info().await.ok().and_then(|info| info.you),
                None => None,
            };
            let look = backend.environment(&request.environment);
            let goes = if call.in_lines.is_some() {
                // It may have to be asked whether that is meant.
                match look.await {
                    Ok(details) if details.hides_backups() => Some(Goes::unknown(
                        details
                            .summary
                            .trouble
                            .as_deref()
                            .unwrap_or("the repository has not been read"),
                    )),
                    Ok(details) => Goes::of(&details, you.as_ref(), call.now()),
                    // What there is none of is refused below.
                    Err(BackendError::Refused(_)) => None,
                    Err(error) => Some(Goes::unknown(&error.to_string())),
                }
            } else {
                // In a shell nobody is asked, and nobody waits for what is only told.
                let look = tokio::time::timeout(MOMENT, look).await;
                look.ok()
                    .and_then(Result::ok)
                    .and_then(|details| Goes::of(&details, None, call.now()))
            };
            if let Some(goes) = goes {
                goes.is_meant(call).await?;
            }
        }
        Ok(Begun {
            id: backend.start_backup(request).await?,
            remark: None,
            told: Vec::new(),
        })
    })
    .await
}

/// Whether somebody is there to hear what goes: nothing is looked up for a log.
fn hears(call: &Call<'_>) -> bool {
    call.in_lines.is_some() || call.outside.err_is_terminal
}

/// The backup that leaves the manual slot for the next one.
pub(in crate::cli) struct Goes {
    /// What becomes of it, as sentences.
    pub(in crate::cli) told: String,
    /// What is asked first, where somebody would miss it.
    missed: Option<String>,
}

impl Goes {
    /// That nobody can tell what goes: it may be somebody else's.
    fn unknown(why: &str) -> Self {
        Self {
            told: format!("It takes the manual slot. Which backup goes for it cannot be told: {why}."),
            missed: Some("Take it all the same?".to_owned()),
        }
    }

    /// What goes for the next backup that is taken by hand; nothing where the slot has room. Whoever takes it is known as `you`
    /// where backups are taken; where that is not known, it may be somebody else's.
    pub(in crate::cli) fn of(
        details: &EnvironmentDetails,
        you: Option<&Principal>,
        now: Instant,
    ) -> Option<Self> {
        let goes = Self::of_slot(details, you, now)?;
        let look = Look { now, settled: now };
        let kept = retention::kept_for_holding_more(&details.backups, &details.keep, Slot::Manual, &look);
        if kept.is_empty() {
            return Some(goes);
        }
        let ids: Vec<String> = kept.iter().map(|kept| kept.id.to_string()).collect();
        let ids = measure::listed(&ids);
        Some(Self {
            told: format!(
                "{} And if the new one holds about as much as {ids}, kept until now because what came after holds much less, {} \
                 as well: look whether Live is whole first.",
                goes.told,
                if kept.len() == 1 {
                    "that one goes"
                } else {
                    "those go"
                }
            ),
            missed: Some(format!(
                "Take the backup, though it may be what {ids} {} for?",
                if kept.len() == 1 { "goes" } else { "go" }
            )),
        })
    }

    /// What leaves the slot for it.
    fn of_slot(details: &EnvironmentDetails, you: Option<&Principal>, now: Instant) -> Option<Self> {
        let backup = retention::replaced_by_next(&details.backups, &details.keep, Slot::Manual)?;
        let Manifest { taken, by, note, .. } = &backup.manifest;
        let noted = note.as_ref().map(|note| format!(" (\"{note}\")"));
        let which = format!(
            "the backup {} of {} by {by}{}",
            backup.id,
            measure::moment(*taken),
            noted.unwrap_or_default()
        );
        let is_mine = you == Some(by) && note.is_none();
        let stays = why_it_stays(details, backup, now);
        Some(match stays {
            Some(why) => Self {
                told: format!("It takes the manual slot, which has {which}. That one stays: {why}."),
                missed: None,
            },
            None if !is_let_go(details, backup, now) => Self {
                told: format!(
                    "It takes the manual slot. For it, {which} leaves the manual slot, and goes once nothing else keeps it."
                ),
                missed: (!is_mine).then(|| format!("Let {which} leave the manual slot, for the new one?")),
            },
            None => Self {
                told: format!(
                    "It takes the manual slot. For it, {which} is deleted, once the new one is complete and verified."
                ),
                missed: (!is_mine).then(|| format!("Delete {which}, for the new one?")),
            },
        })
    }

    /// Says it, unless these lines have said it already, and asks whether that is meant where somebody may miss it. In a shell,
    /// where a script may be, the verb is the answer.
    async fn is_meant(&self, call: &mut Call<'_>) -> Result<(), CliError> {
        if !call.has_told(&self.told) {
            heard(call.remark(&self.told))?;
        }
        let Some(question) = self.missed.as_ref().filter(|_| call.in_lines.is_some()) else {
            return Ok(());
        };
        call.ask_for(Wanted::Yes, &format!("{question} (yes or no, Enter for no): "))
            .await?;
        Ok(())
    }
}

/// Whether a backup goes as soon as another one like it has taken its place in the manual slot.
fn is_let_go(details: &EnvironmentDetails, backup: &Backup, now: Instant) -> bool {
    let mut next = backup.clone();
    next.id = BackupId("the next one".to_owned());
    next.manifest.taken = now;
    next.manifest.slots = vec![Slot::Manual];
    let backups = [details.backups.as_slice(), &[next]].concat();
    let look = Look { now, settled: now };
    let goes = retention::droppable(&backups, &details.keep, &BTreeSet::new(), &look);
    goes.iter().any(|goes| goes.id == backup.id)
}

/// Why a backup stays that leaves the manual slot.
fn why_it_stays(details: &EnvironmentDetails, backup: &Backup, now: Instant) -> Option<String> {
    if let Some(pin) = backup.pinned(now) {
        return Some(format!("it is pinned {}", pin.how_long()));
    }
    let others = Slot::ALL.into_iter().filter(|slot| *slot != Slot::Manual);
    let mut holds = others.filter(|slot| {
        let holders = retention::holders(&details.backups, &details.keep, *slot);
        holders.iter().any(|holder| holder.id == backup.id)
    });
    holds
        .next()
        .map(|slot| format!("it is the {} one as well", slot.label()))
}
