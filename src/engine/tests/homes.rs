//! Instances whose content is the whole home of a repository: backed up and brought back as one, only while no server is at
//! work on it, and known wherever somebody points at one.

use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::house::{
    House, OfHouse, back_up, backups, done, ended, everything, manual, only, request, restore, start_restore,
    undo,
};
use crate::content::files::beside::FolderRecord;
use crate::content::files::exchange::Identity;
use crate::content::files::exchange::tests::between;
use crate::content::files::layout::Layout;
use crate::content::kinds::Beside;
use crate::domain::check::Verdict;
use crate::domain::job::{Job, JobId, JobState};
use crate::domain::plan::{RestorePlan, Selection};
use crate::domain::proof::DrillOutcome;
use crate::engine::restore::journal::{InstanceRecord, Journal, Stage};
use crate::engine::{Engine, check, details};
use crate::watch::Unwatched;

/// Puts the home of a repository on H2 into a folder.
fn make_home(home: &Path) {
    let manager = "org.apache.jackrabbit.core.persistence.pool.H2PersistenceManager";
    for workspace in ["default", "website", "dam"] {
        let text =
            format!("<Workspace name=\"{workspace}\"><PersistenceManager class=\"{manager}\"/></Workspace>");
        write(home, &format!("workspaces/{workspace}/workspace.xml"), &text);
        write(
            home,
            &format!("workspaces/{workspace}/db/itemState.mv.db"),
            workspace,
        );
        write(home, &format!("workspaces/{workspace}/index/indexes_2"), "_0");
    }
    for (path, text) in [
        ("workspaces/version/names", "of the version storage"),
        ("version/db.mv.db", "versions"),
        (
            "repository/namespaces/ns_idx.properties",
            "#Mon Nov 23 12:00:00 UTC 2026\nmgnl=7\n",
        ),
        (
            "repository/nodetypes/custom_nodetypes.xml",
            "<nodeTypes>\n<nodeType name=\"a:page\"><supertypes><supertype>nt:base</supertype></supertypes></nodeType></nodeTypes>",
        ),
        ("repository/meta/rep.properties", "nodes=3"),
        ("repository/datastore/ab/cd/abcd", "binary"),
        ("repository/index/indexes_2", "_0"),
        ("repository.xml", "<Repository/>"),
        (".lock", ""),
    ] {
        write(home, path, text);
    }
}

fn write(home: &Path, path: &str, text: &str) {
    let file = home.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// A house whose author is a home, and its engine.
pub(super) fn house() -> House {
    let mut house = House::new();
    house.homes = true;
    house.instances = vec!["author"];
    house.remove("author", "");
    make_home(&house.root("author"));
    house
}

/// What is in the home, without the lock that a server leaves.
fn content(house: &House) -> std::collections::BTreeMap<PathBuf, String> {
    let mut content = house.content();
    content.retain(|path, _| path.starts_with("author/content") && !path.ends_with(".lock"));
    content
}

/// A process that has a file locked, as a server has, until it is dropped.
struct Server(Child);

/// The file that [`holds_a_lock`] locks.
const LOCKED: &str = "LIFEBOAT_TEST_LOCKED_FILE";

impl Server {
    fn at_work_on(file: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "engine::tests::homes::holds_a_lock",
                "--ignored",
                "--nocapture",
            ])
            .env(LOCKED, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let told = lines.map(Result::unwrap).find(|line| line.contains("locked it"));
        assert!(told.is_some(), "nobody has locked it");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Not a test of its own: what [`Server`] starts, in a process of its own, since nobody is kept out by a lock of his own.
#[test]
#[ignore = "started by other tests"]
fn holds_a_lock() {
    let file = std::env::var_os(LOCKED).expect("it is started by other tests");
    let file = fs::OpenOptions::new().write(true).open(file).unwrap();
    rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    println!("locked it");
    let _ = std::io::stdin().read(&mut [0]);
}

fn why(job: &Job) -> String {
    match &job.state {
        JobState::Failed { why } => why.clone(),
        other => panic!("{other:?}"),
    }
}

fn plan(engine: &Engine, selection: Selection) -> RestorePlan {
    engine
        .of_house()
        .plan_restore(&request("manual", selection), &Unwatched)
        .unwrap()
}

#[test]
fn a_home_comes_back_whole_and_its_lock_is_none_of_it() {
    let house = house();
    let home = house.root("author");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(home.join("workspaces"), fs::Permissions::from_mode(0o710)).unwrap();
    let engine = house.engine();
    let before = content(&house);
    back_up(&engine);
    let manifest = &backups(&engine)[0].manifest;
    let parts: Vec<_> = manifest.instances[0]
        .workspaces
        .iter()
        .map(|part| part.name.as_str())
        .collect();
    assert_eq!(
        parts,
        [".datastore", ".home", ".versions", "dam", "default", "website"]
    );
    assert!(
        manifest.instances[0].left_out.is_empty(),
        "{:?}",
        manifest.instances[0].left_out
    );
    let job = engine.of_house().start_drill(None).unwrap();
    done(&engine, job);
    let drill = engine.catalog().drills(&House::live()).unwrap().remove(0);
    assert_eq!(drill.outcome, DrillOutcome::Proven);

    // Everything is lost.
    fs::remove_dir_all(&home).unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, "manual", everything());
    assert_eq!(content(&house), before);
    assert!(!home.join(".lock").exists());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&home), mode(&home.join("workspaces"))), (0o750, 0o710));

    // A part of it is, and somebody has worked on.
    fs::remove_dir_all(home.join("version")).unwrap();
    fs::remove_dir_all(home.join("workspaces/dam")).unwrap();
    write(&home, "workspaces/website/db/itemState.mv.db", "worked on");
    write(&home, "repository/datastore/ef/efgh", "another binary");
    write(&home, ".lock", "");
    let broken = content(&house);
    house.pass(chrono::Duration::minutes(1));
    let plan = plan(&engine, everything());
    assert_eq!(plan.obstacles, Vec::<String>::new());
    assert_eq!(
        plan.totals().2,
        2,
        "the binary and its folder: {:#?}",
        plan.changes
    );
    restore(&engine, "manual", everything());
    assert_eq!(content(&house), before);
    assert!(house.beside("author").is_empty(), "{:?}", house.beside("author"));
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(content(&house), broken);
    assert!(house.beside("author").is_empty());
}

#[test]
fn nothing_is_copied_or_exchanged_while_a_server_is_at_work() {
    let house = house();
    let home = house.root("author");
    let engine = house.engine();
    back_up(&engine);
    write(&home, "workspaces/website/db/itemState.mv.db", "worked on");
    let before = content(&house);
    for locked in [".lock", "workspaces/website/db/itemState.mv.db"] {
        let server = Server::at_work_on(&home.join(locked));
        let who = format!("process {}", server.0.id());
        let job = engine.of_house().start_backup(&manual()).unwrap();
        let told = why(&ended(&engine, job));
        assert!(
            told.contains(&who)
                && told.contains(locked)
                && told.contains("before_backup")
                && told.contains("No backup"),
            "{told}"
        );
        assert_eq!(backups(&engine).len(), 1);
        assert!(
            plan(&engine, everything())
                .warnings
                .iter()
                .any(|warning| warning.contains(&who))
        );
        house.pass(chrono::Duration::minutes(1));
        let job = start_restore(&engine, &request("manual", everything())).unwrap();
        let told = why(&ended(&engine, job));
        assert!(
            told.contains(&who) && told.contains("before_restore") && told.contains("not touched"),
            "{told}"
        );
        assert_eq!(content(&house), before);
        assert!(house.beside("author").is_empty());
        let report = check(&engine, Some(&House::live())).unwrap();
        let warns = |part: &str| {
            let mut servers = report.findings.iter().filter(|found| found.about == "server");
            servers.any(|found| found.verdict == Verdict::Warning && found.detail.contains(part))
        };
        assert!(warns(&who) && warns("no hook is configured"));
    }
    // A lock that lies there is none.
    write(&home, "lock.properties", "#CooperativeFileLock\nid=1\n");
    let job = engine.of_house().start_backup(&manual()).unwrap();
    assert!(why(&ended(&engine, job)).contains("lock.properties"));
    fs::remove_file(home.join("lock.properties")).unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, "manual", everything());
}

#[test]
fn a_restore_stops_the_server_once_and_saves_what_it_left() {
    let mut house = house();
    let home = house.root("author");
    let (log, file) = (
        house.path("hooks.log"),
        home.join("workspaces/website/db/itemState.mv.db"),
    );
    let hook = |text: &str| vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()];
    let noted = format!("echo $LIFEBOAT_HOOK >> '{}'", log.display());
    // A server writes into its files when it starts.
    let starts = format!("{noted}; echo started >> '{}'", file.display());
    house.hooks.before_backup = hook(&noted);
    house.hooks.after_backup = hook(&starts);
    house.hooks.before_restore = hook(&noted);
    house.hooks.after_restore = hook(&starts);
    let ran = || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(&log);
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let engine = house.engine();
    back_up(&engine);
    assert_eq!(ran(), ["before_backup", "after_backup"]);
    fs::write(&file, "broken").unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, "manual", everything());
    assert_eq!(ran(), ["before_restore", "after_restore"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "websitestarted\n");
    assert!(
        house.beside("author").is_empty(),
        "the safety backup holds what was displaced"
    );
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(fs::read_to_string(&file).unwrap(), "brokenstarted\n");
    drop(engine);

    // A hook that does not stop it, though it has as long for that as a hook may take.
    house.hooks.limit = "1s".parse().unwrap();
    let engine = house.engine();
    let _server = Server::at_work_on(&home.join("version/db.mv.db"));
    let job = engine.of_house().start_backup(&manual()).unwrap();
    let told = why(&ended(&engine, job));
    assert!(
        told.contains("the before_backup hook of author has not stopped it"),
        "{told}"
    );
}

#[test]
fn a_switch_that_was_interrupted_is_not_finished_under_a_server() {
    for parts in [&[""][..], &["workspaces/dam", "workspaces/website"]] {
        let house = house();
        let home = house.root("author");
        let safety = back_up(&house.engine());
        let staging = house.path("author").join(".content.lifeboat-100");
        let staged = staging.join("content");
        make_home(&staged);
        for workspace in ["dam", "website"] {
            let file = format!("workspaces/{workspace}/db/itemState.mv.db");
            write(&staged, &file, "restored");
        }
        fs::set_permissions(&staging, fs::Permissions::from_mode(0o700)).unwrap();
        let place = |folder: &Path, part: &str| match part {
            "" => folder.to_owned(),
            part => folder.join(part),
        };
        let steps: Vec<_> = parts
            .iter()
            .map(|part| between(place(&home, part), place(&staged, part)).unwrap())
            .collect();
        let is_half = steps.len() > 1;
        if is_half {
            steps[0].forward().unwrap();
        }
        let before = content(&house);
        let record = FolderRecord {
            layout: Layout::Home,
            made: Identity::of(&staging).unwrap(),
            staging,
            steps,
        };
        let journal = Journal {
            environment: House::live(),
            job: JobId(100),
            backup: safety.clone(),
            safety: Some(safety),
            safety_taken: None,
            brought: None,
            stage: Stage::Switching,
            instances: vec![InstanceRecord {
                instance: "author".parse().unwrap(),
                beside: Beside::Folder(record),
            }],
            settled: Vec::new(),
            indexes_removed: false,
        };
        journal.write(&house.path("state")).unwrap();
        // The machine was started anew, and the server with it.
        let server = Server::at_work_on(&home.join(".lock"));
        let engine = house.engine();
        assert_eq!(content(&house), before);
        let told = engine.catalog().notifications(1).unwrap().remove(0).text;
        let trouble = details(&engine, &House::live()).unwrap().summary.trouble;
        assert_eq!(
            trouble.is_some_and(|trouble| trouble.contains("half switched")),
            is_half
        );
        let how = if is_half {
            "half switched"
        } else {
            "Live is as it was"
        };
        assert!(
            told.contains("a server is at work") && told.contains(how),
            "{told}"
        );
        drop((engine, server));
        let _engine = house.engine();
        let now = ["dam", "website"].map(|workspace| {
            let file = format!("workspaces/{workspace}/db/itemState.mv.db");
            fs::read_to_string(home.join(file)).unwrap()
        });
        let expected = if is_half {
            ["restored"; 2]
        } else {
            ["dam", "website"]
        };
        assert_eq!(now, expected);
        assert!(house.beside("author").is_empty(), "{:?}", house.beside("author"));
    }
}

#[test]
fn chosen_workspaces_come_back_where_what_they_share_is_as_it_was() {
    let house = house();
    let home = house.root("author");
    let engine = house.engine();
    back_up(&engine);
    let website = home.join("workspaces/website/db/itemState.mv.db");
    let chosen = || only(&[], &["website"]);
    fs::write(&website, "broken").unwrap();
    write(&home, "workspaces/dam/db/itemState.mv.db", "worked on");
    // What the server writes by the way, a binary more, and another date.
    write(&home, "repository/meta/rep.properties", "nodes=4");
    write(&home, "repository/datastore/ef/efgh", "another binary");
    write(
        &home,
        "repository/namespaces/ns_idx.properties",
        "#Tue Nov 24 12:00:00 UTC 2026\nshop=8\nmgnl=7\n",
    );
    // A type more.
    let types = home.join("repository/nodetypes/custom_nodetypes.xml");
    let more = fs::read_to_string(&types)
        .unwrap()
        .replace("</nodeTypes>", "<nodeType name=\"a:shop\"/></nodeTypes>");
    fs::write(&types, more).unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, "manual", chosen());
    assert_eq!(fs::read_to_string(&website).unwrap(), "website");
    assert_eq!(
        fs::read_to_string(home.join("workspaces/dam/db/itemState.mv.db")).unwrap(),
        "worked on"
    );
    assert!(house.beside("author").is_empty());
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(fs::read_to_string(&website).unwrap(), "broken");

    for (path, text, part) in [
        (
            "repository/namespaces/ns_idx.properties",
            "mgnl=8\n",
            "namespaces",
        ),
        (
            "repository/nodetypes/custom_nodetypes.xml",
            "<nodeTypes><nodeType name=\"a:page\"><supertypes><supertype>nt:file</supertype></supertypes></nodeType></nodeTypes>",
            "node types",
        ),
        ("version/db.mv.db", "more versions", "version storage"),
    ] {
        let before = fs::read_to_string(home.join(path)).unwrap();
        write(&home, path, text);
        let found = plan(&engine, chosen()).obstacles;
        assert!(
            found.len() == 1 && found[0].contains(part) && found[0].contains("whole"),
            "{found:?}"
        );
        assert_eq!(plan(&engine, everything()).obstacles, Vec::<String>::new());
        write(&home, path, &before);
    }
    fs::remove_file(home.join("repository/datastore/ab/cd/abcd")).unwrap();
    let found = plan(&engine, chosen()).obstacles;
    assert!(found.iter().any(|told| told.contains("data store")), "{found:?}");
    // All of them in one database.
    fs::rename(home.join("workspaces/website/db"), home.join("repository/db")).unwrap();
    house.pass(chrono::Duration::minutes(1));
    back_up(&engine);
    let found = plan(&engine, chosen()).obstacles;
    assert!(
        found[0].contains("a database that other workspaces share"),
        "{found:?}"
    );
}

#[test]
fn a_home_that_is_configured_as_folders_is_refused_with_the_right_setting() {
    let mut house = House::new();
    let folder = house.root("author");
    let engine = house.engine();
    back_up(&engine);
    fs::remove_dir_all(&folder).unwrap();
    make_home(&folder);
    let right = format!("type = \"home\", path = \"{}\"", folder.display());
    let report = check(&engine, Some(&House::live())).unwrap();
    let told = report.findings.iter().any(|found| {
        found.about == "content" && found.verdict == Verdict::Failed && found.detail.contains(&right)
    });
    assert!(told, "{:#?}", report.findings);
    let job = engine.of_house().start_backup(&manual()).unwrap();
    assert!(why(&ended(&engine, job)).contains(&right));
    let obstacles = plan(&engine, everything()).obstacles;
    assert!(
        obstacles.iter().any(|told| told.contains(&right)),
        "{obstacles:?}"
    );
    drop(engine);
    // What was taken from folders cannot be put into a home.
    house.homes = true;
    house.instances = vec!["author"];
    let engine = house.engine();
    let obstacles = plan(&engine, everything()).obstacles;
    assert!(
        obstacles
            .iter()
            .any(|told| told.contains("was taken from a folder of workspaces")),
        "{obstacles:?}"
    );
}
