//! What each action does.

use super::{
    allowed, ask, check, copying, explore, forms, looks, many, marks, overview, refresh, saving, say, search,
    seek, selection_moved, tour, wizard,
};
use crate::domain::activity::Severity;
use crate::domain::explore::Source;
use crate::domain::state::UndoWay;
use crate::tui::action::{Action, Place};
use crate::tui::effects::{Effect, Fetch};
use crate::tui::model::backups;
use crate::tui::model::cursor::{Cursor, Motion};
use crate::tui::model::screens::{Dialog, Log, News, Page, Palette, Screen};
use crate::tui::model::selection::BackupChoice;
use crate::tui::model::wizard::{PlanState, Purpose, Step, Wizard};
use crate::tui::model::{Model, Pane};
use crate::tui::view::layout;

/// Does the action, or says why not.
pub fn try_act(model: &mut Model, action: Action) -> Vec<Effect> {
    match allowed::check(model, action) {
        Ok(()) => {
            *model.used.entry(action).or_default() += 1;
            act(model, action)
        }
        // Keys that only move about, or lead to where one is, need no answer.
        Err(_) if matches!(action, Action::NextPane | Action::PreviousPane | Action::Accept) => Vec::new(),
        Err(_) if on_the_screen_already(action) => Vec::new(),
        Err(_)
            if matches!(action, Action::Explore | Action::Details) && allowed::waits_for_details(model) =>
        {
            model.wish = Some(action);
            say(
                model,
                Severity::Information,
                "the environment is still being read: this opens as soon as it is here",
            );
            Vec::new()
        }
        Err(why) => {
            say(model, Severity::Warning, why);
            Vec::new()
        }
    }
}

/// Does what was asked for before the environment was here, once it is.
pub fn fulfil(model: &mut Model) -> Vec<Effect> {
    let Some(action) = model.wish.filter(|_| !allowed::waits_for_details(model)) else {
        return Vec::new();
    };
    model.wish = None;
    // Where something else has come over it meanwhile, it is not what one looks at any more.
    if model.dialog.is_some() || !model.screens.is_empty() {
        return Vec::new();
    }
    model.line = None;
    try_act(model, action)
}

fn on_the_screen_already(action: Action) -> bool {
    matches!(
        action,
        Action::Help | Action::Recovery | Action::Notifications | Action::Activity | Action::Jobs
    )
}

/// Does an action that makes sense now.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Up => scroll(model, Motion::Up),
        Action::Down => scroll(model, Motion::Down),
        Action::PageUp => scroll(model, Motion::PageUp),
        Action::PageDown => scroll(model, Motion::PageDown),
        Action::Top => scroll(model, Motion::Top),
        Action::Bottom => scroll(model, Motion::Bottom),
        Action::Left if !model.screens.is_empty() => explore::go_to_column(model, false),
        Action::Right if !model.screens.is_empty() => explore::go_to_column(model, true),
        Action::Left => pane(model, Pane::Environments),
        Action::Right | Action::OpenBackups => pane(model, Pane::Backups),
        Action::NextPane => next_pane(model, true),
        Action::PreviousPane => next_pane(model, false),
        Action::Back => back(model),
        Action::Dismiss | Action::No => {
            model.dialog = None;
            Vec::new()
        }
        Action::Accept => forms::accept(model),
        Action::Yes | Action::YesForGood => forms::yes(model),
        Action::NextStep => wizard::next(model),
        Action::Toggle | Action::OnlyThis | Action::ToggleAll => wizard::take(model, action),
        Action::AllOrReplaced => wizard::take_all_or_replaced(model),
        Action::SafetyBackup => ask::safety(model),
        Action::OtherRepository => wizard::toggle_source(model),
        Action::Quit | Action::QuitAnywhere => ask::quit(model),
        Action::Suspend => ask::suspend(model),
        Action::Redraw => vec![Effect::Redraw],
        Action::Tour => tour::leave_or_come_back(model),
        Action::Refresh => {
            say(model, Severity::Information, "asking for everything again");
            explore::read_again(model);
            refresh(model)
        }
        _ if model.is_for_marked(action) => many::ask(model, action),
        Action::Backup
        | Action::UpgradeBackup
        | Action::Maintenance
        | Action::Protect
        | Action::BreakLive
        | Action::Delete
        | Action::Confirm
        | Action::Verify
        | Action::VerifyAll
        | Action::Drill
        | Action::Extend
        | Action::Pin
        | Action::Approve
        | Action::Reject
        | Action::CancelJob => ask::first(model, action),
        Action::Contexts => {
            model.dialog = Some(Dialog::Contexts(Cursor {
                selected: model.settings.place_among_contexts(),
                offset: 0,
            }));
            Vec::new()
        }
        Action::SwitchTo => switch(model),
        Action::Fleet => overview::open(model),
        Action::GoToEnvironment => overview::go_there(model),
        Action::SortFleet => {
            overview::sort(model);
            Vec::new()
        }
        Action::Restore if explore::is_inside(model) => marks::restore(model),
        Action::Restore => begin_wizard(model, Purpose::Restore),
        Action::Undo => begin_wizard(model, Purpose::Undo),
        Action::Copy => copying::copy(model),
        Action::CopyCommand | Action::CopyTyped => copying::copy_command(model),
        Action::MarkEnvironment => many::mark(model),
        Action::MarkAll => many::mark_all(model),
        Action::Search => seek::begin(model),
        Action::NextMatch => seek::next(model, true),
        Action::PreviousMatch => seek::next(model, false),
        Action::NextWarning => seek::next_warning(model),
        Action::Wrap => looks::wrap(model),
        Action::Sort => looks::sort(model, false),
        Action::SortBack => looks::sort(model, true),
        Action::Save => saving::begin(model),
        Action::Zoom => looks::zoom(model),
        Action::Wider => looks::widen(model, true),
        Action::Narrower => looks::widen(model, false),
        Action::Zone => looks::zone(model),
        Action::Explore => explore::open_chosen(model),
        Action::ExploreLive => explore::open(model, Source::Live),
        Action::OpenNode => explore::open_node(model),
        Action::UpTree => explore::up(model),
        Action::GoThere => explore::go_there(model),
        Action::Mark => marks::mark(model),
        Action::MarkWorkspace => marks::mark_workspace(model),
        Action::Unmark => marks::unmark(model),
        Action::Export => marks::export(model),
        Action::StopExport => vec![Effect::StopExport],
        Action::History => explore::history(model),
        Action::Compare => explore::compare(model),
        Action::Find => explore::find(model),
        Action::OlderSource => explore::go_beside(model, false),
        Action::NewerSource => explore::go_beside(model, true),
        _ => open(model, action),
    }
}

/// Actions that open a screen or a dialog to look at.
fn open(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = |page| Screen::Page { page, scroll: 0 };
    let screen = match action {
        Action::Help => page(Page::Help),
        Action::Recovery => page(Page::Recovery),
        Action::About => match model.target_name().cloned() {
            Some(name) => page(Page::About(name)),
            None => return Vec::new(),
        },
        Action::Check => return check::open(model),
        Action::Details if model.is_on_recents() => {
            model.recents_open = !model.recents_open;
            return Vec::new();
        }
        Action::Details => match (model.target_name().cloned(), model.chosen_backup()) {
            (Some(name), Some(backup)) => page(Page::Backup(name, backup.id.clone())),
            _ => return Vec::new(),
        },
        Action::Activity => {
            model.screens.push(Screen::Activity(Cursor::default()));
            return model.fetch(Fetch::Activity).into_iter().collect();
        }
        Action::Notifications => {
            let seen_before = model
                .notifications
                .iter()
                .flatten()
                .find(|news| news.seen)
                .map_or(0, |news| news.number);
            Screen::Notifications(News {
                cursor: Cursor::default(),
                seen_before,
            })
        }
        Action::Jobs => {
            model.screens.push(Screen::Jobs(Cursor::default()));
            return model.fetch(Fetch::Jobs).into_iter().collect();
        }
        Action::Watch => return watch(model),
        Action::OpenJob => {
            let Some(id) = model.chosen_job() else {
                return Vec::new();
            };
            model.screens.push(Screen::Job { id, scroll: 0 });
            return ask_for_unknown(model, id);
        }
        Action::OpenLog => {
            let Some(job) = model.chosen_job() else {
                return Vec::new();
            };
            model.screens.push(Screen::Log(Log {
                job,
                lines: None,
                scroll: 0,
                follow: true,
            }));
            let mut effects = ask_for_unknown(model, job);
            effects.extend(model.fetch(Fetch::Log(job, 0)));
            return effects;
        }
        Action::Palette => {
            model.dialog = Some(Dialog::Palette(Palette::default()));
            return Vec::new();
        }
        Action::Filter => {
            if model.screens.is_empty() {
                model.pane = Pane::Environments;
            }
            model.filtering = Some(model.fleet.filter().to_owned().into());
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    model.screens.push(screen);
    Vec::new()
}

fn ask_for_unknown(model: &mut Model, id: crate::domain::job::JobId) -> Vec<Effect> {
    if model.jobs.contains_key(&id) {
        return Vec::new();
    }
    model.fetch(Fetch::Job(id)).into_iter().collect()
}

/// The job that runs on the environment, or else its last one.
fn watch(model: &mut Model) -> Vec<Effect> {
    let Some(name) = model.target_name() else {
        return Vec::new();
    };
    let running = model.job_of(name).map(|job| job.id);
    let last = || {
        model
            .jobs_newest_first()
            .find(|job| job.environment == *name)
            .map(|job| job.id)
    };
    if let Some(id) = running.or_else(last) {
        model.screens.push(Screen::Job { id, scroll: 0 });
    }
    Vec::new()
}

fn pane(model: &mut Model, pane: Pane) -> Vec<Effect> {
    model.pane = pane;
    Vec::new()
}

fn next_pane(model: &mut Model, forward: bool) -> Vec<Effect> {
    if let Some(Dialog::Form(form)) = &mut model.dialog {
        let count = form.fields.len().max(1);
        let step = if forward { 1 } else { count - 1 };
        form.active = (form.active + step) % count;
        return Vec::new();
    }
    match model.screens.last() {
        None => {}
        Some(Screen::Search(search)) if search.is_typed => return search::turn(model, forward),
        Some(_) => return explore::go_to_column(model, forward),
    }
    let other = match model.pane {
        Pane::Environments => Pane::Backups,
        Pane::Backups => Pane::Environments,
    };
    pane(model, other)
}

fn back(model: &mut Model) -> Vec<Effect> {
    if let Some(closed) = model.dialog.take() {
        if let Dialog::Form(form) = closed {
            forms::keep_draft(model, &form);
        }
        return Vec::new();
    }
    if model.seek_here().is_some() {
        return seek::end(model);
    }
    match model.screens.last() {
        Some(Screen::Fleet(_)) if model.filtering.take().is_some() => {
            model.fleet.set_filter("");
            return Vec::new();
        }
        Some(Screen::Wizard(_)) => {
            wizard::back(model);
            return Vec::new();
        }
        Some(Screen::Explorer(_) | Screen::Search(_) | Screen::Differences(_)) => {
            return explore::back(model);
        }
        _ => {}
    }
    if model.screens.pop().is_some() {
        return Vec::new();
    }
    if model.filtering.take().is_some() {
        model.fleet.set_filter("");
        return selection_moved(model);
    }
    Vec::new()
}

/// Moves the selection or the text of whatever has the keys.
pub fn scroll(model: &mut Model, motion: Motion) -> Vec<Effect> {
    let heights = layout::heights(model);
    let place = model.place();
    if let Some(Dialog::Notice(notice)) = &mut model.dialog {
        notice.scroll = scrolled(notice.scroll, motion, heights.notice);
        return Vec::new();
    }
    if let Some(Dialog::Contexts(cursor)) = &mut model.dialog {
        let length = model.settings.contexts.len();
        cursor.go(motion, length, layout::CONTEXT_ROWS);
        return Vec::new();
    }
    if place == Place::Environments {
        let before = model.fleet.cursor.selected;
        model.fleet.go(motion, heights.environments);
        return if model.fleet.cursor.selected == before {
            Vec::new()
        } else {
            selection_moved(model)
        };
    }
    let jobs = model.jobs.len();
    let activity = model.activity.as_ref().map_or(0, Vec::len);
    let news = model.notifications.as_ref().map_or(0, Vec::len);
    let rows = model.backup_rows().len();
    let page = heights.screen;
    match model.screens.last_mut() {
        None => {
            model.backup_choice = BackupChoice::Somebodys;
            model.backup_cursor.go(motion, rows, heights.backups);
        }
        Some(Screen::Wizard(wizard)) => match wizard.step {
            Step::Choose => {
                wizard.problem = None;
                wizard.unlisted = None;
                wizard.choice.go(motion, rows, heights.choose);
            }
            Step::Scope => {
                wizard.problem = None;
                let items = wizard.scope.len();
                wizard.scope_cursor.go(motion, items, heights.scope);
            }
            Step::Plan => wizard.scroll = scrolled(wizard.scroll, motion, page),
            Step::Name => {}
        },
        Some(Screen::Fleet(_)) => overview::scroll(model, motion, page),
        Some(Screen::Jobs(cursor)) => cursor.go(motion, jobs, page),
        Some(Screen::Activity(cursor)) => cursor.go(motion, activity, page),
        Some(Screen::Notifications(list)) => list.cursor.go(motion, news, page),
        Some(Screen::Job { scroll, .. } | Screen::Page { scroll, .. }) => {
            *scroll = scrolled(*scroll, motion, page);
        }
        Some(Screen::Log(log)) => {
            log.scroll = scrolled(log.scroll, motion, page);
            log.follow = motion == Motion::Bottom;
        }
        Some(Screen::Explorer(_) | Screen::Search(_) | Screen::Differences(_)) => {
            return explore::scroll(model, motion);
        }
    }
    Vec::new()
}

/// Where a text is scrolled to. Its end is not known here: the layout brings the number back to it.
fn scrolled(scroll: usize, motion: Motion, page: usize) -> usize {
    motion.from(scroll, usize::MAX, page)
}

fn begin_wizard(model: &mut Model, purpose: Purpose) -> Vec<Effect> {
    let Some(name) = model.target_name().cloned() else {
        return Vec::new();
    };
    if model.shown.as_ref() != Some(&name) {
        say(
            model,
            Severity::Warning,
            "the environment is still being read: try again in a moment",
        );
        return Vec::new();
    }
    let on_page = matches!(model.screens.last(), Some(Screen::Page { .. }));
    let chosen = model.chosen_backup().map(|backup| backup.id.clone());
    let mut wizard = Wizard::new(name.clone(), purpose);
    wizard.choice = model.backup_cursor;
    // Where one is to be chosen, none is folded away.
    if !on_page && let Some(details) = model.details.get(&name) {
        wizard.choice.selected = backups::in_list(details, model.recents(), wizard.choice.selected);
    }
    if on_page && let Some(details) = model.details.get(&name) {
        let row = chosen.and_then(|chosen| backups::row_of(details, &chosen));
        wizard.choice.selected = row.unwrap_or(wizard.choice.selected);
    }
    if purpose == Purpose::Undo {
        let details = model.details.get(&name);
        wizard.undo_of = details.and_then(|details| details.undo_of.clone());
    }
    if purpose == Purpose::Undo
        && let Some(details) = model.details.get(&name)
        && let Some(UndoWay::Exchange { job, .. }) = details.undo_way
    {
        let tables = details.replaced.iter().filter(|tables| tables.job == job);
        let tables: Vec<_> = tables.cloned().collect();
        wizard.plan = PlanState::Exchange(tables);
        model.screens.push(Screen::Wizard(Box::new(wizard)));
        return model.fetch(Fetch::BeforeUndo(name)).into_iter().collect();
    }
    if purpose == Purpose::Undo
        && let Some(details) = model.details.get(&name)
        && let Some(backup) = details
            .all_backups()
            .find(|backup| Some(&backup.id) == details.undo.as_ref())
    {
        wizard.choose(backup);
        if details.is_only_copied(&backup.id) {
            wizard.from_copy = Some(backup.id.clone());
        }
        wizard.settled = backup.manifest.replaced_part().cloned();
    }
    model.screens.push(Screen::Wizard(Box::new(wizard)));
    match purpose {
        Purpose::Restore => Vec::new(),
        Purpose::Undo => {
            let mut effects = wizard::ask_for_plan(model);
            effects.extend(model.fetch(Fetch::BeforeUndo(name)));
            effects
        }
    }
}

/// Goes over to the context that is chosen in the dialog.
fn switch(model: &mut Model) -> Vec<Effect> {
    let Some(Dialog::Contexts(cursor)) = model.dialog.take() else {
        return Vec::new();
    };
    match model.settings.contexts.get(cursor.selected) {
        Some(chosen) if chosen.name != model.settings.context || model.waits_for_opening => {
            vec![Effect::Switch(chosen.name.clone())]
        }
        _ => Vec::new(),
    }
}
