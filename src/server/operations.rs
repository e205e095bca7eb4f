//! The table of everything that the interface offers, in the order of its description.

use axum::http::StatusCode;

use super::bodies::explore::{
    WhichChildren, WhichDiff, WhichExport, WhichExportFacts, WhichFinds, WhichHistory, WhichNode,
    WhichNodeDiff, WhichVersions,
};
use super::bodies::{
    Broken, Confirmed, HowMany, NewApproval, NewBackup, NewExtract, NewHold, NewPin, NewPlan, NewRejection,
    NewRestore, OnlyOne, Seen, Started, WhichBackup, WhichJobs, WhichLines, WhichReceiver,
};
use super::operation::Verb::{Delete, Post, Put};
use super::operation::{Answer, Effect, Operation, of};
use super::{act, explore, read};
use crate::backend::BackendInfo;
use crate::domain::activity::{Activity, Notification};
use crate::domain::check::Report;
use crate::domain::explore::{
    Children, Diff, ExportFacts, Finds, Looked, NodeDiff, NodeFacts, NodeHistory, VersionList,
};
use crate::domain::job::{Job, LogLine};
use crate::domain::lifeboat_node::LifeboatNode;
use crate::domain::notify::{ReceiverStanding, ReceiverTest};
use crate::domain::plan::RestorePlan;
use crate::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};
use crate::domain::token::Role::{Operator, Owner, Viewer};

const fn ok<T: schemars::JsonSchema>() -> Answer {
    Answer::Json(StatusCode::OK, of::<T>())
}

const STARTED: Answer = Answer::Json(StatusCode::ACCEPTED, of::<Started>());

/// Everything that the interface offers.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation::looks(
        "/info",
        "info",
        "Say what this service is",
        ok::<BackendInfo>(),
        |ask| Box::pin(read::info(ask)),
    ),
    Operation::looks(
        "/environments",
        "environments",
        "List the environments and how they stand",
        ok::<Vec<EnvironmentSummary>>(),
        |ask| Box::pin(read::environments(ask)),
    ),
    Operation::looks(
        "/environments/{project}/{environment}",
        "environment",
        "Show one environment in full",
        ok::<EnvironmentDetails>(),
        |ask| Box::pin(read::environment(ask)),
    ),
    Operation::looks(
        "/check",
        "check",
        "Say what works and what does not, of one environment or of all",
        ok::<Report>(),
        |ask| Box::pin(read::check(ask)),
    )
    .with_query(of::<OnlyOne>()),
    Operation::looks(
        "/jobs",
        "jobs",
        "List jobs, newest first",
        ok::<Vec<Job>>(),
        |ask| Box::pin(read::jobs(ask)),
    )
    .with_query(of::<WhichJobs>()),
    Operation::looks("/jobs/{id}", "job", "Show one job", ok::<Job>(), |ask| {
        Box::pin(read::job(ask))
    }),
    Operation::looks(
        "/jobs/{id}/log",
        "job_log",
        "Show the log of a job",
        ok::<Vec<LogLine>>(),
        |ask| Box::pin(read::job_log(ask)),
    )
    .with_query(of::<WhichLines>()),
    Operation::changes(
        Post,
        "/jobs/{id}/cancel",
        "cancel_job",
        "Ask a job to stop at its next safe point; restores, undos and confirmations need an owner",
        Operator,
        |ask| Box::pin(act::cancel(ask)),
    ),
    Operation::looks(
        "/activity",
        "activity",
        "Show who did what, newest first",
        ok::<Vec<Activity>>(),
        |ask| Box::pin(read::activity(ask)),
    )
    .with_query(of::<HowMany>()),
    Operation::looks(
        "/notifications",
        "notifications",
        "Show what there is to tell, newest first",
        ok::<Vec<Notification>>(),
        |ask| Box::pin(read::notifications(ask)),
    )
    .with_query(of::<HowMany>()),
    Operation::looks(
        "/nodes",
        "nodes",
        "List the Lifeboats that share the catalog, their leases, and what each works on",
        ok::<Vec<LifeboatNode>>(),
        |ask| Box::pin(read::nodes(ask)),
    ),
    Operation::looks(
        "/receivers",
        "receivers",
        "List who is told while nobody looks, whether each takes what is sent, and what waits for it",
        ok::<Vec<ReceiverStanding>>(),
        |ask| Box::pin(read::receivers(ask)),
    ),
    Operation::changes(
        Post,
        "/receivers/test",
        "test_receivers",
        "Send a test message to one receiver, or to all",
        Operator,
        |ask| Box::pin(act::test_receivers(ask)),
    )
    .with_body(of::<WhichReceiver>())
    .with_answer(ok::<Vec<ReceiverTest>>()),
    Operation::changes(
        Post,
        "/notifications/seen",
        "notifications_seen",
        "Mark notifications as seen, for everybody",
        Operator,
        |ask| Box::pin(act::seen(ask)),
    )
    .with_body(of::<Seen>()),
    Operation::starts(
        "/environments/{project}/{environment}/backups",
        "start_backup",
        "Take a backup by hand, or before an upgrade",
        Operator,
        STARTED,
        |ask| Box::pin(act::backup(ask)),
    )
    .with_body(of::<NewBackup>()),
    // A plan changes nothing, and is kept for an hour under its id.
    Operation {
        effect: Effect::None,
        ..Operation::changes(
            Post,
            "/environments/{project}/{environment}/plans",
            "plan_restore",
            "Work out what a restore would do",
            Viewer,
            |ask| Box::pin(read::plan(ask)),
        )
    }
    .with_body(of::<NewPlan>())
    .with_answer(Answer::Json(StatusCode::CREATED, of::<RestorePlan>())),
    Operation::starts(
        "/environments/{project}/{environment}/restores",
        "start_restore",
        "Start the restore that a plan describes",
        Owner,
        STARTED,
        |ask| Box::pin(act::restore(ask)),
    )
    .with_body(of::<NewRestore>()),
    Operation::starts(
        "/environments/{project}/{environment}/approvals",
        "approve_restore",
        "Agree to the restore that waits for another owner, and start it",
        Owner,
        STARTED,
        |ask| Box::pin(act::approve(ask)),
    )
    .with_body(of::<NewApproval>()),
    Operation::changes(
        Post,
        "/environments/{project}/{environment}/rejections",
        "reject_restore",
        "End the wait of a restore for another owner: it is not done",
        Owner,
        |ask| Box::pin(act::reject(ask)),
    )
    .with_body(of::<NewRejection>()),
    Operation::looks(
        "/environments/{project}/{environment}/undo",
        "before_undo",
        "Say what was written since the last restore into the parts that it brought back, which an undo sets aside",
        ok::<BeforeUndo>(),
        |ask| Box::pin(read::before_undo(ask)),
    ),
    Operation::starts(
        "/environments/{project}/{environment}/undo",
        "start_undo",
        "Go back to what the last restore replaced",
        Owner,
        STARTED,
        |ask| Box::pin(act::undo(ask)),
    )
    .with_body(of::<Confirmed>()),
    Operation::starts(
        "/environments/{project}/{environment}/confirmations",
        "start_confirm",
        "Drop the tables that restores have replaced",
        Owner,
        STARTED,
        |ask| Box::pin(act::confirm(ask)),
    ),
    Operation::starts(
        "/environments/{project}/{environment}/verifications",
        "start_verify",
        "Read back one backup, or all of them",
        Operator,
        STARTED,
        |ask| Box::pin(act::verify(ask)),
    )
    .with_body(of::<WhichBackup>()),
    Operation::starts(
        "/environments/{project}/{environment}/drills",
        "start_drill",
        "Restore one backup, or the newest, into a scratch place, and compare it there",
        Operator,
        STARTED,
        |ask| Box::pin(act::drill(ask)),
    )
    .with_body(of::<WhichBackup>()),
    Operation::starts(
        "/environments/{project}/{environment}/extracts",
        "start_extract",
        "Restore a backup into a place that is nobody's, to be looked at there",
        Operator,
        STARTED,
        |ask| Box::pin(act::extract(ask)),
    )
    .with_body(of::<NewExtract>()),
    Operation::changes(
        Delete,
        "/environments/{project}/{environment}/backups/{backup}",
        "delete_backup",
        "Delete an upgrade or safety backup before it expires",
        Owner,
        |ask| Box::pin(act::delete(ask)),
    ),
    Operation::changes(
        Post,
        "/environments/{project}/{environment}/backups/{backup}/extensions",
        "extend_backup",
        "Keep an upgrade or safety backup for another 48 hours",
        Owner,
        |ask| Box::pin(act::extend(ask)),
    ),
    Operation::changes(
        Put,
        "/environments/{project}/{environment}/backups/{backup}/pin",
        "pin_backup",
        "Keep a backup on purpose, for ever or until a time",
        Owner,
        |ask| Box::pin(act::pin(ask)),
    )
    .with_body(of::<NewPin>()),
    Operation::changes(
        Delete,
        "/environments/{project}/{environment}/backups/{backup}/pin",
        "unpin_backup",
        "Take the pin of a backup away",
        Owner,
        |ask| Box::pin(act::unpin(ask)),
    ),
    Operation::changes(
        Put,
        "/environments/{project}/{environment}/holds/{hold}",
        "hold",
        "Set or lift maintenance mode or protection",
        Owner,
        |ask| Box::pin(act::hold(ask)),
    )
    .with_body(of::<NewHold>()),
    Operation::changes(
        Post,
        "/environments/{project}/{environment}/breakages",
        "break_live",
        "Break Live on purpose, in the sandbox of the demo",
        Owner,
        |ask| Box::pin(act::break_live(ask)),
    )
    .with_answer(ok::<Broken>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/children",
        "explore_children",
        "List what is in an environment, an instance, a workspace or a node",
        ok::<Looked<Children>>(),
        |ask| Box::pin(explore::children(ask)),
    )
    .with_query(of::<WhichChildren>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/node",
        "explore_node",
        "Show what a node is, with its properties",
        ok::<Looked<NodeFacts>>(),
        |ask| Box::pin(explore::node(ask)),
    )
    .with_query(of::<WhichNode>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/versions",
        "explore_versions",
        "List the versions of a node",
        ok::<Looked<VersionList>>(),
        |ask| Box::pin(explore::versions(ask)),
    )
    .with_query(of::<WhichVersions>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/finds",
        "explore_finds",
        "Find nodes by name, path, id or text; the same question again goes on with the same search",
        ok::<Finds>(),
        |ask| Box::pin(explore::finds(ask)),
    )
    .with_query(of::<WhichFinds>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/history",
        "explore_history",
        "Show what happened to a node over all backups and Live",
        ok::<Looked<NodeHistory>>(),
        |ask| Box::pin(explore::history(ask)),
    )
    .with_query(of::<WhichHistory>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/diff",
        "explore_diff",
        "List how two backups, or a backup and Live, differ",
        ok::<Looked<Diff>>(),
        |ask| Box::pin(explore::diff(ask)),
    )
    .with_query(of::<WhichDiff>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/node-diff",
        "explore_node_diff",
        "Show how one node differs, down to its properties",
        ok::<Looked<NodeDiff>>(),
        |ask| Box::pin(explore::node_diff(ask)),
    )
    .with_query(of::<WhichNodeDiff>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/export",
        "explore_export",
        "Say what the export of a node with all that is below it would hold",
        ok::<Looked<ExportFacts>>(),
        |ask| Box::pin(explore::export_facts(ask)),
    )
    .with_query(of::<WhichExportFacts>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/export.xml",
        "explore_export_xml",
        "Export a node with all that is below it, as XML that Magnolia imports; ask what it holds first",
        Answer::Document("application/xml"),
        |ask| Box::pin(explore::export_xml(ask)),
    )
    .with_query(of::<WhichExport>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/export.yaml",
        "explore_export_yaml",
        "Export a node with all that is below it, as YAML that Magnolia imports; ask what it holds first",
        Answer::Document("application/yaml"),
        |ask| Box::pin(explore::export_yaml(ask)),
    )
    .with_query(of::<WhichExport>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/export-files.tar",
        "explore_export_files",
        "Export a node, a folder or a file with all that is below it, as a tar of files that people can read; ask what it holds \
         first",
        Answer::Document("application/x-tar"),
        |ask| Box::pin(explore::export_files(ask)),
    )
    .with_query(of::<WhichExport>()),
    Operation::shows_content(
        "/environments/{project}/{environment}/explore/export.tar",
        "explore_export_tar",
        "Export a workspace, an instance, or all of a backup, as a tar of what restic restore would give",
        Answer::Document("application/x-tar"),
        |ask| Box::pin(explore::export_tar(ask)),
    )
    .with_query(of::<WhichExport>()),
    Operation::looks(
        "/events",
        "events",
        "Follow what happens from now on, or from the event after Last-Event-ID",
        Answer::Events,
        |ask| Box::pin(std::future::ready(read::events(&ask))),
    ),
];
