//! A file in a message: what it is, how far it has come, what can be done with it.

use std::rc::Rc;

use b4_protocol::chat::MessageId;
use b4_protocol::file::{FileSlot, danger};
use b4_protocol::node::{Direction, FileOrder, FilePause, FileState, FileView};
use yew::prelude::*;

use super::name::file_name;
use super::preview::{preview, use_look};
use crate::engine::Action;
use crate::state::Preview;
use crate::ui::components::{IconName, icon};
use crate::ui::file::{self, FileKind};
use crate::ui::hooks::use_engine;
use crate::ui::words;

/// What is shown.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The message that offers it.
    pub id: MessageId,
    /// The file.
    pub file: FileView,
    /// Which way it goes.
    pub direction: Direction,
    /// Who is at the other end.
    pub with: AttrValue,
    /// What can be shown of it, once that is known.
    pub preview: Option<Rc<Preview>>,
    /// The person wants something with it.
    pub on_order: Callback<(MessageId, FileOrder)>,
}

/// The card.
#[component]
pub fn FileCard(props: &Props) -> Html {
    let Props { file, direction, .. } = props;
    let (engine, is_sure) = (use_engine(), use_state_eq(|| false));
    let progress = file.progress;
    let slot = progress.slot.filter(|_| progress.state == FileState::Complete);
    let kind = file::kind(&file.name, &file.media_type);
    let look = use_look(slot.filter(|_| may_show(kind)), file.size, props.preview.as_ref(), &engine);
    let percent = file::percent(progress, file.size);
    let state = words::file_state(progress, *direction, &props.with);
    // Of files that others made: before they are taken, and before they are saved.
    let is_warned = *direction == Direction::In && (slot.is_some() || progress.state == FileState::Offered);
    let warning = words::danger(danger(&file.name)).filter(|_| is_warned);
    let on_save = {
        let (is_sure, name, size, is_asked) = (is_sure.clone(), file.name.clone(), file.size, warning.is_some());
        Callback::from(move |slot: FileSlot| {
            if is_asked && !*is_sure {
                is_sure.set(true);
            } else {
                engine.send(Action::SaveFile { slot, name: name.clone(), size });
            }
        })
    };
    html! {
        <div
            class="file-card"
            role="group"
            aria-label={words::file_label(&file.name, file.size, &state)}
            data-testid="file"
            data-file-id={file.id.to_string()}
            data-direction={if *direction == Direction::Out { "out" } else { "in" }}
            data-state={words::file_key(progress.state, *direction)}
            data-progress={percent.to_string()}
        >
            if slot.is_some() && may_show(kind) {
                { preview(file, kind, props.preview.as_ref(), &look) }
            }
            <div class="file-head">
                <span class="file-icon">{ icon(sign(kind)) }</span>
                <div class="file-what">
                    { file_name(&file.name) }
                    <p class="file-figures" data-testid="file-about">{ words::file_size(file.size) }{ " \u{b7} " }{ words::file_kind(kind, &file.name) }</p>
                </div>
            </div>
            <p class="file-state" role="status" data-testid="file-state">{ state }</p>
            { way(file, percent) }
            if let Some(warning) = warning {
                <p class="problem" data-testid="file-warning">{ warning }</p>
            }
            { buttons(props, slot, *is_sure, &on_save) }
        </div>
    }
}

/// Whether it is worth a look what it is.
fn may_show(kind: FileKind) -> bool {
    matches!(kind, FileKind::Picture | FileKind::Sound | FileKind::Video | FileKind::Other)
}

/// How far it has come, while it is on its way. Figures change too often to be told to those who listen: they find them here.
fn way(file: &FileView, percent: u64) -> Html {
    let is_shown = match file.progress.state {
        FileState::Moving | FileState::Held => true,
        FileState::Paused(_) => file.progress.bytes > 0,
        FileState::Offered | FileState::Complete | FileState::Failed(_) | FileState::Cancelled(_) => false,
    };
    if !is_shown {
        return Html::default();
    }
    html! {
        <>
            <progress max="100" value={percent.to_string()} aria-label={file.name.clone()} />
            <p class="file-figures" data-testid="file-progress">{ words::file_progress(file.progress, file.size) }</p>
        </>
    }
}

/// What can be done with it now.
fn buttons(props: &Props, slot: Option<FileSlot>, is_sure: bool, on_save: &Callback<FileSlot>) -> Html {
    let is_own = props.direction == Direction::Out;
    let accept = ("file-accept", words::FILE_ACCEPT, FileOrder::Accept);
    let decline = ("file-cancel", words::FILE_DECLINE, FileOrder::Cancel);
    let cancel = ("file-cancel", words::FILE_CANCEL, FileOrder::Cancel);
    let pause = ("file-pause", words::FILE_PAUSE, FileOrder::Pause);
    let resume = ("file-resume", words::FILE_RESUME, FileOrder::Resume);
    let orders: &[_] = match props.file.progress.state {
        FileState::Offered if is_own => &[cancel],
        FileState::Offered => &[accept, decline],
        FileState::Moving => &[pause, cancel],
        FileState::Paused(FilePause::Here | FilePause::NoRoomHere) => &[resume, cancel],
        FileState::Paused(FilePause::There | FilePause::NoRoomThere | FilePause::Apart) | FileState::Held => &[cancel],
        FileState::Complete | FileState::Failed(_) | FileState::Cancelled(_) => &[],
    };
    if orders.is_empty() && slot.is_none() {
        return Html::default();
    }
    let name = &props.file.name;
    let save = if is_sure { words::FILE_SAVE_SURE } else { words::FILE_SAVE };
    html! {
        <div class="file-buttons">
            { for orders.iter().map(|(testid, label, order)| {
                let (id, order) = (props.id, *order);
                let onclick = props.on_order.reform(move |_: MouseEvent| (id, order));
                button(testid, label, name, order == FileOrder::Accept, onclick)
            }) }
            if let Some(slot) = slot {
                { button("file-save", save, name, false, on_save.reform(move |_: MouseEvent| slot)) }
            }
        </div>
    }
}

fn button(testid: &'static str, label: &'static str, name: &str, is_first: bool, onclick: Callback<MouseEvent>) -> Html {
    html! {
        <button key={label} class={classes!(is_first.then_some("primary"))} data-testid={testid} aria-label={words::file_button(label, name)} {onclick}>{ label }</button>
    }
}

fn sign(kind: FileKind) -> IconName {
    match kind {
        FileKind::Picture => IconName::Picture,
        FileKind::Sound => IconName::Sound,
        FileKind::Video => IconName::Video,
        FileKind::Document => IconName::Document,
        FileKind::Archive => IconName::Archive,
        FileKind::Program => IconName::Program,
        FileKind::Other => IconName::File,
    }
}
