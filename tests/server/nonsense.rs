//! Requests that no client would send: whatever comes, the service answers as described, and nothing breaks.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;

use crate::house::{House, answered};

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("acme".to_owned()),
        Just("live".to_owned()),
        Just("1".to_owned()),
        Just("18446744073709551616".to_owned()),
        Just("-1".to_owned()),
        Just("protection".to_owned()),
        Just("..".to_owned()),
        Just("%00".to_owned()),
        Just("%ff%fe".to_owned()),
        Just("a".repeat(64)),
        "[a-zA-Z0-9%._~-]{0,20}",
    ]
}

fn path() -> impl Strategy<Value = String> {
    let shapes = prop::sample::select(vec![
        "/environments/{}/{}",
        "/environments/{}/{}/backups",
        "/environments/{}/{}/plans",
        "/environments/{}/{}/restores",
        "/environments/{}/{}/undo",
        "/environments/{}/{}/confirmations",
        "/environments/{}/{}/verifications",
        "/environments/{}/{}/holds/{}",
        "/environments/{}/{}/backups/{}/extensions",
        "/environments/{}/{}/backups/{}",
        "/jobs/{}",
        "/jobs/{}/log?after={}",
        "/jobs/{}/cancel",
        "/jobs?limit={}",
        "/jobs?environment={}/{}",
        "/check?environment={}/{}",
        "/activity?limit={}",
        "/notifications/seen",
        "/notifications?{}={}",
        "/{}/{}",
    ]);
    (shapes, prop::collection::vec(piece(), 4)).prop_map(|(shape, pieces)| {
        pieces
            .iter()
            .fold(shape.to_owned(), |path, piece| path.replacen("{}", piece, 1))
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let field = prop::sample::select(vec![
        "note",
        "upgrade_to",
        "backup",
        "selection",
        "without_safety",
        "from",
        "plan",
        "confirm",
        "on",
        "reason",
        "up_to",
        "x",
    ]);
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("1e400".to_owned()),
        Just("-0".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"manual\"".to_owned()),
        Just("\"acme/live\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("\"\\u0000\"".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("{\"workspaces\":[\"../x\"]}".to_owned()),
        Just("{\"instances\":[\"author\"]}".to_owned()),
        "\"[ -!#-\\[\\]-~]{0,30}\"",
    ];
    prop_oneof![
        4 => prop::collection::vec((field, value), 0..4).prop_map(|fields| {
            let fields: Vec<_> = fields.iter().map(|(field, value)| format!("\"{field}\":{value}")).collect();
            format!("{{{}}}", fields.join(",")).into_bytes()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..80),
        1 => Just("[".repeat(5_000).into_bytes()),
    ]
}

#[test]
fn nothing_that_is_sent_breaks_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (house, owner) = runtime.block_on(async {
        let house = House::with("limits = { per_token = 100000 }", "").await;
        let owner = house.owner().await;
        house.backup(&owner).await;
        (house, owner)
    });
    let config = Config {
        cases: 600,
        failure_persistence: None,
        ..Config::default()
    };
    let methods = prop::sample::select(vec![
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
    ]);
    let requests = (methods, path(), body(), "[ -~]{0,20}");
    TestRunner::new(config)
        .run(&requests, |(method, path, body, key)| {
            let request = house
                .request(method, &path, Some(&owner))
                .header("content-type", "application/json")
                .header("idempotency-key", key)
                .body(body);
            let answer = runtime.block_on(answered(request));
            prop_assert!(answer.status < 500, "{path}: {answer:?}");
            if answer.status >= 400 {
                answer.problem();
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(runtime.block_on(house.get("/info", &owner)).status, 200);
}
