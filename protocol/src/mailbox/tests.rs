//! The envelope between two devices, honest and attacked.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::*;
use crate::codec::Writer;
use crate::crypto::{KeyOp, KeyOpError, KeyOpResult, Rng};
use crate::directory::{Prekey, Prekeys};
use crate::handshake::Judge;
use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use crate::identity::{CertificateError, RevocationList};
use crate::limits::{ENVELOPE_MS, TEXT_BYTES_MAX};
use crate::message::{MessageBody, MessageId};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use proptest::prelude::*;

const ID: MessageId = MessageId([0xa1; 16]);
/// What comes before the text of a body.
const BODY_HEAD: usize = 65;
const HEADER_BYTES: usize = 138;
/// RSA-3072.
const WRAPPED: std::ops::Range<usize> = HEADER_BYTES + 2..HEADER_BYTES + 2 + 384;
const COMMITMENT: std::ops::Range<usize> = WRAPPED.end..WRAPPED.end + 32;

/// Anna writes to bela; eve is certified too.
struct Stage {
    authority: TestAuthority,
    anna: TestDevice,
    bela: TestDevice,
    eve: TestDevice,
}

fn stage() -> &'static Stage {
    // Issuing is slow, and the properties are tried often.
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let mut authority = TestAuthority::new([1; 32]);
        let (anna, bela, eve) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS), authority.issue("eve", NOW_MS));
        Stage { authority, anna, bela, eve }
    })
}

impl Stage {
    fn judge<'a>(&'a self, own: &'a TestDevice) -> Judge<'a> {
        Judge { own: &own.certificate, anchor: self.authority.anchor(), revoked: None, now_ms: NOW_MS }
    }
}

fn body(text_bytes: usize) -> Vec<u8> {
    MessageBody { id: ID, sent_ms: NOW_MS, seq: 1, prev: [0; 32], said: "x".repeat(text_bytes).into() }.encode()
}

fn letter<'a>(author: &'a TestDevice, to: &'a TestDevice, body: &'a [u8]) -> Letter<'a> {
    Letter { author: &author.certificate, to: &to.certificate, prekey: None, body, keep_ms: ENVELOPE_MS }
}

fn perform(device: &TestDevice, op: &KeyOp) -> KeyOpResult {
    device.keys.perform(&mut Rng::from_seed([9; 32]), op)
}

/// Sealed, and signed by `by`.
fn sealed_by(by: &TestDevice, letter: &Letter<'_>) -> Vec<u8> {
    let draft = EnvelopeDraft::new(letter, &mut Rng::from_seed([5; 32])).expect("a good letter");
    let signature = perform(by, &draft.key_op()).expect("a signature");
    draft.finish(&signature).expect("a signature of this key")
}

/// A prekey of bela's and its private half.
fn prekey() -> (Prekey, Prekeys) {
    let mut prekeys = Prekeys::default();
    let made = prekeys.tend(NOW_MS, Some(&mut Rng::from_seed([6; 32]))).made.expect("a prekey");
    (made, prekeys)
}

fn open_with(envelope: &[u8], by: &TestDevice, prekeys: &Prekeys, judge: &Judge<'_>) -> Result<Opened, OpenError> {
    let sealed = Sealed::read(envelope.to_vec())?;
    sealed.open(&perform(by, &sealed.key_op()), prekeys, judge, &mut Rng::from_seed([7; 32]))
}

fn open(envelope: &[u8], by: &TestDevice) -> Result<Opened, OpenError> {
    open_with(envelope, by, &Prekeys::default(), &stage().judge(by))
}

fn refusal(envelope: &[u8], by: &TestDevice) -> OpenError {
    open(envelope, by).map(|_| ()).expect_err("the envelope must not open")
}

#[test]
fn what_was_sealed_opens_and_tells_who_wrote_it_and_whether_a_prekey_served() {
    let Stage { anna, bela, .. } = stage();
    let body = body(5);
    let (prekey, prekeys) = prekey();
    for prekey in [None, Some(prekey)] {
        let envelope = sealed_by(anna, &Letter { prekey, ..letter(anna, bela, &body) });
        let opened = open_with(&envelope, bela, &prekeys, &stage().judge(bela)).expect("it opens");
        assert_eq!((&opened.author, &opened.body, opened.used_prekey), (&anna.certificate, &body, prekey.is_some()));
        let sealed = Sealed::read(envelope.clone()).expect("an envelope");
        let header = sealed.header();
        assert_eq!((header.mailbox, header.to), (bela.certificate.user_id().mailbox(), KeyId::of(&bela.certificate)));
        assert_eq!((header.id, header.expiry_ms(), header.bucket.bytes()), (ID, NOW_MS + ENVELOPE_MS, 2_048));
        assert_eq!((sealed.id(), sealed.bytes()), (EnvelopeId(crate::crypto::sha256(&[&envelope])), &envelope[..]));
        let told: [&[u8]; 3] = [anna.certificate.der(), anna.certificate.user_id().as_str().as_bytes(), &anna.certificate.node_id().0];
        assert!(told.iter().all(|told| !envelope.windows(told.len()).any(|window| window == *told)), "the author does not show");
    }
}

#[test]
fn every_bucket_holds_what_fits_and_the_next_one_a_byte_more() {
    let Stage { anna, bela, .. } = stage();
    let around = 2 + anna.certificate.der().len() + 2 + BODY_HEAD + 2 + 384;
    for (at, bucket) in Bucket::ALL.into_iter().enumerate() {
        let fits = bucket.bytes() - around;
        for (text_bytes, expected) in [(fits - 1, Some(bucket)), (fits, Some(bucket)), (fits + 1, Bucket::ALL.get(at + 1).copied())] {
            let body = body(text_bytes);
            let Some(expected) = expected else {
                let error = EnvelopeDraft::new(&letter(anna, bela, &body), &mut Rng::from_seed([5; 32])).err();
                assert_eq!(error, Some(SealError::TooLarge));
                continue;
            };
            let envelope = sealed_by(anna, &letter(anna, bela, &body));
            assert_eq!(envelope.len(), COMMITMENT.end + expected.bytes() + 16);
            assert_eq!(open(&envelope, bela).expect("it opens").body, body, "{text_bytes} bytes");
        }
    }
    let largest = body(TEXT_BYTES_MAX);
    let envelope = sealed_by(anna, &letter(anna, bela, &largest));
    assert_eq!(open(&envelope, bela).expect("it opens").body, largest);
    assert!(envelope.len() < crate::limits::MESSAGE_BYTES_MAX && COMMITMENT.end + 65_536 + 16 < crate::limits::MESSAGE_BYTES_MAX);
}

/// One bit a byte of the header, the commitment and the ciphertext; of the wrapped key, whose every flip costs a private-key operation, every
/// eighth byte.
#[test]
fn every_flipped_bit_is_refused() {
    let Stage { anna, bela, .. } = stage();
    let body = body(5);
    let (prekey, prekeys) = prekey();
    let envelope = sealed_by(anna, &Letter { prekey: Some(prekey), ..letter(anna, bela, &body) });
    let judge = stage().judge(bela);
    let honest = perform(bela, &Sealed::read(envelope.clone()).expect("an envelope").key_op());
    let mut reasons = BTreeSet::new();
    for byte in 0..envelope.len() {
        let mut flipped = envelope.clone();
        flipped[byte] ^= 1 << (byte % 8);
        let error = match Sealed::read(flipped) {
            Err(error) => error,
            Ok(sealed) if WRAPPED.contains(&byte) => {
                if byte % 8 != 0 {
                    continue;
                }
                let unwrapped = perform(bela, &sealed.key_op());
                sealed.open(&unwrapped, &prekeys, &judge, &mut Rng::from_seed([7; 32])).map(|_| ()).expect_err("a flipped bit")
            }
            Ok(sealed) => sealed.open(&honest, &prekeys, &judge, &mut Rng::from_seed([7; 32])).map(|_| ()).expect_err("a flipped bit"),
        };
        reasons.insert(error.to_string());
        let is_wrapped_or_later = byte >= WRAPPED.start;
        assert!(!is_wrapped_or_later || error == OpenError::Unsealed, "byte {byte}: {error}");
    }
    // Each part of the header fails as what it is.
    use OpenError::{Expired, Malformed, Misaddressed, PrekeyGone, Suite, Unsealed};
    let expected = [Malformed, Suite, Misaddressed, Expired, PrekeyGone, Unsealed];
    assert_eq!(reasons, expected.iter().map(ToString::to_string).collect());
    for cut in (0..envelope.len()).step_by(7) {
        assert!(Sealed::read(envelope[..cut].to_vec()).is_err(), "cut at {cut}");
    }
    assert_eq!(Sealed::read([envelope, vec![0]].concat()).err(), Some(OpenError::Malformed));
}

#[test]
fn failures_of_the_private_key_look_alike() {
    let Stage { anna, bela, eve, .. } = stage();
    let body = body(5);
    let sealed = Sealed::read(sealed_by(anna, &letter(anna, bela, &body))).expect("an envelope");
    let good = perform(bela, &sealed.key_op()).expect("bela's own").to_vec();
    let mut other_key = good.clone();
    other_key[40] ^= 1;
    let mut other_header = good.clone();
    other_header[70] ^= 1;
    let results = [
        Err(KeyOpError),
        Ok(other_key),
        Ok(other_header),
        Ok(good[..32].to_vec()),
        Ok(good[..31].to_vec()),
        Ok([good.clone(), vec![0]].concat()),
        Ok(Vec::new()),
    ];
    for result in results {
        let result = result.map(zeroize::Zeroizing::new);
        let error = sealed.open(&result, &Prekeys::default(), &stage().judge(bela), &mut Rng::from_seed([7; 32])).err();
        assert_eq!(error, Some(OpenError::Unsealed));
    }
    assert_eq!(perform(eve, &sealed.key_op()).err(), Some(KeyOpError), "nobody else unwraps it");
}

#[test]
fn it_is_for_one_receiver_and_one_certificate() {
    let Stage { anna, bela, eve, .. } = stage();
    let body = body(5);
    let envelope = sealed_by(anna, &letter(anna, bela, &body));
    assert_eq!(refusal(&envelope, eve), OpenError::Misaddressed);
    // The same mailbox and keys under a renewed certificate: the one that it was sealed to is wanted.
    let mut authority = TestAuthority::new([3; 32]);
    let renewed = authority.issue_for("bela", bela.keys.clone(), NOW_MS);
    assert_eq!(refusal(&envelope, &renewed), OpenError::Misaddressed);
}

/// Eve, who can open what is for her, seals it anew for bela: anna's signature stays hers to eve.
#[test]
fn a_receiver_cannot_pass_on_what_she_got_as_if_it_was_for_another() {
    let Stage { anna, bela, eve, .. } = stage();
    let body = body(5);
    let for_eve = EnvelopeDraft::new(&letter(anna, eve, &body), &mut Rng::from_seed([5; 32])).expect("a good letter");
    let signature = perform(anna, &for_eve.key_op()).expect("a signature");
    let for_bela = EnvelopeDraft::new(&letter(anna, bela, &body), &mut Rng::from_seed([8; 32])).expect("a good letter");
    assert_eq!(refusal(&for_bela.finish(&signature).expect("as long"), bela), OpenError::BadSignature);
    // Nor into another envelope for the same receiver.
    let again = EnvelopeDraft::new(&letter(anna, bela, &body), &mut Rng::from_seed([8; 32])).expect("a good letter");
    let first = EnvelopeDraft::new(&letter(anna, bela, &body), &mut Rng::from_seed([5; 32])).expect("a good letter");
    let signature = perform(anna, &first.key_op()).expect("a signature");
    assert_eq!(refusal(&again.finish(&signature).expect("as long"), bela), OpenError::BadSignature);
}

#[test]
fn t9_nobody_writes_in_anothers_name() {
    let Stage { anna, bela, eve, .. } = stage();
    let body = body(5);
    assert_eq!(refusal(&sealed_by(eve, &letter(anna, bela, &body)), bela), OpenError::BadSignature);
    let stranger = TestAuthority::stranger([2; 32]).issue("anna", NOW_MS);
    let refused = OpenError::Certificate(CertificateError::BadSignature);
    assert_eq!(refusal(&sealed_by(&stranger, &letter(&stranger, bela, &body)), bela), refused);
    let draft = || EnvelopeDraft::new(&letter(anna, bela, &body), &mut Rng::from_seed([5; 32])).expect("a good letter");
    assert_eq!(draft().finish(&[0; 383]).err(), Some(SealError::Signature));
    assert_eq!(refusal(&draft().finish(&[0; 384]).expect("as long"), bela), OpenError::BadSignature);
}

#[test]
fn an_author_is_judged_at_the_time_of_writing_and_by_the_newest_list() {
    let Stage { authority, anna, bela, .. } = stage();
    let written = |sent_ms: u64| {
        let body = MessageBody { id: ID, sent_ms, seq: 1, prev: [0; 32], said: "x".into() }.encode();
        sealed_by(anna, &letter(anna, bela, &body))
    };
    let last = anna.certificate.not_after_ms();
    let judged = |envelope: &[u8], now_ms, revoked: Option<&RevocationList>| {
        let judge = Judge { now_ms, revoked, ..stage().judge(bela) };
        open_with(envelope, bela, &Prekeys::default(), &judge).map(|_| ())
    };
    assert_eq!(judged(&written(last), last + 20 * DAY_MS, None), Ok(()), "ended since, good then");
    let refused = |error| Err(OpenError::Certificate(error));
    assert_eq!(judged(&written(last + 1), last + DAY_MS, None), refused(CertificateError::Expired));
    assert_eq!(judged(&written(NOW_MS - DAY_MS), NOW_MS, None), refused(CertificateError::NotYetValid));
    let list = |serial, this_update_ms| {
        let list = authority.issuer().sign_revocations(&mut Rng::from_seed([4; 32]), 7, this_update_ms, &[serial].into());
        RevocationList::decode_verified(&list, authority.anchor(), None).expect("a list")
    };
    let revoked = list(anna.certificate.serial_hash(), NOW_MS);
    assert_eq!(judged(&written(NOW_MS), NOW_MS, Some(&revoked)), refused(CertificateError::Revoked));
    // A list that is newer than the message, and than the author's certificate, does not make it too old.
    let later = list([3; 32], last + 20 * DAY_MS);
    assert_eq!(judged(&written(last), NOW_MS, Some(&later)), Ok(()));
}

#[test]
fn its_times_agree_with_each_other_and_the_clock() {
    let Stage { anna, bela, .. } = stage();
    let body = body(5);
    let envelope = sealed_by(anna, &letter(anna, bela, &body));
    let at = |now_ms| open_with(&envelope, bela, &Prekeys::default(), &Judge { now_ms, ..stage().judge(bela) }).err();
    let (ahead, over) = (NOW_MS - 10 * MINUTE_MS, NOW_MS + ENVELOPE_MS + DAY_MS);
    assert_eq!([at(ahead), at(ahead - 1)], [None, Some(OpenError::Time)]);
    assert_eq!([at(over - 1), at(over)], [None, Some(OpenError::Expired)]);
    for (keep_ms, expiry) in [(HOUR_MS, Ok(NOW_MS + HOUR_MS)), (2 * ENVELOPE_MS, Ok(NOW_MS + ENVELOPE_MS)), (HOUR_MS - 1, Err(SealError::Expiry))] {
        let draft = EnvelopeDraft::new(&Letter { keep_ms, ..letter(anna, bela, &body) }, &mut Rng::from_seed([5; 32]));
        let envelope = draft.map(|draft| {
            let signature = perform(anna, &draft.key_op()).expect("a signature");
            draft.finish(&signature).expect("a signature of this key")
        });
        assert_eq!(envelope.map(|envelope| Sealed::read(envelope).expect("an envelope").header().expiry_ms()), expiry);
    }
    // Half an hour later the last half hour is given up: what is sealed to a prekey is over before that is erased.
    let late = MessageBody { id: ID, sent_ms: NOW_MS + 30 * MINUTE_MS, seq: 1, prev: [0; 32], said: "x".into() }.encode();
    let late = Sealed::read(sealed_by(anna, &letter(anna, bela, &late))).expect("an envelope");
    assert_eq!(late.header().expiry_ms(), NOW_MS + ENVELOPE_MS);
    assert_eq!(EnvelopeDraft::new(&letter(anna, bela, &body[..BODY_HEAD - 1]), &mut Rng::from_seed([5; 32])).err(), Some(SealError::Malformed));
}

/// An author who breaks the rules can seal what the draft would not: everything is signed as it should be.
#[test]
fn an_author_who_stretches_the_times_or_names_another_message_is_refused() {
    let Stage { anna, bela, .. } = stage();
    // The header is of an honest draft for another body; the body inside is exchanged before the signature.
    let forged = |outside: &[u8], inside: &[u8]| {
        let mut draft = EnvelopeDraft::new(&letter(anna, bela, outside), &mut Rng::from_seed([5; 32])).expect("a good letter");
        draft.exchange_body(&anna.certificate, &bela.certificate, inside);
        let signature = perform(anna, &draft.key_op()).expect("a signature");
        refusal(&draft.finish(&signature).expect("a signature of this key"), bela)
    };
    let at = |id, sent_ms| MessageBody { id, sent_ms, seq: 1, prev: [0; 32], said: "x".into() }.encode();
    let honest = at(ID, NOW_MS);
    assert_eq!(forged(&honest, &at(ID, NOW_MS - HOUR_MS)), OpenError::Time, "thirty days and an hour");
    assert_eq!(forged(&at(ID, NOW_MS - ENVELOPE_MS), &honest), OpenError::Time, "over when it was written");
    assert_eq!(forged(&honest, &at(MessageId([0xa2; 16]), NOW_MS)), OpenError::Malformed);
    assert_eq!(forged(&honest, &honest[..BODY_HEAD - 1]), OpenError::Malformed);
}

/// The ciphertext of an envelope whose author commits to another key opens, under the one: the commitment alone says no.
#[test]
fn a_ciphertext_opens_under_the_committed_key_alone() {
    let Stage { anna, bela, .. } = stage();
    let body = body(5);
    let mut draft = EnvelopeDraft::new(&letter(anna, bela, &body), &mut Rng::from_seed([5; 32])).expect("a good letter");
    draft.exchange_commitment();
    let signature = perform(anna, &draft.key_op()).expect("a signature");
    assert_eq!(refusal(&draft.finish(&signature).expect("a signature of this key"), bela), OpenError::Unsealed);
}

#[test]
fn what_stands_behind_the_signature_is_zeros() {
    let Stage { anna, bela, .. } = stage();
    let body = body(5);
    for (tail, error) in [(&[][..], None), (&[0, 0], None), (&[1], Some(OpenError::Malformed)), (&[0, 0, 1], Some(OpenError::Malformed))] {
        let draft = EnvelopeDraft::new(&letter(anna, bela, &body), &mut Rng::from_seed([5; 32])).expect("a good letter");
        let signature = perform(anna, &draft.key_op()).expect("a signature");
        let inner = Writer::new().lp(anna.certificate.der()).lp(&body).lp(&signature).raw(tail).into_bytes();
        assert_eq!(open(&draft.seal(&inner), bela).err(), error);
    }
}

#[test]
fn an_erased_prekey_opens_nothing_any_more_and_says_so() {
    let Stage { anna, bela, .. } = stage();
    let body = body(5);
    let (prekey, mut prekeys) = prekey();
    let envelope = sealed_by(anna, &Letter { prekey: Some(prekey), ..letter(anna, bela, &body) });
    let sealed = Sealed::read(envelope.clone()).expect("an envelope");
    let now_ms = NOW_MS + 45 * DAY_MS;
    let judge = stage().judge(bela);
    assert!(open_with(&envelope, bela, &prekeys, &judge).is_ok());
    assert_eq!(open_with(&envelope, bela, &Prekeys::default(), &judge).err(), Some(OpenError::PrekeyGone));
    assert_eq!(prekeys.tend(now_ms, None).writes.len(), 1);
    assert_eq!(open_with(&envelope, bela, &prekeys, &judge).err(), Some(OpenError::PrekeyGone));
    assert!(now_ms >= sealed.header().expiry_ms(), "not before it is over");
    // Whoever has the device's keys, and so K, and not the prekey does not get on: also not with zeros in its place.
    let mut without = envelope;
    without[HEADER_BYTES - 64..HEADER_BYTES].fill(0);
    let honest = perform(bela, &sealed.key_op());
    let without = Sealed::read(without).expect("the form of one without a prekey");
    let error = without.open(&honest, &prekeys, &judge, &mut Rng::from_seed([7; 32])).err();
    assert_eq!(error, Some(OpenError::Unsealed));
}

#[test]
fn a_degenerate_prekey_is_none_and_a_degenerate_ephemeral_key_does_not_open() {
    let Stage { anna, bela, .. } = stage();
    let body = body(5);
    let mut one = [0; 32];
    one[0] = 1;
    for public in [[0; 32], one] {
        let prekey = Some(Prekey { public, created_s: 0 });
        let envelope = sealed_by(anna, &Letter { prekey, ..letter(anna, bela, &body) });
        assert!(!open(&envelope, bela).expect("it opens with the certified key").used_prekey);
    }
    let (prekey, prekeys) = prekey();
    let mut envelope = sealed_by(anna, &Letter { prekey: Some(prekey), ..letter(anna, bela, &body) });
    envelope[HEADER_BYTES - 32..HEADER_BYTES].copy_from_slice(&one);
    assert_eq!(open_with(&envelope, bela, &prekeys, &stage().judge(bela)).err(), Some(OpenError::Unsealed));
    envelope[HEADER_BYTES - 32..HEADER_BYTES].copy_from_slice(&[0; 32]);
    assert_eq!(Sealed::read(envelope).err(), Some(OpenError::Malformed), "a prekey and no ephemeral key");
}

#[test]
fn the_generator_forgets_the_keys_of_an_envelope_and_two_envelopes_share_none() {
    let Stage { anna, bela, .. } = stage();
    let body = body(5);
    let (prekey, _) = prekey();
    let letter = Letter { prekey: Some(prekey), ..letter(anna, bela, &body) };
    let mut rng = Rng::from_seed([5; 32]);
    let signed = |draft: EnvelopeDraft| {
        let signature = perform(anna, &draft.key_op()).expect("a signature");
        draft.finish(&signature).expect("a signature of this key")
    };
    let first = signed(EnvelopeDraft::new(&letter, &mut rng).expect("a good letter"));
    let ephemeral = |envelope: &[u8]| envelope[HEADER_BYTES - 32..HEADER_BYTES].to_vec();
    rng.rewind();
    let second = signed(EnvelopeDraft::new(&letter, &mut rng).expect("a good letter"));
    assert_ne!(ephemeral(&first), ephemeral(&second));
    assert_ne!(first[COMMITMENT], second[COMMITMENT]);
}

#[test]
fn a_receipt_is_for_the_envelope_that_was_deposited() {
    let Stage { anna, bela, eve, .. } = stage();
    let body = body(5);
    let sealed = Sealed::read(sealed_by(anna, &letter(anna, bela, &body))).expect("an envelope");
    let receipt = Receipt::of(*eve.certificate.node_id(), &sealed);
    let signature = perform(eve, &receipt.key_op()).expect("a signature");
    assert_eq!(Receipt::verify(&receipt.finish(&signature), &eve.certificate), Ok(receipt));
    let header = sealed.header();
    assert_eq!((receipt.mailbox, receipt.envelope, receipt.expiry_h), (header.mailbox, sealed.id(), header.expiry_h));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_body_comes_out_as_it_went_in(tail in proptest::collection::vec(any::<u8>(), 41..20_000), with_prekey in any::<bool>(), seed in any::<[u8; 32]>()) {
        let Stage { anna, bela, .. } = stage();
        let body = [&ID.0[..], &NOW_MS.to_be_bytes(), &tail].concat();
        let (prekey, prekeys) = prekey();
        let letter = Letter { prekey: with_prekey.then_some(prekey), ..letter(anna, bela, &body) };
        let draft = EnvelopeDraft::new(&letter, &mut Rng::from_seed(seed)).expect("a good letter");
        let signature = perform(anna, &draft.key_op()).expect("a signature");
        let envelope = draft.finish(&signature).expect("a signature of this key");
        let opened = open_with(&envelope, bela, &prekeys, &stage().judge(bela)).expect("it opens");
        prop_assert_eq!((opened.body, opened.used_prekey), (body, with_prekey));
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3_000), unwrapped in proptest::collection::vec(any::<u8>(), 0..100)) {
        let Stage { anna, bela, .. } = stage();
        static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
        let good = GOOD.get_or_init(|| sealed_by(anna, &letter(anna, bela, &body(5))));
        let mut framed = good.clone();
        let from = bytes.len() % HEADER_BYTES;
        let room = framed.len() - from;
        framed[from..from + bytes.len().min(room)].copy_from_slice(&bytes[..bytes.len().min(room)]);
        for frame in [bytes, framed] {
            prop_assert!(Receipt::verify(&frame, &bela.certificate).is_err());
            prop_assert!(Tombstone::verify(&frame, stage().authority.anchor(), None, NOW_MS).is_err());
            if let Ok(sealed) = Sealed::read(frame) {
                let result = Ok(zeroize::Zeroizing::new(unwrapped.clone()));
                prop_assert!(sealed.open(&result, &Prekeys::default(), &stage().judge(bela), &mut Rng::from_seed([7; 32])).is_err());
            }
        }
    }
}
