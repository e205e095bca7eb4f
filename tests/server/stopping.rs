//! The end of a service: nothing new begins, streams end, jobs that run end well or stop at a safe point.

use std::process::Command;

use reqwest::Method;
use serde_json::json;

use crate::house::{House, answered};

/// A hook that waits until somebody writes into a pipe.
struct Gate(tempfile::TempDir);

impl Gate {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = Self(folder);
        for name in ["reached", "open"] {
            assert!(
                Command::new("mkfifo")
                    .arg(gate.0.path().join(name))
                    .status()
                    .unwrap()
                    .success()
            );
        }
        gate
    }

    fn hook(&self) -> String {
        let folder = self.0.path().display();
        format!(
            "hooks = {{ before_backup = [\"sh\", \"-c\", \"echo > {folder}/reached; cat {folder}/open\"] }}"
        )
    }

    /// Waits until the hook runs.
    async fn reached(&self) {
        let pipe = self.0.path().join("reached");
        tokio::task::spawn_blocking(move || std::fs::read(pipe).unwrap())
            .await
            .unwrap();
    }

    /// Lets it end.
    async fn open(&self) {
        let pipe = self.0.path().join("open");
        tokio::task::spawn_blocking(move || std::fs::write(pipe, "go").unwrap())
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_is_let_to_its_end() {
    let gate = Gate::new();
    let mut house = House::with("stop_within = \"5m\"", &gate.hook()).await;
    let owner = house.owner().await;
    let started = house
        .post("/environments/acme/live/backups", &owner, json!({}))
        .await;
    gate.reached().await;
    let stream = house
        .request(Method::GET, "/events", Some(&owner))
        .send()
        .await
        .unwrap();
    let server = house.server.take().unwrap();
    let stopping = tokio::spawn(server.stop());
    // The stream's end is the first thing that is heard of it.
    let text = stream.text().await.unwrap();
    assert!(
        text.ends_with(": this stream ends here, connect again\n\n"),
        "{text}"
    );
    let ready = answered(house.request(Method::GET, "/readyz", None)).await;
    assert_eq!((ready.status, ready.kind().as_str()), (503, "not_ready"));
    assert_eq!(
        answered(house.request(Method::GET, "/livez", None)).await.status,
        200
    );
    let refused = house
        .post("/environments/globex/live/backups", &owner, json!({}))
        .await;
    assert_eq!((refused.status, refused.kind().as_str()), (503, "stopping"));
    let running = house
        .get(&format!("/jobs/{}", started.json()["job"]), &owner)
        .await;
    assert_eq!(running.json()["state"], "running");
    gate.open().await;
    stopping.await.unwrap();
    let job = house
        .engine
        .on_catalog(|catalog| catalog.job(lifeboat::domain::job::JobId(1)))
        .await
        .unwrap();
    assert_eq!(job.state.label(), "done");
    assert!(house.request(Method::GET, "/livez", None).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_too_long_stops_at_a_safe_point() {
    let gate = Gate::new();
    let mut house = House::with("stop_within = \"1s\"", &gate.hook()).await;
    let owner = house.owner().await;
    house
        .post("/environments/acme/live/backups", &owner, json!({}))
        .await;
    gate.reached().await;
    house.server.take().unwrap().stop().await;
    let job = house
        .engine
        .on_catalog(|catalog| catalog.job(lifeboat::domain::job::JobId(1)))
        .await
        .unwrap();
    assert_eq!(job.state.label(), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_when_the_engine_is() {
    let house = House::new().await;
    let owner = house.owner().await;
    house.get("/info", &owner).await;
    assert_eq!(
        answered(house.request(Method::GET, "/readyz", None)).await.json(),
        json!({ "status": "ok" })
    );
}
