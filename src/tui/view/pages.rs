//! Pages to read: the recovery table, everything about a backup, everything about an environment.

use super::backup_page;
use super::canvas::piece;
use super::help;
use super::text::Text;
use super::words;
use crate::domain::Instant;
use crate::domain::check::{CONFIGURATION, Finding, Report, Verdict, in_use_still};
use crate::domain::environment::{Answer, EnvironmentName, Instance};
use crate::domain::proof::{self};
use crate::domain::recovery;
use crate::domain::refusal;
use crate::domain::state::{EnvironmentDetails, Hold, UndoWay};
use crate::domain::{columns, measure};
use crate::tui::model::screens::Page;
use crate::tui::model::{Connection, Model};
use crate::tui::theme::{Meaning, Theme};

/// The page's title.
pub fn title(page: &Page) -> String {
    match page {
        Page::Help => "Help".to_owned(),
        Page::Recovery => "What is recovered from where".to_owned(),
        Page::Backup(name, id) => format!("Backup {id} of {name}"),
        Page::About(name) => format!("About {name}"),
        Page::Check(name) => format!("Check of {name}"),
    }
}

/// The page's text.
pub fn text(model: &Model, page: &Page, width: u16) -> Text {
    match page {
        Page::Help => help::text(model, width),
        Page::Recovery => recovered(model, width),
        Page::Backup(name, id) => {
            let details = model.details.get(name);
            let backup = details.and_then(|details| details.all_backups().find(|other| other.answers_to(id)));
            backup.map_or_else(
                || {
                    let mut text = Text::new(width);
                    text.paragraph("This backup is no longer there. Esc goes back.", Meaning::Quiet);
                    text
                },
                |backup| backup_page::text(model, backup, width),
            )
        }
        Page::About(name) => about(model, name, width),
        Page::Check(name) => check(model, name, width),
    }
}

/// The table of rule 2.
fn recovered(model: &Model, width: u16) -> Text {
    let mut text = Text::new(width);
    let settings = &model.settings;
    let symbols = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    text.paragraph(
        "A backup holds configuration and content. The rest comes from elsewhere.",
        Meaning::Quiet,
    );
    for source in recovery::TABLE {
        text.blank();
        let (symbol, meaning, words) = if source.complete {
            (symbols.good, Meaning::Good, "all of it")
        } else {
            (symbols.warning, Meaning::Warning, "not all of it")
        };
        text.line(vec![
            piece(format!("{symbol} "), meaning),
            piece(format!("{:<26} ", source.data), Meaning::Title),
            piece(words, meaning),
        ]);
        let indent = [piece("  ", Meaning::Text)];
        text.marked(
            &indent,
            &format!("from {}", source.from.trim_start_matches("from ")),
            Meaning::Text,
        );
        text.marked(&indent, source.remark, Meaning::Quiet);
    }
    text
}

/// What the last drill of a backup has shown.
fn about(model: &Model, name: &EnvironmentName, width: u16) -> Text {
    let mut text = Text::new(width);
    let Some(summary) = model.fleet.get(name) else {
        text.paragraph(
            "This environment is no longer there. Esc goes back.",
            Meaning::Quiet,
        );
        return text;
    };
    let name_and_kind = format!("{}, {}", summary.name, summary.kind.label());
    text.fact("name", &name_and_kind);
    if let Err(refusal) = refusal::only_live(&summary.name, summary.kind) {
        text.blank();
        text.paragraph(&format!("{refusal}."), Meaning::Text);
        return text;
    }
    // The line that says it elsewhere may have no room for all of it.
    if let Connection::Lost { why, .. } = &model.connection {
        text.fact_as("link", why, Meaning::Critical);
    }
    if let Some(trouble) = &summary.trouble {
        text.fact_as("trouble", trouble, Meaning::Critical);
    }
    if let Some(failed) = &summary.failed {
        text.fact_as("last job", failed, Meaning::Critical);
    }
    if let Some(hold) = &summary.maintenance {
        hold_fact(&mut text, model, "maintenance", "jobs wait", hold);
    }
    if let Some(hold) = &summary.protection {
        hold_fact(&mut text, model, "protected", "restores are refused", hold);
    }
    if let Some(asked) = &summary.asked {
        let words = format!("for another owner: {}; A agrees, O rejects", asked.in_words());
        text.fact_as("waits", &words, Meaning::Warning);
    }
    for target in &summary.targets {
        if target.met {
            text.fact("target", &target.in_words_at(model.now));
        } else {
            text.fact_as("target", &target.in_words_at(model.now), Meaning::Warning);
        }
    }
    if let Some(details) = model.details.get(name) {
        if let Some((label, words)) = super::backups::standing(details) {
            text.fact_as("backups", &format!("{label}: {words}"), Meaning::Warning);
        }
        if let Some((newest, less)) = super::backups::held_by_the_newest(details) {
            let words = format!(
                "{} holds {}: look whether Live was whole",
                newest.id,
                less.in_words()
            );
            text.fact_as("newest", &words, Meaning::Warning);
        }
        if let (None, Some(problem)) = (&details.versions, &details.versions_problem) {
            text.fact_as("versions", problem, Meaning::Warning);
        }
        down(&mut text, model, details);
        proven(&mut text, model, details);
        known(&mut text, model, details);
    } else {
        let problem = model.details_problems.get(name);
        text.paragraph(
            problem.map_or(model.still_to_come(), String::as_str),
            Meaning::Quiet,
        );
    }
    text
}

/// The instances that are down, each with why: they stand further below as well, where the first screen may not reach.
fn down(text: &mut Text, model: &Model, details: &EnvironmentDetails) {
    for instance in &details.instances {
        for asked in instance.asked() {
            let Some(answer) = asked.answer.filter(|answer| !answer.up) else {
                continue;
            };
            let node = asked.node.map_or_else(String::new, |node| format!(" {node}"));
            let at = model.when().moment_exact(answer.at);
            let words = format!("{}{node} is DOWN at {at}: {}", instance.name, answer.detail);
            text.fact_as("health", &words, Meaning::Critical);
        }
    }
}

/// What is known of whether its backups can be restored, and when that is looked at next.
fn proven(text: &mut Text, model: &Model, details: &EnvironmentDetails) {
    let summary = &details.summary;
    let (proven, last) = (summary.last_proven.as_ref(), summary.last_drill.as_ref());
    for line in proof::standing(proven, last, model.now) {
        text.fact("proof", &line);
    }
    let next = |what: &str, at: Option<Instant>| match at {
        Some(at) => format!("{what} {}", words::countdown(at, model.now)),
        None => format!("not {what} by schedule"),
    };
    let read = next("read back", details.next_verify);
    let drilled = next("drilled", details.next_drill);
    text.fact("next", &format!("{read}, {drilled}"));
}

/// What works in an environment and what does not.
fn check(model: &Model, name: &EnvironmentName, width: u16) -> Text {
    let mut text = Text::new(width);
    let settings = &model.settings;
    let symbols = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    let report = match model.checks.get(name) {
        None => {
            let words =
                "Everything is looked at, and nothing is changed. What does not answer takes a while.";
            text.paragraph(words, Meaning::Quiet);
            said_of_the_file(&mut text, model);
            return text;
        }
        Some(Err(why)) => {
            text.paragraph(&format!("It could not be looked at: {why}"), Meaning::Critical);
            said_of_the_file(&mut text, model);
            return text;
        }
        Some(Ok(report)) => &as_the_file_is_now(model, report),
    };
    let meaning = match (report.works(), report.count(Verdict::Warning)) {
        (false, _) => Meaning::Critical,
        (true, 0) => Meaning::Good,
        (true, _) => Meaning::Warning,
    };
    text.paragraph(&format!("{}. K looks once more.", report.summary()), meaning);
    // A name that ends where its finding begins reads as a part of it.
    let names = report
        .findings
        .iter()
        .map(|finding| columns::count(&finding.about));
    let names = names.max().unwrap_or(0).clamp(17, 26);
    // What is wrong stands first, and not where it may be below the end of the screen.
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| match finding.verdict {
        Verdict::Failed => 0,
        Verdict::Warning => 1,
        Verdict::Ok => 2,
    });
    let mut above = None;
    for finding in findings {
        if above != Some(&finding.instance) {
            above = Some(&finding.instance);
            match &finding.instance {
                Some(instance) => text.heading(instance.as_str()),
                None => text.blank(),
            }
        }
        let (symbol, meaning, words) = match finding.verdict {
            Verdict::Ok => (symbols.good, Meaning::Good, Meaning::Text),
            Verdict::Warning => (symbols.warning, Meaning::Warning, Meaning::Text),
            Verdict::Failed => (symbols.critical, Meaning::Critical, Meaning::Critical),
        };
        let mark = [
            piece(format!("{symbol} "), meaning),
            piece(columns::fill(&finding.about, names) + "  ", Meaning::Quiet),
        ];
        text.marked(&mark, &finding.detail, words);
    }
    text
}

/// What is wrong in the file of the configuration, where there is no report to say it in.
fn said_of_the_file(text: &mut Text, model: &Model) {
    if let Some(read) = file_in_use(model).filter(|_| model.wrong_configuration.is_none()) {
        text.blank();
        text.paragraph(&format!("{}: {read}", whose_file(model)), Meaning::Quiet);
    }
    if let Some(why) = &model.wrong_configuration {
        text.blank();
        text.paragraph(
            &format!("{}: {}", whose_file(model), in_use_still(why)),
            Meaning::Critical,
        );
    }
}

/// Which file it is, and when what is in use was read from it.
fn file_in_use(model: &Model) -> Option<String> {
    let file = model.settings.beyond.configuration.as_ref()?;
    let read = model.when().moment_exact(file.read.unwrap_or(model.opened));
    Some(format!("{}, read {read}", file.path))
}

/// Whose file of the configuration it is that this cockpit reads: a service has another one.
fn whose_file(model: &Model) -> &'static str {
    if model.settings.leads_to_a_service() {
        "this cockpit's file"
    } else {
        CONFIGURATION
    }
}

/// The report, with what is to be said of the file of the configuration by now: the engine goes by what was read before. Where
/// that is a service's, there are two files, and each is said to be whose it is.
fn as_the_file_is_now(model: &Model, report: &Report) -> Report {
    let mut report = report.clone();
    let is_a_service = model.settings.leads_to_a_service();
    for finding in &mut report.findings {
        if finding.about != CONFIGURATION {
            continue;
        }
        if is_a_service {
            "the service's file".clone_into(&mut finding.about);
        } else if let Some(read) = file_in_use(model) {
            finding.detail = format!("{read}: {}", finding.detail);
        }
    }
    let (verdict, detail) = match &model.wrong_configuration {
        Some(why) => (Verdict::Failed, in_use_still(why)),
        None if is_a_service => {
            let read = file_in_use(model).map(|read| format!("{read}: "));
            let words = "it can be read; it says how the service is reached, and what the cockpit looks like";
            (Verdict::Ok, read.unwrap_or_default() + words)
        }
        None => return report,
    };
    report.findings.retain(|finding| finding.about != CONFIGURATION);
    let ours = Finding {
        environment: None,
        instance: None,
        about: whose_file(model).to_owned(),
        verdict,
        detail,
    };
    report.findings.insert(0, ours);
    report
}

fn hold_fact(text: &mut Text, model: &Model, label: &str, effect: &str, hold: &Hold) {
    let reason = hold.reason.as_deref().unwrap_or("no reason was given");
    let words = format!(
        "{effect}: {reason} (set by {} on {})",
        hold.by,
        model.when().moment(hold.since)
    );
    text.fact_as(label, &words, Meaning::Warning);
}

fn known(text: &mut Text, model: &Model, details: &EnvironmentDetails) {
    let undo = details
        .undo_way
        .as_ref()
        .map_or("nothing to go back to", UndoWay::label);
    text.fact("undo", undo);
    match (&details.versions, &details.versions_problem) {
        (Some(versions), _) => {
            let words = format!("release {}, Magnolia {}", versions.release, versions.magnolia);
            text.fact("versions", &words);
        }
        (None, None) => text.fact_as("versions", "not known", Meaning::Warning),
        // It stands above, with what else is wrong.
        (None, Some(_)) => {}
    }
    let schedule = &details.schedule;
    let words = if schedule.enabled {
        format!(
            "daily in {} UTC, weekly on {}, monthly on day {}",
            schedule.window,
            crate::domain::schedule::weekday_label(schedule.weekly_on),
            schedule.monthly_on
        )
    } else {
        "off".to_owned()
    };
    text.fact("schedule", &words);
    if schedule.enabled {
        let minute = (schedule.window.start_minute() + details.minute_in_window) % (24 * 60);
        let words = format!(
            "begins at {:02}:{:02} UTC, its own minute in the window",
            minute / 60,
            minute % 60
        );
        text.fact("", &words);
    }
    if let Some(recent) = &details.recent {
        text.fact("", &format!("and every {} between the daily ones", recent.every));
    }
    let keep = &details.keep;
    text.fact(
        "keeps",
        &format!(
            "{} monthly, {} weekly, {} daily, {} manual",
            keep.monthly, keep.weekly, keep.daily, keep.manual
        ),
    );
    text.fact("kept in", &details.repository);
    for tables in &details.replaced {
        text.fact(
            "replaced",
            &format!(
                "the tables of {} since {}, {}: they stay until {} in the schema {}",
                tables.instance,
                model.when().moment(tables.at),
                measure::bytes(tables.bytes),
                model.when().moment(tables.expires),
                tables.schema
            ),
        );
    }
    for instance in &details.instances {
        text.heading(&format!("{} ({})", instance.name, instance.role.label()));
        text.fact("content", &instance.content);
        health(text, model, instance);
        for node in &instance.nodes {
            let label = format!("node {}", node.name);
            match &node.health {
                None => text.fact(&label, "not asked: no address is configured"),
                Some(address) => answered(text, model, &label, address, node.answer.as_ref()),
            }
        }
    }
}

/// Whether the instance is up, when it was asked, and what it said.
fn health(text: &mut Text, model: &Model, instance: &Instance) {
    match &instance.health {
        // Of several nodes each is asked by itself.
        None if !instance.nodes.is_empty() => {}
        None => text.fact("health", "not asked: no address is configured"),
        Some(address) => answered(text, model, "health", address, instance.answer.as_ref()),
    }
}

fn answered(text: &mut Text, model: &Model, label: &str, address: &str, answer: Option<&Answer>) {
    match answer {
        None => text.fact(label, &format!("not asked yet, {address}")),
        Some(answer) if answer.up => {
            let asked = model.when().moment_exact(answer.at);
            text.fact_as(label, &format!("UP at {asked}, {address}"), Meaning::Good);
        }
        Some(answer) => {
            let asked = model.when().moment_exact(answer.at);
            text.fact_as(
                label,
                &format!("DOWN at {asked}: {}", answer.detail),
                Meaning::Critical,
            );
        }
    }
}
