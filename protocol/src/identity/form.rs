//! The form of a certificate (RFC 5280 section 4.1): where its fields are. What is allowed in them is the profile's business.
//!
//! What is read has one encoding. Fields that are copied out as DER are compared byte for byte by whoever asks for them.

use super::CertificateError;
use super::x509::PSS_ALGORITHM;
use crate::asn1::{self, BIT_STRING, BOOLEAN, Element, Elements, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use crate::codec::Malformed;
use crate::limits::CERTIFICATE_BYTES_MAX;
use crate::time::SECOND_MS;

/// Tags within the signed part, in its own numbering.
const VERSION: u8 = 0xa0;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The version field of X.509 v3.
const V3: [u8; 5] = [VERSION, 0x03, INTEGER, 0x01, 0x02];
/// TRUE (X.690 section 11.1).
const TRUE: [u8; 1] = [0xff];
/// From this year on times are GeneralizedTime, before it UTCTime (RFC 5280 section 4.1.2.5).
const GENERALIZED_FROM: u64 = 2050;
/// More extensions than this are not kept apart: no profile here has as many.
const EXTENSIONS_MAX: usize = 4;

/// A certificate, as slices of its DER.
pub(super) struct Form<'a> {
    /// What the signature is over.
    pub(super) signed: &'a [u8],
    pub(super) is_v3: bool,
    /// Content of the INTEGER.
    pub(super) serial: &'a [u8],
    /// DER of a name.
    pub(super) issuer: &'a [u8],
    pub(super) not_before_ms: u64,
    pub(super) not_after_ms: u64,
    /// DER of a name.
    pub(super) subject: &'a [u8],
    /// DER.
    pub(super) spki: &'a [u8],
    pub(super) has_unique_id: bool,
    /// At most [`EXTENSIONS_MAX`].
    pub(super) extensions: Vec<Extension<'a>>,
    /// Both algorithms are RSASSA-PSS with exactly our parameters, and the signature is whole bytes.
    pub(super) is_pss: bool,
    pub(super) signature: &'a [u8],
}

/// An extension.
pub(super) struct Extension<'a> {
    oid: &'a [u8],
    is_critical: bool,
    pub(super) content: &'a [u8],
}

impl Extension<'_> {
    /// Whether it is this one, critical or not.
    pub(super) fn is(&self, oid: &[u8], is_critical: bool) -> bool {
        self.oid == oid && self.is_critical == is_critical
    }
}

/// Reads a certificate.
///
/// # Errors
/// `TooLarge`, `NotDer` or `NotCanonical`.
pub(super) fn read(der: &[u8]) -> Result<Form<'_>, CertificateError> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return Err(CertificateError::TooLarge);
    }
    let mut certificate = asn1::only(der, SEQUENCE)?;
    let tbs = certificate.take(SEQUENCE)?;
    let algorithm = certificate.take(SEQUENCE)?.whole;
    let signature = certificate.take(BIT_STRING)?.content;
    certificate.finish()?;
    let (unused_bits, signature) = signature.split_first().ok_or(CertificateError::NotDer)?;
    let mut form = signed_part(tbs, signature)?;
    form.is_pss &= algorithm == PSS_ALGORITHM && *unused_bits == 0;
    Ok(form)
}

fn signed_part<'a>(tbs: Element<'a>, signature: &'a [u8]) -> Result<Form<'a>, CertificateError> {
    let mut fields = asn1::only(tbs.whole, SEQUENCE)?;
    let is_v3 = fields.next_is(VERSION) && fields.take(VERSION)?.whole == V3;
    let serial = fields.take(INTEGER)?.content;
    let is_pss = fields.take(SEQUENCE)?.whole == PSS_ALGORITHM;
    let issuer = fields.take(SEQUENCE)?.whole;
    let mut validity = fields.enter(SEQUENCE)?;
    let (not_before_ms, not_after_ms) = (time(&mut validity)?, time(&mut validity)?);
    validity.finish()?;
    let subject = fields.take(SEQUENCE)?.whole;
    let spki = fields.take(SEQUENCE)?.whole;
    let mut has_unique_id = false;
    for tag in [ISSUER_UNIQUE_ID, SUBJECT_UNIQUE_ID] {
        if fields.next_is(tag) {
            fields.take(tag)?;
            has_unique_id = true;
        }
    }
    let extensions = if fields.next_is(EXTENSIONS) { extensions(fields.enter(EXTENSIONS)?)? } else { Vec::new() };
    fields.finish()?;
    Ok(Form {
        signed: tbs.whole,
        is_v3,
        serial,
        issuer,
        not_before_ms,
        not_after_ms,
        subject,
        spki,
        has_unique_id,
        extensions,
        is_pss,
        signature,
    })
}

fn extensions(mut explicit: Elements<'_>) -> Result<Vec<Extension<'_>>, CertificateError> {
    let mut all = explicit.enter(SEQUENCE)?;
    explicit.finish()?;
    let mut read = Vec::new();
    while !all.is_empty() && read.len() < EXTENSIONS_MAX {
        let mut extension = all.enter(SEQUENCE)?;
        let oid = extension.take(OBJECT_IDENTIFIER)?.content;
        let is_critical = extension.next_is(BOOLEAN);
        // FALSE is what is not there.
        if is_critical && extension.take(BOOLEAN)?.content != TRUE {
            return Err(CertificateError::NotCanonical);
        }
        let content = extension.take(OCTET_STRING)?.content;
        extension.finish()?;
        read.push(Extension { oid, is_critical, content });
    }
    Ok(read)
}

/// Milliseconds since 1970.
fn time(validity: &mut Elements<'_>) -> Result<u64, CertificateError> {
    let is_generalized = validity.next_is(GENERALIZED_TIME);
    let text = validity.take(if is_generalized { GENERALIZED_TIME } else { UTC_TIME })?.content;
    let (century, rest) = if is_generalized { text.split_at_checked(2).ok_or(Malformed)? } else { (&b"20"[..], text) };
    let [digits @ .., b'Z'] = rest else { return Err(CertificateError::NotDer) };
    let mut pairs = [0; 7];
    let all = [century, digits].concat();
    if all.len() != 2 * pairs.len() || !all.iter().all(u8::is_ascii_digit) {
        return Err(CertificateError::NotDer);
    }
    for (pair, two) in pairs.iter_mut().zip(all.chunks_exact(2)) {
        *pair = u64::from(two[0] - b'0') * 10 + u64::from(two[1] - b'0');
    }
    let [century, year, month, day, hour, minute, second] = pairs;
    let year = century * 100 + year;
    if is_generalized == (year < GENERALIZED_FROM) {
        // A UTCTime from 50 on is of the last century, when nobody issued anything of ours.
        return Err(CertificateError::NotCanonical);
    }
    let days = days_since_1970(year, month, day).ok_or(CertificateError::NotDer)?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(CertificateError::NotDer);
    }
    Ok((((days * 24 + hour) * 60 + minute) * 60 + second) * SECOND_MS)
}

/// For years from 2000 on; `None` when there is no such day.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if is_leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    let length = *lengths.get(month)?;
    let before = year - 1;
    let leap_days = before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    let days = (year - 1970) * 365 + leap_days + lengths[..month].iter().sum::<u64>();
    (1..=length).contains(&day).then(|| days + day - 1)
}

impl From<Malformed> for CertificateError {
    fn from(_: Malformed) -> Self {
        Self::NotDer
    }
}
