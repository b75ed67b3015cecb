//! The authority over HTTP (PROTOCOL.md#enrolment): names, certificates, revocations.

use b4_protocol::crypto::KeyOp;
use b4_protocol::identity::{ENROL_LABEL, RequestDraft, UserId, answer_challenge};

use super::http::{self, Answer, Request};
use super::keys::DeviceKeys;
use super::text::{hex, unbase64, unhex};
use super::{PlatformError, js};

/// Whether a name can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameState {
    /// Nobody has it.
    Free,
    /// Somebody has it.
    Taken,
    /// The operator keeps it back.
    Reserved,
}

/// Why the authority said no: its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It can be nobody's name.
    BadName,
    /// The operator keeps the name back.
    Reserved,
    /// Somebody has the name, with other keys.
    Taken,
    /// The operator has revoked these keys.
    Revoked,
    /// The request cannot be read.
    BadRequest,
    /// The request's signature does not verify.
    BadSignature,
    /// One of the keys is not acceptable.
    BadKey,
    /// The answer to the challenge is wrong.
    BadAnswer,
    /// The ticket is unknown, used or too old.
    NoTicket,
    /// Too many requests from here.
    TooMany,
    /// The request is too large.
    TooLarge,
    /// An invitation is needed.
    InviteRequired,
    /// The invitation is not good.
    BadInvite,
}

impl Refusal {
    /// The refusal of a code of PROTOCOL.md#enrolment.
    fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "bad-name" => Self::BadName,
            "reserved" => Self::Reserved,
            "taken" => Self::Taken,
            "revoked" => Self::Revoked,
            "bad-request" => Self::BadRequest,
            "bad-signature" => Self::BadSignature,
            "bad-key" => Self::BadKey,
            "bad-answer" => Self::BadAnswer,
            "no-ticket" => Self::NoTicket,
            "too-many" => Self::TooMany,
            "too-large" => Self::TooLarge,
            "invite-required" => Self::InviteRequired,
            "bad-invite" => Self::BadInvite,
            _ => return None,
        })
    }
}

/// Why something came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    /// No answer, or none of the authority's.
    #[error("the authority cannot be reached: {0}")]
    Unreachable(String),
    /// The authority said no.
    #[error("the authority refused: {0:?}")]
    Refused(Refusal),
    /// The authority's answer is not one.
    #[error("the authority answered nonsense: {0}")]
    Nonsense(&'static str),
    /// The keys make no request.
    #[error("the keys make no request: {0}")]
    Request(String),
    /// WebCrypto did not sign or unwrap.
    #[error("the browser did not use its key")]
    Key,
}

/// The public halves, as SubjectPublicKeyInfo.
#[derive(Clone, Copy)]
pub struct PublicKeys<'a> {
    /// Of the signing key.
    pub signing: &'a [u8],
    /// Of the unwrapping key.
    pub unwrapping: &'a [u8],
}

/// Asks about a name.
///
/// # Errors
/// See [`EnrolError`].
pub async fn name_state(user: &UserId) -> Result<NameState, EnrolError> {
    let body = ask(&format!("/names/{user}"), Request::default()).await?;
    match text(&body, "state").as_deref() {
        Some("free") => Ok(NameState::Free),
        Some("taken") => Ok(NameState::Taken),
        Some("reserved") => Ok(NameState::Reserved),
        _ => Err(EnrolError::Nonsense("name")),
    }
}

/// The authority's certificate, PEM.
///
/// # Errors
/// See [`EnrolError`].
pub async fn authority() -> Result<String, EnrolError> {
    let body = ask("/authority.pem", Request::default()).await?;
    String::from_utf8(body).map_err(|_| EnrolError::Nonsense("authority"))
}

/// The revocation list, unverified.
///
/// # Errors
/// See [`EnrolError`].
pub async fn revoked() -> Result<Vec<u8>, EnrolError> {
    ask("/revoked", Request::default()).await
}

/// Enrols, or renews when the authority knows these keys under this name: the certificate, DER, unverified.
///
/// # Errors
/// See [`EnrolError`].
pub async fn enrol(
    user: &UserId,
    keys: &DeviceKeys,
    public: PublicKeys<'_>,
    invite: Option<&str>,
) -> Result<Vec<u8>, EnrolError> {
    let draft = RequestDraft::new(user, public.signing, public.unwrapping);
    let draft = draft.map_err(|why| EnrolError::Request(why.to_string()))?;
    let signature = keys.sign(draft.to_be_signed().to_vec()).await.map_err(|_| EnrolError::Key)?;
    let csr = draft.finish(&signature);
    let header = invite.map(|invite| ("B4-Invite", invite));
    let body = ask("/enrol", Request { body: Some(&csr), header }).await?;
    // It becomes part of a path: hex and nothing else.
    let ticket = text(&body, "ticket").and_then(|ticket| unhex(&ticket)).ok_or(EnrolError::Nonsense("ticket"))?;
    let ciphertext = text(&body, "challenge").and_then(|text| unbase64(&text)).ok_or(EnrolError::Nonsense("challenge"))?;
    let opened = keys.perform(&KeyOp::Unwrap { label: ENROL_LABEL, ciphertext }).await.map_err(|_| EnrolError::Key)?;
    let answer = answer_challenge(&opened, &csr).map_err(|_| EnrolError::Nonsense("challenge for another request"))?;
    ask(&format!("/enrol/{}", hex(&ticket)), Request { body: Some(&answer), header: None }).await
}

/// A string in a JSON object.
fn text(body: &[u8], name: &str) -> Option<String> {
    js::text_field(&js::json(body)?, name)
}

async fn ask(path: &str, request: Request<'_>) -> Result<Vec<u8>, EnrolError> {
    let answer = http::fetch(path, request).await.map_err(|why: PlatformError| EnrolError::Unreachable(why.to_string()))?;
    match answer.status {
        200 => Ok(answer.body),
        400..=499 => Err(refused(&answer)),
        status => Err(EnrolError::Unreachable(format!("HTTP status {status}"))),
    }
}

fn refused(answer: &Answer) -> EnrolError {
    match text(&answer.body, "code").and_then(|code| Refusal::from_code(&code)) {
        Some(refusal) => EnrolError::Refused(refusal),
        None if answer.status == 429 => EnrolError::Refused(Refusal::TooMany),
        None => EnrolError::Unreachable(format!("HTTP status {}", answer.status)),
    }
}
