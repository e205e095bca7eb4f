//! The table of actions, as the manual has it.

use std::fmt::Write as _;

use lifeboat::tui::action;
use lifeboat::tui::action::TABLE;

#[test]
fn the_table_of_actions() {
    let mut text = String::new();
    for row in TABLE {
        let places: Vec<_> = row.places.iter().map(|place| format!("{place:?}")).collect();
        writeln!(
            text,
            "{:<16} {:<12} {:<15} {} {}\n    {}",
            format!("{:?}", row.action),
            row.keys_label(),
            row.label,
            if row.changes { "changes" } else { "looks  " },
            places.join(" "),
            row.help,
        )
        .unwrap();
    }
    crate::keep_text("actions", &text);
    assert_eq!(
        action::Action::of(lifeboat::tui::key::Key::Esc, action::Place::Backups),
        None
    );
}
