//! Stores a copy of Live and reads back what of it was not read before, as often as it takes: when Live changed under it,
//! when the repository turned out to be damaged, and when it was full of what may go.

use crate::domain::activity::Severity;
use crate::domain::job::Phase;
use crate::engine::{EngineError, Live, Work};
use crate::repository::{Repository, RepositoryError, UnrecordedBackup};

/// How often a copy is begun anew when Live changed under it.
const ATTEMPTS: u32 = 3;
/// How often a copy is begun anew because something in the repository was found damaged. Each time that counts as not
/// stored any more, so each time more is sound.
const MENDINGS: u32 = 8;

/// One try to store what there is.
type Try<'t> = dyn FnMut(&Work) -> Result<UnrecordedBackup, RepositoryError> + 't;

impl Live {
    /// Stores a copy by `copy`, and reads back what of it is to be. Gives how many milliseconds that took as well. The phases are those of
    /// the two steps.
    pub(in crate::engine) fn store(
        &self,
        work: &Work,
        phases: (Phase, Phase),
        repository: &Repository,
        copy: &mut Try<'_>,
    ) -> Result<(UnrecordedBackup, u64), EngineError> {
        let mut stored = || {
            let began = self.now();
            let mut copy = with_retries(work, phases.0, copy)?;
            work.phase(phases.1)?;
            let verify_millis = self.read_back(work, repository, &mut copy, began)?;
            Ok::<_, EngineError>((copy, verify_millis))
        };
        if let Some(packs) = repository.complete_index(work)? {
            let text = format!(
                "a part of the repository's index was damaged or gone: it was made anew from what the packs say of \
                 themselves, and tells of {packs} packs more"
            );
            work.log(Severity::Warning, &text);
        }
        // Folders that are damaged are found first, and what is in them after that.
        let mut mendings = 0..MENDINGS;
        let mut made_room = false;
        loop {
            match stored() {
                Err(EngineError::Repository(RepositoryError::Damaged { what, .. }))
                    if mendings.next().is_some() && repository.mend(work)? > 0 =>
                {
                    let text = format!(
                        "the repository is damaged: {what}. It counts as not stored from here on: the copy is begun \
                         again, and stores it anew"
                    );
                    work.log(Severity::Warning, &text);
                }
                Err(full @ EngineError::Repository(RepositoryError::NoRoom { .. })) if !made_room => {
                    made_room = true;
                    // That nothing can be freed either is not the news.
                    if !self.make_room(work, repository).unwrap_or(false) {
                        return Err(full);
                    }
                }
                stored => return stored,
            }
            work.phase(phases.0)?;
        }
    }
}

fn with_retries(work: &Work, phase: Phase, copy: &mut Try<'_>) -> Result<UnrecordedBackup, EngineError> {
    for attempt in 1..=ATTEMPTS {
        match copy(work) {
            Err(error) if error.is_worth_a_retry() && attempt < ATTEMPTS => {
                work.log(Severity::Warning, &format!("{error}: the copy is begun anew"));
                work.phase(phase)?;
            }
            result => return Ok(result?),
        }
    }
    Err(EngineError::Cancelled)
}
