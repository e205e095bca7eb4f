//! What is known of when packs were last read whole: where it is kept, how long it counts, and whose turn it is.
//!
//! One note for each repository of an environment in the catalog, so that machines that share that share it. It is written
//! once in a job, and only if it says something new; a crash before that costs reading once more, and so does a catalog
//! that was lost.
//!
//! Not in here: what is in it (`repository::read::readings`), and the turns (`domain::reading_turns`).

use chrono::Duration;

use crate::content::backed_up::SeesPieces;
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, BackupId, Verification};
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;
use crate::domain::principal::Principal;
use crate::domain::proof::{Proof, ProofTimes, to_verify};
use crate::domain::reading_turns::Turns;
use crate::domain::settings::RepositoryChoice;
use crate::engine::{EngineError, Live, Work};
use crate::repository::{
    Known, Readings, Repository, RepositoryError, UnrecordedBackup, Verified, Verifying,
};

/// The kind of the notes.
const KIND: &str = "readings";
/// How long a reading counts for a backup where none is made by schedule, in days.
const WITHOUT_SCHEDULE: i64 = 30;

/// That at no moment from one to another anything has its turn.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Quiet {
    from: Instant,
    until: Instant,
    oldest: Instant,
}

/// Reads a repository's packs for one job, with what is known of them.
pub(in crate::engine) struct Reader {
    which: RepositoryChoice,
    readings: Readings,
    now: Instant,
}

/// The name of a note.
fn note(name: &EnvironmentName, which: RepositoryChoice) -> String {
    match which {
        RepositoryChoice::First => name.to_string(),
        RepositoryChoice::Copy => format!("{name} copy"),
    }
}

impl Live {
    /// To read packs of a repository with.
    pub(in crate::engine) fn reader(&self, repository: &Repository) -> Reader {
        let name = self.name();
        let is_second = self.copy_place() == repository.place().to_string();
        let which = if is_second {
            RepositoryChoice::Copy
        } else {
            RepositoryChoice::First
        };
        let kept = self.catalog().note(KIND, &note(name, which)).unwrap_or_default();
        Reader {
            which,
            readings: Readings::of(&self.whereabouts(which, repository), kept.as_deref()),
            now: self.now(),
        }
    }

    /// Where a repository is, so that another one is not taken for it.
    fn whereabouts(&self, which: RepositoryChoice, repository: &Repository) -> String {
        let settings = self.engine().repository_settings();
        let options = match which {
            RepositoryChoice::First => settings.map(|settings| &settings.options),
            RepositoryChoice::Copy => self.copy_settings().map(|settings| &settings.options),
        };
        let endpoint = options.and_then(|options| options.endpoint.as_deref());
        let (place, mark) = (repository.place(), repository.mark());
        format!("{place} {} {mark}", endpoint.unwrap_or_default())
    }

    /// Keeps what is known by now, if that is something new. What cannot be kept is read once more.
    pub(in crate::engine) fn keep(&self, work: &Work, reader: &mut Reader) {
        if !reader.readings.take_changed() {
            return;
        }
        let (name, text) = (note(self.name(), reader.which), reader.readings.text());
        let kept = self
            .catalog()
            .note_under(&work.claim, KIND, &name, &text, self.now());
        if let Err(error) = kept {
            let text = format!("what was read back could not be noted, and is read once more: {error}");
            work.log(Severity::Warning, &text);
        }
    }

    /// Forgets that packs were read in which a job has found damage, whatever it read them for.
    pub(in crate::engine) fn forget_what_is_doubtful(&self, work: &Work) {
        for repository in self.opened() {
            if repository.has_doubtful() {
                let mut reader = self.reader(&repository);
                repository.forget_what_is_doubtful(&mut reader.readings);
                self.keep(work, &mut reader);
            }
        }
    }

    /// How long a reading counts for a backup.
    pub(super) fn reading_counts(&self) -> Duration {
        let every = self.settings().verify.every.in_days();
        Duration::days(every.map_or(WITHOUT_SCHEDULE, i64::from))
    }

    /// The second step of a backup. Gives the milliseconds that it took.
    pub(in crate::engine) fn read_back(
        &self,
        work: &Work,
        repository: &Repository,
        copy: &mut UnrecordedBackup,
        began: Instant,
    ) -> Result<u64, RepositoryError> {
        let mut reader = self.reader(repository);
        // What was written was read back while it was written.
        reader.now = began;
        let since = began - self.reading_counts();
        let read = repository.read_back_unless(copy, &mut reader.known(&|_, at| at >= since), work);
        self.keep(work, &mut reader);
        let read = read?;
        copy.read_since = read.since;
        if read.again > 0 {
            let days = u64::try_from(self.reading_counts().num_days()).unwrap_or(0);
            let text = format!(
                "{} that earlier backups have stored were read back: nobody is known to have done so within {}",
                measure::bytes(read.again),
                measure::so_many(days, "day", "days")
            );
            work.log(Severity::Information, &text);
        }
        Ok(read.millis)
    }

    /// Copies a backup into the second repository, and gives how it is called there.
    pub(in crate::engine) fn copy_and_read_back(
        &self,
        work: &Work,
        (first, second): (&Repository, &Repository),
        backup: &Backup,
    ) -> Result<BackupId, RepositoryError> {
        let mut reader = self.reader(second);
        let since = reader.now - self.reading_counts();
        let copied = first.copy_to(second, &backup.id, &mut reader.known(&|_, at| at >= since), work);
        self.keep(work, &mut reader);
        copied
    }

    /// Verifies a backup for a job that verifies some or all: by schedule what has its turn is read, by hand everything.
    pub(in crate::engine) fn verify_one(
        &self,
        work: &Work,
        verifying: &mut Verifying<'_>,
        reader: &mut Reader,
        backup: &Backup,
        onlooker: Option<&dyn SeesPieces>,
    ) -> Result<Verified, RepositoryError> {
        let turns = (work.by() == Principal::Schedule)
            .then(|| self.turns(&reader.readings, reader.now))
            .flatten();
        let is_served = |pack: &[u8], at| turns.is_some_and(|turns| turns.is_served(pack, at));
        let verified = verifying.verify(&backup.id, &mut reader.known(&is_served), onlooker, work);
        self.keep(work, reader);
        verified
    }

    /// Forgets what is known of a second repository that is not there.
    pub(in crate::engine) fn forget_readings_of_copies(&self, work: &Work) {
        let name = note(self.name(), RepositoryChoice::Copy);
        if let Err(error) = self.catalog().drop_note_under(&work.claim, KIND, &name) {
            self.report_catalog(&error);
        }
    }

    /// Ends a job that has verified all backups of a repository.
    pub(in crate::engine) fn end_verifying(
        &self,
        work: &Work,
        verifying: Verifying<'_>,
        reader: &mut Reader,
    ) {
        verifying.end(&mut reader.readings);
        self.keep(work, reader);
    }

    /// After a job that has verified everything nothing has its turn for a while, whatever it had to leave.
    pub(in crate::engine) fn rest_until_the_next_turn(&self) {
        let now = self.now();
        let kept = self
            .catalog()
            .note(KIND, &note(self.name(), RepositoryChoice::First));
        let readings = Readings::of_any(&kept.ok().flatten().unwrap_or_default());
        let turns = self.turns(&readings, now);
        let quiet = turns.and_then(|turns| {
            Some(Quiet {
                from: now,
                until: turns.next()?,
                oldest: turns.oldest()?,
            })
        });
        if quiet.is_some() {
            *self.known().quiet.lock() = quiet;
        }
    }

    /// Whether anything is to be read back by schedule: a backup that was found damaged or was not all read when it should
    /// have been, or a pack that has its turn.
    pub(in crate::engine) fn is_to_be_read(
        &self,
        backups: &[Backup],
        now: Instant,
    ) -> Result<bool, EngineError> {
        if backups.is_empty() {
            return Ok(false);
        }
        let quiet = *self.known().quiet.lock();
        // One that was noted by a clock that was wrong says nothing.
        if let Some(quiet) = quiet.filter(|quiet| quiet.from <= now && now < quiet.until) {
            return Ok(!to_verify(backups, quiet.oldest, now).is_empty());
        }
        let mut found: Option<Quiet> = None;
        for which in [RepositoryChoice::First, RepositoryChoice::Copy] {
            let kept = self.catalog().note(KIND, &note(self.name(), which))?;
            let readings = Readings::of_any(&kept.unwrap_or_default());
            let Some(turns) = self.turns(&readings, now) else {
                return Ok(false);
            };
            let has_turn = readings.packs().any(|(pack, at)| !turns.is_served(pack, at));
            let (Some(oldest), Some(next)) = (turns.oldest(), turns.next()) else {
                return Ok(false);
            };
            let is_first = which == RepositoryChoice::First;
            if has_turn && (is_first || self.copy_settings().is_some())
                || is_first && !to_verify(backups, oldest, now).is_empty()
            {
                return Ok(true);
            }
            found = Some(found.map_or(
                Quiet {
                    from: now,
                    until: next,
                    oldest,
                },
                |first| Quiet {
                    until: first.until.min(next),
                    ..first
                },
            ));
        }
        if found.is_some() {
            *self.known().quiet.lock() = found;
        }
        Ok(false)
    }

    /// When the next packs have their turn. `None` when nothing is read back by schedule.
    pub(in crate::engine) fn next_reading(&self) -> Option<Instant> {
        let kept = self
            .catalog()
            .note(KIND, &note(self.name(), RepositoryChoice::First));
        let readings = Readings::of_any(&kept.ok().flatten().unwrap_or_default());
        self.turns(&readings, self.now())?.next()
    }

    /// The turns of the packs that are known.
    fn turns(&self, readings: &Readings, now: Instant) -> Option<Turns<'_>> {
        let settings = self.settings();
        let times = ProofTimes {
            environment: self.name(),
            proof: Proof::Verify,
            every: settings.verify.every,
            window: settings.schedule.window,
        };
        Turns::new(times, readings.len(), now)
    }
}

/// What was read of a backup that is sound, in words.
pub(in crate::engine) fn what_was_read(verified: &Verified) -> String {
    let report = &verified.report;
    let read = format!(
        "{}, {} read back",
        measure::items(report.items),
        measure::bytes(report.bytes)
    );
    match verified.since {
        Some(since) if report.spared > 0 => format!(
            "{read} now and {} since {}",
            measure::bytes(report.spared),
            measure::moment(since)
        ),
        _ => read,
    }
}

impl Reader {
    /// What is known now of a backup that is sound.
    pub(in crate::engine) fn verification(&self, verified: &Verified) -> Verification {
        Verification::Verified {
            at: verified.since.unwrap_or(self.now),
        }
    }

    fn known<'k>(&'k mut self, counts: &'k (dyn Fn(&[u8], Instant) -> bool + Sync)) -> Known<'k> {
        Known {
            readings: &mut self.readings,
            now: self.now,
            counts,
        }
    }
}
