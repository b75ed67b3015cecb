//! Certificates and requests as values of the `x509-cert` crate: what the authority fills in and reads, and what the tests
//! alter. The page never does: it reads certificates as they are ([`super::form`]) and writes its one request by hand.

use der::asn1::{Any, BitString, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode, Sequence};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::attr::Attribute;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

use super::x509::{self, OID_ENC_SPKI, OID_EXTENSION_REQUEST, PSS_ALGORITHM};

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
    Name::from_der(&x509::common_name(text)).expect("a short common name is a Name")
}

/// An object identifier of its content as DER.
pub(super) fn oid(content: &[u8]) -> ObjectIdentifier {
    ObjectIdentifier::from_bytes(content).expect("our constants are object identifiers")
}

/// An extension with its content as DER.
pub(super) fn extension(extn_id: &[u8], critical: bool, content: &[u8]) -> Extension {
    let extn_value = OctetString::new(content).expect("an extension is far under 256 MiB");
    Extension { extn_id: oid(extn_id), critical, extn_value }
}

/// The attributes of a request: extensionRequest with `enc-spki` alone.
pub(super) fn extension_request(enc_spki_der: &[u8]) -> SetOfVec<Attribute> {
    let extensions = vec![extension(&OID_ENC_SPKI, false, enc_spki_der)];
    let value = Any::encode_from(&extensions).expect("one extension has a DER form");
    let values = SetOfVec::try_from(vec![value]).expect("a set of one");
    let attribute = Attribute { oid: oid(&OID_EXTENSION_REQUEST), values };
    SetOfVec::try_from(vec![attribute]).expect("a set of one")
}
