//! Operations with a device's long-term private keys, as orders and answers. The keys themselves never enter the core
//! in the browser: WebCrypto holds them.

use zeroize::Zeroizing;

/// Ties an answer to its question; unique within one run of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// One operation with a private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOp {
    /// RSASSA-PSS (SHA-256, salt 32) over `message`, which starts with its label.
    Sign {
        /// What is signed, label first.
        message: Vec<u8>,
    },
    /// RSAES-OAEP (SHA-256) of `ciphertext` under `label`.
    Unwrap {
        /// The OAEP label.
        label: &'static str,
        /// As long as the modulus.
        ciphertext: Vec<u8>,
    },
}

/// The operation failed. For an unwrap this must look like any other failure of the handshake from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the private-key operation failed")]
pub struct KeyOpError;

/// A signature, or what was wrapped.
pub type KeyOpResult = Result<Zeroizing<Vec<u8>>, KeyOpError>;
