//! Each kind of receiver on loopback: dead man's switches, mail, commands, chats.

use std::fs;

use super::house::{House, back_up, ended};
use super::notify::{house, private, receiver, warn};
use super::receivers::{Listener, MailServer};
use crate::domain::notify::{AliveSettings, Receiver, ReceiverKind};

pub(super) fn alive(listener: &Listener, rounds: bool) -> Receiver {
    let alive = AliveSettings {
        name: if rounds { "rounds" } else { "backups" }.into(),
        rounds,
        environments: if rounds {
            Vec::new()
        } else {
            vec!["acme".parse().unwrap()]
        },
        url: Some(listener.url("/ping/{project}-{environment}?create=1")),
        url_file: None,
        url_command: None,
        url_env: None,
        ca_file: None,
        limit: crate::domain::limit::TimeLimit::seconds(10),
    };
    assert_eq!(alive.wrong(), None);
    Receiver::all(&[], &[alive]).pop().unwrap()
}

#[test]
fn a_dead_mans_switch_hears_of_the_beginning_and_the_end_of_each_backup() {
    let listener = Listener::new();
    let mut house = house(vec![alive(&listener, false)]);
    let engine = house.engine();
    back_up(&engine);
    back_up(&engine);
    while engine.notifier().deliver_due() > 0 {}
    let paths: Vec<_> = listener.heard().into_iter().map(|it| it.path).collect();
    let (start, good) = ("/ping/acme-live/start?create=1", "/ping/acme-live?create=1");
    assert_eq!(
        paths,
        [start, good, start, good],
        "each counts, and the same is not folded"
    );
    drop(engine);
    house.instances = vec!["nowhere"];
    let engine = house.engine();
    let job = engine
        .live(&House::live())
        .unwrap()
        .start_backup(&super::house::manual())
        .unwrap();
    ended(&engine, job);
    while engine.notifier().deliver_due() > 0 {}
    let [_, failed] = listener.heard().try_into().unwrap();
    assert_eq!(failed.path, "/ping/acme-live/fail?create=1");
    assert!(failed.body.contains("manual backup failed"), "{}", failed.body);
    // A test passes for neither, and has the name of one that it is called for.
    assert!(engine.notifier().test(None).unwrap()[0].delivered);
    let [test] = listener.heard().try_into().unwrap();
    assert_eq!(test.path, "/ping/acme-live/log?create=1");
}

#[test]
fn a_dead_mans_switch_hears_of_each_round_of_the_schedule() {
    let listener = Listener::new();
    let house = house(vec![alive(&listener, true)]);
    let engine = house.engine();
    let scheduler = engine.schedule().keep();
    assert_eq!(
        listener.hears().path,
        "/ping/%7Bproject%7D-%7Benvironment%7D?create=1"
    );
    drop(scheduler);
}

#[test]
fn mail_is_sent_encrypted_and_no_name_writes_a_header() {
    for at_once in [false, true] {
        let mut house = house(Vec::new());
        let server = MailServer::new(house.folder.path(), at_once);
        let password = private(&house, "password", "pass word\n");
        let authority = house.path("authority.pem");
        house.receivers = vec![receiver("mail", ReceiverKind::Email, |it| {
            it.server = Some("localhost".into());
            it.port = Some(server.port);
            it.tls = Some(if at_once {
                crate::domain::notify::MailTls::Tls
            } else {
                crate::domain::notify::MailTls::Starttls
            });
            it.user = Some("lifeboat".into());
            it.password_file = Some(password);
            it.ca_file = Some(authority);
            it.from = Some("Lifeboat <lifeboat@example.com>".into());
            it.to = vec!["ops@example.com".into(), "Ölga <olga@example.com>".into()];
        })];
        let engine = house.engine();
        warn(&engine, "page \"x\r\nBcc: eve@evil.example\r\n\r\n<b>\" is gone");
        assert_eq!(
            engine.notifier().deliver_due(),
            1,
            "{:?}",
            engine.notifier().standings()
        );
        let [mail] = server.taken().try_into().unwrap();
        assert!(mail.was_encrypted);
        assert_eq!(mail.account.as_deref(), Some("AGxpZmVib2F0AHBhc3Mgd29yZA=="));
        assert_eq!(mail.to.len(), 2, "{:?}", mail.to);
        let (head, body) = mail.text.split_once("\n\n").unwrap();
        assert!(
            head.contains("Subject: [warning] acme/live: needs attention"),
            "{head}"
        );
        assert!(
            !head.contains("Bcc") && head.contains("Auto-Submitted: auto-generated"),
            "{head}"
        );
        assert!(body.contains("is gone"), "{body}");
    }
}

#[test]
fn a_mail_server_that_nobody_vouches_for_gets_nothing() {
    let mut house = house(Vec::new());
    let server = MailServer::new(house.folder.path(), false);
    house.receivers = vec![receiver("mail", ReceiverKind::Email, |it| {
        it.server = Some("localhost".into());
        it.port = Some(server.port);
        it.from = Some("lifeboat@example.com".into());
        it.to = vec!["ops@example.com".into()];
    })];
    let engine = house.engine();
    let [test] = engine.notifier().test(Some("mail")).unwrap().try_into().unwrap();
    assert!(!test.delivered);
    assert!(test.detail.contains("ca_file"), "{}", test.detail);
    assert_eq!(server.taken().len(), 0);
    let why = engine.notifier().test(Some("nobody")).unwrap_err().to_string();
    assert!(why.contains("the configuration has mail"), "{why}");
}

#[test]
fn a_command_gets_the_event_and_none_of_the_secrets() {
    let mut house = house(Vec::new());
    let heard = house.path("heard");
    house.receivers = vec![receiver("page", ReceiverKind::Command, |it| {
        let script = format!("cat > {}", heard.display());
        it.command = vec!["sh".into(), "-c".into(), script];
    })];
    let engine = house.engine();
    warn(&engine, "the disk is nearly full");
    assert_eq!(engine.notifier().deliver_due(), 1);
    let told: serde_json::Value = serde_json::from_str(&fs::read_to_string(&heard).unwrap()).unwrap();
    assert_eq!(told["text"], "the disk is nearly full");
    drop(engine);
    house.receivers = vec![receiver("page", ReceiverKind::Command, |it| {
        it.command = vec!["sh".into(), "-c".into(), "exec sleep 600".into()];
        it.limit = crate::domain::limit::TimeLimit::seconds(1);
    })];
    let engine = house.engine();
    let [test] = engine.notifier().test(None).unwrap().try_into().unwrap();
    assert!(test.detail.contains("within 1s"), "{}", test.detail);
}

#[test]
fn chats_get_what_they_take() {
    let listener = Listener::new();
    let mut house = house(Vec::new());
    let url = private(
        &house,
        "url",
        &format!("{}\n", listener.url("/services/T0/SECRET")),
    );
    let token = private(&house, "token", "tk_1\n");
    house.receivers = vec![
        receiver("slack", ReceiverKind::Slack, |it| it.url_file = Some(url)),
        receiver("teams", ReceiverKind::Teams, |it| {
            it.url = Some(listener.url("/workflow"));
        }),
        receiver("ntfy", ReceiverKind::Ntfy, |it| {
            it.url = Some(listener.url("/ops"));
            it.token_file = Some(token);
        }),
    ];
    let engine = house.engine();
    warn(&engine, "the disk is nearly full");
    assert_eq!(engine.notifier().deliver_due(), 3);
    let mut heard = listener.heard();
    heard.sort_by(|one, other| one.path.cmp(&other.path));
    let [ntfy, slack, teams] = heard.try_into().unwrap();
    assert_eq!((ntfy.path.as_str(), &ntfy.json()["topic"]), ("/", &"ops".into()));
    assert_eq!(ntfy.headers["authorization"], "Bearer tk_1");
    assert_eq!(slack.path, "/services/T0/SECRET");
    assert_eq!(slack.json()["attachments"][0]["text"], "the disk is nearly full");
    assert_eq!(teams.json()["attachments"][0]["content"]["type"], "AdaptiveCard");
    listener.answers(404);
    warn(&engine, "another thing");
    engine.notifier().deliver_due();
    let told = serde_json::to_string(&engine.notifier().standings().unwrap()).unwrap();
    assert!(!told.contains("SECRET") && !told.contains("tk_1"), "{told}");
}
