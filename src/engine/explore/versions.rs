//! The versions of a node: its history in the version storage of the same source.

use super::browse::Found;
use super::facts::text_of;
use super::source::Opened;
use super::{Answer, Trouble, ready};
use crate::domain::environment::VERSIONS;
use crate::domain::explore::{Looked, NodePath, Step, Version, VersionList, VersionsRequest};
use crate::engine::{EngineError, Live};
use crate::jcr::namespaces::JCR;
use crate::jcr::{Node, NodeId, Value};

/// So many of the newest are given: each is read.
const MOST: u64 = 200;
/// What a history has beside versions.
const NO_VERSIONS: [&str; 2] = ["jcr:versionLabels", "jcr:rootVersion"];

/// The first value of a property of JCR's own.
fn value<'n>(node: &'n Node, local: &str) -> Option<&'n Value> {
    let mut properties = node.properties.iter();
    let found = properties.find(|property| property.name.namespace == JCR && property.name.local == local)?;
    found.values.first()
}

/// The id of a node's history.
fn history(node: &Node) -> Option<NodeId> {
    match value(node, "versionHistory")? {
        Value::Reference(id) | Value::WeakReference(id) => Some(*id),
        _ => None,
    }
}

impl Live {
    pub(super) fn versions_of(&self, request: &VersionsRequest) -> Answer<Looked<VersionList>> {
        let source = self.source(&request.source)?;
        let open = ready!(self.workspace(&source, &request.path)?);
        let pages = open.pages()?;
        let Found { row, path } = open.find(&pages, &request.path)?;
        let node = open.read(&pages, &row)?.and_then(Result::ok);
        let mut list = VersionList {
            seen: open.seen.clone(),
            path,
            versions: Vec::new(),
            total: 0,
            remark: None,
        };
        let Some(history) = node.as_ref().and_then(history) else {
            list.remark = Some("it has no versions: it is not versionable".to_owned());
            return Ok(Looked::Ready(list));
        };
        self.list_versions(&source, list, &history)
    }

    fn list_versions(
        &self,
        source: &Opened,
        mut list: VersionList,
        history: &NodeId,
    ) -> Answer<Looked<VersionList>> {
        let storage = NodePath {
            instance: list.path.instance.clone(),
            workspace: Some(VERSIONS.to_owned()),
            steps: Vec::new(),
        };
        let open = match self.workspace(source, &storage) {
            Err(Trouble::Engine(EngineError::NotThere(_))) => {
                list.remark = Some("its versions are not here: there is no version storage".to_owned());
                return Ok(Looked::Ready(list));
            }
            looked => ready!(looked?),
        };
        let pages = open.pages()?;
        let (Some(row), Some(steps)) = (pages.row(history)?, pages.path_of(history)?) else {
            list.remark = Some("its version history is not in the version storage".to_owned());
            return Ok(Looked::Ready(list));
        };
        let begin = row.children.saturating_sub(MOST + NO_VERSIONS.len() as u64);
        let entries = pages.children(&row, begin, u32::MAX)?;
        list.total = row.children.saturating_sub(NO_VERSIONS.len() as u64);
        let names = open.inside.namespaces();
        for entry in entries {
            if NO_VERSIONS.contains(&entry.name.as_str()) {
                continue;
            }
            let node = match &entry.row {
                Some(row) => open.read(&pages, row)?.and_then(Result::ok),
                None => None,
            };
            let created = node.as_ref().and_then(|node| value(node, "created"));
            let mut steps = steps.clone();
            steps.push(Step {
                name: entry.name.clone(),
                index: entry.nth,
            });
            list.versions.push(Version {
                name: entry.name,
                created: created.map(|created| text_of(created, &names)),
                path: NodePath { steps, ..open.path() },
            });
        }
        Ok(Looked::Ready(list))
    }
}
