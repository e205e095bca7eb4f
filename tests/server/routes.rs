//! Every operation, asked by somebody who may.

use std::fs;

use lifeboat::domain::token::Role;
use reqwest::Method;
use serde_json::json;

use crate::house::{House, answered, with_json};

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_looked_at() {
    let house = House::new().await;
    let owner = house.owner().await;
    let info = house.get("/info", &owner).await.json();
    assert_eq!(
        (&info["kind"], &info["you"]),
        (&json!("embedded"), &json!("olga"))
    );
    let environments = house.get("/environments", &owner).await.json();
    let names: Vec<_> = environments
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["acme/live", "acme/uat", "globex/live"]);
    let details = house.get("/environments/acme/live", &owner).await.json();
    assert_eq!(details["summary"]["name"], "acme/live");
    let report = house.get("/check?environment=acme/live", &owner).await.json();
    assert!(!report["findings"].as_array().unwrap().is_empty());
    for empty in [
        "/jobs",
        "/activity?limit=5",
        "/notifications",
        "/jobs?environment=acme/uat&limit=1",
    ] {
        assert_eq!(house.get(empty, &owner).await.json(), json!([]), "{empty}");
    }
    for (path, kind) in [
        ("/environments/acme/prod", "unknown_environment"),
        ("/environments/a%20b/live", "unknown_environment"),
        ("/jobs/1", "unknown_job"),
        ("/jobs/x", "unknown_job"),
        ("/jobs/1/log", "unknown_job"),
        ("/nowhere", "nowhere"),
        ("/check?environment=acme/prod", "unknown_environment"),
    ] {
        let answer = house.get(path, &owner).await;
        assert_eq!((answer.status, answer.kind().as_str()), (404, kind), "{path}");
    }
    for path in [
        "/jobs?limit=0",
        "/jobs?limit=x",
        "/jobs?depth=1",
        "/check?environment=x",
        "/environments/%ff/live",
    ] {
        assert_eq!(house.get(path, &owner).await.kind(), "bad_request", "{path}");
    }
    let wrong = answered(house.request(Method::DELETE, "/info", Some(&owner))).await;
    assert_eq!((wrong.status, wrong.kind().as_str()), (405, "method_not_allowed"));
    assert_eq!(wrong.headers["allow"], "GET,HEAD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_a_plan_a_restore_and_the_way_back() {
    let house = House::new().await;
    let owner = house.owner().await;
    let job = house.backup(&owner).await;
    assert_eq!((&job["by"], &job["kind"]), (&json!("olga"), &json!("backup")));
    let log = house
        .get(&format!("/jobs/{}/log?after=1", job["id"]), &owner)
        .await
        .json();
    assert_eq!(log[0]["number"], 2);
    let page = house.folder.path().join("acme/content/website/home.yaml");
    fs::write(&page, "title: Broken\n").unwrap();

    let plan = house
        .post(
            "/environments/acme/live/plans",
            &owner,
            json!({ "backup": "manual" }),
        )
        .await;
    assert_eq!(plan.status, 201, "{plan:?}");
    let plan = plan.json();
    // What changes is first.
    assert_eq!(plan["changes"][0]["workspace"], "website");
    let restore = |confirm: &str| json!({ "plan": plan["id"], "confirm": confirm });
    let path = "/environments/acme/live/restores";
    let refused = house.post(path, &owner, restore("acme/lvie")).await;
    let problem = refused.problem();
    assert_eq!(
        (refused.status, &problem["rule"], &problem["kind"]),
        (409, &json!(13), &json!("not_confirmed"))
    );
    // A plan of one environment is not followed under the name of another.
    let other = house
        .post(
            "/environments/globex/live/restores",
            &owner,
            restore("globex/live"),
        )
        .await;
    assert_eq!(other.kind(), "not_confirmed");
    let started = house.post(path, &owner, restore("acme/live")).await;
    let job = house.ended(&started, &owner).await;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(fs::read_to_string(&page).unwrap(), "title: Home\n");

    // What the plan was made from has changed.
    let stale = house.post(path, &owner, restore("acme/live")).await;
    let problem = stale.problem();
    assert_eq!(
        (&problem["kind"], &problem["rule"]),
        (&json!("stale_plan"), &json!(12))
    );
    assert_eq!(problem["refusal"]["rule"], "stale_plan");

    let undo = house
        .post(
            "/environments/acme/live/undo",
            &owner,
            json!({ "confirm": "acme/live" }),
        )
        .await;
    assert_eq!(house.ended(&undo, &owner).await["state"], "done");
    assert_eq!(fs::read_to_string(&page).unwrap(), "title: Broken\n");
    let nothing = house
        .post("/environments/acme/live/confirmations", &owner, json!({}))
        .await;
    assert_eq!(nothing.kind(), "nothing_to_confirm");
    let verify = house
        .post(
            "/environments/acme/live/verifications",
            &owner,
            json!({ "backup": null }),
        )
        .await;
    assert_eq!(house.ended(&verify, &owner).await["state"], "done");

    let entries = house.get("/activity", &owner).await.json();
    let started = entries
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["what"].as_str().unwrap().contains("refused"));
    let refused = started.unwrap();
    assert_eq!(
        (&refused["by"], &refused["from"]),
        (&json!("olga"), &json!("127.0.0.1"))
    );
    assert!(refused["request"].is_string());
}

#[allow(clippy::too_many_lines, reason = "one house, and each route after the other")]
#[tokio::test(flavor = "multi_thread")]
async fn holds_upgrades_and_what_is_refused() {
    let house = House::new().await;
    let owner = house.owner().await;
    let uat = house
        .post("/environments/acme/uat/backups", &owner, json!({}))
        .await;
    assert_eq!(
        (uat.kind().as_str(), &uat.problem()["rule"]),
        ("not_live", &json!(5))
    );

    let hold = "/environments/acme/live/holds/protection";
    let on = house
        .send(
            Method::PUT,
            hold,
            &owner,
            &json!({ "on": true, "reason": "the fair" }),
        )
        .await;
    assert_eq!(on.status, 204, "{on:?}");
    let summary = &house.get("/environments", &owner).await.json()[0];
    assert_eq!(summary["protection"]["reason"], "the fair");
    assert_eq!(summary["protection"]["by"], "olga");
    let undo = house
        .post(
            "/environments/acme/live/undo",
            &owner,
            json!({ "confirm": "acme/live" }),
        )
        .await;
    assert_eq!(
        (undo.kind().as_str(), &undo.problem()["rule"]),
        ("protected", &json!(9))
    );
    let off = house
        .send(Method::PUT, hold, &owner, &json!({ "on": false }))
        .await;
    assert_eq!(off.status, 204);
    let odd = house
        .send(
            Method::PUT,
            "/environments/acme/live/holds/x",
            &owner,
            &json!({ "on": true }),
        )
        .await;
    assert_eq!(odd.kind(), "unknown_hold");

    let upgrade = json!({ "upgrade_to": "6.4.0", "note": "Grüße" });
    let path = "/environments/acme/live/backups";
    let job = house
        .ended(&house.post(path, &owner, upgrade.clone()).await, &owner)
        .await;
    let id = job["outcome"]["backup"].as_str().unwrap().to_owned();
    let second = house.post(path, &owner, upgrade).await;
    assert_eq!(second.problem()["rule"], 6);
    let extended = house
        .post(&format!("{path}/{id}/extensions"), &owner, json!({}))
        .await;
    assert_eq!(extended.status, 204, "{extended:?}");
    let details = house.get("/environments/acme/live", &owner).await.json();
    let id = details["backups"][0]["id"].as_str().unwrap().to_owned();
    let pin = format!("{path}/{id}/pin");
    let pinned = house
        .send(
            Method::PUT,
            &pin,
            &owner,
            &json!({ "note": "before the relaunch" }),
        )
        .await;
    assert_eq!(pinned.status, 204, "{pinned:?}");
    let details = house.get("/environments/acme/live", &owner).await.json();
    let id = details["backups"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(details["backups"][0]["pin"]["note"], "before the relaunch");
    let pin = format!("{path}/{id}/pin");
    let kept = house
        .send(Method::DELETE, &format!("{path}/{id}"), &owner, &json!({}))
        .await;
    assert!(
        kept.problem()["detail"].as_str().unwrap().contains("pinned"),
        "{kept:?}"
    );
    let free = house.send(Method::DELETE, &pin, &owner, &json!({})).await;
    assert_eq!(free.status, 204, "{free:?}");
    let details = house.get("/environments/acme/live", &owner).await.json();
    let id = details["backups"][0]["id"].as_str().unwrap().to_owned();
    for (what, body) in [
        (
            "approvals",
            json!({ "plan": "5d".repeat(16), "confirm": "acme/live" }),
        ),
        ("rejections", json!({ "plan": "5d".repeat(16), "reason": "no" })),
    ] {
        let nothing = house
            .post(&format!("/environments/acme/live/{what}"), &owner, body)
            .await;
        assert!(
            nothing.problem()["detail"]
                .as_str()
                .unwrap()
                .contains("waits for approval"),
            "{nothing:?}"
        );
    }
    let short = house
        .send(
            Method::DELETE,
            &format!("{path}/{}", &id[..8]),
            &owner,
            &json!({}),
        )
        .await;
    assert_eq!(short.kind(), "unknown_backup");
    let deleted = house
        .send(Method::DELETE, &format!("{path}/{id}"), &owner, &json!({}))
        .await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    let details = house.get("/environments/acme/live", &owner).await.json();
    assert_eq!(details["backups"], json!([]));
    let seen = house
        .post("/notifications/seen", &owner, json!({ "up_to": 1 }))
        .await;
    assert_eq!(seen.status, 204);
    let demo = house
        .post("/environments/acme/live/breakages", &owner, json!({}))
        .await;
    assert_eq!(demo.kind(), "not_a_demo");
    let ended = house
        .post(&format!("/jobs/{}/cancel", job["id"]), &owner, json!({}))
        .await;
    assert_eq!((ended.status, ended.kind().as_str()), (409, "job_ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_starts_a_job_once() {
    let house = House::new().await;
    let owner = house.owner().await;
    let operator = house.token("otto", Role::Operator, &[]).await;
    let ask = |token: &crate::house::Token, key: &str, body: serde_json::Value| {
        let request = house.request(Method::POST, "/environments/acme/live/backups", Some(token));
        let request = if key.is_empty() {
            request
        } else {
            request.header("idempotency-key", key)
        };
        answered(with_json(request, &body))
    };
    let first = ask(&owner, "k1", json!({})).await;
    let again = ask(&owner, "k1", json!({})).await;
    assert_eq!((again.status, &again.text), (202, &first.text));
    assert_eq!(again.headers["location"], first.headers["location"]);
    let other = ask(&owner, "k1", json!({ "note": "x" })).await;
    assert_eq!((other.status, other.kind().as_str()), (422, "key_used"));
    house.ended(&first, &owner).await;
    // Another caller's key is another key.
    let theirs = ask(&operator, "k1", json!({})).await;
    assert_ne!(theirs.json()["job"], first.json()["job"]);
    house.ended(&theirs, &operator).await;
    for key in ["", "two words", &"x".repeat(129)] {
        let none = ask(&owner, key, json!({})).await;
        assert_eq!((none.status, none.kind().as_str()), (400, "no_key"), "{key}");
    }
    // What was refused started nothing, so its key is free.
    let uat = house
        .request(Method::POST, "/environments/acme/uat/backups", Some(&owner))
        .header("idempotency-key", "k2");
    assert_eq!(answered(with_json(uat, &json!({}))).await.status, 409);
    let live = ask(&owner, "k2", json!({})).await;
    house.ended(&live, &owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_answer_was_not_kept_leads_to_its_job() {
    let house = House::new().await;
    let owner = house.owner().await;
    let ask = || {
        let request = house.request(Method::POST, "/environments/acme/live/backups", Some(&owner));
        answered(with_json(request.header("idempotency-key", "k"), &json!({})))
    };
    // As when the catalog was away in that moment.
    let forget = |what: &str| {
        let catalog = rusqlite::Connection::open(house.path("state/catalog.sqlite")).unwrap();
        catalog
            .execute(
                &format!("UPDATE answers SET status = NULL, body = NULL, location = NULL{what}"),
                [],
            )
            .unwrap();
    };
    let first = ask().await;
    house.ended(&first, &owner).await;
    forget("");
    let again = ask().await;
    assert_eq!((again.status, &again.text), (202, &first.text));
    assert_eq!(again.headers["location"], first.headers["location"]);
    // Of a request that came to nothing nobody waits for an answer.
    forget(", job = NULL");
    let anew = ask().await;
    assert_eq!(anew.status, 202, "{}", anew.text);
    assert_ne!(anew.text, first.text);
    house.ended(&anew, &owner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_say_how_drills_went() {
    let house = House::new().await;
    let owner = house.owner().await;
    let sample = |metrics: &str, name: &str| -> Option<f64> {
        let begin = format!("{name}{{project=\"acme\",environment=\"live\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&begin));
        line.map(|value| value.parse().unwrap())
    };
    house.backup(&owner).await;
    let names = [
        "lifeboat_drill_last_success",
        "lifeboat_proven_age_seconds",
        "lifeboat_proven_duration_seconds",
    ];
    let before = house.get("/metrics", &owner).await.text;
    for name in names {
        assert_eq!(sample(&before, name), None, "nothing is known yet");
    }
    let drill = house
        .post("/environments/acme/live/drills", &owner, json!({}))
        .await;
    house.ended(&drill, &owner).await;
    let metrics = house.get("/metrics", &owner).await.text;
    let [success, age, duration] = names.map(|name| sample(&metrics, name).unwrap());
    assert!((success - 1.0).abs() < 0.1, "{success}");
    assert!((0.0..60.0).contains(&age), "{age}");
    assert!((0.0..60.0).contains(&duration), "{duration}");
    let ended = "lifeboat_job_last_success{project=\"acme\",environment=\"live\",kind=\"drill\"} 1";
    assert!(metrics.lines().any(|line| line == ended), "{metrics}");
    // One that finds damage says so, and what it has not found is proven no more: no age tells of it.
    for pack in house.packs() {
        let mut bytes = std::fs::read(&pack).unwrap();
        bytes[10] ^= 1;
        std::fs::set_permissions(&pack, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::write(&pack, bytes).unwrap();
    }
    let drill = house
        .post("/environments/acme/live/drills", &owner, json!({}))
        .await;
    house.ended(&drill, &owner).await;
    let metrics = house.get("/metrics", &owner).await.text;
    assert_eq!(
        names.map(|name| sample(&metrics, name)),
        [Some(0.0), None, None],
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_say_how_backups_stand() {
    let house = House::new().await;
    let owner = house.owner().await;
    house.backup(&owner).await;
    let metrics = house.get("/metrics", &owner).await;
    assert_eq!(
        metrics.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let value = |name: &str| {
        let line = metrics.text.lines().find(|line| line.starts_with(name));
        let value = line
            .unwrap_or_else(|| panic!("no {name} in {}", metrics.text))
            .rsplit(' ')
            .next();
        value.unwrap().parse::<f64>().unwrap()
    };
    let slot = "{project=\"acme\",environment=\"live\",slot=\"manual\"}";
    assert!(value(&format!("lifeboat_backup_age_seconds{slot}")) < 60.0);
    assert!(value(&format!("lifeboat_backup_size_bytes{slot}")) > 10.0);
    assert!(value(&format!("lifeboat_verification_age_seconds{slot}")) < 60.0);
    assert!(
        (value("lifeboat_job_last_success{project=\"acme\",environment=\"live\",kind=\"backup\"}") - 1.0)
            .abs()
            < 0.1
    );
    assert!(value("lifeboat_jobs_running{state=\"running\"}") < 0.5);
    assert!(value("lifeboat_http_requests_total{operation=\"start_backup\",status=\"202\"}") > 0.5);
    // Every sample belongs to a family that is described.
    let mut family = "";
    for line in metrics.text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap();
        } else if !line.starts_with('#') {
            assert!(line.starts_with(family), "{line} is not of {family}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_are_shown_and_tried_by_whoever_sees_all_projects() {
    let receivers = "[[notify]]\nname = \"good\"\nkind = \"command\"\ncommand = [\"true\"]\n\
                     [[notify]]\nname = \"bad\"\nkind = \"command\"\ncommand = [\"false\"]\n";
    let house = House::with(receivers, "").await;
    let owner = house.owner().await;
    let listed = house.get("/receivers", &owner).await.json();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["waiting"]),
        (&json!("good"), &json!(0))
    );
    let tested = house.post("/receivers/test", &owner, json!({})).await.json();
    assert_eq!(
        (&tested[0]["delivered"], &tested[1]["delivered"]),
        (&json!(true), &json!(false))
    );
    let one = house
        .post("/receivers/test", &owner, json!({ "name": "bad" }))
        .await
        .json();
    assert_eq!(
        (one.as_array().unwrap().len(), &one[0]["name"]),
        (1, &json!("bad"))
    );
    let nobody = house
        .post("/receivers/test", &owner, json!({ "name": "nobody" }))
        .await;
    assert_eq!(nobody.status, 404, "{nobody:?}");
    let viewer = house.token("vera", Role::Viewer, &[]).await;
    assert_eq!(
        house.post("/receivers/test", &viewer, json!({})).await.status,
        403
    );
    let globex = house.token("gina", Role::Owner, &["globex"]).await;
    assert_eq!(house.get("/receivers", &globex).await.json(), json!([]));
    assert_eq!(
        house.post("/receivers/test", &globex, json!({})).await.status,
        403
    );
    let metrics = house.get("/metrics", &owner).await.text;
    let waits = "lifeboat_receiver_waiting{receiver=\"good\",kind=\"command\"} 0";
    assert!(metrics.lines().any(|line| line == waits), "{metrics}");
}
