//! The bytes of a file that is kept, as the browser hands them on: to a download, or to an element that shows them.

use b4_protocol::file::PREVIEW_HEAD_BYTES;
use web_sys::{Blob, Url};

use crate::platform::{PlatformError, js};

/// The type of what is saved: no browser opens it by itself.
const SAVED_TYPE: &str = "application/octet-stream";

/// Bytes of a file, which stay where they are until somebody reads them.
pub struct StoredFile {
    blob: Blob,
}

/// An address of bytes within this page, until dropped.
pub struct ObjectUrl {
    url: String,
}

impl StoredFile {
    pub(super) fn new(blob: Blob) -> Self {
        Self { blob }
    }

    /// A file of no bytes.
    ///
    /// # Errors
    /// The browser's refusal.
    pub fn empty() -> Result<Self, PlatformError> {
        Blob::new().map(Self::new).map_err(PlatformError::at("Blob"))
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.blob.size() as u64
    }

    /// Its first bytes, which tell what it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn head(&self) -> Result<Vec<u8>, PlatformError> {
        let head = self.blob.slice_with_f64_and_f64(0.0, PREVIEW_HEAD_BYTES as f64).map_err(PlatformError::at("slice"))?;
        js::settled("arrayBuffer", head.array_buffer()).await.map(|buffer| js::bytes(&buffer))
    }

    /// An address to show it at, as what `media_type` says.
    ///
    /// # Errors
    /// The browser's refusal.
    pub fn shown(&self, media_type: &str) -> Result<ObjectUrl, PlatformError> {
        let size = self.blob.size();
        let typed = self.blob.slice_with_f64_and_f64_and_content_type(0.0, size, media_type).map_err(PlatformError::at("slice"))?;
        ObjectUrl::of(&typed)
    }

    /// An address to save it from.
    ///
    /// # Errors
    /// The browser's refusal.
    pub fn saved(&self) -> Result<ObjectUrl, PlatformError> {
        self.shown(SAVED_TYPE)
    }
}

impl ObjectUrl {
    /// Makes an address of these bytes.
    ///
    /// # Errors
    /// The browser's refusal.
    pub(in crate::platform) fn of(blob: &Blob) -> Result<Self, PlatformError> {
        Url::create_object_url_with_blob(blob).map(|url| Self { url }).map_err(PlatformError::at("createObjectURL"))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        // Revoking what is gone already is no failure.
        let _ = Url::revoke_object_url(&self.url);
    }
}
