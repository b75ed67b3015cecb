//! SHA-256, HMAC and HKDF over fields laid end to end.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// SHA-256 of a DTLS certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// SHA-256 over the parts laid end to end.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HMAC-SHA-256 under `key` over the parts laid end to end (RFC 2104).
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Compares two MACs in time that does not depend on where they differ.
#[must_use]
pub fn macs_equal(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.ct_eq(right).into()
}

/// A pseudorandom key of HKDF-SHA-256 (RFC 5869); erased when dropped.
pub struct Prk {
    bytes: Zeroizing<[u8; 32]>,
}

impl Prk {
    /// HKDF-Extract: the input key material is the parts laid end to end.
    pub fn extract(salt: &[u8], material: &[&[u8]]) -> Self {
        Self { bytes: Zeroizing::new(hmac_sha256(salt, material)) }
    }

    /// HKDF-Expand to `N` bytes (at most 8,160) with `info` laid end to end.
    pub fn expand<const N: usize>(&self, info: &[&[u8]]) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        let hkdf = Hkdf::<Sha256>::from_prk(self.bytes.as_slice()).expect("32 bytes are a key of SHA-256");
        hkdf.expand_multi_info(info, out.as_mut_slice()).expect("no caller asks for more than 8,160 bytes");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hkdf_is_the_first_vector_of_rfc_5869() {
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let okm = Prk::extract(&salt, &[&[0x0b; 22]]).expand::<42>(&[&info]);
        assert_eq!(okm[..8], [0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a]);
        assert_eq!(okm[34..], [0x72, 0x08, 0xd5, 0xb8, 0x87, 0x18, 0x58, 0x65]);
    }

    #[test]
    fn parts_are_laid_end_to_end() {
        assert_eq!(sha256(&[b"ab", b"c"]), sha256(&[b"abc"]));
        assert_eq!(hmac_sha256(b"k", &[b"ab", b"c"]), hmac_sha256(b"k", &[b"abc"]));
        assert_eq!(sha256(&[b"abc"])[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
