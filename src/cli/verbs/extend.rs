//! `lifeboat extend ENV BACKUP`: keeps an upgrade or safety backup for another 48 hours.

use clap::Args;
use serde_json::json;

use crate::cli::{Call, CliError, trouble};
use crate::domain::backup::Backup;
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;

/// What `lifeboat extend` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExtendArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: "upgrade", "safety", an id or a unique beginning of one
    #[arg(value_name = "BACKUP")]
    pub backup: String,
}

pub(super) async fn run(arguments: &ExtendArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let name = &arguments.environment;
    let before = backend.environment(name).await?;
    let chosen = trouble::choose(&before, &arguments.backup)?;
    backend.extend_backup(name.clone(), chosen.id.clone()).await?;
    let after = backend.environment(name).await?;
    // The expiry is written in the backup's record, and the id is the record's digest: a backup has another id after it.
    let extended = after.all_backups().find(|backup| is_same(backup, &chosen));
    let Some(extended) = extended else {
        trouble::end(&after)?;
        let list = call.command(&format!("backups {name}"));
        return Err(CliError::failed(format!(
            "backup {} of {name} was extended, and is not in the list of backups any more: `{list}` shows what is",
            chosen.id
        )));
    };
    if call.globals.json {
        return call.json(&json!({
            "environment": name,
            "backup": extended,
            "trouble": after.summary.trouble,
        }));
    }
    let until = extended
        .manifest
        .expires
        .map_or_else(|| "further notice".to_owned(), measure::moment);
    let was = if extended.id == chosen.id {
        String::new()
    } else {
        format!(" (its id was {})", chosen.id)
    };
    call.tell(&format!(
        "Backup {}{was} of {name} is kept until {until}.",
        extended.id
    ))?;
    trouble::remark(&after, call)
}

/// Whether it is the same copy of Live, under whichever id.
fn is_same(one: &Backup, other: &Backup) -> bool {
    one.manifest.taken == other.manifest.taken && one.manifest.trigger == other.manifest.trigger
}
