//! What a restore of chosen workspaces needs of the version storage.

use crate::engine::EngineError;
use crate::engine::content::postgres::stage::Stage;
use crate::engine::content::postgres::tables::Table;

/// Statements that add what the live version storage lacks.
pub(super) fn additions(
    _stage: &Stage,
    _tables: &[Table],
    _live: &[Table],
) -> Result<Vec<String>, EngineError> {
    Ok(Vec::new())
}
