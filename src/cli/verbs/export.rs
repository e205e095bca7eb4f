//! `lifeboat export ENV SOURCE PATH --to DIR`: a node with all that is below it, as a file that Magnolia's own import takes or as
//! files; files of a folder; and all that a backup holds, as a tar.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::looking::Waiting;
use crate::backend::Backend;
use crate::backend::landing::{self, LandingError};
use crate::cli::outside::{Interrupts, interrupted};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{
    ExportFacts, ExportForm, ExportRequest, NodePath, PathError, Source, file_name,
};
use crate::domain::measure;

/// What `lifeboat export --help` says first.
pub const LONG_ABOUT: &str = "\
Writes a node of a backup or of Live, with all that is below it, on this machine: as XML or YAML that Magnolia's own import \
takes, where nodes keep their ids and binaries are in it, so that one page comes back without stopping Magnolia; or as folders \
and files to look at. Of content in folders, it copies the files out. With --as tar, all that a backup holds of a workspace, of an \
instance, or of everything becomes a tar of what `restic restore` would give. Nothing is written over, and what bears its \
name is whole.";

/// As what it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The system view of JCR, as Magnolia exports and imports it
    Xml,
    /// YAML, as Magnolia exports and imports it; names, paths, references, addresses and decimal numbers become texts in it
    Yaml,
    /// A folder for each node, with its properties as JSON and its binaries as files; of content in folders, its files
    Files,
    /// All that a backup holds of it, as `restic restore` would give it
    Tar,
}

impl From<Form> for ExportForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Xml => Self::Xml,
            Form::Yaml => Self::Yaml,
            Form::Files => Self::Files,
            Form::Tar => Self::Tar,
        }
    }
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
        value_parser = path,
        help = "The node: INSTANCE:/WORKSPACE/NODE/…, as author:/website/home/news. Of a tar: INSTANCE, INSTANCE:WORKSPACE, or \
                nothing for all of the backup"
    )]
    pub path: Option<NodePath>,
    /// As what to write it
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Xml)]
    pub form: Form,
    /// The folder to write into, on this machine; of a tar also the file. "-" writes to standard output, which files cannot
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

/// A path, of which a workspace may stand right behind the colon.
fn path(text: &str) -> Result<NodePath, PathError> {
    match text.split_once(':') {
        Some((instance, workspace)) if !text.contains('/') && !workspace.is_empty() => {
            format!("{instance}:/{workspace}").parse()
        }
        _ => text.parse(),
    }
}

pub(super) async fn run(arguments: ExportArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let form = ExportForm::from(arguments.form);
    let path = match arguments.path {
        Some(path) => path,
        None if form == ExportForm::Tar => NodePath::default(),
        None => {
            return Err(CliError::usage(
                "what to export is missing: name a node, as author:/website/home/news",
            ));
        }
    };
    let is_streamed = arguments.to.as_os_str() == "-";
    if is_streamed && form == ExportForm::Files {
        return Err(CliError::usage(
            "files cannot be written to standard output: name a folder as --to",
        ));
    }
    if is_streamed && call.globals.json {
        return Err(CliError::usage(
            "standard output takes the export or what is told of it as JSON, and not both: leave --json away, or name a folder",
        ));
    }
    let backend = call.backend().await?;
    if !is_streamed {
        landing::is_open(&*backend, &target(&arguments.to, form, &file_name(&path, form))).await?;
    }
    let request = ExportRequest {
        environment: arguments.environment,
        source: arguments.source,
        path,
        form,
    };
    let mut waiting = Waiting::default();
    let facts = waiting
        .for_answer(call, || backend.export_facts(request.clone()))
        .await?;
    // As the answer has it: what a slot holds may be another backup by now.
    let request = ExportRequest {
        source: facts.seen.source.clone(),
        ..request
    };
    // From here on something may be left behind, unless it is taken away.
    let interrupts = (call.outside.interrupts)();
    if is_streamed {
        return stream(&backend, request, interrupts, call).await;
    }
    let name = match form {
        ExportForm::Tar => plain(&facts.file),
        _ => file_name(&request.path, form),
    };
    let target = target(&arguments.to, form, &name);
    let bytes = download(&backend, request, &target, interrupts, call).await?;
    if call.globals.json {
        return call.json(&json!({ "export": facts, "file": target, "bytes": bytes }));
    }
    tell(&facts, &target, bytes, call)
}

/// Where it goes: a file may be named itself where it is a tar.
fn target(to: &Path, form: ExportForm, name: &str) -> PathBuf {
    if form == ExportForm::Tar && !to.is_dir() {
        return to.to_owned();
    }
    to.join(name)
}

/// A name that another machine has made up, as one in a folder.
fn plain(name: &str) -> String {
    let name = name.replace(['/', '\0'], "-");
    match name.as_str() {
        "" | "." | ".." => "export.tar".to_owned(),
        _ => name,
    }
}

/// Writes it beside its place, and puts it there when all of it is on the disk.
async fn download(
    backend: &Arc<dyn Backend>,
    request: ExportRequest,
    target: &Path,
    mut interrupts: Interrupts,
    call: &mut Call<'_>,
) -> Result<u64, CliError> {
    landing::is_free(target)?;
    let form = request.form;
    let download = backend.export(request).await?;
    let arrived = AtomicU64::new(0);
    let told = |bytes| arrived.store(bytes, Ordering::Relaxed);
    let stop = async {
        interrupted(&mut interrupts).await;
    };
    let landing = landing::land(download, target, form, &told, stop);
    let mut waiting = Waiting::default();
    let landed = waiting
        .meanwhile(call, landing, || {
            format!("writing: {}", measure::bytes(arrived.load(Ordering::Relaxed)))
        })
        .await?;
    Ok(landed?)
}

/// Writes it to standard output, as it comes.
async fn stream(
    backend: &Arc<dyn Backend>,
    request: ExportRequest,
    mut interrupts: Interrupts,
    call: &mut Call<'_>,
) -> Result<(), CliError> {
    let mut download = backend.export(request).await?;
    loop {
        let piece = tokio::select! {
            piece = download.next() => piece,
            _ = interrupted(&mut interrupts) => {
                return Err(CliError::failed("it was stopped before its end: what was written is not whole"));
            }
        };
        let Some(piece) = piece.transpose()? else { break };
        call.outside.out.write_all(&piece)?;
    }
    Ok(call.outside.out.flush()?)
}

impl From<LandingError> for CliError {
    fn from(error: LandingError) -> Self {
        match error {
            LandingError::Backend(error) => error.into(),
            LandingError::NoFolder(_) | LandingError::Somebodys { .. } => Self::usage(error.to_string()),
            error => Self::failed(error.to_string()),
        }
    }
}

fn tell(facts: &ExportFacts, target: &Path, bytes: u64, call: &mut Call<'_>) -> Result<(), CliError> {
    let word = if facts.form == ExportForm::Tar {
        "item"
    } else {
        "node"
    };
    let nodes = match facts.nodes {
        1 => format!("1 {word}"),
        nodes => format!("{} {word}s", measure::count(nodes)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_may_stand_right_behind_the_colon() {
        for (text, expected) in [
            ("author:website", "author:/website"),
            ("author", "author:"),
            ("author:/website/a:b", "author:/website/a:b"),
        ] {
            assert_eq!(path(text).unwrap(), expected.parse().unwrap());
        }
    }

    #[test]
    fn no_name_of_another_machine_leads_elsewhere() {
        assert_eq!(plain("../../etc/x.tar"), "..-..-etc-x.tar");
        assert_eq!(plain(".."), "export.tar");
    }
}
