//! A file's name.

use yew::prelude::*;

use crate::ui::file::parts;

/// The name, in its own direction. Where there is no room it is cut before its ending; the whole is there for those who hover.
pub fn file_name(name: &str) -> Html {
    let (head, tail) = parts(name);
    html! {
        <bdi class="file-name" data-testid="file-name" dir="auto" title={name.to_owned()}>
            if !head.is_empty() {
                <span class="file-name-head">{ head.to_owned() }</span>
            }
            <span class="file-name-tail">{ tail.to_owned() }</span>
        </bdi>
    }
}
