//! Files in a real browser: the card of each state, what its buttons order, how files are chosen, what is made ready to send, the
//! setting.
#![cfg(target_arch = "wasm32")]

#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/files.rs"]
mod files;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/screen.rs"]
mod screen;

use b4::engine::Action;
use b4::state::{Event, Phase, PrepareFailure, Preparing, Preview};
use b4_protocol::file::FileSlot;
use b4_protocol::identity::NodeId;
use b4_protocol::node::{
    self, Command, ContactView, Direction, FileFailure, FileOrder, FilePause, FileProgress, FileRefusal, FileState, FileView, KeyStanding, Presence, SendRefusal, Standing,
};
use files::{file, id, offer, text_file};
use gloo::file::File;
use screen::{Screen, contact, user};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::HtmlElement;

wasm_bindgen_test_configure!(run_in_browser);

const MIB: u64 = 1024 * 1024;
/// One pixel.
const PICTURE: &str = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

async fn running(path: &str) -> Screen {
    let screen = Screen::at(path).await;
    screen.tell(Event::Phase(Phase::Running { me: user("anna"), node: NodeId([7; 32]) })).await;
    screen
}

async fn with_bela() -> Screen {
    let screen = running("/chat/bela").await;
    screen.node(node::Event::ContactChanged(contact("bela", Standing::Accepted))).await;
    screen.node(node::Event::MessagesLoaded { with: user("bela"), messages: Vec::new(), complete: true }).await;
    screen
}

/// bela, as the contact that is shown.
fn bela(presence: Presence) -> node::Event {
    node::Event::ContactChanged(ContactView { presence, ..contact("bela", Standing::Accepted) })
}

/// A conversation with one file in it.
async fn with_file(direction: Direction, file: FileView) -> Screen {
    let screen = with_bela().await;
    screen.node(node::Event::MessageAdded { with: user("bela"), message: offer(1, direction, file) }).await;
    screen
}

fn one(screen: &Screen, name: &str) -> String {
    screen.attributes("file", name).into_iter().next().expect("a card")
}

fn ordered(order: FileOrder) -> Action {
    Action::Node(Command::File { with: user("bela"), id: id(1), order })
}

fn changed(state: FileState, bytes: u64, rate: u64) -> node::Event {
    node::Event::FileChanged { with: user("bela"), id: id(1), progress: FileProgress { state, bytes, rate, slot: None } }
}

#[wasm_bindgen_test]
async fn every_state_of_a_file_has_its_word_its_sentence_and_its_buttons() {
    use Direction::{In, Out};
    use FileState::{Cancelled, Complete, Failed, Held, Moving, Offered, Paused};
    let rows: [(FileState, Direction, &str, &str, &[&str]); 23] = [
        (Offered, In, "offered", "bela wants to send you this", &["file-accept", "file-cancel"]),
        (Offered, Out, "offered", "Waiting for bela to accept it", &["file-cancel"]),
        (Moving, In, "receiving", "Receiving", &["file-pause", "file-cancel"]),
        (Moving, Out, "sending", "Sending", &["file-pause", "file-cancel"]),
        (Paused(FilePause::Here), In, "paused", "Paused by you", &["file-resume", "file-cancel"]),
        (Paused(FilePause::There), Out, "paused", "Paused by bela", &["file-cancel"]),
        (Paused(FilePause::NoRoomHere), In, "paused", "no room on this device", &["file-resume", "file-cancel"]),
        (Paused(FilePause::NoRoomThere), Out, "paused", "no room on the device of bela", &["file-cancel"]),
        (Paused(FilePause::Apart), Out, "paused", "when bela is there", &["file-cancel"]),
        (Held, Out, "held", "Kept by peers until bela comes online", &["file-cancel"]),
        (Held, In, "held", "Kept by peers; it is being fetched", &["file-cancel"]),
        (Complete, In, "complete", "Received and checked", &["file-save"]),
        (Complete, Out, "complete", "bela has it", &["file-save"]),
        (Failed(FileFailure::Gone), In, "failed", "bela does not have it any more", &[]),
        (Failed(FileFailure::Gone), Out, "failed", "not on this device any more", &[]),
        (Failed(FileFailure::Differs), In, "failed", "not what was announced", &[]),
        (Failed(FileFailure::Differs), Out, "failed", "not what was announced", &[]),
        (Failed(FileFailure::TooMany), In, "failed", "Too many files of bela", &[]),
        (Failed(FileFailure::TooMany), Out, "failed", "waiting for bela", &[]),
        (Cancelled(true), In, "cancelled", "Declined by you", &[]),
        (Cancelled(true), Out, "cancelled", "Cancelled by you", &[]),
        (Cancelled(false), In, "cancelled", "Cancelled by bela", &[]),
        (Cancelled(false), Out, "cancelled", "Declined by bela", &[]),
    ];
    for (state, direction, key, sentence, buttons) in rows {
        let screen = with_file(direction, file("notes.pdf", state, 1)).await;
        assert_eq!((one(&screen, "data-state").as_str(), one(&screen, "data-direction").as_str()), (key, if direction == In { "in" } else { "out" }));
        assert!(screen.text("file-state").contains(sentence), "{state:?} {direction:?}: {}", screen.text("file-state"));
        let shown = screen.all(".file-card button").iter().filter_map(|button| button.get_attribute("data-testid")).collect::<Vec<_>>();
        assert_eq!(shown, buttons, "{state:?} {direction:?}");
        assert_eq!(one(&screen, "data-file-id"), "09".repeat(32));
        let label = one(&screen, "aria-label");
        assert!(label.starts_with("notes.pdf, 64 MB, ") && label.contains(sentence), "{label}");
        assert!(screen.labels(".file-card button").iter().all(|label| label.ends_with(" notes.pdf")));
        assert!(!screen.has("message-text") && screen.has("message-details"), "no empty bubble, and the details of every message");
        assert_eq!(screen.count("[style]"), 0, "the policy ignores style attributes");
    }
}

#[wasm_bindgen_test]
async fn the_buttons_order_what_they_say() {
    let screen = with_file(Direction::In, file("notes.pdf", FileState::Offered, 0)).await;
    assert!(screen.text("file-cancel").contains("Decline"));
    screen.click("file-accept").await;
    screen.node(changed(FileState::Moving, 0, 0)).await;
    screen.click("file-pause").await;
    screen.node(changed(FileState::Paused(FilePause::Here), 0, 0)).await;
    screen.click("file-resume").await;
    assert!(screen.text("file-cancel").contains("Cancel"));
    screen.click("file-cancel").await;
    assert_eq!(screen.orders(), [FileOrder::Accept, FileOrder::Pause, FileOrder::Resume, FileOrder::Cancel].map(ordered));
}

#[wasm_bindgen_test]
async fn progress_is_counted_in_whole_parts_and_full_only_when_all_is_checked() {
    let screen = with_file(Direction::In, file("notes.pdf", FileState::Moving, 0)).await;
    for (bytes, percent) in [(0, "0"), (639_999, "0"), (640_000, "1"), (12_300_000, "19"), (63_999_999, "99"), (64_000_000, "99")] {
        screen.node(changed(FileState::Moving, bytes, 4_100_000)).await;
        assert_eq!(one(&screen, "data-progress"), percent);
        assert_eq!(screen.count(&format!(".file-card progress[value=\"{percent}\"]")), 1);
    }
    screen.node(changed(FileState::Moving, 12_300_000, 4_100_000)).await;
    assert_eq!(screen.text("file-progress"), "12.3 of 64 MB, 4.1 MB/s, 12 s left");
    assert_eq!(screen.text("file-state"), "Receiving", "what is told to those who listen has no figures");
    screen.node(changed(FileState::Paused(FilePause::Here), 12_300_000, 0)).await;
    assert_eq!(screen.text("file-progress"), "12.3 of 64 MB");
    screen.node(changed(FileState::Complete, 64_000_000, 0)).await;
    assert_eq!((one(&screen, "data-progress").as_str(), screen.has("file-progress"), screen.has("file-save")), ("100", false, false));
    assert!(screen.text("file-state").contains("not on this device any more"));
}

#[wasm_bindgen_test]
async fn a_file_that_is_here_is_saved_under_its_name() {
    let screen = with_file(Direction::In, file("notes.pdf", FileState::Complete, 3)).await;
    screen.click("file-save").await;
    assert_eq!(screen.orders(), [Action::SaveFile { slot: FileSlot(3), name: "notes.pdf".to_owned(), size: 64_000_000 }]);
}

#[wasm_bindgen_test]
async fn what_may_run_is_warned_of_and_saved_at_the_second_click() {
    for (name, word) in [("setup.exe", "may run a program"), ("photo.jpg.exe", "pretends to be something else")] {
        let screen = with_file(Direction::In, file(name, FileState::Offered, 0)).await;
        assert!(screen.text("file-warning").contains(word), "before it is taken");
        let screen = with_file(Direction::In, file(name, FileState::Complete, 3)).await;
        assert!(screen.text("file-warning").contains(word));
        screen.click("file-save").await;
        assert_eq!((screen.orders(), screen.text("file-save").as_str()), (Vec::new(), "Save all the same"));
        screen.click("file-save").await;
        assert_eq!(screen.orders(), [Action::SaveFile { slot: FileSlot(3), name: name.to_owned(), size: 64_000_000 }]);
        let screen = with_file(Direction::Out, file(name, FileState::Complete, 3)).await;
        assert!(!screen.has("file-warning"), "one's own is known");
    }
}

#[wasm_bindgen_test]
async fn a_picture_is_asked_for_once_shown_in_the_room_that_was_kept_and_opens_large() {
    let screen = with_file(Direction::In, file("photo.jpg", FileState::Complete, 3)).await;
    let ask = Action::PreviewFile { slot: FileSlot(3), size: 64_000_000 };
    assert_eq!((screen.orders(), screen.count(".file-room"), screen.count("img")), (vec![ask.clone()], 1, 0));
    screen.tell(Event::FilePreview { slot: FileSlot(3), preview: Preview::Image(PICTURE.to_owned()) }).await;
    assert_eq!((screen.count(".file-room"), screen.count("img[alt=\"photo.jpg\"]"), screen.orders().len()), (1, 1, 1));
    screen.click("file-picture").await;
    assert_eq!(screen.count("dialog[open][aria-label=\"photo.jpg\"] img"), 1);
    screen.click("large-picture").await;
    screen.until(|| !screen.has("large-picture")).await;
    assert!(screen.has("file-picture"));
}

#[wasm_bindgen_test]
async fn the_large_picture_gives_the_focus_back() {
    let screen = with_file(Direction::In, file("photo.jpg", FileState::Complete, 3)).await;
    screen.tell(Event::FilePreview { slot: FileSlot(3), preview: Preview::Image(PICTURE.to_owned()) }).await;
    screen.one("file-picture").unchecked_into::<HtmlElement>().focus().expect("focused");
    screen.click("file-picture").await;
    assert_eq!(screen.focused("aria-label").as_deref(), Some("Close"));
    screen.click("large-picture").await;
    screen.until(|| !screen.has("large-picture")).await;
    assert_eq!(screen.focused("data-testid").as_deref(), Some("file-picture"));
}

#[wasm_bindgen_test]
async fn sound_and_video_have_controls_and_nothing_else_is_shown() {
    let tell = |preview| Event::FilePreview { slot: FileSlot(3), preview };
    let screen = with_file(Direction::In, file("song.mp3", FileState::Complete, 3)).await;
    screen.tell(tell(Preview::Audio("data:audio/wav;base64,".to_owned()))).await;
    assert_eq!(screen.count("audio[controls][preload=metadata]:not([autoplay])"), 1);
    let screen = with_file(Direction::In, file("film.mp4", FileState::Complete, 3)).await;
    screen.tell(tell(Preview::Video("data:video/mp4;base64,".to_owned()))).await;
    assert_eq!(screen.count("video[controls][preload=metadata]:not([autoplay])"), 1);
    let screen = with_file(Direction::In, file("photo.jpg", FileState::Complete, 3)).await;
    screen.tell(tell(Preview::None)).await;
    assert_eq!(screen.count(".file-room, img"), 0, "it was no picture");
    for name in ["page.html", "drawing.svg", "notes.pdf", "all.zip"] {
        let screen = with_file(Direction::In, file(name, FileState::Complete, 3)).await;
        assert_eq!((screen.orders(), screen.count(".file-room")), (Vec::new(), 0), "{name}");
    }
}

#[wasm_bindgen_test]
async fn what_gave_way_to_others_can_be_shown_again() {
    let screen = with_file(Direction::In, file("photo.jpg", FileState::Complete, 3)).await;
    for slot in 3..=3 + 64 {
        screen.tell(Event::FilePreview { slot: FileSlot(slot), preview: Preview::Image(PICTURE.to_owned()) }).await;
    }
    assert!(!screen.has("file-picture"));
    screen.click("file-show").await;
    let ask = Action::PreviewFile { slot: FileSlot(3), size: 64_000_000 };
    assert_eq!(screen.orders(), [ask.clone(), ask.clone()]);
    screen.tell(Event::FilePreview { slot: FileSlot(3), preview: Preview::Image(PICTURE.to_owned()) }).await;
    assert!(screen.has("file-picture"));
    screen.tell(Event::FilePreview { slot: FileSlot(3), preview: Preview::None }).await;
    screen.click("file-show").await;
    assert_eq!(screen.orders(), [ask.clone(), ask.clone(), ask]);
    screen.tell(Event::FilePreview { slot: FileSlot(3), preview: Preview::None }).await;
    assert!(!screen.has("file-picture"));
}

#[wasm_bindgen_test]
async fn names_are_text_whatever_is_in_them_and_as_wide_as_the_card_at_most() {
    let long = ["काम🙂x".repeat(23), ".pdf".to_owned()].concat();
    for name in ["<img src=x onerror=alert(1)>.pdf", "report\u{202e}fdp.exe", "a b  c.tar.gz", &long, &"x".repeat(255), &"𓀀".repeat(63)] {
        let screen = with_file(Direction::In, file(name, FileState::Offered, 0)).await;
        assert_eq!(screen.text("file-name"), name);
        assert_eq!(screen.count("bdi.file-name[dir=auto]"), 1);
        assert_eq!(screen.attributes("file-name", "title"), [name]);
        assert_eq!(screen.count("img, [onerror], [style]"), 0);
    }
}

fn sent(screen: &Screen) -> Vec<String> {
    let names = |order: &Action| match order {
        Action::SendFiles { to, files } if *to == user("bela") => Some(files.iter().map(File::name).collect::<Vec<_>>().join(", ")),
        _ => None,
    };
    screen.orders().iter().filter_map(names).collect()
}

#[wasm_bindgen_test]
async fn files_are_chosen_dropped_and_pasted() {
    let screen = with_bela().await;
    let two = [text_file("one.txt"), text_file("two.txt")];
    screen.choose_files("attach-file", &two).await;
    assert_eq!((sent(&screen), screen.value("attach-file").as_str()), (vec!["one.txt, two.txt".to_owned()], ""), "they can be chosen again");
    screen.choose_files("attach-file", &[]).await;
    assert!(screen.drag("messages", "dragover", &two, None).await && screen.has("drop-zone"));
    assert!(screen.drag("drop-zone", "drop", &two, None).await && !screen.has("drop-zone"));
    assert!(screen.paste("composer-input", &two[..1], None).await);
    assert_eq!(sent(&screen), ["one.txt, two.txt", "one.txt, two.txt", "one.txt"]);
}

/// 25 MiB is the most that peers keep.
#[wasm_bindgen_test]
async fn of_a_file_too_large_to_lie_with_others_for_somebody_who_is_away_is_asked() {
    let screen = with_bela().await;
    let sized = |name: &str, bytes: u64| File::new_with_options(name, js_sys::ArrayBuffer::new(bytes as u32), Some("video/mp4"), None);
    let three = [sized("fits.mp4", 25 * MIB), sized("film.mp4", 25 * MIB + 1), sized("crossing.mp4", 40 * MIB)];
    screen.choose_files("attach-file", &three).await;
    assert_eq!(sent(&screen), ["fits.mp4, film.mp4, crossing.mp4"], "as long as nothing is known");
    for presence in [Presence::Away, Presence::Unreachable { retry_ms: 5_000, was_up: false }] {
        screen.node(bela(presence)).await;
        screen.choose_files("attach-file", &three).await;
        assert_eq!(sent(&screen).last().map(String::as_str), Some("fits.mp4"));
        assert_eq!(screen.texts("file-large").len(), 2);
        assert!(screen.text("file-large").contains("film.mp4") && screen.text("file-large").contains("up to 25 MiB"));
        assert_eq!(screen.labels("[data-testid=file-wait]"), ["Send when both are online film.mp4", "Send when both are online crossing.mp4"]);
        screen.click("file-wait").await;
        assert_eq!(sent(&screen).last().map(String::as_str), Some("film.mp4"));
        assert!(screen.text("file-large").contains("crossing.mp4"));
        screen.click("file-large-dismiss").await;
        assert!(!screen.has("file-large"));
    }
    screen.node(bela(Presence::Online)).await;
    screen.choose_files("attach-file", &three[2..]).await;
    assert_eq!(sent(&screen), ["fits.mp4, film.mp4, crossing.mp4", "fits.mp4", "film.mp4", "fits.mp4", "film.mp4", "crossing.mp4"]);
}

#[wasm_bindgen_test]
async fn a_drag_that_leaves_or_ends_elsewhere_takes_the_sign_with_it() {
    let screen = with_bela().await;
    let one = [text_file("one.txt")];
    screen.drag("messages", "dragenter", &one, None).await;
    screen.drag("messages", "dragleave", &one, None).await;
    assert!(screen.has("drop-zone"), "what was left lies below the sign");
    screen.drag("drop-zone", "dragleave", &one, None).await;
    assert!(!screen.has("drop-zone"));
}

#[wasm_bindgen_test]
async fn a_text_that_is_dragged_or_pasted_is_left_to_the_browser() {
    let screen = with_bela().await;
    assert!(!screen.drag("composer-input", "dragover", &[], Some("words")).await && !screen.has("drop-zone"));
    assert!(!screen.drag("composer-input", "drop", &[], Some("words")).await);
    assert!(!screen.paste("composer-input", &[], Some(("text/plain", "words"))).await);
    assert!(!screen.paste("composer-input", &[text_file("cells.png")], Some(("text/rtf", "words"))).await, "a picture of a text beside it");
    assert!(sent(&screen).is_empty());
}

#[wasm_bindgen_test]
async fn a_pasted_picture_without_a_name_gets_one() {
    let screen = with_bela().await;
    for (media_type, name) in [("image/png", "picture.png"), ("image/jpeg", "picture.jpg")] {
        let nameless = File::new_with_options("", "bytes", Some(media_type), None);
        screen.paste("composer-input", &[nameless], None).await;
        assert_eq!(sent(&screen).last().map(String::as_str), Some(name));
    }
    let Some(Action::SendFiles { files, .. }) = screen.orders().pop() else { panic!("it was sent") };
    assert_eq!((files[0].raw_mime_type().as_str(), files[0].size()), ("image/jpeg", 5));
}

#[wasm_bindgen_test]
async fn files_dropped_where_none_are_taken_do_not_lead_away_from_the_page() {
    let one = [text_file("one.txt")];
    let screen = with_bela().await;
    assert!(screen.drag("contact", "dragover", &one, None).await && screen.drag("contact", "drop", &one, None).await);
    let mut changed = contact("bela", Standing::Accepted);
    changed.key = KeyStanding::Changed;
    for closed in [contact("bela", Standing::Blocked), changed] {
        screen.node(node::Event::ContactChanged(closed)).await;
        assert!(screen.is_disabled("attach-file"));
        assert!(screen.drag("messages", "dragover", &one, None).await && !screen.has("drop-zone"));
        assert!(screen.drag("messages", "drop", &one, None).await);
        assert!(!screen.paste("messages", &one, None).await);
    }
    let welcome = Screen::at("/").await;
    welcome.tell(Event::Phase(Phase::Welcome)).await;
    assert!(welcome.drag("onboarding-name", "drop", &one, None).await);
    assert!(sent(&screen).is_empty());
}

fn preparing(number: u32, to: &str, done: u64) -> Event {
    Event::FilePreparing(Preparing { number, to: user(to), name: format!("film {number}.mp4"), size: 64_000_000, done })
}

#[wasm_bindgen_test]
async fn what_is_made_ready_is_shown_where_it_goes_to_and_can_be_cancelled() {
    let screen = with_bela().await;
    screen.tell(preparing(1, "bela", 0)).await;
    screen.tell(preparing(2, "carl", 0)).await;
    screen.tell(preparing(1, "bela", 12_300_000)).await;
    assert_eq!(screen.attributes("file-preparing", "data-progress"), ["19"]);
    assert!(screen.text("file-preparing").contains("film 1.mp4") && screen.text("file-preparing").contains("12.3 of 64 MB"));
    screen.click("preparing-cancel").await;
    assert_eq!(screen.orders(), [Action::CancelPreparing(1)]);
    screen.tell(Event::FilePrepared { number: 1, failure: Some(PrepareFailure::Cancelled) }).await;
    assert!(!screen.has("file-preparing") && !screen.has("file-problem"), "whoever cancels knows");
}

#[wasm_bindgen_test]
async fn what_came_to_nothing_is_said_until_it_is_dismissed() {
    let screen = with_bela().await;
    let failures = [
        (PrepareFailure::TooLarge, "4 GiB at most"),
        (PrepareFailure::NoRoom(12_000_000), "12 MB more are needed"),
        (PrepareFailure::Unreadable, "could not read"),
    ];
    for (number, (failure, sentence)) in (1..).zip(failures) {
        screen.tell(preparing(number, "bela", 0)).await;
        screen.tell(Event::FilePrepared { number, failure: Some(failure) }).await;
        assert!(screen.text("file-problem").contains(sentence) && screen.text("file-problem").contains("film"), "{failure:?}");
        assert_eq!(screen.labels("[data-testid=file-problem-dismiss]"), [format!("Dismiss film {number}.mp4")]);
        screen.click("file-problem-dismiss").await;
        assert!(!screen.has("file-problem"));
    }
    let refused = |to: &str, why| node::Event::FileRefused { to: user(to), name: "late.pdf".to_owned(), why };
    screen.node(refused("carl", FileRefusal::TooLarge)).await;
    screen.node(refused("bela", FileRefusal::Closed(SendRefusal::NotStored))).await;
    assert_eq!(screen.texts("file-problem").len(), 1);
    assert!(screen.text("file-problem").contains("late.pdf") && !screen.text("file-problem").contains("Your text"));
}

#[wasm_bindgen_test]
async fn up_to_which_size_files_are_received_is_chosen_in_the_settings() {
    let screen = running("/you").await;
    assert!(!screen.has("accept-files"), "not known yet");
    screen.node(node::Event::FilesAccepted { bytes: 25 * MIB }).await;
    assert_eq!(screen.value("accept-files"), (25 * MIB).to_string());
    assert_eq!(screen.text("accept-files"), "NeverUp to 5 MiBUp to 25 MiBUp to 100 MiBUp to 1 GiBOf any size");
    screen.choose("accept-files", "0").await;
    screen.node(node::Event::FilesAccepted { bytes: 0 }).await;
    screen.choose("accept-files", &(4096 * MIB).to_string()).await;
    let accept = |bytes| Action::Node(Command::AcceptFiles { bytes });
    assert_eq!(screen.orders(), [accept(0), accept(4096 * MIB)]);
    screen.node(node::Event::FilesAccepted { bytes: 7 * MIB }).await;
    assert_eq!(screen.value("accept-files"), (7 * MIB).to_string(), "whatever it is");
}

#[wasm_bindgen_test]
async fn a_file_that_comes_is_told_by_its_name() {
    let screen = with_file(Direction::In, file("photo.jpg", FileState::Offered, 0)).await;
    assert_eq!(screen.text("announce"), "bela: photo.jpg");
}
