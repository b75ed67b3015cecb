//! One node a browser profile: a Web Lock that the tab which runs the node holds.
//!
//! A second tab queues for it, so that it goes on by itself when the first is closed. To take over it asks over a broadcast
//! channel; the first stops its node cleanly and lets go. One that does not answer is robbed of the lock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::events::EventListener;
use js_sys::{Function, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, BroadcastChannel};

use super::{Pause, PlatformError, js};

/// How long the first tab has to stop its node and let go; then it is robbed. Guess.
const HAND_OVER_MS: u32 = 1_500;

// The Web Locks API is marked unstable in web-sys, which would put a compiler flag upon everybody who builds this.
#[wasm_bindgen]
extern "C" {
    type LockManager;
    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &JsValue, callback: &Function) -> Promise;
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct LockOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    if_available: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steal: Option<bool>,
    #[serde(with = "serde_wasm_bindgen::preserve", skip_serializing_if = "JsValue::is_undefined")]
    signal: JsValue,
}

/// The lock of one name, and the channel on which tabs ask each other for it.
pub struct TabLocks {
    name: String,
    channel: BroadcastChannel,
}

/// Ends a wait for the lock.
#[derive(Clone)]
pub struct GiveUp {
    abort: AbortController,
}

/// The lock, held until this is dropped or another tab robs it.
pub struct TabLock {
    release: RefCell<Option<Function>>,
    lost: Rc<Cell<bool>>,
    _asked: EventListener,
}

impl TabLocks {
    /// The lock called `name`. Nothing is asked yet.
    ///
    /// # Errors
    /// When the browser has no broadcast channel.
    pub fn new(name: &str) -> Result<Self, PlatformError> {
        let channel = BroadcastChannel::new(name).map_err(PlatformError::at("BroadcastChannel"))?;
        Ok(Self { name: name.to_owned(), channel })
    }

    /// Takes the lock if nobody holds it. `on_lost` is called once when another tab asks for it or has robbed it.
    ///
    /// # Errors
    /// When the browser refuses the request as such.
    pub async fn try_take(&self, on_lost: impl Fn() + 'static) -> Result<Option<TabLock>, PlatformError> {
        let options = LockOptions { if_available: Some(true), ..LockOptions::default() };
        self.request(&options, on_lost).await
    }

    /// Waits in the queue until whoever holds the lock lets it go, or until `give_up` is signalled.
    ///
    /// # Errors
    /// An abort when given up.
    pub async fn wait(&self, give_up: &GiveUp, on_lost: impl Fn() + 'static) -> Result<Option<TabLock>, PlatformError> {
        let options = LockOptions { signal: give_up.abort.signal().into(), ..LockOptions::default() };
        self.request(&options, on_lost).await
    }

    /// Asks the tab that holds the lock to let it go, and gives it time to do so.
    pub async fn ask_for_it(&self) {
        // Nobody may be listening: then the lock is robbed afterwards.
        let _ = self.channel.post_message(&JsValue::from_str("let go"));
        Pause::for_ms(HAND_OVER_MS).await;
    }

    /// Takes the lock from whoever holds it.
    ///
    /// # Errors
    /// When the browser refuses the request as such.
    pub async fn rob(&self, on_lost: impl Fn() + 'static) -> Result<Option<TabLock>, PlatformError> {
        let options = LockOptions { steal: Some(true), ..LockOptions::default() };
        self.request(&options, on_lost).await
    }

    async fn request(&self, options: &LockOptions, on_lost: impl Fn() + 'static) -> Result<Option<TabLock>, PlatformError> {
        let manager: LockManager = js::field(&js::window().navigator(), "locks").unchecked_into();
        // `granted` is settled when the lock is ours (true) or is not to be had (false); `held` ends our holding it.
        let granted = Deferred::new();
        let held = Deferred::new();
        let (grant, hold) = (granted.resolve.clone(), held.promise.clone());
        let callback = Closure::once(move |lock: JsValue| -> JsValue {
            let ours = !lock.is_null();
            // A resolve function does not throw.
            let _ = grant.call1(&JsValue::UNDEFINED, &JsValue::from_bool(ours));
            if ours { hold.into() } else { JsValue::UNDEFINED }
        });
        let options = js::object(options);
        let ended = manager.request(&self.name, &options, callback.as_ref().unchecked_ref());
        // A refused or aborted request never calls back: it settles `ended` first.
        let first = Promise::race(&js_sys::Array::of2(&granted.promise, &ended));
        let ours = js::settled("locks.request", first).await?;
        if ours.as_bool() != Some(true) {
            return Ok(None);
        }
        Ok(Some(TabLock::held(&self.channel, held.resolve, ended, on_lost)))
    }
}

impl GiveUp {
    /// Nothing is given up yet.
    ///
    /// # Errors
    /// When the browser cannot abort.
    pub fn new() -> Result<Self, PlatformError> {
        Ok(Self { abort: AbortController::new().map_err(PlatformError::at("AbortController"))? })
    }

    /// Ends the wait.
    pub fn give_up(&self) {
        self.abort.abort();
    }
}

impl Drop for TabLocks {
    fn drop(&mut self) {
        self.channel.close();
    }
}

impl TabLock {
    fn held(channel: &BroadcastChannel, release: Function, ended: Promise, on_lost: impl Fn() + 'static) -> Self {
        let lost = Rc::new(Cell::new(false));
        let on_lost = Rc::new(on_lost);
        let (asked_lost, asked) = (Rc::clone(&lost), Rc::clone(&on_lost));
        let listener = EventListener::new(channel, "message", move |_| {
            if !asked_lost.replace(true) {
                asked();
            }
        });
        let robbed_lost = Rc::clone(&lost);
        js::spawn(async move {
            // Settles when we let go, and is rejected when another tab has robbed us.
            if JsFuture::from(ended).await.is_err() && !robbed_lost.replace(true) {
                on_lost();
            }
        });
        Self { release: RefCell::new(Some(release)), lost, _asked: listener }
    }
}

impl Drop for TabLock {
    fn drop(&mut self) {
        self.lost.set(true);
        if let Some(release) = self.release.take() {
            // A resolve function does not throw.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// A promise with its resolve function.
struct Deferred {
    promise: Promise,
    resolve: Function,
}

impl Deferred {
    fn new() -> Self {
        let mut taken = None;
        let promise = Promise::new(&mut |resolve, _| taken = Some(resolve));
        Self { promise, resolve: taken.expect("a promise's executor runs at once") }
    }
}
