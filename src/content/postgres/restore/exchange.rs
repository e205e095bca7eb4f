//! The exchange that makes staged tables live: which come, which go, and what is done to the version storage with it.

use super::parts::compose::compose;
use super::staging::{TableStaging, is_staged};
use super::versions::{self, Exchanged};
use crate::content::postgres::switch::{Exchange, own_name};
use crate::content::postgres::tables::Holds;
use crate::content::postgres::{layout, replaced};
use crate::content::restoring::RestoreError;
use crate::domain::environment::VERSIONS;
use crate::domain::plan::Selection;

impl TableStaging {
    /// The exchange that makes it live, worked out from the tables that are live now.
    pub(super) fn exchange(&self, selection: &Selection) -> Result<Exchange, RestoreError> {
        // Followed as what it is not, a selection of nodes would exchange the rest of their workspaces as well.
        if selection.has_paths() != self.parts.is_some() && self.back_to.is_none() {
            return Err(RestoreError::Failed(
                "what is to be exchanged is not what was staged".to_owned(),
            ));
        }
        let connector = &self.stage.connector;
        let live_schema = &connector.settings().schema;
        let live = layout::look(connector)?.0.tables;
        let is_live = |name: &str| live.iter().any(|table| table.name == name);
        let mut renamed = Vec::new();
        let mut comes: Vec<String> = match &self.back_to {
            Some(left) => {
                let theirs = left
                    .tables
                    .iter()
                    .filter(|name| !name.starts_with(replaced::PREFIX));
                theirs
                    .map(|name| {
                        let (own, is_aside) = own_name(name);
                        if is_aside {
                            renamed.push(own.to_owned());
                        }
                        own.to_owned()
                    })
                    .collect()
            }
            None => self
                .tables
                .iter()
                .filter(|table| table.holds != Holds::DataStore || !is_live(&table.name))
                .map(|table| table.name.clone())
                .collect(),
        };
        let goes = match &self.back_to {
            Some(left) => left
                .note
                .came
                .iter()
                .chain(comes.iter().filter(|name| !left.note.came.contains(name)))
                .filter(|name| is_live(name))
                .cloned()
                .collect(),
            None => live
                .iter()
                .filter(|table| table.holds != Holds::DataStore && is_staged(selection, table))
                .map(|table| table.name.clone())
                .collect::<Vec<_>>(),
        };
        let (mut guards, mut before, mut before_back) = (Vec::new(), Vec::new(), Vec::new());
        if !selection.workspaces.is_empty() && self.back_to.is_none() {
            // The version storage is not exchanged: what is missing in it is added.
            comes.retain(|name| {
                self.tables
                    .iter()
                    .any(|table| table.name == *name && table.workspace != VERSIONS)
            });
            let merge = if let Some(namespaces) = &self.parts {
                let composed = compose(&self.stage, namespaces, &self.tables, &live, selection)?;
                self.close()?;
                guards = composed.guards;
                composed.merge
            } else {
                let exchanged = Exchanged {
                    selection,
                    parts: None,
                };
                versions::merge(&self.stage, &self.tables, &live, &exchanged)?
            };
            if let Some(merge) = merge {
                (before, before_back) = (merge.forward, merge.back);
            }
        }
        let goes: Vec<String> = goes
            .into_iter()
            .filter(|name| {
                selection.workspaces.is_empty()
                    || live
                        .iter()
                        .any(|table| table.name == *name && table.workspace != VERSIONS)
            })
            .collect();
        // A name of the longest kind cannot be made longer.
        let aside = goes
            .iter()
            .filter(|name| !comes.contains(name) && name.len() < 63)
            .cloned()
            .collect();
        Ok(Exchange {
            aside,
            renamed,
            live: live_schema.clone(),
            fresh: self.stage.fresh.clone(),
            replaced: self.stage.replaced.clone(),
            comes,
            goes,
            guards,
            before,
            before_back,
        })
    }
}
