//! What is selected, by what it is: when lists change, the selection stays on the thing and not on the number of its row.

use super::Model;
use super::backups::{BackupRow, RowKind};
use super::cursor::Cursor;
use super::screens::Screen;
use super::wizard::Step;
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;

/// What was selected before something changed.
#[derive(Debug, Default)]
pub struct Selection {
    /// In the table of backups: of which environment, and which row.
    backup: Option<(EnvironmentName, Row)>,
    /// On the screen on top.
    listed: Option<Listed>,
}

/// A row of a table of backups: what it stands for, and its backup.
pub type Row = (RowKind, Option<BackupId>);

/// A thing in a list, and how many screens lie under that list.
#[derive(Debug)]
struct Listed(usize, Thing);

#[derive(Debug)]
enum Thing {
    Job(JobId),
    Activity(u64),
    News(u64),
    Backup(Row),
}

impl Selection {
    /// What is selected now.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let listed = model
            .screens
            .last()
            .and_then(|screen| match screen {
                Screen::Jobs(cursor) => model.job_in_list(cursor).map(|job| Thing::Job(job.id)),
                Screen::Activity(cursor) => {
                    let entry = *model.listed_activity().get(cursor.selected)?;
                    Some(Thing::Activity(entry.number))
                }
                Screen::Notifications(list) => {
                    let news = *model.listed_news().get(list.cursor.selected)?;
                    Some(Thing::News(news.number))
                }
                Screen::Wizard(wizard) if wizard.step == Step::Choose => {
                    let selected = || row_of(model, &wizard.environment, wizard.choice.selected);
                    wizard.unlisted.clone().or_else(selected).map(Thing::Backup)
                }
                _ => None,
            })
            .map(|thing| Listed(model.screens.len(), thing));
        let shown = model.shown.clone();
        Self {
            backup: shown.and_then(|name| {
                let row = match &model.backup_choice {
                    BackupChoice::Unlisted(row) => row.clone(),
                    _ => row_of(model, &name, model.backup_cursor.selected)?,
                };
                Some((name, row))
            }),
            listed,
        }
    }

    /// Selects the same things again, as far as they are still there.
    pub fn keep(self, model: &mut Model) {
        if let Some((name, row)) = self.backup
            && model.shown.as_ref() == Some(&name)
        {
            let is_somebodys = matches!(
                model.backup_choice,
                BackupChoice::Somebodys | BackupChoice::Unlisted(_)
            );
            let position = find(model, &name, &row);
            model.backup_cursor.selected = position.unwrap_or(model.backup_cursor.selected);
            if is_somebodys {
                model.backup_choice = match position {
                    None if is_unlisted(model, &name, &row) => BackupChoice::Unlisted(row),
                    None if is_gone(model, &name, &row) => BackupChoice::Meant,
                    _ => BackupChoice::Somebodys,
                };
            }
        }
        let Some(Listed(screens, thing)) = self.listed.filter(|listed| listed.0 == model.screens.len())
        else {
            return;
        };
        let position = match &thing {
            Thing::Job(id) => place(&model.listed_jobs(), |job| job.id == *id),
            Thing::Activity(number) => place(&model.listed_activity(), |entry| entry.number == *number),
            Thing::News(number) => place(&model.listed_news(), |news| news.number == *number),
            Thing::Backup(row) => match model.screens.last() {
                Some(Screen::Wizard(wizard)) => {
                    let name = &wizard.environment;
                    find(model, name, row)
                        .or_else(|| first(model, name).filter(|_| is_gone(model, name, row)))
                }
                _ => None,
            },
        };
        let unlisted = match (&thing, model.screens.last()) {
            (Thing::Backup(row), Some(Screen::Wizard(wizard))) if position.is_none() => {
                Some(row.clone()).filter(|row| is_unlisted(model, &wizard.environment, row))
            }
            _ => None,
        };
        let mut screen = model.screens.get_mut(screens - 1);
        if let Some(Screen::Wizard(wizard)) = &mut screen {
            wizard.unlisted = unlisted;
        }
        if let (Some(position), Some(cursor)) =
            (position, screen.and_then(|screen| cursor_for(screen, &thing)))
        {
            cursor.selected = position;
        }
    }
}

/// Whose choice the selected row of the table of backups is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BackupChoice {
    /// Nobody's: it is the row of the backup that Live is brought back to, whichever that becomes.
    #[default]
    Meant,
    /// A backup was begun here: once it is there, the selection goes to it.
    Begun(JobId),
    /// Somebody's.
    Somebodys,
    /// Somebody's, and the backups cannot be listed now: once they are, the selection goes back to this row.
    Unlisted(Row),
}

/// Lets the selection go to the backup that was begun here, once it is there: whoever has just made one means that one. Not
/// where somebody has moved the selection meanwhile.
pub fn go_to_begun(model: &mut Model) {
    let BackupChoice::Begun(id) = model.backup_choice else {
        return;
    };
    let Some(job) = model.jobs.get(&id).filter(|job| job.state.has_ended()) else {
        return;
    };
    let made = job.outcome.as_ref().and_then(|outcome| outcome.backup.clone());
    let name = job.environment.clone();
    let Some(made) = made.filter(|_| model.shown.as_ref() == Some(&name)) else {
        model.backup_choice = BackupChoice::Somebodys;
        return;
    };
    let rows = rows_of(model, &name);
    if let Some(position) = rows.iter().position(|(_, row)| row.1.as_ref() == Some(&made)) {
        model.backup_cursor.selected = position;
        model.backup_choice = BackupChoice::Somebodys;
    }
}

/// Where nobody has selected another one, the row of the backup that Live is brought back to is selected: what the screen says
/// first, and what a restore begins with, is the same backup.
pub fn follow_the_answer(model: &mut Model) {
    // In the wizard the table has other rows, and a choice of its own.
    if model.backup_choice != BackupChoice::Meant || matches!(model.screens.last(), Some(Screen::Wizard(_))) {
        return;
    }
    let rows = model.backup_rows();
    if let Some(details) = model.shown_details() {
        model.backup_cursor.selected = super::backups::first_row(details, &rows);
    }
}

/// The cursor of a screen that lists such things.
fn cursor_for<'a>(screen: &'a mut Screen, thing: &Thing) -> Option<&'a mut Cursor> {
    match (screen, thing) {
        (Screen::Jobs(cursor), Thing::Job(_)) | (Screen::Activity(cursor), Thing::Activity(_)) => {
            Some(cursor)
        }
        (Screen::Notifications(list), Thing::News(_)) => Some(&mut list.cursor),
        (Screen::Wizard(wizard), Thing::Backup(_)) if wizard.step == Step::Choose => Some(&mut wizard.choice),
        _ => None,
    }
}

fn place<T>(list: &[&T], is_it: impl Fn(&T) -> bool) -> Option<usize> {
    list.iter().position(|one| is_it(one))
}

fn rows_of(model: &Model, name: &EnvironmentName) -> Vec<(BackupRow, Row)> {
    let Some(details) = model.details.get(name) else {
        return Vec::new();
    };
    super::backups::rows(details, model.recents())
        .into_iter()
        .map(|row| {
            let backup = row.of(details).map(|backup| backup.id.clone());
            (row, (row.kind, backup))
        })
        .collect()
}

fn row_of(model: &Model, name: &EnvironmentName, number: usize) -> Option<Row> {
    rows_of(model, name).into_iter().nth(number).map(|(_, row)| row)
}

/// Where a row is now: the same backup for the same slot, else the same backup, else the same slot where it was empty.
fn find(model: &Model, name: &EnvironmentName, wanted: &Row) -> Option<usize> {
    let rows = rows_of(model, name);
    let at = |is_it: &dyn Fn(&Row) -> bool| rows.iter().position(|(_, row)| is_it(row));
    at(&|row| row == wanted).or_else(|| match &wanted.1 {
        Some(_) => at(&|row| row.1 == wanted.1),
        None => at(&|row| row.0 == wanted.0),
    })
}

/// Whether the backup of a row is not there any more. Whoever had chosen it has chosen none of its neighbours, so that the selection
/// goes back to the one that is meant where nobody chooses.
fn is_gone(model: &Model, name: &EnvironmentName, row: &Row) -> bool {
    is_missing(model, name, row) && !is_unlisted(model, name, row)
}

/// Whether the backup of a row is not seen only because none is: a repository that cannot be read for a moment has an empty list, by
/// which nothing is known to be gone.
fn is_unlisted(model: &Model, name: &EnvironmentName, row: &Row) -> bool {
    let details = model.details.get(name);
    is_missing(model, name, row) && details.is_some_and(|details| details.backups.is_empty())
}

/// Whether the list has no backup that a row had.
fn is_missing(model: &Model, name: &EnvironmentName, row: &Row) -> bool {
    let (Some(id), Some(details)) = (&row.1, model.details.get(name)) else {
        return false;
    };
    !details.all_backups().any(|backup| backup.answers_to(id))
}

/// The row that a table begins with.
fn first(model: &Model, name: &EnvironmentName) -> Option<usize> {
    let details = model.details.get(name)?;
    let rows = super::backups::rows(details, model.recents());
    Some(super::backups::first_row(details, &rows))
}
