//! Everything known of the chosen backup, as far as the pane has room; the page of a backup has it all.

use ratatui::layout::Rect;

use super::canvas::{Canvas, piece, shorten_middle};
use super::layout::Main;
use super::{backup_table, words};
use crate::domain::backup::{Backup, Manifest, Trigger, Verification};
use crate::domain::copies::Copies;
use crate::domain::environment::{Instance, InstanceName};
use crate::domain::state::{EnvironmentDetails, ReplacedTables};
use crate::domain::{Instant, columns, measure};
use crate::tui::model::Model;
use crate::tui::theme::Meaning;

/// Draws the pane.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, panes: &Main) {
    let area = panes.metadata;
    canvas.titled_rule(area.x, area.y, area.width, "Backup", false);
    let inside = Rect::new(
        area.x + 1,
        area.y + 1,
        area.width - 1,
        area.height.saturating_sub(1),
    );
    let Some(details) = model.shown_details() else {
        return;
    };
    let row = model.backup_rows().get(model.backup_cursor.selected).copied();
    let Some(backup) = row.and_then(|row| row.of(details)) else {
        canvas.text(
            inside.x,
            inside.y,
            inside.width,
            if model.is_on_recents() {
                "between the daily ones"
            } else {
                "this slot is empty"
            },
            Meaning::Quiet,
        );
        let mut rest = Rect::new(
            inside.x,
            inside.y + 1,
            inside.width,
            inside.height.saturating_sub(1),
        );
        states(canvas, details, &mut rest);
        return;
    };
    let mut facts = facts(model, backup, panes.wide, usize::from(inside.width - 10));
    facts.extend(details.copies.as_ref().map(|copies| {
        copy(
            details,
            copies,
            backup,
            (usize::from(inside.width - 10), model.now),
        )
    }));
    let mut y = inside.y;
    for (label, value, meaning) in facts {
        if y >= inside.bottom() {
            return;
        }
        canvas.text(inside.x, y, 9, label, Meaning::Quiet);
        canvas.text(inside.x + 10, y, inside.width - 10, &value, meaning);
        y += 1;
    }
    let mut rest = Rect::new(inside.x, y, inside.width, inside.bottom().saturating_sub(y));
    if panes.wide {
        about(canvas, model, panes, &mut rest);
        replaced(canvas, model, &details.replaced, &mut rest);
        // What it has of each workspace differs in every number, and each move would write them all again: its page has that.
        instances(canvas, details, &backup.manifest, &mut rest);
    } else {
        compact_instances(canvas, details, &backup.manifest, &mut rest);
    }
}

/// The facts, each on its own line whatever the backup, so that moving from one to the next changes few cells. What is
/// longer than a line stands whole on the backup's page.
fn facts(model: &Model, backup: &Backup, wide: bool, room: usize) -> Vec<(&'static str, String, Meaning)> {
    let manifest = &backup.manifest;
    let verified = match &backup.verification {
        Verification::Verified { at } => match &backup.drill {
            // What it shares with older ones was read back before it was taken, and not again with it: no part is older.
            None if *at < manifest.taken => {
                let day = model.when().form(*at, "%m-%d");
                (format!("yes, all since {day}"), Meaning::Text)
            }
            None => (model.when().moment_within(*at, room), Meaning::Text),
            // A drill reads everything as well, and says more.
            Some(drill) if drill.is_proven() => (
                format!("drilled in {}", measure::millis(drill.millis)),
                Meaning::Good,
            ),
            Some(drill) if !drill.has_failed() => (
                format!("proven in part only, {}", drill.in_part().unwrap_or_default()),
                Meaning::Warning,
            ),
            Some(_) => ("yes, but its last drill failed".to_owned(), Meaning::Critical),
        },
        Verification::Unverified => ("not yet: v reads it back".to_owned(), Meaning::Warning),
        Verification::Damaged { why, .. } => (format!("damaged: {why}"), Meaning::Critical),
    };
    let expires = match (backup.pinned(model.now), manifest.expires) {
        (Some(pin), _) => format!("pinned {}, {}", pin.how_long(), pin.by),
        (None, Some(expires)) => words::countdown(expires, model.now),
        (None, None) if manifest.is_recent() => "as it ages".to_owned(),
        (None, None) => "with its slot".to_owned(),
    };
    let mut holds = measure::items(manifest.items());
    // Where the table is wide, it has the size.
    if !wide {
        holds = format!("{holds}, {}", measure::bytes(manifest.bytes()));
    }
    // As the page of the backup has it: both, and nothing of what its job did around them.
    let took = format!("{}, read back", measure::millis(manifest.took_millis()));
    vec![
        ("id", backup.id.short().to_owned(), Meaning::Text),
        ("verified", verified.0, verified.1),
        ("expires", expires, Meaning::Text),
        ("holds", holds, Meaning::Text),
        ("added", measure::bytes(manifest.added_bytes), Meaning::Text),
        ("took", took, Meaning::Text),
        versions(model, manifest),
    ]
}

/// What the table has no room for of what it says about the backup. The line is there for every backup, so that what is
/// below stays where it is.
fn about(canvas: &mut Canvas<'_>, model: &Model, panes: &Main, rest: &mut Rect) {
    if rest.height == 0 {
        return;
    }
    if let Some(about) = backup_table::cut_off(model, panes.backups.width) {
        // In one colour, and without a label: it comes and goes as one moves about, and each change of it goes over the line.
        let words: String = about.iter().map(|piece| piece.text.as_str()).collect();
        canvas.text(rest.x + 10, rest.y, rest.width - 10, &words, Meaning::Text);
    }
    next(rest);
}

/// What ran when it was taken; in another colour where something else runs now.
fn versions(model: &Model, manifest: &Manifest) -> (&'static str, String, Meaning) {
    let then = &manifest.versions;
    let now = model
        .shown_details()
        .and_then(|details| details.versions.as_ref());
    let meaning = if now.is_some_and(|now| now != then) {
        Meaning::Warning
    } else {
        Meaning::Text
    };
    let words = format!("{}, Magnolia {}", then.release, then.magnolia);
    ("versions", words, meaning)
}

/// Whether the backup is in the second repository, and where there is room, how old what is there is.
fn copy(
    details: &EnvironmentDetails,
    copies: &Copies,
    backup: &Backup,
    (room, now): (usize, Instant),
) -> (&'static str, String, Meaning) {
    let newest = copies.newest().map_or_else(
        || "nothing is there yet".to_owned(),
        |newest| match words::short_age(newest, now).as_str() {
            "now" => "newest there just taken".to_owned(),
            age => format!("newest there {age} old"),
        },
    );
    let with_newest = |words: &str| {
        let whole = format!("{words}, {newest}");
        if columns::count(&whole) > room {
            words.to_owned()
        } else {
            whole
        }
    };
    let (text, meaning) = match copies.of(&backup.id) {
        _ if details.is_only_copied(&backup.id) => ("2nd repository only".to_owned(), Meaning::Title),
        _ if copies.trouble.is_some() => ("second repository out of reach".to_owned(), Meaning::Critical),
        Some(copy) if copy.backup.is_good() => (with_newest("yes"), Meaning::Text),
        Some(_) => (with_newest("damaged"), Meaning::Critical),
        None if copies.missing.contains(&backup.id) => (with_newest("not yet"), Meaning::Warning),
        None => (with_newest("no"), Meaning::Quiet),
    };
    ("copy", text, meaning)
}

/// What made a backup, with the version of an upgrade.
pub fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Upgrade { to } => format!("upgrade to {to}"),
        other => other.label().to_owned(),
    }
}

fn compact_instances(
    canvas: &mut Canvas<'_>,
    details: &EnvironmentDetails,
    manifest: &Manifest,
    rest: &mut Rect,
) {
    let mut shown: Vec<_> = manifest.instances.iter().collect();
    // Where not all of them have room, it is not those that are down which are left out.
    if shown.len() > usize::from(rest.height) {
        let is_down = |name| {
            let mut asked = now(details, name).into_iter().flat_map(Instance::asked);
            asked.any(|asked| asked.answer.is_some_and(|answer| !answer.up))
        };
        shown.sort_by_key(|instance| !is_down(&instance.name));
    }
    for instance in shown {
        let items: u64 = instance.workspaces.iter().map(|workspace| workspace.items).sum();
        let text = measure::items(items);
        state(canvas, details, &instance.name, &text, rest);
    }
}

/// Whether the instances are up, where there is no backup to tell about.
fn states(canvas: &mut Canvas<'_>, details: &EnvironmentDetails, rest: &mut Rect) {
    for instance in &details.instances {
        state(canvas, details, &instance.name, "", rest);
    }
}

/// An instance with whether it is up now, and something to stand behind that.
fn state(
    canvas: &mut Canvas<'_>,
    details: &EnvironmentDetails,
    name: &InstanceName,
    text: &str,
    rest: &mut Rect,
) {
    if rest.height == 0 {
        return;
    }
    // Where nothing else is said, long names have what states leave.
    let width = if text.is_empty() {
        let names = details.instances.iter();
        let longest = names.map(|instance| columns::count(instance.name.as_str())).max();
        let longest = u16::try_from(longest.unwrap_or(0)).unwrap_or(u16::MAX);
        longest.min(rest.width.saturating_sub(16)).max(9)
    } else {
        9
    };
    let name_shown = shorten_middle(name.as_str(), usize::from(width), canvas.symbols().more);
    canvas.text(rest.x, rest.y, width, &name_shown, Meaning::Quiet);
    let mut pieces = Vec::new();
    let instance = now(details, name);
    // An instance that is never asked needs the little room for what else there is to say.
    if text.is_empty() || instance.is_some_and(|instance| instance.asked().next().is_some()) {
        let (health, meaning) = words::health(instance, canvas.symbols());
        pieces.push(piece(format!("{health}  "), meaning));
    }
    pieces.push(piece(text, Meaning::Text));
    canvas.pieces(rest.x + width + 1, rest.y, rest.width - width - 1, &pieces);
    next(rest);
}

/// The instance as it is now; a backup may know one that is no longer there.
fn now<'a>(details: &'a EnvironmentDetails, name: &InstanceName) -> Option<&'a Instance> {
    details.instances.iter().find(|instance| instance.name == *name)
}

fn next(rest: &mut Rect) {
    rest.y += 1;
    rest.height -= 1;
}

/// What restores have left in the databases beside Live.
fn replaced(canvas: &mut Canvas<'_>, model: &Model, replaced: &[ReplacedTables], rest: &mut Rect) {
    if replaced.is_empty() || rest.height < 3 {
        return;
    }
    canvas.text(rest.x, rest.y, 15, "replaced in", Meaning::Column);
    canvas.text(rest.x + 16, rest.y, 13, "since", Meaning::Column);
    canvas.right(rest.x + 29, rest.y, 10, "goes", Meaning::Column);
    number(canvas, rest, (40, 10), "size", Meaning::Column);
    next(rest);
    for tables in replaced {
        if rest.height == 0 {
            return;
        }
        canvas.text(rest.x, rest.y, 15, tables.instance.as_str(), Meaning::Text);
        let since = words::age(tables.at, model.now);
        canvas.text(rest.x + 16, rest.y, 13, &since, Meaning::Quiet);
        let goes = words::countdown(tables.expires, model.now);
        canvas.right(rest.x + 26, rest.y, 13, &goes, Meaning::Text);
        number(
            canvas,
            rest,
            (40, 10),
            &measure::bytes(tables.bytes),
            Meaning::Text,
        );
        next(rest);
    }
}

/// The instances with whether each is up now.
fn instances(canvas: &mut Canvas<'_>, details: &EnvironmentDetails, manifest: &Manifest, rest: &mut Rect) {
    if rest.height < 3 {
        return;
    }
    // A node that is down is named: where that takes more, names of instances get no more than they need.
    let longest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
    let said = longest(&mut manifest.instances.iter().map(|instance| {
        let (health, _) = words::health(now(details, &instance.name), canvas.symbols());
        columns::count(&health)
    }));
    let names = longest(
        &mut manifest
            .instances
            .iter()
            .map(|instance| columns::count(instance.name.as_str())),
    );
    let name = if said > 11 {
        u16::try_from(names.clamp(8, 14)).unwrap_or(14)
    } else {
        14
    };
    let up = 25 - name;
    // Long names have what the numbers leave.
    let more = u16::try_from(names).unwrap_or(u16::MAX).saturating_sub(name);
    let more = more.min(rest.width.saturating_sub(48));
    let name = name + more;
    canvas.text(rest.x, rest.y, name, "instance", Meaning::Column);
    canvas.text(rest.x + name + 1, rest.y, up, "now", Meaning::Column);
    number(canvas, rest, (27 + more, 9), "items", Meaning::Column);
    number(canvas, rest, (37 + more, 9), "size", Meaning::Column);
    next(rest);
    for instance in &manifest.instances {
        if rest.height == 0 {
            return;
        }
        let items = instance.workspaces.iter().map(|workspace| workspace.items).sum();
        let bytes = instance.workspaces.iter().map(|workspace| workspace.bytes).sum();
        let (health, meaning) = words::health(now(details, &instance.name), canvas.symbols());
        let shown = shorten_middle(instance.name.as_str(), usize::from(name), canvas.symbols().more);
        canvas.text(rest.x, rest.y, name, &shown, Meaning::Text);
        canvas.text(rest.x + name + 1, rest.y, up, &health, meaning);
        number(
            canvas,
            rest,
            (27 + more, 9),
            &measure::count(items),
            Meaning::Text,
        );
        number(
            canvas,
            rest,
            (37 + more, 9),
            &measure::bytes(bytes),
            Meaning::Text,
        );
        next(rest);
    }
}

/// A number in a place of the first row of what is left, given by where it begins and how wide it is; left out where it has
/// no room.
fn number(canvas: &mut Canvas<'_>, rest: &Rect, (from, width): (u16, u16), text: &str, meaning: Meaning) {
    if from + width <= rest.width {
        canvas.right(rest.x + from, rest.y, width, text, meaning);
    }
}
