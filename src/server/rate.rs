//! How many requests one client may send: a bucket of tries for each, which fills again as time goes by.
//!
//! Not in here: who a client is.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant as Monotonic};

use parking_lot::Mutex;

/// Clients that are remembered. Beyond that, those whose bucket is full again are forgotten.
const REMEMBERED: usize = 10_000;

/// Buckets, by client.
pub(super) struct Rates<K> {
    per_second: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Monotonic,
}

impl<K: Hash + Eq> Rates<K> {
    /// So many requests a second; twice as many may come at once.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second),
            buckets: Mutex::default(),
        }
    }

    /// One in so much time.
    pub(super) fn one_in(time: Duration) -> Self {
        Self {
            per_second: time.as_secs_f64().recip(),
            buckets: Mutex::default(),
        }
    }

    fn full(&self) -> f64 {
        (self.per_second * 2.0).max(1.0)
    }

    fn filled(&self, bucket: Bucket, now: Monotonic) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        since.mul_add(self.per_second, bucket.left).min(self.full())
    }

    /// Whether one more request would be allowed now. Counts none.
    pub(super) fn has_room(&self, client: &K, now: Monotonic) -> bool {
        let buckets = self.buckets.lock();
        buckets
            .get(client)
            .is_none_or(|bucket| self.filled(*bucket, now) >= 1.0)
    }

    /// Whether one more request is allowed now.
    pub(super) fn allows(&self, client: K, now: Monotonic) -> bool {
        let full = self.full();
        let filled = |bucket: Bucket| self.filled(bucket, now);
        let mut buckets = self.buckets.lock();
        if buckets.len() >= REMEMBERED {
            buckets.retain(|_, bucket| filled(*bucket) < full);
            if buckets.len() >= REMEMBERED {
                // So many at once are an attack or a mistake; forgetting them lets each have a few more tries.
                buckets.clear();
            }
        }
        let bucket = buckets.entry(client).or_insert(Bucket { left: full, at: now });
        let left = filled(*bucket);
        let allowed = left >= 1.0;
        *bucket = Bucket {
            left: if allowed { left - 1.0 } else { left },
            at: now,
        };
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let rates = Rates::new(5);
        let now = Monotonic::now();
        let allowed = (0..20).filter(|_| rates.allows("kim", now)).count();
        assert_eq!(allowed, 10);
        assert!(!rates.has_room(&"kim", now) && rates.has_room(&"alex", now));
        assert!(
            rates.allows("alex", now),
            "another client has a bucket of its own"
        );
        let later = now + Duration::from_secs(1);
        assert_eq!((0..20).filter(|_| rates.allows("kim", later)).count(), 5);
    }
}
