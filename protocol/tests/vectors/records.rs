//! Records, rekeying and message bodies (PROTOCOL.md#records).

use b4_protocol::chat::{MessageBody, MessageId};
use b4_protocol::crypto::{AeadKey, EphemeralSecret, Prk, Rng};
use b4_protocol::identity::testing::NOW_MS;
use b4_protocol::limits::REKEY_AGE_MS;
use b4_protocol::ring::Message;
use b4_protocol::session::{Content, LIVE, RING, Session};
use b4_protocol::time::Now;

use crate::file::{Vector, read};
use crate::{cast, extract, h, handshake};

const NOW: Now = Now { mono: 0, wall: NOW_MS };
const HEADER_BYTES: usize = 11;
const PADDED: [usize; 5] = [64, 256, 1_024, 4_096, 16_000];

/// The session of handshake-m1.txt to handshake-m4.txt, at both ends, and its keys by the formulas.
fn sessions() -> (Session, Session, handshake::Derived) {
    let cast = cast();
    let run = handshake::run(&cast);
    let derived = handshake::derive(&cast, &run.m1, &run.m2, &run.m3);
    let (anna, bela) = (Rng::from_seed([0x15; 32]), Rng::from_seed([0x16; 32]));
    (Session::new(run.at_anna, anna, NOW), Session::new(run.at_bela, bela, NOW), derived)
}

/// Opens a record of this sender on this channel by the formulas.
fn plaintext(prk: &Prk, (sender, channel): (&[u8], u16), record: &[u8]) -> Vec<u8> {
    let channel = channel.to_be_bytes();
    let key = AeadKey::new(&prk.expand::<32>(&[b"B4/v1/key ", sender, &channel]));
    let mut nonce = *prk.expand::<12>(&[b"B4/v1/iv ", sender, &channel]);
    nonce[4..].iter_mut().zip(&record[3..11]).for_each(|(byte, seq)| *byte ^= seq);
    key.open(&nonce, record, HEADER_BYTES).expect("it opens under the key of the text").to_vec()
}

/// Writes one record: its header, its ciphertext, and its plaintext field by field.
fn check_record(name: &'static str, about: &str, prk: &Prk, sender: (&[u8], u16), record: &[u8], content: u8, body: &[u8]) {
    let plain = plaintext(prk, sender, record);
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    let size = PADDED.into_iter().find(|size| *size >= 6 + body.len()).expect("one fragment");
    let zeros = vec![0; size - 6 - body.len()];
    let about = format!("{about} (PROTOCOL.md#records), in the session of handshake-m1.txt to handshake-m4.txt.");
    let fields: &[(&str, &[u8])] =
        &[("type", &[0x10]), ("epoch", &record[1..3]), ("seq", &record[3..11]), ("ciphertext", &record[11..])];
    let inner: &[(&str, &[u8])] = &[("content", &[content]), ("more", &[0]), ("len", &length), ("body", body), ("zeros", &zeros)];
    Vector::new(name, &about).message("record", fields, record).message("plaintext", inner, &plain).check();
}

#[test]
fn records_of_every_content() {
    let (mut anna, mut bela, derived) = sessions();
    let prk = &derived.prk;
    let body = read("message-body")["first"].clone();
    let rows: [(&'static str, &str, Content, u8, Vec<u8>); 9] = [
        ("record-message", "A message, the body of message-body.txt", Content::Message, 1, body),
        ("record-delivered", "Two messages are durable", Content::Delivered, 2, [[0xa1; 16], [0xa2; 16]].concat()),
        ("record-read", "All up to 41 was on the screen", Content::Read, 3, 41_u64.to_be_bytes().to_vec()),
        ("record-ping", "A ping", Content::Ping, 4, vec![0x77; 8]),
        ("record-pong", "A pong", Content::Pong, 5, vec![0x77; 8]),
        ("record-refused", "A message was not taken: a stranger has said enough", Content::Refused, 9, [vec![0xa3; 16], vec![1]].concat()),
        ("record-leave", "A goodbye", Content::Leave, 8, Vec::new()),
        ("record-revoked", "The newest revocation list known is number 7", Content::Revoked, 11, 7_u64.to_be_bytes().to_vec()),
        ("record-ring", "A ping of the ring, on its channel", Content::Ring, 10, Message::Ping { token: 0x0a0b_0c0d }.encode()),
    ];
    for (at, (name, about, content, number, body)) in rows.into_iter().enumerate() {
        // In turns, so that both directions and several numbers stand in the files.
        let (from, to, sender) = if at % 2 == 0 { (&mut anna, &mut bela, b"i") } else { (&mut bela, &mut anna, b"r") };
        let channel = if content == Content::Ring { RING } else { LIVE };
        let record = from.seal(channel, content, &body, NOW).remove(0);
        check_record(name, about, prk, (sender, channel), &record, number, &body);
        let opened = to.open(channel, &read(name)["record"], NOW).expect("the record of the file opens");
        assert_eq!(opened.body, Some((content, body)));
    }
}

#[test]
fn fragments() {
    let (mut anna, mut bela, derived) = sessions();
    let body: Vec<u8> = (0..20_000_u32).map(|at| at as u8).collect();
    let records = anna.seal(LIVE, Content::Message, &body, NOW);
    let plains: Vec<Vec<u8>> = records.iter().map(|record| plaintext(&derived.prk, (b"i", LIVE), record)).collect();
    assert_eq!(plains[0], [&[1, 1][..], &15_994_u32.to_be_bytes(), &body[..15_994]].concat());
    assert_eq!(plains[1][..4_012], [&[1, 0][..], &4_006_u32.to_be_bytes(), &body[15_994..]].concat());
    assert_eq!((plains[0].len(), plains[1].len(), records.len()), (16_000, 4_096, 2));
    let about = "A body of 20,000 bytes 00 01 .. ff 00 .. in two records (PROTOCOL.md#records): their heads and hashes.";
    Vector::new("record-fragments", about)
        .values("first", &[("head", &records[0][..11]), ("plaintext head", &plains[0][..6]), ("H(record)", &h(&[&records[0]]))])
        .values("last", &[("head", &records[1][..11]), ("plaintext head", &plains[1][..6]), ("H(record)", &h(&[&records[1]]))])
        .check();
    assert_eq!(bela.open(LIVE, &records[0], NOW).expect("it opens").body, None);
    assert_eq!(bela.open(LIVE, &records[1], NOW).expect("it opens").body, Some((Content::Message, body)));
}

#[test]
fn rekeying() {
    let (mut anna, mut bela, derived) = sessions();
    let later = Now { mono: REKEY_AGE_MS, wall: NOW_MS + REKEY_AGE_MS };
    let records = anna.seal(LIVE, Content::Ping, &[1; 8], later);
    assert_eq!(records.len(), 2);
    bela.open(LIVE, &records[0], later).expect("the ping opens");
    let replies = bela.open(LIVE, &records[1], later).expect("the rekeying opens").replies;
    anna.open(LIVE, &replies[0].1, later).expect("the answer opens");
    // The first draw of each end's generator.
    let secret = EphemeralSecret::draw(&mut Rng::from_seed([0x15; 32]));
    let (e_i, e_r) = (secret.public(), EphemeralSecret::draw(&mut Rng::from_seed([0x16; 32])).public());
    check_record("record-rekey", "The initiator's new key", &derived.prk, (b"i", LIVE), &records[1], 6, &e_i);
    check_record("record-rekeyed", "The responder's new key", &derived.prk, (b"r", LIVE), &replies[0].1, 7, &e_r);
    let z = secret.agree(&e_r).expect("an honest key");
    let th = h(&[b"B4/v1/rekey", &derived.th3, &e_i, &e_r]);
    let old = derived.prk.expand::<32>(&[b"B4/v1/rk"]);
    let prk = extract(&th, &[old.as_slice(), z.as_slice()]);
    let record = anna.seal(LIVE, Content::Pong, &[2; 8], later).remove(0);
    check_record("record-after-rekeying", "The first record of epoch 1", &prk, (b"i", LIVE), &record, 5, &[2; 8]);
    let opened = bela.open(LIVE, &read("record-after-rekeying")["record"], later).expect("it opens");
    assert_eq!(opened.body, Some((Content::Pong, vec![2; 8])));
    let record = bela.seal(LIVE, Content::Pong, &[3; 8], later).remove(0);
    check_record("record-after-rekeying-back", "The first record back of epoch 1", &prk, (b"r", LIVE), &record, 5, &[3; 8]);
}

#[test]
fn a_message_body() {
    let first = MessageBody { id: MessageId([0xa1; 16]), sent_ms: NOW_MS, seq: 1, prev: [0; 32], said: "Hello, Bela!".into() };
    let prev = h(&[&first.encode()]);
    let next = MessageBody { id: MessageId([0xa2; 16]), sent_ms: NOW_MS + 1, seq: 2, prev, said: "\u{2603} \u{e9}\u{1f600}".into() };
    let mut vector = Vector::new("message-body", "Two message bodies of one conversation (PROTOCOL.md#records).");
    for (title, body) in [("first", &first), ("second", &next)] {
        let fields: &[(&str, &[u8])] = &[
            ("mid", &body.id.0),
            ("sent", &body.sent_ms.to_be_bytes()),
            ("seq", &body.seq.to_be_bytes()),
            ("prev", &body.prev),
            ("type", &[1]),
            ("text", body.said.words().as_bytes()),
        ];
        vector = vector.message(title, fields, &body.encode());
    }
    vector.check();
    let file = read("message-body");
    assert_eq!(MessageBody::decode(&file["first"]), Ok(first));
    assert_eq!(MessageBody::decode(&file["second"]), Ok(next));
}
