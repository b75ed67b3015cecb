//! The frames between browser and relay (PROTOCOL.md#relay), as values and as bytes. What they mean to either end is not here.

use crate::codec::{Malformed, Reader, Writer};
use crate::identity::{NodeId, UserId};
use crate::limits::{CERTIFICATE_BYTES_MAX, FORWARD_BYTES_MAX};

/// The version of these frames that `Challenge` names.
pub const RELAY_VERSION: u8 = 1;
/// Largest frame a client may send, in bytes: a `Forward` with a full body and room to spare.
pub const CLIENT_FRAME_BYTES_MAX: usize = 6_144;
/// Largest frame a relay sends, in bytes: `Peers` with 16 certificates and room to spare.
pub const RELAY_FRAME_BYTES_MAX: usize = 36_864;
/// Most certificates that an `Introduce` may ask for.
pub const INTRODUCE_MAX: u8 = 16;
/// Most certificates (devices of one user) in a `Found`.
pub const FOUND_MAX: usize = 8;
/// Most ICE servers in a `Welcome`.
pub const ICE_SERVERS_MAX: usize = 8;
/// WebSocket close code of a refusal that ends the connection: this plus its code.
pub const CLOSE_CODE_BASE: u16 = 4_000;
/// Longest signature: the largest modulus accepted.
const SIGNATURE_BYTES_MAX: usize = 512;
/// Label of the proof (PROTOCOL.md#conventions).
const PROOF_LABEL: &[u8] = b"B4/v1/relay";

/// What a client sends.
///
/// ```text
/// 0x01 Prove     lp(certificate) | lp(signature)
/// 0x02 Lookup    ticket(4) | watch(1: 0 or 1) | lp8(user id)
/// 0x03 Forward   to node(32) | lp(body, at most 4,096)
/// 0x04 Introduce ticket(4) | count(1: 1-16)
/// 0x05 Ping      ticket(4)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// Proves the signing key of a certificate.
    Prove {
        /// The certificate in DER.
        certificate: Vec<u8>,
        /// RSASSA-PSS over [`proof_message`].
        signature: Vec<u8>,
    },
    /// Asks for a user's certificates.
    Lookup {
        /// Comes back in every answer.
        ticket: u32,
        /// Whether to tell, once, when a user who is away connects.
        watch: bool,
        /// Whom.
        user: UserId,
    },
    /// Hands a sealed body to another node.
    Forward {
        /// To whom.
        to: NodeId,
        /// At most 4,096 bytes that the relay does not read.
        body: Vec<u8>,
    },
    /// Asks for some other peers.
    Introduce {
        /// Comes back in the answer.
        ticket: u32,
        /// How many at most, 1 to 16.
        count: u8,
    },
    /// Asks for a sign of life.
    Ping {
        /// Comes back in the answer.
        ticket: u32,
    },
}

/// What a relay sends.
///
/// ```text
/// 0x81 Challenge   version(1) = 1 | nonce(32)
/// 0x82 Welcome     now(8) | revocation sequence(8) | count(1: at most 8) x [lp8(url) | lp8(user name) | lp8(credential)]
/// 0x83 Found       ticket(4) | state(1: 0-2) | count(1: at most 8) x [online(1: 0 or 1) | lp(certificate)]
/// 0x84 Forwarded   from node(32) | lp(body)
/// 0x85 Pong        ticket(4)
/// 0x86 Undelivered to node(32) | reason(1: 0-1)
/// 0x87 Peers       ticket(4) | count(1: at most 16) x lp(certificate)
/// 0x88 Refused     ticket(4) | code(1) | retry after(4, ms)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayFrame {
    /// What the proof is over; the first frame of a connection.
    Challenge {
        /// Random.
        nonce: [u8; 32],
    },
    /// The proof was good.
    Welcome {
        /// The relay's clock, milliseconds since 1970.
        now_ms: u64,
        /// Sequence of the newest revocation list.
        revocation_sequence: u64,
        /// Servers for ICE; often none.
        ice: Vec<IceServer>,
    },
    /// Answers a lookup or ends a watch.
    Found {
        /// The lookup's.
        ticket: u32,
        /// What is known of the user.
        presence: Presence,
        /// The user's devices.
        devices: Vec<FoundDevice>,
    },
    /// A sealed body from another node.
    Forwarded {
        /// From whom: the relay has verified it.
        from: NodeId,
        /// At most 4,096 bytes.
        body: Vec<u8>,
    },
    /// Answers a ping.
    Pong {
        /// The ping's.
        ticket: u32,
    },
    /// A forward went nowhere.
    Undelivered {
        /// For whom it was.
        to: NodeId,
        /// Why.
        reason: UndeliveredReason,
    },
    /// Answers an introduction.
    Peers {
        /// The introduction's.
        ticket: u32,
        /// Certificates in DER, drawn at random among the connected.
        certificates: Vec<Vec<u8>>,
    },
    /// The client asked for something it does not get.
    Refused {
        /// The request's, or 0.
        ticket: u32,
        /// Why.
        code: RefusalCode,
        /// When to try again, in milliseconds; 0 where that does not help or does not matter.
        retry_after_ms: u32,
    },
}

/// A STUN or TURN server, as `RTCIceServer` has it; for STUN the last two are empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URL, at most 255 bytes.
    pub url: String,
    /// At most 255 bytes.
    pub user_name: String,
    /// At most 255 bytes.
    pub credential: String,
}

/// What a relay knows of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nobody has this name.
    NoSuchName,
    /// None of the user's devices is connected.
    Away,
    /// At least one is.
    Online,
}

/// One device of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundDevice {
    /// Whether it is connected to this relay.
    pub online: bool,
    /// Its certificate in DER, not yet verified by who receives this.
    pub certificate: Vec<u8>,
}

/// Why a forward went nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndeliveredReason {
    /// The node is not connected.
    NotConnected,
    /// The node reads too slowly.
    QueueFull,
}

/// Why a relay refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalCode {
    /// 1: the frame is not one of a client's.
    Malformed,
    /// 2: the proof is missing, late or wrong.
    NotProven,
    /// 3: the certificate is refused.
    CertificateRefused,
    /// 4: the certificate is revoked.
    Revoked,
    /// 5: too many frames or bytes; the one refused was not carried out.
    TooFast,
    /// 6: the frame is over its bound.
    TooLarge,
    /// 7: too many connections, from this address or in all.
    TooManyConnections,
    /// 8: the same node has connected again, later.
    Superseded,
    /// 9: the relay is going down.
    ShuttingDown,
    /// 10: too many watches; the lookup itself was answered.
    TooManyWatches,
}

/// What `Prove` signs: `B4/v1/relay` | lp(origin) | nonce(32) | H(certificate).
///
/// # Panics
/// When `origin` is over 65,535 bytes.
pub fn proof_message(origin: &str, nonce: &[u8; 32], certificate_hash: &[u8; 32]) -> Vec<u8> {
    Writer::new().raw(PROOF_LABEL).lp(origin.as_bytes()).raw(nonce).raw(certificate_hash).into_bytes()
}

impl ClientFrame {
    /// The frame's bytes.
    ///
    /// # Panics
    /// When a field is over its bound.
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::new();
        match self {
            Self::Prove { certificate, signature } => writer.u8(0x01).lp(certificate).lp(signature),
            Self::Lookup { ticket, watch, user } => {
                writer.u8(0x02).u32(*ticket).u8(u8::from(*watch)).lp8(user.as_str().as_bytes())
            }
            Self::Forward { to, body } => writer.u8(0x03).raw(&to.0).lp(body),
            Self::Introduce { ticket, count } => writer.u8(0x04).u32(*ticket).u8(*count),
            Self::Ping { ticket } => writer.u8(0x05).u32(*ticket),
        }
        .into_bytes()
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// `Malformed` for an unknown type, a field out of its bound, trailing bytes or a name that can be nobody's.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let frame = match reader.u8()? {
            0x01 => Self::Prove {
                certificate: reader.lp(CERTIFICATE_BYTES_MAX)?.to_vec(),
                signature: reader.lp(SIGNATURE_BYTES_MAX)?.to_vec(),
            },
            0x02 => {
                let (ticket, watch) = (reader.u32()?, flag(&mut reader)?);
                Self::Lookup { ticket, watch, user: UserId::parse(&text(&mut reader)?).map_err(|_| Malformed)? }
            }
            0x03 => Self::Forward { to: NodeId(reader.array()?), body: reader.lp(FORWARD_BYTES_MAX)?.to_vec() },
            0x04 => Self::Introduce { ticket: reader.u32()?, count: introduced(reader.u8()?)? },
            0x05 => Self::Ping { ticket: reader.u32()? },
            _ => return Err(Malformed),
        };
        reader.finish()?;
        Ok(frame)
    }
}

impl RelayFrame {
    /// The frame's bytes.
    ///
    /// # Panics
    /// When a field or a list is over its bound.
    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::new();
        match self {
            Self::Challenge { nonce } => writer.u8(0x81).u8(RELAY_VERSION).raw(nonce),
            Self::Welcome { now_ms, revocation_sequence, ice } => {
                let head = counted(writer.u8(0x82).u64(*now_ms).u64(*revocation_sequence), ice.len());
                ice.iter().fold(head, |writer, server| {
                    let strings = [&server.url, &server.user_name, &server.credential];
                    strings.iter().fold(writer, |writer, string| writer.lp8(string.as_bytes()))
                })
            }
            Self::Found { ticket, presence, devices } => {
                let head = counted(writer.u8(0x83).u32(*ticket).u8(presence.byte()), devices.len());
                devices.iter().fold(head, |writer, device| writer.u8(u8::from(device.online)).lp(&device.certificate))
            }
            Self::Forwarded { from, body } => writer.u8(0x84).raw(&from.0).lp(body),
            Self::Pong { ticket } => writer.u8(0x85).u32(*ticket),
            Self::Undelivered { to, reason } => writer.u8(0x86).raw(&to.0).u8(reason.byte()),
            Self::Peers { ticket, certificates } => {
                let head = counted(writer.u8(0x87).u32(*ticket), certificates.len());
                certificates.iter().fold(head, |writer, certificate| writer.lp(certificate))
            }
            Self::Refused { ticket, code, retry_after_ms } => {
                writer.u8(0x88).u32(*ticket).u8(code.byte()).u32(*retry_after_ms)
            }
        }
        .into_bytes()
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// `Malformed` for an unknown type or version, a field out of its bound, or trailing bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let frame = match reader.u8()? {
            0x81 => match reader.u8()? {
                RELAY_VERSION => Self::Challenge { nonce: reader.array()? },
                _ => return Err(Malformed),
            },
            0x82 => Self::Welcome {
                now_ms: reader.u64()?,
                revocation_sequence: reader.u64()?,
                ice: list(&mut reader, ICE_SERVERS_MAX, ice_server)?,
            },
            0x83 => Self::Found {
                ticket: reader.u32()?,
                presence: Presence::from_byte(reader.u8()?)?,
                devices: list(&mut reader, FOUND_MAX, found_device)?,
            },
            0x84 => Self::Forwarded { from: NodeId(reader.array()?), body: reader.lp(FORWARD_BYTES_MAX)?.to_vec() },
            0x85 => Self::Pong { ticket: reader.u32()? },
            0x86 => Self::Undelivered {
                to: NodeId(reader.array()?),
                reason: UndeliveredReason::from_byte(reader.u8()?)?,
            },
            0x87 => Self::Peers {
                ticket: reader.u32()?,
                certificates: list(&mut reader, usize::from(INTRODUCE_MAX), |reader| {
                    Ok(reader.lp(CERTIFICATE_BYTES_MAX)?.to_vec())
                })?,
            },
            0x88 => Self::Refused {
                ticket: reader.u32()?,
                code: RefusalCode::from_byte(reader.u8()?)?,
                retry_after_ms: reader.u32()?,
            },
            _ => return Err(Malformed),
        };
        reader.finish()?;
        Ok(frame)
    }
}

impl Presence {
    fn byte(self) -> u8 {
        match self {
            Self::NoSuchName => 0,
            Self::Away => 1,
            Self::Online => 2,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, Malformed> {
        [Self::NoSuchName, Self::Away, Self::Online].get(usize::from(byte)).copied().ok_or(Malformed)
    }
}

impl UndeliveredReason {
    fn byte(self) -> u8 {
        match self {
            Self::NotConnected => 0,
            Self::QueueFull => 1,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, Malformed> {
        [Self::NotConnected, Self::QueueFull].get(usize::from(byte)).copied().ok_or(Malformed)
    }
}

impl RefusalCode {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 10] = [
        Self::Malformed,
        Self::NotProven,
        Self::CertificateRefused,
        Self::Revoked,
        Self::TooFast,
        Self::TooLarge,
        Self::TooManyConnections,
        Self::Superseded,
        Self::ShuttingDown,
        Self::TooManyWatches,
    ];

    /// Its code, 1 to 10.
    pub fn byte(self) -> u8 {
        self as u8 + 1
    }

    /// Whether the relay closes the connection after it.
    pub fn ends_connection(self) -> bool {
        !matches!(self, Self::TooFast | Self::TooManyWatches)
    }

    /// The WebSocket close code, where it ends the connection.
    pub fn close_code(self) -> u16 {
        CLOSE_CODE_BASE + u16::from(self.byte())
    }

    /// The refusal that a WebSocket close code tells, if it tells one.
    pub fn from_close_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.ends_connection() && refusal.close_code() == code)
    }

    fn from_byte(byte: u8) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|code| code.byte() == byte).ok_or(Malformed)
    }
}

fn counted(writer: Writer, count: usize) -> Writer {
    writer.u8(u8::try_from(count).expect("every list is bounded far below 256"))
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    max: usize,
    item: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let count = usize::from(reader.u8()?);
    if count > max {
        return Err(Malformed);
    }
    (0..count).map(|_| item(reader)).collect()
}

fn ice_server(reader: &mut Reader<'_>) -> Result<IceServer, Malformed> {
    Ok(IceServer { url: text(reader)?, user_name: text(reader)?, credential: text(reader)? })
}

fn found_device(reader: &mut Reader<'_>) -> Result<FoundDevice, Malformed> {
    Ok(FoundDevice { online: flag(reader)?, certificate: reader.lp(CERTIFICATE_BYTES_MAX)?.to_vec() })
}

fn text(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    String::from_utf8(reader.lp8()?.to_vec()).map_err(|_| Malformed)
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

fn introduced(count: u8) -> Result<u8, Malformed> {
    if (1..=INTRODUCE_MAX).contains(&count) { Ok(count) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("a name")
    }

    fn client_frames() -> Vec<ClientFrame> {
        vec![
            ClientFrame::Prove { certificate: vec![1; CERTIFICATE_BYTES_MAX], signature: vec![2; SIGNATURE_BYTES_MAX] },
            ClientFrame::Lookup { ticket: 7, watch: true, user: user("anna") },
            ClientFrame::Forward { to: NodeId([3; 32]), body: vec![4; FORWARD_BYTES_MAX] },
            ClientFrame::Introduce { ticket: 8, count: 16 },
            ClientFrame::Ping { ticket: u32::MAX },
        ]
    }

    fn relay_frames() -> Vec<RelayFrame> {
        let ice = IceServer { url: "turn:a".into(), user_name: "b".into(), credential: String::new() };
        let device = FoundDevice { online: true, certificate: vec![5; CERTIFICATE_BYTES_MAX] };
        let mut frames = vec![
            RelayFrame::Challenge { nonce: [6; 32] },
            RelayFrame::Welcome { now_ms: 1, revocation_sequence: 2, ice: vec![ice; ICE_SERVERS_MAX] },
            RelayFrame::Found { ticket: 3, presence: Presence::Online, devices: vec![device; FOUND_MAX] },
            RelayFrame::Found { ticket: 3, presence: Presence::NoSuchName, devices: vec![] },
            RelayFrame::Forwarded { from: NodeId([7; 32]), body: vec![] },
            RelayFrame::Pong { ticket: 4 },
            RelayFrame::Undelivered { to: NodeId([8; 32]), reason: UndeliveredReason::QueueFull },
            RelayFrame::Peers { ticket: 5, certificates: vec![vec![9; CERTIFICATE_BYTES_MAX]; INTRODUCE_MAX.into()] },
        ];
        frames.extend(RefusalCode::ALL.map(|code| RelayFrame::Refused { ticket: 6, code, retry_after_ms: 1_000 }));
        frames
    }

    #[test]
    fn every_frame_is_read_back_and_stays_under_its_bound() {
        for frame in client_frames() {
            let bytes = frame.encode();
            assert!(bytes.len() <= CLIENT_FRAME_BYTES_MAX);
            assert_eq!(ClientFrame::decode(&bytes), Ok(frame));
        }
        for frame in relay_frames() {
            let bytes = frame.encode();
            assert!(bytes.len() <= RELAY_FRAME_BYTES_MAX);
            assert_eq!(RelayFrame::decode(&bytes), Ok(frame));
        }
    }

    #[test]
    fn every_cut_or_lengthened_frame_is_refused() {
        let longer = |bytes: &[u8]| [bytes, &[0]].concat();
        for bytes in client_frames().iter().map(ClientFrame::encode) {
            for end in 0..bytes.len() {
                assert_eq!(ClientFrame::decode(&bytes[..end]), Err(Malformed));
            }
            assert_eq!(ClientFrame::decode(&longer(&bytes)), Err(Malformed));
        }
        for bytes in relay_frames().iter().map(RelayFrame::encode) {
            for end in 0..bytes.len() {
                assert_eq!(RelayFrame::decode(&bytes[..end]), Err(Malformed));
            }
            assert_eq!(RelayFrame::decode(&longer(&bytes)), Err(Malformed));
        }
    }

    #[test]
    fn a_field_out_of_its_bound_is_refused() {
        for bytes in [
            &[0x00][..],
            &[0x02, 0, 0, 0, 1, 2, 4, b'a', b'n', b'n', b'a'],
            &[0x02, 0, 0, 0, 1, 0, 4, b'A', b'n', b'n', b'a'],
            &[0x04, 0, 0, 0, 1, 0],
            &[0x04, 0, 0, 0, 1, 17],
            &ClientFrame::Forward { to: NodeId([0; 32]), body: vec![0; FORWARD_BYTES_MAX + 1] }.encode(),
        ] {
            assert_eq!(ClientFrame::decode(bytes), Err(Malformed), "{bytes:?}");
        }
        let peers = RelayFrame::Peers { ticket: 0, certificates: vec![vec![]; 17] }.encode();
        for bytes in [
            &[&[0x81, 2][..], &[0; 32]].concat()[..],
            &[0x83, 0, 0, 0, 0, 3, 0],
            &[0x83, 0, 0, 0, 0, 2, 9],
            &[0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x88, 0, 0, 0, 0, 11, 0, 0, 0, 0],
            &peers,
        ] {
            assert_eq!(RelayFrame::decode(bytes), Err(Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn the_bytes_of_a_lookup_and_of_a_proof_are_those_of_the_text() {
        let lookup = ClientFrame::Lookup { ticket: 0x0102_0304, watch: true, user: user("anna") };
        assert_eq!(lookup.encode(), [2, 1, 2, 3, 4, 1, 4, b'a', b'n', b'n', b'a']);
        let proof = proof_message("https://b4.example", &[1; 32], &[2; 32]);
        assert_eq!(proof, [b"B4/v1/relay\0\x12https://b4.example".as_slice(), &[1; 32], &[2; 32]].concat());
    }

    #[test]
    fn a_refusal_that_ends_the_connection_has_a_close_code() {
        assert_eq!(RefusalCode::Superseded.close_code(), 4_008);
        assert_eq!(RefusalCode::from_close_code(4_008), Some(RefusalCode::Superseded));
        assert_eq!(RefusalCode::from_close_code(4_005), None);
        assert_eq!(RefusalCode::ALL.map(RefusalCode::byte), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic_and_what_is_read_is_written_alike(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in any::<u8>(),
        ) {
            let bytes = [&[kind], &bytes[..]].concat();
            if let Ok(frame) = ClientFrame::decode(&bytes) {
                prop_assert_eq!(&frame.encode(), &bytes);
            }
            if let Ok(frame) = RelayFrame::decode(&bytes) {
                prop_assert_eq!(&frame.encode(), &bytes);
            }
        }
    }
}
