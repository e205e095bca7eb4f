//! The home of a repository beside its tables: the small files that rows refer to are in the backup, come back with the
//! tables under one journal, and go back with them. Everything else in a home is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use lifeboat::domain::check::Verdict;
use lifeboat::domain::plan::RestorePlan;
use lifeboat::engine::Engine;

use crate::house::{House, back_up, backups, done, failed, fill, plan, restore, start_backup, undo};
use crate::scene::LIVE;

pub const TYPES: &str = "repository/nodetypes/custom_nodetypes.xml";
const REGISTRY: &str = "repository/namespaces/ns_reg.properties";
const NUMBERS: &str = "repository/namespaces/ns_idx.properties";

pub type Files = BTreeMap<PathBuf, String>;

pub fn types(names: &[&str]) -> String {
    let types: Vec<_> = names
        .iter()
        .map(|name| format!("<nodeType name=\"{name}\"/>\n"))
        .collect();
    format!(
        "<?xml version=\"1.0\"?>\n<nodeTypes>\n{}</nodeTypes>\n",
        types.concat()
    )
}

pub fn write(home: &Path, path: &str, text: &str) {
    let path = home.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A home as Jackrabbit leaves it.
pub fn make(home: &Path) {
    write(
        home,
        "repository/meta/rootUUID",
        "cafebabe-cafe-babe-cafe-babecafebabe",
    );
    write(home, REGISTRY, "#\n.empty.key=\nmgnl=http\\://m\n");
    write(home, NUMBERS, "#\n.empty.key=0\nhttp\\://m=77\n");
    write(home, TYPES, &types(&["mgnl:page"]));
    for workspace in crate::house::WORKSPACES {
        write(
            home,
            &format!("workspaces/{workspace}/workspace.xml"),
            &format!("<Workspace name=\"{workspace}\"></Workspace>\n"),
        );
        write(home, &format!("workspaces/{workspace}/index/segments_1"), "index");
    }
    write(home, ".lock", "");
    write(home, "workspaces/website/locks", "locks");
}

/// What is registered after the backup, and what is lost.
pub fn change(home: &Path) {
    write(
        home,
        REGISTRY,
        "#\n.empty.key=\nmgnl=http\\://m\nshop=http\\://s\n",
    );
    write(home, NUMBERS, "#\n.empty.key=0\nhttp\\://m=77\nhttp\\://s=78\n");
    write(home, TYPES, &types(&["mgnl:area", "shop:product"]));
    write(
        home,
        "repository/privileges/custom_privileges.xml",
        "<privileges><privilege name=\"shop:buy\"/></privileges>",
    );
    fs::remove_dir_all(home.join("workspaces/dam")).unwrap();
}

/// Every file of a home but the search indexes.
pub fn files(home: &Path) -> Files {
    let mut found = Files::new();
    let mut open = vec![home.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "index" && !name.starts_with(".lifeboat-") {
                open.push(path);
            } else if path.is_file() {
                found.insert(
                    path.strip_prefix(home).unwrap().to_owned(),
                    fs::read_to_string(&path).unwrap(),
                );
            }
        }
    }
    found
}

/// The folders of Lifeboat's in a home.
pub fn left(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(".lifeboat-")
        })
        .collect()
}

pub fn home_of(house: &House, instance: &str) -> PathBuf {
    house.path("homes").join(instance)
}

/// Gives every instance of a house a home of its own.
pub fn settle(house: &mut House) {
    let homes = house.path("homes");
    for instance in house.instances.clone() {
        make(&homes.join(instance));
    }
    house.settle = Box::new(move |name, database| {
        database.home = Some(homes.join(name));
        database.search_indexes = vec![homes.join(name).join("workspaces/{workspace}/index")];
    });
}

pub struct With {
    pub house: House,
    pub home: PathBuf,
    pub engine: Engine,
    pub backup: String,
    /// The home and the tables of the backup.
    pub good: Files,
    pub rows: BTreeMap<String, String>,
}

impl With {
    pub fn home() -> Self {
        let mut house = House::new();
        settle(&mut house);
        let home = home_of(&house, "author");
        let engine = house.engine();
        let backup = back_up(&engine).0;
        Self {
            good: files(&home),
            rows: house.rows("author", "public"),
            house,
            home,
            engine,
            backup,
        }
    }

    pub fn edit(&self) {
        change(&self.home);
        let mut client = self.house.client("author");
        client.batch_execute("TRUNCATE pm_website_bundle").unwrap();
        fill(&mut client, "pm_website_bundle", 40, "later");
        self.house.pass(chrono::Duration::minutes(1));
    }

    pub fn live(&self) -> (Files, BTreeMap<String, String>) {
        (files(&self.home), self.house.rows("author", "public"))
    }

    fn plan(&self, workspaces: &[&str]) -> RestorePlan {
        plan(&self.engine, &self.backup, workspaces)
    }
}

#[test]
fn a_home_comes_back_with_its_tables_and_goes_back_with_them() {
    let with = With::home();
    let home = &with.home;
    let copy = &backups(&with.engine)[0].manifest.instances[0];
    let part = copy.workspaces.iter().find(|part| part.name == ".home").unwrap();
    assert!(part.items >= 10 && part.bytes < 4096, "{part:?}");
    // restic alone gives the files.
    let target = with.house.path("restic");
    let restored = Command::new("restic")
        .args(["--no-cache", "-r"])
        .arg(with.house.path("repository/acme/live"))
        .arg("--password-file")
        .arg(with.house.path("key"))
        .args(["restore", "latest", "--target"])
        .arg(&target)
        .output()
        .unwrap();
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(
        fs::read_to_string(target.join("author/.home").join(TYPES)).unwrap(),
        types(&["mgnl:page"])
    );

    with.edit();
    fs::set_permissions(home.join(TYPES), fs::Permissions::from_mode(0o640)).unwrap();
    if rustix_is_root() {
        std::os::unix::fs::chown(home.join(TYPES), Some(65_534), Some(65_534)).unwrap();
    }
    let owner = fs::metadata(home.join(TYPES)).unwrap();
    let bad = with.live();
    let plan = with.plan(&[]);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let told = plan
        .changes
        .iter()
        .find(|change| change.workspace == ".home")
        .unwrap();
    assert_eq!((told.added, told.changed, told.removed), (1, 3, 1), "{told:?}");
    assert_eq!(
        told.examples,
        [
            "namespace shop goes",
            "node type mgnl:area goes",
            "node type mgnl:page comes back",
            "node type shop:product goes",
            "privilege shop:buy goes",
        ]
    );

    restore(&with.engine, &with.backup, &[]);
    let (now, rows) = with.live();
    assert_eq!(rows, with.rows);
    // What is not the content's stays, and the workspace that was lost has its definition again.
    assert_eq!(now, with.good);
    let after = fs::metadata(home.join(TYPES)).unwrap();
    assert_eq!(
        (after.uid(), after.gid(), after.mode()),
        (owner.uid(), owner.gid(), owner.mode())
    );

    // Undo takes a moment, and so does undoing that.
    let was = left(home);
    assert_eq!(was.len(), 1);
    for expected in [&bad, &(with.good.clone(), with.rows.clone()), &bad] {
        with.house.pass(chrono::Duration::minutes(1));
        let told = undo(&with.engine).outcome.unwrap().summary;
        assert!(told.contains("is undone"), "{told}");
        assert_eq!(&with.live(), expected);
        assert_eq!(left(home), was);
    }
    with.house.pass(chrono::Duration::minutes(1));
    let confirm = with.engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&with.engine, confirm);
    assert_eq!(left(home), Vec::<PathBuf>::new());
    assert_eq!(with.live(), bad);

    // Where nothing differs in it, nothing is made in it.
    restore(&with.engine, &with.backup, &[]);
    with.house.pass(chrono::Duration::minutes(1));
    let confirm = with.engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&with.engine, confirm);
    with.house.pass(chrono::Duration::minutes(1));
    restore(&with.engine, &with.backup, &[]);
    assert_eq!(left(home), Vec::<PathBuf>::new());
    assert_eq!(with.live().0, with.good);
}

fn rustix_is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_home_that_is_gone_comes_back_whole_and_undo_takes_only_its_own_away() {
    let with = With::home();
    let away = with.house.path("away");
    fs::rename(&with.home, &away).unwrap();
    with.house.pass(chrono::Duration::minutes(1));
    // No backup can be taken of it as it is.
    let why = failed(&with.engine, start_backup(&with.engine));
    assert!(why.contains("opening the home"), "{why}");
    let plan = with.plan(&[]);
    assert!(
        plan.obstacles[0].contains("restore everything without a safety backup"),
        "{plan:#?}"
    );
    let request = lifeboat::domain::request::RestoreRequest {
        without_safety: true,
        ..crate::house::request(&with.backup, &[])
    };
    let plan = with
        .engine
        .live(&House::live())
        .unwrap()
        .plan_restore(&request, &lifeboat::watch::Unwatched)
        .unwrap();
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains("is gone: its files come back")),
        "{plan:#?}"
    );
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let job = lifeboat::engine::start_restore(&with.engine, &plan.id, LIVE).unwrap();
    done(&with.engine, job);
    let small = |files: &Files| -> Files {
        let is_small = |path: &Path| !path.ends_with(".lock") && !path.ends_with("locks");
        files
            .iter()
            .filter(|(path, _)| is_small(path))
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect()
    };
    assert_eq!(files(&with.home), small(&with.good));
    // Magnolia starts, and works in it.
    write(&with.home, "workspaces/website/index/segments_1", "new");
    write(&with.home, "repository/datastore/ab/cd/ef/abcdef", "record");
    write(&with.home, TYPES, &types(&["mgnl:page", "new:type"]));
    with.house.pass(chrono::Duration::minutes(1));
    undo(&with.engine);
    let left = files(&with.home);
    assert_eq!(
        left.keys().collect::<Vec<_>>(),
        [Path::new("repository/datastore/ab/cd/ef/abcdef")]
    );
    with.house.pass(chrono::Duration::minutes(1));
    undo(&with.engine);
    assert_eq!(
        fs::read_to_string(with.home.join(TYPES)).unwrap(),
        types(&["mgnl:page", "new:type"])
    );
}

#[test]
fn chosen_workspaces_leave_the_home_and_do_not_come_back_where_it_would_mean_something_else() {
    let with = With::home();
    for workspace in crate::house::WORKSPACES {
        with.house
            .client("author")
            .batch_execute(&format!(
                "TRUNCATE pm_{workspace}_bundle; TRUNCATE version_bundle"
            ))
            .unwrap();
        with.house.bundles("author", &format!("pm_{workspace}_bundle"), 5);
    }
    with.house.pass(chrono::Duration::minutes(1));
    let backup = back_up(&with.engine).0;
    change(&with.home);
    let live = files(&with.home);
    let told = plan(&with.engine, &backup, &["website"]);
    assert_eq!(told.obstacles, Vec::<String>::new());
    assert!(told.changes.iter().all(|change| change.workspace != ".home"));
    let warned = |text: &str| told.warnings.iter().any(|warning| warning.contains(text));
    assert!(
        warned("missing or different there: mgnl:page."),
        "{:#?}",
        told.warnings
    );
    with.house.pass(chrono::Duration::minutes(1));
    restore(&with.engine, &backup, &["website"]);
    assert_eq!(files(&with.home), live);
    assert_eq!(left(&with.home), Vec::<PathBuf>::new());

    write(
        &with.home,
        NUMBERS,
        "#\n.empty.key=0\nhttp\\://m=78\nhttp\\://s=77\n",
    );
    let told = plan(&with.engine, &backup, &["website"]);
    assert!(
        told.obstacles[0].contains("\"http://m\" is 77 in the backup and 78 in Live"),
        "{told:#?}"
    );
    assert_eq!(plan(&with.engine, &backup, &[]).obstacles, Vec::<String>::new());
}

#[test]
fn a_backup_without_a_home_is_restored_as_before_and_the_plan_says_so() {
    let mut house = House::new();
    let backup = back_up(&house.engine()).0;
    let report = lifeboat::engine::check(&house.engine(), Some(&House::live())).unwrap();
    let found = report
        .findings
        .iter()
        .find(|finding| finding.about == "home")
        .unwrap();
    assert_eq!(found.verdict, Verdict::Warning);
    assert!(found.detail.contains("none is configured"), "{found:?}");
    settle(&mut house);
    let home = home_of(&house, "author");
    let engine = house.engine();
    house
        .client("author")
        .batch_execute("TRUNCATE pm_website_bundle")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    let told = plan(&engine, &backup, &[]);
    assert!(
        told.warnings
            .iter()
            .any(|text| text.contains("is not in this backup")),
        "{told:#?}"
    );
    let before = files(&home);
    restore(&engine, &backup, &[]);
    assert_eq!(files(&home), before);

    // And the other way: the backup has one, and none is configured.
    house.pass(chrono::Duration::minutes(1));
    let backup = back_up(&engine).0;
    drop(engine);
    house.settle = Box::new(|_, _| {});
    change(&home);
    let before = files(&home);
    let engine = house.engine();
    let told = plan(&engine, &backup, &[]);
    assert!(
        told.warnings
            .iter()
            .any(|text| text.contains("Name its folder as home")),
        "{told:#?}"
    );
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(files(&home), before);
}

#[test]
fn the_wrong_folder_is_named_with_the_right_one() {
    let mut house = House::new();
    settle(&mut house);
    let home = home_of(&house, "author");
    let wrong = home.join("workspaces");
    house.settle = Box::new({
        let wrong = wrong.clone();
        move |_, database| database.home = Some(wrong.clone())
    });
    let engine = house.engine();
    let why = failed(&engine, start_backup(&engine));
    let right = format!("name {} as home", home.display());
    assert!(why.contains(&right), "{why}");
    let report = lifeboat::engine::check(&engine, Some(&House::live())).unwrap();
    let found = report
        .findings
        .iter()
        .find(|finding| finding.about == "home")
        .unwrap();
    assert_eq!(found.verdict, Verdict::Failed);
    assert!(found.detail.contains(&right), "{found:?}");
    drop(engine);
    house.settle = Box::new(move |_, database| database.home = Some(home.clone()));
    let engine = house.engine();
    let report = lifeboat::engine::check(&engine, Some(&House::live())).unwrap();
    let found = report
        .findings
        .iter()
        .find(|finding| finding.about == "home")
        .unwrap();
    assert_eq!(found.verdict, Verdict::Ok, "{found:?}");
}
