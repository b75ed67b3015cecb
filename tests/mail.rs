//! Mail for somebody who is away, in a real browser: what is shown of a message that others keep, its details, and what is kept
//! here for others.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/screen.rs"]
mod screen;

use b4::engine::Action;
use b4::state::{Event, Phase};
use b4_protocol::identity::NodeId;
use b4_protocol::node::{self, Command, Direction, HoldingView, MessageState, MessageView, NetworkState, Presence, Sealing, Standing};
use screen::{Screen, contact, message, user};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const MIB: u64 = 1024 * 1024;
/// The life of a message to somebody who is away, and what else may become of it.
const STATES: [MessageState; 7] = [
    MessageState::Queued,
    MessageState::Sent,
    MessageState::Held,
    MessageState::Delivered,
    MessageState::Read,
    MessageState::Expired,
    MessageState::Failed,
];

async fn running(path: &str) -> Screen {
    let screen = Screen::at(path).await;
    screen.tell(Event::Phase(Phase::Running { me: user("anna"), node: NodeId([7; 32]) })).await;
    screen
}

async fn with_messages(messages: Vec<MessageView>) -> Screen {
    let screen = running("/chat/bela").await;
    screen.node(node::Event::ContactChanged(contact("bela", Standing::Accepted))).await;
    screen.node(node::Event::MessagesLoaded { with: user("bela"), messages, complete: true }).await;
    screen
}

/// One message of mine that waits.
async fn with_one() -> Screen {
    with_messages(vec![message(1, Direction::Out, MessageState::Queued)]).await
}

fn nodes(count: u8) -> Vec<NodeId> {
    (1..=count).map(|number| NodeId([number; 32])).collect()
}

fn held(holders: u8, available: u8) -> node::Event {
    let id = message(1, Direction::Out, MessageState::Queued).id;
    node::Event::MessageHeld { with: user("bela"), id, holders: nodes(holders), sealing: Sealing::Prekey, available }
}

fn changed(state: MessageState) -> node::Event {
    let id = message(1, Direction::Out, state).id;
    node::Event::MessageChanged { with: user("bela"), id, state }
}

/// What is said of the only message: by the mark to those who hover, and to those who listen.
fn said(screen: &Screen) -> String {
    let labels = screen.labels(".mark");
    assert_eq!(labels.len(), 1);
    assert_eq!(screen.count(&format!(".mark[title=\"{}\"]", labels[0])), 1, "the same for the eye");
    labels.into_iter().next().expect("one")
}

#[wasm_bindgen_test]
async fn every_state_of_a_message_has_its_word_its_sentence_and_its_mark() {
    let of = |(order, state): (usize, MessageState)| message(order as u64 + 1, Direction::Out, state);
    let mut all: Vec<MessageView> = STATES.into_iter().enumerate().map(of).collect();
    all[2].holders = nodes(4);
    let screen = with_messages(all).await;
    assert_eq!(screen.attributes("message", "data-state"), ["queued", "sent", "held", "delivered", "read", "expired", "failed"]);
    let sentences = screen.labels(".mark");
    let mut different = sentences.clone();
    different.sort();
    different.dedup();
    assert_eq!((different.len(), sentences.iter().all(|sentence| sentence.len() > 10)), (7, true), "{sentences:?}");
    for key in ["queued", "sent", "held", "delivered", "read", "expired", "failed"] {
        assert_eq!(screen.count(&format!(".mark-{key} .mark-segment")), 5, "{key}");
    }
    assert_eq!((screen.count(".mark-count"), screen.count(".mark-held .kept")), (1, 4), "four of five segments, and their number");
    assert_eq!(screen.count("[style]"), 0, "the policy ignores style attributes");
}

#[wasm_bindgen_test]
async fn holders_are_on_every_message_of_ones_own_and_on_no_other() {
    let mut mine = message(1, Direction::Out, MessageState::Held);
    mine.holders = nodes(3);
    let bare = message(2, Direction::Out, MessageState::Queued);
    let theirs = message(3, Direction::In, MessageState::Delivered);
    let screen = with_messages(vec![mine, bare, theirs]).await;
    assert_eq!(screen.attributes("message", "data-holders"), ["3", "0"]);
    assert_eq!(screen.attributes("message", "data-holders-wanted"), ["5", "5"]);
    let ids: Vec<String> = nodes(3).iter().map(ToString::to_string).collect();
    assert_eq!(screen.attributes("message", "data-holder-ids"), [ids.join(" "), String::new()]);
    assert_eq!(screen.count("[data-direction=in][data-holders], [data-direction=in] .mark"), 0);
}

#[wasm_bindgen_test]
async fn holders_are_counted_and_the_page_may_be_closed_from_three_on() {
    let screen = with_one().await;
    assert!(said(&screen).contains("Waiting here") && said(&screen).contains("keep this page open"));
    screen.node(held(1, 9)).await;
    assert_eq!(said(&screen), "Kept by 1 peer; keep this page open");
    screen.node(held(2, 9)).await;
    assert_eq!(said(&screen), "Kept by 2 peers; keep this page open");
    assert_eq!((screen.attributes("message", "data-state"), screen.count(".mark-queued .kept")), (vec!["queued".to_owned()], 2));
    screen.node(held(3, 9)).await;
    screen.node(changed(MessageState::Held)).await;
    assert_eq!(said(&screen), "Kept by 3 of 5 peers until they come online: you may close this page");
    screen.node(held(5, 9)).await;
    assert_eq!(said(&screen), "Kept by 5 of 5 peers until they come online: you may close this page");
    assert_eq!(screen.attributes("message", "data-state"), ["held"]);
    // Three of the five are gone: nothing says that it is safe.
    screen.node(held(2, 9)).await;
    screen.node(changed(MessageState::Queued)).await;
    assert_eq!(said(&screen), "Kept by 2 peers; keep this page open");
}

#[wasm_bindgen_test]
async fn fewer_than_five_peers_are_said_to_be_too_few_until_they_are_not() {
    let screen = with_one().await;
    screen.node(held(0, 0)).await;
    assert!(said(&screen).contains("No other peer is there now"));
    screen.node(held(1, 1)).await;
    assert_eq!(said(&screen), "Kept by 1 peer; keep this page open. Only 1 other peer is there now: more will take it when they come");
    screen.node(held(3, 3)).await;
    screen.node(changed(MessageState::Held)).await;
    assert!(said(&screen).contains("you may close this page. Only 3 other peers are there now: more will take it when they come"));
    screen.node(held(3, 5)).await;
    assert!(!said(&screen).contains("Only"), "there are enough");
    screen.node(held(5, 4)).await;
    assert!(!said(&screen).contains("Only"), "five keep it");
}

#[wasm_bindgen_test]
async fn that_the_page_has_to_stay_open_stands_in_the_head_of_the_conversation() {
    let screen = with_one().await;
    let mut away = contact("bela", Standing::Accepted);
    away.presence = Presence::Away;
    screen.node(node::Event::NetworkChanged(NetworkState::Online)).await;
    screen.node(node::Event::ContactChanged(away)).await;
    assert_eq!(screen.text("presence"), "Away. Messages wait for them", "it is only just being left with others");
    screen.node(held(0, 0)).await;
    assert!(screen.text("presence").ends_with("keep this page open"), "nobody is there to keep it");
    screen.node(held(2, 2)).await;
    assert_eq!(screen.text("presence"), "Away. Kept by 2 peers; keep this page open");
    screen.node(held(3, 3)).await;
    screen.node(changed(MessageState::Held)).await;
    assert_eq!(screen.text("presence"), "Away. Messages wait for them");
}

#[wasm_bindgen_test]
async fn what_they_have_is_kept_by_nobody() {
    let screen = with_one().await;
    screen.node(held(3, 9)).await;
    screen.node(changed(MessageState::Delivered)).await;
    assert_eq!((said(&screen).as_str(), screen.attributes("message", "data-holders")), ("They have it", vec!["0".to_owned()]));
    screen.node(held(4, 2)).await;
    assert_eq!(screen.attributes("message", "data-holders"), ["0"], "a holder's word that comes late");
    assert_eq!((said(&screen).as_str(), screen.count(".kept")), ("They have it", 0));
}

#[wasm_bindgen_test]
async fn an_expired_message_is_told_at_once_and_can_be_sent_again() {
    let screen = with_one().await;
    screen.node(changed(MessageState::Expired)).await;
    assert!(screen.text("announce-failure").contains("bela"));
    assert!(said(&screen).contains("did not come in time"));
    screen.click("send-again").await;
    let id = message(1, Direction::Out, MessageState::Queued).id;
    assert_eq!(screen.orders(), [Action::Node(Command::SendAgain { to: user("bela"), id })]);
    screen.node(changed(MessageState::Queued)).await;
    assert!(!screen.has("send-again"));
}

#[wasm_bindgen_test]
async fn the_details_of_a_message_say_who_keeps_it_and_what_seals_it_and_the_conversation_does_not() {
    let mut mine = message(1, Direction::Out, MessageState::Held);
    (mine.holders, mine.sealing) = (nodes(3), Sealing::CertifiedKey);
    let screen = with_messages(vec![mine]).await;
    assert_eq!(screen.attributes("message-details", "aria-expanded"), ["false"]);
    assert!(!screen.has("message-sealing") && !screen.text("messages").contains("envelope"));
    screen.click("message-details").await;
    assert_eq!(screen.attributes("message-details", "aria-expanded"), ["true"]);
    assert_eq!(screen.text("message-state"), said(&screen));
    assert_eq!(screen.text("message-holders").trim(), "01010101 02020202 03030303");
    assert_eq!(screen.count(&format!("[data-testid=message-holders] code[title=\"{}\"]", nodes(1)[0])), 1);
    assert_eq!(screen.attributes("message-sealing", "data-sealing"), ["certified-key"]);
    assert!(screen.text("messages").contains("1970"), "when it was written");
    screen.node(changed(MessageState::Read)).await;
    assert_eq!((screen.text("message-state").as_str(), screen.has("message-holders")), ("They have read it", false));
    screen.click("message-details").await;
    assert!(!screen.has("message-sealing"));
}

#[wasm_bindgen_test]
async fn every_sealing_is_said_in_words_of_its_own_for_messages_of_either_side() {
    let mut sentences = Vec::new();
    for (sealing, key, word) in [
        (Sealing::Session, "session", "session"),
        (Sealing::Prekey, "prekey", "(forward secrecy)"),
        (Sealing::CertifiedKey, "certified-key", "no forward secrecy"),
    ] {
        let theirs = MessageView { sealing, ..message(1, Direction::In, MessageState::Delivered) };
        let screen = with_messages(vec![theirs]).await;
        screen.click("message-details").await;
        assert_eq!(screen.attributes("message-sealing", "data-sealing"), [key]);
        assert!(screen.text("message-sealing").contains(word));
        assert!(!screen.has("message-state") && !screen.has("message-holders"), "their message is here");
        sentences.push(screen.text("message-sealing"));
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 3);
}

#[wasm_bindgen_test]
async fn nothing_is_said_of_the_sealing_of_what_waits_before_it_is_sealed() {
    let screen = with_one().await;
    screen.click("message-details").await;
    assert!(screen.has("message-state") && !screen.has("message-sealing"));
    screen.node(changed(MessageState::Sent)).await;
    assert_eq!(screen.attributes("message-sealing", "data-sealing"), ["session"]);
}

#[wasm_bindgen_test]
async fn the_tab_key_stops_at_the_newest_message_and_arrows_lead_to_the_others() {
    const DAY_MS: u64 = 86_400_000;
    // Lines of days and of a gap stand between.
    let at = |order| MessageView { sent_ms: order * DAY_MS, gap_before: 1, ..message(order, Direction::In, MessageState::Delivered) };
    let screen = with_messages(vec![at(1), at(2), at(3)]).await;
    assert_eq!(screen.attributes("message-details", "tabindex"), ["-1", "-1", "0"]);
    screen.press("message-details", "ArrowDown", false).await;
    assert_eq!(screen.focused("tabindex").as_deref(), Some("-1"), "the second");
    screen.press_focused("ArrowDown").await;
    assert_eq!(screen.focused("tabindex").as_deref(), Some("0"), "the third");
    screen.press_focused("ArrowDown").await;
    assert_eq!(screen.focused("tabindex").as_deref(), Some("0"), "none is below");
    screen.press_focused("ArrowUp").await;
    assert_eq!((screen.focused("tabindex").as_deref(), screen.focused("data-testid").as_deref()), (Some("-1"), Some("message-details")));
    screen.node(node::Event::MessageAdded { with: user("bela"), message: at(4) }).await;
    assert_eq!(screen.attributes("message-details", "tabindex"), ["-1", "-1", "-1", "0"]);
}

#[wasm_bindgen_test]
async fn what_is_kept_for_others_is_counted_in_the_settings() {
    let screen = running("/you").await;
    assert!(screen.text("you").contains("nobody can read it here"));
    assert!(!screen.has("holding-count") && !screen.has("storage-limit"), "not known yet");
    let view = HoldingView { envelopes: 1_234, people: 17, bytes: 3 * MIB / 2, limit_bytes: 256 * MIB, keep_days: 30 };
    screen.node(node::Event::HoldingChanged(view)).await;
    assert_eq!((screen.text("holding-count"), screen.text("holding-people")), ("1234".to_owned(), "17".to_owned()));
    assert_eq!((screen.text("holding-bytes").as_str(), screen.attributes("holding-bytes", "data-bytes")), ("1.5 MiB", vec!["1572864".to_owned()]));
    assert_eq!(screen.value("storage-limit"), "256");
    assert_eq!(screen.attributes("storage-limit", "data-bytes"), ["268435456"]);
    screen.node(node::Event::HoldingChanged(HoldingView { envelopes: 0, people: 0, bytes: 0, ..view })).await;
    assert_eq!((screen.text("holding-bytes").as_str(), screen.text("holding-state").as_str()), ("0 B", "Nothing is kept here at the moment."));
    screen.tell(Event::Phase(Phase::SecondTab)).await;
    screen.tell(Event::Phase(Phase::Running { me: user("anna"), node: NodeId([7; 32]) })).await;
    assert!(!screen.has("holding-count"), "that was another run");
}

#[wasm_bindgen_test]
async fn a_person_says_for_how_long_messages_lie_with_others() {
    let screen = running("/you").await;
    let view = HoldingView { envelopes: 0, people: 0, bytes: 0, limit_bytes: 256 * MIB, keep_days: 30 };
    screen.node(node::Event::HoldingChanged(view)).await;
    assert_eq!(screen.value("mail-expiry"), "30");
    screen.choose("mail-expiry", "7").await;
    assert_eq!(screen.orders(), [Action::Node(Command::KeepFor { days: 7 })]);
    screen.node(node::Event::HoldingChanged(HoldingView { keep_days: 7, ..view })).await;
    assert_eq!(screen.value("mail-expiry"), "7");
}

#[wasm_bindgen_test]
async fn space_is_lent_and_withdrawn_by_a_word() {
    let lend = |bytes| Action::Node(Command::LendStorage { bytes });
    let screen = running("/you").await;
    let view = HoldingView { envelopes: 3, people: 2, bytes: 9_000, limit_bytes: 256 * MIB, keep_days: 30 };
    screen.node(node::Event::HoldingChanged(view)).await;
    screen.choose("storage-limit", "1024").await;
    assert_eq!(screen.orders(), [lend(1024 * MIB)]);
    screen.node(node::Event::HoldingChanged(HoldingView { limit_bytes: 1024 * MIB, ..view })).await;
    screen.click("holding-withdraw").await;
    assert_eq!(screen.orders(), [lend(1024 * MIB), lend(0)]);
    screen.node(node::Event::HoldingChanged(HoldingView { limit_bytes: 0, ..view })).await;
    assert_eq!((screen.value("storage-limit").as_str(), screen.has("holding-withdraw")), ("0", false));
    assert!(screen.text("holding-state").contains("handed to others"));
    // The browser has room for less than any choice.
    screen.node(node::Event::HoldingChanged(HoldingView { limit_bytes: 100 * MIB, ..view })).await;
    assert_eq!(screen.value("storage-limit"), "100");
    assert!(screen.text("storage-limit").contains("64 MiB100 MiB256 MiB1 GiB4 GiB"), "{}", screen.text("storage-limit"));
}
