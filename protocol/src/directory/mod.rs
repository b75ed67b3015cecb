//! Who a user is and where they are, kept by others: user records and presence, at the nodes responsible for the user's key.
//!
//! A record's life: a device signs it and publishes it at its user's key; the five nodes responsible keep it, on disk too, and
//! hand it over when others become responsible; a newer one takes its place, an older one is refused; it ends with its
//! certificates. Presence is signed as well, lasts minutes, and is withdrawn by a statement that was signed beforehand. A record names
//! a prekey of each device: to it others seal what the device's long-term keys alone do not open.
//!
//! Deliberately absent: how any of this travels, and when. Nobody is believed here: what is kept was verified, and readers verify again.

mod prekey;
mod presence;
mod record;
mod shelf;

pub use prekey::{Prekey, Prekeys, Tended};
pub use presence::Presence;
pub use record::{DeviceEntry, RecordError, UserRecord};
pub use shelf::{Found, Kept, Shelf, ShelfError, found, pair};

use crate::codec::Writer;
use crate::crypto::{KeyOp, Rng, VerifyKey};

/// Longest signature: the largest modulus accepted.
const SIGNATURE_BYTES_MAX: usize = 512;
/// Devices of one user in a record.
const DEVICES_MAX: usize = 4;

/// A record or a presence that wants its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    label: &'static [u8],
    body: Vec<u8>,
}

impl Draft {
    /// What the device's signing key must sign.
    pub fn key_op(&self) -> KeyOp {
        KeyOp::Sign { message: [self.label, &self.body].concat() }
    }

    /// The signed statement: body | lp(signature).
    pub fn finish(self, signature: &[u8]) -> Vec<u8> {
        Writer::new().raw(&self.body).lp(signature).into_bytes()
    }
}

/// A clean signature check that says nothing of why.
fn is_signed(key: &VerifyKey, label: &[u8], body: &[u8], signature: &[u8]) -> bool {
    key.verify(&[label, body].concat(), signature).is_ok()
}

/// A sequence number for something signed now: the clock, so that a device that lost its memory goes on above.
pub fn sequence_at(wall_ms: u64, last: u64, rng: &mut Rng) -> u64 {
    // In the low bits chance decides between two devices of one moment.
    wall_ms.max((last >> 8) + 1) << 8 | rng.below(256)
}
