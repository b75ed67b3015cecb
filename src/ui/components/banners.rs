//! What concerns the whole app: the network, the store, the certificate, the recovery file.

use b4_protocol::identity::ListAge;
use b4_protocol::node::NetworkState;
use yew::prelude::*;

use crate::engine::{Action, EngineHandle};
use crate::state::{AppState, Recovery};
use crate::ui::words;

/// Offers and troubles, above the list. `is_seen` is whether the person knows that the recovery file went to their downloads.
pub fn banners(state: &AppState, engine: &EngineHandle, is_seen: &UseStateHandle<bool>) -> Html {
    let order = |action: Action| {
        let engine = engine.clone();
        Callback::from(move |_: MouseEvent| engine.send(action.clone()))
    };
    let on_seen = {
        let is_seen = is_seen.clone();
        Callback::from(move |_: MouseEvent| is_seen.set(true))
    };
    html! {
        <div class="banners" aria-live="polite">
            if state.network == NetworkState::Offline {
                <div class="banner offer">
                    <p data-testid="offline-note">{ words::network_sentence(state.network) }</p>
                    <div class="panel-buttons"><button data-testid="try-now" onclick={order(Action::TryNow)}>{ words::TRY_NOW }</button></div>
                </div>
            }
            if let Some(is_full) = state.store_trouble {
                <p class="banner alarm" role="alert" data-testid="store-trouble">{ if is_full { words::STORE_FULL } else { words::STORE_FAILING } }</p>
            }
            if state.is_certificate_refused {
                <p class="banner alarm" role="alert" data-testid="certificate-refused">{ words::CERTIFICATE_REFUSED }</p>
            }
            if state.revocations != ListAge::Fresh {
                <p class="banner" data-testid="revocations-stale">
                    { if state.revocations == ListAge::Old { words::REVOCATIONS_OLD } else { words::REVOCATIONS_STALE } }
                </p>
            }
            if state.recovery == Recovery::Offered {
                <div class="banner offer">
                    <h2>{ words::RECOVERY_TITLE }</h2>
                    <p>{ words::RECOVERY_WHY }</p>
                    <div class="panel-buttons">
                        <button class="primary" data-testid="recovery-save" onclick={order(Action::SaveRecovery)}>{ words::RECOVERY_SAVE }</button>
                        <button data-testid="recovery-later" onclick={order(Action::DismissRecovery)}>{ words::RECOVERY_LATER }</button>
                    </div>
                </div>
            }
            if state.recovery == Recovery::Given && !**is_seen {
                <div class="banner offer">
                    <p data-testid="recovery-given">{ words::RECOVERY_GIVEN }</p>
                    <div class="panel-buttons">
                        <button data-testid="recovery-seen" onclick={on_seen}>{ words::RECOVERY_SEEN }</button>
                        <button data-testid="recovery-again" onclick={order(Action::SaveRecovery)}>{ words::RECOVERY_AGAIN }</button>
                    </div>
                </div>
            }
        </div>
    }
}
