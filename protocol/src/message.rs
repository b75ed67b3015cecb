//! The message body: the same bytes in records and in envelopes. PROTOCOL.md#records has the table. What is done with it is not here.

use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::sha256;
use crate::file::Manifest;
use crate::limits::TEXT_BYTES_MAX;

const TYPE_TEXT: u8 = 1;
const TYPE_RECEIPT: u8 = 2;
const TYPE_FILE: u8 = 3;
/// What comes before what is said.
const HEAD_BYTES: usize = 16 + 8 + 8 + 32 + 1;

/// Names one message at both ends: 16 random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

impl std::fmt::Display for MessageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// 1 to 16,384 bytes.
    Text(String),
    /// A file that is offered.
    File(Box<Manifest>),
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Said {
    /// type(1) | content
    pub fn encode(&self) -> Vec<u8> {
        let (kind, content) = match self {
            Self::Text(text) => (TYPE_TEXT, text.as_bytes().to_vec()),
            Self::File(manifest) => (TYPE_FILE, manifest.encode()),
        };
        Writer::new().u8(kind).raw(&content).into_bytes()
    }

    /// Reads what [`Said::encode`] wrote. `None` for a type that is not known here.
    ///
    /// # Errors
    /// `Malformed` for content that its type cannot have.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let (kind, content) = bytes.split_first().ok_or(Malformed)?;
        Ok(Some(match *kind {
            TYPE_TEXT if content.is_empty() || content.len() > TEXT_BYTES_MAX => return Err(Malformed),
            TYPE_TEXT => Self::Text(std::str::from_utf8(content).map_err(|_| Malformed)?.to_owned()),
            TYPE_FILE => Self::File(Box::new(Manifest::decode(content).map_err(|_| Malformed)?)),
            _ => return Ok(None),
        }))
    }

    /// The text, or the name of the file.
    pub fn words(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::File(manifest) => manifest.name(),
        }
    }
}

/// mid(16) | sent(8) | seq(8) | prev(32) | type(1) | content
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageBody {
    /// Drawn by the author.
    pub id: MessageId,
    /// The author's wall clock.
    pub sent_ms: u64,
    /// The author's counter in this conversation, from 1.
    pub seq: u64,
    /// Hash of the author's body before this one; zeros for the first.
    pub prev: [u8; 32],
    /// What it says.
    pub said: Said,
}

/// The bytes are no message body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The author broke the form.
    #[error("malformed message body")]
    Malformed,
    /// Of a type that this version does not know: refused, not held against the author.
    #[error("unknown type of message")]
    UnknownType(MessageId),
}

impl From<Malformed> for BodyError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl MessageBody {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        Writer::new()
            .raw(&self.id.0)
            .u64(self.sent_ms)
            .u64(self.seq)
            .raw(&self.prev)
            .raw(&self.said.encode())
            .into_bytes()
    }

    /// Id and time (milliseconds since 1970 on its author's clock) of a body of any type, those not known here too.
    ///
    /// # Errors
    /// `Malformed` when it is shorter than what comes before what is said.
    pub fn head(bytes: &[u8]) -> Result<(MessageId, u64), Malformed> {
        let mut reader = Reader::new(bytes.get(..HEAD_BYTES).ok_or(Malformed)?);
        Ok((MessageId(reader.array()?), reader.u64()?))
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// See [`BodyError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::new(bytes);
        let id = MessageId(reader.array()?);
        let (sent_ms, seq) = (reader.u64()?, reader.u64()?);
        let prev = reader.array()?;
        let said = Said::decode(reader.rest())?.ok_or(BodyError::UnknownType(id))?;
        if seq == 0 {
            return Err(BodyError::Malformed);
        }
        Ok(Self { id, sent_ms, seq, prev, said })
    }
}

/// A body that brings a tombstone to the author of what it names. It is of no conversation: seq and prev are zeros.
pub fn receipt_body(id: MessageId, sent_ms: u64, tombstone: &[u8]) -> Vec<u8> {
    Writer::new().raw(&id.0).u64(sent_ms).u64(0).raw(&[0; 32]).u8(TYPE_RECEIPT).raw(tombstone).into_bytes()
}

/// The tombstone that a body brings, if it is such a one.
pub fn receipt_of(body: &[u8]) -> Option<&[u8]> {
    let is_receipt = body.get(HEAD_BYTES - 1) == Some(&TYPE_RECEIPT);
    is_receipt.then(|| &body[HEAD_BYTES..])
}

/// What the next body of the same direction has as `prev`.
pub fn link_hash(body: &[u8]) -> [u8; 32] {
    sha256(&[body])
}

/// What an encoded body says, as [`Said::encode`] writes it.
pub fn said_of(body: &[u8]) -> &[u8] {
    body.get(HEAD_BYTES - 1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_body_is_read_whatever_its_type() {
        let body = MessageBody { id: MessageId([1; 16]), sent_ms: 7, seq: 1, prev: [0; 32], said: "x".into() };
        let mut bytes = body.encode();
        bytes[HEAD_BYTES - 1] = 9;
        assert_eq!(MessageBody::decode(&bytes), Err(BodyError::UnknownType(body.id)));
        assert_eq!(MessageBody::head(&bytes), Ok((body.id, 7)));
        assert_eq!(MessageBody::head(&bytes[..HEAD_BYTES]), Ok((body.id, 7)));
        assert_eq!(MessageBody::head(&bytes[..HEAD_BYTES - 1]), Err(Malformed));
    }
}
