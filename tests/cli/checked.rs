//! `lifeboat check` on the real program: what of the configuration keeps the cockpit from opening.

use std::fs;

use tempfile::tempdir;

use crate::program::{configured, program, text};

#[test]
fn what_keeps_the_cockpit_from_opening_is_found_by_check() {
    let home = tempdir().unwrap();
    fs::create_dir_all(home.path().join("author/website")).unwrap();
    configured(home.path());
    let file = home.path().join(".config/lifeboat/lifeboat.toml");
    let good = fs::read_to_string(&file).unwrap();
    let check = || {
        let output = program(home.path(), &["check"]);
        (
            output.status.code(),
            text(&output.stdout)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    let (code, said) = check();
    assert!(code == Some(0) && !said.contains("cockpit"), "{said}");

    for (more, told) in [
        ("[keys]\nyes = \"k\"\n", "the keys of yes cannot be changed"),
        ("[keys]\nbackup = \"r\"\n", "r would do two things"),
        ("[keys]\nbackupp = \"T\"\n", "there is no action \"backupp\""),
        (
            "[contexts.dark]\nbackend = \"embedded\"\ntheme = \"drak\"\n",
            "the context \"dark\"",
        ),
    ] {
        fs::write(&file, format!("default_context = \"local\"\n{good}\n{more}")).unwrap();
        let (code, said) = check();
        assert_eq!(code, Some(1), "{more}: {said}");
        assert!(
            said.contains("FAILED cockpit: ") && said.contains(told),
            "{more}: {said}"
        );
        // It stands before what is about an environment.
        assert!(said.find("cockpit: ") < said.find("repository: "), "{said}");
    }
}
