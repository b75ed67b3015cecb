//! The offline envelope, its receipt and its tombstone (PROTOCOL.md#envelope).

use b4_protocol::crypto::{AeadKey, EphemeralSecret, KeyOp, PrekeySecret, Rng};
use b4_protocol::directory::{Prekey, Prekeys};
use b4_protocol::handshake::Judge;
use b4_protocol::identity::testing::{NOW_MS, TestDevice};
use b4_protocol::mailbox::{Arrived, EnvelopeDraft, EnvelopeId, KeyId, Letter, Opened, Receipt, Sealed, Tombstone};
use b4_protocol::message::MessageId;
use b4_protocol::store::{Row, Table};
use b4_protocol::time::{DAY_MS, HOUR_MS};

use crate::file::{Vector, read};
use crate::{Cast, cast, directory, extract, h, length, lp, unwrapped};

const HEADER_BYTES: usize = 138;
const SEED: [u8; 32] = [0x31; 32];
/// RSA-3072.
const RSA_BYTES: usize = 384;
const WRAPPED_END: usize = HEADER_BYTES + 2 + RSA_BYTES;

fn sign(device: &TestDevice, op: &KeyOp) -> Vec<u8> {
    device.keys.perform(&mut Rng::from_seed([8; 32]), op).expect("a signature").to_vec()
}

/// Anna's message of message-body.txt for bela.
fn envelope(cast: &Cast, prekey: Option<Prekey>) -> Vec<u8> {
    let body = read("message-body")["first"].clone();
    let (author, to) = (&cast.anna.certificate, &cast.bela.certificate);
    let letter = Letter { author, to, prekey, body: &body, keep_ms: 30 * DAY_MS };
    let draft = EnvelopeDraft::new(&letter, &mut Rng::from_seed(SEED)).expect("a good letter");
    let signature = sign(&cast.anna, &draft.key_op());
    draft.finish(&signature).expect("a signature of this key")
}

fn open(cast: &Cast, envelope: &[u8]) -> Opened {
    let (_, key, value) = directory::prekey();
    let (prekeys, _) = Prekeys::restore(&mut [Row { table: Table::Meta, key, value }]);
    let sealed = Sealed::read(envelope.to_vec()).expect("an envelope");
    let unwrapped = cast.bela.keys.perform(&mut Rng::from_seed([9; 32]), &sealed.key_op());
    let judge = Judge { own: &cast.bela.certificate, anchor: cast.authority.anchor(), revoked: None, now_ms: NOW_MS };
    sealed.open(&unwrapped, &prekeys, &judge, &mut Rng::from_seed([9; 32])).expect("it opens")
}

/// Writes one envelope field by field, outside and inside, and computes everything a second time from the text.
fn check(name: &'static str, about: &str, prekey: Option<Prekey>) {
    let cast = cast();
    let (anna, bela) = (&cast.anna.certificate, &cast.bela.certificate);
    let envelope = envelope(&cast, prekey);
    let body = read("message-body")["first"].clone();
    let (head, wrapped) = (&envelope[..HEADER_BYTES], &envelope[HEADER_BYTES + 2..WRAPPED_END]);
    // The author's first draw is the ephemeral key.
    let ephemeral = EphemeralSecret::draw(&mut Rng::from_seed(SEED));
    let (public, zeros) = (ephemeral.public(), [0; 32]);
    let hash = prekey.map_or(zeros, |prekey| h(&[&prekey.public]));
    let z = prekey.map_or(zeros.to_vec(), |prekey| ephemeral.agree(&prekey.public).expect("an honest key").to_vec());
    let expiry = u32::try_from((NOW_MS + 30 * DAY_MS) / HOUR_MS).expect("before the year 491,000").to_be_bytes();
    let (mailbox, key_id) = (h(&[b"bela"]), &h(&[bela.der()])[..16]);
    let plain = unwrapped(&cast.bela, "B4/v1/offline", wrapped);
    let k = plain[..32].to_vec();
    let (hash_r, hash_h, bound) = (h(&[bela.der()]), h(&[head]), h(&[head, wrapped]));
    let prk = extract(&bound, &[&k, &z]);
    let kc = prk.expand::<32>(&[b"B4/v1/offline kc"]);
    let (key, iv) = (prk.expand::<32>(&[b"B4/v1/offline key"]), prk.expand::<12>(&[b"B4/v1/offline iv"]));
    let from = WRAPPED_END + 32;
    let inner = AeadKey::new(&key).open(&iv, &envelope, from).expect("it opens under the key of the text").to_vec();
    let signature = &inner[2 + anna.der().len() + 2 + body.len() + 2..][..RSA_BYTES];
    let used = 2 + anna.der().len() + 2 + body.len() + 2 + RSA_BYTES;
    let (wrapped_length, zeros_inside) = (length(wrapped), vec![0; 2_048 - used]);
    let fields: &[(&str, &[u8])] = &[
        ("magic", b"B4E1"),
        ("suite", &[1]),
        ("mailbox", &mailbox),
        ("key id", key_id),
        ("mid", &[0xa1; 16]),
        ("expiry", &expiry),
        ("bucket", &[1]),
        ("H(prekey)", &hash),
        ("E", prekey.map_or(&zeros, |_| &public)),
        ("length of wk", &wrapped_length),
        ("wk", wrapped),
        ("kc", kc.as_slice()),
        ("ciphertext", &envelope[from..]),
    ];
    let inside: &[(&str, &[u8])] = &[
        ("length of certificate", &length(anna.der())),
        ("certificate", anna.der()),
        ("length of message body", &length(&body)),
        ("message body", &body),
        ("length of signature", &length(signature)),
        ("signature", signature),
        ("zeros", &zeros_inside),
    ];
    let derived: &[(&str, &[u8])] = &[("Z", &z), ("key", key.as_slice()), ("iv", iv.as_slice()), ("H(envelope)", &h(&[&envelope]))];
    Vector::new(name, &format!("{about} (PROTOCOL.md#envelope): anna's message of message-body.txt for bela."))
        .message("envelope", fields, &envelope)
        .message("wrapped", &[("K", &k), ("H(cert_R)", &hash_r), ("H(header)", &hash_h)], &plain)
        .message("inner", inside, &inner)
        .values("derived", derived)
        .check();
    let file = read(name);
    let message = [b"B4/v1/offline-sig", &bound[..], &h(&[anna.der()]), &h(&[bela.der()]), &h(&[&body])].concat();
    anna.signing_key().verify(&message, &file["inner.signature"]).expect("anna's signature");
    let opened = open(&cast, &file["envelope"]);
    assert_eq!((&opened.author, opened.body, opened.used_prekey), (anna, body, prekey.is_some()));
}

#[test]
fn an_envelope_sealed_to_a_prekey() {
    let (prekey, _, value) = directory::prekey();
    check("envelope", "An envelope sealed to the certified key and the prekey of prekey-row.txt", Some(prekey));
    // The receiver's half of the exchange.
    let file = read("envelope");
    let secret = PrekeySecret::from_bytes(value[5..].try_into().expect("32 bytes"));
    let ephemeral: [u8; 32] = file["envelope.E"].clone().try_into().expect("32 bytes");
    assert_eq!(secret.agree(&ephemeral).expect("an honest key").to_vec(), file["derived.Z"]);
}

#[test]
fn an_envelope_sealed_to_the_certified_key_alone() {
    check("envelope-without-prekey", "An envelope sealed to the certified key alone", None);
}

/// T8: with anything left out of the formulas, or a label for another, the commitments of the file are others.
#[test]
fn t8_an_envelope_that_leaves_something_out_commits_to_something_else() {
    let file = read("envelope");
    let (envelope, kc) = (&file["envelope"], &file["envelope.kc"]);
    let (head, wrapped) = (&envelope[..HEADER_BYTES], &envelope[HEADER_BYTES + 2..WRAPPED_END]);
    let (k, z) = (&file["wrapped.K"], &file["derived.Z"]);
    let commitment = |salt: &[u8], material: &[&[u8]], label: &[u8]| extract(salt, material).expand::<32>(&[label]).to_vec();
    let (salt, label) = (h(&[head, wrapped]), b"B4/v1/offline kc");
    assert_eq!(commitment(&salt, &[k, z], label), *kc);
    let others = [
        commitment(&h(&[wrapped]), &[k, z], label),
        commitment(&h(&[head]), &[k, z], label),
        commitment(&[], &[k, z], label),
        commitment(&salt, &[k], label),
        commitment(&salt, &[k, &[0; 32]], label),
        commitment(&salt, &[z], label),
        commitment(&salt, &[z, k], label),
        commitment(&salt, &[k, z], b"B4/v1/offline key"),
    ];
    assert!(others.iter().all(|other| other != kc));
    // And the signature is over all of its fields, in their order, under its own label.
    let cast = cast();
    let (author, to, body) = (h(&[cast.anna.certificate.der()]), h(&[cast.bela.certificate.der()]), h(&[&file["inner.message body"]]));
    let key = cast.anna.certificate.signing_key();
    let label: &[u8] = b"B4/v1/offline-sig";
    let is_signed = |parts: &[&[u8]]| key.verify(&parts.concat(), &file["inner.signature"]).is_ok();
    assert!(is_signed(&[label, &salt, &author, &to, &body]));
    let others: [&[&[u8]]; 7] = [
        &[b"B4/v1/offline", &salt, &author, &to, &body],
        &[&salt, &author, &to, &body],
        &[label, &author, &to, &body],
        &[label, &salt, &to, &body],
        &[label, &salt, &author, &body],
        &[label, &salt, &author, &to],
        &[label, &salt, &to, &author, &body],
    ];
    assert!(others.iter().all(|other| !is_signed(other)));
    let other_label = KeyOp::Unwrap { label: "B4/v1/signal", ciphertext: wrapped.to_vec() };
    assert!(cast.bela.keys.perform(&mut Rng::from_seed([9; 32]), &other_label).is_err());
}

#[test]
fn a_receipt() {
    let cast = cast();
    let holder = &cast.anna;
    let sealed = Sealed::read(read("envelope")["envelope"].clone()).expect("an envelope");
    let receipt = Receipt::of(*holder.certificate.node_id(), &sealed);
    let bytes = receipt.finish(&sign(holder, &receipt.key_op()));
    let (envelope, expiry) = (&h(&[sealed.bytes()]), receipt.expiry_h.to_be_bytes());
    let (mailbox, signature) = (h(&[b"bela"]), &bytes[bytes.len() - RSA_BYTES..]);
    let fields: &[(&str, &[u8])] = &[
        ("holder", &holder.certificate.node_id().0),
        ("mailbox", &mailbox),
        ("H(envelope)", envelope),
        ("expiry", &expiry),
        ("length of signature", &length(signature)),
        ("signature", signature),
    ];
    let about = "The receipt of a holder for the envelope of envelope.txt (PROTOCOL.md#envelope); here its author is the holder.";
    Vector::new("receipt", about).message("receipt", fields, &bytes).check();
    let file = read("receipt");
    let message = [b"B4/v1/held", &file["receipt"][..100]].concat();
    holder.certificate.signing_key().verify(&message, &file["receipt.signature"]).expect("the holder's signature");
    assert_eq!(Receipt::verify(&file["receipt"], &holder.certificate), Ok(receipt));
}

#[test]
fn a_tombstone() {
    let cast = cast();
    let (anna, bela) = (&cast.anna.certificate, &cast.bela.certificate);
    let envelopes = [h(&[&read("envelope")["envelope"]]), h(&[&read("envelope-without-prekey")["envelope"]])];
    let arrived = envelopes.map(|hash| Arrived { id: MessageId([0xa1; 16]), envelope: EnvelopeId(hash) }).to_vec();
    let tombstone = Tombstone { mailbox: h(&[b"bela"]), author: KeyId::of(anna), arrived, time_ms: NOW_MS };
    let bytes = tombstone.finish(bela, &sign(&cast.bela, &tombstone.key_op()));
    let signature = &bytes[bytes.len() - RSA_BYTES..];
    let fields: &[(&str, &[u8])] = &[
        ("magic", b"B4T1"),
        ("mailbox", &tombstone.mailbox),
        ("key id of the author", &h(&[anna.der()])[..16]),
        ("count", &[0, 2]),
        ("mid 1", &[0xa1; 16]),
        ("H(envelope) 1", &envelopes[0]),
        ("mid 2", &[0xa1; 16]),
        ("H(envelope) 2", &envelopes[1]),
        ("time", &NOW_MS.to_be_bytes()),
        ("length of certificate", &length(bela.der())),
        ("certificate", bela.der()),
        ("length of signature", &length(signature)),
        ("signature", signature),
    ];
    let about = "Bela's tombstone for the two envelopes of envelope.txt and envelope-without-prekey.txt (PROTOCOL.md#envelope).";
    Vector::new("tombstone", about).message("tombstone", fields, &bytes).check();
    let file = read("tombstone");
    let body = &file["tombstone"][4..file["tombstone"].len() - lp(bela.der()).len() - lp(signature).len()];
    bela.signing_key().verify(&[b"B4/v1/rcpt", body].concat(), &file["tombstone.signature"]).expect("bela's signature");
    assert_eq!(Tombstone::verify(&file["tombstone"], cast.authority.anchor(), None, NOW_MS), Ok(tombstone));
}
