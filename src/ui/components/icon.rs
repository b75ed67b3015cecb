//! Our own icons: strokes of 1.5 on a grid of 24.

use yew::prelude::*;

/// Which icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IconName {
    /// To the left.
    Back,
    /// A paper plane.
    Send,
    /// A plus.
    Add,
    /// A person.
    Person,
    /// A shield.
    Shield,
    /// A paper clip.
    Attach,
    /// A cross.
    Close,
    /// A sheet.
    File,
    /// A sheet with lines.
    Document,
    /// A landscape.
    Picture,
    /// A note.
    Sound,
    /// A frame to play.
    Video,
    /// A box.
    Archive,
    /// A triangle that warns.
    Program,
}

impl IconName {
    fn path(self) -> &'static str {
        match self {
            Self::Back => "M15 5l-7 7 7 7",
            Self::Send => "M4 12l16-7-6 16-3-7-7-2z",
            Self::Add => "M12 5v14M5 12h14",
            Self::Person => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6",
            Self::Shield => "M12 3l7 3v6c0 4-3 7-7 9-4-2-7-5-7-9V6z",
            Self::Attach => "M19 11l-7.6 7.6a4.6 4.6 0 0 1-6.5-6.5L13 4a3 3 0 0 1 4.3 4.3l-7.8 7.8a1.5 1.5 0 0 1-2.1-2.1L14.5 7",
            Self::Close => "M6 6l12 12M18 6L6 18",
            Self::File => "M6 3h8l4 4v14H6zM14 3v4h4",
            Self::Document => "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
            Self::Picture => "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15.5 9h0.01",
            Self::Sound => "M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-5 0a2.5 2.5 0 0 1 5 0zM19 16a2.5 2.5 0 1 1-5 0a2.5 2.5 0 0 1 5 0z",
            Self::Video => "M4 5h16v14H4zM10 9v6l5-3z",
            Self::Archive => "M4 8h16v12H4zM3 4h18v4H3zM10 12h4",
            Self::Program => "M12 4l9 16H3zM12 10v4M12 17v0.01",
        }
    }
}

/// An icon without a meaning of its own: the control around it has the label.
pub fn icon(name: IconName) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d={name.path()} />
        </svg>
    }
}
