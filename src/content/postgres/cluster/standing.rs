//! Which nodes a cluster knows and how far they are, for plans and checks. Looks only.

use postgres::Transaction;

use super::{Acts, Cluster, Lack, find};
use crate::content::ContentError;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::names::quoted;
use crate::content::postgres::rights::Missing;
use crate::content::postgres::stage::Owner;
use crate::content::restoring::Found;
use crate::domain::environment::InstanceName;
use crate::domain::measure::{self, listed};
use crate::domain::plan::Selection;

/// What is known of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::content::postgres) struct Known {
    /// Its tables.
    pub(in crate::content::postgres) tables: Vec<String>,
    /// The revision that counts.
    pub(in crate::content::postgres) revision: Option<i64>,
    /// Its nodes, by the names that Jackrabbit's configuration gives them, with the revision that each has come to.
    pub(in crate::content::postgres) nodes: Vec<(String, i64)>,
    /// Why a restore could not settle it, as sentences.
    pub(in crate::content::postgres) obstacles: Vec<String>,
    /// What is missing for that.
    pub(in crate::content::postgres) missing: Vec<Missing>,
    /// Whether its revision and its nodes could be read.
    pub(in crate::content::postgres) is_read: bool,
}

impl Known {
    fn is_any_behind(&self) -> bool {
        let mut nodes = self.nodes.iter();
        nodes.any(|(_, at)| self.revision.is_some_and(|revision| *at < revision))
    }

    /// The tables and the nodes, as the rest of a sentence.
    pub(in crate::content::postgres) fn sentence(&self) -> String {
        if !self.is_read {
            return format!(
                "a cluster of Jackrabbit's in {}, which may not be read: its revision and its nodes are not known",
                listed(&self.tables)
            );
        }
        let nodes: Vec<String> = self
            .nodes
            .iter()
            .map(|(id, at)| match self.revision.map(|revision| revision - at) {
                Some(0) => format!("{id} (has seen everything)"),
                Some(behind) if behind > 0 => {
                    format!("{id} (behind by {})", measure::count(behind.unsigned_abs()))
                }
                Some(ahead) => format!("{id} (ahead by {})", measure::count(ahead.unsigned_abs())),
                None => format!("{id} (at {at})"),
            })
            .collect();
        let nodes = match nodes.as_slice() {
            [] => "it knows no node yet".to_owned(),
            [node] => format!("it knows the node {node}"),
            nodes => format!("it knows {} nodes: {}", nodes.len(), listed(nodes)),
        };
        let revision = self
            .revision
            .map_or_else(|| "none".to_owned(), |revision| revision.to_string());
        format!(
            "a cluster of Jackrabbit's in {}, revision {revision}; {nodes}",
            listed(&self.tables)
        )
    }
}

/// Tells a plan of the clusters of an instance: which nodes they know, and what the switch does to them.
///
/// # Errors
/// [`ContentError::Database`].
pub(in crate::content::postgres) fn tell(
    connector: &Connector,
    transaction: &mut Transaction<'_>,
    owner: Option<&Owner>,
    (instance, selection): (&InstanceName, &Selection),
    found: &mut Found,
) -> Result<(), ContentError> {
    for known in look(connector, transaction, owner)? {
        if !known.is_read {
            // What has to be done first says it.
            found.obstacles.extend(known.obstacles);
            found
                .obstacles
                .extend(known.missing.iter().map(Missing::sentence));
            continue;
        }
        let mut told = format!(
            "{instance} is {}. With the switch the nodes are set to the last revision and the journal is emptied: none of \
             them takes up what the restore has overtaken",
            known.sentence()
        );
        if known.is_any_behind() {
            told.push_str(
                ". One that is behind does not learn from it either which node types, namespaces and workspaces the others \
                 have registered since: if there are such, give it the home of one that has seen everything",
            );
            if !selection.workspaces.is_empty() {
                told.push_str(
                    ". Its search indexes of all workspaces go, since it does not learn what others have changed in those that \
                     stay as they are",
                );
            }
        }
        found.warnings.push(told);
        let nodes = known.nodes.into_iter().map(|(node, _)| node);
        found.clusters.push((instance.clone(), nodes.collect()));
        found.obstacles.extend(known.obstacles);
        found
            .obstacles
            .extend(known.missing.iter().map(Missing::sentence));
    }
    Ok(())
}

/// Looks at the clusters of the schema. `owner` is the role that a restore may act for.
///
/// # Errors
/// [`ContentError::Database`].
pub(in crate::content::postgres) fn look(
    connector: &Connector,
    transaction: &mut Transaction<'_>,
    owner: Option<&Owner>,
) -> Result<Vec<Known>, ContentError> {
    let failed = connector.failed("looking at the cluster");
    let settings = connector.settings();
    let role = owner.and_then(|owner| owner.role.as_ref());
    let clusters = find(transaction, &settings.schema, settings).map_err(&failed)?;
    let known = clusters.iter().map(|cluster| cluster.known(transaction, role));
    known.collect::<Result<_, _>>().map_err(failed)
}

impl Cluster {
    fn known(
        &self,
        transaction: &mut Transaction<'_>,
        role: Option<&String>,
    ) -> Result<Known, postgres::Error> {
        let mut known = Known {
            tables: self.tables(),
            revision: None,
            nodes: Vec::new(),
            obstacles: self.kept(transaction)?,
            missing: Vec::new(),
            is_read: true,
        };
        let acts = self.acts(transaction, role)?;
        if acts == Acts::Nobody {
            let user: String = transaction.query_one("SELECT current_user::text", &[])?.get(0);
            let lacks = self.lacks(transaction, None)?;
            let grants = lacks.iter().filter_map(|(table, lack)| match lack {
                Lack::Rights(rights) => Some(format!("GRANT {rights} ON {table} TO {}", quoted(&user))),
                Lack::Rows => None,
            });
            let grants: Vec<String> = grants.collect();
            if !grants.is_empty() {
                known.missing.push(Missing {
                    who: user.clone(),
                    lacks: format!(
                        "may not settle the cluster in {}, whose nodes would take up what a restore has overtaken",
                        listed(&self.tables())
                    ),
                    grant: grants.join("; "),
                });
            }
            let hidden = lacks.iter().filter(|(_, lack)| *lack == Lack::Rows);
            let hidden: Vec<String> = hidden.map(|(table, _)| table.clone()).collect();
            if !hidden.is_empty() {
                let off: Vec<_> = hidden
                    .iter()
                    .map(|table| format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"))
                    .collect();
                known.obstacles.push(format!(
                    "row level security keeps rows of {} from {user}: nodes that stand in them could neither be named nor settled. \
                     Let it see all of them, `ALTER ROLE {} BYPASSRLS`, or take the policies off, `{}`",
                    listed(&hidden),
                    quoted(&user),
                    off.join("; ")
                ));
                known.is_read = false;
                return Ok(known);
            }
        }
        // Whoever may not settle it may still be allowed to look.
        let mut savepoint = transaction.transaction()?;
        if let (Acts::Owner, Some(role)) = (acts, role) {
            savepoint.batch_execute(&format!("SET LOCAL ROLE {}", quoted(role)))?;
        }
        let looked = savepoint
            .query_one(&format!("SELECT {}", self.highest(self.global.as_ref())), &[])
            .and_then(|row| Ok((row.get(0), self.nodes(&mut savepoint)?)));
        match looked {
            Ok((revision, nodes)) => (known.revision, known.nodes) = (revision, nodes),
            Err(error) if acts != Acts::Nobody => return Err(error),
            Err(_) => known.is_read = false,
        }
        savepoint.rollback()?;
        Ok(known)
    }
}
