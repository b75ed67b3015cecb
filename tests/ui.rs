//! The screen in a real browser: what it shows of a state, and what it orders when it is used. Engine and browser are the test's.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/screen.rs"]
mod screen;

use b4::engine::Action;
use b4::state::{EnrolFailure, Event, NameVerdict, Phase, Recovery, RestoreFailure};
use b4_protocol::identity::{NodeId, UserId};
use b4_protocol::node::{self, Command, ContactRefusal, Direction, KeyStanding, MessageState, MessageView, NetworkState, Presence, SendRefusal, Standing};
use screen::{Screen, contact, message, user};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn running() -> Event {
    Event::Phase(Phase::Running { me: user("anna"), node: NodeId([7; 32]) })
}

async fn in_chat_with_bela(more: impl IntoIterator<Item = node::Event>) -> Screen {
    let screen = Screen::at("/chat/bela").await;
    screen.tell(running()).await;
    screen.node(node::Event::ContactChanged(contact("bela", Standing::Accepted))).await;
    screen.node(node::Event::MessagesLoaded { with: user("bela"), messages: Vec::new(), complete: true }).await;
    for event in more {
        screen.node(event).await;
    }
    screen
}

#[wasm_bindgen_test]
async fn a_name_is_asked_about_once_the_keyboard_is_silent_and_the_answer_is_shown() {
    let screen = Screen::at("/").await;
    screen.tell(Event::Phase(Phase::Welcome)).await;
    screen.type_into("onboarding-name", "anna").await;
    screen.until(|| screen.orders().contains(&Action::CheckName("anna".to_owned()))).await;
    screen.tell(Event::NameChecked { name: "anna".to_owned(), verdict: NameVerdict::Taken }).await;
    assert!(screen.text("onboarding-error").contains("Somebody has this name"));
    screen.tell(Event::NameChecked { name: "anna".to_owned(), verdict: NameVerdict::Free }).await;
    assert!(!screen.has("onboarding-error") && screen.has("onboarding-free"));
    screen.click("onboarding-submit").await;
    assert!(screen.orders().contains(&Action::Enrol("anna".to_owned())));
}

#[wasm_bindgen_test]
async fn a_name_that_cannot_be_one_is_refused_without_asking() {
    let screen = Screen::at("/").await;
    screen.tell(Event::Phase(Phase::Welcome)).await;
    for (typed, said) in [("Anna", "small letters"), ("1anna", "starts with a letter"), ("an na", "no spaces"), ("an\u{fffd}a", "broken")] {
        screen.type_into("onboarding-name", typed).await;
        assert!(screen.text("onboarding-error").contains(said), "{typed}");
    }
    assert!(screen.orders().is_empty());
    screen.type_into("onboarding-name", "Anna").await;
    screen.click("onboarding-lower").await;
    assert_eq!(screen.value("onboarding-name"), "anna");
}

#[wasm_bindgen_test]
async fn an_operator_who_wants_an_invitation_gets_a_field_for_it() {
    let screen = Screen::at("/").await;
    screen.tell(Event::Phase(Phase::Welcome)).await;
    screen.type_into("onboarding-name", "anna").await;
    screen.tell(Event::EnrolFailed(EnrolFailure::InviteRequired)).await;
    screen.type_into("onboarding-invite", " 0123 ").await;
    screen.click("onboarding-submit").await;
    assert!(screen.orders().contains(&Action::EnrolInvited { name: "anna".to_owned(), invite: "0123".to_owned() }));
}

#[wasm_bindgen_test]
async fn a_text_is_ordered_by_enter_and_the_field_is_empty_again() {
    let screen = in_chat_with_bela([]).await;
    screen.type_into("composer-input", "hello").await;
    screen.press("composer-input", "Enter", true).await;
    assert_eq!(screen.value("composer-input"), "hello", "shift and Enter break the line");
    screen.press("composer-input", "Enter", false).await;
    assert!(screen.orders().contains(&Action::Node(Command::SendText { to: user("bela"), text: "hello".to_owned() })));
    assert_eq!(screen.value("composer-input"), "");
}

#[wasm_bindgen_test]
async fn a_text_over_the_bound_is_counted_and_not_sent() {
    let screen = in_chat_with_bela([]).await;
    screen.type_into("composer-input", &"ä".repeat(8_193)).await;
    assert_eq!(screen.text("composer-counter"), "2 bytes too long");
    screen.press("composer-input", "Enter", false).await;
    assert!(!screen.orders().iter().any(|order| matches!(order, Action::Node(Command::SendText { .. }))));
    screen.type_into("composer-input", "short\0 again").await;
    assert!(!screen.has("composer-counter"));
    assert_eq!(screen.value("composer-input"), "short again");
    assert!(screen.has("composer-note"));
}

#[wasm_bindgen_test]
async fn a_text_that_was_not_taken_comes_back_once_with_the_reason() {
    let refused = node::Event::SendRefused { to: user("bela"), text: "kept".to_owned(), why: SendRefusal::NotStored };
    let screen = in_chat_with_bela([refused]).await;
    assert_eq!(screen.value("composer-input"), "kept");
    assert!(screen.text("composer-problem").contains("does not store"));
    screen.press("composer-input", "Enter", false).await;
    assert_eq!(screen.value("composer-input"), "");
    screen.node(node::Event::ContactChanged(contact("bela", Standing::Accepted))).await;
    assert_eq!((screen.value("composer-input").as_str(), screen.has("composer-problem")), ("", false));
}

#[wasm_bindgen_test]
async fn each_state_of_a_message_has_its_mark_and_its_sentence() {
    let states = [MessageState::Queued, MessageState::Sent, MessageState::Delivered, MessageState::Read, MessageState::Failed];
    let added = |(order, state): (usize, MessageState)| node::Event::MessageAdded {
        with: user("bela"),
        message: message(order as u64 + 1, Direction::Out, state),
    };
    let screen = in_chat_with_bela(states.into_iter().enumerate().map(added)).await;
    assert_eq!(screen.attributes("message", "data-state"), ["queued", "sent", "delivered", "read", "failed"]);
    assert_eq!(screen.attributes("message", "data-direction"), ["out"; 5]);
    let marks = screen.labels(".mark");
    assert_eq!(marks.len(), 5);
    assert!(marks.iter().all(|sentence| sentence.len() > 5), "{marks:?}");
    screen.click("send-again").await;
    assert!(screen.orders().iter().any(|order| matches!(order, Action::Node(Command::SendAgain { .. }))));
}

#[wasm_bindgen_test]
async fn what_others_write_is_text_whatever_it_is() {
    let mut evil = message(1, Direction::In, MessageState::Delivered);
    evil.text = "<img src=x onerror=alert(1)><script>alert(2)</script> javascript:alert(3) https://b4.example/a".to_owned();
    let text = evil.text.clone();
    let screen = in_chat_with_bela([node::Event::MessageAdded { with: user("bela"), message: evil }]).await;
    assert_eq!(screen.text("message-text"), text);
    assert_eq!(screen.count("[data-testid=message] img, [data-testid=message] script"), 0);
    assert_eq!(screen.count("[data-testid=message] a"), 1);
    assert!(screen.text("announce").contains("alert(1)"), "told to those who listen");
}

/// Three hundred texts that would run a script, were they markup: each element with each event, and addresses of each kind.
fn injections() -> Vec<String> {
    let elements = ["img src=x", "svg", "body", "video src=x", "audio src=x", "input autofocus", "details open", "iframe", "style", "math"];
    let events = ["onerror", "onload", "onfocus", "ontoggle", "onanimationstart"];
    let run = "document.documentElement.dataset.injected=1";
    let mut all = Vec::new();
    for element in elements {
        for event in events {
            all.push(format!("<{element} {event}={run}>"));
            all.push(format!("\"'></bdi></li><{element}/{event}='{run}'//"));
            all.push(format!("</textarea></title></style><{element}\n{event}\t=\"{run}\"><!--"));
            all.push(format!("https://b4.example/\"{event}=\"{run}"));
        }
    }
    for scheme in ["javascript:", "JavaScript:", "java\tscript:", "\u{1}javascript:", "vbscript:", "data:text/html,", "blob:", "file:///", "view-source:", "//"] {
        for frame in ["<a href='SCHEME'>x</a>", "<a href=SCHEME", "SCHEME", "[x](SCHEME)", "<base href='SCHEME'>", "<embed src=SCHEME>", "<form action=SCHEME>", "http:SCHEME", "https:/SCHEME", "url(SCHEME)"] {
            all.push(frame.replace("SCHEME", &format!("{scheme}{run}")));
        }
    }
    all
}

#[wasm_bindgen_test]
async fn t15_no_text_in_any_field_becomes_markup() {
    let payloads = injections();
    assert_eq!(payloads.len(), 300);
    let whole = payloads.join(" ");
    let screen = in_chat_with_bela([]).await;
    for batch in payloads.chunks(150) {
        let evil = |(order, text): (usize, &String)| MessageView { text: text.clone(), ..message(order as u64 + 1, Direction::In, MessageState::Delivered) };
        let messages = batch.iter().enumerate().map(evil).collect();
        let screen = in_chat_with_bela([]).await;
        screen.node(node::Event::MessagesLoaded { with: user("bela"), messages, complete: true }).await;
        assert_eq!(screen.texts("message-text"), batch);
        assert_eq!(screen.count("[data-testid=message-text] :not(a[href^='http:'], a[href^='https:'])"), 0);
        assert_eq!(screen.count("[data-testid=message-text] a[href*=javascript]"), 0);
    }
    let mut bela = contact("bela", Standing::Accepted);
    bela.preview = whole.clone();
    screen.node(node::Event::ContactChanged(bela)).await;
    screen.node(node::Event::MessageAdded { with: user("bela"), message: MessageView { text: whole.clone(), ..message(1, Direction::In, MessageState::Delivered) } }).await;
    screen.node(node::Event::SendRefused { to: user("bela"), text: whole.clone(), why: SendRefusal::TooLong }).await;
    screen.type_into("add-contact-input", &whole).await;
    screen.click("add-contact-submit").await;
    let typed = screen.value("add-contact-input");
    screen.node(node::Event::ContactRefused { typed, why: ContactRefusal::Nobody }).await;
    assert!(screen.text("contact-error").contains("<img"));
    nothing_ran(&screen);
    for phase in [
        Phase::Wiped { name: whole.clone() },
        Phase::AuthorityChanged { pinned: whole.clone(), shown: whole.clone() },
        Phase::Broken { detail: whole.clone() },
    ] {
        screen.tell(Event::Phase(phase)).await;
        nothing_ran(&screen);
    }
    screen.tell(Event::Phase(Phase::Welcome)).await;
    screen.type_into("onboarding-name", &whole).await;
    screen.tell(Event::EnrolFailed(EnrolFailure::Failed { detail: whole.clone() })).await;
    screen.tell(Event::RestoreFailed(RestoreFailure::Failed { detail: whole.clone() })).await;
    assert!(screen.text("restore-error").contains("<img"));
    nothing_ran(&screen);
}

fn nothing_ran(screen: &Screen) {
    assert_eq!(screen.count("img, svg[onload], video, audio, iframe, style, math, script, embed, base, body, [onerror], [onfocus], [ontoggle]"), 0);
    let root = web_sys::window().and_then(|window| window.document()?.document_element()).expect("a page");
    assert!(!root.has_attribute("data-injected"));
}

#[wasm_bindgen_test]
async fn what_is_missing_is_said_where_it_is_missing() {
    let mut late = message(5, Direction::In, MessageState::Delivered);
    late.gap_before = 3;
    let screen = in_chat_with_bela([node::Event::MessageAdded { with: user("bela"), message: late }]).await;
    assert_eq!(screen.text("gap"), "3 messages are missing here");
}

#[wasm_bindgen_test]
async fn what_is_on_the_screen_is_read_and_what_is_behind_it_is_not() {
    let mut unread = contact("bela", Standing::Accepted);
    unread.unread = 2;
    let hidden = in_chat_with_bela([]).await;
    hidden.show(false).await;
    hidden.node(node::Event::ContactChanged(unread)).await;
    let read = Action::Node(Command::MarkRead { user: user("bela") });
    assert!(!hidden.orders().contains(&read));
    hidden.show(true).await;
    assert!(hidden.orders().contains(&read));
}

#[wasm_bindgen_test]
async fn what_comes_below_what_is_looked_at_is_not_read_until_one_looks_there() {
    let screen = in_a_long_chat().await;
    screen.scroll("messages", 500).await;
    let mut unread = contact("bela", Standing::Accepted);
    unread.unread = 1;
    screen.node(node::Event::MessageAdded { with: user("bela"), message: message(60, Direction::In, MessageState::Delivered) }).await;
    screen.node(node::Event::ContactChanged(unread)).await;
    let read = Action::Node(Command::MarkRead { user: user("bela") });
    assert!(!screen.orders().contains(&read));
    screen.scroll("messages", 0).await;
    assert!(screen.orders().contains(&read));
}

#[wasm_bindgen_test]
async fn whoever_writes_sees_what_they_wrote() {
    let screen = in_a_long_chat().await;
    screen.scroll("messages", 500).await;
    assert_eq!(screen.scrolled("messages"), 500);
    screen.node(node::Event::MessageAdded { with: user("bela"), message: message(60, Direction::Out, MessageState::Queued) }).await;
    assert_eq!(screen.scrolled("messages"), 0);
}

/// Fifty messages of theirs, of which few are in sight.
async fn in_a_long_chat() -> Screen {
    let theirs = |order| node::Event::MessageAdded { with: user("bela"), message: message(order, Direction::In, MessageState::Delivered) };
    let screen = in_chat_with_bela((1..=50).map(theirs)).await;
    screen.lay_out("messages", "100px");
    screen
}

#[wasm_bindgen_test]
async fn a_stranger_can_be_accepted_put_aside_or_blocked() {
    let stranger = node::Event::ContactChanged(contact("bela", Standing::New));
    let screen = in_chat_with_bela([stranger]).await;
    for testid in ["contact-accept", "contact-ignore", "contact-block"] {
        screen.click(testid).await;
    }
    let user = user("bela");
    let ordered = screen.orders();
    for command in [Command::Accept { user: user.clone() }, Command::Ignore { user: user.clone() }, Command::Block { user }] {
        assert!(ordered.contains(&Action::Node(command.clone())), "{command:?}");
    }
}

#[wasm_bindgen_test]
async fn a_changed_key_closes_the_composer_until_it_was_looked_at() {
    let mut changed = contact("bela", Standing::Accepted);
    changed.key = KeyStanding::Changed;
    changed.safety_number = Some(["00000 11111"; 6].join(" "));
    let screen = in_chat_with_bela([node::Event::ContactChanged(changed)]).await;
    assert!(screen.has("key-changed") && screen.is_disabled("composer-input") && screen.is_disabled("composer-send"));
    assert_eq!(screen.text("safety-number"), ["00000 11111"; 6].join(" "));
    assert!(screen.has("safety-code"));
    screen.click("key-confirm").await;
    assert!(screen.orders().contains(&Action::Node(Command::ConfirmKey { user: user("bela") })));
}

#[wasm_bindgen_test]
async fn the_safety_number_is_there_as_text_and_unfolded_as_a_code_too() {
    let mut bela = contact("bela", Standing::Accepted);
    bela.safety_number = Some("01234 ".repeat(12).trim().to_owned());
    let screen = in_chat_with_bela([node::Event::ContactChanged(bela)]).await;
    assert!(screen.has("safety-number") && !screen.has("safety-code"));
    screen.click("contact-details").await;
    assert_eq!(screen.attributes("safety-code", "viewBox"), ["-4 -4 33 33"]);
    assert_eq!(screen.count("[data-testid=safety-code] path[d^=M]"), 1);
}

#[wasm_bindgen_test]
async fn a_typed_name_gets_its_answer_and_the_one_that_was_meant() {
    let screen = Screen::at("/").await;
    screen.tell(running()).await;
    screen.type_into("add-contact-input", "Bela").await;
    screen.click("add-contact-submit").await;
    let why = ContactRefusal::NotAName(UserId::parse("Bela").expect_err("a capital"));
    screen.node(node::Event::ContactRefused { typed: "Bela".to_owned(), why }).await;
    assert!(screen.text("contact-error").contains("small letters"));
    screen.click("contact-lower").await;
    assert!(screen.orders().contains(&Action::Node(Command::AddContact { typed: "bela".to_owned() })));
    screen.node(node::Event::ContactChanged(contact("bela", Standing::Accepted))).await;
    assert!(!screen.has("contact-error") && screen.has("composer-input"));
    assert_eq!(screen.path(), "/chat/bela");
}

#[wasm_bindgen_test]
async fn the_contact_in_the_list_carries_name_presence_and_count() {
    let mut bela = contact("bela", Standing::New);
    (bela.unread, bela.presence) = (3, Presence::Online);
    let screen = Screen::at("/").await;
    screen.tell(running()).await;
    assert!(screen.has("no-contacts") && screen.count(".contacts") == 0);
    screen.click("invite-copy").await;
    screen.take_copy().await;
    assert!(screen.text("invite-copy").contains("Copied"));
    screen.node(node::Event::ContactChanged(bela)).await;
    assert_eq!(screen.attributes("contact", "data-user-id"), ["bela"]);
    assert_eq!(screen.attributes("contact", "data-presence"), ["online"]);
    assert_eq!(screen.labels(".badge"), ["3 unread"]);
    assert!(screen.text("contact").contains("request"), "somebody not accepted yet");
    assert_eq!(screen.attributes("my-user-id", "data-node-id"), ["07".repeat(32)]);
}

#[wasm_bindgen_test]
async fn the_network_is_said_in_a_word_and_offline_in_a_sentence() {
    let screen = Screen::at("/").await;
    screen.tell(running()).await;
    for (state, key) in [(NetworkState::Joining, "joining"), (NetworkState::Online, "online"), (NetworkState::Offline, "offline")] {
        screen.node(node::Event::NetworkChanged(state)).await;
        assert_eq!(screen.attributes("network-status", "data-state"), [key]);
    }
    assert!(screen.has("offline-note"));
    screen.click("try-now").await;
    assert_eq!(screen.orders(), [Action::TryNow]);
}

#[wasm_bindgen_test]
async fn an_open_conversation_says_that_nobody_can_be_reached_but_for_a_session_that_goes_on() {
    let screen = in_chat_with_bela([node::Event::NetworkChanged(NetworkState::Offline)]).await;
    assert!(screen.text("presence").contains("Nobody can be reached"));
    let mut bela = contact("bela", Standing::Accepted);
    bela.presence = Presence::Online;
    screen.node(node::Event::ContactChanged(bela)).await;
    assert!(screen.text("presence").contains("Connected"));
}

#[wasm_bindgen_test]
async fn somebody_to_whom_no_connection_comes_about_is_said_to_be_tried_again() {
    let screen = in_chat_with_bela([node::Event::NetworkChanged(NetworkState::Online)]).await;
    let mut bela = contact("bela", Standing::Accepted);
    for (was_up, sentence) in [(false, "No connection yet, trying again"), (true, "Connection lost, trying again")] {
        bela.presence = Presence::Unreachable { retry_ms: 4_000, was_up };
        screen.node(node::Event::ContactChanged(bela.clone())).await;
        assert_eq!(screen.attributes("contact", "data-presence"), ["unreachable"]);
        assert_eq!(screen.text("presence"), sentence);
    }
}

#[wasm_bindgen_test]
async fn the_recovery_file_is_offered_and_can_wait() {
    let screen = Screen::at("/").await;
    screen.tell(running()).await;
    screen.tell(Event::Recovery(Recovery::Offered)).await;
    screen.click("recovery-save").await;
    screen.click("recovery-later").await;
    assert_eq!(screen.orders(), [Action::SaveRecovery, Action::DismissRecovery]);
    screen.tell(Event::Recovery(Recovery::Later)).await;
    assert!(!screen.has("recovery-save"));
    screen.tell(Event::Recovery(Recovery::Given)).await;
    assert!(screen.text("recovery-given").contains("downloads"), "where it is, and until when it can be had again");
    screen.click("recovery-seen").await;
    assert!(!screen.has("recovery-given"));
    screen.tell(Event::Recovery(Recovery::Later)).await;
    screen.click("my-user-id").await;
    assert!(screen.has("you-recovery-save") && !screen.has("recovery-saved"));
}

#[wasm_bindgen_test]
async fn a_recovery_file_that_was_given_can_be_had_again_while_the_page_is_open() {
    let screen = Screen::at("/you").await;
    screen.tell(running()).await;
    screen.tell(Event::Recovery(Recovery::Given)).await;
    assert!(screen.has("recovery-saved"));
    screen.click("you-recovery-save").await;
    assert_eq!(screen.orders(), [Action::SaveRecovery]);
    screen.tell(Event::Recovery(Recovery::Saved)).await;
    assert!(screen.has("recovery-saved") && !screen.has("you-recovery-save"));
}

#[wasm_bindgen_test]
async fn a_link_is_said_to_be_copied_once_it_is() {
    let screen = Screen::at("/you").await;
    screen.tell(running()).await;
    screen.click("copy-link").await;
    assert!(!screen.text("copy-link").contains("Copied"));
    screen.take_copy().await;
    assert!(screen.text("copy-link").contains("Copied"));
}

#[wasm_bindgen_test]
async fn whoever_stands_still_is_told_why_and_what_to_do() {
    let screen = Screen::at("/").await;
    screen.tell(Event::Phase(Phase::SecondTab)).await;
    assert!(screen.has("second-tab"));
    screen.click("take-over").await;
    assert_eq!(screen.orders(), [Action::TakeOver]);
    screen.tell(Event::Phase(Phase::AuthorityChanged { pinned: "aa".to_owned(), shown: "bb".to_owned() })).await;
    assert!(screen.has("authority-changed") && screen.text("notice-detail").contains("bb"));
    screen.tell(Event::Phase(Phase::Superseded)).await;
    assert!(screen.has("superseded"));
    screen.click("take-over").await;
    assert_eq!(screen.orders(), [Action::TakeOver, Action::TakeOver]);
    screen.tell(Event::Phase(Phase::Broken { detail: "no IndexedDB".to_owned() })).await;
    assert!(screen.text("notice-detail").contains("IndexedDB"));
    screen.tell(Event::Phase(Phase::Wiped { name: "anna".to_owned() })).await;
    assert!(screen.text("wiped").contains("anna"));
}

#[wasm_bindgen_test]
async fn an_address_of_somebody_unknown_offers_to_add_them() {
    let screen = Screen::at("/chat/carl").await;
    screen.tell(running()).await;
    assert!(screen.has("not-a-contact"));
    screen.click("add-this").await;
    assert!(screen.orders().contains(&Action::Node(Command::AddContact { typed: "carl".to_owned() })));
    screen.node(node::Event::ContactRefused { typed: "carl".to_owned(), why: ContactRefusal::Nobody }).await;
    assert!(screen.text("add-this-error").contains("Nobody"));
}

#[wasm_bindgen_test]
async fn a_new_version_waits_for_a_word() {
    let screen = Screen::at("/").await;
    screen.tell(running()).await;
    screen.tell(Event::UpdateReady).await;
    assert!(screen.has("update-ready"));
    screen.click("update-apply").await;
    assert_eq!(screen.orders(), [Action::ApplyUpdate]);
}

#[wasm_bindgen_test]
async fn a_name_that_cannot_be_had_cannot_be_taken() {
    let screen = Screen::at("/").await;
    screen.tell(Event::Phase(Phase::Welcome)).await;
    screen.type_into("onboarding-name", "anna").await;
    let bad = UserId::parse("Anna").expect_err("a capital");
    let verdicts = [(NameVerdict::Taken, true), (NameVerdict::CannotTell, false), (NameVerdict::Reserved, true), (NameVerdict::Free, false), (NameVerdict::NotAName(bad), true)];
    for (verdict, is_closed) in verdicts {
        screen.tell(Event::NameChecked { name: "anna".to_owned(), verdict: verdict.clone() }).await;
        assert_eq!(screen.is_disabled("onboarding-submit"), is_closed, "{verdict:?}");
    }
    screen.type_into("onboarding-name", "Bela").await;
    assert!(screen.is_disabled("onboarding-submit"));
    screen.type_into("onboarding-name", "bela").await;
    assert!(!screen.is_disabled("onboarding-submit"), "nothing is known against it");
}

#[wasm_bindgen_test]
async fn whoever_follows_a_link_is_told_who_invites_them() {
    for (path, is_invited) in [("/chat/bela", true), ("/", false)] {
        let screen = Screen::at(path).await;
        screen.tell(Event::Phase(Phase::Welcome)).await;
        assert_eq!(screen.has("invited-by"), is_invited);
        assert_eq!(screen.path(), path, "it leads to them once there is a name");
    }
}

#[wasm_bindgen_test]
async fn an_address_that_names_nothing_does_not_stay() {
    for (path, place) in [("/nothing", "/"), ("/chat/<script>", "/"), ("/you/", "/you"), ("/chat/bela", "/chat/bela")] {
        let screen = Screen::at(path).await;
        screen.tell(running()).await;
        assert_eq!(screen.path(), place);
    }
}

#[wasm_bindgen_test]
async fn ones_own_address_says_so() {
    let screen = Screen::at("/chat/anna").await;
    screen.tell(running()).await;
    assert!(screen.has("that-is-you") && !screen.has("add-this"));
}

#[wasm_bindgen_test]
async fn what_was_begun_outlives_the_page() {
    let screen = Screen::at("/chat/bela").await;
    screen.begin_with_draft("bela", "Dear Bela");
    screen.tell(running()).await;
    screen.node(node::Event::ContactChanged(contact("bela", Standing::Accepted))).await;
    assert_eq!(screen.value("composer-input"), "Dear Bela");
    screen.type_into("composer-input", "Dear Bela, I").await;
    assert_eq!(screen.draft("bela").as_deref(), Some("Dear Bela, I"));
    screen.press("composer-input", "Enter", false).await;
    assert_eq!(screen.draft("bela").as_deref(), Some(""));
}

#[wasm_bindgen_test]
async fn a_closed_composer_says_why() {
    let screen = in_chat_with_bela([node::Event::ContactChanged(contact("bela", Standing::Blocked))]).await;
    assert!(screen.is_disabled("composer-input"));
    assert_eq!(screen.attributes("composer-input", "placeholder"), ["You have blocked this person."]);
}

#[wasm_bindgen_test]
async fn where_nothing_runs_no_message_is_left_for_those_who_listen() {
    let screen = in_chat_with_bela([node::Event::MessageAdded { with: user("bela"), message: message(1, Direction::In, MessageState::Delivered) }]).await;
    assert!(screen.text("announce").contains("text 1"));
    screen.tell(Event::Phase(Phase::SecondTab)).await;
    assert_eq!(screen.text("announce"), "");
}
