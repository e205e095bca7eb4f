//! One instance in a database, while it is restored: what is staged in a schema beside Live, what the journal keeps of that,
//! and its part of the switch.
//!
//! Where small files of the home change, they are exchanged right after the tables, one by one, and back before them. Of each
//! it can be told whether it was done, as of the tables. What was live in the home stays where it is moved to, as the replaced
//! tables do: their note tells of it in the transaction that exchanges them, and it goes when they go.

use std::io;

use serde::{Deserialize, Serialize};

use super::scratch_store::ScratchStore;
use super::staging::TableStaging;
use crate::content::ContentError;
use crate::content::backed_up::BackedUp;
use crate::content::kinds::Beside;
use crate::content::left::{Note, Settled};
use crate::content::postgres::connect::Connector;
use crate::content::postgres::home::staging::{HomeRecord, HomeStaging};
use crate::content::postgres::stage::Owner;
use crate::content::postgres::switch::{Exchange, Standing};
use crate::content::restoring::{Facts, Lines, RestoreError, Staged};
use crate::content::switching::{Part, Record, Stuck, Switched};
use crate::domain::activity::Severity;
use crate::domain::environment::InstanceName;
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::watch::Watch;

/// What the journal keeps of an instance in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaRecord {
    /// The schema that is filled, and emptied by the switch.
    pub fresh: String,
    /// The schema that takes what the switch replaces.
    pub replaced: String,
    /// The note of both.
    pub note: Note,
    /// The role that the tables belong to, if Lifeboat's user has to become it.
    pub owner: Option<String>,
    /// The workspaces that are restored, for their search indexes.
    pub workspaces: Vec<String>,
    /// All workspaces, for the search indexes of nodes that had not seen everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all_workspaces: Vec<String>,
    /// Whether the tables that come were made by an earlier restore and are not to be dropped with this one.
    pub borrowed: bool,
    /// The switch. `None` until everything is staged.
    pub exchange: Option<Exchange>,
    /// What is staged of the home's small files, if they change: they are exchanged right after the tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<HomeRecord>,
}

impl SchemaRecord {
    fn owner(&self) -> Owner {
        Owner {
            role: self.owner.clone(),
        }
    }

    /// Whether Live is what it was.
    fn is_untouched(&self, connector: &Connector) -> bool {
        match &self.exchange {
            None => true,
            Some(exchange) => exchange
                .standing(connector)
                .is_ok_and(|standing| standing == Standing::Pending),
        }
    }

    /// Makes sure that it can be told whether the tables were exchanged.
    fn is_known(&self, connector: &Connector) -> Result<(), ContentError> {
        match &self.exchange {
            None => Ok(()),
            Some(exchange) => exchange.is_known(connector, &self.owner()),
        }
    }

    /// Makes the staged tables live, unless they are.
    fn forward(&self, connector: &Connector) -> Result<Switched, ContentError> {
        match &self.exchange {
            Some(exchange) => exchange.forward(connector, &self.owner(), &self.note),
            None => Ok(Switched::default()),
        }
    }

    /// Makes the replaced tables live again, unless they are.
    fn back(&self, connector: &Connector) -> Result<Switched, ContentError> {
        match &self.exchange {
            Some(exchange) if !self.is_untouched(connector) => {
                exchange.back(connector, &self.owner(), &self.note)
            }
            _ => Ok(Switched::default()),
        }
    }

    /// Whether nothing that was live in the home is where its files were staged.
    fn home_is_untouched(&self) -> bool {
        self.home.as_ref().is_none_or(|home| Part::is_untouched(&home))
    }

    /// Its part of a switch, in the database that the instance has now.
    pub(crate) fn part<'a>(&'a self, instance: &'a InstanceName, connector: Connector) -> SchemaPart<'a> {
        SchemaPart {
            instance,
            record: self,
            connector,
        }
    }

    /// That the instance has no database any more in which it could go on.
    pub(crate) fn is_not_configured(&self, instance: &InstanceName) -> Stuck {
        Stuck(format!(
            "the tables of {instance} could not be exchanged ({instance} of {} is no longer configured with a database, and a \
             restore of it is not finished: put its configuration back)",
            self.note.environment
        ))
    }
}

impl Record for SchemaRecord {
    /// What an earlier restore has replaced is not its own.
    fn made(&self) -> Vec<&str> {
        if self.borrowed {
            vec![&self.replaced]
        } else {
            vec![&self.fresh, &self.replaced]
        }
    }

    fn emptied(&self) -> Vec<&str> {
        vec![&self.fresh]
    }

    /// What was live in the home stays as long as the replaced tables do. It is dropped with those.
    fn remove(&self) -> io::Result<Option<String>> {
        match &self.home {
            Some(home) if !self.borrowed && self.home_is_untouched() => home.remove(),
            _ => Ok(None),
        }
    }

    fn holds_nothing_of_live(&self) -> bool {
        self.home.as_ref().is_none_or(Record::holds_nothing_of_live)
    }

    fn is_seen(&self) -> bool {
        self.home.as_ref().is_none_or(Record::is_seen)
    }

    fn workspaces(&self) -> &[String] {
        &self.workspaces
    }

    fn all_workspaces(&self) -> &[String] {
        if self.all_workspaces.is_empty() {
            &self.workspaces
        } else {
            &self.all_workspaces
        }
    }

    fn keeps_what_it_replaces(&self) -> bool {
        true
    }

    fn is_exchange_back(&self) -> bool {
        self.borrowed
    }

    fn stands(&self) -> &'static str {
        "has a database, which is not looked at here"
    }
}

/// The part of a switch that is in a database.
pub(crate) struct SchemaPart<'a> {
    instance: &'a InstanceName,
    record: &'a SchemaRecord,
    connector: Connector,
}

impl SchemaPart<'_> {
    fn stuck(&self, error: &ContentError) -> Stuck {
        Stuck(format!(
            "the tables of {} could not be exchanged ({error})",
            self.instance
        ))
    }
}

impl Part for SchemaPart<'_> {
    fn is_known(&self) -> Result<(), Stuck> {
        let known = self.record.is_known(&self.connector);
        known.map_err(|error| self.stuck(&error))?;
        self.record.home.as_ref().map_or(Ok(()), |home| home.is_known())
    }

    fn forward(&self) -> Result<Switched, Stuck> {
        let forward = self.record.forward(&self.connector);
        let switched = forward.map_err(|error| self.stuck(&error))?;
        if let Some(home) = &self.record.home {
            home.forward()?;
        }
        Ok(switched)
    }

    fn back(&self) -> Vec<Settled> {
        if let Some(home) = &self.record.home {
            home.back();
        }
        let back = self.record.back(&self.connector);
        back.map(|switched| switched.settled).unwrap_or_default()
    }

    fn is_untouched(&self) -> bool {
        self.record.home_is_untouched() && self.record.is_untouched(&self.connector)
    }
}

impl Staged for TableStaging {
    fn left_out(&self) -> &[String] {
        self.not_made()
    }

    fn make_room(&self) -> Result<(), RestoreError> {
        self.make_replaced()
    }

    fn record(&self) -> Result<Beside, RestoreError> {
        Ok(Beside::Schema(Box::new(self.schemas()?)))
    }

    fn make(&self) -> Result<bool, RestoreError> {
        match &self.home {
            Some(home) => home.make().map(|_| true),
            None => Ok(false),
        }
    }

    fn stage(
        &self,
        backup: &dyn BackedUp,
        _selection: &Selection,
        watch: &dyn Watch,
    ) -> Result<Lines, RestoreError> {
        let instance = &backup.copy().name;
        let (rows, bytes) = self.size();
        watch.total(rows, bytes);
        watch.instance(instance);
        self.load(backup, watch)?;
        let home = match &self.home {
            Some(home) => format!(", and the files of its home in {}", home.place().display()),
            None => String::new(),
        };
        Ok(vec![(
            Severity::Information,
            format!(
                "{instance}: {} staged{home}",
                measure::so_many(rows, "row is", "rows are")
            ),
        )])
    }

    fn difference(
        &self,
        backup: &dyn BackedUp,
        _selection: &Selection,
        watch: &dyn Watch,
    ) -> Result<Option<String>, RestoreError> {
        let (rows, bytes) = self.size();
        watch.total(rows, bytes);
        watch.instance(&backup.copy().name);
        self.compare(backup, watch)
    }

    fn machine(&self) -> &'static str {
        "the database's machine"
    }

    fn settle(&self) -> Result<Vec<String>, RestoreError> {
        self.add_and_close()
    }

    /// What PostgreSQL's own programs go by, the password among it, and where the rest is.
    fn facts(&self) -> Result<Facts, RestoreError> {
        // A connector to one server of several.
        let (session, connector) = self.stage.connector.connect_to_one()?;
        drop(session);
        let mut facts = connector.variables_for_programs()?;
        facts.push(("LIFEBOAT_DRILL_TYPE", "postgres".to_owned()));
        facts.push(("LIFEBOAT_DRILL_DATABASE", connector.settings().connect.clone()));
        facts.push(("LIFEBOAT_DRILL_SCHEMA", self.stage.fresh.clone()));
        let folders = [
            (
                "LIFEBOAT_DRILL_DATA_STORE",
                self.scratch.as_ref().and_then(ScratchStore::folder),
            ),
            ("LIFEBOAT_DRILL_HOME", self.home.as_ref().map(HomeStaging::home)),
        ];
        let folders = folders
            .into_iter()
            .filter_map(|(name, folder)| Some((name, folder?.display().to_string())));
        facts.extend(folders);
        Ok(facts)
    }

    fn to_switch(&self, selection: &Selection, before: &Beside) -> Result<Beside, RestoreError> {
        let Beside::Schema(record) = before else {
            return Err(before.is_of_another_kind());
        };
        let mut record = record.clone();
        record.exchange = Some(self.exchange(selection)?);
        if let Some(home) = &self.home {
            let home = home.to_switch()?;
            record.note.beside = (!home.steps.is_empty()).then(|| home.clone());
            record.home = Some(home);
        }
        Ok(Beside::Schema(record))
    }
}
