//! How long things may take, and how long is waited before the next attempt.

use std::time::Duration;

/// How long things may take. Tests give other numbers.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an ordinary question is answered.
    pub answer: Duration,
    /// Until one is answered for which the service reads content: a plan, a check.
    pub long_answer: Duration,
    /// Without a byte on an event stream; the service sends one every 15 seconds.
    pub silence: Duration,
    /// Before the first attempt after a failure. It doubles from one attempt to the next.
    pub first_wait: Duration,
    /// Before any attempt.
    pub longest_wait: Duration,
    /// How often a question that can be asked again is asked before it counts as unanswered.
    pub attempts: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(12),
            long_answer: Duration::from_mins(5),
            silence: Duration::from_secs(40),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            attempts: 3,
        }
    }
}

impl Pace {
    /// How long to wait after so many failures in a row. `chance` moves it by up to a quarter either way, so that a
    /// thousand cockpits do not come back to a service that has just started in the same instant.
    #[must_use]
    pub fn wait(&self, failures: u32, chance: u8) -> Duration {
        let doubled = 1_u32 << failures.saturating_sub(1).min(16);
        let wait = self.first_wait.saturating_mul(doubled).min(self.longest_wait);
        let moved = wait.mul_f64(0.75 + f64::from(chance) / 255.0 / 2.0);
        moved.clamp(self.first_wait.min(wait), self.longest_wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_one_second_to_thirty() {
        let pace = Pace::default();
        for (failures, seconds) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (7, 30), (4_000, 30)] {
            let wait = pace.wait(failures, 128).as_secs_f64();
            assert!((wait - f64::from(seconds)).abs() < 0.1, "{failures}: {wait}");
        }
        for failures in 1..40 {
            for chance in [0, 1, 200, 255] {
                let wait = pace.wait(failures, chance);
                assert!((pace.first_wait..=pace.longest_wait).contains(&wait), "{wait:?}");
            }
        }
        assert!(pace.wait(4, 0) < pace.wait(4, 255));
    }
}
