//! The screen's state under the events of the app and the node.

use super::*;
use b4_protocol::chat::MessageId;
use b4_protocol::file::{FileId, FileSlot};
use b4_protocol::identity::NodeId;
use b4_protocol::node::{Direction, FileProgress, FileRefusal, FileState, FileView, KeyStanding, MessageState, MessageView, Presence, Sealing};

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a name")
}

fn message(order: u64, direction: Direction, state: MessageState) -> MessageView {
    let id = MessageId(u128::from(order).to_be_bytes());
    MessageView { id, order, seq: order, direction, sent_ms: order, text: format!("text {order}"), file: None, state, gap_before: 0, sealing: Sealing::Session, holders: Vec::new() }
}

fn contact(name: &str, standing: Standing, last_ms: u64) -> ContactView {
    ContactView {
        user: user(name),
        standing,
        presence: Presence::Unknown,
        key: KeyStanding::Pinned,
        safety_number: None,
        unread: 0,
        preview: String::new(),
        last_ms,
        read_up_to_seq: 0,
    }
}

fn after(events: impl IntoIterator<Item = node::Event>) -> AppState {
    let mut state = AppState::default();
    events.into_iter().for_each(|event| state.apply(Event::Node(event)));
    state
}

fn states(state: &AppState) -> Vec<MessageState> {
    state.chats[&user("bela")].messages().map(|message| message.state).collect()
}

#[test]
fn a_message_that_comes_twice_is_there_once() {
    let with = user("bela");
    let one = message(1, Direction::In, MessageState::Delivered);
    let state = after([
        node::Event::MessageAdded { with: with.clone(), message: one.clone() },
        node::Event::MessagesLoaded { with: with.clone(), messages: vec![one], complete: true },
    ]);
    assert_eq!(state.chats[&with].len(), 1);
    assert!(state.chats[&with].is_complete);
}

#[test]
fn a_page_of_history_does_not_undo_what_is_newer() {
    let with = user("bela");
    let queued = message(1, Direction::Out, MessageState::Queued);
    let id = queued.id;
    let state = after([
        node::Event::MessageAdded { with: with.clone(), message: queued.clone() },
        node::Event::MessageChanged { with: with.clone(), id, state: MessageState::Delivered },
        node::Event::MessagesLoaded { with, messages: vec![queued], complete: true },
    ]);
    assert_eq!(states(&state), [MessageState::Delivered]);
}

#[test]
fn reading_marks_what_is_delivered_up_to_the_number_and_nothing_else() {
    use MessageState::{Delivered, Queued, Read};
    let with = user("bela");
    let mut events: Vec<node::Event> = [(1, Delivered), (2, Delivered), (3, Queued), (4, Delivered)]
        .map(|(order, state)| node::Event::MessageAdded { with: with.clone(), message: message(order, Direction::Out, state) })
        .into();
    events.push(node::Event::ReadUpTo { with, seq: 3 });
    assert_eq!(states(&after(events)), [Read, Read, Queued, Delivered]);
}

#[test]
fn what_is_confirmed_after_it_was_read_is_read() {
    let with = user("bela");
    let sent = message(1, Direction::Out, MessageState::Sent);
    let id = sent.id;
    let state = after([
        node::Event::MessageAdded { with: with.clone(), message: sent },
        node::Event::ReadUpTo { with: with.clone(), seq: 1 },
        node::Event::MessageChanged { with, id, state: MessageState::Delivered },
    ]);
    assert_eq!(states(&state), [MessageState::Read]);
}

#[test]
fn those_who_do_not_look_are_told_what_came_and_what_failed() {
    let with = user("bela");
    let came = message(1, Direction::In, MessageState::Delivered);
    let mine = message(2, Direction::Out, MessageState::Queued);
    let id = mine.id;
    let mut state = after([node::Event::MessageAdded { with: with.clone(), message: came }]);
    assert_eq!(state.news, Some((0, News::Came { from: with.clone(), text: "text 1".to_owned() })));
    state.apply(Event::Node(node::Event::MessageAdded { with: with.clone(), message: mine }));
    assert_eq!(state.news.as_ref().map(|(number, _)| *number), Some(0), "one's own text is no news");
    state.apply(Event::Node(node::Event::MessageChanged { with: with.clone(), id, state: MessageState::Failed }));
    assert_eq!(state.news, Some((1, News::Failed { to: with })));
}

fn held(holders: u8, available: u8) -> node::Event {
    let id = message(1, Direction::Out, MessageState::Queued).id;
    let holders = (1..=holders).map(|number| NodeId([number; 32])).collect();
    node::Event::MessageHeld { with: user("bela"), id, holders, sealing: Sealing::Prekey, available }
}

fn one_that_waits(events: impl IntoIterator<Item = node::Event>) -> AppState {
    let added = node::Event::MessageAdded { with: user("bela"), message: message(1, Direction::Out, MessageState::Queued) };
    after([added].into_iter().chain(events))
}

/// How many keep the only message, and how many there are where those are too few.
fn kept(state: &AppState) -> (usize, Option<u8>) {
    let chat = &state.chats[&user("bela")];
    let message = chat.messages().next().expect("a message");
    (message.holders.len(), chat.shortage(message))
}

#[test]
fn the_latest_word_says_who_keeps_a_message_and_whether_there_are_enough() {
    for (events, expected) in [
        (vec![], (0, None)),
        (vec![held(2, 9)], (2, None)),
        (vec![held(2, 9), held(3, 3)], (3, Some(3))),
        (vec![held(3, 3), held(2, 0)], (2, Some(0))),
        (vec![held(3, 4), held(3, 5)], (3, None)),
        (vec![held(5, 4)], (5, None)),
    ] {
        assert_eq!(kept(&one_that_waits(events.clone())), expected, "{events:?}");
    }
}

#[test]
fn a_message_that_waits_no_more_is_kept_by_nobody_whatever_is_said_later() {
    let with = user("bela");
    let id = message(1, Direction::Out, MessageState::Queued).id;
    let change = |state| node::Event::MessageChanged { with: with.clone(), id, state };
    for state in [MessageState::Delivered, MessageState::Read, MessageState::Expired, MessageState::Failed] {
        assert_eq!(kept(&one_that_waits([held(3, 3), change(state)])), (0, None), "{state:?}");
        assert_eq!(kept(&one_that_waits([change(state), held(3, 3)])), (0, None), "{state:?}");
    }
    for state in [MessageState::Sent, MessageState::Held, MessageState::Queued] {
        assert_eq!(kept(&one_that_waits([held(3, 9), change(state)])).0, 3, "{state:?}");
    }
    assert_eq!(kept(&one_that_waits([held(3, 3), change(MessageState::Sent)])), (3, None), "on its way it waits for nobody");
}

#[test]
fn what_expired_is_told_as_what_failed_is() {
    let id = message(1, Direction::Out, MessageState::Queued).id;
    let state = one_that_waits([node::Event::MessageChanged { with: user("bela"), id, state: MessageState::Expired }]);
    assert_eq!(state.news, Some((0, News::Failed { to: user("bela") })));
}

#[test]
fn what_is_kept_for_others_is_as_it_was_told_last_and_goes_with_the_node() {
    let view = HoldingView { envelopes: 2, people: 1, bytes: 900, limit_bytes: 1 << 28, keep_days: 30 };
    let mut state = after([node::Event::HoldingChanged(HoldingView::default()), node::Event::HoldingChanged(view)]);
    assert_eq!(state.holding, Some(view));
    state.apply(Event::Phase(Phase::SecondTab));
    assert_eq!(state.holding, None);
}

#[test]
fn a_gap_that_closes_is_closed_on_the_screen() {
    let with = user("bela");
    let mut late = message(5, Direction::In, MessageState::Delivered);
    late.gap_before = 3;
    let state = after([
        node::Event::MessageAdded { with: with.clone(), message: late },
        node::Event::GapChanged { with: with.clone(), seq: 5, gap_before: 0 },
    ]);
    assert_eq!(state.chats[&with].messages().next().map(|message| message.gap_before), Some(0));
}

#[test]
fn strangers_come_first_then_the_newest_and_those_put_aside_last() {
    let contacts = [
        contact("old", Standing::Accepted, 1),
        contact("equal", Standing::Accepted, 5),
        contact("aside", Standing::Ignored, 9),
        contact("newest", Standing::Accepted, 5),
        contact("stranger", Standing::New, 0),
    ];
    let state = after(contacts.map(node::Event::ContactChanged));
    let names: Vec<String> = state.contacts_in_order().iter().map(|contact| contact.user.to_string()).collect();
    assert_eq!(names, ["stranger", "equal", "newest", "old", "aside"]);
}

#[test]
fn a_refusal_is_forgotten_when_the_name_becomes_a_contact() {
    let refused = node::Event::ContactRefused { typed: "bela ".to_owned(), why: ContactRefusal::CannotTell };
    assert!(after([refused.clone()]).contact_refusal.is_some());
    let state = after([refused, node::Event::ContactChanged(contact("bela", Standing::Accepted, 0))]);
    assert_eq!(state.contact_refusal, None);
}

#[test]
fn the_same_text_refused_twice_is_two_refusals() {
    let refused = node::Event::SendRefused { to: user("bela"), text: "x".to_owned(), why: SendRefusal::TooLong };
    assert_ne!(after([refused.clone()]).returned, after([refused.clone(), refused]).returned);
}

#[test]
fn a_failed_try_is_said_where_it_was_begun_and_the_next_one_clears_it() {
    let mut state = AppState::default();
    let wiped = Phase::Wiped { name: "anna".to_owned() };
    state.apply(Event::Phase(wiped.clone()));
    state.apply(Event::EnrolFailed(EnrolFailure::Taken));
    state.apply(Event::RestoreFailed(RestoreFailure::Damaged));
    assert_eq!(state.phase, wiped, "the keys are lost as before");
    assert_eq!(state.enrol_failure, Some(EnrolFailure::Taken));
    assert_eq!(state.restore_failure, Some(RestoreFailure::Damaged));
    state.apply(Event::Phase(Phase::Enrolling(EnrolStep::MakingKeys)));
    assert_eq!((state.enrol_failure, state.restore_failure), (None, None));
}

#[test]
fn the_troubles_of_one_node_are_not_those_of_the_next() {
    let mut state = after([node::Event::StoreTrouble { full: true, working: false }, node::Event::CertificateRefused]);
    assert_eq!((state.store_trouble, state.is_certificate_refused), (Some(true), true));
    state.apply(Event::Phase(Phase::Running { me: user("anna"), node: b4_protocol::identity::NodeId([7; 32]) }));
    assert_eq!((state.store_trouble, state.is_certificate_refused), (None, false));
}

#[test]
fn what_belongs_to_a_node_goes_with_it() {
    let mut state = after([node::Event::ContactChanged(contact("bela", Standing::Accepted, 0)), viewed(1)]);
    state.apply(Event::Phase(Phase::SecondTab));
    assert!(state.contacts.is_empty());
    assert_eq!(state.network_view, None);
}

#[test]
fn the_network_is_as_it_was_seen_last() {
    let state = after([viewed(1), viewed(2)]);
    assert_eq!(state.network_view.map(|view| view.estimate), Some(2));
}

fn viewed(estimate: u64) -> node::Event {
    node::Event::NetworkViewed(Box::new(NetworkView {
        is_relay_up: true,
        standing: b4_protocol::ring::Standing::Alone,
        me: b4_protocol::identity::NodeId([7; 32]),
        links: Vec::new(),
        known: 0,
        estimate,
        ring_bytes: (0, 0),
        connections_made: 0,
        answered: 0,
        lookups: Vec::new(),
    }))
}

/// A message that offers a file.
fn offer(order: u64, direction: Direction) -> MessageView {
    let progress = FileProgress { state: FileState::Offered, bytes: 0, rate: 0, slot: None };
    let file = FileView { id: FileId([1; 32]), name: "photo.jpg".to_owned(), media_type: String::new(), size: 9, progress };
    MessageView { text: String::new(), file: Some(Box::new(file)), ..message(order, direction, MessageState::Delivered) }
}

#[test]
fn a_file_is_as_far_as_it_was_told_last_and_a_text_has_none() {
    let with = user("bela");
    let progress = FileProgress { state: FileState::Moving, bytes: 4, rate: 2, slot: None };
    let moved = |order| node::Event::FileChanged { with: with.clone(), id: offer(order, Direction::In).id, progress };
    let added = |message| node::Event::MessageAdded { with: with.clone(), message };
    let text = message(2, Direction::In, MessageState::Delivered);
    let state = after([added(offer(1, Direction::In)), added(text.clone()), moved(1), moved(2), moved(3)]);
    let messages: Vec<MessageView> = state.chats[&with].messages().map(|message| (**message).clone()).collect();
    assert_eq!((messages[0].file.as_ref().map(|file| file.progress), &messages[1], messages.len()), (Some(progress), &text, 2));
    assert_eq!(state.news.map(|(number, _)| number), Some(1), "how far a file is, is no news");
}

#[test]
fn a_file_that_comes_is_told_by_its_name() {
    let with = user("bela");
    let state = after([node::Event::MessageAdded { with: with.clone(), message: offer(1, Direction::In) }]);
    assert_eq!(state.news, Some((0, News::Came { from: with, text: "photo.jpg".to_owned() })));
}

fn preparing(number: u32, done: u64) -> Event {
    Event::FilePreparing(Preparing { number, to: user("bela"), name: format!("{number}.jpg"), size: 9, done })
}

fn prepared(number: u32, failure: Option<PrepareFailure>) -> Event {
    Event::FilePrepared { number, failure }
}

fn after_all(events: impl IntoIterator<Item = Event>) -> AppState {
    let mut state = AppState::default();
    events.into_iter().for_each(|event| state.apply(event));
    state
}

#[test]
fn what_is_made_ready_is_there_until_it_is_ready_in_the_order_in_which_it_was_chosen() {
    let state = after_all([preparing(1, 0), preparing(2, 0), preparing(1, 5), preparing(3, 0), prepared(2, None), prepared(7, None)]);
    let left: Vec<(u32, u64)> = state.outgoing.preparing.iter().map(|one| (one.number, one.done)).collect();
    assert_eq!((left, state.outgoing.troubles.is_empty()), (vec![(1, 5), (3, 0)], true));
}

#[test]
fn what_came_to_nothing_is_kept_with_its_reason_unless_the_person_wanted_so() {
    let failures = [Some(PrepareFailure::TooLarge), Some(PrepareFailure::Cancelled), Some(PrepareFailure::NoRoom(3))];
    let events = (1..).zip(failures).flat_map(|(number, failure)| [preparing(number, 0), prepared(number, failure)]);
    let mut state = after_all(events);
    state.apply(Event::Node(node::Event::FileRefused { to: user("carl"), name: "late".to_owned(), why: FileRefusal::TooLarge }));
    let troubles: Vec<(u32, &str, FileProblem)> = state.outgoing.troubles.iter().map(|one| (one.number, one.name.as_str(), one.why)).collect();
    let expected = [
        (0, "1.jpg", FileProblem::Prepare(PrepareFailure::TooLarge)),
        (1, "3.jpg", FileProblem::Prepare(PrepareFailure::NoRoom(3))),
        (2, "late", FileProblem::Refused(FileRefusal::TooLarge)),
    ];
    assert_eq!(troubles, expected);
    for _ in 0..40 {
        state.apply(Event::Node(node::Event::FileRefused { to: user("carl"), name: "more".to_owned(), why: FileRefusal::TooLarge }));
    }
    let numbers: Vec<u32> = state.outgoing.troubles.iter().map(|one| one.number).collect();
    assert_eq!(numbers, Vec::from_iter(27..43), "the oldest went");
}

#[test]
fn previews_are_bounded_and_the_oldest_goes_first() {
    let preview = |slot, url: &str| Event::FilePreview { slot: FileSlot(slot), preview: Preview::Image(url.to_owned()) };
    let mut state = after_all((0..64).map(|slot| preview(slot, "old")));
    state.apply(preview(0, "new"));
    state.apply(preview(64, "new"));
    let is_new = |slot| state.previews.of(FileSlot(slot)).map(|preview| **preview == Preview::Image("new".to_owned()));
    assert_eq!([0, 1, 2, 63, 64].map(is_new), [Some(true), None, Some(false), Some(false), Some(true)]);
}

#[test]
fn what_gave_way_is_not_known_and_what_cannot_be_shown_is() {
    let preview = |preview| Event::FilePreview { slot: FileSlot(1), preview };
    let shown = |events: Vec<Event>| after_all(events).previews.of(FileSlot(1)).map(|preview| (**preview).clone());
    assert_eq!(shown(vec![preview(Preview::None)]), Some(Preview::None));
    assert_eq!(shown(vec![preview(Preview::Image("url".to_owned())), preview(Preview::None)]), None);
}

#[test]
fn files_go_with_the_node() {
    let mut state = after_all([preparing(1, 0), preparing(2, 0), prepared(2, Some(PrepareFailure::Unreadable))]);
    state.apply(Event::FilePreview { slot: FileSlot(1), preview: Preview::None });
    state.apply(Event::Node(node::Event::FilesAccepted { bytes: 5 }));
    assert_eq!(state.files_accepted, Some(5));
    state.apply(Event::Phase(Phase::SecondTab));
    assert_eq!((&*state.outgoing, &*state.previews, state.files_accepted), (&Outgoing::default(), &Previews::default(), None));
}
