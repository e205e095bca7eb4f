//! `lifeboat export ENV SOURCE PATH --to DIR`: a node with all that is below it, as a file that Magnolia's own import takes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde_json::json;

use super::looking::Waiting;
use crate::backend::Backend;
use crate::cli::outside::{Interrupts, interrupted};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{ExportFacts, ExportRequest, NodePath, Source, file_name};
use crate::domain::measure;

/// What `lifeboat export --help` says first.
pub const LONG_ABOUT: &str = "\
Writes a node of a backup or of Live, with all that is below it, into a file on this machine that Magnolia's own import \
takes: nodes keep their ids, binaries are in it. So one page comes back without stopping Magnolia. Nothing is written \
over, and a file that bears its name is whole.";

/// How the names of files begin that are not whole yet.
const UNFINISHED: &str = ".lifeboat-export-";
/// So many of them are tried.
const MOST: u32 = 100;

/// As what nodes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The system view of JCR, as Magnolia exports and imports it
    Xml,
}

/// What `lifeboat export` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExportArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// Where to take it from: "live", or a backup: an id, a unique beginning of one, or a slot's name
    #[arg(value_name = "SOURCE")]
    pub source: Source,
    /// The path.
    #[arg(
        value_name = "PATH",
        help = "The node: INSTANCE:/WORKSPACE/NODE/…, as author:/website/home/news"
    )]
    pub path: NodePath,
    /// As what to write it
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Xml)]
    pub form: Form,
    /// The folder to write into, on this machine
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

pub(super) async fn run(arguments: ExportArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let Form::Xml = arguments.form;
    let target = arguments.to.join(file_name(&arguments.path));
    if !arguments.to.is_dir() {
        return Err(CliError::usage(format!(
            "there is no folder {}: make it first, or name another one as --to",
            arguments.to.display()
        )));
    }
    if target.symlink_metadata().is_ok() {
        return Err(is_there(&target));
    }
    let backend = call.backend().await?;
    let request = ExportRequest {
        environment: arguments.environment,
        source: arguments.source,
        path: arguments.path,
    };
    let facts = Waiting::default()
        .for_answer(call, || backend.export_facts(request.clone()))
        .await?;
    // As the answer has it: what a slot holds may be another backup by now.
    let request = ExportRequest {
        source: facts.seen.source.clone(),
        ..request
    };
    // From here on something may be left behind, unless it is taken away.
    let interrupts = (call.outside.interrupts)();
    let bytes = download(&backend, request, &target, interrupts).await?;
    if call.globals.json {
        return call.json(&json!({ "export": facts, "file": target, "bytes": bytes }));
    }
    tell(&facts, &target, bytes, call)
}

/// Writes it beside its place, and puts it there when all of it is on the disk.
async fn download(
    backend: &Arc<dyn Backend>,
    request: ExportRequest,
    target: &Path,
    mut interrupts: Interrupts,
) -> Result<u64, CliError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let failed = |error: io::Error| {
        CliError::failed(format!(
            "writing {} failed: {error}; nothing is left of it",
            target.display()
        ))
    };
    let mut unfinished = Unfinished::new(folder).map_err(failed)?;
    let mut download = backend.export(request).await?;
    let mut bytes = 0;
    loop {
        let piece = tokio::select! {
            piece = download.next() => piece,
            _ = interrupted(&mut interrupts) => {
                return Err(CliError::failed("it was stopped before its end: nothing is left of it"));
            }
        };
        let Some(piece) = piece.transpose()? else { break };
        unfinished.file.write_all(&piece).map_err(failed)?;
        bytes += piece.len() as u64;
    }
    unfinished.file.sync_all().map_err(failed)?;
    unfinished.name(target)?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| {
            CliError::failed(format!(
                "{} is written, and whether it outlasts a power cut is not known: {error}",
                target.display()
            ))
        })?;
    Ok(bytes)
}

/// A file that goes unless it gets its name.
struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Unfinished {
    fn new(folder: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut number = 1;
        loop {
            let path = folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
            match options.open(&path) {
                Ok(file) => return Ok(Self { file, path }),
                // Left by a process of the same number, or written by one on another machine.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives it its name, unless that is taken.
    fn name(self, target: &Path) -> Result<(), CliError> {
        let renamed = renameat_with(CWD, &self.path, CWD, target, RenameFlags::NOREPLACE);
        let named = match renamed {
            // Not every file system can do that; a second name is not put over another either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => fs::hard_link(&self.path, target),
            renamed => renamed.map_err(io::Error::from),
        };
        match named {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(target)),
            Err(error) => Err(CliError::failed(format!(
                "naming {} failed: {error}; nothing is left of it",
                target.display()
            ))),
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Where it has its name by now, there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}

fn is_there(target: &Path) -> CliError {
    CliError::failed(format!(
        "{} is there already, and nothing is written over: move it away, or name another folder as --to",
        target.display()
    ))
}

fn tell(facts: &ExportFacts, target: &Path, bytes: u64, call: &mut Call<'_>) -> Result<(), CliError> {
    let nodes = match facts.nodes {
        1 => "1 node".to_owned(),
        nodes => format!("{} nodes", measure::count(nodes)),
    };
    call.tell(&format!(
        "{} in {}, as of {}: {nodes}, {}.",
        facts.path,
        facts.seen.source.short(),
        measure::moment(facts.seen.at),
        measure::bytes(bytes)
    ))?;
    call.say(&target.display().to_string())?;
    for remark in &facts.remarks {
        call.tell(&format!("left out: {remark}"))?;
    }
    Ok(())
}
