//! How long-running work reports how far it is, and learns that it should stop.

use crate::domain::environment::InstanceName;

/// Told about progress by whoever works, from any thread, as often as it likes; asked by it whether to go on.
pub trait Watch: Send + Sync {
    /// The work that begins now turned out to have this many items and bytes in all: more than once where it comes in parts, such
    /// as one instance after the other.
    fn total(&self, items: u64, bytes: u64);

    /// Work has turned to this instance.
    fn instance(&self, name: &InstanceName);

    /// Work has turned to this part of the instance: a table.
    fn part(&self, _name: &str) {}

    /// Something turned out that people should know, and that the work goes on in spite of.
    fn notice(&self, _text: &str) {}

    /// So many more items and bytes are done.
    fn advance(&self, items: u64, bytes: u64);

    /// Whether the work should stop at the next safe point.
    fn is_cancelled(&self) -> bool;
}

/// Watches nothing and never stops anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn total(&self, _items: u64, _bytes: u64) {}
    fn instance(&self, _name: &InstanceName) {}
    fn advance(&self, _items: u64, _bytes: u64) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}
