//! What nodes of the ring say to each other, and what is kept there (PROTOCOL.md#ring, #records-and-presence).

use b4_protocol::crypto::Rng;
use b4_protocol::directory::{Draft, Found, Presence, UserRecord, found, pair};
use b4_protocol::identity::testing::{NOW_MS, TestDevice};
use b4_protocol::ring::{Aim, Answer, Message, PathId, RingId, Route, Service, Side, Verdict};

use crate::file::{Vector, read};
use crate::{Cast, cast, h, length};

/// Places on the circle.
const PLACES: [RingId; 4] = [RingId(0x11 << 120), RingId(0x22 << 120), RingId(0x33 << 120), RingId(0x44 << 120)];
const PATH: PathId = PathId(0x0123_4567_89ab_cdef);
const SEQUENCES: [u64; 2] = [0x0001_0203_0405_0607, 0x0001_0203_0405_0608];

/// The first four bytes of a place.
const AVOIDED: u32 = 0x0102_0304;

fn place(at: usize) -> [u8; 16] {
    PLACES[at].0.to_be_bytes()
}

fn check(name: &'static str, about: &str, message: &Message, fields: &[(&str, &[u8])]) {
    let bytes = message.encode();
    Vector::new(name, &format!("{about} (PROTOCOL.md#ring).")).message("message", fields, &bytes).check();
    assert_eq!(Message::decode(&read(name)["message"]).as_ref(), Ok(message));
}

fn signed(device: &TestDevice, draft: Draft) -> Vec<u8> {
    let signature = device.keys.perform(&mut Rng::from_seed([0x21; 32]), &draft.key_op()).expect("a signature");
    draft.finish(&signature)
}

/// Anna's user record.
fn record(cast: &Cast) -> Vec<u8> {
    signed(&cast.anna, UserRecord::draft(SEQUENCES[0], &[&cast.anna.certificate]))
}

/// That anna is up.
fn presence(cast: &Cast) -> Vec<u8> {
    let anna = &cast.anna.certificate;
    signed(&cast.anna, Presence::draft(anna.user_id().mailbox(), SEQUENCES[1], &[*anna.node_id()], NOW_MS))
}

#[test]
fn links_and_neighbours() {
    let [a, b, c, d] = [0, 1, 2, 3].map(place);
    let near = [vec![PLACES[1], PLACES[2]], vec![PLACES[3]]];
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x01]),
        ("count of links", &[2]),
        ("link 1", &a),
        ("link 2", &b),
        ("count of successors", &[2]),
        ("successor 1", &b),
        ("successor 2", &c),
        ("count of predecessors", &[1]),
        ("predecessor 1", &d),
    ];
    check("ring-hello", "Hello", &Message::Hello { links: vec![PLACES[0], PLACES[1]], near }, fields);
    let fields: &[(&str, &[u8])] =
        &[("type", &[0x02]), ("count of gone", &[2]), ("places in the list", &[0, 3]), ("count of come", &[1]), ("come 1", &c)];
    check("ring-links", "Links", &Message::Links { gone: vec![0, 3], come: vec![PLACES[2]] }, fields);
    let fields: &[(&str, &[u8])] = &[("type", &[0x03]), ("side", &[1]), ("count", &[2]), ("id 1", &d), ("id 2", &c)];
    check("ring-near", "Near, the predecessors", &Message::Near { side: Side::Previous, list: vec![PLACES[3], PLACES[2]] }, fields);
}

#[test]
fn words_without_much_in_them() {
    let number = 0x0a0b_0c0d_u32.to_be_bytes();
    let token = u32::from_be_bytes(number);
    check("ring-ping", "Ping", &Message::Ping { token }, &[("type", &[0x04]), ("token", &number)]);
    check("ring-pong", "Pong", &Message::Pong { token }, &[("type", &[0x05]), ("token", &number)]);
    check("ring-ack", "Ack", &Message::Ack { number: token }, &[("type", &[0x07]), ("number", &number)]);
    check("ring-full", "Full", &Message::Full, &[("type", &[0x0b])]);
    check("ring-spare", "Spare", &Message::Spare, &[("type", &[0x0c])]);
}

#[test]
fn a_request_and_what_comes_of_it() {
    let cast = cast();
    let user = cast.anna.certificate.user_id();
    let (key, path) = (RingId::of_user(user), PATH.0.to_be_bytes());
    assert_eq!(key.0.to_be_bytes(), h(&[user.as_str().as_bytes()])[..16]);
    let kept = pair(&record(&cast), &presence(&cast));
    assert_eq!(kept, [&length(&record(&cast))[..], &record(&cast), &length(&presence(&cast)), &presence(&cast)].concat());
    let route = |service: Service, aim: Aim, key: RingId, body: Vec<u8>| {
        Message::Route(Box::new(Route { number: 9, path: PATH, service, aim, ttl: 32, hops: 1, key, suspects: vec![PLACES[1]], avoid: vec![AVOIDED], body }))
    };
    let fields = |service: u8, aim: u8, key: RingId| {
        let head = [&[0x06][..], &[0, 0, 0, 9], &path, &[service], &[aim], &[32], &[1], &key.0.to_be_bytes(), &[1], &place(1), &[1], &AVOIDED.to_be_bytes()];
        let names = ["type", "number", "path", "service", "aim", "ttl", "hops", "key", "count of suspects", "suspect 1", "count of avoided", "avoided 1"];
        names.into_iter().zip(head.map(<[u8]>::to_vec)).collect::<Vec<_>>()
    };
    let check_route = |name, about: &str, service: Service, aim: Aim, key: RingId, body: &[(&str, &[u8])]| {
        let message = route(service, aim, key, body.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect());
        let aim = match aim {
            Aim::Key { rank } => rank,
            Aim::Any => 0xfe,
            Aim::Node => 0xff,
        };
        let head = fields(service as u8, aim, key);
        let all: Vec<(&str, &[u8])> = head.iter().map(|(name, bytes)| (*name, bytes.as_slice())).chain(body.iter().copied()).collect();
        check(name, about, &message, &all);
    };
    let publication: &[(&str, &[u8])] = &[("first or copy", &[0]), ("record and presence", &kept)];
    check_route("ring-route-publish", "Route, a publication of a record and a presence", Service::Publish, Aim::Key { rank: 0 }, key, publication);
    check_route("ring-route-lookup", "Route, a lookup of anna at any of the five", Service::Lookup, Aim::Any, key, &[]);
    let copy: &[(&str, &[u8])] = &[("of the key", &key.0.to_be_bytes()), ("first or copy", &[1]), ("record and presence", &kept)];
    check_route("ring-route-copy", "Route, a copy for one node", Service::Copy, Aim::Node, PLACES[2], copy);
    let answered = found(&kept, &PLACES[..2]);
    let answer = Answer { hops: 3, by: PLACES[3], verdict: Verdict::Answered, body: answered.clone() };
    let head: &[(&str, &[u8])] = &[("type", &[0x09]), ("path", &path), ("hops", &[3]), ("by", &place(3)), ("verdict", &[0])];
    check("ring-reply", "Reply to a lookup", &Message::Reply { path: PATH, answer }, &[head, &[("record and presence", kept.as_slice()), ("places", &[2]), ("place 1", &place(0)), ("place 2", &place(1))]].concat());
    assert_eq!(Found::holders(&answered), Some(PLACES[..2].to_vec()));
    assert!(Found::verify(&answered, user, cast.authority.anchor(), None, NOW_MS).is_some_and(|found| found.presence.is_some()));
    let fields: &[(&str, &[u8])] = &[("type", &[0x08]), ("path", &path), ("ttl", &[7]), ("count of suspects", &[1]), ("suspect 1", &place(0))];
    check("ring-stuck", "Stuck", &Message::Stuck { path: PATH, ttl: 7, suspects: vec![PLACES[0]] }, fields);
    let fields: &[(&str, &[u8])] = &[("type", &[0x0a]), ("path", &path), ("direction", &[1]), ("body", b"sealed")];
    check("ring-late", "Late", &Message::Late { path: PATH, next: AVOIDED }, &[("type", &[0x0d]), ("path", &path), ("next", &AVOIDED.to_be_bytes())]);
    check("ring-along", "Along", &Message::Along { path: PATH, forth: true, body: b"sealed".to_vec() }, fields);
}
