//! What goes over the channels `deposit` and `collect`: the byte tables stand in PROTOCOL.md#deposits.

use super::{Bucket, EnvelopeId};
use crate::codec::{Malformed, Reader, Writer};
use crate::limits::{ARC, FETCH_MAX, LIST_MAX, OFFER_MAX};
use crate::message::MessageId;
use crate::ring::RingId;

/// H(user id) of whom the mail is for.
pub type Mailbox = [u8; 32];

/// What somebody would leave: said before it is sent, so that nothing is sent in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The envelope, or the tombstone.
    pub id: EnvelopeId,
    /// How large it is, or that it is a blob; `None` for a tombstone.
    pub bucket: Option<Bucket>,
}

/// What a holder says to something offered, or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is room: send it.
    Want = 0,
    /// It is on this holder's disk.
    Kept = 1,
    /// There is no room, for this receiver, for this depositor, or at all.
    Full = 2,
    /// It is for others to keep: this node is not near enough to the mailbox's key.
    NotMine = 3,
    /// Its receiver has it.
    Cleared = 4,
    /// It is over, or not of a form to keep.
    Refused = 5,
}

impl Verdict {
    const ALL: [Verdict; 6] = [Verdict::Want, Verdict::Kept, Verdict::Full, Verdict::NotMine, Verdict::Cleared, Verdict::Refused];

    fn read(byte: u8) -> Result<Self, Malformed> {
        Self::ALL.get(usize::from(byte)).copied().ok_or(Malformed)
    }
}

/// A message on the channel `deposit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DepositMessage {
    /// 0x01 | first hand(1: 1 by a depositor, 0 handed over by a holder) | mailbox(32) | count(2: 1-256) x [id(32) | bucket(1: 0 a tombstone, 7 a blob)]
    Offer {
        /// By whoever is to be charged for it.
        is_first_hand: bool,
        /// For whom, or on which shelf.
        mailbox: Mailbox,
        /// What, 1 to 256.
        items: Vec<Offered>,
    },
    /// 0x02 | mailbox(32) | count(2: 1-256) x [id(32) | verdict(1)]
    Verdicts {
        /// For whom.
        mailbox: Mailbox,
        /// On what, 1 to 256.
        items: Vec<(EnvelopeId, Verdict)>,
    },
    /// 0x03 | an envelope, a tombstone or a blob
    Item(Vec<u8>),
    /// 0x04 | receipt
    Receipt(Vec<u8>),
}

/// A message on the channel `collect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectMessage {
    /// 0x01 | id(32): what is there for me, with ids above this one? Zeros at first.
    Ask {
        /// The last id of the list before.
        after: EnvelopeId,
    },
    /// 0x02 | more(1: 0 or 1) | count(2: 0-512) x [id(32) | mid(16)], ascending by id | count(1: 0-16) x id(16)
    List {
        /// There is more: ask again.
        is_more: bool,
        /// What is there.
        items: Vec<(EnvelopeId, MessageId)>,
        /// Who else keeps mail for the receiver, because there was no room here.
        elsewhere: Vec<RingId>,
    },
    /// 0x03 | count(1: 1-64) x id(32)
    Fetch(Vec<EnvelopeId>),
    /// 0x04 | envelope
    Letter(Vec<u8>),
    /// 0x05 | id(32): not here, or not for you
    Gone(EnvelopeId),
    /// 0x06 | tombstone
    Clear(Vec<u8>),
    /// 0x07 | shelf(32) | count(1: 1-64) x id(32): answered by [`CollectMessage::Blob`]s and [`CollectMessage::Gone`]s
    FetchBlobs {
        /// Where they lie.
        shelf: Mailbox,
        /// Which.
        ids: Vec<EnvelopeId>,
    },
    /// 0x08 | blob
    Blob(Vec<u8>),
    /// 0x09 | token(32): nothing on the shelf that is its hash is wanted any more
    ClearShelf([u8; 32]),
}

impl DepositMessage {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Offer { is_first_hand, mailbox, items } => {
                let head = Writer::new().u8(1).u8(u8::from(*is_first_hand)).raw(mailbox).u16(count(items.len()));
                let write = |writer: Writer, item: &Offered| writer.raw(&item.id.0).u8(item.bucket.map_or(0, Bucket::number));
                items.iter().fold(head, write).into_bytes()
            }
            Self::Verdicts { mailbox, items } => {
                let head = Writer::new().u8(2).raw(mailbox).u16(count(items.len()));
                items.iter().fold(head, |writer, (id, verdict)| writer.raw(&id.0).u8(*verdict as u8)).into_bytes()
            }
            Self::Item(bytes) => Writer::new().u8(3).raw(bytes).into_bytes(),
            Self::Receipt(bytes) => Writer::new().u8(4).raw(bytes).into_bytes(),
        }
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let message = match reader.u8()? {
            1 => {
                let is_first_hand = flag(&mut reader)?;
                let (mailbox, count) = (reader.array()?, counted(&mut reader)?);
                let items = (0..count).map(|_| read_offered(&mut reader)).collect::<Result<_, _>>()?;
                Self::Offer { is_first_hand, mailbox, items }
            }
            2 => {
                let (mailbox, count) = (reader.array()?, counted(&mut reader)?);
                let read = |reader: &mut Reader<'_>| Ok((EnvelopeId(reader.array()?), Verdict::read(reader.u8()?)?));
                Self::Verdicts { mailbox, items: (0..count).map(|_| read(&mut reader)).collect::<Result<_, Malformed>>()? }
            }
            3 => Self::Item(reader.rest().to_vec()),
            4 => Self::Receipt(reader.rest().to_vec()),
            _ => return Err(Malformed),
        };
        reader.finish()?;
        Ok(message)
    }
}

impl CollectMessage {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ask { after } => Writer::new().u8(1).raw(&after.0).into_bytes(),
            Self::List { is_more, items, elsewhere } => {
                let head = Writer::new().u8(2).u8(u8::from(*is_more)).u16(count(items.len()));
                let list = items.iter().fold(head, |writer, (id, message)| writer.raw(&id.0).raw(&message.0));
                let list = list.u8(u8::try_from(elsewhere.len()).expect("callers keep to the bound"));
                elsewhere.iter().fold(list, |writer, place| writer.raw(&place.0.to_be_bytes())).into_bytes()
            }
            Self::Fetch(ids) => {
                let head = Writer::new().u8(3).u8(u8::try_from(ids.len()).expect("callers keep to the bound"));
                ids.iter().fold(head, |writer, id| writer.raw(&id.0)).into_bytes()
            }
            Self::Letter(bytes) => Writer::new().u8(4).raw(bytes).into_bytes(),
            Self::Gone(id) => Writer::new().u8(5).raw(&id.0).into_bytes(),
            Self::Clear(bytes) => Writer::new().u8(6).raw(bytes).into_bytes(),
            Self::FetchBlobs { shelf, ids } => {
                let head = Writer::new().u8(7).raw(shelf).u8(u8::try_from(ids.len()).expect("callers keep to the bound"));
                ids.iter().fold(head, |writer, id| writer.raw(&id.0)).into_bytes()
            }
            Self::Blob(bytes) => Writer::new().u8(8).raw(bytes).into_bytes(),
            Self::ClearShelf(token) => Writer::new().u8(9).raw(token).into_bytes(),
        }
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let message = match reader.u8()? {
            1 => Self::Ask { after: EnvelopeId(reader.array()?) },
            2 => {
                let (is_more, count) = (flag(&mut reader)?, usize::from(reader.u16()?));
                if count > LIST_MAX {
                    return Err(Malformed);
                }
                let read = |reader: &mut Reader<'_>| Ok((EnvelopeId(reader.array()?), MessageId(reader.array()?)));
                let items = (0..count).map(|_| read(&mut reader)).collect::<Result<_, Malformed>>()?;
                let count = usize::from(reader.u8()?);
                if count > ARC {
                    return Err(Malformed);
                }
                let elsewhere = (0..count).map(|_| reader.array().map(u128::from_be_bytes).map(RingId)).collect::<Result<_, _>>()?;
                Self::List { is_more, items, elsewhere }
            }
            3 => Self::Fetch(ids(&mut reader)?),
            4 => Self::Letter(reader.rest().to_vec()),
            5 => Self::Gone(EnvelopeId(reader.array()?)),
            6 => Self::Clear(reader.rest().to_vec()),
            7 => Self::FetchBlobs { shelf: reader.array()?, ids: ids(&mut reader)? },
            8 => Self::Blob(reader.rest().to_vec()),
            9 => Self::ClearShelf(reader.array()?),
            _ => return Err(Malformed),
        };
        reader.finish()?;
        Ok(message)
    }
}

fn count(items: usize) -> u16 {
    u16::try_from(items).expect("callers keep to the bound")
}

fn counted(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    let count = usize::from(reader.u16()?);
    if (1..=OFFER_MAX).contains(&count) { Ok(count) } else { Err(Malformed) }
}

fn ids(reader: &mut Reader<'_>) -> Result<Vec<EnvelopeId>, Malformed> {
    let count = usize::from(reader.u8()?);
    if !(1..=FETCH_MAX).contains(&count) {
        return Err(Malformed);
    }
    (0..count).map(|_| reader.array().map(EnvelopeId)).collect()
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

fn read_offered(reader: &mut Reader<'_>) -> Result<Offered, Malformed> {
    let id = EnvelopeId(reader.array()?);
    let bucket = match reader.u8()? {
        0 => None,
        byte => Some(Bucket::read(byte)?),
    };
    Ok(Offered { id, bucket })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_read_as_it_was_written_and_no_cut_one_is() {
        let id = |byte| EnvelopeId([byte; 32]);
        let items = vec![Offered { id: id(1), bucket: None }, Offered { id: id(2), bucket: Some(Bucket::ALL[5]) }];
        let deposits = [
            DepositMessage::Offer { is_first_hand: true, mailbox: [7; 32], items },
            DepositMessage::Verdicts { mailbox: [7; 32], items: Verdict::ALL.map(|verdict| (id(3), verdict)).to_vec() },
        ];
        for message in deposits {
            let bytes = message.encode();
            assert_eq!(DepositMessage::decode(&bytes), Ok(message));
            assert!((0..bytes.len()).all(|cut| DepositMessage::decode(&bytes[..cut]).is_err()));
            assert!(DepositMessage::decode(&[bytes, vec![0]].concat()).is_err());
        }
        let list = vec![(id(1), MessageId([2; 16])); LIST_MAX];
        let collects = [
            CollectMessage::Ask { after: id(0) },
            CollectMessage::List { is_more: true, items: list, elsewhere: Vec::new() },
            CollectMessage::List { is_more: false, items: Vec::new(), elsewhere: vec![RingId(7); ARC] },
            CollectMessage::Fetch(vec![id(4); FETCH_MAX]),
            CollectMessage::Gone(id(5)),
            CollectMessage::FetchBlobs { shelf: [6; 32], ids: vec![id(4); FETCH_MAX] },
            CollectMessage::ClearShelf([8; 32]),
        ];
        for message in collects {
            let bytes = message.encode();
            assert_eq!(CollectMessage::decode(&bytes), Ok(message));
            assert!((0..bytes.len()).all(|cut| CollectMessage::decode(&bytes[..cut]).is_err()));
        }
        for bytes in [DepositMessage::Item(vec![1, 2]), DepositMessage::Receipt(vec![3])] {
            assert_eq!(DepositMessage::decode(&bytes.encode()), Ok(bytes));
        }
        for bytes in [CollectMessage::Letter(vec![1, 2]), CollectMessage::Clear(vec![3]), CollectMessage::Blob(vec![4])] {
            assert_eq!(CollectMessage::decode(&bytes.encode()), Ok(bytes));
        }
    }

    #[test]
    fn counts_past_their_bounds_and_unknown_numbers_are_refused() {
        let offer = |count: u16, bucket: u8| {
            let head = Writer::new().u8(1).u8(1).raw(&[7; 32]).u16(count);
            (0..count).fold(head, |writer, _| writer.raw(&[1; 32]).u8(bucket)).into_bytes()
        };
        let most = u16::try_from(OFFER_MAX).expect("small");
        assert!(DepositMessage::decode(&offer(most, 7)).is_ok());
        for bad in [offer(0, 1), offer(most + 1, 1), offer(1, 8), vec![], vec![0], vec![5], vec![1, 2]] {
            assert_eq!(DepositMessage::decode(&bad), Err(Malformed), "{bad:?}");
        }
        let verdict = Writer::new().u8(2).raw(&[7; 32]).u16(1).raw(&[1; 32]).u8(6).into_bytes();
        assert_eq!(DepositMessage::decode(&verdict), Err(Malformed));
        let fetch = |count: u8| Writer::new().u8(3).u8(count).raw(&vec![0; 32 * usize::from(count)]).into_bytes();
        assert_eq!(CollectMessage::decode(&fetch(0)), Err(Malformed));
        assert_eq!(CollectMessage::decode(&fetch(65)), Err(Malformed));
        assert_eq!(CollectMessage::decode(&[2, 2, 0, 0, 0]), Err(Malformed));
        let many = [&[2, 0, 0, 0, 17][..], &[0; 17 * 16]].concat();
        assert_eq!(CollectMessage::decode(&many), Err(Malformed));
        assert_eq!(CollectMessage::decode(&[10]), Err(Malformed));
    }
}
