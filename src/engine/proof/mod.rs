//! Proof that backups can be restored: they are read back whole (`verify`, a share of the packs each day: `readings`), and
//! restored for a trial (`drill`, in a place for scratch). `proofs` says which is due.

pub(super) mod drill;
pub(super) mod proofs;
pub(super) mod readings;
pub(super) mod scratch;
pub(super) mod verify;
