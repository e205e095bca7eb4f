//! What the backend in memory answers to whoever looks inside. `tree`: what is where. `compared`: what was found, what
//! happened and what differs.

mod compared;
mod tree;

use async_trait::async_trait;
use lifeboat::backend::BackendError;
use lifeboat::backend::explore::{Download, Explores};
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, ExportFacts, ExportForm, ExportRequest, FindRequest, Finds,
    FirstLook, HistoryRequest, Kind, Looked, NodeDiff, NodeDiffRequest, NodeFacts, NodeHistory, NodePath,
    NodeRequest, Source, SourceAt, VersionList, VersionsRequest, file_name,
};

use super::{Fixture, two_projects};

/// What every export is here.
pub const EXPORTED: &[u8] = b"<?xml version=\"1.0\"?><node/>";

/// How it answers.
#[derive(Debug, Clone, Default)]
pub struct Inside {
    /// How far the first look at each workspace is, if that is never over.
    pub reading: Option<FirstLook>,
    /// Why nothing can be looked into, if nothing can.
    pub trouble: Option<String>,
    /// Whether a search goes on.
    pub searches_on: bool,
    /// What should be known of whatever is looked into.
    pub remarks: Vec<String>,
    /// Whether an export ends in the middle.
    pub exports_break_off: bool,
    /// Whether nothing differs.
    pub nothing_differs: bool,
    /// Why the file of a page cannot be read in Live, if it cannot.
    pub unreadable: Option<&'static str>,
    /// How many files cannot be read anywhere, if any.
    pub unreadable_in_both: Option<u64>,
}

/// A first look at a workspace that is at so many percent.
pub fn first_look(source: Source, percent: u64) -> FirstLook {
    FirstLook {
        source,
        instance: "author".parse().unwrap(),
        workspace: "website".to_owned(),
        done: (percent * 14_260_634).div_ceil(100),
        total: 14_260_634,
        others: 3,
        comparing: false,
    }
}

impl Fixture {
    /// When a source was as it is.
    fn seen(&self, environment: &EnvironmentName, source: &Source) -> Result<SourceAt, BackendError> {
        let details = self.details(environment)?;
        let at = details
            .all_backups()
            .find(|backup| Source::from(&backup.id) == *source)
            .map(|backup| backup.manifest.taken);
        Ok(SourceAt {
            source: source.clone(),
            at: at.unwrap_or_else(two_projects::now),
        })
    }

    /// What stands in the way of looking into something.
    fn look(&self, path: &NodePath) -> Result<Option<FirstLook>, BackendError> {
        let inside = self.state().inside.clone();
        match inside.trouble {
            Some(why) if path.workspace.is_some() => Err(BackendError::Failed(why)),
            _ => Ok(inside.reading.filter(|_| path.workspace.is_some())),
        }
    }
}

#[async_trait]
impl Explores for Fixture {
    async fn children(&self, request: ChildrenRequest) -> Result<Looked<Children>, BackendError> {
        let asked = format!(
            "children {} {} {}",
            request.source.short(),
            request.path,
            request.from
        );
        self.called(asked).await?;
        if let Some(look) = self.look(&request.path)? {
            return Ok(Looked::Reading(look));
        }
        let (kind, total, lines) = tree::children(&request)?;
        let has_remarks = request.path.workspace.is_some();
        let remarks = self.state().inside.remarks.clone();
        Ok(Looked::Ready(Children {
            seen: self.seen(&request.environment, &request.source)?,
            path: request.path.clone(),
            kind,
            total,
            from: request.from,
            lines,
            in_file: None,
            remarks: if has_remarks { remarks } else { Vec::new() },
        }))
    }

    async fn node(&self, request: NodeRequest) -> Result<Looked<NodeFacts>, BackendError> {
        self.called(format!("node {} {}", request.source.short(), request.path))
            .await?;
        if let Some(look) = self.look(&request.path)? {
            return Ok(Looked::Reading(look));
        }
        let seen = self.seen(&request.environment, &request.source)?;
        Ok(Looked::Ready(tree::node(seen, &request.path)))
    }

    async fn versions(&self, request: VersionsRequest) -> Result<Looked<VersionList>, BackendError> {
        self.called(format!("versions {}", request.path)).await?;
        let seen = self.seen(&request.environment, &request.source)?;
        Ok(Looked::Ready(tree::versions(seen, &request.path)))
    }

    async fn find(&self, request: FindRequest) -> Result<Finds, BackendError> {
        self.called(format!("find {}", request.text)).await?;
        let inside = self.state().inside.clone();
        let source = request
            .source
            .clone()
            .unwrap_or(Source::from(&two_projects::id(2)));
        let seen = self.seen(&request.environment, &source)?;
        Ok(compared::finds(&inside, &request, &seen))
    }

    async fn history(&self, request: HistoryRequest) -> Result<Looked<NodeHistory>, BackendError> {
        self.called(format!("history {}", request.path)).await?;
        if let Some(look) = self.look(&request.path)? {
            return Ok(Looked::Reading(look));
        }
        let backup = |number| Source::from(&two_projects::id(number));
        let seen: Result<Vec<_>, _> = [backup(0), backup(1), backup(2), Source::Live]
            .iter()
            .map(|source| self.seen(&request.environment, source))
            .collect();
        let mut history = compared::history(&seen?, &request.path);
        if let Some(why) = self.state().inside.unreadable {
            compared::cannot_be_read(&mut history, why);
        }
        Ok(Looked::Ready(history))
    }

    async fn diff(&self, request: DiffRequest) -> Result<Looked<Diff>, BackendError> {
        let asked = format!(
            "diff {} {} {}",
            request.older.short(),
            request.newer.short(),
            request.below
        );
        self.called(asked).await?;
        let inside = self.state().inside.clone();
        if let Some(look) = inside.reading.clone() {
            return Ok(Looked::Reading(look));
        }
        let older = self.seen(&request.environment, &request.older)?;
        let newer = self.seen(&request.environment, &request.newer)?;
        Ok(Looked::Ready(compared::diff(&inside, &request, older, newer)))
    }

    async fn node_diff(&self, request: NodeDiffRequest) -> Result<Looked<NodeDiff>, BackendError> {
        self.called("node diff").await?;
        let older = self.seen(&request.environment, &request.older.0)?;
        let newer = self.seen(&request.environment, &request.newer.0)?;
        Ok(Looked::Ready(compared::node_diff(&request, older, newer)))
    }

    async fn export_facts(&self, request: ExportRequest) -> Result<Looked<ExportFacts>, BackendError> {
        self.called(format!("export facts {}", request.path)).await?;
        if let Some(look) = self.look(&request.path)? {
            return Ok(Looked::Reading(look));
        }
        Ok(Looked::Ready(ExportFacts {
            seen: self.seen(&request.environment, &request.source)?,
            file: file_name(&request.path, request.form),
            form: request.form,
            nodes: 1,
            bytes: EXPORTED.len() as u64,
            remarks: self.state().inside.remarks.clone(),
            path: request.path,
        }))
    }

    async fn export(&self, request: ExportRequest) -> Result<Download, BackendError> {
        self.called(format!("export {}", request.path)).await?;
        let breaks_off = self.state().inside.exports_break_off;
        let mut pieces = vec![Ok(match request.form {
            ExportForm::Files => exported_files(&file_name(&request.path, request.form)),
            _ => EXPORTED.to_vec(),
        })];
        if breaks_off {
            pieces.push(Err(BackendError::Failed(
                "the data store has no file abc".to_owned(),
            )));
        }
        Ok(Download::of(pieces))
    }
}

/// What an export as files is here: a folder with a file in it, as a tar.
fn exported_files(top: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |path: String, kind, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, content).unwrap();
    };
    add(format!("{top}/"), tar::EntryType::Directory, b"");
    add(format!("{top}/properties.json"), tar::EntryType::Regular, b"{}");
    builder.into_inner().unwrap()
}

/// The kind of what stands at a path.
fn kind_of(path: &NodePath) -> Kind {
    match (&path.instance, &path.workspace, path.steps.last()) {
        (None, ..) => Kind::Environment,
        (_, None, _) => Kind::Instance,
        (_, _, None) => Kind::Workspace,
        (_, _, Some(step)) => match step.name.as_str() {
            "empty" => Kind::Folder,
            "read me.txt" => Kind::File,
            _ => Kind::Node,
        },
    }
}
