//! What becomes of the jobs of this process when its cockpit is left.

use crate::domain::principal::Principal;
use crate::domain::stop::StopReason;
use crate::tui::{CockpitError, Ended};

/// Why jobs of this process end with the cockpit. `None` where they go on: its terminal went away, and nobody wanted that.
pub(super) fn why_jobs_end(left: &Result<(), CockpitError>, user: &str) -> Option<StopReason> {
    match left {
        Ok(()) => Some(StopReason::CockpitLeft {
            by: Principal::account(user),
        }),
        // What could not be recorded was shown all the same.
        Err(CockpitError::Recording { .. }) => Some(StopReason::CockpitLeft {
            by: Principal::account(user),
        }),
        Err(CockpitError::Ended(Ended::TerminalGone)) => None,
        Err(CockpitError::Ended(Ended::Asked)) => Some(StopReason::Signal),
        // A terminal that went away may be noticed by what is written to it before its end is told. What the system did
        // not say, the cockpit said before it began.
        Err(CockpitError::Terminal(error)) if error.raw_os_error().is_some() => None,
        Err(CockpitError::Terminal(_)) => Some(StopReason::TerminalGone),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn jobs_end_with_their_cockpit_unless_it_was_its_terminal_that_went() {
        let why = |left: Result<(), CockpitError>| why_jobs_end(&left, "olga");
        let by = Principal::account("olga");
        assert_eq!(why(Ok(())), Some(StopReason::CockpitLeft { by }));
        assert_eq!(
            why(Err(CockpitError::Ended(Ended::Asked))),
            Some(StopReason::Signal)
        );
        assert_eq!(why(Err(CockpitError::Ended(Ended::TerminalGone))), None);
        // Writing to a terminal that has gone.
        let dead = io::Error::from(rustix::io::Errno::IO);
        assert_eq!(why(Err(CockpitError::Terminal(dead))), None);
        // There never was one.
        let none = io::Error::other("input or output is not a terminal");
        assert_eq!(
            why(Err(CockpitError::Terminal(none))),
            Some(StopReason::TerminalGone)
        );
    }
}
