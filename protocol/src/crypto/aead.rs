//! AES-256-GCM over whole frames. Nonces are the caller's: each caller's rule that none repeats stands beside its use.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use zeroize::Zeroizing;

/// What sealing adds, in bytes.
pub const AEAD_TAG_BYTES: usize = 16;

/// The ciphertext was not made under this key, nonce and associated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open")]
pub struct Unsealed;

/// A key with its expanded schedule; erased when dropped.
pub struct AeadKey {
    cipher: Aes256Gcm,
}

impl AeadKey {
    /// Expands a key of 32 bytes.
    pub fn new(key: &Zeroizing<[u8; 32]>) -> Self {
        Self { cipher: Aes256Gcm::new_from_slice(key.as_slice()).expect("32 bytes are a key of AES-256") }
    }

    /// Seals `frame[from..]` in place and appends the tag; `frame[..from]` is the associated data.
    ///
    /// # Panics
    /// When `from` is past the end: a caller's bug.
    pub fn seal_in_place(&self, nonce: &[u8; 12], frame: &mut Vec<u8>, from: usize) {
        let (aad, plain) = frame.split_at_mut(from);
        let tag = self.cipher.encrypt_inout_detached(&Nonce::from(*nonce), aad, plain.into()).expect("frames are far below 64 GiB");
        frame.extend_from_slice(&tag);
    }

    /// Opens what [`AeadKey::seal_in_place`] made: returns the plaintext of `frame[from..]`.
    ///
    /// # Errors
    /// `Unsealed` when anything differs, or the frame is too short.
    pub fn open(&self, nonce: &[u8; 12], frame: &[u8], from: usize) -> Result<Zeroizing<Vec<u8>>, Unsealed> {
        let (aad, sealed) = frame.split_at_checked(from).ok_or(Unsealed)?;
        let (body, tag) = sealed.split_last_chunk::<AEAD_TAG_BYTES>().ok_or(Unsealed)?;
        let mut plain = Zeroizing::new(body.to_vec());
        self.cipher
            .decrypt_inout_detached(&Nonce::from(*nonce), aad, plain.as_mut_slice().into(), &Tag::from(*tag))
            .map_err(|_| Unsealed)?;
        Ok(plain)
    }
}
