//! The sign that this process delivers, for those that are about to end: what it will deliver they leave to it.
//!
//! Not in here: whose sign counts (`catalog::couriers`).

use super::Notifier;

/// How the sign of this process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sign {
    /// It has not been put out.
    #[default]
    NotOut,
    /// It is out: something may have been left to this process.
    Out,
    /// This process ends, and puts it out no more.
    TakenIn,
}

impl Notifier<'_> {
    /// Says to whom this process delivers, where that has changed. What cannot be said now is said the next time.
    pub(in crate::engine) fn put_out_sign(&self) {
        let mut sign = self.room().sign.lock();
        if *sign == Sign::TakenIn {
            return;
        }
        let told = self.0.catalog().delivers_to(&self.queued(), self.now());
        if self.or_report(told).is_some() {
            *sign = Sign::Out;
        }
    }

    /// Whether something may have been left to this process.
    pub(super) fn has_sign_out(&self) -> bool {
        *self.room().sign.lock() == Sign::Out
    }

    /// Nothing is left to this process from here on.
    pub(super) fn take_in_sign(&self) {
        let mut sign = self.room().sign.lock();
        if *sign == Sign::Out {
            // If it cannot be taken back, it counts for nothing once this process has ended.
            let _ = self.0.catalog().delivers_no_more();
        }
        *sign = Sign::TakenIn;
    }

    /// The receivers that another Lifeboat tells. None where that cannot be asked: then this one tells them.
    pub(super) fn told_by_others(&self) -> Vec<String> {
        let asked = self.0.catalog().delivered_by_another(&self.queued(), self.now());
        asked.unwrap_or_default()
    }
}
