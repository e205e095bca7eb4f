//! Read-only, accents, themes, plain text, odd sizes, and text from outside.

use std::fmt::Write as _;

use lifeboat::domain::environment::EnvironmentKind;
use lifeboat::tui::CockpitSettings;
use lifeboat::tui::theme::{Accent, Meaning, Theme, ThemeChoice};

use crate::made_up::{Fixture, State, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look, look_with, unchanged};

alike!(read_only_and_accented);
async fn read_only_and_accented() {
    let settings = CockpitSettings {
        context: "prod".to_owned(),
        read_only: true,
        accent: Some(Accent::Red),
        ..settings()
    };
    look_with("read-only", &settings, &SIZES, unchanged, &[("", "daily")]).await;
}

alike!(without_colours);
async fn without_colours() {
    let settings = CockpitSettings {
        theme: ThemeChoice::Monochrome,
        ..settings()
    };
    look_with("monochrome-main", &settings, &SIZES, unchanged, &[("", "daily")]).await;
    let plan = [("", "daily"), ("r<Enter><Enter>", "come back")];
    look_with("monochrome-plan", &settings, &SIZES[..1], unchanged, &plan).await;
}

alike!(in_ascii);
async fn in_ascii() {
    let settings = CockpitSettings {
        ascii: true,
        ..settings()
    };
    look_with("ascii", &settings, &SIZES[..1], unchanged, &[("", "daily")]).await;
}

alike!(odd_sizes);
async fn odd_sizes() {
    let odd = [(79, 24), (40, 5), (80, 25), (200, 60)];
    for size in odd {
        let cockpit = Runner::start(size, Fixture::new()).await;
        let text = if size.0 < 80 { "needs 80" } else { "daily" };
        cockpit.see(text).await;
        keep(&cockpit, &settings(), "odd", size);
    }
}

alike!(names_and_notes_from_outside_are_harmless);
async fn names_and_notes_from_outside_are_harmless() {
    let change = |state: &mut State| {
        let long = format!("a{}", "-very-long".repeat(6));
        let mut details = two_projects::live(&format!("{long}/{long}"), two_projects::backups());
        details.backups[0].manifest.note = Some("\u{1b}[2Jgone\u{7} \u{202e}desrever\nnext line".to_owned());
        details.backups[0].manifest.by = "\u{9b}31mmallory".into();
        details.summary.failed = Some("\u{1b}]0;title\u{7}failed".to_owned());
        details.summary.kind = EnvironmentKind::Live;
        state.environments.clear();
        state.environments.insert(details.summary.name.clone(), details);
        "\u{1b}[31mred\r\nsecond".clone_into(&mut state.notifications[0].text);
    };
    look("harmless", change, &[("", "daily")]).await;
}

#[test]
fn the_items_of_the_themes() {
    let mut text = String::new();
    for meaning in Meaning::ALL {
        write!(text, "{:<18}", format!("{meaning:?}")).unwrap();
        for choice in ThemeChoice::ALL {
            let style = Theme::new(choice, None, false).style(meaning);
            let colour = style.fg.map_or_else(String::new, |colour| format!("{colour:?}"));
            let look = format!("{colour} {:?}", style.add_modifier);
            let look = look.replace("NONE", "").replace("Modifier(0x0)", "");
            write!(text, " {choice}: {:<28}", look.trim()).unwrap();
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    crate::keep_text("themes", &text);
}
