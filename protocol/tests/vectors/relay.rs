//! The frames between browser and relay (PROTOCOL.md#relay).

use b4_protocol::identity::{NodeId, UserId};
use b4_protocol::signal::relay::{
    ClientFrame, FoundDevice, IceServer, Presence, RefusalCode, RelayFrame, UndeliveredReason, proof_message,
};

use crate::file::{Vector, read};
use crate::{cast, h, length, lp};

const TICKET: u32 = 0x0102_0304;

fn client(name: &'static str, about: &str, frame: &ClientFrame, fields: &[(&str, &[u8])]) {
    let about = format!("{about}, from a client (PROTOCOL.md#relay).");
    Vector::new(name, &about).message("frame", fields, &frame.encode()).check();
    assert_eq!(ClientFrame::decode(&read(name)["frame"]).as_ref(), Ok(frame));
}

fn relay(name: &'static str, about: &str, frame: &RelayFrame, fields: &[(&str, &[u8])]) {
    let about = format!("{about}, from the relay (PROTOCOL.md#relay).");
    Vector::new(name, &about).message("frame", fields, &frame.encode()).check();
    assert_eq!(RelayFrame::decode(&read(name)["frame"]).as_ref(), Ok(frame));
}

#[test]
fn prove() {
    let cast = cast();
    let der = cast.anna.certificate.der();
    let origin = "https://b4.example";
    let signed = [b"B4/v1/relay", &lp(origin.as_bytes())[..], &[6; 32], &h(&[der])].concat();
    assert_eq!(proof_message(origin, &[6; 32], &cast.anna.certificate.hash()), signed);
    let signature = cast.anna.keys.signing.sign(&mut b4_protocol::crypto::Rng::from_seed([2; 32]), &signed);
    let frame = ClientFrame::Prove { certificate: der.to_vec(), signature: signature.clone() };
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x01]),
        ("length of certificate", &length(der)),
        ("certificate", der),
        ("length of signature", &length(&signature)),
        ("signature", &signature),
    ];
    let about = "Prove, from a client (PROTOCOL.md#relay): the nonce is that of relay-challenge.txt.";
    Vector::new("client-prove", about).message("frame", fields, &frame.encode()).values("derived", &[("signed", &signed)]).check();
    let file = read("client-prove");
    assert_eq!(ClientFrame::decode(&file["frame"]), Ok(frame));
    cast.anna.certificate.signing_key().verify(&file["derived.signed"], &file["frame.signature"]).expect("anna's signature");
}

#[test]
fn lookup_forward_introduce_ping() {
    let ticket = TICKET.to_be_bytes();
    let user = UserId::parse("anna").expect("a name");
    let frame = ClientFrame::Lookup { ticket: TICKET, watch: true, user };
    let fields: &[(&str, &[u8])] = &[("type", &[0x02]), ("ticket", &ticket), ("watch", &[1]), ("length", &[4]), ("user id", b"anna")];
    client("client-lookup", "Lookup", &frame, fields);
    let frame = ClientFrame::Forward { to: NodeId([3; 32]), body: b"sealed".to_vec() };
    let fields: &[(&str, &[u8])] = &[("type", &[0x03]), ("to node", &[3; 32]), ("length", &[0, 6]), ("body", b"sealed")];
    client("client-forward", "Forward", &frame, fields);
    let frame = ClientFrame::Introduce { ticket: TICKET, count: 16 };
    client("client-introduce", "Introduce", &frame, &[("type", &[0x04]), ("ticket", &ticket), ("count", &[16])]);
    client("client-ping", "Ping", &ClientFrame::Ping { ticket: TICKET }, &[("type", &[0x05]), ("ticket", &ticket)]);
}

#[test]
fn challenge_and_welcome() {
    let fields: &[(&str, &[u8])] = &[("type", &[0x81]), ("version", &[1]), ("nonce", &[6; 32])];
    relay("relay-challenge", "Challenge", &RelayFrame::Challenge { nonce: [6; 32] }, fields);
    let turn = IceServer { url: "turn:turn.example".into(), user_name: "user".into(), credential: "secret".into() };
    let stun = IceServer { url: "stun:stun.example".into(), user_name: String::new(), credential: String::new() };
    let frame = RelayFrame::Welcome { now_ms: 1_794_700_800_000, revocation_sequence: 7, ice: vec![turn, stun] };
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x82]),
        ("now", &1_794_700_800_000_u64.to_be_bytes()),
        ("revocation sequence", &7_u64.to_be_bytes()),
        ("count", &[2]),
        ("length of url 1", &[17]),
        ("url 1", b"turn:turn.example"),
        ("length of user name 1", &[4]),
        ("user name 1", b"user"),
        ("length of credential 1", &[6]),
        ("credential 1", b"secret"),
        ("length of url 2", &[17]),
        ("url 2", b"stun:stun.example"),
        ("length of user name 2", &[0]),
        ("length of credential 2", &[0]),
    ];
    relay("relay-welcome", "Welcome", &frame, fields);
}

#[test]
fn found_and_peers() {
    let cast = cast();
    let (anna, bela) = (cast.anna.certificate.der(), cast.bela.certificate.der());
    let ticket = TICKET.to_be_bytes();
    let device = FoundDevice { online: true, certificate: anna.to_vec() };
    let frame = RelayFrame::Found { ticket: TICKET, presence: Presence::Online, devices: vec![device] };
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x83]),
        ("ticket", &ticket),
        ("state", &[2]),
        ("count", &[1]),
        ("online 1", &[1]),
        ("length of certificate 1", &length(anna)),
        ("certificate 1", anna),
    ];
    relay("relay-found", "Found, somebody online with one device", &frame, fields);
    let frame = RelayFrame::Found { ticket: TICKET, presence: Presence::NoSuchName, devices: Vec::new() };
    let fields: &[(&str, &[u8])] = &[("type", &[0x83]), ("ticket", &ticket), ("state", &[0]), ("count", &[0])];
    relay("relay-found-nobody", "Found, no such name", &frame, fields);
    let frame = RelayFrame::Peers { ticket: TICKET, certificates: vec![anna.to_vec(), bela.to_vec()] };
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x87]),
        ("ticket", &ticket),
        ("count", &[2]),
        ("length of certificate 1", &length(anna)),
        ("certificate 1", anna),
        ("length of certificate 2", &length(bela)),
        ("certificate 2", bela),
    ];
    relay("relay-peers", "Peers", &frame, fields);
}

#[test]
fn forwarded_pong_undelivered_refused() {
    let ticket = TICKET.to_be_bytes();
    let frame = RelayFrame::Forwarded { from: NodeId([4; 32]), body: b"sealed".to_vec() };
    let fields: &[(&str, &[u8])] = &[("type", &[0x84]), ("from node", &[4; 32]), ("length", &[0, 6]), ("body", b"sealed")];
    relay("relay-forwarded", "Forwarded", &frame, fields);
    relay("relay-pong", "Pong", &RelayFrame::Pong { ticket: TICKET }, &[("type", &[0x85]), ("ticket", &ticket)]);
    let frame = RelayFrame::Undelivered { to: NodeId([3; 32]), reason: UndeliveredReason::QueueFull };
    let fields: &[(&str, &[u8])] = &[("type", &[0x86]), ("to node", &[3; 32]), ("reason", &[1])];
    relay("relay-undelivered", "Undelivered", &frame, fields);
    let frame = RelayFrame::Refused { ticket: TICKET, code: RefusalCode::TooFast, retry_after_ms: 1_500 };
    let fields: &[(&str, &[u8])] =
        &[("type", &[0x88]), ("ticket", &ticket), ("code", &[5]), ("retry after", &1_500_u32.to_be_bytes())];
    relay("relay-refused", "Refused", &frame, fields);
    assert_eq!(RefusalCode::ALL.map(RefusalCode::byte), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
}
