//! How long something may take, as operators write it: `30s`, `5m`, `2h`.
//!
//! Not in here: measured times and how they are shown ([`super::measure`]).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::as_text::as_text;

/// A time limit in whole seconds, at least one second and at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeLimit(u32);

/// A text is no time limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a time limit: write a number and s, m or h, from \"1s\" to \"24h\", for example \"5m\""
)]
pub struct LimitError(String);

impl TimeLimit {
    const DAY: u32 = 24 * 60 * 60;

    /// So many minutes; a day at most.
    #[must_use]
    pub const fn minutes(minutes: u16) -> Self {
        let seconds = minutes as u32 * 60;
        Self(if seconds > Self::DAY { Self::DAY } else { seconds })
    }

    /// So many seconds, at least one.
    #[must_use]
    pub const fn seconds(seconds: u16) -> Self {
        Self(if seconds == 0 { 1 } else { seconds as u32 })
    }

    /// As the time that it is.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl FromStr for TimeLimit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let wrong = || LimitError(text.to_owned());
        let (number, unit) = text
            .strip_suffix('s')
            .map(|number| (number, 1))
            .or_else(|| text.strip_suffix('m').map(|number| (number, 60)))
            .or_else(|| text.strip_suffix('h').map(|number| (number, 60 * 60)))
            .ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        match number.checked_mul(unit) {
            Some(seconds) if (1..=Self::DAY).contains(&seconds) => Ok(Self(seconds)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
            seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
            seconds => format!("{seconds}s"),
        };
        f.pad(&text)
    }
}

as_text!(TimeLimit);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_read_and_written_in_its_largest_whole_unit() {
        for (text, seconds, written) in [
            ("1s", 1, "1s"),
            ("90s", 90, "90s"),
            ("5m", 300, "5m"),
            ("120m", 7200, "2h"),
        ] {
            let limit: TimeLimit = text.parse().unwrap();
            assert_eq!(limit.duration().as_secs(), seconds);
            assert_eq!(limit.to_string(), written);
        }
        assert_eq!(TimeLimit::minutes(5).to_string(), "5m");
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "0s",
            "-1m",
            "1.5h",
            "25h",
            "5 m",
            "5d",
            "9999999999s",
            "1000000h",
        ] {
            let why = text.parse::<TimeLimit>().unwrap_err().to_string();
            assert!(why.contains("for example \"5m\""), "{why}");
        }
    }
}
