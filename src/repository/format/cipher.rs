//! The cipher of a repository: AES-256 in counter mode with Poly1305-AES, as restic's format has it. What is encrypted
//! is a nonce of 16 bytes, the text, and a tag of 16 bytes.
//!
//! The library has it too, and keeps it to itself.

use aes256ctr_poly1305aes::aead::AeadInPlace;
use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Key as CipherKey, Nonce, Tag};
use rustic_core::repofile::MasterKey;

/// Bytes before the text.
pub(super) const NONCE: usize = 16;
/// Bytes after the text.
pub(super) const TAG: usize = 16;
/// How many bytes a text grows when it is encrypted.
pub(super) const OVERHEAD: usize = NONCE + TAG;

/// See the module.
pub(in crate::repository) struct Cipher(Aes256CtrPoly1305Aes);

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key.
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

impl Cipher {
    /// The cipher with the repository's key.
    ///
    /// # Errors
    /// A sentence when the key is not one.
    pub(in crate::repository) fn new(key: &MasterKey) -> Result<Self, String> {
        let key = [&key.encrypt[..], &key.mac.k, &key.mac.r].concat();
        let key: [u8; 64] = key
            .try_into()
            .map_err(|_| "the repository's key has a strange length".to_owned())?;
        Ok(Self(Aes256CtrPoly1305Aes::new(&CipherKey::from(key))))
    }

    /// Encrypts what stands between the first 16 and the last 16 bytes, and fills those in.
    ///
    /// # Errors
    /// A sentence when there is no room for them, or the system gives no random numbers.
    pub(super) fn seal_in_place(&self, bytes: &mut [u8]) -> Result<(), String> {
        let failed = || "it could not be encrypted".to_owned();
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE).ok_or_else(failed)?;
        let length = rest.len().checked_sub(TAG).ok_or_else(failed)?;
        let (text, tag) = rest.split_at_mut(length);
        getrandom::fill(nonce).map_err(|error| format!("the system gave no random numbers: {error}"))?;
        let sealed = self
            .0
            .encrypt_in_place_detached(Nonce::from_slice(nonce), &[], text)
            .map_err(|_| failed())?;
        tag.copy_from_slice(&sealed);
        Ok(())
    }

    /// Encrypts a text.
    ///
    /// # Errors
    /// As [`Cipher::seal_in_place`].
    pub(in crate::repository) fn seal(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let mut sealed = Vec::with_capacity(text.len() + OVERHEAD);
        sealed.resize(NONCE, 0);
        sealed.extend_from_slice(text);
        sealed.resize(text.len() + OVERHEAD, 0);
        self.seal_in_place(&mut sealed)?;
        Ok(sealed)
    }

    /// Decrypts in place, and gives the text. `None` for what this key has not encrypted, or what is not as it was.
    pub(in crate::repository) fn open_in_place<'a>(&self, sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (nonce, rest) = sealed.split_at_mut_checked(NONCE)?;
        let length = rest.len().checked_sub(TAG)?;
        let (text, tag) = rest.split_at_mut(length);
        self.0
            .decrypt_in_place_detached(Nonce::from_slice(nonce), &[], text, Tag::from_slice(tag))
            .ok()?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_comes_back_under_the_same_key_only_and_only_whole() {
        let (key, other) = (MasterKey::new(), MasterKey::new());
        let cipher = Cipher::new(&key).unwrap();
        for text in [&b""[..], b"a", &[7; 5_000]] {
            let sealed = cipher.seal(text).unwrap();
            assert_eq!(sealed.len(), text.len() + OVERHEAD);
            assert_eq!(cipher.open_in_place(&mut sealed.clone()).unwrap(), text);
            let other = Cipher::new(&other).unwrap();
            assert!(other.open_in_place(&mut sealed.clone()).is_none());
            for at in [0, NONCE, sealed.len() - 1] {
                let mut flipped = sealed.clone();
                flipped[at] ^= 1;
                assert!(cipher.open_in_place(&mut flipped).is_none(), "{at}");
            }
            assert!(
                cipher
                    .open_in_place(&mut sealed[..OVERHEAD - 1].to_vec())
                    .is_none()
            );
        }
    }
}
