//! The device's two private keys in WebCrypto. Nothing outside the browser ever sees them, except once, at birth, to seal
//! them for the recovery file.

mod workers;

use std::rc::Rc;

use b4_protocol::crypto::{KeyOp, KeyOpError, KeyOpResult};
use js_sys::{Object, Promise, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CryptoKey, SubtleCrypto};
use zeroize::Zeroizing;

use super::{PlatformError, js};
use workers::Workers;

/// Size of both moduli in bits (PROTOCOL.md#certificates).
const MODULUS_BITS: u32 = 3_072;
/// Salt of a signature in bytes (PROTOCOL.md#conventions).
const SALT_BYTES: u32 = 32;

/// The private keys as PKCS#8 and the public ones as SubjectPublicKeyInfo. Lives as briefly as possible.
pub struct KeyMaterial {
    /// PKCS#8 of the signing key.
    pub signing: Zeroizing<Vec<u8>>,
    /// PKCS#8 of the unwrapping key.
    pub unwrapping: Zeroizing<Vec<u8>>,
    /// SubjectPublicKeyInfo of the signing key.
    pub signing_spki: Vec<u8>,
    /// SubjectPublicKeyInfo of the unwrapping key.
    pub unwrapping_spki: Vec<u8>,
}

/// Both private keys, non-extractable.
#[derive(Clone)]
pub struct DeviceKeys {
    subtle: SubtleCrypto,
    signing: CryptoKey,
    unwrapping: CryptoKey,
    workers: Rc<Workers>,
}

impl KeyMaterial {
    /// Makes two new RSA-3072 key pairs, both at once.
    ///
    /// # Errors
    /// When WebCrypto refuses.
    pub async fn generate() -> Result<Self, PlatformError> {
        let subtle = subtle()?;
        let signing = generate(&subtle, Use::Sign)?;
        let unwrapping = generate(&subtle, Use::Unwrap)?;
        let (signing, signing_spki) = export(&subtle, signing).await?;
        let (unwrapping, unwrapping_spki) = export(&subtle, unwrapping).await?;
        Ok(Self { signing, unwrapping, signing_spki, unwrapping_spki })
    }
}

impl DeviceKeys {
    /// Takes the keys into WebCrypto, from where they never come out again.
    ///
    /// # Errors
    /// When WebCrypto refuses them.
    pub async fn import(material: &KeyMaterial) -> Result<Self, PlatformError> {
        let subtle = subtle()?;
        let signing = import(&subtle, &material.signing, Use::Sign).await?;
        let unwrapping = import(&subtle, &material.unwrapping, Use::Unwrap).await?;
        Ok(Self { subtle, signing, unwrapping, workers: Rc::new(Workers::new()) })
    }

    /// Takes handles that the store gave back.
    pub(super) fn from_handles(signing: &JsValue, unwrapping: &JsValue) -> Result<Self, PlatformError> {
        let key = |value: &JsValue| value.clone().dyn_into::<CryptoKey>().map_err(|_| PlatformError::Unexpected("the stored key"));
        Ok(Self { subtle: subtle()?, signing: key(signing)?, unwrapping: key(unwrapping)?, workers: Rc::new(Workers::new()) })
    }

    /// The handles (signing, unwrapping), for the store: they can be copied, the keys in them cannot.
    pub(super) fn handles(&self) -> (&JsValue, &JsValue) {
        (self.signing.as_ref(), self.unwrapping.as_ref())
    }

    /// Tries to export both; for tests that this fails.
    pub async fn export_is_refused(&self) -> bool {
        for key in [&self.signing, &self.unwrapping] {
            let exported = match self.subtle.export_key("pkcs8", key) {
                Ok(promise) => js::settled("exportKey", promise).await,
                Err(thrown) => Err(PlatformError::from_thrown("exportKey", &thrown)),
            };
            if key.extractable() || exported.is_ok() {
                return false;
            }
        }
        true
    }

    /// Carries out one operation. Several may be under way at once.
    ///
    /// # Errors
    /// `KeyOpError`, whatever is wrong.
    pub async fn perform(&self, op: &KeyOp) -> KeyOpResult {
        let (method, how, key, data) = match op {
            KeyOp::Sign { message } => {
                let how = js::object(&PssParams { name: Use::Sign.algorithm(), salt_length: SALT_BYTES });
                (Use::Sign.private_usage(), how, &self.signing, message)
            }
            KeyOp::Unwrap { label, ciphertext } => {
                let label = js::array(label.as_bytes());
                let how = js::object(&OaepParams { name: Use::Unwrap.algorithm(), label });
                (Use::Unwrap.private_usage(), how, &self.unwrapping, ciphertext)
            }
        };
        if let Some(result) = self.workers.perform(method, &how, key, data).await {
            return result.map(Zeroizing::new).ok_or(KeyOpError);
        }
        let promise = match op {
            KeyOp::Sign { .. } => self.subtle.sign_with_object_and_u8_array(&how, key, data),
            KeyOp::Unwrap { .. } => self.subtle.decrypt_with_object_and_u8_array(&how, key, data),
        };
        let result = js::settled("private key", promise.map_err(|_| KeyOpError)?).await.map_err(|_| KeyOpError)?;
        Ok(Zeroizing::new(js::bytes(&result)))
    }

    /// Signs `message`, which starts with its label or is a certificate request.
    ///
    /// # Errors
    /// `KeyOpError`.
    pub async fn sign(&self, message: Vec<u8>) -> KeyOpResult {
        self.perform(&KeyOp::Sign { message }).await
    }
}

/// What a key is for.
#[derive(Clone, Copy)]
enum Use {
    Sign,
    Unwrap,
}

impl Use {
    fn algorithm(self) -> &'static str {
        match self {
            Use::Sign => "RSA-PSS",
            Use::Unwrap => "RSA-OAEP",
        }
    }

    fn private_usage(self) -> &'static str {
        match self {
            Use::Sign => "sign",
            Use::Unwrap => "decrypt",
        }
    }

    fn public_usage(self) -> &'static str {
        match self {
            Use::Sign => "verify",
            Use::Unwrap => "encrypt",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerateParams {
    name: &'static str,
    hash: &'static str,
    modulus_length: u32,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    public_exponent: Uint8Array,
}

#[derive(Serialize)]
struct ImportParams {
    name: &'static str,
    hash: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PssParams {
    name: &'static str,
    salt_length: u32,
}

#[derive(Serialize)]
struct OaepParams {
    name: &'static str,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    label: Uint8Array,
}

fn subtle() -> Result<SubtleCrypto, PlatformError> {
    let crypto = js::window().crypto().map_err(PlatformError::at("crypto"))?;
    js::field(&crypto, "subtle").dyn_into().map_err(|_| PlatformError::Missing("WebCrypto"))
}

/// Starts making a pair; WebCrypto works on its own threads, so that two run side by side.
fn generate(subtle: &SubtleCrypto, purpose: Use) -> Result<Promise, PlatformError> {
    let how = js::object(&GenerateParams {
        name: purpose.algorithm(),
        hash: "SHA-256",
        modulus_length: MODULUS_BITS,
        public_exponent: js::array(&[1, 0, 1]),
    });
    let usages = js::strings(&[purpose.private_usage(), purpose.public_usage()]);
    subtle.generate_key_with_object(&how, true, &usages).map_err(PlatformError::at("generateKey"))
}

async fn export(subtle: &SubtleCrypto, pair: Promise) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), PlatformError> {
    let pair = js::settled("generateKey", pair).await?;
    let half = |name: &str| -> Result<CryptoKey, PlatformError> {
        js::field(&pair, name).dyn_into().map_err(|_| PlatformError::Unexpected("the key pair"))
    };
    let private = exported(subtle, "pkcs8", &half("privateKey")?).await?;
    let public = exported(subtle, "spki", &half("publicKey")?).await?;
    Ok((take_and_erase(&private), js::bytes(&public)))
}

async fn exported(subtle: &SubtleCrypto, format: &str, key: &CryptoKey) -> Result<JsValue, PlatformError> {
    let promise = subtle.export_key(format, key).map_err(PlatformError::at("exportKey"))?;
    js::settled("exportKey", promise).await
}

async fn import(subtle: &SubtleCrypto, pkcs8: &[u8], purpose: Use) -> Result<CryptoKey, PlatformError> {
    let data = js::array(pkcs8);
    let how: Object = js::object(&ImportParams { name: purpose.algorithm(), hash: "SHA-256" });
    let usages = js::strings(&[purpose.private_usage()]);
    let promise = subtle.import_key_with_object("pkcs8", &data, &how, false, &usages).map_err(PlatformError::at("importKey"))?;
    let key = js::settled("importKey", promise).await;
    data.fill(0, 0, data.length());
    key?.dyn_into().map_err(|_| PlatformError::Unexpected("the imported key"))
}

/// Copies the bytes out and zeroes the browser's copy.
fn take_and_erase(buffer: &JsValue) -> Zeroizing<Vec<u8>> {
    let view = Uint8Array::new(buffer);
    let taken = Zeroizing::new(view.to_vec());
    view.fill(0, 0, view.length());
    taken
}
