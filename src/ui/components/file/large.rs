//! Files that are larger than what peers keep, chosen for somebody who is away: whether they are to wait is asked first.

use b4_protocol::file::safe_name;
use b4_protocol::identity::UserId;
use b4_protocol::limits::FILE_AWAY_BYTES_MAX;
use gloo::file::File;
use yew::prelude::*;

use super::name::file_name;
use super::outgoing::cross;
use crate::engine::Action;
use crate::ui::hooks::use_engine;
use crate::ui::words;

/// What was chosen and not answered yet, with whom it is for.
type Asked = UseStateHandle<Vec<(UserId, File)>>;

/// Takes files for somebody, and shows those that are asked about. `is_away`: they cannot be reached now.
#[hook]
pub fn use_sending(to: &UserId, is_away: bool) -> (Callback<Vec<File>>, Vec<Html>) {
    let (engine, asked): (_, Asked) = (use_engine(), use_state(Vec::new));
    let send = {
        let to = to.clone();
        Callback::from(move |files| engine.send(Action::SendFiles { to: to.clone(), files }))
    };
    let rows = asked.iter().enumerate().filter(|(_, (of, _))| of == to).map(|(at, (_, file))| row(at, file, to, &asked, &send)).collect();
    let on_files = {
        let to = to.clone();
        Callback::from(move |files: Vec<File>| {
            let (large, others): (Vec<File>, Vec<File>) = files.into_iter().partition(|file| is_away && file.size() > FILE_AWAY_BYTES_MAX);
            if !others.is_empty() {
                send.emit(others);
            }
            if !large.is_empty() {
                asked.set(asked.iter().cloned().chain(large.into_iter().map(|file| (to.clone(), file))).collect());
            }
        })
    };
    (on_files, rows)
}

fn row(at: usize, file: &File, to: &UserId, asked: &Asked, send: &Callback<Vec<File>>) -> Html {
    let answered = {
        let asked = asked.clone();
        move || asked.set(asked.iter().enumerate().filter(|(of, _)| *of != at).map(|(_, one)| one.clone()).collect())
    };
    let on_wait = {
        let (answered, send, file) = (answered.clone(), send.clone(), file.clone());
        Callback::from(move |_: MouseEvent| {
            send.emit(vec![file.clone()]);
            answered();
        })
    };
    let name = file.name();
    html! {
        <li key={["large", &at.to_string()].concat()} data-testid="file-large">
            <div class="outgoing-what" role="alert">
                { file_name(&safe_name(&name)) }
                <span class="file-figures">{ words::file_size(file.size()) }</span>
                <p class="file-state">{ words::file_large(to.as_str()) }</p>
                <button data-testid="file-wait" aria-label={words::file_button(words::FILE_WAIT, &name)} onclick={on_wait}>{ words::FILE_WAIT }</button>
            </div>
            { cross("file-large-dismiss", words::FILE_DO_NOT_SEND, &name, Callback::from(move |_: MouseEvent| answered())) }
        </li>
    }
}
