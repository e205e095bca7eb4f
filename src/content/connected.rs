//! Who else is connected to the place of an instance's content: whoever is, goes on writing what he has cached while the
//! content is exchanged.
//!
//! Not in here: how long a restore waits for them, and what becomes of it (`engine::restore`).

use std::time::Duration;

/// So many are named in one sentence.
const MOST: usize = 8;

/// Who else is connected, as descriptions of each: program, user, address and since when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connected {
    /// Those who have to go before content is exchanged.
    pub in_the_way: Vec<String>,
    /// Those who may stay, because the settings say so.
    pub allowed: Vec<String>,
    /// What is hidden of them and what to do to see it, as a sentence.
    pub hidden: Option<String>,
    /// Whether this was asked through a pooler: who else is connected to that, and not at work right now, is not seen.
    pub is_behind_a_pooler: bool,
    /// How long those in the way are waited for.
    pub wait: Duration,
}

impl Connected {
    /// Those in the way, as a part of a sentence.
    #[must_use]
    pub fn who_is_in_the_way(&self) -> String {
        listed(&self.in_the_way)
    }

    /// Those who may stay, as a part of a sentence.
    #[must_use]
    pub fn who_may_stay(&self) -> String {
        listed(&self.allowed)
    }

    /// What is hidden of them, to follow another sentence.
    #[must_use]
    pub fn what_is_hidden(&self) -> String {
        let hidden = self.hidden.as_ref();
        hidden.map_or_else(String::new, |hidden| format!(". {hidden}"))
    }
}

/// What is not seen through a pooler, as a sentence.
pub const BEHIND_A_POOLER: &str = "Lifeboat reaches the database through a pooler, and who else is connected to that cannot be \
                                   seen from here: Magnolia has to be stopped before a restore all the same";

/// How many sessions, as the beginning of a sentence.
#[must_use]
pub fn sessions(count: usize) -> String {
    match count {
        1 => "1 session".to_owned(),
        count => format!("{count} sessions"),
    }
}

fn listed(all: &[String]) -> String {
    let named = all.iter().take(MOST).cloned().collect::<Vec<_>>().join("; ");
    match all.len().saturating_sub(MOST) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}
