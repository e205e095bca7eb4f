//! What a schema of Lifeboat's says of itself in its comment, so that the database itself tells what it is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::connect::Connector;
use super::names::{literal, quoted};
use crate::content::ContentError;
use crate::domain::plan::Selection;

/// What a schema of Lifeboat's is, written into its comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The form of this note.
    pub lifeboat: u32,
    /// The environment that it belongs to.
    pub environment: String,
    /// The instance.
    pub instance: String,
    /// The job that made it.
    pub job: u64,
    /// The backup that was restored; `None` for an exchange that goes back to replaced tables.
    pub backup: Option<String>,
    /// Which part of the instance was restored.
    pub selection: Selection,
    /// How far it is.
    pub state: NoteState,
    /// When that began.
    pub at: DateTime<Utc>,
    /// Until when replaced tables stay.
    pub expires: DateTime<Utc>,
    /// The tables that came in place of those that are here.
    pub came: Vec<String>,
    /// Whether rows of the version storage came as well: an exchange back would leave them.
    #[serde(default)]
    pub merged_versions: bool,
}

/// How far a restore is that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteState {
    /// Its tables are beside Live.
    Staged,
    /// Its tables are Live, and what they replaced is here.
    Replaced,
    /// Its tables are of a drill, and never become Live.
    Drill,
}

impl Note {
    /// The form of the note that this version writes and reads.
    pub const FORM: u32 = 1;

    /// The statement that writes it to a schema.
    ///
    /// # Errors
    /// [`ContentError::Database`] in no case that is known.
    pub fn statement(&self, connector: &Connector, schema: &str) -> Result<String, ContentError> {
        let text = serde_json::to_string(self)
            .map_err(|error| connector.wrong("describing the restore", error.to_string()))?;
        Ok(format!(
            "COMMENT ON SCHEMA {} IS {}",
            quoted(schema),
            literal(&text)
        ))
    }
}
