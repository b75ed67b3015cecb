//! Sealed offers, answers and candidates (PROTOCOL.md#signalling).

use b4_protocol::crypto::{AeadKey, Prk, Rng};
use b4_protocol::signal::description::Candidate;
use b4_protocol::signal::sealed::{Dial, DialId, Header, OfferDraft, SealedOffer};

use b4_protocol::identity::testing::NOW_MS;

use crate::file::{Vector, read};
use crate::{Cast, candidate_bytes, cast, description, description_bytes, extract, h, handshake, length, lp, unwrapped};

const DIAL: [u8; 16] = [0xd1; 16];
const HEADER_BYTES: usize = 57;
const CANDIDATE: &str = "candidate:1 1 udp 1677729535 2001:db8::7 40001 typ srflx raddr :: rport 0";

struct Sealed {
    offer: Vec<u8>,
    answer: Vec<u8>,
    forth: Vec<u8>,
    back: Vec<u8>,
}

/// Both ends seal and open, through their own doors.
fn sealed(cast: &Cast) -> Sealed {
    let (anna, bela) = (&cast.anna.certificate, &cast.bela.certificate);
    let (to_bela, to_anna, dial) = (*bela.node_id(), *anna.node_id(), DialId(DIAL));
    let run = handshake::run(cast);
    let mut rng = Rng::from_seed([7; 32]);
    let draft = OfferDraft::new(to_bela, bela.wrapping_key(), dial, &run.m1, &description(0x11), NOW_MS, &mut rng);
    let signature = cast.anna.keys.perform(&mut Rng::from_seed([8; 32]), &draft.key_op()).expect("a signature");
    let (offer, mut at_anna) = draft.finish(&signature).expect("an offer of this size");
    let (m1, mut at_bela) = open_offer(cast, &offer);
    assert_eq!(m1, run.m1);
    let answer = at_bela.seal_answer(to_anna, dial, &run.m2, &description(0x22), NOW_MS).expect("an answer of this size");
    assert_eq!(at_anna.open_answer(&answer), Ok((run.m2, description(0x22))));
    let candidate = Candidate::from_line(CANDIDATE).expect("a candidate");
    let forth = at_anna.seal_candidate(to_bela, dial, &candidate, NOW_MS).expect("the first");
    assert_eq!(at_bela.open_candidate(&forth).as_ref(), Ok(&candidate));
    let back = at_bela.seal_candidate(to_anna, dial, &candidate, NOW_MS).expect("the first");
    assert_eq!(at_anna.open_candidate(&back), Ok(candidate));
    Sealed { offer, answer, forth, back }
}

fn open_offer(cast: &Cast, offer: &[u8]) -> (Vec<u8>, Dial) {
    let header = Header::read(offer, cast.bela.certificate.node_id(), NOW_MS).expect("for bela, now");
    let sealed = SealedOffer::new(header, offer.to_vec()).expect("an offer");
    let secret = cast.bela.keys.perform(&mut Rng::from_seed([9; 32]), &sealed.key_op()).expect("bela's own");
    let opened = sealed.open(&secret).expect("it opens");
    opened.verify(cast.anna.certificate.signing_key()).expect("anna's signature");
    assert_eq!(opened.description, description(0x11));
    (opened.m1.clone(), opened.into_dial())
}

fn header(kind: u8, to: &[u8; 32]) -> Vec<u8> {
    let seconds = u32::try_from(NOW_MS / 1_000).expect("before 2106");
    [b"B4S1", &[kind][..], to, &DIAL, &seconds.to_be_bytes()].concat()
}

fn header_fields(header: &[u8]) -> Vec<(&str, &[u8])> {
    vec![
        ("magic", &header[..4]),
        ("kind", &header[4..5]),
        ("to node", &header[5..37]),
        ("dial id", &header[37..53]),
        ("time", &header[53..57]),
    ]
}

/// Opens by the formulas: key and iv of `name`, nonce = iv XOR seq, associated data = all before the ciphertext.
fn opened(prk: &Prk, name: &str, seq: u8, frame: &[u8], from: usize) -> Vec<u8> {
    let key = AeadKey::new(&prk.expand::<32>(&[b"B4/v1/signal/", name.as_bytes(), b" key"]));
    let mut nonce = *prk.expand::<12>(&[b"B4/v1/signal/", name.as_bytes(), b" iv"]);
    nonce[11] ^= seq;
    key.open(&nonce, frame, from).expect("it opens under the key of the text").to_vec()
}

fn dial_keys(cast: &Cast, offer: &[u8]) -> (Vec<u8>, Prk) {
    let wrapped = &offer[HEADER_BYTES + 2..HEADER_BYTES + 2 + 384];
    let plain = unwrapped(&cast.bela, "B4/v1/signal", wrapped);
    assert_eq!(plain[32..], h(&[&offer[..HEADER_BYTES]]));
    let prk = extract(&h(&[&offer[..HEADER_BYTES], wrapped]), &[&plain[..32]]);
    (plain, prk)
}

#[test]
fn offer() {
    let cast = cast();
    let offer = sealed(&cast).offer;
    let m1 = read("handshake-m1")["M1"].clone();
    let head = header(1, &cast.bela.certificate.node_id().0);
    let from = HEADER_BYTES + 2 + 384;
    let wrapped = offer[HEADER_BYTES + 2..from].to_vec();
    let (secret, prk) = dial_keys(&cast, &offer);
    let plain = opened(&prk, "offer", 0, &offer, from);
    let described = description_bytes(0x11);
    let payload = [lp(&m1), described.clone()].concat();
    let signature = plain[payload.len() + 2..].to_vec();
    let mut fields = header_fields(&head);
    let wrapped_length = length(&wrapped);
    fields.extend([("length of wk", &wrapped_length[..]), ("wk", &wrapped), ("ciphertext", &offer[from..])]);
    let plaintext: &[(&str, &[u8])] = &[
        ("length of M1", &length(&m1)),
        ("M1", &m1),
        ("description", &described),
        ("length of signature", &length(&signature)),
        ("signature", &signature),
    ];
    Vector::new("signal-offer", "A sealed offer of anna for bela with the M1 of handshake-m1.txt (PROTOCOL.md#signalling).")
        .message("offer", &fields, &offer)
        .message("plaintext", plaintext, &plain)
        .message("wrapped", &[("K", &secret[..32]), ("H(header)", &secret[32..])], &secret)
        .check();
    let file = read("signal-offer");
    let signed = [b"B4/v1/signal", &head[..], &h(&[&wrapped]), &h(&[&payload])].concat();
    cast.anna.certificate.signing_key().verify(&signed, &file["plaintext.signature"]).expect("anna's signature");
    assert_eq!(open_offer(&cast, &file["offer"]).0, m1);
}

#[test]
fn answer_and_candidates() {
    let cast = cast();
    let sealed = sealed(&cast);
    let m2 = read("handshake-m2")["M2"].clone();
    let (_, prk) = dial_keys(&cast, &read("signal-offer")["offer"]);
    let (anna, bela) = (cast.anna.certificate.node_id().0, cast.bela.certificate.node_id().0);
    let vector = |name: &'static str, about: &str, frame: &[u8], head: Vec<u8>, plaintext: &[(&str, &[u8])], way: &str| {
        let seq = [frame[HEADER_BYTES]];
        let mut fields = header_fields(&head);
        fields.extend([("seq", &seq[..]), ("ciphertext", &frame[HEADER_BYTES + 1..])]);
        let plain = opened(&prk, way, seq[0], frame, HEADER_BYTES + 1);
        let about = format!("{about} (PROTOCOL.md#signalling).");
        Vector::new(name, &about).message("frame", &fields, frame).message("plaintext", plaintext, &plain).check();
    };
    let described = description_bytes(0x22);
    let fields: &[(&str, &[u8])] = &[("length of M2", &length(&m2)), ("M2", &m2), ("description", &described)];
    vector("signal-answer", "The sealed answer to signal-offer.txt", &sealed.answer, header(2, &anna), fields, "back");
    let candidate = candidate_bytes(1, 1_677_729_535, 40_001, b"2001:db8::7");
    let fields: &[(&str, &[u8])] = &[
        ("type", &candidate[..1]),
        ("priority", &candidate[1..5]),
        ("port", &candidate[5..7]),
        ("length of address", &candidate[7..8]),
        ("address", &candidate[8..]),
    ];
    vector("signal-candidate-forth", "A sealed candidate of the offerer", &sealed.forth, header(3, &bela), fields, "forth");
    vector("signal-candidate-back", "A sealed candidate of the answerer", &sealed.back, header(3, &anna), fields, "back");
}

#[test]
fn a_description() {
    let described = description_bytes(0x11);
    let fields: &[(&str, &[u8])] = &[
        ("length of ufrag", &described[..1]),
        ("ufrag", &described[1..5]),
        ("length of password", &described[5..6]),
        ("password", &described[6..30]),
        ("fingerprint", &described[30..62]),
        ("count", &described[62..63]),
        ("candidates", &described[63..]),
    ];
    Vector::new("description", "A description with two candidates (PROTOCOL.md#signalling); it travels in signal-offer.txt.")
        .message("description", fields, &read("signal-offer")["plaintext.description"])
        .check();
}
