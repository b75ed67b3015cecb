//! What the browser refused, in words: the only form in which a `JsValue` that was thrown leaves this room.

use wasm_bindgen::{JsCast, JsValue};

/// The browser refused or lacks something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// An interface threw or rejected.
    #[error("{api}: {name}: {message}")]
    Refused {
        /// Which of our calls, in short.
        api: &'static str,
        /// Name of the exception (`QuotaExceededError`).
        name: String,
        /// The browser's words.
        message: String,
    },
    /// The browser does not have it, or not in this context.
    #[error("this browser has no {0}")]
    Missing(&'static str),
    /// The browser gave something of another shape than the standard says, or the store holds something foreign.
    #[error("{0} has an unexpected form")]
    Unexpected(&'static str),
    /// Another tab holds an older version of the store open.
    #[error("another tab holds the store open")]
    Blocked,
}

impl PlatformError {
    /// Makes a function for `map_err` that notes which call it was.
    pub(super) fn at(api: &'static str) -> impl Fn(JsValue) -> Self {
        move |thrown| Self::from_thrown(api, &thrown)
    }

    /// True when the disk or the quota is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Refused { name, .. } if name == "QuotaExceededError")
    }

    /// True when the call was aborted.
    pub fn is_abort(&self) -> bool {
        matches!(self, Self::Refused { name, .. } if name == "AbortError")
    }

    pub(super) fn from_thrown(api: &'static str, thrown: &JsValue) -> Self {
        let (name, message) = if let Some(exception) = thrown.dyn_ref::<web_sys::DomException>() {
            (exception.name(), exception.message())
        } else if let Some(error) = thrown.dyn_ref::<js_sys::Error>() {
            (String::from(error.name()), String::from(error.message()))
        } else {
            (String::from("thrown"), thrown.as_string().unwrap_or_default())
        };
        Self::Refused { api, name, message }
    }
}
