//! Above the composer: files that are made ready to send, and those of which nothing came.

use b4_protocol::file::safe_name;
use b4_protocol::identity::UserId;
use yew::prelude::*;

use super::name::file_name;
use crate::engine::{Action, EngineHandle};
use crate::state::{FileTrouble, Outgoing, Preparing};
use crate::ui::components::{IconName, icon};
use crate::ui::{Drafts, file, words};

/// Those to one person, as a list, behind those that are `asked` about; nothing where there are none. `drafts` know which troubles were dismissed.
pub fn outgoing(to: &UserId, all: &Outgoing, asked: Vec<Html>, drafts: &Drafts, engine: &EngineHandle, on_dismiss: &Callback<u32>) -> Html {
    let preparing = all.preparing.iter().filter(|one| one.to == *to).map(|one| under_way(one, engine));
    let troubles = all.troubles.iter().filter(|one| one.to == *to && !drafts.is_dismissed(one.number)).map(|one| trouble(one, on_dismiss));
    let rows: Vec<Html> = asked.into_iter().chain(preparing).chain(troubles).collect();
    if rows.is_empty() {
        return Html::default();
    }
    html! { <ul class="outgoing" aria-label={words::FILES_PREPARING}>{ for rows }</ul> }
}

fn under_way(one: &Preparing, engine: &EngineHandle) -> Html {
    let (engine, number) = (engine.clone(), one.number);
    let on_cancel = Callback::from(move |_: MouseEvent| engine.send(Action::CancelPreparing(number)));
    html! {
        <li key={number} data-testid="file-preparing" data-progress={file::share(one.done, one.size).to_string()}>
            <div class="outgoing-what">
                { file_name(&safe_name(&one.name)) }
                <span class="file-figures">{ words::done_of(one.done, one.size) }</span>
                <progress max="100" value={file::share(one.done, one.size).to_string()} aria-label={one.name.clone()} />
            </div>
            { cross("preparing-cancel", words::FILE_CANCEL, &one.name, on_cancel) }
        </li>
    }
}

fn trouble(one: &FileTrouble, on_dismiss: &Callback<u32>) -> Html {
    let number = one.number;
    let on_dismiss = on_dismiss.reform(move |_: MouseEvent| number);
    html! {
        <li key={["trouble", &number.to_string()].concat()} data-testid="file-problem">
            <div class="outgoing-what" role="alert">
                { file_name(&safe_name(&one.name)) }
                <p class="problem">{ words::file_problem(one.why) }</p>
            </div>
            { cross("file-problem-dismiss", words::DISMISS, &one.name, on_dismiss) }
        </li>
    }
}

/// A button with a cross.
pub(super) fn cross(testid: &'static str, what: &'static str, name: &str, onclick: Callback<MouseEvent>) -> Html {
    html! {
        <button class="plain square" data-testid={testid} aria-label={words::file_button(what, name)} title={what} {onclick}>
            { icon(IconName::Close) }
        </button>
    }
}
