//! What the handshake yields: the proof keys, the session's key schedule, the safety number.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::crypto::{KeyOpResult, Prk, Rng, SharedSecret, hmac_sha256, macs_equal, sha256};

/// Which end of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Made the offer.
    Initiator,
    /// Made the answer.
    Responder,
}

impl Role {
    /// The other end.
    pub fn other(self) -> Self {
        match self {
            Role::Initiator => Role::Responder,
            Role::Responder => Role::Initiator,
        }
    }

    /// As key labels have it.
    pub(crate) fn letter(self) -> &'static [u8] {
        match self {
            Role::Initiator => b"i",
            Role::Responder => b"r",
        }
    }
}

/// The key schedule of one epoch. Erased when dropped.
pub struct SessionKeys {
    pub(crate) role: Role,
    /// th3, later the transcript of the last rekeying.
    pub(crate) transcript: [u8; 32],
    pub(crate) prk: Prk,
}

impl SessionKeys {
    /// PRK = HKDF-Extract(th3, A | B | Z)
    pub(super) fn derive(role: Role, th3: [u8; 32], a: &Secret, b: &Secret, z: &SharedSecret) -> Self {
        Self { role, transcript: th3, prk: Prk::extract(&th3, &[a.as_slice(), b.as_slice(), z.as_slice()]) }
    }

    /// The keys after a rekeying: PROTOCOL.md#records.
    pub(crate) fn rekeyed(&self, initiator: &[u8; 32], responder: &[u8; 32], z: &SharedSecret) -> Self {
        let transcript = sha256(&[b"B4/v1/rekey", &self.transcript, initiator, responder]);
        let old = self.prk.expand::<32>(&[b"B4/v1/rk"]);
        Self { role: self.role, transcript, prk: Prk::extract(&transcript, &[old.as_slice(), z.as_slice()]) }
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// MAC_I or MAC_R of the end `of`.
    pub(super) fn proof(&self, of: Role) -> [u8; 32] {
        let (name, label): (&[u8], &[u8]) = match of {
            Role::Initiator => (b"B4/v1/conf i", b"B4/v1/I done"),
            Role::Responder => (b"B4/v1/conf r", b"B4/v1/R done"),
        };
        let key = self.prk.expand::<32>(&[name]);
        hmac_sha256(key.as_slice(), &[label, &self.transcript])
    }

    /// Whether `mac` is the other end's proof.
    pub(super) fn proves(&self, mac: &[u8; 32]) -> bool {
        macs_equal(&self.proof(self.role.other()), mac)
    }
}

/// A or B: 32 random bytes, erased when dropped.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// What an end wraps for the other: role | secret(32) | H(own certificate) | H(other certificate) | transcript.
pub(super) fn wrapped_plain(role: Role, secret: &Secret, own: &[u8; 32], other: &[u8; 32], th: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(129));
    plain.push(role_byte(role));
    for field in [secret.as_slice(), own, other, th] {
        plain.extend_from_slice(field);
    }
    plain
}

/// Takes the secret out of what was unwrapped. Where the operation failed or anything in it is not as it must be,
/// returns 32 random bytes instead: the proof fails then, and looks like every other failure.
pub(super) fn unwrapped_secret(
    result: &KeyOpResult,
    role: Role,
    own: &[u8; 32],
    other: &[u8; 32],
    th: &[u8; 32],
    rng: &mut Rng,
) -> Secret {
    let random = Zeroizing::new(rng.array::<32>());
    let Ok(plain) = result else { return random };
    let Some((secret, rest)) = plain.split_first().and_then(|(first, rest)| (*first == role_byte(role)).then_some(rest)).and_then(<[u8]>::split_first_chunk::<32>)
    else {
        return random;
    };
    let bound = [own.as_slice(), other, th].concat();
    if rest == bound { Zeroizing::new(*secret) } else { random }
}

fn role_byte(role: Role) -> u8 {
    match role {
        Role::Initiator => 1,
        Role::Responder => 2,
    }
}

/// The 60 digits that two people compare, in twelve groups of five (PROTOCOL.md#handshake). The same at both ends.
pub fn safety_number(mine: &[u8; 32], theirs: &[u8; 32]) -> String {
    let (lower, higher) = if mine <= theirs { (mine, theirs) } else { (theirs, mine) };
    let half = |index: u8| sha256(&[b"B4/v1/sas", lower, higher, &[index]]);
    let bytes = [half(0), half(1)].concat();
    bytes.chunks_exact(5).take(12).fold(String::with_capacity(71), |mut digits, chunk| {
        let number = chunk.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)) % 100_000;
        if !digits.is_empty() {
            digits.push(' ');
        }
        write!(digits, "{number:05}").expect("a string takes what is written");
        digits
    })
}
