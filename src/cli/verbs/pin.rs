//! `lifeboat pin ENV BACKUP` and `lifeboat unpin ENV BACKUP`: keeps a backup on purpose, for ever or until a day, and lets
//! it go again.

use clap::Args;
use serde_json::json;

use crate::cli::{Call, CliError, trouble};
use crate::domain::backup::Backup;
use crate::domain::environment::EnvironmentName;
use crate::domain::free_text;
use crate::domain::pin::end_of;
use crate::domain::request::PinRequest;

/// What `lifeboat pin --help` says first.
pub const LONG_ABOUT: &str = "\
Keep a backup on purpose, for ever or until a day, whatever slots and expiries
say. Retention never drops it before that, and nobody deletes it. The pin is
written into the backup's record in the repository, with who and why, so that
whoever finds the repository finds it there; the backup has another id after it.

A pinned backup takes up no place: the slots keep as many as they do without it.";

/// What `lifeboat pin` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PinArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: an id, a unique beginning of one, a slot's name, "latest", "recent", "upgrade" or "safety"
    #[arg(value_name = "BACKUP")]
    pub backup: String,
    /// The last day (UTC) on which it is kept, such as 2027-03-31; for ever without it
    #[arg(long, value_name = "DAY")]
    pub until: Option<String>,
    /// Why; shown to everybody who wonders
    #[arg(long, value_name = "TEXT", value_parser = free_text::argument)]
    pub note: Option<String>,
}

/// What `lifeboat unpin` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UnpinArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: an id, a unique beginning of one, a slot's name, "latest", "recent", "upgrade" or "safety"
    #[arg(value_name = "BACKUP")]
    pub backup: String,
}

pub(super) async fn pin(arguments: PinArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let until = match arguments.until.as_deref().map(end_of) {
        None => None,
        Some(Ok(until)) => until,
        Some(Err(error)) => return Err(CliError::usage(error.to_string())),
    };
    let backend = call.backend().await?;
    let name = &arguments.environment;
    let chosen = trouble::choose(&backend.environment(name).await?, &arguments.backup)?;
    backend
        .pin_backup(PinRequest {
            environment: name.clone(),
            backup: chosen.id.clone(),
            until,
            note: free_text::said(arguments.note),
        })
        .await?;
    tell(name, &chosen, call).await
}

pub(super) async fn unpin(arguments: UnpinArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let name = &arguments.environment;
    let chosen = trouble::choose(&backend.environment(name).await?, &arguments.backup)?;
    backend.unpin_backup(name.clone(), chosen.id.clone()).await?;
    tell(name, &chosen, call).await
}

/// Tells how a backup stands whose pin was changed. The pin is written in its record, and the id is the record's digest: it has
/// another one after that.
async fn tell(name: &EnvironmentName, chosen: &Backup, call: &mut Call<'_>) -> Result<(), CliError> {
    let after = call.backend().await?.environment(name).await?;
    let is_same = |backup: &&Backup| {
        backup.manifest.taken == chosen.manifest.taken && backup.manifest.trigger == chosen.manifest.trigger
    };
    let Some(now) = after.all_backups().find(is_same) else {
        trouble::end(&after)?;
        let list = call.command(&format!("backups {name}"));
        return Err(CliError::failed(format!(
            "backup {} of {name} was changed, and is not in the list of backups any more: `{list}` shows what is",
            chosen.id
        )));
    };
    if call.globals.json {
        return call.json(&json!({
            "environment": name,
            "backup": now,
            "trouble": after.summary.trouble,
        }));
    }
    let kept = match &now.manifest.pin {
        Some(pin) => format!("is pinned: it is kept {}", pin.how_long()),
        None => "is not pinned any more: it is kept as long as a slot or an expiry keeps it".to_owned(),
    };
    call.tell(&format!(
        "Backup {} (its id was {}) of {name} {kept}.",
        now.id, chosen.id
    ))?;
    trouble::remark(&after, call)
}
