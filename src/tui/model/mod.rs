//! What the cockpit shows: the one state that `update` changes and `view` reads.
//!
//! Not in here: how it changes (`update`) and how it looks (`view`).

pub mod answering;
pub mod backups;
mod chosen;
pub mod cursor;
pub mod explore;
pub mod fleet;
pub mod listing;
pub mod looks;
pub mod overview;
mod room;
pub mod screens;
pub mod seek;
pub mod selection;
pub mod wizard;

use std::collections::{BTreeMap, BTreeSet};

use ratatui::layout::Size;

use self::answering::Answering;
use self::backups::BackupRow;
use self::cursor::Cursor;
use self::explore::Column;
use self::explore::asking::Asking;
use self::explore::marks::Marks;
use self::fleet::Fleet;
use self::listing::Reach;
use self::looks::{ListKind, Looks};
pub use self::room::SMALLEST;
use self::screens::{Dialog, Form, FormKind, Notice, Page, Screen};
use self::seek::Seek;
use self::selection::BackupChoice;
use self::wizard::Step;
use super::action::{Action, Place};
use super::effects::{Effect, Fetch};
use super::settings::CockpitSettings;
use super::tour::Tour;
use crate::backend::BackendInfo;
use crate::domain::Instant;
use crate::domain::activity::{Activity, Notification, Severity};
use crate::domain::backup::Backup;
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::NodePath;
use crate::domain::job::{Job, JobId};
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary};

/// Details that are kept of environments that are not looked at.
const DETAILS_KEPT: usize = 50;
/// The pane of the main screen that keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The list of environments.
    Environments,
    /// The table of backups.
    Backups,
}

/// From then on somebody wonders why nothing has answered yet.
pub const OPENING: chrono::Duration = chrono::Duration::seconds(3);

/// How the backend is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// Nothing has been heard yet.
    Connecting,
    /// It answers that it cannot work, and has never done otherwise.
    Failing {
        /// Why, as a sentence.
        why: String,
    },
    /// It answers, and tells of changes as they happen.
    Connected,
    /// It does not answer, and tries by itself until it does.
    Lost {
        /// Why, as a sentence.
        why: String,
        /// How many attempts have failed in a row.
        attempt: u32,
        /// When it is tried again; `None` while an attempt is being made.
        next_try: Option<Instant>,
    },
}

/// A message on the line above the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How serious.
    pub severity: Severity,
    /// The sentence.
    pub text: String,
    /// The job that it is about.
    pub job: Option<JobId>,
}

/// The whole state.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about what is shown"
)]
#[derive(Debug)]
pub struct Model {
    /// What the cockpit was started with.
    pub settings: CockpitSettings,
    /// The time, as of the last message.
    pub now: Instant,
    /// The terminal's size.
    pub terminal: Size,
    /// What of it the cockpit has: all of it, or what the tour leaves.
    pub size: Size,
    /// What the backend is, once it has said.
    pub info: Option<BackendInfo>,
    /// Whether it is reached.
    pub connection: Connection,
    /// When the cockpit began to ask.
    pub opened: Instant,
    /// When it last answered or told something; while the link is down, when it went down.
    pub data_from: Option<Instant>,
    /// When a person last did something.
    pub last_input: Instant,
    /// How often each action was done, for the palette.
    pub used: BTreeMap<Action, u32>,
    /// Whether everything is hidden until a key is pressed.
    pub locked: bool,
    /// The environments.
    pub fleet: Fleet,
    /// Why the environments could not be listed.
    pub fleet_problem: Option<String>,
    /// What is known in full.
    pub details: BTreeMap<EnvironmentName, EnvironmentDetails>,
    /// Why an environment could not be read.
    pub details_problems: BTreeMap<EnvironmentName, String>,
    /// What was last found to work in an environment and what not, or why it could not be looked at.
    pub checks: BTreeMap<EnvironmentName, Result<crate::domain::check::Report, String>>,
    /// The environment that the right side shows. Follows the selection once it rests.
    pub shown: Option<EnvironmentName>,
    /// Counts moves of the selection: only the last one's rest counts.
    pub moves: u64,
    /// The selected row of the backup table.
    pub backup_cursor: Cursor,
    /// Whether the backups between the daily ones are shown one by one.
    pub recents_open: bool,
    /// Whose choice that row is.
    pub backup_choice: BackupChoice,
    /// The pane that keys go to.
    pub pane: Pane,
    /// Whether the filter is being typed.
    pub filtering: Option<tui_input::Input>,
    /// Jobs that have been heard of.
    pub jobs: BTreeMap<JobId, Job>,
    /// Whether the list of jobs has been read.
    pub jobs_loaded: bool,
    /// The activity log, newest first, once read.
    pub activity: Option<Vec<Activity>>,
    /// Notifications, newest first, once read.
    pub notifications: Option<Vec<Notification>>,
    /// The screens that lie over the main screen, the last one on top.
    pub screens: Vec<Screen>,
    /// The dialog that lies over everything.
    pub dialog: Option<Dialog>,
    /// What waits for an answer, and whether one can be given yet.
    pub answering: Answering,
    /// Messages that came while something was typed or asked: they are shown once that is done.
    pub waiting: Vec<Notice>,
    /// Whether an export goes on.
    pub exports: bool,
    /// The form that was sent last, until it is known whether it was taken.
    pub sent: Option<Form>,
    /// What was typed into forms that were closed or refused, for when they are opened again.
    pub drafts: Vec<(FormKind, Vec<String>)>,
    /// What was last said.
    pub line: Option<Line>,
    /// Questions to the backend that have not been answered; `true` if the answer is out of date already.
    pub asked: BTreeMap<Fetch, bool>,
    /// Counts restore plans, so that the answer to an earlier question is recognised.
    pub plans: u64,
    /// Questions about what is inside backups that are on their way.
    pub asking: Asking,
    /// What is marked inside backups.
    pub marks: Marks,
    /// How somebody likes to look.
    pub looks: Looks,
    /// How much of each list has been asked for.
    pub reach: BTreeMap<ListKind, Reach>,
    /// A text that is searched for on a screen.
    pub seek: Option<Seek>,
    /// Whether the terminal has said that it has lost the focus.
    pub is_away: bool,
    /// Jobs that were begun here and have not ended yet.
    pub begun_here: BTreeSet<JobId>,
    /// Whether the configuration has something new that is used once the context is opened anew.
    pub waits_for_opening: bool,
    /// Why the configuration cannot be used as its file is now; `None` while it can.
    pub wrong_configuration: Option<String>,
    /// What was asked for before the environment was here: it is done once it is, unless another key is pressed.
    pub wish: Option<Action>,
    /// Where one was when one last looked inside, so that one comes back there.
    pub visited: Option<(EnvironmentName, NodePath)>,
    /// The tour, where one is given.
    pub tour: Option<Tour>,
}

impl Model {
    /// The state before anything is known.
    #[must_use]
    pub fn new(settings: CockpitSettings, size: Size) -> Self {
        let now = (settings.clock)();
        let dialog = settings.notice.clone().map(|text| {
            Dialog::Notice(screens::Notice {
                severity: Severity::Warning,
                title: "the context stays as it is".to_owned(),
                text,
                scroll: 0,
            })
        });
        let tour = Tour::of(&settings.showing);
        let mut model = Self {
            settings,
            now,
            terminal: size,
            size,
            info: None,
            connection: Connection::Connecting,
            opened: now,
            data_from: None,
            last_input: now,
            used: BTreeMap::new(),
            locked: false,
            fleet: Fleet::default(),
            fleet_problem: None,
            details: BTreeMap::new(),
            details_problems: BTreeMap::new(),
            checks: BTreeMap::new(),
            shown: None,
            moves: 0,
            backup_cursor: Cursor::default(),
            recents_open: false,
            backup_choice: BackupChoice::default(),
            pane: Pane::Backups,
            filtering: None,
            jobs: BTreeMap::new(),
            jobs_loaded: false,
            activity: None,
            notifications: None,
            screens: Vec::new(),
            dialog,
            answering: Answering::default(),
            waiting: Vec::new(),
            exports: false,
            sent: None,
            drafts: Vec::new(),
            line: None,
            asked: BTreeMap::new(),
            plans: 0,
            asking: Asking::default(),
            marks: Marks::default(),
            looks: Looks::default(),
            reach: BTreeMap::new(),
            seek: None,
            is_away: false,
            begun_here: BTreeSet::new(),
            waits_for_opening: false,
            wrong_configuration: None,
            wish: None,
            visited: None,
            tour,
        };
        model.fit();
        model
    }

    /// Where keys go.
    #[must_use]
    pub fn place(&self) -> Place {
        match &self.dialog {
            Some(Dialog::Form(_) | Dialog::Palette(_)) => Place::Typing,
            Some(Dialog::Contexts(_)) => Place::Contexts,
            Some(Dialog::Question(question)) if question.is_grave() => Place::Grave,
            Some(Dialog::Question(_)) => Place::Question,
            Some(Dialog::Notice(_)) => Place::Notice,
            None => self.place_below(),
        }
    }

    /// Where keys would go if there were no dialog.
    #[must_use]
    pub fn place_below(&self) -> Place {
        if self
            .seek
            .as_ref()
            .is_some_and(|seek| seek.input.is_some() && seek.depth == self.screens.len())
        {
            return Place::Typing;
        }
        self.place_of(self.screens.last())
    }

    /// Where keys went on the screen behind the pages that are open.
    #[must_use]
    pub fn place_behind_pages(&self) -> Place {
        let mut behind = self.screens.iter().rev();
        self.place_of(behind.find(|screen| !matches!(screen, Screen::Page { .. })))
    }

    fn place_of(&self, screen: Option<&Screen>) -> Place {
        match screen {
            Some(Screen::Wizard(wizard)) => match wizard.step {
                Step::Choose => Place::Choose,
                Step::Scope => Place::Scope,
                Step::Plan => Place::Plan,
                Step::Name => Place::Typing,
            },
            Some(Screen::Job { .. }) => Place::Job,
            Some(Screen::Fleet(_)) if self.filtering.is_none() => Place::Fleet,
            Some(Screen::Jobs(_)) => Place::Jobs,
            Some(Screen::Log(_)) => Place::Log,
            Some(Screen::Activity(_) | Screen::Notifications(_)) => Place::List,
            Some(Screen::Explorer(explorer)) => match explorer.column {
                Column::Tree => Place::Tree,
                Column::Node => Place::Node,
                Column::History => Place::History,
            },
            Some(Screen::Search(search)) if search.is_typed => Place::Typing,
            Some(Screen::Search(_)) => Place::Found,
            Some(Screen::Differences(_)) => Place::Differences,
            Some(Screen::Page { .. }) => Place::Page,
            Some(Screen::Fleet(_)) => Place::Typing,
            None if self.filtering.is_some() => Place::Typing,
            None => match self.pane {
                Pane::Environments => Place::Environments,
                Pane::Backups => Place::Backups,
            },
        }
    }

    /// Whether this is the demo.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.settings.demo || self.info.as_ref().is_some_and(|info| info.demo)
    }

    /// Whether the link to the backend is down.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.connection, Connection::Lost { .. })
    }

    /// What stands where something is not known yet.
    #[must_use]
    pub fn still_to_come(&self) -> &'static str {
        match self.connection {
            Connection::Lost { .. } => "not known: the link is down",
            Connection::Failing { .. } => "not known: R asks again",
            Connection::Connecting | Connection::Connected => "loading",
        }
    }

    /// Whether jobs run in this process and end with it.
    #[must_use]
    pub fn runs_jobs_itself(&self) -> bool {
        self.info.as_ref().is_none_or(|info| info.kind == "embedded")
    }

    /// Jobs that have not ended, oldest first.
    pub fn unfinished_jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().filter(|job| !job.state.has_ended())
    }

    /// The job that runs or waits on an environment.
    #[must_use]
    pub fn job_of(&self, environment: &EnvironmentName) -> Option<&Job> {
        self.unfinished_jobs().find(|job| job.environment == *environment)
    }

    /// The name of the environment that actions on this screen are about.
    #[must_use]
    pub fn target_name(&self) -> Option<&EnvironmentName> {
        match self.screens.last() {
            Some(Screen::Wizard(wizard)) => Some(&wizard.environment),
            Some(Screen::Job { id, .. }) => self.jobs.get(id).map(|job| &job.environment),
            Some(Screen::Page {
                page: Page::Backup(name, _) | Page::About(name) | Page::Check(name),
                ..
            }) => Some(name),
            Some(Screen::Jobs(cursor)) => self.job_in_list(cursor).map(|job| &job.environment),
            Some(Screen::Explorer(explorer)) => Some(&explorer.environment),
            Some(Screen::Search(search)) => Some(&search.environment),
            Some(Screen::Differences(differences)) => Some(&differences.environment),
            _ => self.fleet.selected().map(|summary| &summary.name),
        }
    }

    /// The environment that actions on this screen are about.
    #[must_use]
    pub fn target(&self) -> Option<&EnvironmentSummary> {
        self.target_name().and_then(|name| self.fleet.get(name))
    }

    /// All that is known of it.
    #[must_use]
    pub fn target_details(&self) -> Option<&EnvironmentDetails> {
        self.target_name().and_then(|name| self.details.get(name))
    }

    /// Keeps no more details than somebody goes back and forth between: of ten thousand environments each may have
    /// told something.
    pub fn forget_details_of_others(&mut self, name: &EnvironmentName) {
        if self.details.len() <= DETAILS_KEPT {
            return;
        }
        let selected = self.fleet.selected().map(|summary| &summary.name);
        let (shown, screens) = (self.shown.as_ref(), &self.screens);
        let is_about = |screen: &Screen, known: &EnvironmentName| match screen {
            Screen::Wizard(wizard) => wizard.environment == *known,
            Screen::Page {
                page: Page::Backup(name, _) | Page::About(name) | Page::Check(name),
                ..
            } => name == known,
            Screen::Explorer(explorer) => explorer.environment == *known,
            _ => false,
        };
        self.details.retain(|known, _| {
            known == name
                || Some(known) == shown
                || Some(known) == selected
                || screens.iter().any(|screen| is_about(screen, known))
        });
    }

    /// What the right side of the main screen shows.
    #[must_use]
    pub fn shown_details(&self) -> Option<&EnvironmentDetails> {
        self.shown.as_ref().and_then(|name| self.details.get(name))
    }

    /// The environment whose backups are in the table: the wizard's, or the one on the right side.
    #[must_use]
    pub fn table_details(&self) -> Option<&EnvironmentDetails> {
        match self.screens.last() {
            Some(Screen::Wizard(wizard)) => self.details.get(&wizard.environment),
            _ => self.shown_details(),
        }
    }

    /// The rows of the backup table.
    #[must_use]
    pub fn backup_rows(&self) -> Vec<BackupRow> {
        let rows = |details| backups::rows(details, self.recents());
        self.table_details().map(rows).unwrap_or_default()
    }

    /// The backup that actions on this screen are about. None while the right side still shows another environment
    /// than the selected one: an action must never hit what its user does not see.
    #[must_use]
    pub fn chosen_backup(&self) -> Option<&Backup> {
        match self.screens.last() {
            Some(Screen::Page {
                page: Page::Backup(name, id),
                ..
            }) => self
                .details
                .get(name)?
                .all_backups()
                .find(|backup| backup.answers_to(id)),
            None if self.shown.as_ref() == self.target_name() => {
                let details = self.shown_details()?;
                let row = *backups::rows(details, self.recents()).get(self.backup_cursor.selected)?;
                row.of(details)
            }
            _ => None,
        }
    }

    /// Asks for something, unless it has been asked for and the answer is still to come: then it is asked for again
    /// after that.
    ///
    /// Nothing is asked while the link is down: once it is up again, everything is.
    pub fn fetch(&mut self, fetch: Fetch) -> Option<Effect> {
        if self.is_lost() {
            return None;
        }
        if let Some(again) = self.asked.get_mut(&fetch) {
            *again = true;
            return None;
        }
        self.asked.insert(fetch.clone(), false);
        Some(Effect::Fetch(fetch))
    }

    /// Takes note that something asked for was answered; asks again if the answer was out of date when it came.
    pub fn answered(&mut self, fetch: &Fetch) -> Option<Effect> {
        match self.asked.remove(fetch) {
            Some(true) => self.fetch(fetch.clone()),
            _ => None,
        }
    }
}
