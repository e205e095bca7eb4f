//! What is told, to whom, when and in which form.

use chrono::Duration;

use super::*;
use crate::domain::limit::TimeLimit;

fn message(topic: Topic, severity: Severity, environment: Option<&str>, text: &str) -> Message {
    Message {
        topic,
        severity,
        at: "2026-11-30T02:10:00Z".parse().unwrap(),
        environment: environment.map(|name| name.parse().unwrap()),
        job: Some(JobId(17)),
        text: text.to_owned(),
    }
}

fn parcel(told: Vec<Told>) -> Parcel {
    Parcel {
        id: "7".to_owned(),
        sent: "2026-11-30T02:10:05Z".parse().unwrap(),
        told,
    }
}

fn receiver(change: impl FnOnce(&mut ReceiverSettings)) -> Receiver {
    let mut settings = ReceiverSettings::of("ops", ReceiverKind::Webhook);
    settings.url = Some("https://hooks.example.com/x".to_owned());
    change(&mut settings);
    Receiver {
        settings,
        rounds: false,
    }
}

#[test]
fn a_pattern_names_environments_by_project_and_name() {
    let names = |pattern: &str, name: &str| pattern.parse::<Pattern>().unwrap().names(&name.parse().unwrap());
    assert!(names("acme", "acme/live") && names("acme", "acme/other"));
    assert!(names("acme/*", "acme/live") && !names("acme/*", "acmes/live"));
    assert!(names("*/live", "beta/live") && !names("*/live", "beta/live2"));
    assert!(names("a*e/l*", "acme/live") && !names("a*a/l*", "acme/live"));
    assert!(names("*", "acme/live"));
    assert!(names("aa*a/x", "aaba/x") && !names("aa*aa/x", "aaa/x"));
    for wrong in ["", "/", "acme/", "a/b/c", "a b", "é/live"] {
        assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
    }
}

#[test]
fn who_names_no_events_is_told_of_warnings_and_who_names_some_of_all_of_those() {
    let failed = message(Topic::BackupFailed, Severity::Critical, Some("acme/live"), "x");
    let done = message(Topic::BackupDone, Severity::Information, Some("acme/live"), "x");
    let all = receiver(|_| {});
    assert!(all.wants(&failed) && !all.wants(&done));
    let named = receiver(|settings| settings.events = vec![Topic::BackupDone]);
    assert!(!named.wants(&failed) && named.wants(&done));
    let restored = message(Topic::RestoreDone, Severity::Information, Some("acme/live"), "x");
    assert!(
        all.wants(&restored),
        "who hears of its beginning hears of its end"
    );
    let grave = receiver(|settings| settings.severity = Some(Severity::Critical));
    assert!(grave.wants(&failed));
    let begun = message(Topic::BackupBegun, Severity::Warning, Some("acme/live"), "x");
    assert!(
        !all.wants(&begun),
        "beginnings of backups are for those who ask for them"
    );
}

#[test]
fn who_names_environments_hears_of_no_other() {
    let of_beta = receiver(|settings| settings.environments = vec!["beta".parse().unwrap()]);
    assert!(!of_beta.wants(&message(
        Topic::Attention,
        Severity::Critical,
        Some("acme/live"),
        "x"
    )));
    assert!(of_beta.wants(&message(
        Topic::Attention,
        Severity::Critical,
        Some("beta/live"),
        "x"
    )));
    assert!(!of_beta.wants(&message(Topic::Attention, Severity::Critical, None, "x")));
}

#[test]
fn in_quiet_hours_only_what_is_critical_is_told_at_once() {
    let quiet = Quiet("22:00-07:00".parse().unwrap());
    let at = |text: &str| text.parse::<Instant>().unwrap();
    let until = |text: &str| quiet.holds_until(Severity::Warning, at(text));
    assert_eq!(until("2026-11-30T02:10:33Z"), Some(at("2026-11-30T07:00:00Z")));
    assert_eq!(until("2026-11-29T22:00:00Z"), Some(at("2026-11-30T07:00:00Z")));
    assert_eq!(until("2026-11-30T07:00:00Z"), None);
    assert_eq!(until("2026-11-30T21:59:59Z"), None);
    assert_eq!(
        quiet.holds_until(Severity::Critical, at("2026-11-30T02:10:00Z")),
        None
    );
}

#[test]
fn repeats_differ_in_their_numbers_alone() {
    let of = |text: &str| {
        folds_with(&message(
            Topic::BackupFailed,
            Severity::Critical,
            Some("acme/live"),
            text,
        ))
    };
    assert_eq!(
        of("job 17 failed: 3 MB are missing"),
        of("job 180 failed: 12 MB are missing")
    );
    assert_ne!(of("no room"), of("no key"));
    let once = Told::once(message(Topic::News, Severity::Warning, None, "no room"));
    assert_eq!(once.sentence(), "no room");
    let again = Told {
        times: 4,
        ..once.clone()
    };
    assert_eq!(again.sentence(), "no room (3 more times since 02:10 UTC)");
    let repeats = Told {
        times: 1,
        follows: true,
        ..once
    };
    assert_eq!(repeats.sentence(), "no room (once more since 02:10 UTC)");
}

#[test]
fn a_receiver_that_fails_is_asked_less_and_less_often() {
    assert_eq!(retry_after(1, 0), Duration::seconds(15));
    assert_eq!(retry_after(3, 0), Duration::seconds(60));
    assert_eq!(retry_after(40, 0), Duration::minutes(30));
    let jittered = retry_after(1, 255);
    assert!(
        jittered < Duration::seconds(15) && jittered > Duration::seconds(11),
        "{jittered}"
    );
}

#[test]
fn what_is_wrong_with_a_receiver_is_a_sentence() {
    let wrong = |kind, change: &dyn Fn(&mut ReceiverSettings)| {
        let mut settings = ReceiverSettings::of("ops", kind);
        change(&mut settings);
        settings.wrong().unwrap_or_default()
    };
    assert!(wrong(ReceiverKind::Webhook, &|_| {}).contains("has no url"));
    assert!(
        wrong(ReceiverKind::Slack, &|it| it.url = Some("ftp://x".into())).contains("begins with https://")
    );
    let both = |it: &mut ReceiverSettings| {
        it.url = Some("https://x".into());
        it.url_env = Some("URL".into());
    };
    assert!(wrong(ReceiverKind::Teams, &both).contains("several places"));
    let foreign = |it: &mut ReceiverSettings| {
        it.url = Some("https://x".into());
        it.to = vec!["ops@example.com".into()];
    };
    assert!(wrong(ReceiverKind::Ntfy, &foreign).contains("to means nothing"));
    let clear = |it: &mut ReceiverSettings| {
        it.server = Some("mail".into());
        it.from = Some("a@b.c".into());
        it.to = vec!["d@e.f".into()];
        it.tls = Some(MailTls::None);
        it.user = Some("olga".into());
        it.password_env = Some("P".into());
    };
    assert!(wrong(ReceiverKind::Email, &clear).contains("without encryption"));
    assert!(wrong(ReceiverKind::Command, &|it| it.command = vec![" ".into()]).contains("names no program"));
    assert_eq!(
        wrong(ReceiverKind::Command, &|it| it.command = vec!["page".into()]),
        ""
    );
}

#[test]
fn a_dead_mans_switch_is_called_for_one_thing() {
    let mut alive = AliveSettings {
        name: "all".into(),
        rounds: true,
        environments: Vec::new(),
        url: Some("https://hc.example.com/1".into()),
        url_file: None,
        url_command: None,
        url_env: None,
        ca_file: None,
        limit: TimeLimit::seconds(10),
    };
    assert_eq!(alive.wrong(), None);
    alive.environments = vec!["acme".parse().unwrap()];
    assert!(alive.wrong().unwrap().contains("one thing"));
    alive.rounds = false;
    assert_eq!(alive.wrong(), None);
    let [of_backups] = Receiver::all(&[], &[alive]).try_into().unwrap();
    let told = |topic| of_backups.wants(&message(topic, Severity::Information, Some("acme/live"), "x"));
    assert!(told(Topic::BackupBegun) && told(Topic::BackupDone) && told(Topic::BackupFailed));
    assert!(!told(Topic::RestoreDone));
}

#[test]
fn hostile_texts_are_text_in_every_form() {
    let hostile = "page <!channel> <https://evil|click> @here [click](https://evil) *b* &amp;\r\nBcc: eve@evil\u{1b}[2J";
    let told = Told::once(message(
        Topic::BackupFailed,
        Severity::Critical,
        Some("acme/live"),
        hostile,
    ));
    let parcel = parcel(vec![told]);
    let is_safe = |text: &str| {
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text}");
    };
    let slack = slack(&parcel);
    let text = slack["attachments"][0]["text"].as_str().unwrap();
    is_safe(text);
    for mark in ["<!", "<http", "@here", "](", "://", "*b*"] {
        assert!(!text.contains(mark), "{mark} is in {text}");
    }
    assert_eq!(slack["mrkdwn"], false);
    let teams = teams(&parcel);
    let run = &teams["attachments"][0]["content"]["body"][1]["inlines"][0];
    assert_eq!(run["type"], "TextRun");
    is_safe(run["text"].as_str().unwrap());
    let mail = plain_text(&parcel);
    assert_eq!(
        mail.lines().count(),
        1,
        "nothing begins a line of its own: {mail}"
    );
    is_safe(&mail);
    assert_eq!(subject(&parcel), "acme/live: backup failed");
    is_safe(ntfy(&parcel, "ops")["message"].as_str().unwrap());
}

#[test]
fn a_webhook_gets_the_facts_and_a_digest_all_of_them() {
    let failed = Told::once(message(
        Topic::BackupFailed,
        Severity::Critical,
        Some("acme/live"),
        "no room",
    ));
    let one = webhook(&parcel(vec![failed.clone()]));
    assert_eq!(one["event"], "backup_failed");
    assert_eq!(
        (&one["environment"], &one["job"], &one["times"]),
        (&"acme/live".into(), &17.into(), &1.into())
    );
    assert_eq!((&one["form"], &one["id"]), (&1.into(), &"7".into()));
    let late = Told::once(message(
        Topic::BackupLate,
        Severity::Warning,
        Some("acme/live"),
        "late",
    ));
    let digest = webhook(&parcel(vec![late, failed]));
    assert_eq!(
        (&digest["event"], &digest["severity"]),
        (&"digest".into(), &"critical".into())
    );
    assert_eq!(digest["events"].as_array().unwrap().len(), 2);
    assert_eq!(digest["title"], "2 events: 1 critical, 1 warning");
}

fn many(count: usize, severity: Severity, text: &str) -> Vec<Told> {
    let told = |number| {
        let text = format!("{text} {number}");
        Told::once(message(Topic::Attention, severity, Some("acme/live"), &text))
    };
    (0..count).map(told).collect()
}

#[test]
fn people_read_what_is_critical_first_and_what_is_no_news_is_counted() {
    let mut told = many(22, Severity::Information, "maintenance mode is on");
    told.push(Told::once(message(
        Topic::BackupFailed,
        Severity::Critical,
        Some("acme/live"),
        "no room",
    )));
    let portions = portions(ReceiverKind::Email, &told);
    assert_eq!(portions.len(), 1);
    assert_eq!((portions[0].len(), portions[0][0]), (23, 22));
    let parcel = parcel(told);
    assert_eq!(subject(&parcel), "23 events: 1 critical");
    let mail = plain_text(&parcel);
    assert!(mail.lines().next().unwrap().contains("no room"), "{mail}");
    assert!(
        mail.ends_with("and 3 more: `lifeboat activity` lists them\n"),
        "{mail}"
    );
    assert_eq!(slack(&parcel)["attachments"][0]["text"], "no room");
    let card = &teams(&parcel)["attachments"][0]["content"]["body"];
    assert!(
        card[1]["inlines"][0]["text"]
            .as_str()
            .unwrap()
            .contains("no room"),
        "{card}"
    );
    let ntfy = ntfy(&parcel, "ops");
    assert!(
        ntfy["message"]
            .as_str()
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .contains("no room"),
        "{ntfy}"
    );
    // Programs get all of it, in the order in which it happened.
    assert_eq!(webhook(&parcel)["events"][22]["text"], "no room");
}

#[test]
fn nothing_grave_is_only_counted() {
    for kind in [
        ReceiverKind::Slack,
        ReceiverKind::Teams,
        ReceiverKind::Ntfy,
        ReceiverKind::Email,
    ] {
        let long = format!("no room, {}", "and that is said at length ".repeat(150));
        let mut told = many(30, Severity::Information, "good to know");
        told.extend(many(3, Severity::Critical, &long));
        told.extend(many(41, Severity::Warning, "look at this"));
        let portions = portions(kind, &told);
        let mut places: Vec<_> = portions.iter().flatten().copied().collect();
        assert!(
            places[..3].iter().all(|place| (30..33).contains(place)),
            "{places:?}"
        );
        places.sort_unstable();
        assert_eq!(
            places,
            (0..told.len()).collect::<Vec<_>>(),
            "each is in one of them"
        );
        let mut shown = 0;
        for portion in portions {
            let parcel = parcel(portion.iter().map(|place| told[*place].clone()).collect());
            let grave = parcel
                .told
                .iter()
                .filter(|told| told.message.severity > Severity::Information)
                .count();
            let text = match kind {
                ReceiverKind::Slack => slack(&parcel).to_string(),
                ReceiverKind::Teams => teams(&parcel).to_string(),
                ReceiverKind::Ntfy => ntfy(&parcel, "ops")["message"].as_str().unwrap().to_owned(),
                _ => plain_text(&parcel),
            };
            let most = match kind {
                ReceiverKind::Ntfy => 4_096,
                ReceiverKind::Email => usize::MAX,
                _ => 28_000,
            };
            assert!(text.len() < most, "{} bytes for {}", text.len(), kind.word());
            let once = if kind == ReceiverKind::Slack { 2 } else { 1 };
            let said = text.matches("no room").count() + text.matches("look at this").count();
            assert_eq!(said, grave * once, "{text}");
            shown += grave;
        }
        assert_eq!(shown, 44);
    }
}

#[test]
fn a_parcel_for_a_program_is_not_parted() {
    let told = many(45, Severity::Critical, "no room");
    assert_eq!(
        portions(ReceiverKind::Webhook, &told),
        [(0..45).collect::<Vec<_>>()]
    );
    assert_eq!(portions(ReceiverKind::Command, &told).len(), 1);
}

#[test]
fn what_somebody_does_to_live_is_no_repeat_and_a_success_ends_a_failure() {
    for topic in [
        Topic::RestoreBegun,
        Topic::RestoreDone,
        Topic::RestoreFailed,
        Topic::TargetMissed,
    ] {
        assert_eq!(Folding::of(topic), Folding::Never);
    }
    assert_eq!(Folding::of(Topic::BackupFailed), Folding::Repeats);
    for (one, other) in [
        (Topic::BackupDone, Topic::BackupFailed),
        (Topic::VerifyDone, Topic::VerifyFailed),
        (Topic::DrillDone, Topic::DrillFailed),
    ] {
        assert!(ends_folding_of(one).contains(&other) && ends_folding_of(other).contains(&one));
    }
    let failed = message(
        Topic::BackupFailed,
        Severity::Critical,
        Some("acme/live"),
        "no room",
    );
    let environment = failed.environment.as_ref();
    assert!(folds_with(&failed).starts_with(&folds_of(Topic::BackupFailed, environment)));
    assert!(!folds_with(&failed).starts_with(&folds_of(Topic::BackupDone, environment)));
}
