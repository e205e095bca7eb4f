//! Keys that cost nothing to open, for the repositories of tests: a real one takes a third of a second and 128 MiB each
//! time, and tests open thousands. Only builds with debug assertions have this, and only where it is asked for.

use rustic_core::repofile::{KeyFile, MasterKey};
use rustic_core::{ErrorKind, Id, RusticError, RusticResult};
use sha2::{Digest as _, Sha256};

use crate::repository::format::cipher::Cipher;

/// The environment variable that asks for it; `tests/run` sets it.
const ASKED_FOR: &str = "LIFEBOAT_TEST_CHEAP_KEYS";

/// A key file that a secret opens at once, and the key that is in it.
pub(super) struct CheapKey {
    pub(super) id: Id,
    pub(super) file: Vec<u8>,
    pub(super) key: MasterKey,
}

/// A new one, where the tests have asked for it.
pub(super) fn if_asked_for(secret: &str) -> RusticResult<Option<CheapKey>> {
    if cfg!(test) || std::env::var_os(ASKED_FOR).is_some() {
        return made(secret).map(Some);
    }
    Ok(None)
}

fn made(secret: &str) -> RusticResult<CheapKey> {
    let failed = |why: String| RusticError::new(ErrorKind::Key, why);
    let key = MasterKey::new();
    let mut file = KeyFile {
        hostname: None,
        username: None,
        created: None,
        kdf: "scrypt".to_owned(),
        n: 2,
        r: 8,
        p: 1,
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
    Ok(CheapKey {
        id: Id::new(Sha256::digest(&file).into()),
        file,
        key,
    })
}
