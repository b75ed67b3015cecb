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
}

impl IconName {
    fn path(self) -> &'static str {
        match self {
            Self::Back => "M15 5l-7 7 7 7",
            Self::Send => "M4 12l16-7-6 16-3-7-7-2z",
            Self::Add => "M12 5v14M5 12h14",
            Self::Person => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6",
            Self::Shield => "M12 3l7 3v6c0 4-3 7-7 9-4-2-7-5-7-9V6z",
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
