//! What nodes of the ring say to each other over a link, as values and as bytes. What it means is not here.
//!
//! ```text
//! 0x01 Hello   links | near(next) | near(previous)              links, near = count(1) x id(16)
//! 0x02 Links   gone: count(1) x place(1) | come: count(1) x id(16)
//! 0x03 Near    side(1) | near
//! 0x04 Ping    token(4)                                         answered with the same token
//! 0x05 Pong    token(4)
//! 0x06 Route   number(4) | path(8) | service(1) | aim(1) | ttl(1) | hops(1) | key(16) | suspects: count(1) x id(16)
//!              | avoid: count(1) x head(4) | body
//! 0x07 Ack     number(4)
//! 0x08 Stuck   path(8) | ttl(1) | suspects
//! 0x09 Reply   path(8) | hops(1) | by(16) | outcome(1) | body
//! 0x0a Along   path(8) | direction(1) | body
//! 0x0b Full    (empty)
//! 0x0c Spare   (empty)
//! 0x0d Late    path(8) | head(4)                                head = the first bytes of an id
//! ```

use super::RingId;
use super::id::Side;
use crate::codec::{Malformed, Reader, Writer};
use crate::limits::{NEAR_MAX, RING_AVOID_MAX, RING_BODY_BYTES_MAX, RING_LINKS_TOLD_MAX, RING_SUSPECTS_MAX, RING_TTL};

/// Names one way of a request through the ring: drawn by its originator, 64 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u64);

/// What a request is about: whose room at the far end takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Service {
    /// Who is responsible for the key, and who stands beside. The ring answers by itself.
    Find = 0,
    /// A sealed offer. For a node.
    Signal = 1,
    /// A node's certificate. For a node; whoever is linked to it may answer.
    Certificate = 2,
    /// A user's record and presence. For a key.
    Lookup = 3,
    /// A user's record or presence to be kept. For a key.
    Publish = 4,
    /// A copy of what is kept elsewhere. For a node.
    Copy = 5,
}

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The node at exactly this position.
    Node,
    /// Any of the five nodes responsible for the key: all of them hold what belongs to it.
    Any,
    /// The node that is this many places behind the one responsible for the key: 0 to 4.
    Key {
        /// 0 for the responsible one.
        rank: u8,
    },
}

/// How a request ended at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken; the body is the answer.
    Answered = 0,
    /// Whoever would be responsible says that there is no such node.
    NoSuchNode = 1,
}

/// What comes back of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Hops the request made.
    pub hops: u8,
    /// Who answers.
    pub by: RingId,
    /// How it ended.
    pub verdict: Verdict,
    /// At most 4,096 bytes.
    pub body: Vec<u8>,
}

/// A request on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Of this hop, for its acknowledgement.
    pub number: u32,
    /// Of the whole way.
    pub path: PathId,
    /// What for.
    pub service: Service,
    /// For whom.
    pub aim: Aim,
    /// Hops left.
    pub ttl: u8,
    /// Hops made.
    pub hops: u8,
    /// Key or position.
    pub key: RingId,
    /// Nodes that did not answer on the way, or had the request already: at most 16.
    pub suspects: Vec<RingId>,
    /// The heads of nodes on earlier ways of the same request, which were not answered: at most 48.
    pub avoid: Vec<u32>,
    /// At most 4,096 bytes.
    pub body: Vec<u8>,
}

/// One message over one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Everything this node tells of itself, first on a link.
    Hello {
        /// Its links, ascending, at most 40.
        links: Vec<RingId>,
        /// Its successors and predecessors, nearest first, at most 16 each.
        near: [Vec<RingId>; 2],
    },
    /// What changed about its links since it last told.
    Links {
        /// Places in the ascending list, ascending.
        gone: Vec<u8>,
        /// New ones, ascending.
        come: Vec<RingId>,
    },
    /// Its successors or predecessors now.
    Near {
        /// Which.
        side: Side,
        /// Nearest first.
        list: Vec<RingId>,
    },
    /// Asks for a sign of life.
    Ping {
        /// Comes back.
        token: u32,
    },
    /// The sign of life.
    Pong {
        /// The ping's.
        token: u32,
    },
    /// A request on its way.
    Route(Box<Route>),
    /// A `Route` of this number has come.
    Ack {
        /// The route's.
        number: u32,
    },
    /// The one who took over this path cannot go on.
    Stuck {
        /// Which.
        path: PathId,
        /// Hops left of the whole request, those in vain taken off.
        ttl: u8,
        /// Who did not answer there.
        suspects: Vec<RingId>,
    },
    /// The answer, back along the path.
    Reply {
        /// Which.
        path: PathId,
        /// It.
        answer: Answer,
    },
    /// Something more along a path that was answered or is still open.
    Along {
        /// Which.
        path: PathId,
        /// True on the way of the request, false on the way of the reply.
        forth: bool,
        /// At most 4,096 bytes.
        body: Vec<u8>,
    },
    /// This node has no room for a link that it did not ask for: it closes it.
    Full,
    /// This node has no use for the link; whoever has none either closes it.
    Spare,
    /// The answer is late: goes back along the path, for its originator.
    Late {
        /// Which.
        path: PathId,
        /// The head of a node that the request went to.
        next: u32,
    },
}

impl Message {
    /// The bytes of the message.
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::new();
        match self {
            Message::Hello { links, near } => write_ids(write_ids(write_ids(writer.u8(0x01), links), &near[0]), &near[1]),
            Message::Links { gone, come } => write_ids(writer.u8(0x02).lp8(gone), come),
            Message::Near { side, list } => write_ids(writer.u8(0x03).u8(*side as u8), list),
            Message::Ping { token } => writer.u8(0x04).u32(*token),
            Message::Pong { token } => writer.u8(0x05).u32(*token),
            Message::Route(route) => route.write(writer.u8(0x06)),
            Message::Ack { number } => writer.u8(0x07).u32(*number),
            Message::Stuck { path, ttl, suspects } => write_ids(writer.u8(0x08).u64(path.0).u8(*ttl), suspects),
            Message::Reply { path, answer: Answer { hops, by, verdict, body } } => {
                writer.u8(0x09).u64(path.0).u8(*hops).raw(&by.0.to_be_bytes()).u8(*verdict as u8).raw(body)
            }
            Message::Along { path, forth, body } => writer.u8(0x0a).u64(path.0).u8(u8::from(*forth)).raw(body),
            Message::Full => writer.u8(0x0b),
            Message::Spare => writer.u8(0x0c),
            Message::Late { path, next } => writer.u8(0x0d).u64(path.0).u32(*next),
        }
        .into_bytes()
    }

    /// How many bytes [`Message::encode`] makes.
    pub fn encoded_len(&self) -> usize {
        let ids = |count: usize| 1 + count * RingId::BYTES;
        1 + match self {
            Message::Hello { links, near } => ids(links.len()) + ids(near[0].len()) + ids(near[1].len()),
            Message::Links { gone, come } => 1 + gone.len() + ids(come.len()),
            Message::Near { list, .. } => 1 + ids(list.len()),
            Message::Ping { .. } | Message::Pong { .. } | Message::Ack { .. } => 4,
            Message::Route(route) => 33 + ids(route.suspects.len()) + 4 * route.avoid.len() + route.body.len(),
            Message::Stuck { suspects, .. } => 9 + ids(suspects.len()),
            Message::Reply { answer, .. } => 26 + answer.body.len(),
            Message::Along { body, .. } => 9 + body.len(),
            Message::Full | Message::Spare => 0,
            Message::Late { .. } => 12,
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// `Malformed` for everything that `encode` does not make, and beyond any bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let message = match reader.u8()? {
            0x01 => Message::Hello {
                links: ascending(read_ids(&mut reader, RING_LINKS_TOLD_MAX)?)?,
                near: [read_ids(&mut reader, NEAR_MAX)?, read_ids(&mut reader, NEAR_MAX)?],
            },
            0x02 => Message::Links { gone: read_places(&mut reader)?, come: ascending(read_ids(&mut reader, RING_LINKS_TOLD_MAX)?)? },
            0x03 => Message::Near { side: read_side(&mut reader)?, list: read_ids(&mut reader, NEAR_MAX)? },
            0x04 => Message::Ping { token: reader.u32()? },
            0x05 => Message::Pong { token: reader.u32()? },
            0x06 => Message::Route(Box::new(Route::read(&mut reader)?)),
            0x07 => Message::Ack { number: reader.u32()? },
            0x08 => {
                Message::Stuck { path: PathId(reader.u64()?), ttl: reader.u8()?, suspects: read_ids(&mut reader, RING_SUSPECTS_MAX)? }
            }
            0x09 => Message::Reply {
                path: PathId(reader.u64()?),
                answer: Answer {
                    hops: reader.u8()?,
                    by: read_id(&mut reader)?,
                    verdict: read_verdict(&mut reader)?,
                    body: read_body(&mut reader)?,
                },
            },
            0x0a => Message::Along { path: PathId(reader.u64()?), forth: read_bool(&mut reader)?, body: read_body(&mut reader)? },
            0x0b => Message::Full,
            0x0c => Message::Spare,
            0x0d => Message::Late { path: PathId(reader.u64()?), next: reader.u32()? },
            _ => return Err(Malformed),
        };
        reader.finish()?;
        Ok(message)
    }
}

impl Route {
    fn write(&self, writer: Writer) -> Writer {
        let aim = match self.aim {
            Aim::Node => 0xff,
            Aim::Any => 0xfe,
            Aim::Key { rank } => rank,
        };
        let head = writer.u32(self.number).u64(self.path.0).u8(self.service as u8).u8(aim).u8(self.ttl).u8(self.hops);
        let head = write_ids(head.raw(&self.key.0.to_be_bytes()), &self.suspects).u8(self.avoid.len() as u8);
        self.avoid.iter().fold(head, |writer, head| writer.u32(*head)).raw(&self.body)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            number: reader.u32()?,
            path: PathId(reader.u64()?),
            service: read_service(reader)?,
            aim: match reader.u8()? {
                0xff => Aim::Node,
                0xfe => Aim::Any,
                rank @ 0..=4 => Aim::Key { rank },
                _ => return Err(Malformed),
            },
            ttl: read_ttl(reader)?,
            hops: reader.u8()?,
            key: read_id(reader)?,
            suspects: read_ids(reader, RING_SUSPECTS_MAX)?,
            avoid: read_heads(reader)?,
            body: read_body(reader)?,
        })
    }
}

/// Writes a counted list of positions.
pub(super) fn write_ids(writer: Writer, ids: &[RingId]) -> Writer {
    let count = u8::try_from(ids.len()).expect("every list of positions is bounded far below 256");
    ids.iter().fold(writer.u8(count), |writer, id| writer.raw(&id.0.to_be_bytes()))
}

/// Reads a counted list of at most `max` positions.
pub(super) fn read_ids(reader: &mut Reader<'_>, max: usize) -> Result<Vec<RingId>, Malformed> {
    let count = usize::from(reader.u8()?);
    if count > max {
        return Err(Malformed);
    }
    (0..count).map(|_| read_id(reader)).collect()
}

fn read_id(reader: &mut Reader<'_>) -> Result<RingId, Malformed> {
    Ok(RingId(u128::from_be_bytes(reader.array()?)))
}

fn read_heads(reader: &mut Reader<'_>) -> Result<Vec<u32>, Malformed> {
    let count = usize::from(reader.u8()?);
    if count > RING_AVOID_MAX {
        return Err(Malformed);
    }
    (0..count).map(|_| reader.u32()).collect()
}

fn ascending(ids: Vec<RingId>) -> Result<Vec<RingId>, Malformed> {
    if ids.is_sorted_by(|a, b| a < b) { Ok(ids) } else { Err(Malformed) }
}

fn read_places(reader: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let places = reader.lp8()?.to_vec();
    if places.is_sorted_by(|a, b| a < b) && places.len() <= RING_LINKS_TOLD_MAX { Ok(places) } else { Err(Malformed) }
}

fn read_body(reader: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let body = reader.rest();
    if body.len() <= RING_BODY_BYTES_MAX { Ok(body.to_vec()) } else { Err(Malformed) }
}

fn read_bool(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

fn read_side(reader: &mut Reader<'_>) -> Result<Side, Malformed> {
    Ok(if read_bool(reader)? { Side::Previous } else { Side::Next })
}

fn read_verdict(reader: &mut Reader<'_>) -> Result<Verdict, Malformed> {
    Ok(if read_bool(reader)? { Verdict::NoSuchNode } else { Verdict::Answered })
}

/// Whoever names more hops than a request has would have it go round for longer than anybody asks.
fn read_ttl(reader: &mut Reader<'_>) -> Result<u8, Malformed> {
    let ttl = reader.u8()?;
    if ttl <= RING_TTL { Ok(ttl) } else { Err(Malformed) }
}

fn read_service(reader: &mut Reader<'_>) -> Result<Service, Malformed> {
    use Service::{Certificate, Copy, Find, Lookup, Publish, Signal};
    let byte = reader.u8()?;
    [Find, Signal, Certificate, Lookup, Publish, Copy].into_iter().find(|service| *service as u8 == byte).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(max: usize) -> impl Strategy<Value = Vec<RingId>> {
        proptest::collection::btree_set(any::<u128>().prop_map(RingId), 0..=max).prop_map(|ids| ids.into_iter().collect())
    }

    fn body() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..64)
    }

    fn message() -> impl Strategy<Value = Message> {
        use Service::{Certificate, Copy, Find, Lookup, Publish, Signal};
        let aim = prop_oneof![Just(Aim::Node), Just(Aim::Any), (0..5_u8).prop_map(|rank| Aim::Key { rank })];
        let service = proptest::sample::select(vec![Find, Signal, Certificate, Lookup, Publish, Copy]);
        let avoid = proptest::collection::vec(any::<u32>(), 0..=RING_AVOID_MAX);
        let route = (any::<(u32, u64, u8, u8, u128)>(), service, aim, ids(RING_SUSPECTS_MAX), avoid, body()).prop_map(
            |((number, path, ttl, hops, key), service, aim, suspects, avoid, body)| {
                let (path, key, ttl) = (PathId(path), RingId(key), ttl % (RING_TTL + 1));
                Message::Route(Box::new(Route { number, path, service, aim, ttl, hops, key, suspects, avoid, body }))
            },
        );
        let verdict = proptest::sample::select(vec![Verdict::Answered, Verdict::NoSuchNode]);
        prop_oneof![
            (ids(RING_LINKS_TOLD_MAX), ids(NEAR_MAX), ids(NEAR_MAX)).prop_map(|(links, a, b)| Message::Hello { links, near: [a, b] }),
            (proptest::collection::btree_set(any::<u8>(), 0..9), ids(9))
                .prop_map(|(gone, come)| Message::Links { gone: gone.into_iter().collect(), come }),
            (proptest::sample::select(Side::BOTH.to_vec()), ids(NEAR_MAX)).prop_map(|(side, list)| Message::Near { side, list }),
            any::<u32>().prop_map(|token| Message::Ping { token }),
            any::<u32>().prop_map(|token| Message::Pong { token }),
            any::<u32>().prop_map(|number| Message::Ack { number }),
            (any::<u64>(), any::<u8>(), ids(RING_SUSPECTS_MAX))
                .prop_map(|(path, ttl, suspects)| Message::Stuck { path: PathId(path), ttl, suspects }),
            (any::<(u64, u8, u128)>(), verdict, body())
                .prop_map(|((path, hops, by), verdict, body)| {
                    Message::Reply { path: PathId(path), answer: Answer { hops, by: RingId(by), verdict, body } }
                }),
            (any::<u64>(), any::<bool>(), body()).prop_map(|(path, forth, body)| Message::Along { path: PathId(path), forth, body }),
            Just(Message::Full),
            Just(Message::Spare),
            any::<(u64, u32)>().prop_map(|(path, next)| Message::Late { path: PathId(path), next }),
            route,
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_has_the_length_told(message in message()) {
            let bytes = message.encode();
            prop_assert_eq!(bytes.len(), message.encoded_len());
            prop_assert_eq!(Message::decode(&bytes), Ok(message));
        }

        #[test]
        fn no_bytes_panic_and_what_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }
    }
}
