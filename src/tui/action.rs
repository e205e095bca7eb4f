//! The one table of actions: what can be done, with which keys, where, and in which words.
//!
//! The key map, the footer, the `?` help, the `:` palette and read-only mode all read this table, so that none of them
//! can say something that is not so. Whether an action makes sense at this moment (a backup of UAT does not) is decided
//! in `update::allowed`; what it does, in `update::act`.

mod keymap;
mod names;

pub use self::keymap::{Keymap, KeysError};
use super::key::Key;

/// Something a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "each is described in the table below, in the words that the help shows"
)]
pub enum Action {
    Backup,
    Restore,
    Undo,
    Confirm,
    BreakLive,
    OpenBackups,
    Details,
    NextStep,
    Toggle,
    /// Take only the chosen instance or workspace.
    OnlyThis,
    /// Take all of its kind, or none.
    ToggleAll,
    AllOrReplaced,
    SafetyBackup,
    OtherRepository,
    Accept,
    Yes,
    YesForGood,
    No,
    Dismiss,
    OpenJob,
    OpenLog,
    CancelJob,
    Watch,
    Verify,
    VerifyAll,
    Drill,
    UpgradeBackup,
    Extend,
    /// Keep a backup on purpose, or let it go again.
    Pin,
    /// Agree to a restore that waits for another owner.
    Approve,
    /// Not agree to it.
    Reject,
    Delete,
    Maintenance,
    Protect,
    Copy,
    CopyCommand,
    CopyTyped,
    Explore,
    ExploreLive,
    OpenNode,
    UpTree,
    GoThere,
    History,
    Compare,
    Find,
    Mark,
    /// Mark the whole workspace that the chosen node is in.
    MarkWorkspace,
    Unmark,
    /// Write what is marked, or the chosen node, on this machine.
    Export,
    /// Stop writing it.
    StopExport,
    OlderSource,
    NewerSource,
    Fleet,
    SortFleet,
    GoToEnvironment,
    Filter,
    MarkEnvironment,
    MarkAll,
    Search,
    NextMatch,
    PreviousMatch,
    NextWarning,
    Wrap,
    Sort,
    SortBack,
    Save,
    Zoom,
    Wider,
    Narrower,
    Zone,
    Notifications,
    Activity,
    Jobs,
    About,
    Check,
    Recovery,
    Palette,
    Contexts,
    SwitchTo,
    Help,
    Back,
    NextPane,
    PreviousPane,
    Left,
    Right,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Refresh,
    Redraw,
    Suspend,
    Quit,
    QuitAnywhere,
    /// Leave the path of the tour, or come back to it.
    Tour,
    /// Go on along it.
    TourOn,
    /// Go back.
    TourBack,
}

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The list of environments.
    Environments,
    /// The table of backups.
    Backups,
    /// The restore wizard's choice of a backup.
    Choose,
    /// Its choice of instances and workspaces.
    Scope,
    /// Its plan.
    Plan,
    /// One job: progress and outcome.
    Job,
    /// All environments over all contexts.
    Fleet,
    /// The list of jobs.
    Jobs,
    /// A job's log.
    Log,
    /// The activity log and the notifications.
    List,
    /// Pages to read: help, details, the recovery table.
    Page,
    /// A question with yes or no.
    Question,
    /// A question about something that cannot be taken back.
    Grave,
    /// A message to be read.
    Notice,
    /// A field to type in.
    Typing,
    /// The contexts to choose from.
    Contexts,
    /// Inside a backup or Live: what is in a place.
    Tree,
    /// What a node is.
    Node,
    /// What happened to it.
    History,
    /// What was found.
    Found,
    /// How two sources differ.
    Differences,
    /// On the path of the tour.
    Tour,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What is done.
    pub action: Action,
    /// The keys that do it.
    pub keys: &'static [Key],
    /// Where they do it.
    pub places: &'static [Place],
    /// The word or two of the footer and the palette.
    pub label: &'static str,
    /// The sentence of the help.
    pub help: &'static str,
    /// Whether it changes something beyond this screen; refused in a read-only context.
    pub changes: bool,
    /// How far to the front it stands in the footer: 1 comes first, 0 never.
    pub footer: u8,
}

use Place::{
    Backups, Choose, Contexts, Differences, Environments, Fleet, Found, Grave, History, Job, Jobs, List, Log,
    Node, Notice, Page, Plan, Question, Scope, Tree, Typing,
};

const MAIN: &[Place] = &[Environments, Backups];
/// Not in the wizard: whoever begins to type the environment's name one step too early must not find themselves
/// elsewhere.
#[rustfmt::skip]
const ON_SCREENS: &[Place] = &[
    Environments, Backups, Job, Fleet, Jobs, Log, List, Page, Tree, Node, History, Found, Differences,
];
/// Where there are panes beside each other.
const ZOOMED: &[Place] = &[Environments, Backups, Tree, Node, History, Differences];
/// Where a node is chosen.
const NODES: &[Place] = &[Tree, Node, Found, Differences];
/// Where a text is searched for. Inside a backup, [`Action::Find`] asks the backend.
/// Not in the wizard: the name of an environment has a `/` in it.
const SEARCHED: &[Place] = &[Job, Jobs, Log, List, Page, Differences];
/// What can be written into a file.
#[rustfmt::skip]
const SAVED: &[Place] = &[
    Environments, Backups, Job, Fleet, Jobs, Log, List, Page, Tree, Node, History, Found, Differences,
];
/// Where something is meant that can be copied.
#[rustfmt::skip]
const COPIED: &[Place] = &[
    Environments, Backups, Choose, Scope, Plan, Job, Fleet, Jobs, Log, List, Page, Notice, Contexts, Tree, Node, History,
    Found, Differences,
];
/// Where a command does the same.
#[rustfmt::skip]
const COMMANDED: &[Place] = &[
    Environments, Backups, Choose, Scope, Plan, Job, Fleet, Jobs, Log, List, Page, Question, Grave, Contexts, Tree, Node,
    History, Found, Differences,
];
#[rustfmt::skip]
const HELPED: &[Place] = &[
    Environments, Backups, Choose, Scope, Plan, Job, Fleet, Jobs, Log, List, Page, Tree, Node, History, Found, Differences,
];
#[rustfmt::skip]
const EVERYWHERE: &[Place] = &[
    Environments, Backups, Choose, Scope, Plan, Job, Fleet, Jobs, Log, List, Page, Question, Grave, Notice, Typing, Contexts,
    Tree, Node, History, Found, Differences, Place::Tour,
];
#[rustfmt::skip]
const SCROLLED: &[Place] = &[
    Environments, Backups, Choose, Scope, Plan, Job, Fleet, Jobs, Log, List, Page, Notice, Contexts, Tree, Node, History,
    Found, Differences,
];
#[rustfmt::skip]
const AWAY: &[Place] = &[
    Choose, Scope, Plan, Job, Fleet, Jobs, Log, List, Page, Notice, Typing, Contexts, Tree, Node, History, Found, Differences,
];

/// A row for something that only looks.
const fn looks(
    action: Action,
    keys: &'static [Key],
    places: &'static [Place],
    footer: u8,
    label: &'static str,
    help: &'static str,
) -> Row {
    Row {
        action,
        keys,
        places,
        label,
        help,
        changes: false,
        footer,
    }
}

/// A row for something that changes something.
const fn changes(
    action: Action,
    keys: &'static [Key],
    places: &'static [Place],
    footer: u8,
    label: &'static str,
    help: &'static str,
) -> Row {
    Row {
        action,
        keys,
        places,
        label,
        help,
        changes: true,
        footer,
    }
}

/// The table. Its order is the order of the help and the palette.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    changes(Action::Backup, &[Key::Char('b')], MAIN, 1, "backup", "take a manual backup of the environment"),
    changes(Action::Restore, &[Key::Char('r')], &[Environments, Backups, Page, Tree, Node, Found, Differences], 2, "restore", "restore the chosen backup, or what is marked in it: choose, see the plan, confirm"),
    changes(Action::Undo, &[Key::Char('u')], &[Environments, Backups, Job], 3, "undo", "go back to what the last restore replaced"),
    changes(Action::Approve, &[Key::Char('A')], MAIN, 3, "approve", "agree to the restore that another owner has asked for, and start it"),
    changes(Action::Reject, &[Key::Char('O')], MAIN, 0, "reject", "end the wait of a restore for another owner: it is not done"),
    changes(Action::Confirm, &[Key::Char('C')], &[Environments, Backups, Job], 4, "confirm restore", "drop the tables that restores have replaced: the outcome is good"),
    changes(Action::BreakLive, &[Key::Char('B')], MAIN, 4, "break Live", "demo only: delete and change content of Live, so that a recovery can be shown"),
    looks(Action::OpenBackups, &[Key::Enter], &[Environments], 6, "backups", "go to the backups of the environment"),
    looks(Action::Details, &[Key::Enter], &[Backups], 6, "details", "everything known of the chosen backup"),
    looks(Action::NextStep, &[Key::Enter], &[Choose, Scope, Plan], 1, "next", "go on to the next step of the restore"),
    looks(Action::Toggle, &[Key::Char(' ')], &[Scope], 2, "on/off", "take an instance or a workspace into the restore, or leave it out"),
    looks(Action::OnlyThis, &[Key::Char('=')], &[Scope], 2, "only this", "take of the instances, or of the workspaces, only the chosen one into the restore"),
    looks(Action::ToggleAll, &[Key::Char('*')], &[Scope], 4, "all/none", "take all instances, or all workspaces, into the restore, or none of them: of what the chosen line is"),
    looks(Action::AllOrReplaced, &[Key::Char('+')], &[Scope], 3, "part/all", "of the safety backup of a restore of a part: take everything, or again only the part that the restore replaced"),
    looks(Action::SafetyBackup, &[Key::Char('!')], &[Plan], 4, "safety on/off", "leave the safety backup out of the restore after a question, or take it after all"),
    looks(Action::OtherRepository, &[Key::Tab], &[Choose, Scope, Plan], 3, "first or copy", "take the backup from its copy in the second repository, or from the first one after all"),
    looks(Action::Accept, &[Key::Enter], &[Typing], 1, "confirm", "do what the dialog says"),
    looks(Action::Yes, &[Key::Enter, Key::Char('y')], &[Question], 1, "yes", "answer a question with yes"),
    looks(Action::YesForGood, &[Key::Char('y')], &[Grave], 1, "yes", "answer a question about something that cannot be taken back with yes: Enter does not"),
    looks(Action::No, &[Key::Esc, Key::Char('n')], &[Question, Grave], 2, "no", "answer it with no"),
    looks(Action::Dismiss, &[Key::Enter], &[Notice], 1, "close", "close the message"),
    looks(Action::OpenJob, &[Key::Enter], &[Jobs, List], 1, "job", "watch the job of the chosen line"),
    looks(Action::OpenLog, &[Key::Char('L')], &[Job, Jobs, List], 4, "log", "the log of the job"),
    changes(Action::CancelJob, &[Key::Char('c')], &[Environments, Backups, Job, Jobs], 5, "cancel job", "ask the job that runs to stop at its next safe point"),
    looks(Action::Watch, &[Key::Char('o')], MAIN, 7, "job", "watch the job that runs on the environment, or the last one"),
    looks(Action::Explore, &[Key::Char('e')], &[Environments, Backups, Page], 10, "explore", "look inside the chosen backup: its pages, and what happened to them"),
    looks(Action::ExploreLive, &[Key::Char('E')], &[Environments, Backups, Page], 0, "explore Live", "look inside Live"),
    changes(Action::Verify, &[Key::Char('v')], &[Environments, Backups, Page], 9, "verify", "read the chosen backup back and compare it"),
    changes(Action::VerifyAll, &[Key::Char('V')], MAIN, 0, "verify all", "read all backups of the environment back and compare them"),
    changes(Action::Drill, &[Key::Char('D')], &[Environments, Backups, Page], 0, "drill", "prove that the chosen backup can be restored: into a scratch place, and compared there"),
    changes(Action::UpgradeBackup, &[Key::Char('U')], MAIN, 0, "upgrade backup", "take a backup before an upgrade of Magnolia; it is kept for 48 hours"),
    changes(Action::Extend, &[Key::Char('x')], &[Backups, Page], 8, "extend", "keep the chosen upgrade or safety backup for another 48 hours"),
    changes(Action::Pin, &[Key::Char('P')], &[Backups, Page], 0, "pin", "keep the chosen backup on purpose, for ever or until a day, or let it go again"),
    changes(Action::Delete, &[Key::Char('d')], &[Backups, Page], 8, "delete", "delete the chosen upgrade or safety backup before it expires"),
    changes(Action::Maintenance, &[Key::Char('m')], MAIN, 0, "maintenance", "set or lift maintenance mode: jobs wait"),
    changes(Action::Protect, &[Key::Char('p')], MAIN, 0, "protect", "set or lift protection: restores are refused"),
    looks(Action::Copy, &[Key::Char('y')], COPIED, 0, "copy", "copy what is meant on the spot to the terminal's clipboard: an id, a path, a row, a plan, an error, a log"),
    looks(Action::CopyCommand, &[Key::Char('Y')], COMMANDED, 0, "copy command", "copy the `lifeboat` command that does the same from a shell"),
    looks(Action::CopyTyped, &[Key::Ctrl('y')], &[Typing], 0, "copy command", "copy the `lifeboat` command that does what is typed here"),
    looks(Action::OpenNode, &[Key::Enter, Key::Char('l'), Key::Right], &[Tree], 1, "open", "go into the chosen folder or node, or look at one that nothing is in"),
    looks(Action::UpTree, &[Key::Char('h'), Key::Left, Key::Backspace], &[Tree], 3, "up", "go to what this place is in"),
    looks(Action::GoThere, &[Key::Enter], &[Node, History, Found, Differences], 1, "go there", "go to the node that the chosen line names, in the backup that it names"),
    looks(Action::Mark, &[Key::Char(' ')], NODES, 5, "mark", "mark the chosen node with all that is below it, or take the mark away"),
    looks(Action::MarkWorkspace, &[Key::Char('*')], NODES, 21, "whole workspace", "mark the whole workspace that the chosen node is in, or take the mark away"),
    looks(Action::Unmark, &[Key::Char('u')], NODES, 0, "unmark all", "take all marks of this backup away"),
    looks(Action::Export, &[Key::Char('x')], NODES, 7, "export", "write what is marked, or the chosen node, into files on this machine: asks as what, and where"),
    looks(Action::StopExport, &[Key::Char('c')], NODES, 4, "stop export", "stop the export that is being written: nothing is left of what is not whole"),
    looks(Action::History, &[Key::Char('H')], &[Tree, Node, Found, Differences], 6, "history", "what happened to the chosen node, over all backups and Live"),
    looks(Action::Compare, &[Key::Char('=')], &[Backups, Page, Plan, Tree, Node], 13, "compare", "how a backup differs from Live: all of it, or the place that is open"),
    looks(Action::Find, &[Key::Char('/')], &[Tree, Node, History, Found], 8, "find", "find a node by its name, path, id, or a text in it"),
    looks(Action::OlderSource, &[Key::Char('[')], &[Tree, Node, History], 9, "older", "look at the same place in the backup before"),
    looks(Action::NewerSource, &[Key::Char(']')], &[Tree, Node, History], 9, "newer", "look at the same place in the backup after it, or in Live"),
    looks(Action::MarkEnvironment, &[Key::Char(' ')], &[Environments], 0, "mark", "mark the environment, or take the mark away: backup, verify all, drill and maintenance are for all that are marked"),
    looks(Action::MarkAll, &[Key::Char('*')], &[Environments], 0, "mark all", "mark all environments that are listed and can be backed up, or take all marks away"),
    looks(Action::Search, &[Key::Char('/')], SEARCHED, 11, "search", "find a text in the list, the log or the page"),
    looks(Action::NextMatch, &[Key::Char('n')], SEARCHED, 0, "next", "while something is searched for: the next line that has it"),
    looks(Action::PreviousMatch, &[Key::Char('N')], SEARCHED, 0, "previous", "while something is searched for: the line before that has it"),
    looks(Action::NextWarning, &[Key::Char('!')], &[Log], 2, "next warning", "the next line of the log that is a warning or an error"),
    looks(Action::Wrap, &[Key::Char('f')], &[Log], 7, "wrap", "break long lines of the log, or cut them off"),
    looks(Action::Sort, &[Key::Char('s')], &[Jobs, List], 8, "sort", "sort the list by its next column"),
    looks(Action::SortBack, &[Key::Char('S')], &[Jobs, List], 0, "turn", "sort the list the other way round"),
    looks(Action::Zoom, &[Key::Char('z')], ZOOMED, 0, "zoom", "let the pane fill the screen, or show the others again"),
    looks(Action::Wider, &[Key::Char('+')], MAIN, 0, "wider", "make the list of environments wider"),
    looks(Action::Narrower, &[Key::Char('-')], MAIN, 0, "narrower", "make the list of environments narrower"),
    looks(Action::Zone, &[Key::Char('t')], ON_SCREENS, 0, "local or UTC", "show times in this machine's zone, or in UTC"),
    looks(Action::Fleet, &[Key::Char('F')], MAIN, 19, "fleet", "all environments of all contexts that are reached, the worst first"),
    looks(Action::GoToEnvironment, &[Key::Enter], &[Fleet], 1, "go there", "go to the chosen environment, in its context"),
    looks(Action::SortFleet, &[Key::Char('s')], &[Fleet], 2, "sort", "the worst first, the oldest newest backup first, or by name"),
    looks(Action::Save, &[Key::Char('W')], SAVED, 20, "save", "write the list, the log or the page into a file: text, or for lists CSV or JSON by the file's ending"),
    looks(Action::Filter, &[Key::Char('/')], &[Environments, Backups, Fleet], 11, "filter", "show only environments whose name, kind or state has some text"),
    looks(Action::Notifications, &[Key::Char('n')], ON_SCREENS, 12, "news", "how jobs ended and what needs attention; marks it as seen"),
    looks(Action::Activity, &[Key::Char('a')], ON_SCREENS, 15, "activity", "who did what, when, and how it ended"),
    looks(Action::Jobs, &[Key::Char('J')], ON_SCREENS, 16, "jobs", "the list of jobs"),
    looks(Action::About, &[Key::Char('i')], MAIN, 17, "about", "everything known of the environment: instances, versions, holds, problems"),
    looks(Action::Check, &[Key::Char('K')], ON_SCREENS, 0, "check", "look at what works and what does not: repository, databases, rights, room, hooks, health"),
    looks(Action::Recovery, &[Key::Char('w')], ON_SCREENS, 18, "where from", "what is recovered from where"),
    looks(Action::Palette, &[Key::Char(':')], ON_SCREENS, 14, "actions", "find an action by its name"),
    looks(Action::Contexts, &[Key::Char('X')], ON_SCREENS, 0, "context", "go over to another context of the configuration"),
    looks(Action::SwitchTo, &[Key::Enter], &[Contexts], 1, "go there", "work in the chosen context"),
    looks(Action::Help, &[Key::Char('?')], HELPED, 3, "help", "this page"),
    looks(Action::Back, &[Key::Esc], AWAY, 2, "back", "go back without doing anything; a job goes on"),
    looks(Action::NextPane, &[Key::Tab], &[Environments, Backups, Typing, Tree, Node, History, Differences], 5, "pane", "the other pane, the next field, or the next thing to look for by"),
    looks(Action::PreviousPane, &[Key::BackTab], &[Environments, Backups, Typing, Tree, Node, History, Differences], 0, "previous pane", "the other pane, the field before, or where else to look"),
    looks(Action::Left, &[Key::Char('h'), Key::Left], &[Environments, Backups, Node, History, Differences], 0, "left", "the pane to the left"),
    looks(Action::Right, &[Key::Char('l'), Key::Right], &[Environments, Backups, Node, Differences], 0, "right", "the pane to the right"),
    looks(Action::Up, &[Key::Char('k'), Key::Up], SCROLLED, 0, "up", "one line up"),
    looks(Action::Down, &[Key::Char('j'), Key::Down], SCROLLED, 0, "down", "one line down"),
    looks(Action::PageUp, &[Key::PageUp, Key::Ctrl('b')], SCROLLED, 0, "page up", "one page up"),
    looks(Action::PageDown, &[Key::PageDown, Key::Ctrl('f')], SCROLLED, 0, "page down", "one page down"),
    looks(Action::Top, &[Key::Char('g'), Key::Home], SCROLLED, 0, "top", "the first line"),
    looks(Action::Bottom, &[Key::Char('G'), Key::End], SCROLLED, 0, "bottom", "the last line"),
    looks(Action::Refresh, &[Key::Char('R')], ON_SCREENS, 0, "refresh", "ask the backend for everything again"),
    looks(Action::Redraw, &[Key::Ctrl('l')], EVERYWHERE, 0, "redraw", "draw the screen again, whole"),
    looks(Action::Suspend, &[Key::Ctrl('z')], EVERYWHERE, 0, "suspend", "stop the program and give the terminal back; `fg` brings it back"),
    looks(Action::Quit, &[Key::Char('q')], ON_SCREENS, 4, "quit", "end the cockpit; asks first when a job runs in it"),
    looks(Action::TourOn, &[Key::Char(' '), Key::PageDown], &[Place::Tour], 0, "go on", "do what the step of the tour tells of, or go on to the next"),
    looks(Action::TourBack, &[Key::Backspace, Key::PageUp], &[Place::Tour], 0, "go back", "go back to the step before: what was done stays done"),
    looks(Action::Tour, &[Key::Ctrl('t')], EVERYWHERE, 0, "leave the path", "leave the path of the tour, for the cockpit to be yours; once more: back to the tour, from wherever one is"),
    looks(Action::QuitAnywhere, &[Key::Ctrl('c')], EVERYWHERE, 0, "quit", "end the cockpit from anywhere"),
];

impl Action {
    /// The action's row.
    #[must_use]
    pub fn row(self) -> &'static Row {
        // Every action has a row, as a test makes sure; the first row stands in so that this cannot fail.
        TABLE.iter().find(|row| row.action == self).unwrap_or(&TABLE[0])
    }

    /// Whether it only moves about: in a list, in a text, between panes and fields.
    #[must_use]
    pub fn moves(self) -> bool {
        matches!(
            self,
            Self::Up
                | Self::Down
                | Self::PageUp
                | Self::PageDown
                | Self::Top
                | Self::Bottom
                | Self::Left
                | Self::Right
                | Self::NextPane
                | Self::PreviousPane
        )
    }

    /// Whether it goes on with a search: its keys stand for that only while something is searched for.
    #[must_use]
    pub fn goes_on(self) -> bool {
        matches!(self, Self::NextMatch | Self::PreviousMatch)
    }

    /// Whether it is about the tour: without one there is nothing to do.
    #[must_use]
    pub fn is_of_tour(self) -> bool {
        matches!(self, Self::Tour | Self::TourOn | Self::TourBack)
    }

    /// Whether it only copies: it leads nowhere, and changes nothing.
    #[must_use]
    pub fn only_copies(self) -> bool {
        matches!(self, Self::Copy | Self::CopyCommand | Self::CopyTyped)
    }

    /// What a key stands for at a place, as the table has it and while nothing is searched for.
    #[must_use]
    pub fn of(key: Key, place: Place) -> Option<Self> {
        let mut rows = TABLE.iter().filter(|row| !row.action.goes_on());
        let found = rows.find(|row| row.places.contains(&place) && row.keys.contains(&key));
        found.map(|row| row.action)
    }
}

impl Row {
    /// The keys as the help writes them.
    #[must_use]
    pub fn keys_label(&self) -> String {
        let labels: Vec<_> = self.keys.iter().map(|key| key.label()).collect();
        labels.join(" ")
    }
}

#[cfg(test)]
mod tests;
