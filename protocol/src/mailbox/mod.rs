//! Mail for the absent: how a message is sealed for somebody who is away, and what is signed about it afterwards.
//!
//! The life of an envelope: its author drafts it for one certified device, and for its prekey where the record names one that serves
//! ([`EnvelopeDraft`]); signs; gives the same bytes to several holders. A holder reads of it what is in the clear ([`Sealed`]), keeps it, and
//! signs that it does ([`Receipt`]). The receiver's keys unwrap it, it opens or is refused, and the receiver signs what has arrived
//! ([`Tombstone`]), which clears the holders and tells the author. Each stage is a type of its own; what needs a private key says so by a
//! `KeyOp`, and goes on when that is answered.
//!
//! What is left of files lies with the same holders, by the same rules, as blobs ([`BlobKey`]).
//!
//! Deliberately absent, yet: how any of this travels. See PROTOCOL.md#envelope, PROTOCOL.md#blobs.

mod blob;
mod collector;
mod depositor;
mod envelope;
mod holder;
mod receipt;
#[cfg(test)]
mod tests;
mod tombstone;
mod wire;

pub use blob::{BLOB_BYTES_MAX, BlobHeader, BlobIndex, BlobKey, BlobSeal, SHELF_BLOCKS, blob_id};
pub use collector::Collector;
pub use depositor::{Depositor, DepositorOrder};
pub use envelope::{Bucket, EnvelopeDraft, EnvelopeId, Header, KeyId, Letter, OpenError, Opened, SealError, Sealed};
pub use holder::{Holder, HolderOrder, Holding, Neighbourhood, Parcel, ParcelKind, row_key};
pub use receipt::{Receipt, ReceiptError};
pub use tombstone::{Arrived, Tombstone, TombstoneError};
pub use wire::{CollectMessage, DepositMessage, Mailbox, Offered, Verdict};

/// Longest signature, and longest wrapped key: the largest modulus accepted.
const RSA_BYTES_MAX: usize = 512;
