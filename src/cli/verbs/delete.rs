//! `lifeboat delete ENV BACKUP`: deletes an upgrade or safety backup before it expires.

use clap::Args;
use serde_json::json;

use crate::cli::{Call, CliError, trouble};
use crate::domain::environment::EnvironmentName;

/// What `lifeboat delete --help` says first.
pub const LONG_ABOUT: &str = "\
Deletes an upgrade or safety backup before it expires. The backups in the four slots are never deleted by \
hand: each goes when its successor is complete and verified.";

/// What `lifeboat delete` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DeleteArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: "upgrade", "safety", an id or a unique beginning of one
    #[arg(value_name = "BACKUP")]
    pub backup: String,
}

pub(super) async fn run(arguments: &DeleteArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let name = &arguments.environment;
    let details = backend.environment(name).await?;
    let chosen = trouble::choose(&details, &arguments.backup)?;
    backend.delete_backup(name.clone(), chosen.id.clone()).await?;
    if call.globals.json {
        return call.json(&json!({
            "environment": name,
            "deleted": chosen.id,
            "trouble": details.summary.trouble,
        }));
    }
    call.tell(&format!("Backup {} of {name} is deleted.", chosen.id))?;
    trouble::remark(&details, call)
}
