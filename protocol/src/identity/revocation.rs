//! The authority's list of certificates taken back. Where it comes from and where it is kept is not here.

use std::collections::BTreeSet;

use super::TrustAnchor;
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::BadSignature;
use crate::time::DAY_MS;

/// First bytes of a list.
const MAGIC: [u8; 4] = *b"B4R1";
/// Label of the authority's signature over a list (PROTOCOL.md#conventions).
const LABEL: &[u8] = b"B4/v1/revoked";
/// Most entries of a list: 2 MiB. Expired certificates leave it, so this many would have to be revoked within 90 days. Guess.
pub const REVOCATIONS_MAX: usize = 65_536;
/// Longest signature: the largest modulus accepted.
const SIGNATURE_BYTES_MAX: usize = 512;
/// Age at which a list warns (PROTOCOL.md#enrolment).
const WARN_MS: u64 = 3 * DAY_MS;
/// Age at which a list refuses first contacts (PROTOCOL.md#enrolment).
const REFUSE_MS: u64 = 14 * DAY_MS;

/// Why a list is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// Not the bytes of a list, or one over its bound.
    #[error("not a revocation list")]
    Malformed,
    /// The hashes do not ascend strictly.
    #[error("the revocation list is out of order")]
    Order,
    /// Its next update is not after this one.
    #[error("the revocation list's times are out of order")]
    Times,
    /// The authority did not sign it.
    #[error("the revocation list's signature does not verify")]
    BadSignature,
    /// A newer one has been seen.
    #[error("the revocation list is older than one seen before")]
    Older,
}

impl From<Malformed> for RevocationError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// How far a list may be relied upon (PROTOCOL.md#enrolment).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListAge {
    /// Up to three days.
    #[default]
    Fresh,
    /// Up to fourteen days: the user is told.
    Stale,
    /// Older: no first contacts; those already known stay.
    Old,
}

/// The time to judge by: the device's clock, but never earlier than the newest authority-signed time known
/// (PROTOCOL.md#certificates). Milliseconds since 1970.
pub fn clock_ms(wall_ms: u64, newest: Option<&RevocationList>) -> u64 {
    newest.map_or(wall_ms, |list| wall_ms.max(list.this_update_ms()))
}

/// A list that the authority signed.
///
/// ```text
/// "B4R1"(4) | sequence(8) | this update(8) | next update(8) | count(4) | count x H(serial)(32) | lp(signature)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    sequence: u64,
    this_update_ms: u64,
    next_update_ms: u64,
    /// Ascending.
    serials: Vec<[u8; 32]>,
    bytes: Vec<u8>,
}

impl RevocationList {
    /// Reads and verifies a list; `newest_seen` is the highest sequence known (the same again is fine).
    ///
    /// # Errors
    /// See [`RevocationError`].
    pub fn decode_verified(
        bytes: &[u8],
        anchor: &TrustAnchor,
        newest_seen: Option<u64>,
    ) -> Result<Self, RevocationError> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC {
            return Err(RevocationError::Malformed);
        }
        let (sequence, this_update_ms, next_update_ms) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let count = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        if count > REVOCATIONS_MAX || reader.left() < count * 32 {
            return Err(RevocationError::Malformed);
        }
        let hashes = (0..count).map(|_| reader.array::<32>()).collect::<Result<Vec<_>, _>>()?;
        let body = &bytes[..bytes.len() - reader.left()];
        let signature = reader.lp(SIGNATURE_BYTES_MAX)?;
        reader.finish()?;
        if !hashes.is_sorted_by(|left, right| left < right) {
            return Err(RevocationError::Order);
        }
        if next_update_ms <= this_update_ms {
            return Err(RevocationError::Times);
        }
        let signed = anchor.key().verify(&signed_message(body), signature);
        signed.map_err(|BadSignature| RevocationError::BadSignature)?;
        if newest_seen.is_some_and(|seen| sequence < seen) {
            return Err(RevocationError::Older);
        }
        Ok(Self { sequence, this_update_ms, next_update_ms, serials: hashes, bytes: bytes.to_vec() })
    }

    /// Goes up with every list.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// As it was signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When it was signed, milliseconds since 1970: also the authority-signed time.
    pub fn this_update_ms(&self) -> u64 {
        self.this_update_ms
    }

    /// When the next one is due, milliseconds since 1970.
    pub fn next_update_ms(&self) -> u64 {
        self.next_update_ms
    }

    /// Whether a certificate with this H(serial) is taken back.
    pub fn contains(&self, serial_hash: &[u8; 32]) -> bool {
        self.serials.binary_search(serial_hash).is_ok()
    }

    /// How far it may be relied upon at `now_ms`.
    pub fn age(&self, now_ms: u64) -> ListAge {
        match now_ms.saturating_sub(self.this_update_ms) {
            0..=WARN_MS => ListAge::Fresh,
            age if age <= REFUSE_MS => ListAge::Stale,
            _ => ListAge::Old,
        }
    }
}

/// The body of a list: all before the signature.
#[cfg_attr(not(feature = "native-keys"), expect(dead_code, reason = "only an authority writes lists"))]
pub(super) fn body(sequence: u64, this_update_ms: u64, next_update_ms: u64, serials: &BTreeSet<[u8; 32]>) -> Vec<u8> {
    let count = u32::try_from(serials.len()).expect("REVOCATIONS_MAX is under 2^32");
    let head = Writer::new().raw(&MAGIC).u64(sequence).u64(this_update_ms).u64(next_update_ms).u32(count);
    serials.iter().fold(head, |writer, hash| writer.raw(hash)).into_bytes()
}

/// What the authority signs for a body.
pub(super) fn signed_message(body: &[u8]) -> Vec<u8> {
    [LABEL, body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Rng;
    use crate::identity::CertificateError;
    use crate::identity::testing::{NOW_MS, TestAuthority};

    fn list_of(authority: &TestAuthority, sequence: u64, serials: &[[u8; 32]]) -> Vec<u8> {
        let serials = serials.iter().copied().collect();
        authority.issuer().sign_revocations(&mut Rng::from_seed([1; 32]), sequence, NOW_MS, &serials)
    }

    #[test]
    fn a_list_says_what_it_was_made_of() {
        let authority = TestAuthority::new([1; 32]);
        let bytes = list_of(&authority, 7, &[[9; 32], [3; 32]]);
        let list = RevocationList::decode_verified(&bytes, authority.anchor(), Some(7)).expect("a good list");
        assert_eq!((list.sequence(), list.this_update_ms(), list.next_update_ms()), (7, NOW_MS, NOW_MS + DAY_MS));
        assert!(list.contains(&[3; 32]) && list.contains(&[9; 32]) && !list.contains(&[4; 32]));
        assert_eq!(list.age(NOW_MS + 3 * DAY_MS), ListAge::Fresh);
        assert_eq!(list.age(NOW_MS + 3 * DAY_MS + 1), ListAge::Stale);
        assert_eq!(list.age(NOW_MS + 14 * DAY_MS + 1), ListAge::Old);
    }

    #[test]
    fn a_list_is_refused_for_its_own_reason() {
        let authority = TestAuthority::new([1; 32]);
        let good = list_of(&authority, 7, &[[3; 32], [9; 32]]);
        let check = |bytes: &[u8], newest, why| {
            assert_eq!(RevocationList::decode_verified(bytes, authority.anchor(), newest), Err(why));
        };
        check(&good, Some(8), RevocationError::Older);
        check(&good[..good.len() - 1], None, RevocationError::Malformed);
        check(&[&good[..], &[0]].concat(), None, RevocationError::Malformed);
        let other = list_of(&TestAuthority::stranger([1; 32]), 7, &[[3; 32]]);
        check(&other, None, RevocationError::BadSignature);
        let altered = |at: usize, bytes: &[u8]| {
            let mut altered = good.clone();
            altered[at..at + bytes.len()].copy_from_slice(bytes);
            altered
        };
        check(&altered(0, b"B4R2"), None, RevocationError::Malformed);
        check(&altered(28, &[0xff; 4]), None, RevocationError::Malformed);
        check(&altered(32, &[9; 32]), None, RevocationError::Order);
        check(&altered(20, &NOW_MS.to_be_bytes()), None, RevocationError::Times);
        check(&altered(11, &[8]), None, RevocationError::BadSignature);
        check(&altered(63, &[2]), None, RevocationError::BadSignature);
    }

    #[test]
    fn a_revoked_certificate_is_refused_and_the_lists_time_holds_a_clock_that_was_wound_back() {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bert) = (authority.issue("anna", NOW_MS), authority.issue("bert", NOW_MS));
        let old = authority.issue("cleo", NOW_MS - 91 * DAY_MS);
        let bytes = list_of(&authority, 1, &[anna.certificate.serial_hash()]);
        let list = RevocationList::decode_verified(&bytes, authority.anchor(), None).expect("a good list");
        let verify = |der: &[u8], now| authority.anchor().verify(der, now, Some(&list)).map(|_| ());
        assert_eq!(verify(anna.certificate.der(), NOW_MS), Err(CertificateError::Revoked));
        assert_eq!(verify(bert.certificate.der(), NOW_MS), Ok(()));
        assert_eq!(verify(old.certificate.der(), NOW_MS - 91 * DAY_MS), Err(CertificateError::Expired));
        let early = authority.anchor().verify(old.certificate.der(), NOW_MS - 91 * DAY_MS, None);
        assert!(early.is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_reading_panic(head in 0..2_u8, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..500)) {
            static AUTHORITY: std::sync::OnceLock<TestAuthority> = std::sync::OnceLock::new();
            let authority = AUTHORITY.get_or_init(|| TestAuthority::new([1; 32]));
            let bytes = if head == 1 { [&MAGIC[..], &bytes].concat() } else { bytes };
            proptest::prop_assert!(RevocationList::decode_verified(&bytes, authority.anchor(), None).is_err());
        }
    }
}
