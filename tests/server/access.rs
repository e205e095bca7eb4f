//! Who is let in, and what each may do.

use std::collections::BTreeSet;

use lifeboat::clock::{Clock, SystemClock};
use lifeboat::domain::token::Role;
use lifeboat::server::document;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{House, Token, answered};

/// Every operation of the description, with its smallest role.
fn operations() -> Vec<(Method, String, Role)> {
    let document = document();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path
                .replace("{project}", "acme")
                .replace("{environment}", "live")
                .replace("{id}", "1")
                .replace("{backup}", &"a".repeat(64))
                .replace("{hold}", "protection");
            let method = method.to_uppercase().parse().unwrap();
            operations.push((
                method,
                path,
                operation["x-role"].as_str().unwrap().parse().unwrap(),
            ));
        }
    }
    operations
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_anything_without_a_token_that_is_good() {
    let house = House::with("limits = { per_address = 1000 }", "").await;
    let now = SystemClock.now();
    let expired = house
        .token_with("old", Role::Owner, &[], |token| token.expires = Some(now))
        .await;
    let revoked = house
        .token_with("gone", Role::Owner, &[], |token| token.revoked = Some(now))
        .await;
    let unknown = Token(format!("lb_{}", "A".repeat(43)));
    let mut texts = BTreeSet::new();
    for (method, path, _) in operations() {
        for (which, token) in [
            ("none", None),
            ("unknown", Some(&unknown)),
            ("odd", Some(&Token("x".to_owned()))),
            ("expired", Some(&expired)),
            ("revoked", Some(&revoked)),
        ] {
            let mut answer = answered(
                house
                    .request(method.clone(), &path, token)
                    .header("x-request-id", "r"),
            )
            .await;
            assert_eq!(
                (answer.status, answer.kind().as_str()),
                (401, "unauthorized"),
                "{method} {path} {which}"
            );
            assert_eq!(answer.headers.remove("www-authenticate").unwrap(), "Bearer");
            texts.insert(answer.text);
        }
    }
    assert_eq!(
        texts.len(),
        1,
        "which of them it was, and whether the thing is there, is not told"
    );
    let owner = house.owner().await;
    assert_eq!(house.get("/jobs", &owner).await.json(), json!([]));
    assert_eq!(house.get("/activity", &owner).await.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_its_part_and_no_more() {
    let house = House::new().await;
    let mut refused = 0;
    for role in Role::ALL {
        let token = house.token(role.label(), role, &[]).await;
        for (method, path, needed) in operations() {
            if path.ends_with("/events") {
                continue;
            }
            let answer = answered(house.request(method.clone(), &path, Some(&token))).await;
            if role < needed {
                assert_eq!(
                    (answer.status, answer.kind().as_str()),
                    (403, "forbidden"),
                    "{role}: {method} {path}"
                );
                // Whoever only asks changes nothing, and is not written down.
                refused += usize::from(method != reqwest::Method::GET);
            } else {
                // Without a body most are not understood; what matters is that they were let through.
                assert!(
                    !matches!(answer.status, 401 | 403 | 500..) || answer.kind() == "not_a_demo",
                    "{role}: {method} {path}: {answer:?}"
                );
            }
        }
    }
    let owner = house.owner().await;
    assert_eq!(house.get("/jobs", &owner).await.json(), json!([]));
    let entries = house.get("/activity?limit=1000", &owner).await.json();
    let tries = entries.as_array().unwrap().iter().filter(|entry| {
        entry["what"].as_str().unwrap().contains("has the role") && entry["severity"] == "warning"
    });
    assert_eq!(tries.count(), refused, "{entries}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_project_sees_nothing_of_another() {
    let house = House::new().await;
    let owner = house.owner().await;
    let theirs = house.backup(&owner).await;
    let globex = house.token("gina", Role::Owner, &["globex"]).await;
    let started = house
        .post("/environments/globex/live/backups", &globex, json!({}))
        .await;
    house.ended(&started, &globex).await;
    for (path, field) in [
        ("/environments", "name"),
        ("/jobs", "environment"),
        ("/activity", "environment"),
        ("/notifications", "environment"),
    ] {
        let list = house.get(path, &globex).await.json();
        let list = list.as_array().unwrap();
        assert!(!list.is_empty(), "{path}");
        assert!(
            list.iter().all(|entry| entry[field] == "globex/live"),
            "{path}: {list:?}"
        );
    }
    let report = house.get("/check", &globex).await.text;
    assert!(report.contains("globex") && !report.contains("acme"), "{report}");
    assert_eq!(house.get("/info", &globex).await.json()["places"], json!([]));
    for (method, path) in [
        (Method::GET, "/environments/acme/live".to_owned()),
        (Method::GET, "/check?environment=acme/live".to_owned()),
        (Method::GET, "/jobs?environment=acme/live".to_owned()),
        (Method::GET, format!("/jobs/{}", theirs["id"])),
        (Method::GET, format!("/jobs/{}/log", theirs["id"])),
        (Method::POST, format!("/jobs/{}/cancel", theirs["id"])),
        (Method::POST, "/environments/acme/live/backups".to_owned()),
        (Method::POST, "/environments/acme/live/undo".to_owned()),
        (Method::POST, "/environments/acme/live/plans".to_owned()),
    ] {
        let body: Value = json!({ "confirm": "acme/live" });
        let answer = if method == Method::GET {
            house.get(&path, &globex).await
        } else {
            house.send(method, &path, &globex, &body).await
        };
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert!(!answer.text.contains("acme/uat"), "{path}: {answer:?}");
    }
    let seen = house
        .post("/notifications/seen", &globex, json!({ "up_to": 1 }))
        .await;
    assert_eq!(seen.status, 403);
    assert_eq!(house.get("/metrics", &globex).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_another_project_is_none() {
    let house = House::new().await;
    let owner = house.owner().await;
    house.backup(&owner).await;
    let body = json!({ "backup": "manual" });
    let plan = house
        .post("/environments/acme/live/plans", &owner, body)
        .await
        .json();
    let globex = house.token("gina", Role::Owner, &["globex"]).await;
    let mut texts = BTreeSet::new();
    for id in [
        plan["id"].as_str().unwrap(),
        &"0".repeat(plan["id"].as_str().unwrap().len()),
    ] {
        let body = json!({ "plan": id, "confirm": "globex/live" });
        let answer = house
            .post("/environments/globex/live/restores", &globex, body)
            .await;
        assert_eq!(
            (answer.status, answer.kind().as_str()),
            (409, "stale_plan"),
            "{answer:?}"
        );
        assert!(!answer.text.contains("acme"), "{answer:?}");
        texts.insert(answer.problem()["detail"].as_str().unwrap().replace(id, "ID"));
    }
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_from_outside_stands_in_the_activity_log() {
    let house = House::with("proxies = [\"127.0.0.1\"]", "").await;
    let owner = house.owner().await;
    let request = house
        .request(
            Method::PUT,
            "/environments/acme/live/holds/protection",
            Some(&owner),
        )
        .header("x-request-id", "call-7")
        .header("x-forwarded-for", "192.0.2.9");
    let answer = answered(crate::house::with_json(request, &json!({ "on": true }))).await;
    assert_eq!(
        (answer.status, &answer.headers["x-request-id"]),
        (204, &"call-7".parse().unwrap())
    );
    let entry = &house.get("/activity", &owner).await.json()[0];
    assert_eq!(
        (&entry["request"], &entry["from"], &entry["by"]),
        (&json!("call-7"), &json!("192.0.2.9"), &json!("olga"))
    );
    let report = house
        .engine
        .on_catalog(lifeboat::catalog::Catalog::verify_activity)
        .await
        .unwrap();
    assert_eq!((report.entries, report.broken), (1, None));
}
