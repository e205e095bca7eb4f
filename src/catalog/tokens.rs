//! Tokens of the service: what is known of them, found by the hash of their text. The text itself is never here.

use super::error::Fault;
use super::records::{instant_from_sql, instant_to_sql, kept, some_instant};
use super::store::{Row, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::token::TokenRecord;

const COLUMNS: &str = "name, role, projects, created, created_by, expires, revoked, last_used, \
     (SELECT record FROM notes WHERE notes.kind = 'token account' AND notes.name = tokens.name)";

/// The kind of the notes that say whom a token was made for.
const ACCOUNT: &str = "token account";

/// A token's last use is written down when it is this much later than what stands there: not every request writes.
const USE_KEPT: chrono::Duration = chrono::Duration::minutes(1);

impl Catalog {
    /// Adds a token. `hash` is the SHA-256 of its text.
    ///
    /// # Errors
    /// [`CatalogError::TokenExists`] when there is or was one of that name.
    pub fn add_token(&self, token: &TokenRecord, hash: &[u8; 32]) -> Result<(), CatalogError> {
        self.write(|session| {
            let added = session.execute(
                "INSERT INTO tokens (name, hash, role, projects, created, created_by, expires, revoked, last_used)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
                values![
                    token.name.as_str(),
                    &hash[..],
                    token.role.label(),
                    serde_json::to_string(&token.projects)?,
                    instant_to_sql(token.created),
                    token.created_by.as_str(),
                    token.expires.map(instant_to_sql),
                    token.revoked.map(instant_to_sql),
                    token.last_used.map(instant_to_sql),
                ],
            )?;
            if added == 0 {
                return Err(Fault::Refused(CatalogError::TokenExists(token.name.clone())));
            }
            if let Some(account) = &token.account {
                session.execute(
                    "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, record = excluded.record",
                    values![ACCOUNT, token.name.as_str(), instant_to_sql(token.created), account.as_str()],
                )?;
            }
            Ok(())
        })
    }

    /// The token whose text has this SHA-256, whether it is still valid or not.
    pub fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<TokenRecord>, CatalogError> {
        self.read(|session| {
            let sql = format!("SELECT {COLUMNS} FROM tokens WHERE hash = ?1");
            session
                .row(&sql, values![&hash[..]])?
                .as_ref()
                .map(token)
                .transpose()
        })
    }

    /// Every token, by name, those that were revoked or have expired included.
    pub fn tokens(&self) -> Result<Vec<TokenRecord>, CatalogError> {
        self.read(|session| {
            let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY name");
            session.rows(&sql, &[])?.iter().map(token).collect()
        })
    }

    /// Ends a token. Returns whether that changed anything: `false` when there is none or it was revoked before.
    pub fn revoke_token(&self, name: &str, at: Instant) -> Result<bool, CatalogError> {
        self.write(|session| {
            let revoked = session.execute(
                "UPDATE tokens SET revoked = ?2 WHERE name = ?1 AND revoked IS NULL",
                values![name, instant_to_sql(at)],
            )?;
            Ok(revoked == 1)
        })
    }

    /// Gives a token another text: the one that it had is worth nothing from now on. Returns `false` when there is none
    /// or it was revoked.
    pub fn rotate_token(&self, name: &str, hash: &[u8; 32], at: Instant) -> Result<bool, CatalogError> {
        self.write(|session| {
            let rotated = session.execute(
                "UPDATE tokens SET hash = ?2, created = ?3, last_used = NULL WHERE name = ?1 AND revoked IS NULL",
                values![name, &hash[..], instant_to_sql(at)],
            )?;
            Ok(rotated == 1)
        })
    }

    /// Notes that a token was shown, to the minute.
    pub fn token_used(&self, name: &str, at: Instant) -> Result<(), CatalogError> {
        let noted = instant_to_sql(at);
        let before = instant_to_sql(kept(at) - USE_KEPT);
        // Asked first, so that most requests write nothing.
        let is_old = self.read(|session| {
            session.row(
                "SELECT 1 FROM tokens WHERE name = ?1 AND (last_used IS NULL OR last_used < ?2)",
                values![name, before],
            )
        })?;
        if is_old.is_none() {
            return Ok(());
        }
        self.write(|session| {
            session.execute(
                "UPDATE tokens SET last_used = ?2 WHERE name = ?1",
                values![name, noted],
            )?;
            Ok(())
        })
    }
}

/// A token from [`COLUMNS`].
fn token(row: &Row) -> Result<TokenRecord, Fault> {
    Ok(TokenRecord {
        name: row.text(0)?,
        role: row
            .text(1)?
            .parse()
            .map_err(|error| Fault::Unreadable(format!("{error}")))?,
        projects: serde_json::from_str(&row.text(2)?)?,
        created: instant_from_sql(row.number(3)?)?,
        created_by: row.text(4)?,
        expires: some_instant(row, 5)?,
        revoked: some_instant(row, 6)?,
        last_used: some_instant(row, 7)?,
        account: row.some_text(8)?,
    })
}
