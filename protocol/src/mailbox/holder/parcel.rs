//! Items: as they come, as they are kept, and their rows.

use super::tally::Class;
use super::{RECEIPT_AGAIN_MS, note};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::sha256;
use crate::limits::{ENVELOPE_MS, ENVELOPE_SEEN_MS, TOMBSTONE_MS};
use crate::mailbox::{BlobHeader, EnvelopeId, Mailbox, Sealed, Tombstone, blob_id};
use crate::message::MessageId;
use crate::ring::RingId;
use crate::store::Row;
use crate::time::{HOUR_MS, Now};

const VERSION: u8 = 1;

/// An item that came, as far as a holder can read it.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Its name.
    pub id: EnvelopeId,
    /// For whom.
    pub mailbox: Mailbox,
    /// How long it is.
    pub bytes: u32,
    /// When it is over, in milliseconds since 1970.
    pub expiry_ms: u64,
    /// What it is.
    pub kind: ParcelKind,
}

/// What an item is.
#[derive(Clone, Debug)]
pub enum ParcelKind {
    /// An envelope with this message.
    Envelope(MessageId),
    /// A tombstone of its receiver, which clears these.
    Tombstone(Vec<EnvelopeId>),
    /// A blob of a file; its mailbox is a shelf.
    Blob,
}

/// An item that is kept.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub bytes: u32,
    pub expiry_ms: u64,
    /// Who left it here at first hand, and is charged for it.
    pub depositor: Option<RingId>,
    /// Who handed it over, in this run.
    pub giver: Option<RingId>,
    pub kind: ParcelKind,
    /// Since when it is durable, on the monotonic clock.
    pub stored_ms: Option<u64>,
    /// Other nodes that have it, as far as known; until then.
    pub keepers: Vec<RingId>,
    pub known_until_ms: u64,
    /// When a receipt may be signed again.
    pub receipt_ms: u64,
    /// Who waits to hear that it is durable.
    pub waiting: Vec<RingId>,
}

impl Parcel {
    /// An envelope as a holder sees it.
    pub fn of_envelope(sealed: &Sealed) -> Self {
        let header = sealed.header();
        let bytes = u32::try_from(sealed.bytes().len()).unwrap_or(u32::MAX);
        let kind = ParcelKind::Envelope(header.id);
        Self { id: sealed.id(), mailbox: header.mailbox, bytes, expiry_ms: u64::from(header.expiry_h) * HOUR_MS, kind }
    }

    /// A blob as a holder sees it.
    pub fn of_blob(header: BlobHeader, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self { id: blob_id(bytes), mailbox: header.shelf, bytes: length, expiry_ms: header.expiry_ms(), kind: ParcelKind::Blob }
    }

    /// A verified tombstone.
    pub fn of_tombstone(tombstone: &Tombstone, bytes: &[u8]) -> Self {
        let id = EnvelopeId(sha256(&[bytes]));
        let cleared = tombstone.arrived.iter().map(|arrived| arrived.envelope).collect();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let expiry_ms = tombstone.time_ms.saturating_add(TOMBSTONE_MS);
        Self { id, mailbox: tombstone.mailbox, bytes: length, expiry_ms, kind: ParcelKind::Tombstone(cleared) }
    }

    /// Whether it is over, or says that it will be later than anything may.
    pub(super) fn is_over(&self, wall_ms: u64) -> bool {
        self.expiry_ms <= wall_ms || self.expiry_ms > wall_ms + ENVELOPE_MS + ENVELOPE_SEEN_MS
    }
}

impl Item {
    pub fn class(&self) -> Class {
        match self.kind {
            ParcelKind::Envelope(_) => Class::Envelope,
            ParcelKind::Tombstone(_) => Class::Tombstone,
            ParcelKind::Blob => Class::Blob,
        }
    }

    /// Somebody is to hear when it is durable. Whoever leaves it, with a receipt.
    pub fn awaited_by(&mut self, node: RingId, is_first_hand: bool) {
        note(&mut self.waiting, node);
        if is_first_hand {
            self.depositor = Some(node);
        }
    }

    /// It is durable, and somebody leaves it: whether they are to have a receipt now.
    pub fn owes_receipt(&mut self, depositor: RingId, now: Now) -> bool {
        let is_due = self.class() == Class::Envelope && self.receipt_ms <= now.mono;
        if is_due {
            self.depositor = Some(depositor);
            self.receipt_ms = now.mono + RECEIPT_AGAIN_MS;
        }
        is_due
    }

    /// When it is over, in hours since 1970.
    pub fn expiry_h(&self) -> u32 {
        u32::try_from(self.expiry_ms / HOUR_MS).unwrap_or(u32::MAX)
    }

    /// version | bytes(4) | expiry(8) | lp8(depositor: nothing or 16) | kind(1): 0 mid(16); 1 ids of what it clears; 2
    pub fn row_value(&self) -> Vec<u8> {
        let depositor = self.depositor.map(|depositor| depositor.0.to_be_bytes());
        let head = Writer::new().u8(VERSION).u32(self.bytes).u64(self.expiry_ms).lp8(depositor.as_ref().map_or(&[][..], |bytes| bytes));
        match &self.kind {
            ParcelKind::Envelope(message) => head.u8(0).raw(&message.0).into_bytes(),
            ParcelKind::Tombstone(cleared) => cleared.iter().fold(head.u8(1), |writer, id| writer.raw(&id.0)).into_bytes(),
            ParcelKind::Blob => head.u8(2).into_bytes(),
        }
    }

    /// Reads a row of `Table::Held`.
    pub fn read(row: &Row) -> Result<(Mailbox, EnvelopeId, Item), Malformed> {
        let mut key = Reader::new(&row.key);
        let (mailbox, id) = (key.array()?, EnvelopeId(key.array()?));
        key.finish()?;
        let mut reader = Reader::new(&row.value);
        if reader.u8()? != VERSION {
            return Err(Malformed);
        }
        let (bytes, expiry_ms) = (reader.u32()?, reader.u64()?);
        let depositor = match reader.lp8()? {
            [] => None,
            bytes => Some(RingId(u128::from_be_bytes(bytes.try_into().map_err(|_| Malformed)?))),
        };
        let kind = match reader.u8()? {
            0 => ParcelKind::Envelope(MessageId(reader.array()?)),
            1 => {
                let mut cleared = Vec::new();
                while reader.left() > 0 {
                    cleared.push(EnvelopeId(reader.array()?));
                }
                ParcelKind::Tombstone(cleared)
            }
            2 => ParcelKind::Blob,
            _ => return Err(Malformed),
        };
        reader.finish()?;
        Ok((mailbox, id, Item { bytes, expiry_ms, depositor, giver: None, kind, stored_ms: Some(0), keepers: Vec::new(), known_until_ms: 0, receipt_ms: 0, waiting: Vec::new() }))
    }
}

/// The key of an item's rows in `Table::Held` and `Table::Envelopes`: mailbox(32) | id(32)
pub fn row_key(mailbox: &Mailbox, id: EnvelopeId) -> Vec<u8> {
    [mailbox.as_slice(), &id.0].concat()
}
