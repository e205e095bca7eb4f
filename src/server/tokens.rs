//! Who is let in: tokens looked up by the hash of their text, and remembered for a moment.
//!
//! A token is found by its SHA-256, so that no secret is ever compared byte by byte, and nothing that is stored lets
//! anybody in. What was found counts for a moment only: a token that is revoked is worth nothing a moment later.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant as Monotonic};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::backend::BackendError;
use crate::backend::serves::Serves;
use crate::domain::Instant;
use crate::domain::token::{PREFIX, SECRET_CHARACTERS, TokenRecord};

/// How long what was found is believed.
const BELIEVED: Duration = Duration::from_secs(2);
/// Tokens that are remembered. Beyond that all of them are looked up again.
const REMEMBERED: usize = 4_096;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The SHA-256 of a token's text.
pub type Hash = [u8; 32];

/// The hash that a token's text is found by.
#[must_use]
pub fn hash_of(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// The text of a new token.
///
/// # Errors
/// What the system said when it gave no random bytes.
pub fn new_text(random: fn(&mut [u8]) -> io::Result<()>) -> io::Result<String> {
    let mut bytes = [0; 33];
    // The last byte stays 0: 32 bytes are 43 characters, of which the last has two bits to spare.
    random(&mut bytes[..32])?;
    let mut text = PREFIX.to_owned();
    for group in bytes.chunks_exact(3) {
        let number = group
            .iter()
            .fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[number >> shift & 63]));
        }
    }
    text.truncate(PREFIX.len() + SECRET_CHARACTERS);
    Ok(text)
}

/// The hash of the token that a request shows. `None` when it shows none, or something that cannot be one.
pub(super) fn shown(headers: &HeaderMap) -> Option<Hash> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let secret = token.trim().strip_prefix(PREFIX)?;
    let has_form = secret.len() == SECRET_CHARACTERS && secret.bytes().all(|byte| ALPHABET.contains(&byte));
    (scheme.eq_ignore_ascii_case("bearer") && has_form).then(|| hash_of(token.trim()))
}

/// The tokens that were shown lately.
#[derive(Default)]
pub(super) struct Tokens {
    known: Mutex<HashMap<Hash, (Monotonic, TokenRecord)>>,
}

impl Tokens {
    /// Whether a token of this hash was found before.
    pub(super) fn knows(&self, hash: &Hash) -> bool {
        let known = self.known.lock();
        known.contains_key(hash)
    }

    /// The token of this hash, if it lets anybody in at `now`.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub(super) async fn find(
        &self,
        engine: &dyn Serves,
        hash: Hash,
        now: Instant,
    ) -> Result<Option<TokenRecord>, BackendError> {
        let known = {
            let known = self.known.lock();
            known
                .get(&hash)
                .filter(|(at, _)| at.elapsed() < BELIEVED)
                .cloned()
        };
        if let Some((_, token)) = known {
            return Ok(Some(token).filter(|token| token.is_valid(now)));
        }
        self.look_up(engine, hash, now).await
    }

    /// As [`Tokens::find`], without believing what was found before.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub(super) async fn look_up(
        &self,
        engine: &dyn Serves,
        hash: Hash,
        now: Instant,
    ) -> Result<Option<TokenRecord>, BackendError> {
        let found = engine.records().await?.token_shown(hash, now).await?;
        let mut known = self.known.lock();
        match &found {
            Some(token) => {
                if known.len() >= REMEMBERED {
                    known.clear();
                }
                known.insert(hash, (Monotonic::now(), token.clone()));
            }
            None => {
                known.remove(&hash);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_has_the_form_that_is_accepted() {
        let text = new_text(|bytes| {
            bytes.fill(0xff);
            Ok(())
        })
        .unwrap();
        assert_eq!(text, format!("lb_{}8", "_".repeat(42)));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("bearer {text}").parse().unwrap());
        assert_eq!(shown(&headers), Some(hash_of(&text)));
    }

    #[test]
    fn what_cannot_be_a_token_is_not_looked_up() {
        for value in ["", "Bearer", "Bearer lb_short", "Basic a2ltOmtpbQ==", "lb_x"] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            assert_eq!(shown(&headers), None, "{value}");
        }
        let odd = format!("Bearer lb_{}", "é".repeat(21) + "x");
        let mut headers = HeaderMap::new();
        headers.insert(
            AUTHORIZATION,
            axum::http::HeaderValue::from_bytes(odd.as_bytes()).unwrap(),
        );
        assert_eq!(shown(&headers), None);
    }
}
