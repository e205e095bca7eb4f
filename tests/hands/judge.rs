//! Whether what happened was meant. Knows nothing of how the cockpit decides that: it sees bytes, screens and calls.

use std::time::Duration;

use crate::steps::Round;

/// How long nothing may have come before the answer to a question.
const QUIET: Duration = Duration::from_millis(450);
/// Keys that come closer than this were not pressed one by one.
const ONE_BY_ONE: Duration = Duration::from_millis(40);
/// How long nothing may have come before Enter in a form behind keys in one go.
const QUIET_BEHIND_KEYS: Duration = Duration::from_millis(150);
/// The same behind text in one go.
const QUIET_BEHIND_TEXT: Duration = Duration::from_millis(650);
/// No hand keeps several keys in a row closer together than this.
const PACE: Duration = Duration::from_millis(90);
/// How long a question has to have been on the screen.
const READ: Duration = Duration::from_millis(150);
/// The same key within this time is held down.
const HELD: Duration = Duration::from_millis(600);

/// What begins, changes or takes away something.
const CHANGES: &[&str] = &[
    "backup", "restore", "undo", "confirm", "verify", "drill", "cancel", "delete", "extend", "pin", "unpin",
    "approve", "reject", "hold", "break",
];

/// What is typed in before Enter: forms, and the name of the environment.
const TYPED: &[&str] = &[
    "Manual backup",
    "Backup before",
    "Maintenance mode of",
    "Protect ",
    "Pin backup",
    "Agree to a restore",
    "Reject a restore",
    "the environment's name",
];

/// Bytes that came.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    at: Duration,
    bytes: Vec<u8>,
    /// What was asked on the screen then, and how long it had been there.
    asked: Option<(String, Duration)>,
}

/// Looks on while a round is played.
pub struct Judge<'a> {
    round: &'a Round,
    asked: Option<(String, Duration)>,
    sent: Vec<Sent>,
    meant: usize,
    /// Whether the screen says that a restore would have no safety backup.
    without_safety: bool,
}

impl<'a> Judge<'a> {
    pub fn new(round: &'a Round) -> Self {
        Self {
            round,
            asked: None,
            sent: Vec::new(),
            meant: 0,
            without_safety: false,
        }
    }

    /// Looks at the screen.
    pub fn look(&mut self, now: Duration, screen: &str) {
        let asks = asked_on(screen);
        if asks.as_ref() != self.asked.as_ref().map(|(asked, _)| asked) {
            self.asked = asks.map(|asks| (asks, now));
        }
        // What takes the way back away is no less than what begins something.
        let unsafe_now = screen.contains("NO SAFETY BACKUP");
        if unsafe_now && !self.without_safety {
            self.judge("the safety backup is left out", now);
        }
        self.without_safety = unsafe_now;
    }

    /// Bytes are about to come.
    pub fn sent(&mut self, now: Duration, bytes: &[u8]) {
        let asked = self
            .asked
            .clone()
            .map(|(asked, since)| (asked, now.saturating_sub(since)));
        self.sent.push(Sent {
            at: now,
            bytes: bytes.to_vec(),
            asked,
        });
    }

    /// The backend was asked for these. Fails unless what changes something was meant.
    pub fn called(&mut self, now: Duration, calls: &[String]) {
        for call in calls {
            let first = call.split_whitespace().next().unwrap_or_default();
            if !CHANGES.contains(&first) {
                continue;
            }
            self.judge(call, now);
        }
    }

    fn judge(&mut self, what: &str, now: Duration) {
        if let Err(why) = self.was_meant() {
            panic!(
                "round {}: \"{what}\" at {now:?} was not meant: {why}\n{:#?}\n{:#?}",
                self.round.seed, self.sent, self.round.steps
            );
        }
        self.meant += 1;
    }

    /// How often something happened that was meant.
    pub fn meant(&self) -> usize {
        self.meant
    }

    fn was_meant(&self) -> Result<(), String> {
        let Some((last, before)) = self.sent.split_last() else {
            return Err("nothing had come".to_owned());
        };
        if !matches!(&last.bytes[..], b"y" | b"\r") {
            return Err(format!("{:?} is no answer", last.bytes));
        }
        if let Some(before) = before.last() {
            let gap = last.at.saturating_sub(before.at);
            let is_typed = |asked: &str| TYPED.iter().any(|title| asked.contains(title));
            let in_a_form = last.asked.as_ref().is_some_and(|(asked, _)| is_typed(asked));
            let wanted = match letters(&before.bytes) {
                _ if !in_a_form => QUIET,
                0 | 1 => ONE_BY_ONE,
                2 => QUIET_BEHIND_KEYS,
                _ => QUIET_BEHIND_TEXT,
            };
            if gap < wanted {
                return Err(format!("it came {gap:?} after something else"));
            }
            let pauses = self.sent.windows(2).rev().take(4);
            let mut pauses = pauses.map(|pair| pair[1].at.saturating_sub(pair[0].at));
            if in_a_form && self.sent.len() > 4 && pauses.all(|pause| pause < PACE) {
                return Err("it kept a pace that no hand keeps".to_owned());
            }
            if before.bytes == last.bytes && gap < HELD {
                return Err(format!("its key was held: {gap:?}"));
            }
        }
        match &last.asked {
            None => Err("nothing was asked on the screen".to_owned()),
            Some((asked, since)) if *since < READ => Err(format!("\"{asked}\" was there for {since:?}")),
            Some(_) => Ok(()),
        }
    }
}

/// How many letters came in one go, unless a terminal has marked or sent them.
fn letters(bytes: &[u8]) -> usize {
    if bytes.contains(&0x1b) {
        return 0;
    }
    bytes.iter().filter(|byte| byte.is_ascii_graphic()).count()
}

/// What the screen asks: the title of a dialog, or the environment's name.
fn asked_on(screen: &str) -> Option<String> {
    let dialog = screen.lines().find_map(|line| {
        let (_, title) = line.split_once("╭─ ")?;
        Some(title.split(" ─").next().unwrap_or(title).to_owned())
    });
    dialog.or_else(|| {
        screen
            .contains("and press Enter:")
            .then(|| "the environment's name".to_owned())
    })
}
