//! The address that leads others to a chat with me, into the clipboard.

use std::rc::Rc;

use b4_protocol::identity::UserId;
use yew::prelude::*;

use crate::ui::{Browser, Route, words};

/// The address.
pub fn my_link(me: &UserId, browser: &Browser) -> String {
    format!("{}{}", (browser.origin)(), Route::Chat(me.clone()).path())
}

/// A button that copies it, and says so once it is copied.
pub fn copy_link(testid: &'static str, me: &UserId, browser: &Browser, is_copied: &UseStateHandle<bool>) -> Html {
    let (link, copy, is_copied) = (my_link(me, browser), Rc::clone(&browser.copy), is_copied.clone());
    let word = if *is_copied { words::COPIED } else { words::COPY_LINK };
    let on_copy = Callback::from(move |_: MouseEvent| {
        let is_copied = is_copied.clone();
        copy(&link, Box::new(move |()| is_copied.set(true)));
    });
    html! { <button data-testid={testid} onclick={on_copy} aria-live="polite">{ word }</button> }
}
