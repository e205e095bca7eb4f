//! What `lifeboat init` says to type next, typed.

use tempfile::tempdir;

use crate::program::{program, text};

#[test]
fn what_init_says_next_works_beside_another_configuration() {
    let home = tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("author/website")).unwrap();
    let of = |what: &str, value: &str| format!("--{what}={}", home.path().join(value).display());
    let init = |name: &str| {
        let arguments = [
            "init".to_owned(),
            format!("--project={name}"),
            format!("--instance=author={}", home.path().join("author").display()),
            "--release-version=v12".to_owned(),
            "--magnolia-version=6.3.4".to_owned(),
            of("repository", &format!("{name}/repository")),
            of("key", &format!("{name}/key")),
            of("config", &format!("{name}/lifeboat.toml")),
        ];
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        text(&program(home.path(), &arguments).stdout)
    };
    for (name, has_its_own) in [("first", false), ("second", true)] {
        let told = init(name);
        assert_eq!(told.contains("lifeboat.state"), has_its_own, "{told}");
        let next: Vec<_> = told
            .lines()
            .filter_map(|line| line.trim().split_once(". lifeboat "))
            .map(|(_, words)| words.split(' ').collect::<Vec<_>>())
            .filter(|words| ["check", "backup"].contains(&words[0]))
            .collect();
        assert_eq!(next.len(), 2, "{told}");
        for words in next {
            let ended = program(home.path(), &words);
            assert_eq!(ended.status.code(), Some(0), "{words:?}: {}", text(&ended.stderr));
        }
    }
}
