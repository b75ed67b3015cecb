//! The X.509 structures that B4 reads and writes, with their fixed parts as constants. What is allowed in them is the
//! profile's business.

use der::asn1::{BitString, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Sequence};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

/// Names a node id (PROTOCOL.md#certificates).
pub(super) const OID_NODE_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.3.2017.4.1");
/// Names a decryption key (PROTOCOL.md#certificates).
pub(super) const OID_ENC_SPKI: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.3.2017.4.2");
/// keyUsage (RFC 5280 section 4.2.1.3).
pub(super) const OID_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
/// basicConstraints (RFC 5280 section 4.2.1.9).
pub(super) const OID_BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
/// extensionRequest (RFC 2985 section 5.4.2).
pub(super) const OID_EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// keyUsage of digitalSignature alone, as the extension holds it.
pub(super) const USAGE_SIGN: [u8; 4] = [0x03, 0x02, 0x07, 0x80];
/// keyUsage of keyCertSign alone.
pub(super) const USAGE_CERTIFY: [u8; 4] = [0x03, 0x02, 0x02, 0x04];
/// basicConstraints with CA:TRUE and no path length.
pub(super) const CONSTRAINTS_CA: [u8; 5] = [0x30, 0x03, 0x01, 0x01, 0xff];

/// AlgorithmIdentifier of RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 (RFC 4055 sections 2.1 and 3.1).
pub(super) const PSS_ALGORITHM: [u8; 67] = [
    0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06,
    0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86,
    0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
    0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20,
];

/// A whole certificate (RFC 5280 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct CertificateForm {
    pub(super) tbs: Tbs,
    pub(super) algorithm: AlgorithmIdentifierOwned,
    pub(super) signature: BitString,
}

/// What the issuer signs.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(super) struct Tbs {
    #[asn1(context_specific = "0", default = "Default::default")]
    pub(super) version: Version,
    pub(super) serial: SerialNumber,
    pub(super) algorithm: AlgorithmIdentifierOwned,
    pub(super) issuer: Name,
    pub(super) validity: Validity,
    pub(super) subject: Name,
    pub(super) spki: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) issuer_unique_id: Option<BitString>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) subject_unique_id: Option<BitString>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) extensions: Option<Vec<Extension>>,
}

/// The signature algorithm as a value.
pub(super) fn pss_algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned::from_der(&PSS_ALGORITHM).expect("the constant is an AlgorithmIdentifier")
}

/// A name of one RDN: CN = `text`, UTF8String.
///
/// # Panics
/// When `text` is over 100 bytes: user ids and the authority's name are shorter.
pub(super) fn common_name(text: &str) -> Name {
    Name::from_der(&common_name_der(text)).expect("a short common name is a Name")
}

/// The text of a name that is exactly what [`common_name`] makes; `None` for any other name.
pub(super) fn common_name_text(name: &Name) -> Option<String> {
    let der = name.to_der().ok()?;
    let text = std::str::from_utf8(der.get(COMMON_NAME_HEAD..)?).ok()?;
    (text.len() <= COMMON_NAME_BYTES_MAX && common_name_der(text) == der).then(|| text.to_owned())
}

/// An extension with its content as DER.
pub(super) fn extension(oid: ObjectIdentifier, critical: bool, content: &[u8]) -> Extension {
    let extn_value = OctetString::new(content).expect("an extension is far under 256 MiB");
    Extension { extn_id: oid, critical, extn_value }
}

/// An OCTET STRING of 32 bytes, as `node-id` holds it.
pub(super) fn node_id_content(node: &[u8; 32]) -> [u8; 34] {
    let mut content = [0; 34];
    content[..2].copy_from_slice(&[0x04, 32]);
    content[2..].copy_from_slice(node);
    content
}

/// Bytes before the text in a name's DER.
const COMMON_NAME_HEAD: usize = 13;
/// Longest text for which every length of the name takes one byte.
const COMMON_NAME_BYTES_MAX: usize = 100;

fn common_name_der(text: &str) -> Vec<u8> {
    assert!(text.len() <= COMMON_NAME_BYTES_MAX, "user ids and the authority's name are short");
    let n = text.len() as u8;
    let head: [u8; COMMON_NAME_HEAD] =
        [0x30, n + 11, 0x31, n + 9, 0x30, n + 7, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, n];
    [head.as_slice(), text.as_bytes()].concat()
}
