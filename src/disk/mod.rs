//! What Lifeboat asks of a file system besides reading and writing files: folders that are held by what was opened, mounts
//! in a folder, room, whether something is taken or given, removal that stays on one file system, and folders that only their owner can look into.
//!
//! It knows nothing of content, repositories or jobs.

pub(crate) mod failing;
pub(crate) mod fstab;
pub(crate) mod held;
mod identity;
pub(crate) mod mounts;
pub(crate) mod nameless;
pub(crate) mod private;
pub(crate) mod removal;
pub(crate) mod room;

/// What is read and written past the system's cache begins in memory, and in its file, at a multiple of this, and is so
/// long: no disk has larger blocks.
pub(crate) const BLOCK: usize = 4096;
