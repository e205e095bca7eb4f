//! What is answered out of an index.

use std::collections::HashMap;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{IndexError, halves, id_in, own, sixteen};
use crate::content::inside::found::Digest;
use crate::content::inside::{StoredFile, What};
use crate::domain::explore::Step;
use crate::jcr::NodeId;

/// No node is deeper. Where parents lead in a circle, this ends it.
const DEEPEST: usize = 1_000;

/// A node, as an index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::explore) struct Row {
    pub(in crate::engine::explore) nr: i64,
    /// What it is kept by.
    pub(in crate::engine::explore) id: NodeId,
    /// The id that it has to those who ask.
    pub(in crate::engine::explore) own: Option<NodeId>,
    pub(in crate::engine::explore) parent: Option<NodeId>,
    pub(in crate::engine::explore) what: What,
    pub(in crate::engine::explore) primary_type: String,
    pub(in crate::engine::explore) digest: Digest,
    /// Of the list of its children.
    pub(in crate::engine::explore) list: Digest,
    pub(in crate::engine::explore) size: u64,
    /// Of a file, in seconds since 1970.
    pub(in crate::engine::explore) modified: i64,
    pub(in crate::engine::explore) children: u64,
    pub(in crate::engine::explore) is_versionable: bool,
    file: i64,
    pub(in crate::engine::explore) offset: u32,
    /// What should be known of it, as a sentence.
    pub(in crate::engine::explore) remark: Option<String>,
}

impl Row {
    /// The root of a workspace that nothing was ever written to.
    pub(in crate::engine::explore) fn of_nothing(id: NodeId) -> Self {
        Self {
            nr: -1,
            id,
            own: Some(id),
            parent: None,
            what: What::Folder,
            primary_type: String::new(),
            digest: Digest::default(),
            list: Digest::default(),
            size: 0,
            modified: 0,
            children: 0,
            is_versionable: false,
            file: -1,
            offset: 0,
            remark: None,
        }
    }

    /// Whether it is a node, of whatever state.
    pub(in crate::engine::explore) fn is_node(&self) -> bool {
        matches!(self.what, What::Node | What::Unreadable)
    }

    /// Why nobody can read it, where that is so: a file of which only the looks say that it holds nodes, or the bundle of a node.
    pub(in crate::engine::explore) fn why_not_read(&self) -> Option<&str> {
        match self.what {
            What::File => self.remark.as_deref(),
            What::Unreadable => Some(self.remark.as_deref().unwrap_or("its bundle cannot be read")),
            What::Node | What::Folder | What::Link => None,
        }
    }
}

/// A child, as its parent lists it, and the node itself, if it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::explore) struct Entry {
    pub(in crate::engine::explore) name: String,
    pub(in crate::engine::explore) nth: u32,
    pub(in crate::engine::explore) child: NodeId,
    pub(in crate::engine::explore) row: Option<Row>,
}

/// The columns of a [`Row`].
const ROW: &str = "n.nr, n.high, n.low, n.parent_high, n.parent_low, n.what, n.type, n.digest, n.list, n.size, n.modified, \
                   n.children, n.versionable, n.file, n.start, n.own, n.remark";
/// How many they are.
const COLUMNS: usize = 17;

fn row(row: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<Row> {
    let unsigned = |column: usize| -> rusqlite::Result<u64> {
        Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
    };
    let id = id_in(row, from + 1)?;
    let has_parent = row.get::<_, Option<i64>>(from + 3)?.is_some();
    Ok(Row {
        nr: row.get(from)?,
        id,
        own: own(row, from + 15, id)?,
        parent: has_parent.then(|| id_in(row, from + 3)).transpose()?,
        what: What::of(row.get(from + 5)?),
        primary_type: row.get(from + 6)?,
        digest: sixteen(row, from + 7)?,
        list: sixteen(row, from + 8)?,
        size: unsigned(from + 9)?,
        modified: row.get(from + 10)?,
        children: unsigned(from + 11)?,
        is_versionable: row.get(from + 12)?,
        file: row.get(from + 13)?,
        offset: u32::try_from(unsigned(from + 14)?).unwrap_or(u32::MAX),
        remark: row.get(from + 16)?,
    })
}

/// An index that is open.
pub(in crate::engine::explore) struct Pages {
    connection: Connection,
    path: PathBuf,
    root: NodeId,
}

/// In so many parts of about the same size all nodes of an index are compared with those of another: ids are spread evenly.
pub(in crate::engine::explore) const SLICES: u8 = 16;

/// The first and the last number that begins an id of a slice.
fn bounds(slice: u8) -> (i64, i64) {
    let width = 1_i128 << 60;
    let first = i128::from(i64::MIN) + i128::from(slice) * width;
    let within = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
    (within(first), within(first + width - 1))
}

/// What is done with an index, or why it cannot be used.
type Answer<T> = Result<T, IndexError>;

impl Pages {
    pub(super) fn new(connection: Connection, path: PathBuf, root: NodeId) -> Self {
        Self {
            connection,
            path,
            root,
        }
    }

    fn wrong<E: std::fmt::Display>(&self) -> impl Fn(E) -> IndexError + use<E> {
        IndexError::of(&self.path)
    }

    /// The node of an id. Where several have the same, the first that was read.
    pub(in crate::engine::explore) fn row(&self, id: &NodeId) -> Answer<Option<Row>> {
        let find = || -> rusqlite::Result<Option<Row>> {
            self.connection
                .prepare(&format!(
                    "SELECT {ROW} FROM nodes n WHERE n.high = ?1 AND n.low = ?2 ORDER BY n.nr LIMIT 1"
                ))?
                .query_row(halves(id), |found| row(found, 0))
                .optional()
        };
        find().map_err(self.wrong())
    }

    /// What nodes in files are kept by that have this id, and are not kept by it.
    pub(in crate::engine::explore) fn others(&self, own: &NodeId) -> Answer<Vec<NodeId>> {
        let read = || -> rusqlite::Result<Vec<NodeId>> {
            let mut statement = self
                .connection
                .prepare("SELECT high, low FROM nodes WHERE length(own) = 16 AND own = ?1 ORDER BY nr")?;
            let found = statement.query_map(params![own], |found| id_in(found, 0))?;
            found.collect()
        };
        read().map_err(self.wrong())
    }

    /// The root of the workspace.
    pub(in crate::engine::explore) fn root(&self) -> Answer<Option<Row>> {
        self.row(&self.root)
    }

    /// How many nodes there are.
    pub(in crate::engine::explore) fn count(&self) -> Answer<u64> {
        let count: i64 = self
            .connection
            .query_row("SELECT count(*) FROM nodes", [], |found| found.get(0))
            .map_err(self.wrong())?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// A page of a node's children.
    pub(in crate::engine::explore) fn children(&self, of: &Row, from: u64, limit: u32) -> Answer<Vec<Entry>> {
        let Ok(from) = i64::try_from(from) else {
            return Ok(Vec::new());
        };
        let read = || -> rusqlite::Result<Vec<Entry>> {
            let text = format!(
                "SELECT e.name, e.nth, e.high, e.low, n.nr IS NOT NULL, {ROW} FROM entries e LEFT JOIN nodes n ON n.nr = \
                 (SELECT min(nr) FROM nodes WHERE high = e.high AND low = e.low) WHERE e.parent = ?1 AND e.position >= ?2 \
                 ORDER BY e.position LIMIT ?3"
            );
            let mut statement = self.connection.prepare(&text)?;
            let entries = statement.query_map(params![of.nr, from, limit], |found| {
                let is_there: bool = found.get(4)?;
                Ok(Entry {
                    name: found.get(0)?,
                    nth: found.get(1)?,
                    child: id_in(found, 2)?,
                    row: is_there.then(|| row(found, 5)).transpose()?,
                })
            })?;
            entries.collect()
        };
        read().map_err(self.wrong())
    }

    /// The node at the end of a path from the root.
    pub(in crate::engine::explore) fn resolve(&self, steps: &[Step]) -> Answer<Option<Row>> {
        match self.root()? {
            Some(root) => self.resolve_from(root, steps),
            None => Ok(None),
        }
    }

    /// The node at the end of a path from another one.
    pub(in crate::engine::explore) fn resolve_from(&self, from: Row, steps: &[Step]) -> Answer<Option<Row>> {
        let mut current = Some(from);
        for step in steps {
            let Some(above) = current else { return Ok(None) };
            current = self.child(&above, step)?;
        }
        Ok(current)
    }

    /// A child.
    pub(in crate::engine::explore) fn child(&self, of: &Row, step: &Step) -> Answer<Option<Row>> {
        let text = "SELECT high, low FROM entries WHERE parent = ?1 AND name = ?2 AND nth = ?3 LIMIT 1";
        self.listed(text, params![of.nr, step.name, step.index])
    }

    /// A node that is topmost in one of the files of a folder, by its name and its number among those that are called so.
    pub(in crate::engine::explore) fn topmost(&self, folder: &Row, step: &Step) -> Answer<Option<Row>> {
        let text = "SELECT t.high, t.low FROM entries e JOIN nodes f ON f.high = e.high AND f.low = e.low JOIN entries t ON \
                    t.parent = f.nr WHERE e.parent = ?1 AND f.what = ?2 AND t.name = ?3 ORDER BY e.position, t.position LIMIT 1 OFFSET ?4";
        let before = step.index.saturating_sub(1);
        self.listed(text, params![folder.nr, What::File.number(), step.name, before])
    }

    /// The first of the files of a folder that look as if they held nodes and cannot be read.
    pub(in crate::engine::explore) fn not_read_in(&self, folder: &Row) -> Answer<Option<Row>> {
        let text = "SELECT f.high, f.low FROM entries e JOIN nodes f ON f.high = e.high AND f.low = e.low WHERE e.parent = ?1 \
                    AND f.what = ?2 AND f.remark IS NOT NULL ORDER BY e.position LIMIT 1";
        self.listed(text, params![folder.nr, What::File.number()])
    }

    /// The files that look as if they held nodes and cannot be read.
    pub(in crate::engine::explore) fn not_read(&self) -> Answer<Vec<NodeId>> {
        let text = "SELECT high, low FROM nodes WHERE what = ?1 AND remark IS NOT NULL ORDER BY nr";
        self.ids(text, params![What::File.number()])
    }

    /// The same, and the nodes that cannot be read.
    pub(in crate::engine::explore) fn unreadable(&self) -> Answer<Vec<NodeId>> {
        let text =
            "SELECT high, low FROM nodes WHERE what = ?1 AND remark IS NOT NULL OR what = ?2 ORDER BY nr";
        self.ids(text, params![What::File.number(), What::Unreadable.number()])
    }

    fn ids(&self, text: &str, parameters: impl rusqlite::Params) -> Answer<Vec<NodeId>> {
        let read = || -> rusqlite::Result<Vec<NodeId>> {
            let mut statement = self.connection.prepare(text)?;
            let found = statement.query_map(parameters, |found| id_in(found, 0))?;
            found.collect()
        };
        read().map_err(self.wrong())
    }

    /// The files that are called so, wherever they are, with their names.
    pub(in crate::engine::explore) fn called(&self, names: &[String]) -> Answer<Vec<(String, Row)>> {
        let read = || -> rusqlite::Result<Vec<(String, NodeId)>> {
            let marks = vec!["?"; names.len()].join(", ");
            let mut statement = self.connection.prepare(&format!(
                "SELECT name, high, low FROM entries WHERE name IN ({marks}) ORDER BY parent, position"
            ))?;
            let found = statement.query_map(rusqlite::params_from_iter(names), |found| {
                Ok((found.get(0)?, id_in(found, 1)?))
            })?;
            found.collect()
        };
        let mut files = Vec::new();
        for (name, id) in read().map_err(self.wrong())? {
            files.extend(
                self.row(&id)?
                    .filter(|row| row.what == What::File)
                    .map(|row| (name, row)),
            );
        }
        Ok(files)
    }

    /// The row of the only id that a question asks for.
    fn listed(&self, text: &str, parameters: impl rusqlite::Params) -> Answer<Option<Row>> {
        let find = || -> rusqlite::Result<Option<NodeId>> {
            let mut statement = self.connection.prepare(text)?;
            statement
                .query_row(parameters, |found| id_in(found, 0))
                .optional()
        };
        match find().map_err(self.wrong())? {
            Some(id) => self.row(&id),
            None => Ok(None),
        }
    }

    /// Where a node is: the names from the root on. `None` for what no path leads to: a node that its parent does not list, or
    /// whose parents lead in a circle.
    pub(in crate::engine::explore) fn path_of(&self, id: &NodeId) -> Answer<Option<Vec<Step>>> {
        let climb = || -> rusqlite::Result<Option<Vec<Step>>> {
            // Of several that list it, the one that the node itself names comes first.
            let mut statement = self.connection.prepare(
                "SELECT e.name, e.nth, p.high, p.low FROM entries e JOIN nodes p ON p.nr = e.parent \
                 WHERE e.high = ?1 AND e.low = ?2 ORDER BY (p.high, p.low) IS (SELECT parent_high, parent_low FROM nodes \
                 WHERE high = ?1 AND low = ?2 LIMIT 1) DESC, e.parent LIMIT 1",
            )?;
            let mut steps = Vec::new();
            let mut current = *id;
            while current != self.root {
                if steps.len() == DEEPEST {
                    return Ok(None);
                }
                let above = statement
                    .query_row(halves(&current), |found| {
                        let step = Step {
                            name: found.get(0)?,
                            index: found.get(1)?,
                        };
                        Ok((step, id_in(found, 2)?))
                    })
                    .optional()?;
                let Some((step, parent)) = above else {
                    return Ok(None);
                };
                steps.push(step);
                current = parent;
            }
            steps.reverse();
            Ok(Some(steps))
        };
        climb().map_err(self.wrong())
    }

    /// What is below a node, with what tells each from the same one elsewhere; `None` where that is more than `most`.
    pub(in crate::engine::explore) fn below(
        &self,
        of: &Row,
        most: usize,
    ) -> Answer<Option<HashMap<NodeId, i64>>> {
        let read = || -> rusqlite::Result<HashMap<NodeId, i64>> {
            // Every list is asked for by its parent, and every node by its id: SQLite would go through all of them.
            let mut statement = self.connection.prepare(
                "WITH RECURSIVE below (nr) AS (SELECT n.nr FROM entries e CROSS JOIN nodes n ON n.high = e.high AND n.low = \
                 e.low WHERE e.parent = ?1 UNION SELECT n.nr FROM below b CROSS JOIN entries e ON e.parent = b.nr CROSS JOIN \
                 nodes n ON n.high = e.high AND n.low = e.low LIMIT ?2) SELECT n.high, n.low, n.print FROM below b CROSS JOIN \
                 nodes n ON n.nr = b.nr",
            )?;
            let most = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
            let found = statement.query_map(params![of.nr, most], |found| {
                Ok((id_in(found, 0)?, found.get(2)?))
            })?;
            found.collect()
        };
        let found = read().map_err(self.wrong())?;
        Ok((found.len() <= most).then_some(found))
    }

    /// The file of the backup that a node is in.
    pub(in crate::engine::explore) fn file(&self, of: &Row) -> Answer<StoredFile> {
        let find = || -> rusqlite::Result<Option<StoredFile>> {
            self.connection
                .prepare("SELECT pieces, size, place FROM files WHERE nr = ?1")?
                .query_row(params![of.file], |found| {
                    Ok(StoredFile {
                        pieces: found.get(0)?,
                        size: u64::try_from(found.get::<_, i64>(1)?).unwrap_or(0),
                        place: found.get(2)?,
                    })
                })
                .optional()
        };
        Ok(find().map_err(self.wrong())?.unwrap_or_default())
    }

    /// Nodes whose name has a text in it, which is in lower case: those that are called so come first, then those that begin
    /// so. `begins` asks only for the latter two.
    pub(in crate::engine::explore) fn named(
        &self,
        text: &str,
        begins: bool,
        most: usize,
    ) -> Answer<Vec<NodeId>> {
        let read = || -> rusqlite::Result<Vec<NodeId>> {
            let which = if begins { "= 1" } else { "> 0" };
            let mut statement = self.connection.prepare(&format!(
                "SELECT high, low, coalesce(folded, name) AS text FROM entries WHERE instr(text, ?1) {which} \
                 ORDER BY text = ?1 DESC, instr(text, ?1) = 1 DESC, parent, position LIMIT ?2"
            ))?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let found = statement.query_map(params![text, most], |found| id_in(found, 0))?;
            found.collect()
        };
        read().map_err(self.wrong())
    }

    /// Tells every node of this index with what another one has of the same id, where the two are not the same; nothing for
    /// the other one where it has no such id. It is looked at in so many [`SLICES`]; `go_on` is asked after each.
    pub(in crate::engine::explore) fn differing(
        &self,
        other: &super::Index,
        each: &mut dyn FnMut(Row, Option<Row>),
        go_on: &mut dyn FnMut() -> bool,
    ) -> Answer<()> {
        let wrong = self.wrong();
        let path = other.path.to_string_lossy();
        self.connection
            .execute("ATTACH DATABASE ?1 AS other", params![path])
            .map_err(&wrong)?;
        let other_row = ROW.replace("n.", "o.");
        // Both are read in the order of their ids, out of `nodes_by_id` alone; only what differs is looked at further, which is
        // what the cross join is for: SQLite would look at each node before it compares.
        let text = format!(
            "SELECT o.nr IS NOT NULL, {ROW}, {other_row} FROM (SELECT a.nr AS a, b.nr AS b FROM main.nodes a INDEXED BY \
             nodes_by_id LEFT JOIN other.nodes b INDEXED BY nodes_by_id ON b.high = a.high AND b.low = a.low WHERE \
             a.high BETWEEN ?1 AND ?2 AND (b.high IS NULL OR a.print <> b.print)) d CROSS JOIN main.nodes n ON n.nr = d.a \
             LEFT JOIN other.nodes o ON o.nr = d.b"
        );
        let mut read = || -> Answer<()> {
            let mut statement = self.connection.prepare(&text).map_err(&wrong)?;
            for slice in 0..SLICES {
                let mut rows = statement.query(bounds(slice)).map_err(&wrong)?;
                while let Some(found) = rows.next().map_err(&wrong)? {
                    let has_other: bool = found.get(0).map_err(&wrong)?;
                    let ours = row(found, 1).map_err(&wrong)?;
                    let theirs = has_other
                        .then(|| row(found, 1 + COLUMNS))
                        .transpose()
                        .map_err(&wrong)?;
                    each(ours, theirs);
                }
                if !go_on() {
                    break;
                }
            }
            Ok(())
        };
        let done = read();
        let detached = self.connection.execute_batch("DETACH DATABASE other");
        done.and(detached.map_err(wrong))
    }
}
