//! The browser: one thin binding for each thing that the core orders and each fact that it wants to know.
//!
//! Nothing is decided here. Bytes and plain values go in and out; `JsValue` stops at this room's edge as `PlatformError`.
//! A listener is a value that removes itself when dropped. Only [`store`]'s contract compiles natively, for its fake.

mod inputs;
pub mod store;

#[cfg(target_arch = "wasm32")]
mod clock;
#[cfg(target_arch = "wasm32")]
mod download;
#[cfg(target_arch = "wasm32")]
mod drafts;
#[cfg(target_arch = "wasm32")]
pub mod enrol;
#[cfg(target_arch = "wasm32")]
mod entropy;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
pub mod files;
#[cfg(target_arch = "wasm32")]
mod http;
#[cfg(target_arch = "wasm32")]
mod js;
#[cfg(target_arch = "wasm32")]
pub mod keys;
#[cfg(target_arch = "wasm32")]
mod lifecycle;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
pub mod recovery;
#[cfg(target_arch = "wasm32")]
mod relay_socket;
#[cfg(target_arch = "wasm32")]
pub mod rtc;
#[cfg(target_arch = "wasm32")]
pub mod screen;
#[cfg(target_arch = "wasm32")]
mod tab_lock;
#[cfg(target_arch = "wasm32")]
mod text;
#[cfg(target_arch = "wasm32")]
mod wake;

pub use inputs::Inputs;

#[cfg(target_arch = "wasm32")]
pub use self::{
    clock::{Clock, wall_ms},
    download::{download, save},
    drafts::DraftStore,
    entropy::random,
    error::PlatformError,
    js::spawn,
    lifecycle::{CloseGuard, Lifecycle, PageFact},
    page::{
        dispatch_update, free_storage, is_handheld, listen_for_update, UpdateListener, mark, names_handheld, origin, persist_storage, recovery_was_saved,
        reload, remember_name, remember_recovery_saved, remembered_name,
    },
    relay_socket::RelaySocket,
    screen::mount_point,
    tab_lock::{GiveUp, TabLock, TabLocks},
    text::hex,
    wake::{Pause, Wake},
};
