//! The receipt of a holder: signed word that it keeps an envelope. When one may be given is not decided here.

use super::{EnvelopeId, RSA_BYTES_MAX, Sealed};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::{BadSignature, KeyOp};
use crate::identity::{NodeId, VerifiedCertificate};

const LABEL: &[u8] = b"B4/v1/held";

/// The receipt is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not the bytes of a receipt.
    #[error("not a receipt")]
    Malformed,
    /// It names another node than the one that is asked.
    #[error("the receipt is of another holder")]
    OtherHolder,
    /// The holder did not sign it.
    #[error("the receipt's signature does not verify")]
    BadSignature,
}

impl From<Malformed> for ReceiptError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// An envelope is durable at a holder (PROTOCOL.md#envelope).
///
/// ```text
/// holder: node id(32) | mailbox(32) | H(envelope)(32) | expiry(4, hours since 1970) | lp(signature of the holder)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who keeps it.
    pub holder: NodeId,
    /// For whom.
    pub mailbox: [u8; 32],
    /// What.
    pub envelope: EnvelopeId,
    /// Until when, in hours since 1970.
    pub expiry_h: u32,
}

impl Receipt {
    /// A receipt of `holder` for this envelope, to be signed once it is durable.
    pub fn of(holder: NodeId, envelope: &Sealed) -> Self {
        let header = envelope.header();
        Self { holder, mailbox: header.mailbox, envelope: envelope.id(), expiry_h: header.expiry_h }
    }

    /// What the holder's signing key must sign.
    pub fn key_op(&self) -> KeyOp {
        KeyOp::Sign { message: [LABEL, &self.body()].concat() }
    }

    /// The signed receipt.
    pub fn finish(&self, signature: &[u8]) -> Vec<u8> {
        Writer::new().raw(&self.body()).lp(signature).into_bytes()
    }

    /// Reads a receipt and verifies that `holder` has signed it. Whether it is for the envelope that was deposited, the caller compares
    /// with [`Receipt::of`].
    ///
    /// # Errors
    /// See [`ReceiptError`].
    pub fn verify(bytes: &[u8], holder: &VerifiedCertificate) -> Result<Self, ReceiptError> {
        let mut reader = Reader::new(bytes);
        let (named, mailbox) = (NodeId(reader.array()?), reader.array()?);
        let (envelope, expiry_h) = (EnvelopeId(reader.array()?), reader.u32()?);
        let signature = reader.lp(RSA_BYTES_MAX)?;
        reader.finish()?;
        if named != *holder.node_id() {
            return Err(ReceiptError::OtherHolder);
        }
        let receipt = Self { holder: named, mailbox, envelope, expiry_h };
        let message = [LABEL, &receipt.body()].concat();
        holder.signing_key().verify(&message, signature).map_err(|BadSignature| ReceiptError::BadSignature)?;
        Ok(receipt)
    }

    fn body(&self) -> Vec<u8> {
        let Self { holder, mailbox, envelope, expiry_h } = self;
        Writer::new().raw(&holder.0).raw(mailbox).raw(&envelope.0).u32(*expiry_h).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Rng;
    use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};

    fn signed(receipt: &Receipt, by: &TestDevice) -> Vec<u8> {
        let signature = by.keys.perform(&mut Rng::from_seed([1; 32]), &receipt.key_op()).expect("a signature");
        receipt.finish(&signature)
    }

    #[test]
    fn a_receipt_is_of_one_holder_and_every_flipped_byte_is_refused() {
        let mut authority = TestAuthority::new([1; 32]);
        let (cora, dora) = (authority.issue("cora", NOW_MS), authority.issue("dora", NOW_MS));
        let receipt = Receipt { holder: *cora.certificate.node_id(), mailbox: [1; 32], envelope: EnvelopeId([2; 32]), expiry_h: 7 };
        let bytes = signed(&receipt, &cora);
        assert_eq!(Receipt::verify(&bytes, &cora.certificate), Ok(receipt));
        assert_eq!(Receipt::verify(&bytes, &dora.certificate), Err(ReceiptError::OtherHolder));
        assert_eq!(Receipt::verify(&signed(&receipt, &dora), &cora.certificate), Err(ReceiptError::BadSignature));
        for byte in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[byte] ^= 1 << (byte % 8);
            assert!(Receipt::verify(&flipped, &cora.certificate).is_err(), "byte {byte}");
            assert_eq!(Receipt::verify(&bytes[..byte], &cora.certificate), Err(ReceiptError::Malformed));
        }
    }
}
