//! The first visit: one field, one button, one sentence, and the way back for those who were here before.

use yew::prelude::*;

use crate::state::EnrolStep;
use crate::ui::components::{NameForm, Restore, sign};
use crate::ui::words;

/// What is known of an earlier visit.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The name whose keys the browser has lost.
    #[prop_or_default]
    pub wiped: Option<AttrValue>,
}

/// The welcome.
#[component]
pub fn Welcome(props: &Props) -> Html {
    html! {
        <main class="welcome">
            { sign(5) }
            <h1>{ words::WELCOME_TITLE }</h1>
            <p class="lead">{ words::WELCOME_LEAD }</p>
            if let Some(name) = &props.wiped {
                <p class="panel alarm" role="alert" data-testid="wiped">{ words::wiped(name) }</p>
            }
            <NameForm />
            <Restore />
        </main>
    }
}

/// What enrolling is doing.
#[derive(PartialEq, Properties)]
pub struct EnrollingProps {
    /// The step.
    pub step: EnrolStep,
}

/// The progress of taking a name.
#[component]
pub fn Enrolling(props: &EnrollingProps) -> Html {
    let done = match props.step {
        EnrolStep::MakingKeys => 1,
        EnrolStep::AskingAuthority => 2,
        EnrolStep::Storing => 3,
    };
    html! {
        <main class="welcome" aria-busy="true">
            { sign(done) }
            <h1 role="status" data-testid="enrolling">{ words::enrol_step(props.step) }</h1>
            <progress max="4" value={done.to_string()} aria-label={words::enrol_step(props.step)} />
            <p class="lead">{ words::WELCOME_LEAD_BUSY }</p>
        </main>
    }
}
