//! The recovery file: what brings an identity back on another browser (PROTOCOL.md#recovery).
//!
//! The private keys are sealed once, at birth, under a secret drawn for this alone. Sealed keys and secret live in memory
//! until the page closes, to be saved into one file; nothing of them is kept on the device.

use b4_protocol::crypto::AeadKey;
use b4_protocol::identity::UserId;
use zeroize::Zeroizing;

use super::keys::KeyMaterial;
use super::{PlatformError, js, random, text};

/// The version of the file that is written, and the only one that is read.
const VERSION: u32 = 1;
/// Associated data before the name: what is sealed and for whom.
const LABEL: &[u8] = b"B4/v1/recovery";
/// The secret seals one plaintext in its life, so that one fixed nonce is right.
const NONCE: [u8; 12] = [0; 12];
/// What every file says near its beginning, also one of which the end is missing.
const MARK: &[u8] = b"\"b4-recovery\"";
/// The largest file that is looked at; a real one has about 12 KiB.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// Sealed keys and what opens them.
pub struct SealedKeys {
    secret: Zeroizing<[u8; 32]>,
    sealed: Vec<u8>,
}

/// What a recovery file says.
pub struct RecoveryFile {
    /// Whose identity.
    pub user: UserId,
    /// H(SPKI) of the authority.
    pub authority: [u8; 32],
    /// The certificate when the file was saved, DER.
    pub certificate: Vec<u8>,
    /// The keys.
    pub keys: SealedKeys,
}

/// Why a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// Not a recovery file of this version.
    #[error("not a recovery file")]
    NotARecoveryFile,
    /// It was, and something in it is changed or missing.
    #[error("the recovery file is damaged")]
    Damaged,
}

impl SealedKeys {
    /// Seals `material` for `user` under a new secret.
    ///
    /// # Errors
    /// `Missing` without a random source.
    pub fn seal(user: &UserId, material: &KeyMaterial) -> Result<Self, PlatformError> {
        let secret = random::<32>()?;
        let mut sealed = associated(user);
        let from = sealed.len();
        let parts = [&material.signing[..], &material.unwrapping, &material.signing_spki, &material.unwrapping_spki];
        // Enough at once: a vector that grew would leave copies of the keys behind.
        sealed.reserve_exact(parts.iter().map(|part| part.len() + 2).sum::<usize>() + 16);
        for part in parts {
            let length = u16::try_from(part.len()).expect("an exported RSA key is far below 64 KiB");
            sealed.extend_from_slice(&length.to_be_bytes());
            sealed.extend_from_slice(part);
        }
        AeadKey::new(&secret).seal_in_place(&NONCE, &mut sealed, from);
        sealed.drain(..from);
        Ok(Self { secret, sealed })
    }

    /// Opens what was sealed for `user`.
    ///
    /// # Errors
    /// `Damaged` when a byte, the secret or the name is another.
    pub fn open(&self, user: &UserId) -> Result<KeyMaterial, RecoveryError> {
        let mut frame = associated(user);
        let from = frame.len();
        frame.extend_from_slice(&self.sealed);
        let plain = AeadKey::new(&self.secret).open(&NONCE, &frame, from).map_err(|_| RecoveryError::Damaged)?;
        let mut rest = plain.as_slice();
        let material = KeyMaterial {
            signing: Zeroizing::new(part(&mut rest)?),
            unwrapping: Zeroizing::new(part(&mut rest)?),
            signing_spki: part(&mut rest)?,
            unwrapping_spki: part(&mut rest)?,
        };
        if rest.is_empty() { Ok(material) } else { Err(RecoveryError::Damaged) }
    }
}

impl RecoveryFile {
    /// The name of the file.
    pub fn file_name(user: &UserId) -> String {
        format!("b4-recovery-{user}.json")
    }

    /// The file as text. Names and hex need no escaping.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!(
            "{{\n  \"b4-recovery\": {VERSION},\n  \"name\": \"{}\",\n  \"authority\": \"{}\",\n  \"certificate\": \"{}\",\n  \
             \"secret\": \"{}\",\n  \"keys\": \"{}\"\n}}\n",
            self.user,
            text::hex(&self.authority),
            text::hex(&self.certificate),
            text::hex(self.keys.secret.as_slice()),
            text::hex(&self.keys.sealed),
        ))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// See [`RecoveryError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecoveryError> {
        let Some(fields) = fields(bytes) else {
            let is_ours = bytes.windows(MARK.len()).any(|part| part == MARK);
            return Err(if is_ours { RecoveryError::Damaged } else { RecoveryError::NotARecoveryFile });
        };
        if fields.version != f64::from(VERSION) {
            return Err(RecoveryError::NotARecoveryFile);
        }
        let array = |hex: &str| text::unhex(hex).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        Self::from_parts(&fields, array).ok_or(RecoveryError::Damaged)
    }

    fn from_parts(fields: &Fields, array: impl Fn(&str) -> Option<[u8; 32]>) -> Option<Self> {
        Some(Self {
            user: UserId::parse(&fields.name).ok()?,
            authority: array(&fields.authority)?,
            certificate: text::unhex(&fields.certificate)?,
            keys: SealedKeys { secret: Zeroizing::new(array(&fields.secret)?), sealed: text::unhex(&fields.keys)? },
        })
    }
}

struct Fields {
    version: f64,
    name: String,
    authority: String,
    certificate: String,
    secret: String,
    keys: String,
}

fn fields(bytes: &[u8]) -> Option<Fields> {
    if bytes.len() > FILE_BYTES_MAX {
        return None;
    }
    let file = js::json(bytes)?;
    let text = |name| js::text_field(&file, name);
    Some(Fields {
        version: js::field(&file, "b4-recovery").as_f64()?,
        name: text("name")?,
        authority: text("authority")?,
        certificate: text("certificate")?,
        secret: text("secret")?,
        keys: text("keys")?,
    })
}

fn associated(user: &UserId) -> Vec<u8> {
    [LABEL, user.as_str().as_bytes()].concat()
}

fn part(rest: &mut &[u8]) -> Result<Vec<u8>, RecoveryError> {
    let (length, behind) = rest.split_first_chunk::<2>().ok_or(RecoveryError::Damaged)?;
    let (part, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(RecoveryError::Damaged)?;
    *rest = behind;
    Ok(part.to_vec())
}
