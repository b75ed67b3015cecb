//! The bytes of M1 to M4 and the transcript over them. PROTOCOL.md#handshake has the table.

use super::HandshakeError;
use crate::codec::{Reader, Writer};
use crate::crypto::{Fingerprint, sha256};
use crate::limits::CERTIFICATE_BYTES_MAX;

/// The one version so far.
pub(super) const VERSION: u8 = 1;
/// RSA-OAEP-SHA-256, X25519, HKDF-SHA-256, AES-256-GCM.
pub(super) const SUITE: u8 = 1;
/// Entries in a list of versions or suites. Guess: room for a decade.
const OFFERED_MAX: usize = 16;
/// Bytes of an RSA ciphertext under the largest accepted modulus.
const WRAPPED_BYTES_MAX: usize = 512;

const TYPE_M1: u8 = 0x01;
const TYPE_M2: u8 = 0x02;
const TYPE_M3: u8 = 0x03;
const TYPE_M4: u8 = 0x04;

/// 0x01 | lp(versions) | lp(suites) | lp(certificate) | E_I(32)
pub(super) struct M1<'a> {
    pub certificate: &'a [u8],
    pub ephemeral: [u8; 32],
}

impl<'a> M1<'a> {
    pub fn encode(&self) -> Vec<u8> {
        Writer::new().u8(TYPE_M1).lp(&[VERSION]).lp(&[SUITE]).lp(self.certificate).raw(&self.ephemeral).into_bytes()
    }

    pub fn decode(bytes: &'a [u8]) -> Result<Self, HandshakeError> {
        let mut reader = Reader::new(bytes);
        expect_type(&mut reader, TYPE_M1)?;
        let versions = offered(&mut reader)?;
        let suites = offered(&mut reader)?;
        let certificate = reader.lp(CERTIFICATE_BYTES_MAX)?;
        let ephemeral = reader.array()?;
        reader.finish()?;
        if !versions.contains(&VERSION) || !suites.contains(&SUITE) {
            return Err(HandshakeError::Version);
        }
        Ok(Self { certificate, ephemeral })
    }
}

/// 0x02 | version | suite | lp(certificate) | E_R(32) | lp(C_R)
pub(super) struct M2<'a> {
    pub certificate: &'a [u8],
    pub ephemeral: [u8; 32],
    pub wrapped: &'a [u8],
}

impl<'a> M2<'a> {
    /// All but the last field: what the first transcript hash covers.
    pub fn encode_head(certificate: &[u8], ephemeral: &[u8; 32]) -> Vec<u8> {
        Writer::new().u8(TYPE_M2).u8(VERSION).u8(SUITE).lp(certificate).raw(ephemeral).into_bytes()
    }

    pub fn decode(bytes: &'a [u8]) -> Result<Self, HandshakeError> {
        let mut reader = Reader::new(bytes);
        expect_type(&mut reader, TYPE_M2)?;
        let (version, suite) = (reader.u8()?, reader.u8()?);
        let certificate = reader.lp(CERTIFICATE_BYTES_MAX)?;
        let ephemeral = reader.array()?;
        let wrapped = reader.lp(WRAPPED_BYTES_MAX)?;
        reader.finish()?;
        if version != VERSION || suite != SUITE {
            return Err(HandshakeError::Version);
        }
        Ok(Self { certificate, ephemeral, wrapped })
    }
}

/// 0x03 | lp(C_I) | MAC_I(32)
pub(super) struct M3<'a> {
    pub wrapped: &'a [u8],
    pub mac: [u8; 32],
}

impl<'a> M3<'a> {
    pub fn encode(&self) -> Vec<u8> {
        Writer::new().u8(TYPE_M3).lp(self.wrapped).raw(&self.mac).into_bytes()
    }

    pub fn decode(bytes: &'a [u8]) -> Result<Self, HandshakeError> {
        let mut reader = Reader::new(bytes);
        expect_type(&mut reader, TYPE_M3)?;
        let wrapped = reader.lp(WRAPPED_BYTES_MAX)?;
        let mac = reader.array()?;
        reader.finish()?;
        Ok(Self { wrapped, mac })
    }
}

/// 0x04 | MAC_R(32)
pub(super) struct M4 {
    pub mac: [u8; 32],
}

impl M4 {
    pub fn encode(&self) -> Vec<u8> {
        Writer::new().u8(TYPE_M4).raw(&self.mac).into_bytes()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, HandshakeError> {
        let mut reader = Reader::new(bytes);
        expect_type(&mut reader, TYPE_M4)?;
        let mac = reader.array()?;
        reader.finish()?;
        Ok(Self { mac })
    }
}

/// H("B4/v1/th1" | cb | lp(M1) | lp(M2 without its last field))
pub(super) fn th1(initiator: &Fingerprint, responder: &Fingerprint, m1: &[u8], m2_head: &[u8]) -> [u8; 32] {
    let messages = Writer::new().lp(m1).lp(m2_head).into_bytes();
    sha256(&[b"B4/v1/th1", b"B4/v1/cb", &initiator.0, &responder.0, &messages])
}

/// H("B4/v1/th2" | th1 | C_R)
pub(super) fn th2(th1: &[u8; 32], wrapped: &[u8]) -> [u8; 32] {
    sha256(&[b"B4/v1/th2", th1, wrapped])
}

/// H("B4/v1/th3" | th2 | C_I)
pub(super) fn th3(th2: &[u8; 32], wrapped: &[u8]) -> [u8; 32] {
    sha256(&[b"B4/v1/th3", th2, wrapped])
}

fn expect_type(reader: &mut Reader<'_>, wanted: u8) -> Result<(), HandshakeError> {
    if reader.u8()? == wanted { Ok(()) } else { Err(HandshakeError::Malformed) }
}

fn offered<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], HandshakeError> {
    let list = reader.lp(OFFERED_MAX)?;
    if list.is_empty() { Err(HandshakeError::Malformed) } else { Ok(list) }
}
