//! What goes over the channel `file`: the byte table stands in PROTOCOL.md#transfer. A file is named by the message that offers it, so that
//! nobody can ask for one that was not offered to them.

use super::PAGE_BLOCKS;
use crate::codec::{Malformed, Reader, Writer};

/// Id of the message that offers a file.
pub type Offer = [u8; 16];

/// What an end wants with a file that is on its way, or what has become of it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Will {
    /// Its person was not asked yet.
    Waiting = 0,
    /// Let it go on.
    Going = 1,
    /// Not now.
    Paused = 2,
    /// There is no room for it.
    NoRoom = 3,
    /// Not at all.
    Cancelled = 4,
    /// It is whole, checked and durable here.
    Complete = 5,
    /// Its bytes are not here any more.
    Gone = 6,
    /// There are too many that wait.
    TooMany = 7,
    /// What came was not what was announced.
    Differs = 8,
}

impl Will {
    const ALL: [Will; 9] =
        [Will::Waiting, Will::Going, Will::Paused, Will::NoRoom, Will::Cancelled, Will::Complete, Will::Gone, Will::TooMany, Will::Differs];

    /// Reads a byte.
    ///
    /// # Errors
    /// `Malformed` for an unknown one.
    pub fn read(byte: u8) -> Result<Self, Malformed> {
        Self::ALL.get(usize::from(byte)).copied().ok_or(Malformed)
    }

    /// Whether nothing more will come of it.
    pub fn is_end(self) -> bool {
        matches!(self, Will::Cancelled | Will::Complete | Will::Gone | Will::TooMany | Will::Differs)
    }
}

/// A message on the channel `file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileMessage {
    /// 0x01 | mid(16) | page(4): the receiver asks for a page of hashes.
    Ask {
        /// Of which file.
        offer: Offer,
        /// Which.
        page: u32,
    },
    /// 0x02 | mid(16) | page(4) | 1 to 512 hashes(32)
    Page {
        /// Of which file.
        offer: Offer,
        /// Which.
        page: u32,
        /// Its hashes, end to end.
        hashes: Vec<u8>,
    },
    /// 0x03 | mid(16) | part(4) | number(4) | drawn(32) | here(4): the receiver asks for a part, which comes on `bulk` under this number.
    Fetch {
        /// Of which file.
        offer: Offer,
        /// Which part.
        part: u32,
        /// Drawn by the receiver, each once in a session, rising.
        number: u32,
        /// What the part's key is made of.
        drawn: [u8; 32],
        /// How many parts it has for good.
        here: u32,
    },
    /// 0x04 | number(4): this fetch is not answered.
    NoPart {
        /// Which.
        number: u32,
    },
    /// 0x05 | mid(16) | will(1)
    Will {
        /// Of which file.
        offer: Offer,
        /// What this end wants.
        will: Will,
    },
}

impl FileMessage {
    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::new();
        match self {
            Self::Ask { offer, page } => writer.u8(1).raw(offer).u32(*page),
            Self::Page { offer, page, hashes } => writer.u8(2).raw(offer).u32(*page).raw(hashes),
            Self::Fetch { offer, part, number, drawn, here } => writer.u8(3).raw(offer).u32(*part).u32(*number).raw(drawn).u32(*here),
            Self::NoPart { number } => writer.u8(4).u32(*number),
            Self::Will { offer, will } => writer.u8(5).raw(offer).u8(*will as u8),
        }
        .into_bytes()
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let message = match reader.u8()? {
            1 => Self::Ask { offer: reader.array()?, page: reader.u32()? },
            2 => {
                let (offer, page, hashes) = (reader.array()?, reader.u32()?, reader.rest().to_vec());
                if hashes.is_empty() || hashes.len() % 32 != 0 || hashes.len() > PAGE_BLOCKS as usize * 32 {
                    return Err(Malformed);
                }
                return Ok(Self::Page { offer, page, hashes });
            }
            3 => Self::Fetch { offer: reader.array()?, part: reader.u32()?, number: reader.u32()?, drawn: reader.array()?, here: reader.u32()? },
            4 => Self::NoPart { number: reader.u32()? },
            5 => Self::Will { offer: reader.array()?, will: Will::read(reader.u8()?)? },
            _ => return Err(Malformed),
        };
        reader.finish()?;
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_read_as_it_was_written_and_cut_or_longer_ones_are_none() {
        let all = [
            FileMessage::Ask { offer: [1; 16], page: 2 },
            FileMessage::Page { offer: [1; 16], page: 2, hashes: vec![3; 64] },
            FileMessage::Fetch { offer: [1; 16], part: 2, number: 3, drawn: [4; 32], here: 5 },
            FileMessage::NoPart { number: 6 },
            FileMessage::Will { offer: [1; 16], will: Will::Differs },
        ];
        for message in all {
            let bytes = message.encode();
            assert_eq!(FileMessage::decode(&bytes).as_ref(), Ok(&message));
            assert_eq!(FileMessage::decode(&bytes[..bytes.len() - 1]), Err(Malformed), "{message:?}");
            assert_eq!(FileMessage::decode(&[&bytes[..], &[0]].concat()), Err(Malformed), "{message:?}");
        }
        assert_eq!(FileMessage::decode(&[5; 18]), Ok(FileMessage::Will { offer: [5; 16], will: Will::Complete }));
        assert_eq!(FileMessage::decode(&[&[5; 17][..], &[9]].concat()), Err(Malformed), "an unknown will");
        let page = |count: usize| FileMessage::Page { offer: [0; 16], page: 0, hashes: vec![0; count * 32] }.encode();
        assert!(FileMessage::decode(&page(512)).is_ok());
        assert_eq!([page(0), page(513)].map(|bytes| FileMessage::decode(&bytes)), [Err(Malformed), Err(Malformed)]);
    }

    #[test]
    fn the_numbers_of_wills_are_those_of_the_table() {
        for (byte, will) in (0..).zip(Will::ALL) {
            assert_eq!((will as u8, Will::read(byte)), (byte, Ok(will)));
        }
    }
}
