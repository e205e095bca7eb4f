//! What makes sense inside a backup or Live, and on the way there.

use super::{chosen, live_target};
use crate::tui::action::{Action, Place};
use crate::tui::model::Model;
use crate::tui::model::screens::Screen;
use crate::tui::update::{explore, marks};

/// Nothing, or the sentence that says why the action makes no sense now.
pub(super) fn check(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::ExploreLive => live_target(model).map(|_| ()),
        Action::OpenNode => match model.chosen_node() {
            Some(_) => Ok(()),
            None => Err(NO_NODE.to_owned()),
        },
        Action::UpTree => match model.screens.last() {
            Some(Screen::Explorer(explorer)) if explorer.path.parent().is_none() => {
                Err("this is the top of it: Esc leaves".to_owned())
            }
            _ => Ok(()),
        },
        Action::GoThere => match explore::link(model) {
            Some(_) => Ok(()),
            None => Err("this line leads nowhere: lines that name a node do".to_owned()),
        },
        Action::Mark => marks::can_mark(model),
        Action::MarkWorkspace => marks::can_mark_workspace(model),
        Action::Unmark => marks::has_marks(model),
        Action::Export => marks::exportable(model).map(|_| ()),
        Action::StopExport if model.exports => Ok(()),
        Action::StopExport => Err("nothing is being exported".to_owned()),
        Action::History => match model.chosen_node() {
            Some(there) if there.path.steps.is_empty() => {
                Err("only nodes and files have a history: choose one".to_owned())
            }
            Some(_) => Ok(()),
            None => Err(NO_NODE.to_owned()),
        },
        Action::Compare => {
            if matches!(
                model.place_below(),
                Place::Environments | Place::Backups | Place::Page
            ) {
                chosen(model)?;
            }
            model.comparable().map(|_| ())
        }
        Action::OlderSource => match model.source_beside(false) {
            Some(_) => Ok(()),
            None => Err("there is no older backup".to_owned()),
        },
        Action::NewerSource => match model.source_beside(true) {
            Some(_) => Ok(()),
            None => Err("this is Live: nothing is newer".to_owned()),
        },
        _ => chosen(model),
    }
}

const NO_NODE: &str = "no node is chosen";
