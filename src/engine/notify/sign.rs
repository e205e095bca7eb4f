//! The sign that this process delivers, for those that are about to end: what it will deliver they leave to it.
//!
//! Not in here: whose sign counts (`catalog::couriers`).

use super::Notifier;

/// How the sign of this process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sign {
    /// It was not put out.
    #[default]
    NotOut,
    /// It is out, or may be: something may have been left to this process.
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
        let queued = self.queued();
        if queued.is_empty() && *sign == Sign::NotOut {
            return;
        }
        // Before it is written: what fails may have been written all the same.
        *sign = Sign::Out;
        let told = self.0.catalog().delivers_to(&queued, self.now());
        let _ = self.or_report(told);
    }

    /// Whether something may have been left to this process, which ends. Where not, nothing is from here on. Nobody is waited
    /// for.
    pub(super) fn may_have_sign_out(&self) -> bool {
        // Whoever has it in hand is about to put it out, into a catalog that may hang.
        let Some(mut sign) = self.room().sign.try_lock() else {
            return true;
        };
        if *sign == Sign::Out {
            return true;
        }
        *sign = Sign::TakenIn;
        false
    }

    /// Does something while the sign is in somebody's hands.
    #[cfg(test)]
    pub(in crate::engine) fn with_sign_in_hand<T>(&self, step: impl FnOnce() -> T) -> T {
        let _in_hand = self.room().sign.lock();
        step()
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
