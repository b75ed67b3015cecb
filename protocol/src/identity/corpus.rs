//! Bad certificates, bad authorities and bad requests: each breaks exactly one rule and is refused for that reason.

use der::asn1::{BitString, GeneralizedTime, OctetString};
use der::{Decode, Encode};
use proptest::prelude::*;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::attr::Attribute;
use x509_cert::certificate::Version;
use x509_cert::name::Name;
use x509_cert::request::CertReq;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};

use super::issuer::{draft, seal, x509_time};
use super::testing::{NOW_MS, TestAuthority, device_keys, request_of};
use super::template::{CertificateForm, Tbs, common_name, extension, oid, pss_algorithm};
use super::x509::{OID_ENC_SPKI, OID_KEY_USAGE, OID_NODE_ID, USAGE_SIGN, node_id_content};
use super::{
    AnchorError, CertificateError, EnrolmentRequest, Issuer, NodeId, RequestError, TrustAnchor, UserIdError,
};
use crate::crypto::native::SigningKey;
use crate::crypto::{KeyError, Rng};
use crate::time::DAY_MS;

/// rsaEncryption with NULL and a key of 1,024 bits or with exponent 3: made by openssl, only for being refused.
const SPKI_1024: &[u8] = include_bytes!("../../tests/keys/spki-1024-bits.der");
const SPKI_EXPONENT_3: &[u8] = include_bytes!("../../tests/keys/spki-exponent-3.der");
/// sha256WithRSAEncryption: the AlgorithmIdentifier of others.
const PKCS1_ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0];

fn authority_key() -> SigningKey {
    SigningKey::from_pkcs8_der(include_bytes!("../../tests/keys/authority.der")).expect("the ready-made key")
}

fn good_tbs() -> Tbs {
    let keys = device_keys(0);
    let extensions = vec![
        extension(&OID_KEY_USAGE, true, &USAGE_SIGN),
        extension(&OID_NODE_ID, false, &node_id_content(&[7; 32])),
        extension(&OID_ENC_SPKI, false, &keys.unwrapping.spki_der()),
    ];
    let validity = (NOW_MS, NOW_MS + 90 * DAY_MS);
    draft(&mut Rng::from_seed([3; 32]), "anna", &keys.signing.spki_der(), validity, extensions)
}

fn sealed(tbs: Tbs) -> Vec<u8> {
    seal(&authority_key(), &mut Rng::from_seed([4; 32]), tbs)
}

fn form_of(tbs: Tbs) -> CertificateForm {
    CertificateForm::from_der(&sealed(tbs)).expect("what was sealed is a certificate")
}

fn anchor() -> TrustAnchor {
    TestAuthority::new([1; 32]).anchor().clone()
}

fn refusal(der: &[u8]) -> Option<CertificateError> {
    anchor().verify(der, NOW_MS, None).err()
}

fn spki(der: &[u8]) -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned::from_der(der).expect("an SPKI")
}

fn serial(bytes: &[u8]) -> SerialNumber {
    SerialNumber::new(bytes).expect("a serial number")
}

fn name(der: &[u8]) -> Name {
    Name::from_der(der).expect("a name")
}

fn salt_20() -> AlgorithmIdentifierOwned {
    let mut der = super::x509::PSS_ALGORITHM;
    der[66] = 20;
    AlgorithmIdentifierOwned::from_der(&der).expect("an AlgorithmIdentifier")
}

/// CN = "anna" as a PrintableString.
const PRINTABLE: [u8; 17] = [0x30, 15, 0x31, 13, 0x30, 11, 6, 3, 0x55, 4, 3, 0x13, 4, b'a', b'n', b'n', b'a'];

#[test]
fn the_certificate_that_the_corpus_alters_is_good() {
    let anna = anchor().verify(&sealed(good_tbs()), NOW_MS, None).expect("a good certificate");
    assert_eq!((anna.user_id().as_str(), *anna.node_id()), ("anna", NodeId([7; 32])));
    assert_eq!((anna.not_before_ms(), anna.not_after_ms()), (NOW_MS, NOW_MS + 90 * DAY_MS));
    assert!(anna.der().len() <= 1_600, "{} bytes", anna.der().len());
}

#[test]
fn every_certificate_that_breaks_one_rule_is_refused_for_it() {
    use CertificateError as E;
    type Alter = Box<dyn Fn(&mut Tbs)>;
    let two_rdns = [&[0x30, 30][..], &PRINTABLE[2..], &PRINTABLE[2..]].concat();
    let enc = device_keys(0).signing.spki_der();
    let rows: Vec<(E, Alter)> = vec![
        (E::Version, Box::new(|tbs| tbs.version = Version::V1)),
        (E::Version, Box::new(|tbs| tbs.version = Version::V2)),
        (E::Serial, Box::new(|tbs| tbs.serial = serial(&[1; 15]))),
        (E::Serial, Box::new(|tbs| tbs.serial = serial(&[0xff; 16]))),
        (E::Serial, Box::new(|tbs| tbs.serial = serial(&[0]))),
        (E::Algorithm, Box::new(|tbs| tbs.algorithm = salt_20())),
        (E::WrongAuthority, Box::new(|tbs| tbs.issuer = common_name("B5 authority"))),
        (E::Validity, Box::new(|tbs| tbs.validity.not_after = x509_time(NOW_MS + 90 * DAY_MS + 1_000))),
        (E::Validity, Box::new(|tbs| tbs.validity.not_after = tbs.validity.not_before)),
        (E::Validity, Box::new(|tbs| tbs.validity.not_after = x509_time(NOW_MS - 1_000))),
        (E::Subject, Box::new(|tbs| tbs.subject = name(&PRINTABLE))),
        (E::Subject, Box::new(move |tbs| tbs.subject = name(&two_rdns))),
        (E::Subject, Box::new(|tbs| tbs.subject = name(&[0x30, 0]))),
        (E::UserId(UserIdError::Capital), Box::new(|tbs| tbs.subject = common_name("Anna"))),
        (E::UserId(UserIdError::Reserved), Box::new(|tbs| tbs.subject = common_name("root"))),
        (E::UserId(UserIdError::TooLong), Box::new(|tbs| tbs.subject = common_name(&"a".repeat(33)))),
        (E::SigningKey(KeyError::Size(1_024)), Box::new(|tbs| tbs.spki = spki(SPKI_1024))),
        (E::SigningKey(KeyError::Exponent), Box::new(|tbs| tbs.spki = spki(SPKI_EXPONENT_3))),
        (E::SigningKey(KeyError::Malformed), Box::new(|tbs| tbs.spki.algorithm = pss_algorithm())),
        (E::UniqueId, Box::new(|tbs| tbs.issuer_unique_id = BitString::from_bytes(&[1]).ok())),
        (E::UniqueId, Box::new(|tbs| tbs.subject_unique_id = BitString::from_bytes(&[1]).ok())),
        (E::Extensions, Box::new(|tbs| tbs.extensions = None)),
        (E::Extensions, Box::new(|tbs| extensions(tbs).swap(1, 2))),
        (E::Extensions, Box::new(|tbs| drop(extensions(tbs).pop()))),
        (E::Extensions, Box::new(|tbs| extensions(tbs).push(extension(&OID_NODE_ID, false, &[])))),
        (E::Extensions, Box::new(|tbs| extensions(tbs)[0].critical = false)),
        (E::Extensions, Box::new(|tbs| extensions(tbs)[1].critical = true)),
        (E::Extensions, Box::new(|tbs| extensions(tbs)[2].critical = true)),
        (E::KeyUsage, Box::new(|tbs| content(tbs, 0, &[0x03, 0x02, 0x05, 0xa0]))),
        (E::KeyUsage, Box::new(|tbs| content(tbs, 0, &super::x509::USAGE_CERTIFY))),
        (E::NodeId, Box::new(|tbs| content(tbs, 1, &[7; 32]))),
        (E::NodeId, Box::new(|tbs| content(tbs, 1, &node_id_content(&[7; 32])[..33]))),
        (E::NodeId, Box::new(|tbs| content(tbs, 1, &[&node_id_content(&[7; 32])[..], &[0]].concat()))),
        (E::WrappingKey(KeyError::Malformed), Box::new(|tbs| content(tbs, 2, &[]))),
        (E::WrappingKey(KeyError::Size(1_024)), Box::new(|tbs| content(tbs, 2, SPKI_1024))),
        (E::WrappingKey(KeyError::Exponent), Box::new(|tbs| content(tbs, 2, SPKI_EXPONENT_3))),
        (E::OneKeyForBoth, Box::new(move |tbs| content(tbs, 2, &enc))),
        (E::NotYetValid, Box::new(|tbs| tbs.validity = days(1, 2))),
        (E::Expired, Box::new(|tbs| tbs.validity = days(-2, -1))),
    ];
    for (number, (why, alter)) in rows.iter().enumerate() {
        let mut tbs = good_tbs();
        alter(&mut tbs);
        assert_eq!(refusal(&sealed(tbs)), Some(*why), "row {number}");
    }
}

fn extensions(tbs: &mut Tbs) -> &mut Vec<x509_cert::ext::Extension> {
    tbs.extensions.as_mut().expect("a good certificate has extensions")
}

fn content(tbs: &mut Tbs, number: usize, bytes: &[u8]) {
    extensions(tbs)[number].extn_value = OctetString::new(bytes).expect("short");
}

fn days(from: i64, to: i64) -> Validity {
    let at = |days: i64| x509_time(NOW_MS.checked_add_signed(days * DAY_MS as i64).expect("a time after 1970"));
    Validity::new(at(from), at(to))
}

#[test]
fn the_edges_of_validity_are_inside_it() {
    let der = sealed(good_tbs());
    let at = |now| anchor().verify(&der, now, None).map(|_| ());
    assert_eq!(at(NOW_MS - 1), Err(CertificateError::NotYetValid));
    assert_eq!(at(NOW_MS), Ok(()));
    assert_eq!(at(NOW_MS + 90 * DAY_MS), Ok(()));
    assert_eq!(at(NOW_MS + 90 * DAY_MS + 1), Err(CertificateError::Expired));
}

#[test]
fn a_certificate_is_refused_for_its_envelope() {
    use CertificateError as E;
    let good = sealed(good_tbs());
    let mut form = form_of(good_tbs());
    form.algorithm = AlgorithmIdentifierOwned::from_der(&PKCS1_ALGORITHM).expect("an AlgorithmIdentifier");
    assert_eq!(refusal(&form.to_der().expect("DER")), Some(E::Algorithm));
    let mut form = form_of(good_tbs());
    form.signature = BitString::new(1, [form.signature.raw_bytes(), &[0]].concat()).expect("a bit string");
    assert_eq!(refusal(&form.to_der().expect("DER")), Some(E::Algorithm));
    assert_eq!(refusal(&[&good[..], &[0]].concat()), Some(E::NotDer));
    assert_eq!(refusal(&good[..good.len() - 1]), Some(E::NotDer));
    assert_eq!(refusal(&[]), Some(E::NotDer));
    assert_eq!(refusal(&vec![0x30; 2_049]), Some(E::TooLarge));

    let stranger = TestAuthority::stranger([1; 32]);
    assert_eq!(stranger.anchor().verify(&good, NOW_MS, None).err(), Some(E::BadSignature));
    let mut signed_by_itself = form_of(good_tbs());
    let own = device_keys(0).signing;
    let own = own.sign(&mut Rng::from_seed([5; 32]), &signed_by_itself.tbs.to_der().expect("DER"));
    signed_by_itself.signature = BitString::from_bytes(&own).expect("a bit string");
    assert_eq!(refusal(&signed_by_itself.to_der().expect("DER")), Some(E::BadSignature));
}

#[test]
fn a_certificate_in_another_encoding_is_refused() {
    // A date before 2050 as GeneralizedTime: the same instant, another form.
    let mut form = form_of(good_tbs());
    let Time::UtcTime(begin) = form.tbs.validity.not_before else { panic!("2026 is a UTCTime") };
    let generalized = GeneralizedTime::from_unix_duration(begin.to_unix_duration()).expect("a time");
    let utc = Time::UtcTime(begin).to_der().expect("DER");
    let other = Time::GeneralTime(generalized).to_der().expect("DER");
    form.signature = BitString::from_bytes(&[0; 384]).expect("a bit string");
    let der = form.to_der().expect("DER");
    let at = der.windows(utc.len()).position(|window| window == utc).expect("the date is in it");
    let mut altered = [&der[..at], &other, &der[at + utc.len()..]].concat();
    // The validity, the TBS and the whole grew by two bytes.
    altered[at - 1] += 2;
    for length in [2, 6] {
        let grown = u16::from_be_bytes([altered[length], altered[length + 1]]) + 2;
        altered[length..length + 2].copy_from_slice(&grown.to_be_bytes());
    }
    assert_eq!(refusal(&altered), Some(CertificateError::NotCanonical));
}

#[test]
fn every_single_bit_flip_of_a_good_certificate_is_refused() {
    let (good, anchor) = (sealed(good_tbs()), anchor());
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(anchor.verify(&flipped, NOW_MS, None).is_err(), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_parsing_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_100)) {
        prop_assert!(refusal(&bytes).is_some());
        prop_assert!(TrustAnchor::from_der(&bytes).is_err());
        prop_assert!(EnrolmentRequest::parse(&bytes).is_err());
    }

    #[test]
    fn no_damage_to_a_good_certificate_is_overlooked(
        at in 0usize..1_500, damage in proptest::collection::vec(any::<u8>(), 1..20), cut in 0usize..20,
    ) {
        let good = sealed(good_tbs());
        let end = (at + cut).min(good.len());
        let damaged = [&good[..at], &damage, &good[end..]].concat();
        prop_assert!(damaged == good || refusal(&damaged).is_some());
    }
}

/// Our own reader against the `x509-cert` crate.
fn is_read_and_written_alike(der: &[u8]) -> bool {
    CertificateForm::from_der(der).and_then(|form| form.to_der()).is_ok_and(|written| written == der)
}

fn unsigned(validity: Validity) -> Vec<u8> {
    let mut tbs = good_tbs();
    tbs.validity = validity;
    let signature = BitString::from_bytes(&[0; 384]).expect("a bit string");
    CertificateForm { tbs, algorithm: pss_algorithm(), signature }.to_der().expect("DER")
}

proptest! {
    #[test]
    fn what_fits_the_profile_is_canonical_to_others(
        at in 0usize..1_500, damage in proptest::collection::vec(any::<u8>(), 0..4), cut in 0usize..4,
    ) {
        let good = unsigned(days(0, 90));
        let end = (at + cut).min(good.len());
        let damaged = [&good[..at.min(end)], &damage, &good[end..]].concat();
        if super::profile::check(&damaged, &super::x509::common_name("B4 authority")).is_ok() {
            prop_assert!(is_read_and_written_alike(&damaged));
        }
    }

    #[test]
    fn times_are_read_as_others_write_them(seconds in 946_684_800u64..7_258_118_400) {
        let ms = seconds * 1_000;
        let der = unsigned(Validity::new(x509_time(ms), x509_time(ms + 1_000)));
        prop_assert!(super::form::read(&der).is_ok_and(|form| (form.not_before_ms, form.not_after_ms) == (ms, ms + 1_000)));
    }
}

#[test]
fn a_day_that_does_not_exist_is_refused() {
    let good = unsigned(Validity::new(x509_time(1_835_308_800_000), x509_time(1_835_308_801_000)));
    let at = good.windows(6).position(|window| window == b"280228").expect("2028-02-28");
    let refused = |date: &[u8; 12]| {
        let mut altered = good.clone();
        altered[at..at + 12].copy_from_slice(date);
        super::form::read(&altered).err()
    };
    for right in [b"280228000000", b"280229235959", b"000229000000", b"491231235959"] {
        assert_eq!(refused(right), None);
    }
    for wrong in [b"270229000000", b"280230000000", b"280431000000", b"281301000000", b"280001000000", b"280100000000",
                  b"280101240000", b"280101006000", b"280101000060", b"2801010000 0"] {
        assert_eq!(refused(wrong), Some(CertificateError::NotDer), "{wrong:?}");
    }
    assert_eq!(refused(b"500101000000"), Some(CertificateError::NotCanonical));
}

#[test]
fn an_authority_is_refused_for_its_own_reason() {
    let authority = TestAuthority::new([1; 32]);
    assert!(TrustAnchor::from_pem(&authority.anchor().to_pem()).is_ok_and(|read| read.pin() == authority.anchor().pin()));
    assert_ne!(authority.anchor().pin(), TestAuthority::stranger([1; 32]).anchor().pin());
    let check = |der: &[u8], why| assert_eq!(TrustAnchor::from_der(der).err(), Some(why));
    let form = CertificateForm::from_der(authority.anchor().der()).expect("a certificate");
    let resealed = |alter: &dyn Fn(&mut Tbs)| {
        let mut tbs = form.tbs.clone();
        alter(&mut tbs);
        sealed(tbs)
    };
    check(&sealed(good_tbs()), AnchorError::Profile);
    check(&[1, 2, 3], AnchorError::Form(CertificateError::NotDer));
    check(&resealed(&|tbs| tbs.subject = common_name("B5 authority")), AnchorError::Profile);
    check(&resealed(&|tbs| tbs.issuer = common_name("B5 authority")), AnchorError::Profile);
    check(&resealed(&|tbs| content(tbs, 0, &[0x30, 0])), AnchorError::Profile);
    check(&resealed(&|tbs| content(tbs, 1, &USAGE_SIGN)), AnchorError::Profile);
    check(&resealed(&|tbs| extensions(tbs)[0].critical = false), AnchorError::Profile);
    check(&resealed(&|tbs| tbs.version = Version::V2), AnchorError::Profile);
    check(&resealed(&|tbs| tbs.subject_unique_id = Some(BitString::from_bytes(&[1]).expect("bits"))), AnchorError::Profile);
    check(&resealed(&|tbs| tbs.spki = spki(SPKI_1024)), AnchorError::Profile);
    check(&resealed(&|tbs| tbs.spki = spki(&device_keys(0).signing.spki_der())), AnchorError::BadSignature);
    assert_eq!(TrustAnchor::from_pem("hello").err(), Some(AnchorError::Pem));
    let relabelled = authority.anchor().to_pem().replace("CERTIFICATE", "PUBLIC KEY");
    assert_eq!(TrustAnchor::from_pem(&relabelled).err(), Some(AnchorError::Pem));
    assert!(Issuer::from_parts(authority_key(), authority.anchor().der()).is_ok());
    assert!(Issuer::from_parts(device_keys(0).signing, authority.anchor().der()).is_err());
}

#[test]
fn every_request_that_breaks_one_rule_is_refused_for_it() {
    use RequestError as E;
    type Alter = Box<dyn Fn(&mut CertReq)>;
    let enc = |der: &[u8]| super::template::extension_request(der);
    let two = |first: &Attribute| {
        let other = Attribute { oid: oid(&OID_NODE_ID), values: first.values.clone() };
        der::asn1::SetOfVec::try_from(vec![first.clone(), other]).expect("two attributes")
    };
    let signing = device_keys(0).signing.spki_der();
    let rows: Vec<(E, Alter)> = vec![
        (E::Subject, Box::new(|request| request.info.subject = name(&PRINTABLE))),
        (E::UserId(UserIdError::Capital), Box::new(|request| request.info.subject = common_name("Anna"))),
        (E::UserId(UserIdError::Reserved), Box::new(|request| request.info.subject = common_name("admin"))),
        (E::SigningKey(KeyError::Size(1_024)), Box::new(|request| request.info.public_key = spki(SPKI_1024))),
        (E::SigningKey(KeyError::Exponent), Box::new(|request| request.info.public_key = spki(SPKI_EXPONENT_3))),
        (E::Attributes, Box::new(|request| request.info.attributes = Default::default())),
        (E::Attributes, Box::new(move |request| request.info.attributes = two(&request.info.attributes.as_slice()[0]))),
        (E::WrappingKey(KeyError::Size(1_024)), Box::new(move |request| request.info.attributes = enc(SPKI_1024))),
        (E::OneKeyForBoth, Box::new(move |request| request.info.attributes = enc(&signing))),
        (E::Algorithm, Box::new(|request| request.algorithm = salt_20())),
        (E::BadSignature, Box::new(|request| request.info.subject = common_name("bert"))),
        (E::BadSignature, Box::new(|request| request.signature = BitString::from_bytes(&[1; 384]).expect("bits"))),
        // Of two, the form comes first, then the name, then the keys.
        (E::Attributes, Box::new(|request| {
            request.info.subject = common_name("admin");
            request.info.attributes = Default::default();
        })),
        (E::Algorithm, Box::new(|request| {
            request.info.subject = common_name("Anna");
            request.info.public_key = spki(SPKI_1024);
            request.algorithm = salt_20();
        })),
        (E::UserId(UserIdError::Capital), Box::new(|request| {
            request.info.subject = common_name("Anna");
            request.info.public_key = spki(SPKI_1024);
        })),
    ];
    let good = request_of("anna", &device_keys(0), &mut Rng::from_seed([6; 32]));
    assert!(EnrolmentRequest::parse(&good).is_ok_and(|request| request.user_id().as_str() == "anna"));
    for (number, (why, alter)) in rows.iter().enumerate() {
        let mut request = CertReq::from_der(&good).expect("a request");
        alter(&mut request);
        let parsed = EnrolmentRequest::parse(&request.to_der().expect("DER"));
        assert_eq!(parsed.err(), Some(*why), "row {number}");
    }
    assert_eq!(EnrolmentRequest::parse(&[0; 4_097]).err(), Some(E::TooLarge));
    assert_eq!(EnrolmentRequest::parse(&[&good[..], &[0]].concat()).err(), Some(E::NotDer));
}

#[test]
fn a_device_enrols_by_proving_both_keys() {
    let mut rng = Rng::from_seed([9; 32]);
    let (authority, keys) = (TestAuthority::new([1; 32]), device_keys(0));
    let csr = request_of("anna", &keys, &mut rng);
    let request = EnrolmentRequest::parse(&csr).expect("a good request");
    let (challenge, wrapped) = super::Challenge::new(&mut rng, &request);
    let opened = keys.unwrapping.unwrap(&mut rng, super::ENROL_LABEL, &wrapped).expect("our own key");
    let answer = super::answer_challenge(&opened, &csr).expect("our own request");
    assert!(challenge.is_answered_by(&answer));
    assert!(!challenge.is_answered_by(&[0; 32]));
    let der = authority.issuer().issue(&mut rng, &request, &NodeId([5; 32]), NOW_MS);
    let certificate = authority.anchor().verify(&der, NOW_MS, None).expect("a good certificate");
    assert_eq!(certificate.key_hash(), request.key_hash());
    assert_eq!(*certificate.node_id(), NodeId([5; 32]));
    assert_eq!(certificate.not_after_ms() - certificate.not_before_ms(), 90 * DAY_MS);
}
