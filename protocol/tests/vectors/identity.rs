//! Certificates, requests, enrolment, revocation, the safety number (PROTOCOL.md#certificates, #enrolment, #handshake).

use std::collections::BTreeSet;

use b4_protocol::crypto::native::SigningKey;
use b4_protocol::crypto::{Rng, VerifyKey, hmac_sha256};
use b4_protocol::handshake::safety_number;
use b4_protocol::identity::testing::{NOW_MS, device_keys, request_of};
use b4_protocol::identity::{Challenge, EnrolmentRequest, RevocationList, answer_challenge};
use b4_protocol::time::DAY_MS;

use crate::file::{Vector, read};
use crate::{cast, h, length, unwrapped};

/// As PROTOCOL.md#certificates prints it.
const ALGORITHM: [u8; 67] = [
    0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09,
    0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
    0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2,
    0x03, 0x02, 0x01, 0x20,
];
/// Bytes of a signature of RSA-3072, and of the BIT STRING's head before it.
const SIGNATURE_BYTES: usize = 384;
const BIT_STRING_HEAD: usize = 5;

fn authority_spki() -> Vec<u8> {
    SigningKey::from_pkcs8_der(include_bytes!("../keys/authority.der")).expect("the ready-made key").spki_der()
}

/// What a signed DER structure of ours consists of: head, what is signed, algorithm, head of the bit string, signature.
fn parts(der: &[u8]) -> [&[u8]; 5] {
    let (rest, signature) = der.split_at(der.len() - SIGNATURE_BYTES);
    let (rest, bits) = rest.split_at(rest.len() - BIT_STRING_HEAD);
    let (rest, algorithm) = rest.split_at(rest.len() - ALGORITHM.len());
    let (head, signed) = rest.split_at(4);
    [head, signed, algorithm, bits, signature]
}

fn signed_fields([head, signed, algorithm, bits, signature]: [&[u8]; 5]) -> [(&str, &[u8]); 5] {
    [("head", head), ("signed", signed), ("algorithm", algorithm), ("bit string", bits), ("signature", signature)]
}

#[test]
fn certificate() {
    let cast = cast();
    let anna = &cast.anna.certificate;
    let spki = cast.anna.keys.signing.spki_der();
    let enc_spki = cast.anna.keys.unwrapping.spki_der();
    let fields = parts(anna.der());
    Vector::new("certificate", "A device's certificate (PROTOCOL.md#certificates).")
        .message("certificate", &signed_fields(fields), anna.der())
        .values(
            "derived",
            &[
                ("user id", anna.user_id().as_str().as_bytes()),
                ("node id", &anna.node_id().0),
                ("not before", &anna.not_before_ms().to_be_bytes()),
                ("not after", &anna.not_after_ms().to_be_bytes()),
                ("H(certificate)", &anna.hash()),
                ("H(serial)", &anna.serial_hash()),
                ("key hash", &anna.key_hash()),
            ],
        )
        .check();
    let file = read("certificate");
    assert_eq!(file["certificate.algorithm"], ALGORITHM);
    let key = VerifyKey::from_spki_der(&authority_spki()).expect("the authority's key");
    key.verify(&file["certificate.signed"], &file["certificate.signature"]).expect("the authority's signature");
    assert_eq!(file["derived.H(certificate)"], h(&[&file["certificate"]]));
    assert_eq!(file["derived.key hash"], h(&[&spki, &enc_spki]));
    // The serial of 16 bytes stands behind the two heads and the version.
    assert_eq!(file["derived.H(serial)"], h(&[&anna.der()[15..31]]));
    let contains = |what: &[u8]| file["certificate.signed"].windows(what.len()).any(|window| window == what);
    assert!(contains(&spki) && contains(&enc_spki) && contains(&[&[0x04, 32][..], &anna.node_id().0].concat()));
    let read_back = cast.authority.anchor().verify(&file["certificate"], NOW_MS, None).expect("a good certificate");
    assert_eq!(read_back.node_id().0.to_vec(), file["derived.node id"]);
}

#[test]
fn authority() {
    let cast = cast();
    let der = cast.authority.anchor().der();
    Vector::new("authority", "The authority's own certificate, and what clients pin of it (PROTOCOL.md#certificates).")
        .message("certificate", &signed_fields(parts(der)), der)
        .values("derived", &[("pin", &cast.authority.anchor().pin())])
        .check();
    assert_eq!(read("authority")["derived.pin"], h(&[&authority_spki()]));
}

#[test]
fn request_and_enrolment() {
    let cast = cast();
    let keys = device_keys(0);
    let csr = request_of("anna", &keys, &mut Rng::from_seed([2; 32]));
    Vector::new("request", "The request for a certificate, PKCS#10 (PROTOCOL.md#enrolment).")
        .message("request", &signed_fields(parts(&csr)), &csr)
        .values("derived", &[("H(csr)", &h(&[&csr]))])
        .check();
    let file = read("request");
    assert_eq!(file["request.algorithm"], ALGORITHM);
    let request = EnrolmentRequest::parse(&file["request"]).expect("a good request");
    assert_eq!((request.user_id().as_str(), request.key_hash()), ("anna", cast.anna.certificate.key_hash()));

    let (challenge, wrapped) = Challenge::new(&mut Rng::from_seed([3; 32]), &request);
    let opened = unwrapped(&cast.anna, "B4/v1/enrol", &wrapped);
    let answer = answer_challenge(&opened, &csr).expect("our own request");
    Vector::new("enrolment", "The authority's challenge to the decryption key and its answer (PROTOCOL.md#enrolment).")
        .values("wire", &[("challenge", &wrapped), ("answer", &answer)])
        .message("plaintext", &[("nonce", &opened[..32]), ("H(csr)", &h(&[&csr]))], &opened)
        .check();
    let file = read("enrolment");
    assert!(challenge.is_answered_by(&file["wire.answer"].clone().try_into().expect("32 bytes")));
    assert_eq!(file["wire.answer"], hmac_sha256(&file["plaintext.nonce"], &[&file["plaintext.H(csr)"]]));
    assert_eq!(unwrapped(&cast.anna, "B4/v1/enrol", &file["wire.challenge"]), file["plaintext"]);
}

#[test]
fn revocation_list() {
    let cast = cast();
    let serials: BTreeSet<[u8; 32]> = [[3; 32], cast.bela.certificate.serial_hash()].into();
    let list = cast.authority.issuer().sign_revocations(&mut Rng::from_seed([4; 32]), 7, NOW_MS, &serials);
    let ordered: Vec<[u8; 32]> = serials.iter().copied().collect();
    let signature = &list[list.len() - SIGNATURE_BYTES..];
    let fields: &[(&str, &[u8])] = &[
        ("magic", b"B4R1"),
        ("sequence", &7_u64.to_be_bytes()),
        ("this update", &NOW_MS.to_be_bytes()),
        ("next update", &(NOW_MS + DAY_MS).to_be_bytes()),
        ("count", &2_u32.to_be_bytes()),
        ("H(serial) 1", &ordered[0]),
        ("H(serial) 2", &ordered[1]),
        ("length of signature", &length(signature)),
        ("signature", signature),
    ];
    let about = "The revocation list (PROTOCOL.md#enrolment), with bela's certificate on it.";
    Vector::new("revocation-list", about).message("list", fields, &list).check();
    let file = read("revocation-list");
    let read_back = RevocationList::decode_verified(&file["list"], cast.authority.anchor(), None).expect("a good list");
    assert!(read_back.contains(&cast.bela.certificate.serial_hash()) && !read_back.contains(&cast.anna.certificate.serial_hash()));
    let body = &file["list"][..file["list"].len() - SIGNATURE_BYTES - 2];
    let key = VerifyKey::from_spki_der(&authority_spki()).expect("the authority's key");
    key.verify(&[b"B4/v1/revoked", body].concat(), signature).expect("the authority's signature");
}

#[test]
fn the_safety_number() {
    let cast = cast();
    let (a, b) = (cast.anna.certificate.key_hash(), cast.bela.certificate.key_hash());
    let digits = safety_number(&a, &b);
    Vector::new("safety-number", "The safety number of anna and bela, in ASCII (PROTOCOL.md#handshake).")
        .values("inputs", &[("key hash of anna", &a), ("key hash of bela", &b)])
        .values("derived", &[("digits", digits.as_bytes())])
        .check();
    let (lower, higher) = if a < b { (a, b) } else { (b, a) };
    let x = [b"B4/v1/sas", &lower[..], &higher].concat();
    let bytes = [h(&[&x, &[0]]), h(&[&x, &[1]])].concat();
    let group = |at: usize| bytes[5 * at..5 * at + 5].iter().fold(0_u64, |sum, byte| sum * 256 + u64::from(*byte)) % 100_000;
    let expected: Vec<String> = (0..12).map(|at| format!("{:05}", group(at))).collect();
    assert_eq!(read("safety-number")["derived.digits"], expected.join(" ").as_bytes());
}
