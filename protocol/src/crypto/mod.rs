//! The primitives, each from a well-kept crate, with B4's parameters fixed. Private keys are not here: a private-key
//! operation is a [`KeyOp`] that somebody else carries out.

mod aead;
mod ephemeral;
mod hash;
mod key_op;
#[cfg(feature = "native-keys")]
pub mod native;
mod prekey;
mod public;
mod rng;

pub use aead::{AEAD_TAG_BYTES, AeadKey, Unsealed};
pub use ephemeral::{EphemeralSecret, SharedSecret};
pub use hash::{Fingerprint, Prk, hmac_sha256, macs_equal, sha256};
pub use key_op::{KeyOp, KeyOpError, KeyOpResult, Ticket};
pub use prekey::PrekeySecret;
pub use public::{BadSignature, KeyError, VerifyKey, WrapError, WrapKey};
pub use rng::Rng;
