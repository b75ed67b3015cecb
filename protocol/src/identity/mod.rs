//! Names, certificates and who may issue them.
//!
//! A device's life here: it drafts a request ([`RequestDraft`]), proves both of its keys ([`answer_challenge`]), and from
//! then on is a [`VerifiedCertificate`], which only [`TrustAnchor::verify`] can make. The authority reads and
//! writes with the `x509-cert` crate; what the page needs of it, and the strict profile of PROTOCOL.md#certificates, is ours. Private keys are not here, nor is any clock: `now_ms` is an argument.

mod user_id;

mod node_id;

mod x509;

mod form;

mod pem;

mod profile;

mod certificate;

mod authority;

mod revocation;

mod request;

#[cfg(feature = "native-keys")]
mod template;

#[cfg(feature = "native-keys")]
mod enrolment;

#[cfg(feature = "native-keys")]
mod issuer;

#[cfg(feature = "native-keys")]
pub mod testing;

#[cfg(test)]
mod corpus;

pub use authority::{AnchorError, TrustAnchor};
pub use certificate::{CertificateError, VerifiedCertificate};
#[cfg(feature = "native-keys")]
pub use enrolment::{EnrolmentRequest, RequestError};
#[cfg(feature = "native-keys")]
pub use issuer::{Challenge, Issuer, IssuerError};
pub use node_id::NodeId;
pub use request::{ChallengeError, DraftError, ENROL_LABEL, REQUEST_BYTES_MAX, RequestDraft, answer_challenge};
pub use revocation::{ListAge, REVOCATIONS_MAX, RevocationError, RevocationList, clock_ms};
pub use user_id::{UserId, UserIdError};
