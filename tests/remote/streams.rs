//! Events from a service, and the link to it.

use std::time::Duration;

use lifeboat::backend::Backend;
use lifeboat::backend::link::Link;
use lifeboat::backend::remote::{Pace, Remote, RemoteSettings};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::JobKind;

use crate::made_up::{name, two_projects};
use crate::service::proxy::Proxy;
use crate::service::{Fault, quick, settings};
use crate::{PATIENCE, answer, house, next, until};

#[tokio::test]
async fn events_go_on_where_they_were_cut() {
    let (fixture, service) = house().await;
    let network = Proxy::to(&service.address).await;
    let remote = Remote::new(settings(&network.address)).unwrap();
    let mut events = remote.events();
    until(&remote, |_| service.count("GET", "/events") == 1).await;
    let told = |number| {
        Event::Job(Box::new(two_projects::job(
            number,
            "acme/live",
            JobKind::Backup,
            "manual backup",
        )))
    };
    // The stream stands once something has come through it.
    let first = loop {
        fixture.tell(told(40));
        let waited = tokio::time::timeout(Duration::from_millis(100), events.next()).await;
        if let Ok(Some(event)) = waited {
            break event;
        }
    };
    assert_eq!(first, told(40));
    network.cut();
    let down = until(&remote, |link| matches!(link, Link::Down { attempt: 3.., .. })).await;
    assert!(matches!(down, Link::Down { why, .. } if !why.is_empty()));
    fixture.tell(told(41));
    fixture.tell(told(42));
    network.mend();
    until(&remote, |link| *link == Link::Up).await;
    let mut seen = vec![next(&mut events).await];
    while seen.last() != Some(&told(42)) {
        seen.push(next(&mut events).await);
    }
    // Those from before the first one came are still in the queue; none of the later ones is lost or comes twice.
    seen.retain(|event| *event != told(40));
    assert_eq!(seen, [told(41), told(42)]);
    let resumed = service.seen();
    let resumed = resumed.iter().filter(|seen| seen.last_event_id.is_some());
    assert!(resumed.count() >= 1);
}

#[tokio::test]
async fn a_stream_that_falls_silent_or_is_none_is_opened_again() {
    let (fixture, service) = house().await;
    service.fail_next(
        "/events",
        Fault::Bytes(answer("200 OK", "text/html", "<h1>It works!</h1>")),
    );
    service.fail_next("/events", Fault::Bytes(answer("500 Oh", "text/plain", "")));
    service.fail_next(
        "/events",
        Fault::Bytes(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nid: e-0\n\nid: e-1\ndata: {\"ev"
                .to_owned(),
        ),
    );
    let pace = Pace {
        silence: Duration::from_millis(80),
        ..quick()
    };
    let remote = Remote::new(RemoteSettings {
        pace,
        ..service.settings()
    })
    .unwrap();
    let mut events = remote.events();
    let asked = service.network.has_seen(|seen| {
        let streams = seen.iter().filter(|seen| seen.path.ends_with("/events"));
        streams.count() >= 6
    });
    tokio::time::timeout(PATIENCE, asked)
        .await
        .expect("it was not opened again and again");
    fixture.tell(Event::Environment {
        name: name("acme/live"),
    });
    // What the half stream called its last event is none of this service's: it says that it cannot go on from there.
    assert_eq!(next(&mut events).await, Event::Missed);
    assert_eq!(
        next(&mut events).await,
        Event::Environment {
            name: name("acme/live")
        }
    );
}

#[tokio::test]
async fn an_answer_brings_the_link_up_before_its_time() {
    let (_, service) = house().await;
    let network = Proxy::to(&service.address).await;
    network.cut();
    let pace = Pace {
        first_wait: Duration::from_mins(10),
        longest_wait: Duration::from_mins(10),
        attempts: 1,
        ..quick()
    };
    let remote = Remote::new(RemoteSettings {
        pace,
        ..settings(&network.address)
    })
    .unwrap();
    let _events = remote.events();
    let down = |link: &Link| {
        matches!(
            link,
            Link::Down {
                next_try: Some(_),
                ..
            }
        )
    };
    until(&remote, down).await;
    network.mend();
    remote.info().await.unwrap();
    until(&remote, |link| *link == Link::Up).await;
}
