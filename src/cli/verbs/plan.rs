//! `lifeboat plan ENV BACKUP`: what a restore would do, in full, without touching Live (rule 12).

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::backend::BackendError;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError, ErrorKind};
use crate::domain::environment::{EnvironmentName, InstanceName, workspace_label};
use crate::domain::explore::NodePath;
use crate::domain::limited;
use crate::domain::measure;
use crate::domain::plan::{ItemChange, RestorePlan, Room, Selection, WorkspaceChange};
use crate::domain::refusal::Refusal;
use crate::domain::request::RestoreRequest;
use crate::domain::settings::RepositoryChoice;
use crate::domain::shell;

/// What `lifeboat plan --help` says first.
pub const LONG_ABOUT: &str = "\
Works out what a restore would do, and changes nothing: per instance and workspace what would be added, \
changed and removed; how much work is lost; whether the versions differ; how long it should take; whether \
there is room. Ends with exit code 3 when the restore cannot be done.";

/// So many examples of a workspace are said where they are heard.
const HEARD: usize = 3;

/// What `lifeboat plan` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PlanArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: an id, a unique beginning of one, a slot's name, "upgrade" or "safety"
    #[arg(value_name = "BACKUP")]
    pub backup: String,
    /// Which of the two repositories to take it from
    #[arg(long, value_enum, default_value_t = From::Repository)]
    pub from: From,
    /// Which part of it.
    #[command(flatten)]
    pub part: Part,
}

/// Which of the two repositories is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// The one that backups are made in
    #[default]
    Repository,
    /// The second one, which repository.copy names
    Copy,
}

impl std::convert::From<From> for RepositoryChoice {
    fn from(from: From) -> Self {
        match from {
            From::Repository => Self::First,
            From::Copy => Self::Copy,
        }
    }
}

/// Which part of a backup is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Part {
    /// Only this workspace; may be given several times
    #[arg(long = "workspace", value_name = "WORKSPACE")]
    pub workspaces: Vec<String>,
    /// Only this instance; may be given several times
    #[arg(long = "instance", value_name = "INSTANCE")]
    pub instances: Vec<InstanceName>,
    /// Only this node, folder or file and all that is below it, for example `author:/website/home/news`; may be given several
    /// times
    #[arg(long = "path", value_name = "PATH", conflicts_with = "workspaces")]
    pub paths: Vec<NodePath>,
    /// Leave out the safety backup: faster, and only what is set aside beside Live can then undo it
    #[arg(long)]
    pub without_safety_backup: bool,
}

impl TryFrom<Part> for Selection {
    type Error = CliError;

    fn try_from(part: Part) -> Result<Self, CliError> {
        if part.paths.is_empty() {
            return Ok(Self {
                instances: part.instances,
                workspaces: part.workspaces,
                paths: Vec::new(),
            });
        }
        Self::of_paths(part.instances, part.paths).map_err(|error| CliError::usage(error.to_string()))
    }
}

pub(super) async fn run(arguments: PlanArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let request = RestoreRequest {
        environment: arguments.environment,
        backup: arguments.backup,
        without_safety: arguments.part.without_safety_backup,
        even_if_unchanged: false,
        from: arguments.from.into(),
        selection: arguments.part.try_into()?,
    };
    let plan = call.backend().await?.plan_restore(request).await?;
    if call.globals.json {
        call.json(&json!({ "plan": plan, "can_be_done": plan.obstacles.is_empty() }))?;
    } else {
        print(&plan, call)?;
    }
    match plan.obstacles.first() {
        None => Ok(()),
        // It was said in the plan.
        Some(_) if call.in_lines.is_some() => Err(CliError::new(ErrorKind::Refused, "")),
        // The same end as the restore itself would have.
        Some(obstacle) => Err(BackendError::from(Refusal::Obstacle(obstacle.clone())).into()),
    }
}

fn print(plan: &RestorePlan, call: &mut Call<'_>) -> Result<(), CliError> {
    let manifest = &plan.backup.manifest;
    call.tell(&format!(
        "A restore of {} from {}, taken {} ({} before this plan), would do this:",
        plan.environment,
        plan.backup.named(),
        measure::moment(manifest.taken),
        measure::between(manifest.taken, plan.made),
    ))?;
    call.say("")?;
    let is_unchanged = plan.changes.iter().all(WorkspaceChange::is_unchanged);
    let same = if plan.selection.is_everything() {
        "Live is the same as the backup"
    } else {
        "what was chosen is in Live as it is in the backup; the rest was not looked at"
    };
    if is_unchanged && !plan.obstacles.is_empty() {
        call.tell("Not all of it could be compared, since something is in the way.")?;
    } else if plan.changes.is_empty() {
        call.tell("There is nothing to compare: the backup holds nothing of what was chosen.")?;
    } else if plan.changes_nothing {
        call.tell(&format!(
            "Nothing would change: {same}.{}",
            behind(plan.how_compared())
        ))?;
    } else if is_unchanged {
        call.tell("No item would change. What else is not as in the backup, and comes back, stands below.")?;
    } else {
        if call.globals.plain {
            // What it comes to is heard before what it is made of.
            let rows = changes(plan).spoken();
            rows.last().into_iter().try_for_each(|total| call.tell(total))?;
            let mut each = rows.iter().take(rows.len().saturating_sub(1));
            each.try_for_each(|row| call.tell(row))?;
        } else {
            call.table(&changes(plan))?;
        }
        let same = plan.changes.iter().filter(|change| change.is_unchanged()).count();
        match same {
            0 => {}
            1 => call.say("The same as in the backup: 1 other workspace.")?,
            many => call.say(&format!("The same as in the backup: {many} other workspaces."))?,
        }
    }
    examples(plan, call)?;
    call.say("")?;
    call.table(&facts(plan, call.globals.plain))?;
    for told in &plan.stopping.by_hooks {
        call.tell(&format!("{told}."))?;
    }
    for warning in &plan.warnings {
        call.tell(&format!("warning: {warning}"))?;
        call.has_told(warning);
    }
    if let Some((sentence, command)) = more_than_replaced(plan, "plan", call) {
        call.tell(&sentence)?;
        call.say(&format!("  {command}"))?;
        call.has_told(&sentence);
    }
    call.say("")?;
    // In lines it is chosen, not typed.
    let is_typed = call.in_lines.is_none();
    if plan.obstacles.is_empty() && !plan.changes_nothing && !is_typed {
        return call.tell(if plan.without_safety {
            "NO SAFETY BACKUP of Live is taken: only what is set aside beside Live can undo the restore."
        } else {
            "A safety backup of Live comes first; an undo goes back to it."
        });
    }
    if plan.obstacles.is_empty() && plan.changes_nothing {
        call.tell("A restore would say the same and end. To have everything put back all the same:")?;
        let command = call.command(&format!("{} --even-if-unchanged", arguments(plan)));
        return call.say(&format!("  {command}"));
    }
    if plan.obstacles.is_empty() {
        call.tell(if plan.without_safety {
            "NO SAFETY BACKUP of Live is taken: only what is set aside beside Live can undo the restore. To restore:"
        } else {
            "A safety backup of Live comes first; `lifeboat undo` goes back to it. To restore:"
        })?;
        let command = call.command(&arguments(plan));
        return call.say(&format!("  {command}"));
    }
    call.tell("It cannot be done:")?;
    for obstacle in &plan.obstacles {
        call.tell(&format!("  {obstacle}"))?;
    }
    Ok(())
}

/// A sentence behind another one.
fn behind(sentence: Option<&str>) -> String {
    sentence
        .map(|sentence| format!(" {sentence}"))
        .unwrap_or_default()
}

/// The workspaces that would change, and the sum over all.
fn changes(plan: &RestorePlan) -> Table {
    let mut table = Table::new(&[
        ("instance", Side::Left),
        ("workspace", Side::Left),
        ("holds", Side::Left),
        ("added", Side::Right),
        ("changed", Side::Right),
        ("removed", Side::Right),
        ("same", Side::Right),
        ("size", Side::Right),
    ]);
    for change in plan.changes.iter().filter(|change| !change.is_unchanged()) {
        table.row([
            change.instance.to_string(),
            workspace_label(&change.workspace).to_owned(),
            change.kind.label().to_owned(),
            measure::count(change.added),
            measure::count(change.changed),
            measure::count(change.removed),
            measure::count(change.unchanged),
            measure::bytes(change.bytes),
        ]);
    }
    let (added, changed, removed) = plan.totals();
    table.row([
        "in all".to_owned(),
        String::new(),
        String::new(),
        measure::count(added),
        measure::count(changed),
        measure::count(removed),
        measure::count(plan.changes.iter().map(|change| change.unchanged).sum()),
        measure::bytes(plan.changes.iter().map(|change| change.bytes).sum()),
    ]);
    table
}

/// A few of the items that would change, per workspace; those of instances that have the same are told once.
fn examples(plan: &RestorePlan, call: &mut Call<'_>) -> Result<(), CliError> {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left), ("", Side::Left)]);
    let mut spoken = Vec::new();
    for (place, change) in told_once(&plan.changes) {
        let most = if call.globals.plain { HEARD } else { usize::MAX };
        for (index, (becomes, example)) in change.named_at_most(most).into_iter().enumerate() {
            let column = if index == 0 {
                format!("  {place}")
            } else {
                String::new()
            };
            spoken.push(match becomes {
                Some(becomes) => format!("{} in {place}: {example}", becomes.label()),
                None => format!("in {place}: {example}"),
            });
            table.row([column, becomes.map_or("", ItemChange::label).to_owned(), example]);
        }
    }
    if table.is_empty() {
        return Ok(());
    }
    call.say("")?;
    call.say("For example:")?;
    if call.globals.plain {
        // Each line by itself says what becomes of what, and where.
        return spoken.iter().try_for_each(|line| call.tell(line));
    }
    call.table(&table)
}

/// The changes with examples, each with where it is: `author/website`, or `author, public-1/website` where several instances
/// have the same.
fn told_once(changes: &[WorkspaceChange]) -> Vec<(String, &WorkspaceChange)> {
    let has_same = |one: &WorkspaceChange, other: &WorkspaceChange| {
        one.workspace == other.workspace && one.named().eq(other.named())
    };
    let mut told: Vec<(Vec<String>, &WorkspaceChange)> = Vec::new();
    for change in changes.iter().filter(|change| !change.examples.is_empty()) {
        let instance = change.instance.to_string();
        match told.iter_mut().find(|(_, known)| has_same(known, change)) {
            Some((instances, _)) => instances.push(instance),
            None => told.push((vec![instance], change)),
        }
    }
    let place = |instances: Vec<String>, change: &WorkspaceChange| {
        format!("{}/{}", instances.join(", "), workspace_label(&change.workspace))
    };
    told.into_iter()
        .map(|(instances, change)| (place(instances, change), change))
        .collect()
}

fn facts(plan: &RestorePlan, is_heard: bool) -> Table {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    let mut fact = |word: &str, value: String| table.row([word.to_owned(), value]);
    if plan.from == RepositoryChoice::Copy {
        fact("from", "the second repository".to_owned());
    }
    let part = &plan.selection;
    if !part.is_everything() {
        let instances: Vec<_> = part.instances.iter().map(InstanceName::as_str).collect();
        let list = |names: &[&str], all: &str| match names {
            [] => all.to_owned(),
            names => names.join(", "),
        };
        let workspaces: Vec<_> = part.workspaces.iter().map(String::as_str).collect();
        let instances = list(&instances, "all instances");
        // Their workspaces are named with them, and would be taken for all that comes back.
        if part.has_paths() {
            let paths = measure::so_many(part.paths.len() as u64, "path", "paths");
            fact("limited to", format!("{paths} of {instances}"));
            for path in &part.paths {
                // Alone in a line, it is heard what it is.
                fact(if is_heard { "path" } else { "" }, path.to_string());
            }
        } else {
            fact("limited to", instances);
            fact("", list(&workspaces, "all workspaces"));
        }
    }
    fact("work lost", plan.work_lost().words);
    let versions = &plan.backup.manifest.versions;
    let now = &plan.versions_now;
    fact(
        "release",
        compare(&versions.release.0, &now.release.0, plan.release_differs()),
    );
    fact(
        "Magnolia",
        compare(&versions.magnolia.0, &now.magnolia.0, plan.magnolia_differs()),
    );
    fact(
        "expected time",
        plan.expected.as_ref().map_or_else(
            || "not known yet: nothing to judge by".to_owned(),
            |expected| expected.in_words(plan.without_safety, plan.made),
        ),
    );
    let least = plan.room.iter().map(|room| room.free).min();
    if let Some(free) = least.filter(|_| is_heard && plan.room.iter().all(Room::is_enough)) {
        fact(
            "room",
            format!("enough everywhere, at least {} are free", measure::bytes(free)),
        );
        return table;
    }
    for (index, room) in plan.room.iter().enumerate() {
        let verdict = if room.is_enough() { "" } else { " - NOT ENOUGH" };
        fact(
            if index == 0 { "room" } else { "" },
            format!(
                "{}: needs {}, free {}{verdict}",
                room.purpose,
                measure::bytes(room.needed),
                measure::bytes(room.free),
            ),
        );
    }
    table
}

fn compare(backup: &str, live: &str, differs: bool) -> String {
    if differs {
        format!("{backup} in the backup, {live} in Live: THEY DIFFER")
    } else {
        format!("{live}, the same as in the backup")
    }
}

/// The options that limit a restore to a part, as they are typed in a shell, each with a blank before it.
pub(super) fn part_arguments(part: &Selection) -> String {
    let mut arguments = String::new();
    for [option, what] in limited::options(part) {
        arguments.extend([" ", &option, " ", &shell::quoted(&what)]);
    }
    arguments
}

/// Where all of a safety backup would come back, and the restore that it was taken for replaced only a part: that, as a sentence
/// whose end is how the part alone comes back, and the command for it.
pub(super) fn more_than_replaced(
    plan: &RestorePlan,
    verb: &str,
    call: &Call<'_>,
) -> Option<(String, String)> {
    let manifest = &plan.backup.manifest;
    let part = manifest
        .replaced_part()
        .filter(|_| plan.selection.is_everything())?;
    let sentence = format!(
        "{}, and here all of it comes back. To have that part alone:",
        manifest.replaced_in_words()?
    );
    let name = &plan.environment;
    let command = format!(
        "{verb} {name} {}{}{}",
        plan.backup.id,
        part_arguments(part),
        options(plan)
    );
    // In lines a verb is typed as it is.
    let command = match call.in_lines {
        Some(_) => command,
        None => call.command(&command),
    };
    Some((sentence, command))
}

/// The arguments that do what the plan says. The backup's id is in it, since a slot may have another holder by then.
fn arguments(plan: &RestorePlan) -> String {
    let name = &plan.environment;
    let mut arguments = format!("restore {name} {} --confirm {name}", plan.backup.id);
    arguments.push_str(&part_arguments(&plan.selection));
    arguments.push_str(&options(plan));
    arguments
}

/// The other options that the plan was made with, each with a blank before it.
fn options(plan: &RestorePlan) -> String {
    let mut options = String::new();
    if plan.from == RepositoryChoice::Copy {
        options.push_str(" --from copy");
    }
    if plan.without_safety {
        options.push_str(" --without-safety-backup");
    }
    options
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        part: Part,
    }

    #[test]
    fn the_options_of_a_part_mean_exactly_that_part() {
        let author = || vec!["author".parse().unwrap()];
        let workspaces = Selection {
            instances: author(),
            workspaces: vec!["website".to_owned(), "dam".to_owned()],
            paths: Vec::new(),
        };
        let paths = ["/website/home/our news", "/dam/logo.png"].map(|path| path.parse().unwrap());
        let paths = Selection::of_paths(author(), paths.to_vec()).unwrap();
        for part in [workspaces, paths, Selection::default()] {
            let options = limited::options(&part).into_iter().flatten();
            let typed = std::iter::once("lifeboat".to_owned()).chain(options);
            let read = Selection::try_from(Only::try_parse_from(typed).unwrap().part).unwrap();
            assert_eq!(read, part);
        }
    }
}
