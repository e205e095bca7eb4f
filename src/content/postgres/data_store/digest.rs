//! What the name of a record says of its content: it is the content's digest in hexadecimal digits. Which one, its length
//! tells.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// The digests that Jackrabbit names records by.
#[derive(Debug, Clone)]
pub(super) enum Naming {
    /// That of older Jackrabbits, and of every data store that began with one.
    Sha1(Sha1),
    /// That of newer ones.
    Sha256(Sha256),
    /// What an administrator may have chosen in their place (`ds.digest.algorithm`).
    Sha512(Sha512),
}

impl Naming {
    /// The one by which a record has this name; `None` for a name that is none of them.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        match name.len() {
            40 => Some(Self::Sha1(Sha1::new())),
            64 => Some(Self::Sha256(Sha256::new())),
            128 => Some(Self::Sha512(Sha512::new())),
            _ => None,
        }
    }

    /// Adds a part of the content.
    pub(super) fn update(&mut self, part: &[u8]) {
        match self {
            Self::Sha1(digest) => digest.update(part),
            Self::Sha256(digest) => digest.update(part),
            Self::Sha512(digest) => digest.update(part),
        }
    }

    /// The name of a record with this content.
    pub(super) fn name(self) -> String {
        match self {
            Self::Sha1(digest) => hexadecimal(&digest.finalize()),
            Self::Sha256(digest) => hexadecimal(&digest.finalize()),
            Self::Sha512(digest) => hexadecimal(&digest.finalize()),
        }
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
