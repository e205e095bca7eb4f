//! The activity log and the notifications. Not in here: a job's log (`log`).

use ratatui::layout::Rect;

use super::canvas::{Canvas, shorten, shorten_middle, wrap};
use super::words;
use crate::domain::activity::Severity;
use crate::domain::environment::EnvironmentName;
use crate::domain::{columns, printable};
use crate::tui::model::Model;
use crate::tui::model::cursor::Cursor;
use crate::tui::model::looks::{ListKind, Sort};
use crate::tui::model::screens::News;
use crate::tui::theme::Meaning;

/// The heads of a list's columns, with a mark on the one that it is sorted by.
pub(super) struct Heads {
    sort: Sort,
    mark: &'static str,
    /// The newest first: nobody has to be told.
    usual: bool,
}

impl Heads {
    /// Of a list.
    pub(super) fn of(canvas: &Canvas<'_>, model: &Model, list: ListKind) -> Self {
        let sort = model.looks.sort(list);
        let symbols = canvas.symbols();
        Self {
            sort,
            mark: if sort.falls { symbols.below } else { symbols.up },
            usual: sort == Sort::default(),
        }
    }

    /// The head of a column, by the number that the list can be sorted by.
    pub(super) fn head(&self, number: Option<usize>, word: &str) -> String {
        if number == Some(self.sort.column) && !self.usual {
            format!("{word} {}", self.mark)
        } else {
            word.to_owned()
        }
    }
}

/// One line of a list: when, how serious, who or where, and what.
#[derive(Clone)]
struct Entry<'a> {
    at: String,
    severity: Severity,
    who: String,
    what: &'a str,
    new: bool,
}

/// Draws the activity log.
pub fn activity(canvas: &mut Canvas<'_>, model: &Model, cursor: &Cursor, area: Rect) {
    if model.activity.is_none() {
        canvas.text(area.x, area.y, area.width, model.still_to_come(), Meaning::Quiet);
        return;
    }
    let entries = model.listed_activity();
    if entries.is_empty() {
        let text = "Nobody has done anything yet. Esc goes back.";
        canvas.text(area.x, area.y, area.width, text, Meaning::Quiet);
        return;
    }
    let when = model.when();
    let is_wide = is_wide(area);
    // Where each stands below the other, who did it and where are read at a glance.
    let longest = entries
        .iter()
        .map(|entry| columns::count(&printable::line(entry.by.as_str())))
        .max();
    let by_width = longest.unwrap_or(0).min(BY);
    let entries = entries.into_iter().map(|entry| Entry {
        at: if is_wide {
            when.in_column(entry.at)
        } else {
            when.in_narrow_column(entry.at)
        },
        severity: entry.severity,
        who: match &entry.environment {
            Some(environment) => {
                let by = columns::fill(&printable::line(entry.by.as_str()), by_width);
                format!("{by} {environment}")
            }
            None => entry.by.to_string(),
        },
        what: &entry.what,
        new: false,
    });
    let heads = Heads::of(canvas, model, ListKind::Activity);
    let heads = [
        heads.head(Some(0), &when.head("When")),
        heads.head(Some(1), "Who and where"),
        heads.head(Some(2), "What"),
    ];
    list(canvas, entries, cursor, area, &heads);
}

/// Draws the notifications.
pub fn notifications(canvas: &mut Canvas<'_>, model: &Model, news: &News, area: Rect) {
    if model.notifications.is_none() {
        canvas.text(area.x, area.y, area.width, model.still_to_come(), Meaning::Quiet);
        return;
    }
    let entries = model.listed_news();
    if entries.is_empty() {
        let text = "There is nothing new: how jobs end will be told here. Esc goes back.";
        canvas.text(area.x, area.y, area.width, text, Meaning::Quiet);
        return;
    }
    let seen_before = news.seen_before;
    let when = model.when();
    let is_wide = is_wide(area);
    let entries = entries.into_iter().map(|entry| Entry {
        at: if is_wide {
            when.in_column(entry.at)
        } else {
            when.in_narrow_column(entry.at)
        },
        severity: entry.severity,
        who: entry
            .environment
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        what: named_once(&entry.text, entry.environment.as_ref()),
        new: entry.number > seen_before,
    });
    let heads = Heads::of(canvas, model, ListKind::News);
    let heads = [
        heads.head(Some(0), &when.head("When")),
        heads.head(Some(1), "Environment"),
        heads.head(Some(2), "What"),
    ];
    list(canvas, entries, &news.cursor, area, &heads);
}

/// A text about an environment that stands beside its name, without that name at its beginning.
pub fn named_once<'a>(text: &'a str, environment: Option<&EnvironmentName>) -> &'a str {
    let rest = environment.and_then(|name| text.strip_prefix(&*name.to_string())?.strip_prefix(": "));
    rest.unwrap_or(text)
}

/// The text of a notification where no column beside it names its environment: named, and once.
pub fn named<'a>(text: &'a str, environment: Option<&EnvironmentName>) -> &'a str {
    let rest = named_once(text, environment);
    match environment {
        Some(name) if rest.contains(&*name.to_string()) => rest,
        _ => text,
    }
}

/// Whether there is room for whole moments.
fn is_wide(area: Rect) -> bool {
    area.width >= 95
}

/// How wide the names of those are at most who did something, where an environment stands behind them.
const BY: usize = 12;

/// Draws entries one line each, the selected one in full below the list.
fn list<'a>(
    canvas: &mut Canvas<'_>,
    entries: impl Iterator<Item = Entry<'a>> + Clone,
    cursor: &Cursor,
    area: Rect,
    [when, who, what]: &[String; 3],
) {
    let (most_who, when_width) = if is_wide(area) { (34, 16) } else { (24, 11) };
    // Names get what they need, and the text what is left.
    let longest = entries
        .clone()
        .map(|entry| columns::count(&printable::line(&entry.who)))
        .max();
    let who_width = longest.unwrap_or(0).max(columns::count(who)).min(most_who);
    let who_width = u16::try_from(who_width).unwrap_or(20);
    let selected = entries.clone().nth(cursor.selected);
    let who_x = 4 + when_width + 1;
    let what_x = who_x + who_width + 1;
    let what_width = usize::from(area.width - what_x);
    let cut = |text: &str, width: usize| columns::count(&printable::line(text)) > width;
    // The whole text takes the last rows only where the line has no room for it, and leaves one to the entry itself.
    let mut whole = Vec::new();
    if let Some(entry) = selected {
        let room = usize::from(area.width - 2);
        if cut(&entry.who, usize::from(who_width)) {
            whole.extend(wrap(&entry.who, room));
        }
        if cut(entry.what, what_width) || !whole.is_empty() {
            whole.extend(wrap(entry.what, room));
        }
    }
    let most = usize::from(area.height.saturating_sub(3));
    if whole.len() > most {
        whole.truncate(most);
        if let Some(last) = whole.last_mut() {
            let more = canvas.symbols().more;
            *last = format!("{} {more}", shorten(last, usize::from(area.width - 4), more));
        }
    }
    let needs = match u16::try_from(whole.len()).unwrap_or(0) {
        0 => 0,
        lines => lines + 1,
    };
    let rows = area.height.saturating_sub(1 + needs);
    canvas.text(area.x + 4, area.y, when_width, when, Meaning::Column);
    canvas.text(area.x + who_x, area.y, who_width, who, Meaning::Column);
    canvas.text(area.x + what_x, area.y, 6, what, Meaning::Column);
    // The rows that the whole text takes must not hide the selected one.
    let hidden = usize::from(area.height - 1 - rows);
    let below = (cursor.selected + 1).saturating_sub(cursor.offset + usize::from(rows));
    let offset = cursor.offset + below.min(hidden);
    let shown = entries.enumerate().skip(offset).take(usize::from(rows));
    for ((number, entry), y) in shown.zip(area.y + 1..) {
        let is_selected = number == cursor.selected;
        let meaning = match (is_selected, entry.new) {
            (true, _) => Meaning::Selected,
            (_, true) => Meaning::Title,
            _ => Meaning::Text,
        };
        if is_selected {
            canvas.text(area.x, y, 1, canvas.symbols().marker, meaning);
        }
        let (symbol, colour) = words::severity(entry.severity, canvas.symbols());
        canvas.text(area.x + 2, y, 1, symbol, colour);
        canvas.text(area.x + 4, y, when_width, &entry.at, Meaning::Quiet);
        let who = shorten_middle(&entry.who, usize::from(who_width), canvas.symbols().more);
        canvas.text(area.x + who_x, y, who_width, &who, Meaning::Quiet);
        let width = area.width - what_x;
        canvas.text(area.x + what_x, y, width, entry.what, meaning);
        if is_selected {
            canvas.select(area.x, y, area.width, true);
        }
    }
    if needs > 0 {
        let y = area.bottom() - needs;
        canvas.across(area.x, y, area.width, Meaning::Rule);
        for (line, y) in whole.iter().zip(y + 1..area.bottom()) {
            canvas.text(area.x + 2, y, area.width - 2, line, Meaning::Text);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::tui::theme::{Theme, ThemeChoice};

    /// What is drawn of one entry, as text.
    fn drawn(who: &str, what: &str, ascii: bool) -> String {
        let theme = Theme::new(ThemeChoice::Dark, None, ascii);
        let area = Rect::new(0, 0, 80, 20);
        let mut buffer = Buffer::empty(area);
        let entry = Entry {
            at: String::new(),
            severity: Severity::Information,
            who: who.to_owned(),
            what,
            new: false,
        };
        let cursor = Cursor::default();
        let mut canvas = Canvas::new(&mut buffer, &theme);
        let heads = ["When", "Who and where", "What"].map(str::to_owned);
        list(&mut canvas, std::iter::once(entry), &cursor, area, &heads);
        let mut text = String::new();
        for y in 0..area.height {
            let mut x = 0;
            while x < area.width {
                let symbol = buffer[(x, y)].symbol();
                text.push_str(symbol);
                x += u16::try_from(columns::count(symbol)).unwrap();
            }
            text.push('\n');
        }
        text
    }

    #[test]
    fn what_is_too_wide_is_shown_whole_below() {
        let note = "発売前のため復旧禁止。担当は鈴木さん内線四二。連絡を待つこと";
        assert!(drawn("you acme/live", note, false).contains(&format!("  {note}")));
        let who = "a-person-of-a-long-name acme/live";
        assert!(drawn(who, "short", false).contains(&format!("  {who}")));
        assert!(!drawn("you acme/live", "short", false).contains('─'));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_that_fits_the_screen_is_lost(what in "[a-c 日🚤\u{301}❤\u{fe0f}]{0,200}") {
            let shown = drawn("", &what, false);
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert!(letters(&shown).contains(&letters(&printable::line(&what))), "{}", shown);
        }

        #[test]
        fn a_text_that_is_longer_than_the_screen_does_no_harm(what in "[a-c 日]{2000,3000}", ascii in any::<bool>()) {
            prop_assert!(drawn("", &what, ascii).contains('a') || !what.contains('a'));
        }
    }
}
