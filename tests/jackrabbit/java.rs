//! Java processes that do one command of `tests/jackrabbit/run` after the other: to start one and to make its code quick is
//! most of what a command costs. What needs a process of its own, because it is told things while it runs, is killed or
//! has files of a database open, is not started here.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use lifeboat::demo::cluster::SUPERUSER;

/// A process that waits for its next command. It ends when it is dropped, or the program of tests ends.
struct Waiting {
    process: Child,
    answers: BufReader<ChildStdout>,
}

/// Those that nobody uses now, by the version of Jackrabbit.
static WAITING: Mutex<BTreeMap<Option<&'static str>, Vec<Waiting>>> = Mutex::new(BTreeMap::new());

/// Has a command done on a repository in a database of PostgreSQL, with its home and where it keeps large binaries.
pub fn does_on(
    version: Option<&'static str>,
    command: &str,
    (url, store, home): (&str, &str, &Path),
    options: &[&str],
) -> Output {
    let home = home.to_str().unwrap();
    let mut arguments = vec![command, "--url", url, "--user", SUPERUSER, "--datastore", store];
    arguments.extend(["--home", home]);
    does(version, &[&arguments, options].concat())
}

/// Has a command done by a process with this version of Jackrabbit, `None` for the usual one.
pub fn does(version: Option<&'static str>, arguments: &[&str]) -> Output {
    let has_a_break = |argument: &&&str| argument.contains(['\t', '\n']);
    assert_eq!(arguments.iter().find(has_a_break), None);
    let mut java = taken(version).unwrap_or_else(|| Waiting::started(version));
    let Some(output) = java.does(arguments) else {
        // There is no Java here, or it broke down.
        return java.process.wait_with_output().unwrap();
    };
    if output.status.success() {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(version).or_default().push(java);
    } else {
        java.process.wait().unwrap();
    }
    output
}

fn taken(version: Option<&'static str>) -> Option<Waiting> {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.get_mut(&version)?.pop()
}

impl Waiting {
    fn started(version: Option<&'static str>) -> Self {
        let mut process = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jackrabbit/run"))
            .envs(version.map(|version| ("JACKRABBIT_VERSION", version)))
            .arg("stay")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, answers }
    }

    /// What a process of its own would have given. `None` when this one is no more.
    fn does(&mut self, arguments: &[&str]) -> Option<Output> {
        let input = self.process.stdin.as_mut()?;
        // Whether it took the line shows when it answers.
        let _ = writeln!(input, "{}", arguments.join("\t"));
        let mut head = String::new();
        self.answers.read_line(&mut head).unwrap();
        if head.is_empty() {
            return None;
        }
        let numbers: Vec<u32> = head
            .split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect();
        let [code, printed, complained] = numbers[..] else {
            panic!("{head:?}");
        };
        Some(Output {
            status: ExitStatus::from_raw(i32::try_from(code << 8).unwrap()),
            stdout: self.bytes(printed),
            stderr: self.bytes(complained),
        })
    }

    fn bytes(&mut self, count: u32) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(count).unwrap()];
        self.answers.read_exact(&mut bytes).unwrap();
        bytes
    }
}
