//! A Live of one instance with one backup, whose hooks wait where a test wants a job to be.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use crate::line::{self, Line};

/// The program.
pub const LIFEBOAT: &str = env!("CARGO_BIN_EXE_lifeboat");

/// What is noted on a job when its terminal has gone.
pub const UNSEEN: &str =
    "the terminal of the Lifeboat that it runs in went away; it goes on without a screen";

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
stop_within = "5m"

[repository]
root = "repository"
password_file = "key"

[[environment]]
project = "acme"
name = "live"
kind = "live"
release_version = "v12"
magnolia_version = "6.3.4"
schedule = { enabled = false }
verify = { every = "never" }
drill = { every = "never" }

[[environment.instance]]
name = "author"
role = "author"
content = { type = "files", path = "{content}" }
"#;

/// The house. Its first job is the backup, the second the one of the test.
pub struct House(TempDir);

impl House {
    /// A Live that was backed up and is broken since. At this hook of a job with this trigger, `reached` and `open` are
    /// waited for.
    pub fn waiting_at(hook: &str, trigger: &str) -> Self {
        Self::waiting_at_each(&[hook], trigger)
    }

    /// The same at each of these hooks in turn.
    pub fn waiting_at_each(hooks: &[&str], trigger: &str) -> Self {
        let house = Self(tempfile::tempdir().unwrap());
        for name in ["reached", "open", "said"] {
            let made = Command::new("mkfifo").arg(house.path(name)).status().unwrap();
            assert!(made.success());
        }
        let script = format!(
            "[ $LIFEBOAT_TRIGGER = {trigger} ] || exit 0; echo > {}; cat {}",
            house.path("reached").display(),
            house.path("open").display()
        );
        let hooks = hooks
            .iter()
            .map(|hook| format!("{hook} = [\"sh\", \"-c\", \"{script}\"]"));
        let hooks = format!("hooks = {{ {} }}\n", hooks.collect::<Vec<_>>().join(", "));
        let config = CONFIG.replace("{content}", &house.text("content"));
        fs::write(house.path("lifeboat.toml"), config + &hooks).unwrap();
        fs::write(house.path("key"), "a key for tests").unwrap();
        for number in 0..4 {
            let page = house.path(&format!("content/website/page-{number}.xml"));
            fs::create_dir_all(page.parent().unwrap()).unwrap();
            fs::write(page, format!("page {number}")).unwrap();
        }
        // Its own hook does not wait here: it was asked for by a person.
        let first = house.runs(&["backup", "acme/live"]);
        assert!(first.0, "{}", first.1);
        fs::write(house.path("content/website/page-0.xml"), "broken").unwrap();
        fs::remove_file(house.path("content/website/page-1.xml")).unwrap();
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A line to the program.
    pub fn line(&self, arguments: &[&str]) -> Line {
        self.line_to(LIFEBOAT, arguments)
    }

    /// A line to another program that starts it.
    pub fn line_to(&self, program: &str, arguments: &[&str]) -> Line {
        let (config, state) = (self.text("lifeboat.toml"), self.text("state"));
        let variables = [("LIFEBOAT_CONFIG", config.as_str()), ("LIFEBOAT_STATE", &state)];
        Line::to(program.as_ref(), arguments, &variables)
    }

    /// The program in another process, without a terminal.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LIFEBOAT);
        command
            .args(arguments)
            .env("LIFEBOAT_CONFIG", self.path("lifeboat.toml"))
            .env("LIFEBOAT_STATE", self.path("state"))
            .stdin(Stdio::null());
        command
    }

    /// Runs it, and gives whether all went well and what it printed.
    pub fn runs(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(printed).unwrap())
    }

    /// A job with its log, as another process sees it.
    pub fn job(&self, id: u64) -> Value {
        let (is_well, printed) = self.runs(&["jobs", &id.to_string(), "--log", "--json"]);
        assert!(is_well, "{printed}");
        serde_json::from_str(&printed).unwrap()
    }

    /// Waits until the job's log, as another process sees it, holds this text.
    pub fn notes(&self, id: u64, text: &str) {
        let deadline = Instant::now() + line::DEADLINE;
        loop {
            let (_, printed) = self.runs(&["jobs", &id.to_string(), "--log", "--json"]);
            if printed.contains(text) {
                return;
            }
            assert!(Instant::now() < deadline, "no \"{text}\": {printed}");
        }
    }

    /// Waits until the hook is reached.
    pub fn reached(&self) {
        fs::read(self.path("reached")).unwrap();
    }

    /// Lets the hook go on.
    pub fn open(&self) {
        fs::write(self.path("open"), "go").unwrap();
    }

    /// Reads what a program writes into the pipe `said` until a line holds the text; the rest is read after it.
    pub fn says(&self, text: &str) {
        let mut lines = BufReader::new(File::open(self.path("said")).unwrap()).lines();
        assert!(
            lines.any(|line| line.unwrap().contains(text)),
            "it ended without \"{text}\""
        );
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Live's pages.
    pub fn live(&self) -> BTreeMap<String, String> {
        let pages = fs::read_dir(self.path("content/website")).unwrap();
        pages
            .map(|page| {
                let page = page.unwrap();
                let name = page.file_name().into_string().unwrap();
                (name, fs::read_to_string(page.path()).unwrap())
            })
            .collect()
    }

    /// What the backup holds.
    fn backed_up() -> BTreeMap<String, String> {
        (0..4)
            .map(|number| (format!("page-{number}.xml"), format!("page {number}")))
            .collect()
    }

    /// Whether the job's log, and the activity log, hold this text.
    #[track_caller]
    pub fn tells(&self, id: u64, text: &str) {
        let job = self.job(id);
        let log = job["log"].as_array().unwrap();
        let in_log = log
            .iter()
            .filter(|line| line["text"].as_str().unwrap().contains(text))
            .count();
        assert_eq!(in_log, 1, "{job:#}");
        let (_, printed) = self.runs(&["activity", "--json"]);
        let activity: Value = serde_json::from_str(&printed).unwrap();
        let entries = activity["activity"].as_array().unwrap();
        assert!(
            entries
                .iter()
                .any(|entry| entry["job"] == id && entry["what"].as_str().unwrap().contains(text)),
            "{activity:#}"
        );
    }

    /// Makes sure that the restore came to its end.
    #[track_caller]
    pub fn is_restored(&self) {
        let job = self.job(2);
        assert_eq!(job["job"]["state"], "done", "{job:#}");
        assert_eq!(self.live(), Self::backed_up());
    }

    /// Makes sure that the restore came to its end, and says that nobody looked on.
    #[track_caller]
    pub fn is_restored_unseen(&self) {
        self.is_restored();
        self.tells(2, UNSEEN);
    }
}
