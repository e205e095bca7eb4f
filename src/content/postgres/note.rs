//! What a schema of Lifeboat's says of itself in its comment, so that the database itself tells what it is.

use super::connect::Connector;
use super::names::{literal, quoted};
use crate::content::ContentError;
use crate::content::left::Note;

/// The statement that writes a note to a schema.
///
/// # Errors
/// [`ContentError::Database`] in no case that is known.
pub fn statement(note: &Note, connector: &Connector, schema: &str) -> Result<String, ContentError> {
    let text = serde_json::to_string(note)
        .map_err(|error| connector.wrong("describing the restore", error.to_string()))?;
    Ok(format!(
        "COMMENT ON SCHEMA {} IS {}",
        quoted(schema),
        literal(&text)
    ))
}
