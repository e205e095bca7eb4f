//! Lifeboat is gone, and `restic`, `psql` and the manual's script bring everything back into an empty database: every row,
//! what sequences go on with, the data store and the home of the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lifeboat::demo::cluster::SUPERUSER;

use crate::home_files::{self, TYPES};
use crate::house::{House, back_up, restore};

/// A house with what makes it hard to put tables back in any order, and how many nodes it has.
fn house() -> House {
    let mut house = House::new();
    let home = house.path("magnolia");
    home_files::write(&home, TYPES, &home_files::types(&["mgnl:page"]));
    home_files::write(
        &home,
        "repository/namespaces/ns_reg.properties",
        "#\n.empty.key=\nmgnl=http\\://m\n",
    );
    home_files::write(
        &home,
        "workspaces/website/workspace.xml",
        "<Workspace name=\"website\"/>\n",
    );
    house.settle = Box::new(move |_, settings| settings.home = Some(home.clone()));
    house
        .client("author")
        .batch_execute(
            "CREATE ROLE magnolia; GRANT CREATE ON SCHEMA public TO magnolia; \
             DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE public.%I OWNER TO magnolia', t); END LOOP; END $$; \
             INSERT INTO pm_website_names (name) SELECT 'name ' || n FROM generate_series(1, 500) n; \
             DELETE FROM pm_website_names WHERE id > 400; \
             ALTER TABLE pm_dam_refs ADD CONSTRAINT of_a_bundle FOREIGN KEY (node_id_hi, node_id_lo) \
             REFERENCES pm_website_bundle (node_id_hi, node_id_lo); \
             INSERT INTO pm_dam_refs SELECT node_id_hi, node_id_lo, 'x' FROM pm_website_bundle LIMIT 100; \
             COMMENT ON CONSTRAINT of_a_bundle ON pm_dam_refs IS 'hard to load in the order of names'; \
             ALTER TABLE pm_config_binval ADD number bigint GENERATED ALWAYS AS IDENTITY; \
             INSERT INTO pm_config_binval (binval_id, binval_data) SELECT n, 'x' FROM generate_series(1, 20) n; \
             CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             CREATE TRIGGER noted AFTER INSERT ON pm_dam_binval FOR EACH ROW EXECUTE FUNCTION noted()",
        )
        .unwrap();
    house
        .client("postgres")
        .batch_execute("CREATE DATABASE brought")
        .unwrap();
    house
}

/// Makes the database anew that everything is brought back into.
fn empty(house: &House) {
    let mut client = house.client("postgres");
    for statement in ["DROP DATABASE brought", "CREATE DATABASE brought"] {
        client.batch_execute(statement).unwrap();
    }
}

fn bring_back(house: &House, options: &[&Path], backup: &str) -> Output {
    bring_back_as(house, SUPERUSER, options, backup)
}

fn bring_back_as(house: &House, user: &str, options: &[&Path], backup: &str) -> Output {
    let binaries = house.cluster.binaries().display().to_string();
    let path = std::env::var("PATH").unwrap();
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/manual/bring-back"))
        .args(options)
        .args([backup, "author"])
        .arg(house.path("recovered"))
        .env("PATH", format!("{binaries}:{path}"))
        .env("RESTIC_REPOSITORY", house.path("repository/acme/live"))
        .env("RESTIC_PASSWORD_FILE", house.path("key"))
        .env("RESTIC_CACHE_DIR", house.path("cache"))
        .env("PGHOST", house.cluster.socket())
        .env("PGUSER", user)
        .env("PGDATABASE", "brought")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

#[test]
fn restic_and_psql_alone_bring_all_of_it_back() {
    let house = house();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let original = house.rows("author", "public");
    let (store, home) = (house.path("new/datastore"), house.path("new/magnolia"));
    let options = [Path::new("--data-store"), &store, Path::new("--home"), &home];
    let output = bring_back(&house, &options, &backup);
    assert!(output.status.success(), "{}", said(&output));
    // Somebody has to be told of what cannot come back.
    assert!(
        said(&output).contains("CREATE TRIGGER noted"),
        "{}",
        said(&output)
    );

    assert_eq!(house.rows("brought", "public"), original);
    assert_eq!(files(&store), files(&house.data_store("author")));
    assert_eq!(files(&home), files(&house.path("magnolia")));
    assert_eq!(files(&store).len(), 2);

    // The next name and the next number are the ones that follow on a restore by Lifeboat.
    house
        .client("author")
        .batch_execute("UPDATE pm_website_names SET name = 'broken' WHERE id = 1")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    let (mut live, mut brought) = (house.client("author"), house.client("brought"));
    for (table, columns) in [
        ("pm_website_names", "(name) VALUES ('new') RETURNING id::bigint"),
        (
            "pm_config_binval",
            "(binval_id, binval_data) VALUES ('new', 'x') RETURNING number",
        ),
    ] {
        let insert = format!("INSERT INTO {table} {columns}");
        let expected: i64 = live.query_one(&insert, &[]).unwrap().get(0);
        let given: i64 = brought.query_one(&insert, &[]).unwrap().get(0);
        assert_eq!(given, expected, "{table}");
    }
    let hangs: i64 = brought
        .query_one(
            "SELECT count(*) FROM pg_constraint WHERE conname = 'of_a_bundle' AND convalidated",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(hangs, 1);
    // Once more, without being told that there is something by now.
    let again = bring_back(&house, &[], &backup);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("is not empty"), "{}", said(&again));
}

#[test]
fn what_cannot_be_loaded_whole_leaves_the_database_as_empty_as_it_was() {
    let house = house();
    let backup = {
        let engine = house.engine();
        back_up(&engine).0
    };
    let first = bring_back(&house, &[], &backup);
    assert!(first.status.success(), "{}", said(&first));
    empty(&house);

    // The last table of all is cut off.
    let rows = house.path("recovered/author/website/pm_website_refs/0.header");
    let header = fs::read(&rows).unwrap();
    fs::write(&rows, &header[..header.len() - 4]).unwrap();
    let cut = bring_back(&house, &[], &backup);
    assert!(!cut.status.success(), "{}", said(&cut));
    assert!(house.rows("brought", "public").is_empty());

    fs::write(&rows, header).unwrap();
    let whole = bring_back(&house, &[], &backup);
    assert!(whole.status.success(), "{}", said(&whole));
    assert_eq!(house.rows("brought", "public"), house.rows("author", "public"));

    // Somewhere else, where nobody has made the owner yet.
    let schema = house.path("recovered/author/.schema/schema.sql");
    let text = fs::read_to_string(&schema)
        .unwrap()
        .replace("OWNER TO magnolia", "OWNER TO nobody");
    fs::write(&schema, text).unwrap();
    empty(&house);
    let refused = bring_back(&house, &[], &backup);
    assert!(said(&refused).contains("the role nobody"), "{}", said(&refused));
    assert!(house.rows("brought", "public").is_empty());
}

/// At night nobody should have to find out which of fifty warnings matter.
#[test]
fn the_owner_of_the_database_is_warned_of_nothing_that_is_not_there() {
    let house = house();
    let backup = {
        let engine = house.engine();
        back_up(&engine).0
    };
    let owned = "ALTER ROLE magnolia LOGIN; ALTER DATABASE brought OWNER TO magnolia";
    house.client("postgres").batch_execute(owned).unwrap();
    house
        .client("brought")
        .batch_execute("GRANT ALL ON SCHEMA public TO magnolia")
        .unwrap();
    let home = house.path("new/magnolia");
    let options = [Path::new("--home"), &home];

    // What cannot be copied is told before anything is loaded, so that the same can be typed once more.
    fs::create_dir_all(house.path("recovered/author")).unwrap();
    let without = bring_back_as(&house, "magnolia", &options, &backup);
    assert!(
        said(&without).contains("has no home of author"),
        "{}",
        said(&without)
    );
    assert!(house.rows("brought", "public").is_empty());

    fs::remove_dir_all(house.path("recovered")).unwrap();
    let output = bring_back_as(&house, "magnolia", &options, &backup);
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains("WARNING"), "{}", said(&output));
    assert_eq!(house.rows("brought", "public"), house.rows("author", "public"));
}
