//! What the unit for systemd, the example for Kubernetes and the manual say of an installation fits together, and what the
//! unit leaves of root's rights is enough for the work.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lifeboat::config::Config;

fn asset(name: &str) -> String {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    fs::read_to_string(assets.join(name)).unwrap()
}

/// The values of a setting of the unit.
fn unit(setting: &str) -> Vec<String> {
    let text = asset("systemd/lifeboat.service");
    let values = text
        .lines()
        .filter_map(|line| line.strip_prefix(setting)?.strip_prefix('='));
    values
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_unit_and_the_manual_name_the_same_program_configuration_and_folders() {
    let page = asset("manual/service.md");
    let program = unit("ExecStart").remove(0);
    assert_eq!(program, "/usr/local/bin/lifeboat");
    assert!(page.contains("cargo install --path . --locked --root /usr/local"));
    let config = unit("Environment").remove(0);
    assert!(page.contains(&format!("export {config}")), "{config}");
    // A state folder that only the unit knew would be another catalog than the one that verbs are typed on.
    assert_eq!(unit("Environment").len(), 1);
    assert_eq!(unit("StateDirectory"), ["lifeboat"]);
    assert!(page.contains("state = \"/var/lib/lifeboat/state\""));
    for folder in unit("ReadWritePaths") {
        assert!(page.contains(&folder), "the page does not name {folder}");
    }
    assert!(unit("User").is_empty() && page.contains("as root"));
}

#[test]
fn the_configuration_in_the_example_for_kubernetes_can_be_read() {
    let text = asset("kubernetes/lifeboat.yaml");
    let (_, block) = text.split_once("lifeboat.toml: |\n").unwrap();
    let (block, _) = block.split_once("---").unwrap();
    let lines: Vec<_> = block
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lifeboat.toml");
    fs::write(&file, lines.join("\n")).unwrap();
    let config = Config::load(&file).unwrap();
    assert_eq!(config.environments.len(), 1);
    assert!(config.server.tls.is_some());
    // What it names is mounted.
    for place in [
        "/var/lib/lifeboat",
        "/run/secrets/lifeboat",
        "/srv/magnolia",
        "/etc/lifeboat",
    ] {
        assert!(text.contains(&format!("mountPath: {place}")), "{place}");
    }
}

/// A Live of somebody else's.
struct Live {
    folder: tempfile::TempDir,
}

const MAGNOLIA: u32 = 4_711;
const EDITOR: u32 = 4_712;

impl Live {
    fn new() -> Self {
        let live = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (workspace, owner) in [
            ("config", MAGNOLIA),
            ("users", MAGNOLIA),
            ("website", MAGNOLIA),
            ("dam", EDITOR),
        ] {
            let folder = live.content().join(workspace);
            fs::create_dir_all(folder.join("sub")).unwrap();
            let file = folder.join("sub/file");
            fs::write(&file, workspace).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o2700)).unwrap();
            for path in [folder.join("sub"), file, folder] {
                chown(path, Some(owner), Some(MAGNOLIA)).unwrap();
            }
        }
        chown(live.content(), Some(MAGNOLIA), Some(MAGNOLIA)).unwrap();
        let config = format!(
            "state = \"state\"\n[repository]\nroot = \"{0}/repository\"\npassword_file = \"key\"\n\
             [[environment]]\nproject = \"acme\"\nname = \"live\"\nkind = \"live\"\nrelease_version = \"v12\"\n\
             magnolia_version = \"6.3.4\"\n[[environment.instance]]\nname = \"author\"\nrole = \"author\"\n\
             content = {{ type = \"files\", path = \"{0}/content\" }}\n",
            live.folder.path().display()
        );
        fs::write(live.folder.path().join("lifeboat.toml"), config).unwrap();
        fs::write(live.folder.path().join("key"), "secret\n").unwrap();
        live
    }

    fn content(&self) -> PathBuf {
        self.folder.path().join("content")
    }

    /// Owner, group, permissions and text of every file and folder of the content.
    fn all(&self) -> Vec<(PathBuf, u32, u32, u32, String)> {
        let mut found = Vec::new();
        let mut folders = vec![self.content()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let about = fs::metadata(&path).unwrap();
                let text = if about.is_dir() {
                    folders.push(path.clone());
                    String::new()
                } else {
                    fs::read_to_string(&path).unwrap()
                };
                found.push((path, about.uid(), about.gid(), about.mode(), text));
            }
        }
        found.sort();
        found
    }

    /// Runs a verb with exactly the rights that the unit leaves.
    fn lifeboat(&self, verb: &[&str]) -> Output {
        let rights: Vec<_> = unit("CapabilityBoundingSet")
            .iter()
            .map(|name| format!("+{}", name.strip_prefix("CAP_").unwrap().to_lowercase()))
            .collect();
        Command::new("setpriv")
            .arg(format!("--bounding-set=-all,{}", rights.join(",")))
            .args(["--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs", "--"])
            .arg(env!("CARGO_BIN_EXE_lifeboat"))
            .arg("--config")
            .arg(self.folder.path().join("lifeboat.toml"))
            .args(verb)
            .env("HOME", self.folder.path())
            .output()
            .unwrap()
    }

    fn works(&self, verb: &[&str]) {
        let output = self.lifeboat(verb);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{verb:?}: {said}");
    }
}

#[test]
fn what_the_unit_leaves_of_root_brings_back_what_belongs_to_others() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let live = Live::new();
    let before = live.all();
    live.works(&["check"]);
    live.works(&["backup", "acme/live"]);
    fs::remove_dir_all(live.content().join("dam/sub")).unwrap();
    fs::write(live.content().join("website/sub/file"), "broken").unwrap();
    let broken = live.all();
    live.works(&["restore", "acme/live", "manual", "--confirm", "acme/live"]);
    assert_eq!(live.all(), before);
    live.works(&["undo", "acme/live", "--confirm", "acme/live"]);
    assert_eq!(live.all(), broken);
    live.works(&["drill", "acme/live", "manual"]);
}
