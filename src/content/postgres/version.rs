//! Which servers Lifeboat works with. One answer for `check`, `init`, plans, backups and restores, so that none of them says
//! yes where another one says no.

use postgres::{Client, SimpleQueryMessage};

use super::connect::Connector;
use crate::content::ContentError;

/// The oldest that is supported.
const OLDEST: u32 = 11;
/// The newest that was tried.
const NEWEST: u32 = 18;
/// Since then a range of places is read without reading the whole table, as a part of a server's version number.
pub(super) const READS_BY_PLACE: u32 = 140_000;

/// The first part of a version number, which PostgreSQL's programs must not be older than: 15 for 150004.
#[must_use]
pub fn major(number: u32) -> u32 {
    number / 10_000
}

/// Why a server of this version number cannot be used, as a sentence.
#[must_use]
pub fn why_not(number: u32) -> Option<String> {
    let major = major(number);
    (major < OLDEST).then(|| {
        format!(
            "this is PostgreSQL {major}, and Lifeboat backs up and restores with {OLDEST} to {NEWEST}: nobody mends {major} any \
             more, so update the server first"
        )
    })
}

/// What should be known of a server of this version number, as a sentence.
#[must_use]
pub fn doubt(number: u32) -> Option<String> {
    let major = major(number);
    (major > NEWEST).then(|| {
        format!(
            "PostgreSQL {major} is newer than any that this version of Lifeboat was tried with ({OLDEST} to {NEWEST}): look \
             for a newer Lifeboat, and drill a backup before you rely on it"
        )
    })
}

/// Makes sure that the server is one that can be used, before anything is asked of it that it may not know.
///
/// # Errors
/// [`ContentError::Database`] with the sentence of [`why_not`].
pub(super) fn supported(connector: &Connector, client: &mut Client) -> Result<(), ContentError> {
    const DOING: &str = "asking the server about itself";
    let told = client
        .simple_query("SELECT current_setting('server_version_num')")
        .map_err(connector.failed(DOING))?;
    let number = told.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    match number.and_then(why_not) {
        Some(why) => Err(connector.wrong(DOING, why)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_taken_from_the_oldest_on_and_newer_ones_with_a_word() {
        assert!(why_not(90_624).is_some_and(|why| why.contains("PostgreSQL 9,")));
        assert!(why_not(100_023).is_some_and(|why| why.contains("11 to 18")));
        for number in [110_022, 120_020, 130_016, 150_018, 180_000] {
            assert_eq!((why_not(number), doubt(number)), (None, None), "{number}");
        }
        assert_eq!(why_not(190_000), None);
        assert!(doubt(190_000).is_some());
    }
}
