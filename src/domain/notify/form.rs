//! The form in which each kind of receiver takes what it is told.
//!
//! Names and sentences come from outside: from projects, hooks and error texts. In every form they are text and nothing
//! else: no line break leaves a header, nobody is addressed, nothing becomes a link or a tag.

use serde_json::{Value, json};

use super::digest::{cut, gravest_first, shown};
use super::{Parcel, ReceiverKind, Told};
use crate::domain::activity::Severity;
use crate::domain::measure;
use crate::domain::printable;

/// The form of what a webhook gets. A field may be added; one that changes its meaning makes a new form.
const FORM: u32 = 1;
/// Something that takes no room and parts what would be understood together.
const NOTHING: char = '\u{200b}';

/// A parcel as a webhook or a command gets it: an object with what happened; of a digest, with all that happened.
#[must_use]
pub fn webhook(parcel: &Parcel) -> Value {
    let head = json!({
        "form": FORM,
        "id": parcel.id,
        "sent": parcel.sent,
        "severity": parcel.severity(),
        "title": subject(parcel),
    });
    let (Value::Object(mut all), [first, rest @ ..]) = (head, parcel.told.as_slice()) else {
        return Value::Null;
    };
    if rest.is_empty() {
        if let Value::Object(one) = facts(first) {
            all.extend(one);
        }
    } else {
        let events = parcel.told.iter().map(|told| {
            let mut facts = facts(told);
            if let Some(id) = &told.id {
                facts["id"] = json!(id);
            }
            facts
        });
        let events: Vec<_> = events.collect();
        all.insert("event".to_owned(), json!("digest"));
        all.insert("events".to_owned(), json!(events));
    }
    Value::Object(all)
}

fn facts(told: &Told) -> Value {
    let message = &told.message;
    let mut facts = json!({
        "event": message.topic.word(),
        "severity": message.severity,
        "at": message.at,
        "text": message.text,
        "times": told.times,
        "repeats": told.follows,
    });
    if let Some(environment) = &message.environment {
        facts["environment"] = json!(environment);
    }
    if let Some(job) = message.job {
        facts["job"] = json!(job);
    }
    facts
}

/// One line that says what a parcel is about: `acme/live: backup failed`.
#[must_use]
pub fn subject(parcel: &Parcel) -> String {
    let of = |told: &Told| {
        let label = told.message.topic.label();
        match &told.message.environment {
            Some(name) => format!("{name}: {label}"),
            None => label.to_owned(),
        }
    };
    let line = match parcel.told.as_slice() {
        [one] => of(one),
        many => counted(many),
    };
    printable::line(&line).into_owned()
}

/// How many there are, and how many of them are graver than information: `23 events: 1 critical, 2 warnings`.
fn counted(told: &[Told]) -> String {
    let of = |severity: Severity| {
        let such = told.iter().filter(|told| told.message.severity == severity);
        such.count()
    };
    let grave = [
        (of(Severity::Critical), "critical", "critical"),
        (of(Severity::Warning), "warning", "warnings"),
    ];
    let grave: Vec<_> = grave
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }))
        .collect();
    let events = format!("{} events", told.len());
    if grave.is_empty() {
        events
    } else {
        format!("{events}: {}", grave.join(", "))
    }
}

/// A parcel as a mail has it, a line for each thing that happened, the gravest first.
#[must_use]
pub fn plain_text(parcel: &Parcel) -> String {
    text_for(ReceiverKind::Email, parcel)
}

fn text_for(kind: ReceiverKind, parcel: &Parcel) -> String {
    let (told, more) = listed(kind, parcel);
    let lines = told.into_iter().map(|told| cut(kind, line(told))).chain(more);
    lines.fold(String::new(), |mut text, line| {
        text.push_str(&line);
        text.push('\n');
        text
    })
}

/// What is told one by one, the gravest first, and how much is not.
fn listed(kind: ReceiverKind, parcel: &Parcel) -> (Vec<&Told>, Option<String>) {
    let mut told = gravest_first(&parcel.told);
    let more = told.split_off(shown(kind, &told).min(told.len())).len();
    let more = (more > 0).then(|| format!("and {more} more: `lifeboat activity` lists them"));
    (told, more)
}

pub(super) fn line(told: &Told) -> String {
    let message = &told.message;
    let environment = message
        .environment
        .as_ref()
        .map_or(String::new(), |name| format!("{name}: "));
    let job = message.job.map_or(String::new(), |job| format!(" (job {job})"));
    let line = format!(
        "{}  {}: {environment}{}{job}",
        measure::moment(message.at),
        message.severity.label(),
        told.sentence()
    );
    printable::line(&line).into_owned()
}

/// A colour that says how serious it is.
fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "#c62828",
        Severity::Warning => "#f9a825",
        Severity::Information => "#1565c0",
    }
}

/// A parcel as Slack takes it, and whoever takes the same: `text` and `attachments`.
///
/// Slack is told to look for no mark-up. Mattermost looks anyway: there nobody is addressed and nothing is a link.
#[must_use]
pub fn slack(parcel: &Parcel) -> Value {
    let title = unmarked(&format!("{}: {}", parcel.severity().label(), subject(parcel)));
    let (told, more) = listed(ReceiverKind::Slack, parcel);
    let told = told.into_iter().map(|told| {
        let message = &told.message;
        let mut fields = Vec::new();
        let mut field = |title: &str, value: String| {
            fields.push(json!({ "title": title, "value": unmarked(&value), "short": true }));
        };
        if let Some(environment) = &message.environment {
            field("environment", environment.to_string());
        }
        if let Some(job) = message.job {
            field("job", job.to_string());
        }
        field("event", message.topic.label().to_owned());
        field("when", measure::moment(message.at));
        let text = printable::line(&told.sentence()).into_owned();
        let text = unmarked(&cut(ReceiverKind::Slack, text));
        json!({
            "color": colour(message.severity),
            "fallback": text,
            "text": text,
            "fields": fields,
            "mrkdwn_in": [],
        })
    });
    let mut attachments: Vec<_> = told.collect();
    if let Some(more) = more {
        attachments.push(json!({ "fallback": more, "text": more, "mrkdwn_in": [] }));
    }
    json!({ "text": title, "mrkdwn": false, "attachments": attachments })
}

/// The text without what Slack and Mattermost would take for mark-up: entities, names that are addressed, links.
fn unmarked(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '@' | ']' | '!' | '`' | '*' | '_' | '~' | '#' => {
                plain.push(c);
                plain.push(NOTHING);
            }
            c => plain.push(c),
        }
    }
    // `http://…` would be a link.
    plain.replace("://", &format!(":{NOTHING}//"))
}

/// A parcel as a workflow of Microsoft Teams takes it: an adaptive card. Its texts are runs, in which no mark-up is looked
/// for.
#[must_use]
pub fn teams(parcel: &Parcel) -> Value {
    let colour = |severity| match severity {
        Severity::Critical => "attention",
        Severity::Warning => "warning",
        Severity::Information => "accent",
    };
    let block = |text: String, severity: Option<Severity>, is_title: bool| {
        let mut run = json!({ "type": "TextRun", "text": text });
        if let Some(severity) = severity {
            run["color"] = json!(colour(severity));
        }
        if is_title {
            run["weight"] = json!("bolder");
            run["size"] = json!("medium");
        }
        json!({ "type": "RichTextBlock", "inlines": [run] })
    };
    let mut body = vec![block(
        format!("{}: {}", parcel.severity().label(), subject(parcel)),
        Some(parcel.severity()),
        true,
    )];
    let (told, more) = listed(ReceiverKind::Teams, parcel);
    let lines = told.into_iter().map(|told| cut(ReceiverKind::Teams, line(told)));
    body.extend(lines.chain(more).map(|line| block(line, None, false)));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": body,
            },
        }],
    })
}

/// A parcel as ntfy takes it, for this topic.
#[must_use]
pub fn ntfy(parcel: &Parcel, topic: &str) -> Value {
    let (priority, tag) = match parcel.severity() {
        Severity::Critical => (5, "rotating_light"),
        Severity::Warning => (4, "warning"),
        Severity::Information => (3, "lifebuoy"),
    };
    json!({
        "topic": topic,
        "title": subject(parcel),
        "message": text_for(ReceiverKind::Ntfy, parcel).trim_end(),
        "priority": priority,
        "tags": [tag],
    })
}
