//! The device's identity in the store: its keys, its certificate, and the authority that it believes.

use js_sys::Object;
use wasm_bindgen::JsValue;

use super::Database;
use super::database::{IDENTITY, answered, committed};
use crate::platform::keys::DeviceKeys;
use crate::platform::{PlatformError, js};

/// The only row of its table.
const KEY: &str = "device";

/// What makes this device somebody.
#[derive(Clone)]
pub struct StoredIdentity {
    /// The private keys, non-extractable.
    pub keys: DeviceKeys,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// When it was received and found valid, wall clock.
    pub certified_ms: u64,
    /// The authority's certificate as pinned at enrolment, PEM.
    pub authority: String,
    /// The newest revocation list seen, as it came.
    pub revoked: Option<Vec<u8>>,
}

/// Reads the identity; `None` when there is none.
///
/// # Errors
/// When the store cannot be read, or holds something foreign.
pub async fn load_identity(database: &Database) -> Result<Option<StoredIdentity>, PlatformError> {
    let table = database.reading(IDENTITY)?;
    let request = table.get(&JsValue::from_str(KEY)).map_err(PlatformError::at("get"))?;
    let stored = answered(&request).await?;
    if stored.is_undefined() {
        return Ok(None);
    }
    let keys = DeviceKeys::from_handles(&js::field(&stored, "signing"), &js::field(&stored, "unwrapping"))?;
    let authority = js::field(&stored, "authority").as_string().ok_or(PlatformError::Unexpected("the stored identity"))?;
    let revoked = js::field(&stored, "revoked");
    Ok(Some(StoredIdentity {
        keys,
        certificate: js::bytes(&js::field(&stored, "certificate")),
        certified_ms: js::field(&stored, "certifiedMs").as_f64().unwrap_or_default() as u64,
        authority,
        revoked: (!revoked.is_undefined()).then(|| js::bytes(&revoked)),
    }))
}

/// Writes the identity, durably, over the one before.
///
/// # Errors
/// When the store does not take it.
pub async fn save_identity(database: &Database, identity: &StoredIdentity) -> Result<(), PlatformError> {
    let stored = Object::new();
    let (signing, unwrapping) = identity.keys.handles();
    js::set_field(&stored, "signing", signing);
    js::set_field(&stored, "unwrapping", unwrapping);
    js::set_field(&stored, "certificate", &js::array(&identity.certificate));
    js::set_field(&stored, "certifiedMs", &JsValue::from_f64(identity.certified_ms as f64));
    js::set_field(&stored, "authority", &JsValue::from_str(&identity.authority));
    if let Some(revoked) = &identity.revoked {
        js::set_field(&stored, "revoked", &js::array(revoked));
    }
    let (transaction, table) = database.identity()?;
    table.put_with_key(&stored, &JsValue::from_str(KEY)).map_err(PlatformError::at("put"))?;
    committed(&transaction).await
}
