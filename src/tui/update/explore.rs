//! Looking inside a backup or Live: going about in it, and asking for what is on the screen and not here yet.
//!
//! Every key is answered at once, by what is here. After each message, [`ask`] asks for what the screen on top still
//! wants. Reading that takes longer is asked for again every [`POLL`]; who leaves its screen does not ask again, and that
//! ends it.

use std::time::Duration;

use super::{answers, say, selection_moved};
use crate::backend::BackendError;
use crate::domain::activity::Severity;
use crate::domain::explore::{Kind, NodePath, Source};
use crate::tui::effects::{Effect, Timer};
use crate::tui::message::Answer;
use crate::tui::model::Model;
use crate::tui::model::cursor::{Cursor, Motion};
use crate::tui::model::explore::chosen::{Compared, There};
use crate::tui::model::explore::differences::Differences;
use crate::tui::model::explore::search::Search;
use crate::tui::model::explore::{Column, Explorer, Known};
use crate::tui::model::screens::Screen;
use crate::tui::question::{Question, Told};
use crate::tui::view::explore as shown;

/// How long it takes until what is being read or searched is asked for again.
const POLL: Duration = Duration::from_millis(400);
/// How long it takes where the backend was out of reach. Its link tells that too, and then everything is asked for.
const OUT_OF_REACH: Duration = Duration::from_secs(3);

/// Asks for what the screen on top wants.
pub fn ask(model: &mut Model) -> Vec<Effect> {
    if model.is_lost() || model.locked {
        return Vec::new();
    }
    let rows = shown::rows(model);
    let wanted = match model.screens.last() {
        Some(Screen::Explorer(explorer)) => explorer.wanted(rows),
        Some(Screen::Search(search)) => search.wanted(rows),
        Some(Screen::Differences(differences)) => differences.wanted(rows),
        _ => return Vec::new(),
    };
    let asked = model.asking.ask(wanted);
    asked
        .into_iter()
        .map(|question| Effect::Ask(Box::new(question)))
        .collect()
}

/// Takes an answer in, where there is still somebody who wants it.
pub fn told(model: &mut Model, question: &Question, answer: Answer<Told>) -> Vec<Effect> {
    if !model.asking.answered(question) {
        return Vec::new();
    }
    let again = match &answer {
        Ok(Told::Reading(_)) => Some(POLL),
        Ok(Told::Finds(finds)) if !finds.is_over => Some(POLL),
        Err(BackendError::OutOfReach(_)) => Some(OUT_OF_REACH),
        _ => None,
    };
    let rest = again.map(|delay| {
        let number = model.asking.rest(question.clone());
        Effect::After(delay, Timer::AskAgain(number))
    });
    let answer = match answer {
        Err(BackendError::OutOfReach(_)) => return rest.into_iter().collect(),
        Err(error) => Err(error.to_string()),
        Ok(told) => {
            answers::heard(model);
            Ok(told)
        }
    };
    for screen in model.screens.iter_mut().rev() {
        match screen {
            Screen::Explorer(explorer) if explorer.fits(question) => {
                explorer.take(question, answer);
                break;
            }
            Screen::Search(search) if search.fits(question) => {
                search.take(answer);
                break;
            }
            Screen::Differences(differences) if differences.fits(question) => {
                differences.take(question, answer);
                break;
            }
            _ => {}
        }
    }
    rest.into_iter().collect()
}

fn explorer(model: &mut Model) -> Option<&mut Explorer> {
    match model.screens.last_mut() {
        Some(Screen::Explorer(explorer)) => Some(explorer),
        _ => None,
    }
}

/// Looks inside the chosen backup, or Live, where one was the last time.
pub fn open(model: &mut Model, source: Source) -> Vec<Effect> {
    let Some(environment) = model.target_name().cloned() else {
        return Vec::new();
    };
    let instances = model.details.get(&environment).map(|details| &details.instances);
    let only = match instances.map(Vec::as_slice) {
        Some([instance]) => Some(instance.name.clone()),
        _ => None,
    };
    let start = NodePath {
        instance: only,
        ..NodePath::default()
    };
    let visited = model.visited.as_ref().filter(|(name, _)| *name == environment);
    let path = visited.map_or(start, |(_, path)| path.clone());
    let explorer = Explorer::new(environment, source, path);
    model.screens.push(Screen::Explorer(Box::new(explorer)));
    Vec::new()
}

/// Looks inside the chosen backup.
pub fn open_chosen(model: &mut Model) -> Vec<Effect> {
    match model.chosen_backup().map(|backup| Source::from(&backup.id)) {
        Some(source) => open(model, source),
        None => Vec::new(),
    }
}

/// Goes to a node.
pub fn go_to(model: &mut Model, there: &There) -> Vec<Effect> {
    let explorer = Explorer::at(there.environment.clone(), there.source.clone(), &there.path);
    model.screens.push(Screen::Explorer(Box::new(explorer)));
    Vec::new()
}

/// Goes into the chosen line, or looks at it where nothing is in it.
pub fn open_node(model: &mut Model) -> Vec<Effect> {
    let Some(explorer) = explorer(model) else {
        return Vec::new();
    };
    let has_inside = explorer.chosen_line().is_some_and(|line| match line.kind {
        Kind::Environment | Kind::Instance | Kind::Workspace | Kind::Folder => true,
        // A file has something in it where nodes were read out of it.
        Kind::Node | Kind::File => line.children > 0,
        Kind::Unreadable | Kind::Missing | Kind::Link => false,
    });
    match explorer.chosen() {
        Some(path) if has_inside => explorer.go_in(path),
        Some(_) => {
            explorer.column = Column::Node;
            explorer.rest();
        }
        None => {}
    }
    Vec::new()
}

/// Goes to what the place is in.
pub fn up(model: &mut Model) -> Vec<Effect> {
    if let Some(explorer) = explorer(model) {
        explorer.go_up();
    }
    Vec::new()
}

/// What the selected line of the screen leads to.
pub fn link(model: &Model) -> Option<There> {
    match model.screens.last()? {
        Screen::Explorer(explorer) => {
            let (source, path) = shown::link(model, explorer)?;
            Some(There {
                environment: explorer.environment.clone(),
                source,
                path,
            })
        }
        Screen::Search(_) | Screen::Differences(_) => model.chosen_node(),
        _ => None,
    }
}

/// Goes to what the selected line leads to.
pub fn go_there(model: &mut Model) -> Vec<Effect> {
    match link(model) {
        Some(there) => go_to(model, &there),
        None => Vec::new(),
    }
}

/// Whether something inside a backup is on the screen.
pub fn is_inside(model: &Model) -> bool {
    matches!(
        model.screens.last(),
        Some(Screen::Explorer(_) | Screen::Search(_) | Screen::Differences(_))
    )
}

/// Looks at the same place in the source before this one, or after it.
pub fn go_beside(model: &mut Model, newer: bool) -> Vec<Effect> {
    let beside = model.source_beside(newer);
    if let (Some(source), Some(explorer)) = (beside, explorer(model)) {
        explorer.look_at(source);
    }
    Vec::new()
}

/// Follows what happened to the chosen node.
pub fn history(model: &mut Model) -> Vec<Effect> {
    if !matches!(model.screens.last(), Some(Screen::Explorer(_))) {
        go_there(model);
    }
    if let Some(explorer) = explorer(model) {
        explorer.follows_history = true;
        explorer.column = Column::History;
        explorer.rest();
    }
    Vec::new()
}

/// Shows how a backup differs from Live.
pub fn compare(model: &mut Model) -> Vec<Effect> {
    if let Ok(Compared {
        environment,
        older,
        newer,
        below,
    }) = model.comparable()
    {
        let differences = Differences::new(environment, older, newer, below);
        model.screens.push(Screen::Differences(Box::new(differences)));
    }
    Vec::new()
}

/// Opens a search from where one is, or goes on typing in the one that is open.
pub fn find(model: &mut Model) -> Vec<Effect> {
    match model.screens.last_mut() {
        Some(Screen::Explorer(explorer)) => {
            let search = Search::new(
                explorer.environment.clone(),
                explorer.source.clone(),
                &explorer.path,
            );
            model.screens.push(Screen::Search(Box::new(search)));
        }
        Some(Screen::Search(search)) => search.is_typed = true,
        _ => {}
    }
    Vec::new()
}

/// The selection rests, or what is typed into a search does.
pub fn rested(model: &mut Model) {
    match model.screens.last_mut() {
        Some(Screen::Explorer(explorer)) => explorer.rest(),
        Some(Screen::Differences(differences)) => differences.rest(),
        Some(Screen::Search(search)) => super::search::rested(search),
        _ => {}
    }
}

/// Lets keys go to another column.
pub fn go_to_column(model: &mut Model, forward: bool) -> Vec<Effect> {
    match model.screens.last_mut() {
        Some(Screen::Explorer(explorer)) => {
            let columns = [Column::Tree, Column::Node, Column::History];
            let here = columns
                .iter()
                .position(|column| *column == explorer.column)
                .unwrap_or(0);
            let next = if forward {
                here + 1
            } else {
                here + columns.len() - 1
            };
            explorer.column = columns[next % columns.len()];
            explorer.rest();
        }
        Some(Screen::Differences(differences)) => {
            differences.in_node = !differences.in_node;
            differences.rest();
        }
        _ => {}
    }
    Vec::new()
}

/// Asks for everything on the screen once more.
pub fn read_again(model: &mut Model) {
    match model.screens.last_mut() {
        Some(Screen::Explorer(explorer)) => explorer.read_again(),
        Some(Screen::Differences(differences)) => differences.read_again(),
        Some(Screen::Search(search)) => search.begin(),
        _ => {}
    }
}

/// Esc: ends a reading that is waited for, goes back to the tree, or leaves.
pub fn back(model: &mut Model) -> Vec<Effect> {
    if stop_reading(model) {
        say(
            model,
            Severity::Information,
            "nobody asks for that any more: its reading ends by itself",
        );
        return Vec::new();
    }
    match model.screens.last_mut() {
        Some(Screen::Explorer(explorer)) if explorer.column != Column::Tree && !explorer.is_jump => {
            explorer.column = Column::Tree;
        }
        Some(Screen::Explorer(explorer)) => {
            if !explorer.is_jump {
                model.visited = Some((explorer.environment.clone(), explorer.path.clone()));
            }
            model.screens.pop();
        }
        Some(Screen::Differences(differences)) if differences.in_node => differences.in_node = false,
        Some(Screen::Search(search)) if search.is_typed && search.finds.len() > 0 => search.is_typed = false,
        _ => {
            model.screens.pop();
        }
    }
    Vec::new()
}

/// Ends a first reading that the explorer waits for. Says whether there was one, and the screen stays.
fn stop_reading(model: &mut Model) -> bool {
    let Some(explorer) = explorer(model).filter(|explorer| explorer.reads()) else {
        return false;
    };
    if let Some(node) = &mut explorer.node
        && node.history.reading().is_some()
    {
        node.history = Known::NotYet;
        explorer.follows_history = false;
        if explorer.column == Column::History && !explorer.is_jump {
            explorer.column = Column::Tree;
        }
        return true;
    }
    if explorer.lines.length().reading().is_some() {
        return !explorer.is_jump && explorer.go_up();
    }
    if let Some(node) = &mut explorer.node {
        node.facts = Known::NotYet;
        node.is_asked = false;
    }
    let leaves = explorer.is_jump;
    explorer.column = Column::Tree;
    !leaves
}

/// Moves the selection of whatever has the keys.
pub fn scroll(model: &mut Model, motion: Motion) -> Vec<Effect> {
    let rows = shown::rows(model);
    let lines = shown::text_lines(model);
    let move_in_text = |cursor: &mut Cursor| cursor.go(motion, lines, rows);
    match model.screens.last_mut() {
        Some(Screen::Explorer(explorer)) => {
            let column = explorer.column;
            match (column, &mut explorer.node) {
                (Column::Tree, _) => {
                    explorer.sought = None;
                    explorer.lines.go(motion, rows);
                    return selection_moved(model);
                }
                (Column::Node, Some(node)) => move_in_text(&mut node.facts_cursor),
                (Column::History, Some(node)) => move_in_text(&mut node.history_cursor),
                (Column::Node | Column::History, None) => {}
            }
        }
        Some(Screen::Search(search)) => search.finds.go(motion, rows),
        Some(Screen::Differences(differences)) => {
            if !differences.in_node {
                differences.lines.go(motion, rows);
                return selection_moved(model);
            }
            if let Some(node) = &mut differences.node {
                move_in_text(&mut node.cursor);
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Brings every selection onto the screen after the terminal or a text has changed its size.
pub fn keep_in_view(model: &mut Model) {
    if !matches!(
        model.screens.last(),
        Some(Screen::Explorer(_) | Screen::Search(_) | Screen::Differences(_))
    ) {
        return;
    }
    let rows = shown::rows(model);
    let lines = shown::text_lines(model);
    match model.screens.last_mut() {
        Some(Screen::Explorer(explorer)) => {
            let length = explorer.lines.len();
            explorer.lines.cursor.keep_visible(length, rows);
            if let Some(node) = &mut explorer.node {
                match explorer.column {
                    Column::Tree => {}
                    Column::Node => node.facts_cursor.keep_visible(lines, rows),
                    Column::History => node.history_cursor.keep_visible(lines, rows),
                }
            }
        }
        Some(Screen::Search(search)) => {
            let length = search.finds.len();
            search.finds.cursor.keep_visible(length, rows);
        }
        Some(Screen::Differences(differences)) => {
            let length = differences.lines.len();
            differences.lines.cursor.keep_visible(length, rows);
            if let Some(node) = differences.node.as_mut().filter(|_| differences.in_node) {
                node.cursor.keep_visible(lines, rows);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
