//! Proof that backups can be restored: they are read back whole (`verify`, a share of the packs each day: `readings`), and
//! restored for a trial (`drill`, in a place for scratch, where `command` runs whatever an operator names to look at it). `proofs` says which is due.
//! `integrity` says whether the nodes in them fit together.

mod command;
pub(super) mod drill;
pub(super) mod integrity;
pub(super) mod proofs;
pub(super) mod readings;
pub(super) mod scratch;
pub(super) mod verify;
