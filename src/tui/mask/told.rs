//! Hides in what is told to the cockpit what the names on its screens do not give away: what people wrote, what machines and
//! programs said, and where things are. It is done before anything is made of it, so that no line that is broken, no page and no
//! saved file shows it.
//!
//! Where what is told has a place of its own, all of that is hidden. Sentences that are stored as one have it behind a colon, in
//! brackets or in quotes. Not in here: names ([`super::names`]).

use super::{hidden_text, is_a_host};
use crate::backend::link::Link;
use crate::backend::{BackendError, BackendInfo};
use crate::domain::activity::{Activity, Notification};
use crate::domain::backup::{Backup, Verification};
use crate::domain::check::Report;
use crate::domain::environment::Answer as Asked;
use crate::domain::event::Event;
use crate::domain::job::{Job, JobState};
use crate::domain::plan::RestorePlan;
use crate::domain::proof::{Drill, DrillOutcome};
use crate::domain::refusal::Refusal;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary};
use crate::tui::beyond::Found;
use crate::tui::message::{Answer, Message, More};

/// Hides it in what has happened.
pub(in crate::tui) fn mask(message: &mut Message) {
    match message {
        Message::Event(Event::Job(of)) => job(of),
        Message::Event(Event::Summary(of)) => summary(of),
        Message::Event(Event::Notification(of)) => news(of),
        Message::Link(Link::Down { why, .. })
        | Message::Elsewhere(_, Err(why))
        | Message::Saved(Err(why))
        | Message::Exported(Err(why))
        | Message::Reread(Found::Wrong(why)) => sentence(why),
        Message::Elsewhere(_, Ok(all)) => all.iter_mut().for_each(summary),
        Message::Info(answer) => told(answer, info),
        Message::Environments(answer) => told(answer, |all| all.iter_mut().for_each(summary)),
        Message::Details(_, answer) => told(answer, details),
        Message::Jobs(answer) => told(answer, |all| all.iter_mut().for_each(job)),
        Message::Job(answer) => told(answer, job),
        Message::Log(_, answer) => told(answer, |lines| {
            for line in lines {
                sentence(&mut line.text);
            }
        }),
        Message::More(_, _, answer) => told(answer, |more| match more {
            More::Jobs(all) => all.iter_mut().for_each(job),
            More::Activity(all) => all.iter_mut().for_each(activity),
            More::News(all) => all.iter_mut().for_each(news),
        }),
        Message::Activity(answer) => told(answer, |all| all.iter_mut().for_each(activity)),
        Message::Notifications(answer) => told(answer, |all| all.iter_mut().for_each(news)),
        Message::Checked(_, answer) => told(answer, report),
        Message::BeforeUndo(_, answer) => told(answer, |before| {
            before.written.iter_mut().for_each(sentence);
        }),
        Message::Plan(_, answer) => told(answer, plan),
        Message::Started(_, Err(error)) => failure(error),
        Message::Held(text, answer) | Message::Done(text, answer) => {
            sentence(text);
            told(answer, |()| ());
        }
        Message::Many(_, all) => {
            for (_, answer) in all {
                told(answer, |_| ());
            }
        }
        Message::Broke(answer) => told(answer, sentence),
        Message::Told(_, answer) => told(answer, |_| ()),
        Message::Collected(_, answer) => told(answer, |_| ()),
        Message::Input(_)
        | Message::Time
        | Message::Rested(_)
        | Message::Read(_)
        | Message::Alone(_)
        | Message::AskAgain(_)
        | Message::Tour(_)
        | Message::Exporting(_)
        | Message::Exported(Ok(_))
        | Message::Saved(Ok(_))
        | Message::Copied(..)
        | Message::CannotStop
        | Message::Link(Link::Up)
        | Message::Event(Event::Environment { .. } | Event::Missed)
        | Message::EventsEnded
        | Message::Reread(Found::Same | Found::Changed(_))
        | Message::Started(_, Ok(_)) => {}
    }
}

fn told<T>(answer: &mut Answer<T>, mask: impl FnOnce(&mut T)) {
    match answer {
        Ok(answer) => mask(answer),
        Err(error) => failure(error),
    }
}

fn failure(error: &mut BackendError) {
    match error {
        BackendError::Refused(refusal) => match refusal {
            Refusal::Protected { reason, .. } => all_of(reason),
            Refusal::NotNeeded(why)
            | Refusal::Obstacle(why)
            | Refusal::ByService(why)
            | Refusal::BackupHeld { why, .. }
            | Refusal::Damaged { why, .. } => sentence(why),
            _ => {}
        },
        BackendError::OutOfReach(why) | BackendError::Failed(why) => sentence(why),
        BackendError::UnknownEnvironment { .. }
        | BackendError::UnknownBackup(_)
        | BackendError::UnknownJob(_)
        | BackendError::NotThere(_) => {}
    }
}

fn info(info: &mut BackendInfo) {
    for (_, place) in &mut info.places {
        all(place);
    }
}

fn summary(of: &mut EnvironmentSummary) {
    for hold in [&mut of.maintenance, &mut of.protection].into_iter().flatten() {
        all_of(&mut hold.reason);
    }
    for why in [&mut of.failed, &mut of.trouble].into_iter().flatten() {
        sentence(why);
    }
    let causes = of.targets.iter_mut().filter_map(|target| target.cause.as_mut());
    causes.for_each(sentence);
    for of in [&mut of.last_drill, &mut of.last_proven].into_iter().flatten() {
        drill(of);
    }
    if let Some(asked) = &mut of.asked {
        asked
            .warnings
            .iter_mut()
            .chain(&mut asked.moved)
            .for_each(sentence);
    }
    of.job.iter_mut().for_each(job);
}

fn details(of: &mut EnvironmentDetails) {
    summary(&mut of.summary);
    for instance in &mut of.instances {
        all(&mut instance.content);
        all_of(&mut instance.health);
        answered(&mut instance.answer);
        for node in &mut instance.nodes {
            all_of(&mut node.health);
            answered(&mut node.answer);
        }
    }
    of.versions_problem.iter_mut().for_each(sentence);
    of.last_scheduled.iter_mut().for_each(job);
    of.backups.iter_mut().for_each(backup);
    all(&mut of.repository);
    if let Some(copies) = &mut of.copies {
        all(&mut copies.repository);
        copies.trouble.iter_mut().for_each(sentence);
        copies
            .backups
            .iter_mut()
            .for_each(|copy| backup(&mut copy.backup));
    }
    for tables in &mut of.replaced {
        all(&mut tables.schema);
    }
}

fn answered(answer: &mut Option<Asked>) {
    if let Some(answer) = answer {
        all(&mut answer.detail);
    }
}

fn backup(of: &mut Backup) {
    all_of(&mut of.manifest.note);
    if let Some(pin) = &mut of.manifest.pin {
        all_of(&mut pin.note);
    }
    if let Verification::Damaged { why, .. } = &mut of.verification {
        sentence(why);
    }
    of.drill.iter_mut().for_each(drill);
}

fn drill(of: &mut Drill) {
    if let DrillOutcome::Failed { why } = &mut of.outcome {
        sentence(why);
    }
}

fn job(of: &mut Job) {
    match &mut of.state {
        JobState::Waiting { why, .. } | JobState::Failed { why } => sentence(why),
        JobState::Running | JobState::Done | JobState::Cancelled => {}
    }
    if let Some(outcome) = &mut of.outcome {
        sentence(&mut outcome.summary);
        outcome.warnings.iter_mut().for_each(sentence);
        outcome
            .health
            .iter_mut()
            .for_each(|health| all(&mut health.detail));
    }
}

fn plan(of: &mut RestorePlan) {
    backup(&mut of.backup);
    of.obstacles.iter_mut().for_each(sentence);
    of.warnings.iter_mut().for_each(sentence);
    of.room.iter_mut().for_each(|room| all(&mut room.folder));
}

fn report(of: &mut Report) {
    for finding in &mut of.findings {
        // The name of a receiver stands behind the word for it.
        if let Some((word, name)) = finding.about.split_once(' ')
            && word == "receiver"
        {
            finding.about = format!("{word} {}", hidden_text(name));
            all(&mut finding.detail);
        } else {
            sentence(&mut finding.detail);
        }
    }
}

fn activity(of: &mut Activity) {
    sentence(&mut of.what);
    all_of(&mut of.from);
}

fn news(of: &mut Notification) {
    // What is told of an environment begins with its name, and that is hidden as one.
    let name = of.environment.as_ref().map(|name| format!("{name}: "));
    let name = name.filter(|name| of.text.starts_with(name)).unwrap_or_default();
    let mut text = of.text.split_off(name.len());
    sentence(&mut text);
    of.text.push_str(&text);
}

fn all(text: &mut String) {
    *text = hidden_text(text);
}

fn all_of(text: &mut Option<String>) {
    text.iter_mut().for_each(all);
}

/// Hides in a sentence what somebody else has said: what stands behind a colon, in brackets or in quotes, and machines.
fn sentence(text: &mut String) {
    let own = text.find(": ").map_or(text.len(), |colon| colon + 1);
    let (own, said) = text.split_at(own);
    let mut masked = String::with_capacity(text.len());
    for (index, part) in own.split('"').enumerate() {
        if index > 0 {
            masked.push('"');
        }
        if index % 2 == 1 {
            masked.push_str(&hidden_text(part));
            continue;
        }
        for (index, part) in part.split('(').enumerate() {
            let (inner, rest) = match part.split_once(')') {
                Some((inner, rest)) if index > 0 => (inner, format!("){rest}")),
                _ if index > 0 => (part, String::new()),
                _ => ("", part.to_owned()),
            };
            if index > 0 {
                masked.push('(');
                masked.push_str(&hidden_text(inner));
            }
            for word in rest.split_inclusive(' ') {
                let is_host = is_a_host(word.trim());
                masked.push_str(&if is_host {
                    hidden_text(word)
                } else {
                    word.to_owned()
                });
            }
        }
    }
    *text = masked + &hidden_text(said);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::environment::EnvironmentKind;
    use crate::domain::principal::Principal;
    use crate::domain::state::Hold;

    fn masked(text: &str) -> String {
        let mut text = text.to_owned();
        sentence(&mut text);
        text
    }

    #[test]
    fn what_somebody_else_said_is_hidden_in_sentences() {
        for (text, shown) in [
            (
                "protected, restores are refused: the site of Acme, 12 pages",
                "protected, restores are refused: xxx xxxx xx xxxx, 00 xxxxx",
            ),
            (
                "the receiver \"pager\" takes nothing, 3 attempts have failed: mail.acme.example said no",
                "the receiver \"xxxxx\" takes nothing, 3 attempts have failed: xxxx.xxxx.xxxxxxx xxxx xx",
            ),
            (
                "mail.acme.example:25 was not reached at 10:33",
                "xxxx.xxxx.xxxxxxx:00 was not reached at 10:33",
            ),
            (
                "acme/live is protected (of Kim) since 2 h",
                "acme/live is protected (xx xxx) since 2 h",
            ),
            ("no longer protected", "no longer protected"),
            (
                "deployed v12 on Magnolia 6.3.4.",
                "deployed v12 on Magnolia 6.3.4.",
            ),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn a_reason_is_hidden_wherever_it_is_told() {
        let now = crate::domain::Instant::UNIX_EPOCH;
        let name: crate::domain::environment::EnvironmentName = "acme/live".parse().unwrap();
        let mut of = EnvironmentSummary::unread(name.clone(), EnvironmentKind::Live);
        of.protection = Some(Hold {
            reason: Some("geheim reason".to_owned()),
            since: now,
            by: Principal::Lifeboat,
        });
        of.trouble = Some("nothing has reached the receiver \"geheim\" for 3 h: geheim".to_owned());
        let activity = Activity {
            number: 1,
            at: now,
            by: Principal::Lifeboat,
            environment: Some(name.clone()),
            what: "pinned for ever: geheim note".to_owned(),
            job: None,
            severity: crate::domain::activity::Severity::Warning,
            from: Some("geheim.example".to_owned()),
            request: None,
        };
        let news = Notification {
            number: 1,
            at: now,
            severity: crate::domain::activity::Severity::Warning,
            environment: Some(name),
            text: "acme/live: nobody else has agreed to it, somebody broke glass: geheim".to_owned(),
            job: None,
            seen: false,
        };
        let refused = Refusal::Protected {
            environment: "acme/live".parse().unwrap(),
            reason: Some("geheim".to_owned()),
        };
        let finding = crate::domain::check::Finding {
            environment: None,
            instance: None,
            about: "receiver geheim".to_owned(),
            verdict: crate::domain::check::Verdict::Ok,
            detail: "geheim through http://geheim.example".to_owned(),
        };
        let report = Report {
            findings: vec![finding],
        };
        for mut message in [
            Message::Environments(Ok(vec![of.clone()])),
            Message::Event(Event::Summary(Box::new(of))),
            Message::Activity(Ok(vec![activity.clone()])),
            Message::More(
                crate::tui::model::looks::ListKind::Activity,
                1,
                Ok(More::Activity(vec![activity])),
            ),
            Message::Event(Event::Notification(news.clone())),
            Message::Notifications(Ok(vec![news])),
            Message::Done(String::new(), Err(refused.into())),
            Message::Held("acme/live is protected: geheim".to_owned(), Ok(())),
            Message::Checked("acme/live".parse().unwrap(), Ok(report)),
        ] {
            mask(&mut message);
            let shown = format!("{message:?}");
            assert!(!shown.contains("geheim"), "{shown}");
            let is_news = shown.contains("Notification");
            assert!(!is_news || shown.contains("nobody else has agreed"), "{shown}");
        }
    }
}
