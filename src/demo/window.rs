//! When the scheduled backups of a demo begin. Not in here: on which days, which its past decides.

use chrono::Timelike as _;

use crate::domain::Instant;
use crate::domain::schedule::Window;

/// The window of scheduled backups: the usual one, unless it opens soon or is open. Then they would begin in the middle of what is
/// being shown.
pub(super) fn out_of_sight(now: Instant) -> Window {
    const DAY: u32 = 24 * 60;
    const SOON: u32 = 30;
    let usual = Window::default();
    let since_it_opened = (DAY + now.hour() * 60 + now.minute() - u32::from(usual.start_minute())) % DAY;
    if since_it_opened < u32::from(usual.length_minutes()) || since_it_opened >= DAY - SOON {
        "12:00-13:00".parse().unwrap_or(usual)
    } else {
        usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_scheduled_backup_begins_in_the_middle_of_what_is_shown() {
        let at = |time: &str| -> Instant { format!("2026-12-01T{time}:00Z").parse().unwrap() };
        for (now, expected) in [
            ("23:29", "00:00-01:00"),
            ("23:30", "12:00-13:00"),
            ("00:00", "12:00-13:00"),
            ("00:59", "12:00-13:00"),
            ("01:00", "00:00-01:00"),
            ("12:30", "00:00-01:00"),
        ] {
            assert_eq!(out_of_sight(at(now)).to_string(), expected, "{now}");
        }
    }
}
