//! What the files of a repository look like: how they are encrypted, what a pack is, how items and their digests are written.

pub(super) mod cipher;
pub(super) mod fingerprint;
pub(super) mod index;
pub(super) mod node;
pub(super) mod pack;
pub(super) mod pack_list;
pub(super) mod piece;
