//! The first key of a new repository: a file that the secret opens, and in it what everything is encrypted with.
//!
//! It is made here and not by the library for what a guess at the secret costs, which is also what opening costs: the library
//! takes 128 MiB each time, which is much for the small machines that Lifeboat runs beside Magnolia on, and for a service
//! that opens hundreds of repositories.

use rustic_core::repofile::{KeyFile, MasterKey};
use rustic_core::{ErrorKind, Id, RusticError, RusticResult};
use sha2::{Digest as _, Sha256};

use crate::repository::format::cipher::Cipher;

/// The environment variable that asks for keys that cost nothing, for the repositories of tests, which open thousands. Only
/// builds with debug assertions look at it; `tests/run` sets it.
#[cfg(debug_assertions)]
const CHEAP: &str = "LIFEBOAT_TEST_CHEAP_KEYS";

/// What a guess costs: the parameters of scrypt.
struct Cost {
    n: u32,
    r: u32,
    p: u32,
}

impl Cost {
    /// 32 MiB and a fifth of a second. One of the settings that OWASP's Password Storage Cheat Sheet gives as of the same
    /// strength (2^17, 8, 1 with its 128 MiB is another), with the N that `restic` takes.
    const USUAL: Self = Self {
        n: 1 << 15,
        r: 8,
        p: 3,
    };

    #[cfg(debug_assertions)]
    fn to_take() -> Self {
        if cfg!(test) || std::env::var_os(CHEAP).is_some() {
            return Self { n: 2, r: 8, p: 1 };
        }
        Self::USUAL
    }

    #[cfg(not(debug_assertions))]
    fn to_take() -> Self {
        Self::USUAL
    }
}

/// A key file that a secret opens, and the key that is in it.
pub(super) struct FirstKey {
    pub(super) id: Id,
    pub(super) file: Vec<u8>,
    pub(super) key: MasterKey,
}

impl FirstKey {
    /// A new one.
    ///
    /// # Errors
    /// That the system gives no random bytes.
    pub(super) fn opened_by(secret: &str) -> RusticResult<Self> {
        let failed = |why: String| RusticError::new(ErrorKind::Key, why);
        let Cost { n, r, p } = Cost::to_take();
        let key = MasterKey::new();
        let mut file = KeyFile {
            hostname: None,
            username: None,
            created: None,
            kdf: "scrypt".to_owned(),
            n,
            r,
            p,
            data: Vec::new(),
            salt: vec![0; 64],
        };
        getrandom::fill(&mut file.salt).map_err(|error| failed(error.to_string()))?;
        let mut opens = MasterKey::new();
        (opens.encrypt, opens.mac.k, opens.mac.r) = file.kdf_key(&secret)?.to_keys();
        let text = serde_json::to_vec(&key).map_err(|error| failed(error.to_string()))?;
        file.data = Cipher::new(&opens)
            .and_then(|cipher| cipher.seal(&text))
            .map_err(failed)?;
        let file = serde_json::to_vec(&file).map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            id: Id::new(Sha256::digest(&file).into()),
            file,
            key,
        })
    }
}
