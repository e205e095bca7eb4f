//! Going along the tour: the presenter's keys, and the presses that a step makes. They go the way of every press of a person, one
//! after the other, each once what it waits for is on the screen.

use std::time::Duration;

use super::{keys, say, selection_moved, show_what_waits};
use crate::domain::activity::Severity;
use crate::domain::job::JobState;
use crate::tui::action::{Action, Place};
use crate::tui::effects::{Effect, Timer};
use crate::tui::key::{How, Key, Press as KeyPress};
use crate::tui::model::Model;
use crate::tui::model::screens::Screen;
use crate::tui::tour::seen::{self, Seen};
use crate::tui::tour::steps::{Aim, Beat, NOTE, Press, STEPS, Words};
use crate::tui::tour::{Going, Run, Tour};

/// How long what a press waits for may take to come, but for work.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same where something is read for it, or planned: a busy machine takes its time, and the screen says how far it is.
const READING: Duration = Duration::from_mins(5);
/// How much longer it waits where something is to be read before.
const TO_READ: u32 = 3;
/// How many letters are typed in the time between two presses.
const LETTERS: u32 = 10;
/// More presses of an arrow than any list of the demo has lines.
const FAR: usize = 5_000;

/// What it says where something did not come.
const NOTHING_CAME: &str = "This step does not go on: what it waits for did not come. What is on the screen may say why. The step \
                            can be tried once more.";
/// What it says where a job did not end well.
const ENDED_BADLY: &str =
    "The job of this step did not end well, and the screen says why. The step can be tried once more.";

/// A key was pressed. Gives what follows if it was for the tour.
pub fn pressed(model: &mut Model, press: KeyPress) -> Option<Vec<Effect>> {
    let tour = model.tour.as_ref()?;
    if model.is_too_small() {
        return None;
    }
    let of_tour = model.settings.keys.action(press.key, Place::Tour, false);
    if !tour.on_path {
        return (of_tour == Some(Action::Tour)).then(|| come_back(model));
    }
    let goes = tour.going().is_some();
    match of_tour {
        // Held down, it would run along the path.
        Some(_) if press.how != How::Alone => return Some(Vec::new()),
        Some(Action::Tour) => {
            leave(model);
            return Some(Vec::new());
        }
        Some(Action::TourOn) => return Some(forward(model)),
        Some(Action::TourBack) => {
            back(model);
            return Some(Vec::new());
        }
        _ => {}
    }
    let place = model.place();
    let action = model
        .settings
        .keys
        .action(press.key, place, model.goes_on_seeking());
    let ends = matches!(
        action,
        Some(Action::QuitAnywhere | Action::Suspend | Action::Redraw)
    );
    let only_moves = action.is_some_and(|action| action.moves() || action == Action::Quit);
    if ends || (only_moves && !goes) {
        return None;
    }
    leave(model);
    if goes {
        // It was pressed on a screen that went on.
        say(
            model,
            Severity::Warning,
            "the tour has stopped here, and this key was not used: the cockpit is yours",
        );
        return Some(Vec::new());
    }
    None
}

/// Something came from a person that is no key of the tour: the cockpit is theirs.
pub fn leave_path(model: &mut Model) {
    if model.tour.as_ref().is_some_and(|tour| tour.on_path) {
        leave(model);
    }
}

/// Leaves the path, or comes back to it.
pub fn leave_or_come_back(model: &mut Model) -> Vec<Effect> {
    if model.tour.as_ref().is_some_and(|tour| tour.on_path) {
        leave(model);
        return Vec::new();
    }
    come_back(model)
}

fn leave(model: &mut Model) {
    let screens = model.screens.clone();
    if let Some(tour) = &mut model.tour {
        tour.on_path = false;
        if tour.at == tour.reached {
            tour.kept.insert(tour.reached, screens);
        }
        if matches!(tour.run, Run::Going(_)) {
            tour.run = Run::Ready;
        }
    }
    model.fit();
}

fn come_back(model: &mut Model) -> Vec<Effect> {
    if let Some(tour) = &mut model.tour {
        tour.on_path = true;
        tour.at = tour.reached;
    }
    show(model);
    model.fit();
    Vec::new()
}

/// Shows the screen of the step whose caption is shown, as it was left.
fn show(model: &mut Model) {
    let Some(tour) = &model.tour else {
        return;
    };
    let screens = tour.kept.get(&tour.at).cloned();
    clear(model);
    model.screens = screens.unwrap_or_default();
}

fn clear(model: &mut Model) {
    model.dialog = None;
    model.filtering = None;
    model.seek = None;
    model.line = None;
}

fn back(model: &mut Model) {
    let screens = model.screens.clone();
    let Some(tour) = &mut model.tour else {
        return;
    };
    if tour.at == 0 || matches!(tour.run, Run::Going(_)) {
        return;
    }
    if tour.at == tour.reached {
        tour.kept.insert(tour.reached, screens);
    }
    tour.at -= 1;
    show(model);
}

fn forward(model: &mut Model) -> Vec<Effect> {
    let screens = model.screens.clone();
    let Some(tour) = &mut model.tour else {
        return Vec::new();
    };
    if tour.is_earlier() {
        tour.at += 1;
        show(model);
        return Vec::new();
    }
    if tour.is_over() {
        leave(model);
        return Vec::new();
    }
    match tour.run {
        Run::Going(_) => Vec::new(),
        Run::Done => {
            tour.kept.insert(tour.reached, screens);
            tour.reached += 1;
            tour.at = tour.reached;
            tour.notes.job = None;
            tour.run = Run::Ready;
            Vec::new()
        }
        Run::Ready | Run::Stuck(_) => {
            begin(model);
            // What it presses is pressed at the end of this update.
            Vec::new()
        }
    }
}

/// Begins the step, or goes on where its job runs already.
fn begin(model: &mut Model) {
    let job = model.tour.as_ref().and_then(|tour| seen::job(model, &tour.notes));
    let under_way = job.filter(|job| !job.state.has_ended() || job.state == JobState::Done);
    let under_way = under_way.map(|job| job.id);
    let newest = model.jobs.keys().next_back().copied();
    clear(model);
    // What somebody has looked at before is not where a step begins to look.
    model.visited = None;
    let Some(tour) = &mut model.tour else {
        return;
    };
    let beats = STEPS[tour.reached].beats;
    let mut going = Going::default();
    if let Some(id) = under_way {
        let begun = beats.iter().position(|beat| matches!(beat.when, Seen::Begun(_)));
        going.beat = begun.map_or(0, |beat| beat + 1);
        model.screens = vec![Screen::Job { id, scroll: 0 }];
    } else {
        tour.notes.newest_job = newest;
        tour.notes.job = None;
        let follows = beats.first().is_some_and(|first| first.press != Press::Home);
        if follows {
            let before = tour.reached.checked_sub(1).and_then(|at| tour.kept.get(&at));
            model.screens = before.cloned().unwrap_or_default();
        }
    }
    tour.run = Run::Going(going);
}

/// A timer of the tour has rung: a rest is over, or what was waited for did not come.
pub fn rang(model: &mut Model, number: u64) {
    let Some(tour) = model.tour.as_mut().filter(|tour| tour.waits == number) else {
        return;
    };
    if let Run::Going(going) = &mut tour.run {
        if going.rests {
            going.rests = false;
        } else if going.is_timed {
            tour.run = Run::Stuck(NOTHING_CAME);
        }
    }
}

/// Presses what is next, as far as what it waits for is on the screen.
pub fn go_on(model: &mut Model) -> Vec<Effect> {
    note_environment(model);
    let mut effects = Vec::new();
    while !model.locked && !model.is_too_small() {
        let Some((beat, going)) = next(model) else {
            break;
        };
        if !comes(model, beat, &going, &mut effects) {
            break;
        }
        effects.extend(press(model, beat, going.typed));
        moved_on(model, beat, going.typed, &mut effects);
    }
    effects
}

/// The press that is next, unless it rests. Ends a step that has none.
fn next(model: &mut Model) -> Option<(&'static Beat, Going)> {
    let tour = model.tour.as_mut().filter(|tour| tour.on_path)?;
    let going = tour.going().filter(|going| !going.rests)?.clone();
    let beat = STEPS[tour.reached].beats.get(going.beat);
    if beat.is_none() {
        tour.run = Run::Done;
    }
    Some((beat?, going))
}

/// Whether what a press waits for is there, and has been there for long enough.
fn comes(model: &mut Model, beat: &'static Beat, going: &Going, effects: &mut Vec<Effect>) -> bool {
    let Some(tour) = &model.tour else {
        return false;
    };
    if going.typed > 0 {
        return true;
    }
    let is_so = beat.when.is_so(model, &tour.notes);
    let ended_badly = beat.when == Seen::Ended
        && seen::job(model, &tour.notes)
            .is_some_and(|job| job.state.has_ended() && job.state != JobState::Done);
    let Some(tour) = &mut model.tour else {
        return false;
    };
    if ended_badly {
        tour.run = Run::Stuck(ENDED_BADLY);
        return false;
    }
    if !is_so {
        if !beat.when.is_work() && !going.is_timed {
            let patience = if beat.when.is_read_for() {
                READING
            } else {
                PATIENCE
            };
            wait(tour, patience, effects, |going| going.is_timed = true);
        }
        return false;
    }
    if beat.slowly && !going.is_read && !tour.pause.is_zero() {
        let pause = tour.pause * TO_READ;
        wait(tour, pause, effects, |going| {
            going.is_read = true;
            going.rests = true;
        });
        return false;
    }
    note(model, beat.when);
    true
}

/// Lets a timer ring, and only that one.
fn wait(tour: &mut Tour, time: Duration, effects: &mut Vec<Effect>, change: impl FnOnce(&mut Going)) {
    tour.waits += 1;
    effects.push(Effect::After(time, Timer::Tour(tour.waits)));
    if let Run::Going(going) = &mut tour.run {
        change(going);
    }
}

/// Notes what has been found out.
fn note(model: &mut Model, found: Seen) {
    let Some(tour) = &model.tour else {
        return;
    };
    let lost = match (found, model.screens.last()) {
        (Seen::Compared, Some(Screen::Differences(differences))) => seen::lost(differences),
        _ => None,
    };
    let job = match found {
        Seen::Begun(kind) => seen::begun(model, &tour.notes, kind).map(|job| job.id),
        _ => None,
    };
    let made = match found {
        Seen::Ended => seen::job(model, &tour.notes)
            .filter(|job| job.kind == crate::domain::job::JobKind::Backup)
            .and_then(|job| job.outcome.as_ref()?.backup.clone()),
        _ => None,
    };
    if let Some(tour) = &mut model.tour {
        let notes = &mut tour.notes;
        notes.lost = lost.or(notes.lost.take());
        notes.job = job.or(notes.job);
        notes.backup = made.or(notes.backup.take());
    }
}

/// The environment that the tour is about: the first on the screen that can be recovered.
fn note_environment(model: &mut Model) {
    let shown = model
        .shown_details()
        .filter(|details| details.summary.kind.is_recoverable());
    let name = shown.map(|details| details.summary.name.clone());
    if let Some(tour) = &mut model.tour
        && tour.notes.environment.is_none()
    {
        tour.notes.environment = name;
    }
}

fn press(model: &mut Model, beat: &Beat, typed: usize) -> Vec<Effect> {
    match beat.press {
        Press::Nothing => Vec::new(),
        Press::Home => go_home(model),
        Press::Key(action) => press_action(model, action),
        Press::Mark => {
            if super::marks::has_marks(model).is_ok() {
                Vec::new()
            } else {
                press_action(model, Action::Mark)
            }
        }
        Press::Text(words) => {
            let letter = text(model, words).chars().nth(typed);
            letter.map_or_else(Vec::new, |letter| press_key(model, Key::Char(letter)))
        }
        Press::To(aim) => go_to(model, aim),
    }
}

fn press_action(model: &mut Model, action: Action) -> Vec<Effect> {
    let key = model.settings.keys.keys(action).first().copied();
    key.map_or_else(Vec::new, |key| press_key(model, key))
}

fn press_key(model: &mut Model, key: Key) -> Vec<Effect> {
    keys::pressed_by_any(model, KeyPress::alone(key))
}

/// Esc, until nothing lies over the main screen, and the environment is selected there.
fn go_home(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..FAR {
        show_what_waits(model);
        let place = model.place();
        if matches!(place, Place::Environments | Place::Backups) {
            break;
        }
        let leaves = match place {
            Place::Question | Place::Grave => Action::No,
            _ => Action::Back,
        };
        effects.extend(press_action(model, leaves));
    }
    let name = model
        .tour
        .as_ref()
        .and_then(|tour| tour.notes.environment.clone());
    if let Some(name) = name
        && model.target_name() != Some(&name)
    {
        model.fleet.set_filter("");
        model.fleet.select(&name);
        effects.extend(selection_moved(model));
    }
    effects
}

/// The arrows, until what is aimed at is selected.
fn go_to(model: &mut Model, aim: Aim) -> Vec<Effect> {
    let mut effects = Vec::new();
    if model.place() == Place::Environments {
        effects.extend(press_action(model, Action::Right));
    }
    for _ in 0..FAR {
        let aimed = model
            .tour
            .as_ref()
            .and_then(|tour| seen::aim(model, &tour.notes, aim));
        let Some((to, from)) = aimed.filter(|(to, from)| to != from) else {
            break;
        };
        let down = to > from;
        effects.extend(match (model.place(), down) {
            // Where something is typed, letters are text.
            (Place::Typing, true) => press_key(model, Key::Down),
            (Place::Typing, false) => press_key(model, Key::Up),
            (_, true) => press_action(model, Action::Down),
            (_, false) => press_action(model, Action::Up),
        });
    }
    effects
}

/// What is typed.
pub fn text(model: &Model, words: Words) -> String {
    let notes = model.tour.as_ref().map(|tour| &tour.notes);
    let found = match words {
        Words::Note => Some(NOTE.to_owned()),
        Words::Environment => notes.and_then(|notes| Some(notes.environment.as_ref()?.to_string())),
        Words::Lost => notes.and_then(|notes| Some(notes.lost.as_ref()?.steps.last()?.name.clone())),
    };
    found.unwrap_or_default()
}

/// One press is done: the next one follows in a moment.
fn moved_on(model: &mut Model, beat: &Beat, typed: usize, effects: &mut Vec<Effect>) {
    let letters = match beat.press {
        Press::Text(words) => text(model, words).chars().count(),
        _ => 0,
    };
    let Some(tour) = &mut model.tour else {
        return;
    };
    let Run::Going(going) = &mut tour.run else {
        return;
    };
    let types_on = typed + 1 < letters;
    if types_on {
        going.typed = typed + 1;
    } else {
        *going = Going {
            beat: going.beat + 1,
            ..Going::default()
        };
    }
    // A timer of before is none of what comes now.
    tour.waits += 1;
    let is_seen = !matches!(beat.press, Press::Nothing);
    if is_seen && !tour.pause.is_zero() {
        let pause = if types_on {
            tour.pause / LETTERS
        } else {
            tour.pause
        };
        wait(tour, pause, effects, |going| going.rests = true);
    }
}
