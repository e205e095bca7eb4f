//! Writing what is inside a backup or Live on the machine of the cockpit, wherever the backend is.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::message::Message;
use crate::backend::Backend;
use crate::backend::landing::{self, LandingError};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{ExportFacts, ExportForm, ExportRequest, Looked, NodePath, Source, file_name};
use crate::domain::measure;

/// How long it takes until it is asked or told again how far it is.
const AGAIN: Duration = Duration::from_millis(400);
/// So many remarks are told.
const REMARKS: usize = 10;

/// What is to be written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where it is taken from.
    pub source: Source,
    /// Each becomes a file, or a folder.
    pub paths: Vec<NodePath>,
    /// As what.
    pub form: ExportForm,
    /// A folder on this machine.
    pub folder: PathBuf,
}

/// Writes it, and tells how far it is.
///
/// # Errors
/// Why not all of it was written, and what was, as sentences.
pub async fn export(
    backend: &dyn Backend,
    order: &Order,
    messages: &UnboundedSender<Message>,
    stop: watch::Receiver<u64>,
) -> Result<String, String> {
    let mut done = Vec::new();
    let mut remarks = Vec::new();
    for path in &order.paths {
        match one(backend, order, path, messages, stop.clone()).await {
            Ok((sentence, facts)) => {
                done.push(sentence);
                remarks.extend(facts.remarks);
            }
            Err(why) if done.is_empty() => return Err(why.to_string()),
            Err(why) => return Err(format!("{}. Then: {path}: {why}", done.join("; "))),
        }
    }
    let mut told = done.join("; ");
    for remark in remarks.iter().take(REMARKS) {
        told.extend([". Left out: ", remark]);
    }
    if remarks.len() > REMARKS {
        let more = (remarks.len() - REMARKS).to_string();
        told.extend([". And ", &more, " more was left out"]);
    }
    Ok(told)
}

async fn one(
    backend: &dyn Backend,
    order: &Order,
    path: &NodePath,
    messages: &UnboundedSender<Message>,
    mut stop: watch::Receiver<u64>,
) -> Result<(String, ExportFacts), LandingError> {
    let request = ExportRequest {
        environment: order.environment.clone(),
        source: order.source.clone(),
        path: path.clone(),
        form: order.form,
    };
    let name = file_name(path, order.form);
    let target = order.folder.join(&name);
    landing::is_open(backend, &target).await?;
    let facts = tokio::select! {
        facts = look(backend, &request, messages) => facts?,
        _ = stop.changed() => return Err(LandingError::Stopped),
    };
    let download = backend.export(request).await?;
    let arrived = AtomicU64::new(0);
    let told = |bytes| arrived.store(bytes, Ordering::Relaxed);
    let stopped = async {
        // Where nobody can say so any more, the cockpit has gone.
        let _ = stop.changed().await;
    };
    let landing = landing::land(download, &target, order.form, &told, stopped);
    tokio::pin!(landing);
    let bytes = loop {
        tokio::select! {
            landed = &mut landing => break landed?,
            () = tokio::time::sleep(AGAIN) => {
                let far = measure::bytes(arrived.load(Ordering::Relaxed));
                tell(messages, format!("exporting {name}: {far} of {}; c stops it", measure::bytes(facts.bytes)));
            }
        }
    };
    let sentence = format!(
        "exported {} ({})",
        whole(&target).display(),
        measure::bytes(bytes)
    );
    Ok((sentence, facts))
}

/// Finds out what it holds.
async fn look(
    backend: &dyn Backend,
    request: &ExportRequest,
    messages: &UnboundedSender<Message>,
) -> Result<ExportFacts, LandingError> {
    loop {
        match backend.export_facts(request.clone()).await? {
            Looked::Ready(facts) => return Ok(facts),
            Looked::Reading(look) => {
                tell(
                    messages,
                    format!("going through {}: {} %; c stops it", request.path, look.percent()),
                );
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

fn tell(messages: &UnboundedSender<Message>, far: String) {
    // The loop has gone when nobody receives.
    let _ = messages.send(Message::Exporting(far));
}

/// The path from the root, where that is known.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
