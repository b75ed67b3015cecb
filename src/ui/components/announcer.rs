//! What happens, for those who listen: new messages politely, failures at once.

use yew::prelude::*;

use crate::state::News;
use crate::ui::words;

/// Two live regions that nobody sees. The same news twice is told twice: its number makes it another element.
pub fn announcer(news: Option<(u64, News)>) -> Html {
    let (number, polite, urgent) = match news {
        Some((number, News::Came { from, text })) => (number, words::announce(from.as_str(), &text), String::new()),
        Some((number, News::Failed { to })) => (number, String::new(), words::announce_failure(to.as_str())),
        None => Default::default(),
    };
    html! {
        <>
            <p class="visually-hidden" role="status" data-testid="announce"><span key={number}>{ polite }</span></p>
            <p class="visually-hidden" role="alert" data-testid="announce-failure"><span key={number}>{ urgent }</span></p>
        </>
    }
}
