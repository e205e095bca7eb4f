//! What is put into a repository and taken out of it for good. Whatever is written is read back, so this knows `read`, and
//! `read` knows nothing of this.

mod batching;
mod chunker;
pub(super) mod copy;
pub(super) mod creating;
mod feed;
mod first_key;
mod folders;
pub(super) mod frozen;
#[cfg(feature = "object-storage")]
pub(super) mod keeping;
mod mend;
mod packing;
mod parent;
mod progress;
pub(super) mod prune;
pub(super) mod read_back;
mod record;
mod reindex;
mod stream;
mod transfer;
mod walked;
