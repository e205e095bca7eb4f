//! Asking instances whether they are up, against a small HTTP server on loopback.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use chrono::Duration;

use super::house::{House, OfHouse, back_up, everything, restore};
use crate::domain::environment::Answer;
use crate::domain::event::Event;
use crate::domain::job::Phase;
use crate::domain::settings::HealthSettings;
use crate::engine::{Engine, details};

pub(super) const UP: &str = r#"{"status":"UP","checks":[]}"#;
pub(super) const DOWN: &str = r#"{"status":"DOWN"}"#;

/// A server that hands each connection, with its request read, to the test.
pub(super) fn server() -> (SocketAddr, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, questions): (Sender<TcpStream>, _) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            if asked.send(stream).is_err() {
                return;
            }
        }
    });
    (address, questions)
}

pub(super) fn answer(mut stream: TcpStream, status: &str, body: &str) {
    let length = body.len();
    // One that has gone by now needs no answer.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
}

fn house(address: SocketAddr) -> House {
    let mut house = House::new();
    house.health = Some(HealthSettings::at(&format!("http://{address}/.rest/health")));
    house
}

/// Answers on a thread of its own, with these in turn.
pub(super) fn answering(questions: Receiver<TcpStream>, answers: Vec<(&'static str, &'static str)>) {
    std::thread::spawn(move || {
        for (status, body) in answers {
            answer(questions.recv().unwrap(), status, body);
        }
    });
}

#[test]
fn a_restore_waits_until_its_instances_are_up() {
    let (address, questions) = server();
    // The first answer is that of a Magnolia that is still starting.
    answering(questions, vec![("200 OK", DOWN), ("200 OK", UP), ("200 OK", UP)]);
    let house = house(address);
    let engine = house.engine();
    back_up(&engine);
    let job = restore(&engine, "manual", everything());
    assert!(!job.left_out.contains(&Phase::Health), "{:?}", job.left_out);
    let outcome = job.outcome.unwrap();
    assert_eq!(outcome.health.len(), 2);
    assert!(
        outcome.health.iter().all(|health| health.up),
        "{:?}",
        outcome.health
    );
    assert_eq!(outcome.warnings, Vec::<String>::new());
}

#[test]
fn an_instance_that_does_not_come_up_within_its_limit_is_a_warning() {
    let (address, questions) = server();
    answering(questions, vec![("503 Service Unavailable", DOWN); 100]);
    let mut house = house(address);
    house.health.as_mut().unwrap().limit = "1s".parse().unwrap();
    let engine = house.engine();
    back_up(&engine);
    let outcome = restore(&engine, "manual", everything()).outcome.unwrap();
    assert_eq!(outcome.warnings.len(), 2, "{:?}", outcome.warnings);
    assert!(
        outcome.warnings[0].contains("author is not up"),
        "{:?}",
        outcome.warnings
    );
    assert!(
        outcome.warnings[0].contains("status DOWN"),
        "{:?}",
        outcome.warnings
    );
}

#[test]
fn one_question_to_each_is_asked_at_the_same_time() {
    let (address, questions) = server();
    let house = house(address);
    let engine = house.engine();
    std::thread::spawn(move || {
        // Nobody is answered before both have asked.
        let (first, second) = (questions.recv().unwrap(), questions.recv().unwrap());
        answer(first, "200 OK", "a page, and no health module");
        answer(second, "200 OK", UP);
        answer(questions.recv().unwrap(), "200 OK", DOWN);
        answer(questions.recv().unwrap(), "404 Not Found", "");
    });
    let all = engine.of_house().ask_health();
    let names: Vec<_> = all.iter().map(|health| health.instance.as_str()).collect();
    assert_eq!(names, ["author", "public-1"]);
    assert!(all.iter().all(|health| health.up), "{all:?}");
    let all = engine.of_house().ask_health();
    let mut said: Vec<_> = all.iter().map(|health| health.detail.clone()).collect();
    said.sort_by_key(|said| !said.contains("404"));
    assert!(said[0].ends_with("status 404 Not Found"), "{said:?}");
    assert!(said[1].ends_with("status DOWN"), "{said:?}");
}

#[test]
fn an_instance_that_is_not_there_or_says_nothing_is_down() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let all = house(gone).engine().of_house().ask_health();
    assert!(!all[0].up);
    assert!(all[0].detail.contains("refused"), "{}", all[0].detail);

    let (address, _questions) = server();
    let all = house(address).engine().of_house().ask_health();
    assert!(
        all[0].detail.contains("no answer within 2 s"),
        "{}",
        all[0].detail
    );
}

fn answers(engine: &Engine) -> Vec<Option<Answer>> {
    let instances = details(engine, &House::live()).unwrap().instances;
    instances.into_iter().map(|instance| instance.answer).collect()
}

#[test]
fn looking_never_waits_and_asks_every_30_seconds_at_most() {
    let (address, questions) = server();
    let house = house(address);
    let engine = house.engine();
    let mut events = engine.0.events.subscribe();
    let mut news = || loop {
        if matches!(events.blocking_recv().unwrap(), Event::Environment { .. }) {
            return;
        }
    };
    // The server holds its answers back, and nobody waits for them; who looks again meanwhile asks nothing more.
    assert_eq!(answers(&engine), [None, None]);
    let held = [questions.recv().unwrap(), questions.recv().unwrap()];
    assert_eq!(answers(&engine), [None, None]);
    for stream in held {
        answer(stream, "200 OK", UP);
    }
    news();
    let up = Answer {
        at: engine.now(),
        up: true,
        detail: "up".to_owned(),
    };
    assert_eq!(answers(&engine), [Some(up.clone()), Some(up.clone())]);

    house.pass(Duration::seconds(29));
    assert_eq!(answers(&engine)[0].as_ref(), Some(&up));
    assert!(questions.try_recv().is_err(), "it was asked too early");

    // What is known stands, with its age, until the new answers are there.
    house.pass(Duration::seconds(1));
    assert_eq!(answers(&engine)[0].as_ref(), Some(&up));
    for _ in 0..2 {
        answer(questions.recv().unwrap(), "200 OK", DOWN);
    }
    news();
    let now = answers(&engine).remove(0).unwrap();
    assert_eq!((now.at, now.up), (engine.now(), false));
    assert!(now.detail.contains("status DOWN"), "{}", now.detail);
}
