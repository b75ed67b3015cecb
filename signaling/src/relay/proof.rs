//! A client's proof that it has its certificate's key, and whether it holds. Two RSA verifications, without any state: whoever
//! drives the relay does them where nobody else waits.

use b4_protocol::identity::{TrustAnchor, VerifiedCertificate};
use b4_protocol::signal::relay::{RefusalCode, proof_message};

/// A proof, with all but the authority that it takes to verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub(super) origin: String,
    pub(super) nonce: [u8; 32],
    pub(super) certificate: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// When it was given; not earlier than the newest list.
    pub(super) now_ms: u64,
}

/// Whether a proof holds; whether its certificate was taken back meanwhile is not in it.
#[derive(Clone, Debug)]
pub struct Verdict(pub(super) Result<VerifiedCertificate, RefusalCode>);

impl Proof {
    /// Verifies it; the certificate first, so that its owner learns what is wrong with it.
    pub fn verify(&self, anchor: &TrustAnchor) -> Verdict {
        Verdict(self.certificate(anchor))
    }

    fn certificate(&self, anchor: &TrustAnchor) -> Result<VerifiedCertificate, RefusalCode> {
        let certificate = anchor.verify(&self.certificate, self.now_ms, None);
        let certificate = certificate.map_err(|_| RefusalCode::CertificateRefused)?;
        let message = proof_message(&self.origin, &self.nonce, &certificate.hash());
        let signed = certificate.signing_key().verify(&message, &self.signature);
        signed.map_err(|_| RefusalCode::NotProven)?;
        Ok(certificate)
    }
}
