//! Which devices of a user are up: a short-lived statement, and its withdrawal.

use super::{DEVICES_MAX, Draft, SIGNATURE_BYTES_MAX, UserRecord, is_signed};
use crate::codec::{Malformed, Reader, Writer};
use crate::identity::NodeId;
use crate::limits::{PRESENCE_MS, PRESENCE_SKEW_MS};
use crate::time::SECOND_MS;

const MAGIC: [u8; 4] = *b"B4P1";
const LABEL: &[u8] = b"B4/v1/presence";

/// A presence that was verified against its user's record.
///
/// ```text
/// "B4P1"(4) | user: H(user id)(32) | sequence(8) | until(4, seconds since 1970) | count(1: 0-4) x node id(32) | lp(signature)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    sequence: u64,
    until_ms: u64,
    nodes: Vec<NodeId>,
    bytes: Vec<u8>,
}

impl Presence {
    /// These nodes (at most four are taken) of the user whose id hashes to `user` are up, for ten minutes from now. None: nobody is
    /// any more.
    pub fn draft(user: [u8; 32], sequence: u64, nodes: &[NodeId], wall_ms: u64) -> Draft {
        let until_s = u32::try_from((wall_ms + PRESENCE_MS) / SECOND_MS).unwrap_or(u32::MAX);
        let count = u8::try_from(nodes.len().min(DEVICES_MAX)).expect("bounded above");
        let head = Writer::new().raw(&MAGIC).raw(&user).u64(sequence).u32(until_s).u8(count);
        let body = nodes.iter().take(DEVICES_MAX).fold(head, |writer, node| writer.raw(&node.0));
        Draft { label: LABEL, body: body.into_bytes() }
    }

    /// Reads a presence and verifies it: of the user of this record, signed by one of its devices, for now. `None` for anything else.
    pub fn verify(bytes: &[u8], record: &UserRecord, user: &[u8; 32], wall_ms: u64) -> Option<Self> {
        let (presence, body, signature) = Self::read(bytes, user).ok()?;
        let is_timely = wall_ms < presence.until_ms + PRESENCE_SKEW_MS && presence.until_ms < wall_ms + PRESENCE_MS + PRESENCE_SKEW_MS;
        let is_signed = record.devices().iter().any(|device| is_signed(device.signing_key(), LABEL, body, signature));
        (is_timely && is_signed).then_some(presence)
    }

    fn read<'a>(bytes: &'a [u8], user: &[u8; 32]) -> Result<(Self, &'a [u8], &'a [u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC || reader.array::<32>()? != *user {
            return Err(Malformed);
        }
        let (sequence, until_s) = (reader.u64()?, reader.u32()?);
        let count = usize::from(reader.u8()?);
        if count > DEVICES_MAX {
            return Err(Malformed);
        }
        let nodes = (0..count).map(|_| Ok(NodeId(reader.array()?))).collect::<Result<Vec<_>, Malformed>>()?;
        let body = &bytes[..bytes.len() - reader.left()];
        let signature = reader.lp(SIGNATURE_BYTES_MAX)?;
        reader.finish()?;
        Ok((Self { sequence, until_ms: u64::from(until_s) * SECOND_MS, nodes, bytes: bytes.to_vec() }, body, signature))
    }

    /// Goes up with every statement.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The nodes that are up; none after a withdrawal.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// As it was signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Until when it holds.
    pub fn until_ms(&self) -> u64 {
        self.until_ms
    }
}
