//! The fixed parts of the certificates and requests of B4, as DER. Where they stand is [`super::form`]'s and the profile's
//! business.

use crate::asn1::{OCTET_STRING, element};

/// `node-id`, 1.3.6.1.3.2017.4.1: names a node id (PROTOCOL.md#certificates).
pub(super) const OID_NODE_ID: [u8; 8] = [0x2b, 0x06, 0x01, 0x03, 0x8f, 0x61, 0x04, 0x01];
/// `enc-spki`, 1.3.6.1.3.2017.4.2: names a decryption key (PROTOCOL.md#certificates).
pub(super) const OID_ENC_SPKI: [u8; 8] = [0x2b, 0x06, 0x01, 0x03, 0x8f, 0x61, 0x04, 0x02];
/// keyUsage, 2.5.29.15 (RFC 5280 section 4.2.1.3).
pub(super) const OID_KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x0f];
/// basicConstraints, 2.5.29.19 (RFC 5280 section 4.2.1.9).
pub(super) const OID_BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 0x13];
/// extensionRequest, 1.2.840.113549.1.9.14 (RFC 2985 section 5.4.2).
pub(super) const OID_EXTENSION_REQUEST: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];

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

/// Bytes before the text in a name's DER.
const COMMON_NAME_HEAD: usize = 13;
/// Longest text for which every length of the name takes one byte.
const COMMON_NAME_BYTES_MAX: usize = 100;

/// A name of one RDN: CN = `text`, UTF8String.
///
/// # Panics
/// When `text` is over 100 bytes: user ids and the authority's name are shorter.
pub(super) fn common_name(text: &str) -> Vec<u8> {
    assert!(text.len() <= COMMON_NAME_BYTES_MAX, "user ids and the authority's name are short");
    let n = text.len() as u8;
    let head: [u8; COMMON_NAME_HEAD] =
        [0x30, n + 11, 0x31, n + 9, 0x30, n + 7, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, n];
    [head.as_slice(), text.as_bytes()].concat()
}

/// The text of a name that is exactly what [`common_name`] makes; `None` for any other name.
pub(super) fn common_name_text(name: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(name.get(COMMON_NAME_HEAD..)?).ok()?;
    (text.len() <= COMMON_NAME_BYTES_MAX && common_name(text) == name).then_some(text)
}

/// An OCTET STRING of 32 bytes, as `node-id` holds it.
pub(super) fn node_id_content(node: &[u8; 32]) -> Vec<u8> {
    element(OCTET_STRING, &[node])
}
