//! What a check finds in the home of a repository.

use std::fs;
use std::path::Path;

use super::pointed::wrong;
use super::rest::at_rest;
use super::{BINARIES, Home};
use crate::content::restoring::Checked;
use crate::domain::check::Findings;
use crate::domain::measure;
use crate::domain::settings::HookPoint;

/// Looks at a home.
pub(super) fn check(home: &Path, about: &Checked<'_>, findings: &mut Findings<'_>) {
    let place = home.display();
    if let Some(wrong) = wrong(home) {
        let held = about
            .last
            .map(|_| format!(". The newest backup of {} holds it", about.instance));
        return findings.failed("content", format!("{wrong}{}", held.unwrap_or_default()));
    }
    let Some(found) = Home::look(home) else {
        return findings.failed(
            "content",
            format!("{place} is not there: name the home of the repository, or restore it"),
        );
    };
    let names: Vec<_> = found.workspaces().collect();
    let beside = |has, what| if has { what } else { "" };
    findings.ok(
        "content",
        format!(
            "{place}: the home of a repository on {}, with {} ({}){}{}",
            found.kind(),
            measure::so_many(names.len() as u64, "workspace", "workspaces"),
            names.join(", "),
            beside(found.has_versions, ", version storage"),
            beside(found.has_data_store, ", data store")
        ),
    );
    let never: Vec<_> = found.never_opened().collect();
    if !never.is_empty() {
        findings.warning(
            "content",
            format!(
                "of {place}, nothing but the definition is there of {}: nobody has opened them yet, and they are backed up as \
                 empty. If there was content, it is lost, and a restore brings it back",
                never.join(", ")
            ),
        );
    }
    let is_empty = fs::read_dir(home.join(BINARIES)).is_ok_and(|mut entries| entries.next().is_none());
    if !found.has_data_store || is_empty {
        let how = if is_empty { "nothing in its" } else { "no" };
        findings.warning(
            "data store",
            format!(
                "{place} has {how} {BINARIES}: if the data store is a folder elsewhere, or a disk that is not mounted, no backup \
                 holds its binaries. Move it there, or mount it, unless all binaries are in the databases"
            ),
        );
    }
    server(home, about, findings);
}

/// Whether the server can be brought to rest, and is.
fn server(home: &Path, about: &Checked<'_>, findings: &mut Findings<'_>) {
    let missing: Vec<_> = about.unhooked.iter().map(|point| point.label()).collect();
    let is_stopped = about.has_hook(HookPoint::BeforeBackup);
    match at_rest(home) {
        Ok(_) => findings.ok("server", "none is at work on the home now"),
        Err(who) if is_stopped => findings.ok("server", format!("{who}; before_backup stops it")),
        Err(who) => findings.warning("server", who),
    }
    if !missing.is_empty() {
        findings.warning(
            "server",
            format!(
                "no hook is configured for {}: the server has to stand still while the home is copied and when it is \
                 exchanged, and a backup or restore that finds it at work ends there. Let before_backup and before_restore stop \
                 it, and after_backup and after_restore start it",
                missing.join(", ")
            ),
        );
    }
}
