//! The repositories of an environment: where they are, how they are reached, and each opened once and kept.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Engine, EngineError, Live};
use crate::domain::address::Address;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobKind;
use crate::domain::refusal::Refusal;
use crate::domain::settings::{RepositoryChoice, RepositorySettings};
use crate::repository::{Key, Repository, Storage};

/// The place of one open repository: empty until it is first needed. Each has a lock of its own, so that opening one
/// (scrypt takes 0.4 s) does not hold up the others.
pub(super) type RepositoryCell = Mutex<Option<Arc<Repository>>>;

/// The kind of the notes that say where the repository of an environment was when it was opened last.
const PLACE: &str = "repository";
/// The kind of the notes that say where a new one may be made although there were backups elsewhere.
const LEFT_FOR: &str = "new repository";

/// The settings of the repositories.
pub(super) fn settings(engine: &Engine) -> Result<&RepositorySettings, EngineError> {
    engine.repository_settings().ok_or_else(|| {
        EngineError::Failed(
            "no repository is configured: add a [repository] with a root and a password_file".to_owned(),
        )
    })
}

/// Where the repository of an environment is, or would be.
///
/// # Errors
/// A sentence when no repository is configured.
pub(super) fn place_of(engine: &Engine, name: &EnvironmentName) -> Result<Address, EngineError> {
    let root = &settings(engine)?.root;
    Ok(root.join(name.project()).join(name.environment()))
}

impl Live {
    /// Where its repository is.
    ///
    /// # Errors
    /// A sentence when no repository is configured.
    pub fn repository_place(&self) -> Result<Address, EngineError> {
        place_of(self.engine(), self.name())
    }

    /// How its repository, or its second one, is reached. `None` when no second one is configured.
    pub(super) fn storage(&self, which: RepositoryChoice) -> Result<Option<Storage>, EngineError> {
        let root = self.engine().root(which)?;
        let name = self.name();
        Ok(root.map(|root| root.join(name.project()).join(name.environment())))
    }

    /// The key of its repository, or of its second one.
    pub(super) fn key_of(&self, which: RepositoryChoice) -> Result<Key, EngineError> {
        let settings = settings(self.engine())?;
        let source = match (which, &settings.copy) {
            (RepositoryChoice::Copy, Some(copy)) => copy.key.as_ref().unwrap_or(&settings.key),
            _ => &settings.key,
        };
        let variables = self.engine().variables();
        // The paths in the settings are absolute by now; a command runs in the state directory.
        Ok(Key::read(source, self.state(), &|variable| variables(variable))?)
    }

    /// Its repository, opened once and kept. `None` when it does not exist yet and `create` is false.
    pub(super) fn repository(&self, create: bool) -> Result<Option<Arc<Repository>>, EngineError> {
        self.repository_of(RepositoryChoice::First, create)
    }

    /// Its repository, or its second one, opened once and kept. `None` when it is not configured, or does not exist yet
    /// and `create` is false.
    pub(super) fn repository_of(
        &self,
        which: RepositoryChoice,
        create: bool,
    ) -> Result<Option<Arc<Repository>>, EngineError> {
        let kept = self.known().cell(which).lock().clone();
        if kept.is_some() {
            return Ok(kept);
        }
        let Some(storage) = self.storage(which)? else {
            return Ok(None);
        };
        if !self.is_there(which, &storage)? && !create {
            return Ok(None);
        }
        // Before its place, which somebody may want who is in more of a hurry.
        let turn = self.turn_to_open();
        let mut opened = self.known().cell(which).lock();
        if let Some(repository) = &*opened {
            return Ok(Some(Arc::clone(repository)));
        }
        let key = self.key_of(which)?;
        let repository = if create {
            Repository::open_or_create(&storage, &key)?
        } else {
            Repository::open(&storage, &key)?
        };
        drop(turn);
        repository.under(self.fence());
        let repository = Arc::new(repository);
        *opened = Some(Arc::clone(&repository));
        drop(opened);
        self.is_open_now(which);
        if which == RepositoryChoice::First {
            self.note_place(&storage.address());
        }
        Ok(Some(repository))
    }

    /// That its repository, or its second one, is there, or may be made there. Whoever makes anything on the way to it asks before.
    ///
    /// # Errors
    /// A sentence when it held backups and is not there; a place that cannot be looked at.
    pub(super) fn is_there_or_new(&self, which: RepositoryChoice) -> Result<(), EngineError> {
        match self.storage(which)? {
            Some(storage) => self.is_there(which, &storage).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Whether there is a repository.
    ///
    /// # Errors
    /// As [`Live::is_there_or_new`].
    fn is_there(&self, which: RepositoryChoice, storage: &Storage) -> Result<bool, EngineError> {
        let is_there = Repository::exists(storage)?;
        let place = storage.address();
        let is_missed = !is_there
            && which == RepositoryChoice::First
            && self.held_backups()?
            && !self.may_begin_anew(&place)?;
        if is_missed {
            return Err(self.is_lost(&place));
        }
        Ok(is_there)
    }

    fn is_lost(&self, place: &Address) -> EngineError {
        let name = self.name();
        let relocate =
            format!("`lifeboat relocate {name} --confirm {name}` lets the next backup begin a new one");
        let last = self.catalog().note(PLACE, &name.to_string()).ok().flatten();
        if let Some(last) = last.filter(|last| *last != place.to_string()) {
            return EngineError::Failed(format!(
                "the repository of {name}, which held backups, was in {last}, and is not in {place}, which the configuration \
                 names now. Copy it there as it is, all files of it, and every backup comes with it; or leave it behind: \
                 {relocate}"
            ));
        }
        let question = match place {
            Address::Folder(_) => "is its disk mounted",
            Address::Bucket { .. } => "is that the bucket it was in",
        };
        EngineError::Failed(format!(
            "the repository of {name}, which held backups, is not in {place}: {question}? No new one is made in its place. If \
             it is lost for good, {relocate}"
        ))
    }

    /// Whether there were backups, as far as the catalog knows.
    fn held_backups(&self) -> Result<bool, EngineError> {
        let past = self.catalog().past_durations(self.name(), JobKind::Backup, 1)?;
        Ok(!past.is_empty())
    }

    /// Whether somebody has said that a new repository may be made here.
    fn may_begin_anew(&self, place: &Address) -> Result<bool, EngineError> {
        let left = self.catalog().note(LEFT_FOR, &self.name().to_string())?;
        Ok(left.is_some_and(|left| left == place.to_string()))
    }

    /// Notes where the repository is that was opened, for the day on which it is not there. What was allowed for a place
    /// is used up once there is a repository: if that is lost as well, it is asked again.
    fn note_place(&self, place: &Address) {
        let (name, place) = (self.name().to_string(), place.to_string());
        let catalog = self.catalog();
        let noted = catalog.note(PLACE, &name).and_then(|last| {
            if last.as_ref() == Some(&place) {
                return Ok(());
            }
            catalog.drop_note(LEFT_FOR, &name)?;
            catalog.set_note(PLACE, &name, &place, self.now())
        });
        if let Err(error) = noted {
            self.report_catalog(&error);
        }
    }

    /// Lets the next backup begin a new repository in the configured place, since the one before is left behind or lost.
    /// Gives that place.
    ///
    /// # Errors
    /// A refusal where a repository is there, or where none has held backups and none is missed.
    pub fn relocate(&self) -> Result<String, EngineError> {
        let name = self.name();
        let storage = self.storage(RepositoryChoice::First)?;
        let storage = storage.ok_or_else(|| EngineError::Failed("no repository is configured".to_owned()))?;
        let place = storage.address().to_string();
        if Repository::exists(&storage)? {
            return Err(Refusal::NotNeeded(format!(
                "there is a repository of {name} in {place} already, and it is used: nothing has to be left behind"
            ))
            .into());
        }
        if !self.held_backups()? {
            return Err(Refusal::NotNeeded(format!(
                "{name} has had no backups yet: its first one makes the repository in {place} by itself"
            ))
            .into());
        }
        let noted = name.to_string();
        let last = self.catalog().note(PLACE, &noted)?;
        self.catalog().set_note(LEFT_FOR, &noted, &place, self.now())?;
        // What the next one makes is noted as a new place, also where that has the name of the one before.
        self.catalog().drop_note(PLACE, &noted)?;
        self.note_if_emptied();
        let before = last.filter(|last| *last != place).map_or_else(
            || "the one before is given up as lost".to_owned(),
            |last| format!("the one before is left behind in {last}"),
        );
        self.remember_warning(
            self.who(),
            &format!("the next backup begins a new repository in {place}: {before}"),
        );
        self.changed();
        Ok(place)
    }

    /// Those of its repositories that are open.
    pub(super) fn opened(&self) -> impl Iterator<Item = Arc<Repository>> {
        [RepositoryChoice::First, RepositoryChoice::Copy]
            .into_iter()
            .filter_map(|which| self.known().cell(which).lock().clone())
    }

    /// Whether a lock that is held in one of its repositories was taken away. Those beside folders are the system's,
    /// which takes none away.
    #[cfg(feature = "object-storage")]
    pub(super) fn has_lost_a_lock(&self) -> bool {
        self.opened().any(|repository| repository.has_lost_its_lock())
    }
}
