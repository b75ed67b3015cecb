//! Sessions between two ends that share keys, honest and attacked.

use std::sync::OnceLock;

use super::*;
use crate::crypto::{Prk, Rng, sha256};
use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use crate::limits::{REKEY_AGE_MS, REKEY_RECORDS};
use proptest::prelude::*;

const NOW: Now = Now { mono: 0, wall: NOW_MS };

fn pair() -> (Session, Session) {
    // Issuing is slow, and tests make many pairs.
    static PEERS: OnceLock<[TestDevice; 2]> = OnceLock::new();
    let [anna, bela] = PEERS.get_or_init(|| {
        let mut authority = TestAuthority::new([1; 32]);
        ["anna", "bela"].map(|user| authority.issue(user, NOW_MS))
    });
    let session = |role, peer: &TestDevice| {
        let keys = SessionKeys { role, transcript: [7; 32], prk: Prk::extract(b"salt", &[b"secret"]) };
        let rng = Rng::from_seed(sha256(&[role.letter()]));
        Session::new(Established { peer: peer.certificate.clone(), keys }, rng, NOW)
    };
    (session(Role::Initiator, bela), session(Role::Responder, anna))
}

/// Carries records to `to` and its replies back, until all is quiet; returns what arrived at `to`.
fn carry(records: Vec<Vec<u8>>, from: &mut Session, to: &mut Session, now: Now) -> Vec<(Content, Vec<u8>)> {
    let mut arrived = Vec::new();
    for record in records {
        let opened = to.open(LIVE, &record, now).expect("an honest record opens");
        arrived.extend(opened.body);
        for (channel, reply) in opened.replies {
            let back = from.open(channel, &reply, now).expect("an honest reply opens");
            assert!(back.body.is_none());
            for (channel, first) in back.replies {
                assert_eq!(to.open(channel, &first, now).expect("the first of new keys opens").body, Some((Content::Pong, Vec::new())));
            }
        }
    }
    arrived
}

#[test]
fn bodies_of_all_lengths_arrive_whole_and_in_order() {
    let (mut a, mut b) = pair();
    for length in [0, 1, 57, 58, 59, 250, 251, 1_018, 1_019, 4_090, 4_091, 15_993, 15_994, 15_995, 16_449, 72 * 1024] {
        let body: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let records = a.seal(LIVE, Content::Message, &body, NOW);
        assert!(records.iter().all(|record| record.len() <= 16 * 1024));
        assert_eq!(carry(records, &mut a, &mut b, NOW), [(Content::Message, body.clone())]);
        let records = b.seal(LIVE, Content::Delivered, &body, NOW);
        assert_eq!(carry(records, &mut b, &mut a, NOW), [(Content::Delivered, body)]);
    }
}

#[test]
fn a_records_length_tells_only_its_class() {
    let (mut a, _) = pair();
    let length = |a: &mut Session, bytes: usize| a.seal(LIVE, Content::Message, &vec![0; bytes], NOW)[0].len();
    assert_eq!(length(&mut a, 0), length(&mut a, 58));
    assert_eq!(length(&mut a, 59), length(&mut a, 250));
    assert_ne!(length(&mut a, 58), length(&mut a, 59));
}

#[test]
fn t6_every_flipped_bit_of_a_record_is_refused() {
    let (mut a, _) = pair();
    let record = a.seal(LIVE, Content::Message, b"hello", NOW).remove(0);
    for byte in 0..record.len() {
        for bit in 0..8 {
            let mut flipped = record.clone();
            flipped[byte] ^= 1 << bit;
            assert!(pair().1.open(LIVE, &flipped, NOW).is_err(), "bit {bit} of byte {byte}");
        }
    }
}

#[test]
fn t6_repeated_reordered_reflected_and_foreign_records_are_refused() {
    let check = |name: &str, attack: &dyn Fn(&mut Session, &mut Session) -> Result<Opened, SessionError>| {
        let (mut a, mut b) = pair();
        assert!(attack(&mut a, &mut b).is_err(), "{name}");
    };
    let seal = |session: &mut Session| session.seal(LIVE, Content::Message, b"hello", NOW).remove(0);
    check("repeated", &|a, b| {
        let record = seal(a);
        b.open(LIVE, &record, NOW).expect("the first time it opens");
        b.open(LIVE, &record, NOW)
    });
    check("reordered", &|a, b| {
        let _first = seal(a);
        let second = seal(a);
        b.open(LIVE, &second, NOW)
    });
    check("reflected", &|a, _| {
        let record = seal(a);
        a.open(LIVE, &record, NOW)
    });
    check("other channel", &|a, b| {
        let record = seal(a);
        b.open(RING, &record, NOW)
    });
    check("other epoch", &|a, b| {
        let mut record = seal(a);
        record[2] = 1;
        b.open(LIVE, &record, NOW)
    });
    check("cut", &|a, b| {
        let record = seal(a);
        b.open(LIVE, &record[..record.len() - 1], NOW)
    });
}

/// Content, whether more follow, bytes.
type Fragment = (Content, bool, usize);

#[test]
fn fragments_are_bounded_and_not_mixed() {
    let check = |fragments: &[Fragment], error: Option<SessionError>| {
        let (mut a, mut b) = pair();
        let refused = fragments.iter().find_map(|(content, more, length)| {
            let record = a.channels[0].send.seal_fragment(*content, *more, &vec![1; *length]);
            b.open(LIVE, &record, NOW).err()
        });
        assert_eq!(refused, error);
    };
    check(&[(Content::Message, true, 15_994), (Content::Message, false, 9)], None);
    check(&[(Content::Message, true, 9), (Content::Delivered, false, 9)], Some(SessionError::Malformed));
    check(&[(Content::Message, true, 15_994); 4], None);
    check(&[(Content::Message, true, 15_994); 5], Some(SessionError::TooLong));
}

#[test]
fn new_keys_are_made_after_ten_minutes_and_the_traffic_goes_on() {
    let (mut a, mut b) = pair();
    let later = Now { mono: REKEY_AGE_MS, wall: NOW_MS + REKEY_AGE_MS };
    let first = a.seal(LIVE, Content::Message, b"before", NOW);
    assert_eq!(first.len(), 1);
    carry(first, &mut a, &mut b, NOW);
    let records = a.seal(LIVE, Content::Message, b"due", later);
    assert_eq!(records.len(), 2, "the message and the request for new keys");
    // Traffic of the responder that crosses the request stays in the old epoch.
    let crossing = b.seal(LIVE, Content::Message, b"crossing", later);
    assert_eq!(carry(crossing, &mut b, &mut a, later), [(Content::Message, b"crossing".to_vec())]);
    carry(records, &mut a, &mut b, later);
    assert_eq!((a.epoch, b.epoch), (1, 1));
    let old_prk = pair().0.keys.prk.expand::<32>(&[b"x"]);
    assert_ne!(a.keys.prk.expand::<32>(&[b"x"]), old_prk);
    for round in 0..3 {
        let records = a.seal(LIVE, Content::Message, &[round], later);
        assert_eq!(records[0][2], 1, "in the new epoch");
        assert_eq!(carry(records, &mut a, &mut b, later).len(), 1);
        let records = b.seal(LIVE, Content::Message, &[round], later);
        assert_eq!(carry(records, &mut b, &mut a, later).len(), 1);
    }
}

#[test]
fn channels_may_overtake_each_other_while_new_keys_are_made() {
    let (mut a, mut b) = pair();
    let later = Now { mono: REKEY_AGE_MS, wall: NOW_MS + REKEY_AGE_MS };
    let ring = |session: &mut Session, body: &[u8]| session.seal(RING, Content::Ring, body, later).remove(0);
    let open = |session: &mut Session, record: &[u8]| session.open(RING, record, later).expect("it opens").body;
    let ours = ring(&mut a, b"before");
    let request = a.take_waiting().expect("sealing on any channel asks for new keys");
    let answer = b.open(LIVE, &request, later).expect("it opens").replies.remove(0).1;
    // The responder has the new keys and goes on with the old ones here: its record may come before the answer.
    let theirs = ring(&mut b, b"overtakes");
    assert_eq!(open(&mut a, &theirs), Some((Content::Ring, b"overtakes".to_vec())));
    assert_eq!(open(&mut b, &ours), Some((Content::Ring, b"before".to_vec())));
    let (channel, first) = a.open(LIVE, &answer, later).expect("it opens").replies.remove(0);
    assert_eq!((channel, first[2]), (RING, 1), "a first record in the new epoch");
    let late = ring(&mut b, b"late");
    assert_eq!(late[2], 0);
    assert_eq!(open(&mut a, &late), Some((Content::Ring, b"late".to_vec())));
    assert_eq!(open(&mut b, &first), Some((Content::Pong, Vec::new())));
    let new = ring(&mut b, b"new");
    assert_eq!(new[2], 1);
    assert_eq!(open(&mut a, &new), Some((Content::Ring, b"new".to_vec())));
}

#[test]
fn a_channel_may_be_silent_for_a_whole_epoch() {
    let (mut a, mut b) = pair();
    // New keys on the first channel; returns the first record in them on each other one.
    let rekey = |a: &mut Session, b: &mut Session, now: Now| {
        let mut answers = Vec::new();
        for record in a.seal(LIVE, Content::Message, b"due", now) {
            answers.extend(b.open(LIVE, &record, now).expect("it opens").replies);
        }
        a.open(LIVE, &answers.remove(0).1, now).expect("it opens").replies
    };
    for number in 1..=3 {
        let now = Now { mono: number * REKEY_AGE_MS, ..NOW };
        let pongs = rekey(&mut a, &mut b, now);
        assert_eq!(pongs.iter().map(|(channel, _)| *channel).collect::<Vec<_>>(), [RING, DEPOSIT, COLLECT, FILE]);
        // Before the pong comes the responder still has the last epoch's keys here.
        if number == 3 {
            let record = b.seal(RING, Content::Ring, b"at last", now).remove(0);
            assert_eq!(record[2], 2, "in the epoch before");
            assert_eq!(a.open(RING, &record, now).expect("it opens").body, Some((Content::Ring, b"at last".to_vec())));
        }
        for (channel, pong) in pongs {
            b.open(channel, &pong, now).expect("it opens");
        }
    }
}

#[test]
fn new_keys_cannot_be_computed_from_what_the_ends_remember_after_the_next() {
    let (mut a, mut b) = pair();
    let later = Now { mono: REKEY_AGE_MS, ..NOW };
    let records = a.seal(LIVE, Content::Message, b"due", later);
    let public = a.rekeying.as_ref().expect("under way").public();
    carry(records, &mut a, &mut b, later);
    let theirs = |session: &mut Session| {
        session.rng.rewind();
        EphemeralSecret::draw(&mut session.rng).public()
    };
    assert_ne!(theirs(&mut a), public);
    let drawn = EphemeralSecret::draw(&mut Rng::from_seed(sha256(&[Role::Responder.letter()]))).public();
    assert_ne!(theirs(&mut b), drawn);
}

#[test]
fn every_record_of_a_long_body_counts() {
    let (mut a, mut b) = pair();
    let records = a.seal(LIVE, Content::Message, &[0; 40_000], NOW);
    assert_eq!(records.len(), 3);
    carry(records, &mut a, &mut b, NOW);
    assert_eq!((a.usage.records, b.usage.records), (3, 3));
}

#[test]
fn a_responder_does_not_ask_for_keys_and_closes_on_an_initiator_who_never_does() {
    let (mut a, mut b) = pair();
    let later = Now { mono: 3 * REKEY_AGE_MS, ..NOW };
    assert_eq!(b.seal(LIVE, Content::Message, b"late", later).len(), 1);
    b.usage = Usage::since(NOW);
    (0..2 * REKEY_RECORDS).for_each(|_| b.usage.count(1));
    let record = a.seal(LIVE, Content::Message, b"one more", NOW).remove(0);
    assert_eq!(b.open(LIVE, &record, NOW).err(), Some(SessionError::Rekeying));
}

#[test]
fn a_rekeying_out_of_turn_is_refused() {
    let (mut a, mut b) = pair();
    let from_responder = b.seal_only(LIVE, Content::Rekey, &[1; 32]).remove(0);
    assert_eq!(a.open(LIVE, &from_responder, NOW).err(), Some(SessionError::Rekeying));
    let (mut a, mut b) = pair();
    let unasked = b.seal_only(LIVE, Content::Rekeyed, &[1; 32]).remove(0);
    assert_eq!(a.open(LIVE, &unasked, NOW).err(), Some(SessionError::Rekeying));
}

/// T6: a hundred thousand attacks on a running session, in both directions and over rekeyings: flipped, cut, lengthened, repeated,
/// earlier, later, of the other direction, of another epoch, of another session. Nothing opens that was not meant, where it was meant.
#[test]
fn t6_no_wrong_plaintext_in_a_hundred_thousand_attacks() {
    let mut rng = Rng::from_seed([66; 32]);
    let mut wrong = 0_u32;
    let mut attacks = 0_u32;
    let mut foreign = pair().0;
    foreign.keys = SessionKeys { role: Role::Initiator, transcript: [8; 32], prk: Prk::extract(b"salt", &[b"other"]) };
    foreign.channels[0].send = Lane::new(&foreign.keys, Role::Initiator, LIVE, 0);
    for round in 0..1_000_u64 {
        let (mut a, mut b) = pair();
        let mut now = NOW;
        let mut sent: Vec<Vec<u8>> = vec![foreign.seal(LIVE, Content::Message, b"foreign", NOW).remove(0)];
        for step in 0..4_u64 {
            if rng.below(3) == 0 {
                now.mono += REKEY_AGE_MS;
            }
            let body = [round.to_be_bytes(), step.to_be_bytes()].concat();
            let records = a.seal(LIVE, Content::Message, &body, now);
            let back = b.seal(LIVE, Content::Message, &body, now);
            sent.extend(records.iter().cloned().chain(back.iter().cloned()));
            // Attacks do not spoil a copy of the receiver: an honest one closes at the first.
            for _ in 0..25 {
                let forged = forge(&sent, &mut rng);
                let lane = &b.channels[0].receive;
                attacks += 1;
                wrong += u32::from(opens(&b.keys, lane.epoch(), lane.next_seq(), &forged) && !records.contains(&forged));
            }
            assert_eq!(carry(back, &mut b, &mut a, now).len(), 1);
            assert_eq!(carry(records, &mut a, &mut b, now), [(Content::Message, body)]);
        }
    }
    assert_eq!((wrong, attacks), (0, 100_000));
}

/// Whether a receiver who waits for this number takes it.
fn opens(keys: &SessionKeys, epoch: u16, next_seq: u64, record: &[u8]) -> bool {
    let mut lane = Lane::new(keys, keys.role().other(), LIVE, epoch);
    lane.skip_to(next_seq);
    lane.open(record).is_ok()
}

fn forge(sent: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut record = sent[rng.below(sent.len() as u64) as usize].clone();
    let at = rng.below(record.len() as u64) as usize;
    match rng.below(6) {
        0 => record[at] ^= 1 << rng.below(8),
        1 => record.truncate(at),
        2 => record.extend_from_slice(&rng.array::<16>()),
        3 => record[1..11].copy_from_slice(&sent[0][1..11]),
        4 => record[10] = record[10].wrapping_add(1),
        // As it was: repeated, early, reflected or foreign.
        _ => {}
    }
    record
}

#[test]
fn every_plaintext_out_of_form_is_refused() {
    let refuse = |plain: &[u8]| {
        let (a, mut b) = pair();
        let mut record = [&[0x10, 0, 0][..], &[0; 8], plain].concat();
        let channel = LIVE.to_be_bytes();
        let key = crate::crypto::AeadKey::new(&a.keys.prk.expand::<32>(&[b"B4/v1/key ", b"i", &channel]));
        key.seal_in_place(&a.keys.prk.expand::<12>(&[b"B4/v1/iv ", b"i", &channel]), &mut record, 11);
        b.open(LIVE, &record, NOW).err()
    };
    let padded = |head: &[u8], size: usize| head.iter().copied().chain(std::iter::repeat(0)).take(size).collect::<Vec<u8>>();
    assert_eq!(refuse(&padded(&[1, 0, 0, 0, 0, 1, b'x'], 64)), None);
    for bad in [
        padded(&[0, 0, 0, 0, 0, 1, b'x'], 64),
        padded(&[15, 0, 0, 0, 0, 1, b'x'], 64),
        padded(&[1, 2, 0, 0, 0, 1, b'x'], 64),
        padded(&[1, 0, 0, 0, 0, 59, b'x'], 64),
        padded(&[1, 0, 0xff, 0xff, 0xff, 0xff, b'x'], 64),
        padded(&[1, 0, 0, 0, 0, 1, b'x'], 63),
        padded(&[1, 0, 0, 0, 0, 1, b'x'], 256),
        padded(&[1, 0, 0, 0, 0, 1, b'x', 1], 64),
        Vec::new(),
    ] {
        assert_eq!(refuse(&bad), Some(SessionError::Malformed), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn t6_no_bytes_open_and_none_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (_, mut b) = pair();
        prop_assert!(b.open(LIVE, &bytes, NOW).is_err());
    }
}
