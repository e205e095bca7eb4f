//! The restore wizard: choose a backup, choose which part of it, see the plan, type the name. Undo is the same way
//! from the plan on.

use tui_input::Input;

use super::cursor::Cursor;
use super::selection::Row;
use crate::domain::backup::{Backup, BackupId, Manifest};
use crate::domain::environment::{EnvironmentName, InstanceName, WorkspaceKind};
use crate::domain::explore::NodePath;
use crate::domain::plan::{RestorePlan, Selection, Stopping};
use crate::domain::request::RestoreRequest;
use crate::domain::settings::RepositoryChoice;
use crate::domain::state::ReplacedTables;
use crate::domain::undoing::UndoOf;

/// The wizard's state.
#[derive(Debug, Clone)]
pub struct Wizard {
    /// The environment that would be restored.
    pub environment: EnvironmentName,
    /// Restore or undo.
    pub purpose: Purpose,
    /// Where the wizard stands.
    pub step: Step,
    /// The selected row of the backup table.
    pub choice: Cursor,
    /// The row that was selected before the backups could not be listed: the selection goes back to it once they are.
    pub unlisted: Option<Row>,
    /// The chosen backup.
    pub backup: Option<BackupId>,
    /// What can be taken or left out.
    pub scope: Vec<ScopeItem>,
    /// The selected line of it.
    pub scope_cursor: Cursor,
    /// What the restore replaced that the chosen backup was taken for, where that was a part: it is marked to begin with.
    pub replaced: Option<Replaced>,
    /// What comes back, where that is settled before the wizard begins: nodes that were marked, and what an undo takes back.
    pub settled: Option<Selection>,
    /// The plan.
    pub plan: PlanState,
    /// What was written since the restore that is taken back, where a plan does not say it. `None` as long as it is not known.
    pub written: Option<Vec<String>>,
    /// Which restore an undo takes back and what it puts back, as sentences.
    pub puts_back: Vec<String>,
    /// Which restore or undo that is. `None` where the service is older and does not say it.
    pub undo_of: Option<UndoOf>,
    /// Who stops Magnolia before an undo and starts it afterwards.
    pub stopping: Stopping,
    /// The first line of the plan shown.
    pub scroll: usize,
    /// The name, as far as it has been typed.
    pub typed: Input,
    /// What stands in the way of the next step.
    pub problem: Option<String>,
    /// Whether the safety backup is left out, by choice.
    pub without_safety: bool,
    /// Whether everything is put back also where nothing would change, by choice.
    pub even_if_unchanged: bool,
    /// The backup that is taken from the second repository, by choice. Any other one comes from the first.
    pub from_copy: Option<BackupId>,
    /// Whether the restore has been asked for and the answer is still to come.
    pub starting: bool,
}

/// What the wizard is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Restoring a backup.
    Restore,
    /// Going back to what the last restore replaced.
    Undo,
}

impl Purpose {
    /// The steps, in order.
    #[must_use]
    pub fn steps(self) -> &'static [Step] {
        match self {
            Self::Restore => &[Step::Choose, Step::Scope, Step::Plan, Step::Name],
            Self::Undo => &[Step::Plan, Step::Name],
        }
    }
}

/// A step of the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Which backup.
    Choose,
    /// Which part of it.
    Scope,
    /// What it would do.
    Plan,
    /// Typing the environment's name.
    Name,
}

impl Step {
    /// The words for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Choose => "choose a backup",
            Self::Scope => "all or a part",
            Self::Plan => "see the plan",
            Self::Name => "type the name",
        }
    }
}

/// A plan on its way.
#[derive(Debug, Clone)]
pub enum PlanState {
    /// Not asked for.
    None,
    /// Asked for, as question number so-and-so.
    Loading(u64),
    /// Here.
    Ready(Box<RestorePlan>),
    /// Not to be had, with the sentence that says why.
    Failed(String),
    /// Nothing to work out: undo is an exchange with these tables.
    Exchange(Vec<ReplacedTables>),
}

/// What the restore replaced that a safety backup was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// As it was noted.
    pub part: Selection,
    /// What of the backup is marked for that.
    scope: Vec<ScopeItem>,
    /// Whether those marks mean it: everything has the same ones where the backup holds no more.
    is_meant: bool,
}

/// What can be taken or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeItem {
    /// Which.
    pub what: ScopeWhat,
    /// Whether it is taken.
    pub taken: bool,
}

/// An instance, a workspace or a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeWhat {
    /// An instance.
    Instance(InstanceName),
    /// A workspace, in every instance that has it.
    Workspace(String),
    /// A node with all that is below it, in every chosen instance: only where a restore replaced such alone.
    Path(NodePath),
}

impl ScopeWhat {
    /// Whether it is an instance.
    #[must_use]
    pub fn is_instance(&self) -> bool {
        matches!(self, Self::Instance(_))
    }

    /// Whether it is a path.
    #[must_use]
    pub fn is_path(&self) -> bool {
        matches!(self, Self::Path(_))
    }

    /// Whether a selection takes it.
    fn is_in(&self, selection: &Selection) -> bool {
        match self {
            Self::Instance(name) => selection.has_instance(name),
            Self::Workspace(name) => selection.has_workspace(name),
            Self::Path(path) => selection.paths.contains(path),
        }
    }
}

impl Wizard {
    /// A wizard at its first step.
    #[must_use]
    pub fn new(environment: EnvironmentName, purpose: Purpose) -> Self {
        Self {
            environment,
            purpose,
            step: match purpose {
                Purpose::Restore => Step::Choose,
                Purpose::Undo => Step::Plan,
            },
            choice: Cursor::default(),
            unlisted: None,
            backup: None,
            scope: Vec::new(),
            scope_cursor: Cursor::default(),
            replaced: None,
            settled: None,
            plan: PlanState::None,
            written: None,
            puts_back: Vec::new(),
            undo_of: None,
            stopping: Stopping::default(),
            scroll: 0,
            typed: Input::default(),
            problem: None,
            without_safety: false,
            even_if_unchanged: false,
            from_copy: None,
            starting: false,
        }
    }

    /// What an undo takes back, as the last one of its kind.
    #[must_use]
    pub fn taken_back(&self) -> String {
        self.undo_of.clone().unwrap_or_default().last()
    }

    /// The steps, in order. Where it is settled what comes back, that is not chosen.
    #[must_use]
    pub fn steps(&self) -> &'static [Step] {
        match self.settled {
            Some(_) => &[Step::Plan, Step::Name],
            None => self.purpose.steps(),
        }
    }

    /// Takes a backup, with everything in it. Gives whether it was another one before: what is marked of the same one stays.
    pub fn choose(&mut self, backup: &Backup) -> bool {
        self.unlisted = None;
        if self.backup.as_ref() == Some(&backup.id) {
            return false;
        }
        self.backup = Some(backup.id.clone());
        self.scope = scope_of(&backup.manifest);
        self.scope_cursor = Cursor::default();
        self.replaced = None;
        true
    }

    /// Takes of a safety backup only the part that the restore replaced which it was taken for, where it was a part and is known.
    pub fn take_replaced(&mut self, backup: &Backup) {
        // Also where that is all that the backup holds: Live may have more by now, which stays.
        self.replaced = backup.manifest.replaced_part().map(|part| Replaced {
            part: part.clone(),
            scope: scope_of_part(&backup.manifest, part),
            is_meant: true,
        });
        if let Some(replaced) = &self.replaced {
            self.scope = replaced.scope.clone();
        }
    }

    /// Whether what is marked is the part that the restore replaced which the backup was taken for.
    #[must_use]
    pub fn takes_replaced(&self) -> bool {
        // What is marked by hand has another order.
        self.replaced.as_ref().is_some_and(|replaced| {
            let mut all = replaced.scope.iter();
            replaced.is_meant
                && replaced.scope.len() == self.scope.len()
                && all.all(|item| self.scope.contains(item))
        })
    }

    /// Takes everything instead of that part, or that part instead of whatever else is marked.
    pub fn take_all_or_replaced(&mut self, backup: &Backup) {
        if self.takes_replaced() {
            self.scope = scope_of(&backup.manifest);
            // Of all that the backup holds the marks are the same, and everything is more: what Live has beside that goes.
            if self.takes_replaced()
                && let Some(replaced) = &mut self.replaced
            {
                replaced.is_meant = false;
            }
        } else {
            self.take_replaced(backup);
        }
        self.scope_cursor = Cursor::default();
    }

    /// What is of the kind of the selected line: all instances, or all workspaces.
    fn of_selected_kind(&mut self) -> impl Iterator<Item = &mut ScopeItem> {
        let selected = self.scope.get(self.scope_cursor.selected);
        let kind = selected.map(|item| item.what.is_instance());
        self.scope
            .iter_mut()
            .filter(move |item| Some(item.what.is_instance()) == kind)
    }

    /// Takes the selected instance or workspace, or leaves it out.
    pub fn toggle_selected(&mut self) {
        if let Some(item) = self.scope.get_mut(self.scope_cursor.selected) {
            item.taken = !item.taken;
        }
    }

    /// Takes the selected instance, or the selected workspace, and none of the others of its kind.
    pub fn take_only_selected(&mut self) {
        let Some(selected) = self.scope.get(self.scope_cursor.selected) else {
            return;
        };
        let only = selected.what.clone();
        for item in self.of_selected_kind() {
            item.taken = item.what == only;
        }
    }

    /// Takes all of the kind of the selected line, or where all are taken, none of them.
    pub fn take_all_or_none(&mut self) {
        let are_all = self.of_selected_kind().all(|item| item.taken);
        for item in self.of_selected_kind() {
            item.taken = !are_all;
        }
    }

    /// Takes only the part that a selection names.
    pub fn limit(&mut self, selection: &Selection) {
        for item in &mut self.scope {
            item.taken = item.what.is_in(selection);
        }
    }

    /// Which part of the backup is taken. Everything is said with empty lists, so that a workspace that the backup
    /// does not know is not left out by accident.
    #[must_use]
    pub fn selection(&self) -> Selection {
        if let Some(settled) = &self.settled {
            return settled.clone();
        }
        // As it was noted: of what the backup does not hold of it, it is known that it was not there before the restore.
        if let Some(replaced) = self.replaced.as_ref().filter(|_| self.takes_replaced()) {
            return replaced.part.clone();
        }
        let taken = |item: &&ScopeItem| item.taken;
        let all = |instances: bool| {
            self.scope
                .iter()
                .filter(|item| matches!(item.what, ScopeWhat::Instance(_)) == instances)
                .all(|item| item.taken)
        };
        let instances = self
            .scope
            .iter()
            .filter(taken)
            .filter_map(|item| match &item.what {
                ScopeWhat::Instance(name) => Some(name.clone()),
                ScopeWhat::Workspace(_) | ScopeWhat::Path(_) => None,
            });
        let workspaces = self
            .scope
            .iter()
            .filter(taken)
            .filter_map(|item| match &item.what {
                ScopeWhat::Workspace(name) => Some(name.clone()),
                ScopeWhat::Instance(_) | ScopeWhat::Path(_) => None,
            });
        let paths = self
            .scope
            .iter()
            .filter(taken)
            .filter_map(|item| match &item.what {
                ScopeWhat::Path(path) => Some(path.clone()),
                ScopeWhat::Instance(_) | ScopeWhat::Workspace(_) => None,
            });
        let paths: Vec<_> = paths.collect();
        if !paths.is_empty() {
            let mut workspaces: Vec<_> = paths.iter().filter_map(|path| path.workspace.clone()).collect();
            workspaces.dedup();
            return Selection {
                instances: if all(true) {
                    Vec::new()
                } else {
                    instances.collect()
                },
                workspaces,
                paths,
            };
        }
        Selection {
            instances: if all(true) {
                Vec::new()
            } else {
                instances.collect()
            },
            workspaces: if all(false) {
                Vec::new()
            } else {
                workspaces.collect()
            },
            paths: Vec::new(),
        }
    }

    /// Why the part that is taken is none, if it is none.
    #[must_use]
    pub fn scope_problem(&self) -> Option<String> {
        let some = |instances: bool| {
            self.scope
                .iter()
                .any(|item| item.taken && matches!(item.what, ScopeWhat::Instance(_)) == instances)
        };
        if !some(true) {
            return Some("no instance is taken: take at least one with Space".to_owned());
        }
        if !some(false) {
            let is_of_paths = self.scope.iter().any(|item| item.what.is_path());
            let what = if is_of_paths { "path" } else { "workspace" };
            return Some(format!("no {what} is taken: take at least one with Space"));
        }
        None
    }

    /// What is asked of the backend.
    #[must_use]
    pub fn request(&self) -> Option<RestoreRequest> {
        Some(RestoreRequest {
            environment: self.environment.clone(),
            backup: self.backup.as_ref()?.0.clone(),
            selection: self.selection(),
            without_safety: self.without_safety,
            even_if_unchanged: self.even_if_unchanged,
            from: self
                .backup
                .as_ref()
                .map_or(RepositoryChoice::First, |id| self.source(id)),
        })
    }

    /// Which of the two repositories a backup would be taken from.
    #[must_use]
    pub fn source(&self, backup: &BackupId) -> RepositoryChoice {
        if self.from_copy.as_ref() == Some(backup) {
            RepositoryChoice::Copy
        } else {
            RepositoryChoice::First
        }
    }

    /// The plan, once it is here.
    #[must_use]
    pub fn ready_plan(&self) -> Option<&RestorePlan> {
        match &self.plan {
            PlanState::Ready(plan) => Some(plan),
            _ => None,
        }
    }
}

/// Every instance of a backup, then every workspace that any of them has.
fn scope_of(manifest: &Manifest) -> Vec<ScopeItem> {
    let instances = manifest
        .instances
        .iter()
        .map(|instance| ScopeWhat::Instance(instance.name.clone()));
    let mut names: Vec<(&_, &String)> = Vec::new();
    // What all workspaces of a database share is none of them: it comes along with those that are chosen.
    for workspace in manifest
        .instances
        .iter()
        .flat_map(|instance| &instance.workspaces)
        .filter(|workspace| workspace.kind != WorkspaceKind::Shared)
    {
        if !names.iter().any(|(_, name)| **name == workspace.name) {
            names.push((&workspace.kind, &workspace.name));
        }
    }
    names.sort_by_key(|(kind, name)| (**kind == WorkspaceKind::Content, (*name).clone()));
    let workspaces = names
        .into_iter()
        .map(|(_, name)| ScopeWhat::Workspace(name.clone()));
    instances
        .chain(workspaces)
        .map(|what| ScopeItem { what, taken: true })
        .collect()
}

/// The same with what a selection names and the backup does not hold, and the paths of it instead of the workspaces. What it takes is
/// marked, and first of its kind: it is to be seen without scrolling.
fn scope_of_part(manifest: &Manifest, part: &Selection) -> Vec<ScopeItem> {
    let mut scope = scope_of(manifest);
    if part.has_paths() {
        scope.retain(|item| item.what.is_instance());
    }
    let instances = part.instances.iter().cloned().map(ScopeWhat::Instance);
    let workspaces = part.workspaces.iter().cloned().map(ScopeWhat::Workspace);
    let workspaces = workspaces.filter(|_| !part.has_paths());
    let paths = part.paths.iter().cloned().map(ScopeWhat::Path);
    for what in instances.chain(workspaces).chain(paths) {
        if scope.iter().all(|item| item.what != what) {
            scope.push(ScopeItem { what, taken: true });
        }
    }
    for item in &mut scope {
        item.taken = item.what.is_in(part);
    }
    scope.sort_by_key(|item| (!item.what.is_instance(), !item.taken));
    scope
}
