//! A restore into a database: what it would change, what is staged in a schema beside Live, and how that becomes an exchange
//! of tables.

pub(crate) mod beside;
mod each_row;
mod exchange;
pub(super) mod extract;
mod making;
pub(super) mod nodes;
pub(super) mod parts;
pub(super) mod plan;
mod record_rows;
mod records;
pub(super) mod room;
mod scratch_store;
pub(super) mod staging;
mod version_statements;
mod versions;
