//! `lifeboat restore ENV BACKUP`: puts a backup's content back into Live.

use clap::Args;

use super::plan::{From, Part, more_than_replaced};
use crate::backend::BackendError;
use crate::cli::follow::{self, Begun, JobArguments};
use crate::cli::plain::asking::Wanted;
use crate::cli::{Call, CliError, heard, trouble};
use crate::domain::elsewhere::Elsewhere;
use crate::domain::environment::EnvironmentName;
use crate::domain::free_text;
use crate::domain::measure;
use crate::domain::plan::RestorePlan;
use crate::domain::refusal::{Refusal, confirmed};
use crate::domain::request::{ExtractRequest, RestoreRequest};
use crate::domain::settings::RepositoryChoice;

/// What `lifeboat restore --help` says first.
pub const LONG_ABOUT: &str = "\
Makes a plan of the restore and follows it: puts a backup's content back into Live. A safety backup of what is there comes first; the content is staged \
beside Live and verified before Live is switched to it, so that Live is old or new and never mixed. \
A restore that would change nothing says so and ends. \
`lifeboat plan` says beforehand what would change, and `lifeboat undo` goes back.

With --into nothing of Live is touched and nothing has to be confirmed: a copy is made to look at, in a new or an empty \
folder (DIR/INSTANCE/content), in a new or an empty schema of a database, or in both, and read back there. Of a database the \
records of the data store and the home go to the folder (DIR/INSTANCE/datastore, DIR/INSTANCE/home). On a service all of \
it is made on the service's machine. Content of any environment is refused.";

/// What `lifeboat restore` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RestoreArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: an id, a unique beginning of one, a slot's name, "upgrade" or "safety"
    #[arg(value_name = "BACKUP")]
    pub backup: String,
    /// The environment's name once more, so that nothing is restored by reflex; asked for on a terminal
    #[arg(long, value_name = "ENV")]
    pub confirm: Option<String>,
    /// Which of the two repositories to take it from
    #[arg(long, value_enum, default_value_t = From::Repository)]
    pub from: From,
    /// Which part of it.
    #[command(flatten)]
    pub part: Part,
    /// Restore into this new or empty folder, or database, and not into Live; one of each may be given
    #[arg(long, value_name = "DIR|DATABASE", conflicts_with_all = ["confirm", "even_if_unchanged", "without_safety_backup", "paths"])]
    pub into: Vec<String>,
    /// The schema of that database, new or empty; without it the one that the instance has in Live
    #[arg(long, value_name = "SCHEMA", requires = "into")]
    pub schema: Option<String>,
    /// Put everything back also where nothing would change, as far as that can be seen
    #[arg(long)]
    pub even_if_unchanged: bool,
    /// Begin at once although another owner has to agree: why. It is told to everybody, as critical
    #[arg(long, value_name = "REASON", conflicts_with = "into", value_parser = free_text::needed)]
    pub break_glass: Option<String>,
    /// How the job is followed.
    #[command(flatten)]
    pub job: JobArguments,
}

pub(super) async fn run(arguments: RestoreArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    if !arguments.into.is_empty() {
        return elsewhere(arguments, call).await;
    }
    let request = RestoreRequest {
        environment: arguments.environment,
        backup: arguments.backup,
        without_safety: arguments.part.without_safety_backup,
        even_if_unchanged: arguments.even_if_unchanged,
        from: arguments.from.into(),
        selection: arguments.part.try_into()?,
    };
    let detached = arguments.job.detach;
    follow::start_telling(&arguments.job, call, async |backend, call| {
        let name = request.environment.clone();
        let asks = arguments.confirm.is_none() && call.can_ask() && !detached;
        // Making a plan takes a while. Whether the name is right is known before.
        let given = arguments.confirm.unwrap_or_default();
        if !asks && let Err(refusal) = confirmed(&name, &given) {
            // What cannot be restored whatever is typed is said first.
            if request.from == RepositoryChoice::First {
                trouble::choose(&backend.environment(&name).await?, &request.backup)?;
            }
            return Err(BackendError::from(refusal).into());
        }
        let plan = backend.plan_restore(request).await?;
        let tells = !call.globals.json && !call.in_background;
        let warnings = plan.warnings.clone();
        for warning in warnings.iter().filter(|_| tells) {
            heard(call.warn(warning))?;
        }
        if tells
            && let Some((sentence, command)) = more_than_replaced(&plan, "restore", call)
            && !call.has_told(&sentence)
        {
            heard(call.remark(&sentence))?;
            heard(call.remark(&format!("  {command}")))?;
        }
        // In lines the plan has said it.
        let is_new = tells && asks && call.in_lines.is_none();
        for told in plan.stopping.by_hooks.iter().filter(|_| is_new) {
            heard(call.remark(&format!("{told}.")))?;
        }
        let confirm = if asks { asked(&plan, call).await? } else { given };
        Ok(Begun {
            id: match arguments.break_glass {
                Some(reason) => backend.start_restore_alone(plan.id, confirm, reason).await?,
                None => backend.start_restore(plan.id, confirm).await?,
            },
            remark: None,
            told: if tells { warnings } else { Vec::new() },
        })
    })
    .await
}

/// Restores into a place that is nobody's.
async fn elsewhere(arguments: RestoreArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let into = Elsewhere::of(&arguments.into, arguments.schema).map_err(CliError::usage)?;
    let request = ExtractRequest {
        environment: arguments.environment,
        backup: arguments.backup,
        selection: arguments.part.try_into()?,
        from: arguments.from.into(),
        into,
    };
    follow::start(&arguments.job, call, async |backend| {
        backend.start_extract(request).await
    })
    .await
}

/// What was typed under the plan.
async fn asked(plan: &RestorePlan, call: &mut Call<'_>) -> Result<String, CliError> {
    let name = &plan.environment;
    if let Some(obstacle) = plan.obstacles.first() {
        return Err(BackendError::from(Refusal::Obstacle(obstacle.clone())).into());
    }
    let (added, changed, removed) = plan.totals();
    call.remark(&format!(
        "{} of {}: {} to add, {} to change, {} to remove{}",
        plan.backup.named(),
        measure::moment(plan.backup.manifest.taken),
        measure::items(added),
        measure::count(changed),
        measure::count(removed),
        if plan.without_safety {
            "; NO SAFETY BACKUP is taken"
        } else {
            ""
        }
    ))?;
    call.ask_for(Wanted::Name(name), &format!("To restore it, type {name}: "))
        .await
}
