//! A PostgreSQL database as content: the tables that Apache Jackrabbit 2 keeps its workspaces in, and its data store.
//!
//! [`Postgres`] reads them. In a backup each table is a folder of small files that together, in the order of their names,
//! are PostgreSQL's binary COPY form of it, so that they can be loaded without Lifeboat:
//!
//! ```text
//! .datastore/ab/cd/ef/abcdef…              the data store, if it is a folder
//! .home/repository/…, workspaces/…          the home's small files, where it is configured
//! .schema/schema.sql, tables.json          what pg_dump says of the tables, and what Lifeboat makes them from
//! .versions/version_bundle/…               the version storage, which all workspaces share
//! website/pm_website_bundle/0.header       a workspace's tables
//! website/pm_website_bundle/1.rows/00000000/000000
//! website/pm_website_bundle/2.trailer
//! ```
//!
//! - `connect`, `opening`, `address`, `passfile`, `session`, `pool`: reaching the database, whatever is set for the user
//!   and stands in between. `trouble`: what is said to that.
//! - `version`: which servers can be used; `layout`, `describe`, `wardrobe`, `strangers`: what is in one; `tables`, `dress`, `names`: what a table is.
//! - `home`: the small files of a repository's home that rows refer to.
//! - `since`: what was written since a restore; `structure`: what tables are made of otherwise than in a backup.
//! - `rights`, `limits`, `holders`, `ties`, `taken`, `sessions`: what and who stands in the way.
//! - `token`, `definition`, `constraint`: definitions as text, taken apart; `blueprint`, `dressing`, `counted`, `bare`,
//!   `rehearsal`: the statements that make tables anew, and whether they can be made. `schema`: what `pg_dump` says;
//!   `written`: the same without it.
//! - `moment`, `read`, `rows`, `data_store`: reading it as it was at one moment.
//! - `stage`, `note`, `accept`, `switch`, `replaced`: putting rows back beside Live, and exchanging the two.
//! - `inside`: nodes of its tables, to be looked at.
//! - `place`: what plans, checks and restores ask of an instance in a database; `restore`: what a restore stages; `check`.
//!
//! Not in here: when any of this is done, and how a crash in between is settled (`engine::restore`).

mod accept;
mod address;
mod bare;
mod binaries;
pub mod blueprint;
pub(crate) mod check;
mod cluster;
pub mod connect;
mod constraint;
pub mod counted;
pub mod data_store;
pub mod definition;
mod describe;
pub mod dress;
mod dressing;
mod holders;
pub(crate) mod home;
pub(crate) mod inside;
pub mod layout;
pub mod limits;
pub mod moment;
pub mod names;
pub mod note;
mod opening;
mod passfile;
pub(crate) mod place;
mod pool;
pub mod read;
pub mod rehearsal;
pub mod replaced;
pub(crate) mod restore;
pub mod rights;
pub mod rows;
pub mod schema;
mod sequences;
pub mod session;
mod sessions;
mod since;
pub mod stage;
pub mod standby;
mod strangers;
mod structure;
pub mod switch;
pub mod tables;
pub mod taken;
pub mod ties;
mod token;
mod trouble;
pub mod version;
pub(crate) mod walk;
mod wardrobe;
mod written;

use std::io::Read;

use bytes::Buf as _;
use parking_lot::{Mutex, MutexGuard};

pub use self::connect::{Connector, sentence};
use self::moment::Moment;
use self::rows::Sum;
use super::files::Files;
use super::{Content, ContentError, Item};
use crate::domain::backup::TableCopy;

/// The content of one instance in a database.
#[derive(Debug)]
pub struct Postgres {
    connector: Connector,
    data_store: Option<Files>,
    held: Mutex<Option<Moment>>,
    sums: Mutex<Vec<TableCopy>>,
    // What the last walk has found beside its tables.
    left_alone: Mutex<Vec<String>>,
    doubts: data_store::Doubts,
}

impl Postgres {
    /// The content that a connector leads to. Connects to nothing yet.
    #[must_use]
    pub fn new(connector: Connector) -> Self {
        Self {
            data_store: connector.settings().data_store.as_deref().map(Files::new),
            connector,
            held: Mutex::new(None),
            sums: Mutex::default(),
            left_alone: Mutex::default(),
            doubts: data_store::Doubts::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Moment>> {
        self.held.lock()
    }

    fn sums(&self) -> MutexGuard<'_, Vec<TableCopy>> {
        self.sums.lock()
    }
}

impl Content for Postgres {
    fn place(&self) -> String {
        self.connector.place()
    }

    fn freeze(&self) -> Result<Option<(u64, u64)>, ContentError> {
        let moment = Moment::take(&self.connector, true)?;
        let tables = &moment.layout.tables;
        let about = (
            tables.iter().map(|table| table.found.rows).sum(),
            tables.iter().map(|table| table.found.bytes).sum(),
        );
        *self.held() = Some(moment);
        Ok(Some(about))
    }

    fn read_ahead(&self) {
        if let Some(moment) = &mut *self.held() {
            // What hinders it hinders the walk as well, which tells.
            let _ = moment.read_ahead();
        }
    }

    fn thaw(&self) {
        *self.held() = None;
    }

    fn tables(&self) -> Vec<TableCopy> {
        self.sums().clone()
    }

    fn left_alone(&self) -> Vec<String> {
        self.left_alone.lock().clone()
    }

    fn doubts(&self) -> Vec<String> {
        self.doubts.sentences()
    }

    fn walk<'a>(
        &'a self,
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        self.sums().clear();
        match walk::Walk::begin(self, left_out) {
            Ok(walk) => Box::new(walk),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn open(&self, item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
        match (&item.held, &self.data_store) {
            (Some(bytes), _) => Ok(Box::new(bytes.clone().reader())),
            (None, Some(files)) => data_store::open(files.root(), item, &self.doubts),
            (None, None) => Err(ContentError::NotAllowed {
                path: item.path.clone(),
                why: "it is nothing that a database has".to_owned(),
            }),
        }
    }
}

/// What a table's rows come to, for the record of a backup.
fn table_copy(table: &tables::Table, sum: &Sum) -> TableCopy {
    TableCopy {
        name: table.name.clone(),
        workspace: table.workspace.clone(),
        rows: sum.rows,
        bytes: sum.bytes,
        digest: sum.digest(),
    }
}
