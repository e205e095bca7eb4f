//! What takes long to make, is made by the first test that wants it, and is there as long as any test uses it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// See the module. For a static.
pub struct MadeOnce<T>(Mutex<Weak<T>>);

impl<T> MadeOnce<T> {
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// What is there, or what `make` makes; others wait for it meanwhile. `None` when nothing can be made.
    pub fn get(&self, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        // A test that fails while it makes it leaves nothing half made behind: the next one begins anew.
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = standing.upgrade() {
            return Some(made);
        }
        let new = Arc::new(make()?);
        *standing = Arc::downgrade(&new);
        Some(new)
    }
}
