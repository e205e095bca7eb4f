//! What is taken out of a repository: backups and what is in them, each piece checked on the way, and what is found
//! damaged meanwhile.

pub(super) mod backed_up;
mod batch;
pub(super) mod compare;
pub(super) mod damage;
pub(super) mod extract;
mod file_writing;
pub(super) mod files;
pub(super) mod findings;
pub(super) mod readings;
pub(super) mod records;
pub(super) mod runs;
pub(super) mod store;
pub(super) mod tree;
pub(super) mod verify;
mod whole_packs;
