//! The handshake between two devices, honest and attacked. The numbers T… are those of the attacks in PROTOCOL.md.

use super::*;
use crate::crypto::{Fingerprint, KeyOp, KeyOpResult, Rng};
use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};

const FP_I: Fingerprint = Fingerprint([0x11; 32]);
const FP_R: Fingerprint = Fingerprint([0x22; 32]);
const FP_RELAY: Fingerprint = Fingerprint([0x33; 32]);

/// Two devices and an insider, all certified by one authority.
struct Stage {
    authority: TestAuthority,
    anna: TestDevice,
    bela: TestDevice,
    eve: TestDevice,
}

fn stage() -> Stage {
    let mut authority = TestAuthority::new([1; 32]);
    let (anna, bela, eve) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS), authority.issue("eve", NOW_MS));
    Stage { authority, anna, bela, eve }
}

impl Stage {
    fn judge<'a>(&'a self, own: &'a TestDevice) -> Judge<'a> {
        Judge { own: &own.certificate, anchor: self.authority.anchor(), revoked: None, now_ms: NOW_MS + 1_000 }
    }
}

fn perform(device: &TestDevice, op: &KeyOp) -> KeyOpResult {
    device.keys.perform(&mut Rng::from_seed([9; 32]), op)
}

/// What the network may do to each message, and what the ends see as fingerprints.
struct Wire<'a> {
    tamper: &'a dyn Fn(usize, Vec<u8>) -> Vec<u8>,
    seen_by_i: (Fingerprint, Fingerprint),
    seen_by_r: (Fingerprint, Fingerprint),
}

fn honest() -> Wire<'static> {
    Wire { tamper: &|_, bytes| bytes, seen_by_i: (FP_I, FP_R), seen_by_r: (FP_I, FP_R) }
}

/// Runs the handshake between anna and bela as far as it goes; both ends when it went through.
fn run(stage: &Stage, wire: &Wire<'_>) -> Result<(Established, Established), HandshakeError> {
    run_seeded(stage, wire, (Rng::from_seed([5; 32]), Rng::from_seed([6; 32])))
}

fn run_seeded(stage: &Stage, wire: &Wire<'_>, seeds: (Rng, Rng)) -> Result<(Established, Established), HandshakeError> {
    let (mut rng_i, mut rng_r) = seeds;
    let (anna, bela) = (&stage.anna, &stage.bela);
    let (judge_i, judge_r) = (stage.judge(anna), stage.judge(bela));
    let waiting = start(&anna.certificate, wire.seen_by_i.0, &mut rng_i);
    let m1 = (wire.tamper)(1, waiting.m1().to_vec());
    let received = receive_m1(&m1, anna.certificate.node_id(), &judge_r)?;
    let (responder, m2) = received.answer(wire.seen_by_r.0, wire.seen_by_r.1, &bela.certificate, &mut rng_r)?;
    let m2 = (wire.tamper)(2, m2);
    let (initiator, op) = waiting.receive_m2(&m2, wire.seen_by_i.1, bela.certificate.node_id(), &judge_i)?;
    let (initiator, m3) = initiator.unwrapped(&perform(anna, &op), &mut rng_i)?;
    let m3 = (wire.tamper)(3, m3);
    let (responder, op) = responder.receive_m3(&m3)?;
    let (at_r, m4) = responder.unwrapped(&perform(bela, &op), &mut rng_r)?;
    let at_i = initiator.receive_m4(&(wire.tamper)(4, m4))?;
    Ok((at_i, at_r))
}

fn refusal(stage: &Stage, wire: &Wire<'_>) -> HandshakeError {
    run(stage, wire).err().expect("the handshake must not go through")
}

/// One whole message, as the honest run has it.
fn message(stage: &Stage, number: usize) -> Vec<u8> {
    let kept = std::cell::RefCell::new(Vec::new());
    let wire = Wire {
        tamper: &|at, bytes| {
            if at == number {
                kept.borrow_mut().clone_from(&bytes);
            }
            bytes
        },
        ..honest()
    };
    run(stage, &wire).map(|_| ()).expect("an honest handshake goes through");
    kept.into_inner()
}

#[test]
fn both_ends_agree_on_peers_and_keys() {
    let stage = stage();
    let (at_i, at_r) = run(&stage, &honest()).map_err(|error| error.to_string()).expect("an honest handshake");
    assert_eq!(at_i.peer.user_id().as_str(), "bela");
    assert_eq!(at_r.peer.user_id().as_str(), "anna");
    assert_eq!(at_i.keys.transcript, at_r.keys.transcript);
    assert_eq!(at_i.keys.prk.expand::<32>(&[b"x"]), at_r.keys.prk.expand::<32>(&[b"x"]));
}

#[test]
fn t2_a_relay_that_swaps_fingerprints_is_found_out() {
    let stage = stage();
    // It terminates DTLS on both sides: each end sees the relay's fingerprint as the other's.
    let both = Wire { seen_by_i: (FP_I, FP_RELAY), seen_by_r: (FP_RELAY, FP_R), ..honest() };
    assert_eq!(refusal(&stage, &both), HandshakeError::Proof);
    let one = Wire { seen_by_i: (FP_I, FP_RELAY), ..honest() };
    assert_eq!(refusal(&stage, &one), HandshakeError::Proof);
    let other = Wire { seen_by_r: (FP_RELAY, FP_R), ..honest() };
    assert_eq!(refusal(&stage, &other), HandshakeError::Proof);
    let crossed = Wire { seen_by_r: (FP_R, FP_I), ..honest() };
    assert_eq!(refusal(&stage, &crossed), HandshakeError::Proof);
}

/// Flips the bits of a message one by one. All of them, but for two parts that have a test of their own: of the certificate one bit
/// a byte (`every_single_bit_flip_of_a_good_certificate_is_refused`), of the wrapped part one bit of every eighth byte
/// (`t3_every_flipped_bit_of_a_wrapped_part_…`), since each of these costs private-key operations.
fn check_flips(number: usize, wrapped: impl Fn(usize) -> std::ops::Range<usize>) {
    let stage = stage();
    let length = message(&stage, number).len();
    let wrapped = wrapped(length);
    let certificate = match number {
        1 => 9..length - 32,
        2 => 5..length - 32 - 2 - wrapped.len(),
        _ => 0..0,
    };
    for (byte, bit) in (0..length).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
        let is_one_of_eight = bit == byte % 8;
        if certificate.contains(&byte) && !is_one_of_eight || wrapped.contains(&byte) && (byte % 8 != 0 || !is_one_of_eight) {
            continue;
        }
        let wire = Wire {
            tamper: &|at, mut message: Vec<u8>| {
                if at == number {
                    message[byte] ^= 1 << bit;
                }
                message
            },
            ..honest()
        };
        assert!(run(&stage, &wire).is_err(), "bit {bit} of byte {byte} of M{number}");
    }
}

/// The keys do the worst they could: they open what was flipped as if nothing had been. The transcript tells all the same.
#[test]
fn t3_every_flipped_bit_of_a_wrapped_part_is_in_the_transcript() {
    let stage = stage();
    let (anna, bela) = (&stage.anna, &stage.bela);
    let (judge_i, judge_r) = (stage.judge(anna), stage.judge(bela));
    let (m1, m2, m3) = (message(&stage, 1), message(&stage, 2), message(&stage, 3));
    let (in_m2, in_m3) = (m2.len() - 384..m2.len(), 3..387);
    let open = |device: &TestDevice, label, wrapped: &[u8]| perform(device, &KeyOp::Unwrap { label, ciphertext: wrapped.to_vec() });
    let (of_m2, of_m3) = (open(anna, LABEL_TO_INITIATOR, &m2[in_m2.clone()]), open(bela, LABEL_TO_RESPONDER, &m3[in_m3.clone()]));
    let responder = || {
        let received = receive_m1(&m1, anna.certificate.node_id(), &judge_r).expect("anna's M1");
        let answered = received.answer(FP_I, FP_R, &bela.certificate, &mut Rng::from_seed([6; 32])).expect("no degenerate key");
        assert_eq!(answered.1, m2, "all of bela's draws are the same again");
        answered.0
    };
    // What anna wraps for bela, known without bela's key: her third draw, after her ephemeral key and what stands in for a failed unwrap.
    let wrapped_by_anna = |wrapped_r: &[u8]| {
        let mut rng = Rng::from_seed([5; 32]);
        let [_, _, a] = [(); 3].map(|()| zeroize::Zeroizing::new(rng.array::<32>()));
        let th1 = message::th1(&FP_I, &FP_R, &m1, &m2[..in_m2.start - 2]);
        let th2 = message::th2(&th1, wrapped_r);
        keys::wrapped_plain(Role::Initiator, &a, &anna.certificate.hash(), &bela.certificate.hash(), &th2)
    };
    let known = wrapped_by_anna(&m2[in_m2.clone()]);
    assert_eq!(of_m3.as_ref().ok().map(|plain| plain.to_vec()), Some(known.to_vec()));
    for bit in 0..384 * 8 {
        let mut flipped = m3.clone();
        flipped[in_m3.start + bit / 8] ^= 1 << (bit % 8);
        let (waiting, _) = responder().receive_m3(&flipped).expect("its form is right");
        assert_eq!(waiting.unwrapped(&of_m3, &mut Rng::from_seed([6; 32])).err(), Some(HandshakeError::Proof), "bit {bit} of M3");

        let mut flipped = m2.clone();
        flipped[in_m2.start + bit / 8] ^= 1 << (bit % 8);
        let mut rng = Rng::from_seed([5; 32]);
        let waiting = start(&anna.certificate, FP_I, &mut rng);
        let (waiting, _) = waiting.receive_m2(&flipped, FP_R, bela.certificate.node_id(), &judge_i).expect("its form is right");
        let (_, m3) = waiting.unwrapped(&of_m2, &mut rng).expect("goes on");
        let (waiting, _) = responder().receive_m3(&m3).expect("its form is right");
        let wrapped = Ok(wrapped_by_anna(&flipped[in_m2.clone()]));
        assert_eq!(waiting.unwrapped(&wrapped, &mut Rng::from_seed([6; 32])).err(), Some(HandshakeError::Proof), "bit {bit} of M2");
    }
}

#[test]
fn t3_every_flipped_bit_of_m1_is_refused() {
    check_flips(1, |_| 0..0);
}

#[test]
fn t3_every_flipped_bit_of_m2_is_refused() {
    check_flips(2, |length| length - 384..length);
}

#[test]
fn t3_every_flipped_bit_of_m3_is_refused() {
    check_flips(3, |_| 3..387);
}

#[test]
fn t3_every_flipped_bit_of_m4_is_refused() {
    check_flips(4, |_| 0..0);
}

#[test]
fn t3_stripped_and_invented_versions_and_suites_are_refused() {
    let stage = stage();
    let m1 = message(&stage, 1);
    // 0x01 | 0001 | 01 | 0001 | 01 | …
    let lists = [
        (vec![0, 0], vec![0, 1, 1], HandshakeError::Malformed),
        (vec![0, 1, 9], vec![0, 1, 1], HandshakeError::Version),
        (vec![0, 1, 1], vec![0, 1, 9], HandshakeError::Version),
        (vec![0, 2, 1, 9], vec![0, 1, 1], HandshakeError::Proof),
        (vec![0, 1, 1], vec![0, 2, 1, 9], HandshakeError::Proof),
    ];
    for (versions, suites, error) in lists {
        let forged = [&[1][..], &versions, &suites, &m1[7..]].concat();
        let wire = Wire { tamper: &|at, bytes| if at == 1 { forged.clone() } else { bytes }, ..honest() };
        assert_eq!(refusal(&stage, &wire), error);
    }
}

#[test]
fn cut_and_extended_messages_are_refused() {
    let stage = stage();
    for number in 1..=4 {
        for change in [-1, 1] {
            let wire = Wire {
                tamper: &|at, mut bytes: Vec<u8>| {
                    if at == number {
                        bytes.resize(bytes.len().saturating_add_signed(change), 0);
                    }
                    bytes
                },
                ..honest()
            };
            assert_eq!(refusal(&stage, &wire), HandshakeError::Malformed, "M{number} {change}");
        }
    }
}

#[test]
fn t4_reflection_and_ones_own_certificate_are_refused() {
    let stage = stage();
    let judge = stage.judge(&stage.anna);
    let waiting = start(&stage.anna.certificate, FP_I, &mut Rng::from_seed([1; 32]));
    let own = stage.anna.certificate.node_id();
    assert_eq!(receive_m1(waiting.m1(), own, &judge).err(), Some(HandshakeError::WrongPeer));
    // M1 sent back as M2, and M3 as M4.
    let m1 = waiting.m1().to_vec();
    let bela = stage.bela.certificate.node_id();
    assert_eq!(waiting.receive_m2(&m1, FP_R, bela, &judge).err(), Some(HandshakeError::Malformed));
    let m3 = message(&stage, 3);
    let reflected = Wire { tamper: &|at, bytes| if at == 4 { m3.clone() } else { bytes }, ..honest() };
    assert_eq!(refusal(&stage, &reflected), HandshakeError::Malformed);
    // The initiator's own MAC is not the responder's.
    let m3_mac = m3[m3.len() - 32..].to_vec();
    let as_m4 = Wire { tamper: &|at, bytes| if at == 4 { [&[4][..], &m3_mac].concat() } else { bytes }, ..honest() };
    assert_eq!(refusal(&stage, &as_m4), HandshakeError::Proof);
}

#[test]
fn t5_messages_of_an_earlier_run_do_not_make_a_new_one() {
    let stage = stage();
    let recorded: Vec<Vec<u8>> = (1..=4).map(|number| message(&stage, number)).collect();
    // What the keys say to the recorded parts never changes: asked once, used a thousand times.
    let wrapped = |message: &[u8], from: usize| message[from..from + 384].to_vec();
    let unwrap = |device: &TestDevice, label, ciphertext| perform(device, &KeyOp::Unwrap { label, ciphertext });
    let of_m3 = unwrap(&stage.bela, LABEL_TO_RESPONDER, wrapped(&recorded[2], 3));
    let of_m2 = unwrap(&stage.anna, LABEL_TO_INITIATOR, wrapped(&recorded[1], recorded[1].len() - 384));
    assert!(of_m2.is_ok() && of_m3.is_ok());
    let (judge_anna, judge_bela) = (stage.judge(&stage.anna), stage.judge(&stage.bela));
    let (anna, bela) = (stage.anna.certificate.node_id(), stage.bela.certificate.node_id());
    for seed in 0..500_u32 {
        // A fresh responder gets the whole recorded run of anna.
        let mut rng = Rng::from_seed(crate::crypto::sha256(&[&seed.to_be_bytes()]));
        let received = receive_m1(&recorded[0], anna, &judge_bela).expect("M1 alone proves nothing");
        let (responder, _) = received.answer(FP_I, FP_R, &stage.bela.certificate, &mut rng).expect("answers");
        let (responder, _) = responder.receive_m3(&recorded[2]).expect("its form is right");
        assert_eq!(responder.unwrapped(&of_m3, &mut rng).err(), Some(HandshakeError::Proof));
        // A fresh initiator gets the recorded M2 and M4.
        let waiting = start(&stage.anna.certificate, FP_I, &mut rng);
        let (initiator, _) = waiting.receive_m2(&recorded[1], FP_R, bela, &judge_anna).expect("its form is right");
        let (initiator, _) = initiator.unwrapped(&of_m2, &mut rng).expect("goes on");
        assert_eq!(initiator.receive_m4(&recorded[3]).err(), Some(HandshakeError::Proof));
    }
}

#[test]
fn t5_single_messages_of_an_earlier_run_do_not_fit_into_another() {
    let stage = stage();
    let recorded: Vec<Vec<u8>> = (1..=4).map(|number| message(&stage, number)).collect();
    // Another run of the same two, under other seeds, in which one message is the recorded one.
    for number in 1..=4 {
        let wire = Wire { tamper: &|at, bytes| if at == number { recorded[number - 1].clone() } else { bytes }, ..honest() };
        let seeds = (Rng::from_seed([25; 32]), Rng::from_seed([26; 32]));
        assert_eq!(run_seeded(&stage, &wire, seeds).err(), Some(HandshakeError::Proof), "M{number}");
    }
}

#[test]
fn t1_an_insider_in_the_middle_never_makes_two_others_believe() {
    // Eve, certified, stands between anna, who dialled her, and bela, to whom she claims to be anna.
    let stage = stage();
    let (judge_anna, judge_bela) = (stage.judge(&stage.anna), stage.judge(&stage.bela));
    let (mut rng_a, mut rng_b) = (Rng::from_seed([1; 32]), Rng::from_seed([2; 32]));
    let waiting = start(&stage.anna.certificate, FP_I, &mut rng_a);
    // She passes anna's M1 on to bela, as anna's.
    let received = receive_m1(waiting.m1(), stage.anna.certificate.node_id(), &judge_bela).expect("anna's own M1");
    let (at_bela, m2) = received.answer(FP_I, FP_R, &stage.bela.certificate, &mut rng_b).expect("answers");
    // Anna dialled eve: bela's M2 is not eve's.
    let eve = stage.eve.certificate.node_id();
    let again = start(&stage.anna.certificate, FP_I, &mut Rng::from_seed([1; 32]));
    assert_eq!(again.receive_m2(&m2, FP_R, eve, &judge_anna).err(), Some(HandshakeError::WrongPeer));
    // With her own certificate and ephemeral in M2 and bela's wrapped part, anna's proof does not serve at bela.
    let (_, wrapped) = m2.split_at(m2.len() - 386);
    let head = message::M2::encode_head(stage.eve.certificate.der(), &[9; 32]);
    let forged = [&head[..], wrapped].concat();
    let (at_anna, op) = waiting.receive_m2(&forged, FP_R, eve, &judge_anna).expect("its form is right");
    let (_, m3) = at_anna.unwrapped(&perform(&stage.anna, &op), &mut rng_a).expect("goes on");
    let (at_bela, op) = at_bela.receive_m3(&m3).expect("its form is right");
    assert_eq!(at_bela.unwrapped(&perform(&stage.bela, &op), &mut rng_b).err(), Some(HandshakeError::Proof));
}

/// T1: three certified devices dial each other at random, one of them evil: she holds her own keys, sees every message, and hands any
/// message of any run to any stage that would read it. Whatever the order, who ends up in a session has it with whom they
/// meant, and the two ends of one have the same keys.
#[test]
fn t1_no_interleaving_makes_a_session_with_somebody_else() {
    let stage = stage();
    let mut rng = Rng::from_seed([42; 32]);
    let mut established = 0;
    for order in 0..1_000_u32 {
        established += interleave(&stage, &mut rng, order);
    }
    assert!(established >= 20, "{established}: honest orders among them go through");
}

/// Messages of one run; empty until they are made.
#[derive(Clone, Default)]
struct Heard {
    m1: Vec<Vec<u8>>,
    m2: Vec<Vec<u8>>,
    m3: Vec<Vec<u8>>,
    m4: Vec<Vec<u8>>,
}

/// One order of events. Anna dials bela or eve; bela answers whom the relay names. All bytes go through eve, who picks among
/// what she has heard and made. Returns how many sessions came about.
fn interleave(stage: &Stage, rng: &mut Rng, order: u32) -> usize {
    let (anna, bela, eve) = (&stage.anna, &stage.bela, &stage.eve);
    let (judge_anna, judge_bela) = (stage.judge(anna), stage.judge(bela));
    let dialled = if order.is_multiple_of(2) { bela } else { eve };
    let named = if order.is_multiple_of(3) { eve } else { anna };
    let mut heard = Heard::default();
    let waiting = start(&anna.certificate, FP_I, rng);
    heard.m1.push(waiting.m1().to_vec());
    // Her own dial of bela, and of herself with anna's ephemeral key.
    let hers = start(&eve.certificate, FP_I, rng);
    heard.m1.push(hers.m1().to_vec());
    let stolen = waiting.m1()[waiting.m1().len() - 32..].try_into().expect("32 bytes");
    heard.m1.push(message::M1 { certificate: eve.certificate.der(), ephemeral: stolen }.encode());
    let m1 = pick(&heard.m1, rng);
    let mut at_bela = None;
    if let Ok(received) = receive_m1(&m1, named.certificate.node_id(), &judge_bela) {
        assert_eq!(received.peer(), &named.certificate);
        let (responder, m2) = received.answer(FP_I, FP_R, &bela.certificate, rng).expect("no degenerate key");
        heard.m2.push(m2);
        at_bela = Some(responder);
    }
    // Her own answers: honest to anna's M1, and with bela's parts under her certificate or the other way round.
    if let Ok(received) = receive_m1(waiting.m1(), anna.certificate.node_id(), &stage.judge(eve)) {
        heard.m2.push(received.answer(FP_I, FP_R, &eve.certificate, rng).expect("no degenerate key").1);
    }
    for (of, certificate) in [(0, &eve.certificate), (heard.m2.len() - 1, &bela.certificate)] {
        let parts = message::M2::decode(&heard.m2[of]).expect("made by the protocol");
        let head = message::M2::encode_head(certificate.der(), &parts.ephemeral);
        let forged = crate::codec::Writer::new().raw(&head).lp(parts.wrapped).into_bytes();
        heard.m2.push(forged);
    }
    let m2 = pick(&heard.m2, rng);
    let mut at_anna = None;
    if let Ok((initiator, op)) = waiting.receive_m2(&m2, FP_R, dialled.certificate.node_id(), &judge_anna) {
        let (initiator, m3) = initiator.unwrapped(&perform(anna, &op), rng).expect("goes on");
        assert_eq!(initiator.peer(), &dialled.certificate);
        heard.m3.push(m3);
        at_anna = Some(initiator);
    }
    if let Ok((initiator, op)) = hers.receive_m2(&heard.m2[0], FP_R, bela.certificate.node_id(), &stage.judge(eve)) {
        heard.m3.push(initiator.unwrapped(&perform(eve, &op), rng).expect("goes on").1);
    }
    // Anna's proof with another's wrapped part.
    if let [first, .., last] = heard.m3.as_slice() {
        heard.m3.push([&first[..387], &last[387..]].concat());
    }
    let mut sessions = Vec::new();
    if let (Some(responder), false) = (at_bela, heard.m3.is_empty()) {
        let (responder, op) = responder.receive_m3(&pick(&heard.m3, rng)).expect("its form is right");
        if let Ok((session, m4)) = responder.unwrapped(&perform(bela, &op), rng) {
            heard.m4.push(m4);
            assert_eq!(session.peer, named.certificate, "bela has a session with whom the relay named");
            sessions.push(session);
        }
    }
    if let (Some(initiator), false) = (at_anna, heard.m4.is_empty())
        && let Ok(session) = initiator.receive_m4(&pick(&heard.m4, rng))
    {
        assert_eq!(session.peer, bela.certificate, "only bela made this M4");
        assert_eq!(sessions[0].peer, anna.certificate, "and for anna");
        assert_eq!(session.keys.transcript, sessions[0].keys.transcript);
        sessions.push(session);
    }
    sessions.len()
}

fn pick(among: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    among[rng.below(among.len() as u64) as usize].clone()
}

#[test]
fn t2_a_relay_that_swaps_certificates_is_found_out() {
    let stage = stage();
    // M2 with another's certificate: another's, who was not dialled; or her own from another authority under bela's name.
    let rogue = TestAuthority::stranger([3; 32]).issue("bela", NOW_MS);
    for (certificate, error) in [
        (&stage.eve.certificate, HandshakeError::WrongPeer),
        (&rogue.certificate, HandshakeError::Certificate(crate::identity::CertificateError::BadSignature)),
        (&stage.anna.certificate, HandshakeError::WrongPeer),
    ] {
        let tamper = |at: usize, bytes: Vec<u8>| {
            if at != 2 {
                return bytes;
            }
            let parts = message::M2::decode(&bytes).expect("bela's M2");
            let head = message::M2::encode_head(certificate.der(), &parts.ephemeral);
            crate::codec::Writer::new().raw(&head).lp(parts.wrapped).into_bytes()
        };
        assert_eq!(refusal(&stage, &Wire { tamper: &tamper, ..honest() }), error);
    }
    // M1 with another's certificate: bela answers whom it names, and anna's keys do not open it.
    let tamper = |at: usize, bytes: Vec<u8>| {
        if at != 1 {
            return bytes;
        }
        let parts = message::M1::decode(&bytes).expect("anna's M1");
        message::M1 { certificate: stage.eve.certificate.der(), ephemeral: parts.ephemeral }.encode()
    };
    assert_eq!(refusal(&stage, &Wire { tamper: &tamper, ..honest() }), HandshakeError::WrongPeer);
}

#[test]
fn a_revoked_certificate_is_refused_at_both_ends() {
    let stage = stage();
    let serials = [stage.anna.certificate.serial_hash(), stage.bela.certificate.serial_hash()].into();
    let list = stage.authority.issuer().sign_revocations(&mut Rng::from_seed([1; 32]), 1, NOW_MS, &serials);
    let list = RevocationList::decode_verified(&list, stage.authority.anchor(), None).expect("a good list");
    let strict = |own| Judge { revoked: Some(&list), ..stage.judge(own) };
    let revoked = Some(HandshakeError::Certificate(crate::identity::CertificateError::Revoked));
    let waiting = start(&stage.anna.certificate, FP_I, &mut Rng::from_seed([4; 32]));
    let node = stage.anna.certificate.node_id();
    assert_eq!(receive_m1(waiting.m1(), node, &strict(&stage.bela)).err(), revoked);
    let m2 = message(&stage, 2);
    let bela = stage.bela.certificate.node_id();
    assert_eq!(waiting.receive_m2(&m2, FP_R, bela, &strict(&stage.anna)).err(), revoked);
}

/// T7: afterwards, with everything that was sent and both private keys, A and B are known and Z is not: the keys of the session are others.
#[test]
fn t7_recorded_traffic_and_both_private_keys_do_not_give_the_session() {
    let stage = stage();
    let (at_i, _) = run(&stage, &honest()).map_err(|error| error.to_string()).expect("an honest handshake");
    let (m1, m2, m3) = (message(&stage, 1), message(&stage, 2), message(&stage, 3));
    let unwrap = |device: &TestDevice, label, ciphertext: &[u8]| {
        let op = KeyOp::Unwrap { label, ciphertext: ciphertext.to_vec() };
        perform(device, &op).expect("the private keys open it")[1..33].to_vec()
    };
    let b = unwrap(&stage.anna, LABEL_TO_INITIATOR, &m2[m2.len() - 384..]);
    let a = unwrap(&stage.bela, LABEL_TO_RESPONDER, &m3[3..387]);
    let (e_i, e_r) = (&m1[m1.len() - 32..], message::M2::decode(&m2).expect("M2").ephemeral);
    let real = at_i.keys.prk.expand::<32>(&[b"B4/v1/key i", &[0, 1]]);
    // All that a thief has in place of Z.
    for z in [&[0; 32][..], e_i, &e_r, &a, &b] {
        let guess = crate::crypto::Prk::extract(&at_i.keys.transcript, &[&a, &b, z]);
        assert_ne!(guess.expand::<32>(&[b"B4/v1/key i", &[0, 1]]), real);
    }
}

#[test]
fn certificates_of_others_expired_and_for_other_names_are_refused() {
    let mut stage = stage();
    let rogue = TestAuthority::stranger([3; 32]).issue("anna", NOW_MS);
    let expired = stage.authority.issue("anna2", NOW_MS - 100 * 86_400_000);
    let check = |device: &TestDevice, named: &TestDevice, error: fn(&HandshakeError) -> bool| {
        let waiting = start(&device.certificate, FP_I, &mut Rng::from_seed([4; 32]));
        let judge = stage.judge(&stage.bela);
        let refused = receive_m1(waiting.m1(), named.certificate.node_id(), &judge).err().expect("refused");
        assert!(error(&refused), "{refused:?}");
    };
    check(&rogue, &rogue, |error| matches!(error, HandshakeError::Certificate(_)));
    check(&expired, &expired, |error| matches!(error, HandshakeError::Certificate(crate::identity::CertificateError::Expired)));
    check(&stage.eve, &stage.anna, |error| matches!(error, HandshakeError::WrongPeer));
}

#[test]
fn a_degenerate_ephemeral_key_is_refused() {
    let stage = stage();
    let tamper = |at: usize, mut bytes: Vec<u8>| {
        if at == 1 {
            let from = bytes.len() - 32;
            bytes[from..].fill(0);
        }
        bytes
    };
    assert_eq!(refusal(&stage, &Wire { tamper: &tamper, ..honest() }), HandshakeError::Ephemeral);
}

/// Offer and answer have a bound (PROTOCOL.md#signalling): the longest names, and the longest ICE texts that a browser makes (Firefox's).
#[test]
fn m1_and_m2_of_the_longest_names_fit_into_offer_and_answer() {
    use crate::signal::description::Description;
    use crate::signal::sealed::{DialId, Header, OfferDraft, SealedOffer};
    let mut stage = stage();
    (stage.anna, stage.bela) = (stage.authority.issue(&"a".repeat(32), NOW_MS), stage.authority.issue(&"b".repeat(32), NOW_MS));
    let sdp = format!(
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\n",
        "u".repeat(8),
        "p".repeat(32),
        ["AB"; 32].join(":")
    );
    let description = Description::from_sdp(&sdp).expect("SDP");
    let (to, key) = (*stage.bela.certificate.node_id(), stage.bela.certificate.wrapping_key());
    let (m1, m2) = (message(&stage, 1), message(&stage, 2));
    let draft = OfferDraft::new(to, key, DialId([1; 16]), &m1, &description, NOW_MS, &mut Rng::from_seed([1; 32]));
    let signature = perform(&stage.anna, &draft.key_op()).expect("a signature");
    let (offer, _) = draft.finish(&signature).expect("the offer fits");
    let sealed = SealedOffer::new(Header::read(&offer, &to, NOW_MS).expect("for bela"), offer).expect("an offer");
    let secret = perform(&stage.bela, &sealed.key_op()).expect("bela's own");
    let opened = sealed.open(&secret).expect("it opens");
    let answer = opened.into_dial().seal_answer(*stage.anna.certificate.node_id(), DialId([1; 16]), &m2, &description, NOW_MS);
    assert!(answer.is_ok(), "the answer fits");
}

#[test]
fn the_safety_number_is_the_same_at_both_ends_and_changes_with_a_key() {
    let (a, b) = ([1; 32], [2; 32]);
    let number = safety_number(&a, &b);
    assert_eq!(number, safety_number(&b, &a));
    assert_ne!(number, safety_number(&a, &[3; 32]));
    assert_eq!(number.split(' ').map(str::len).collect::<Vec<_>>(), [5; 12]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_reading_panic_or_prove_anything(kind in 0..5_u8, bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
        let bytes = [&[kind], &bytes[..]].concat();
        static STAGE: std::sync::OnceLock<Stage> = std::sync::OnceLock::new();
        let stage = STAGE.get_or_init(stage);
        let judge = stage.judge(&stage.bela);
        proptest::prop_assert!(receive_m1(&bytes, stage.anna.certificate.node_id(), &judge).is_err());
        let waiting = start(&stage.bela.certificate, FP_I, &mut Rng::from_seed([1; 32]));
        proptest::prop_assert!(waiting.receive_m2(&bytes, FP_R, stage.anna.certificate.node_id(), &judge).is_err());
        let _ = message::M3::decode(&bytes);
        let _ = message::M4::decode(&bytes);
    }
}
