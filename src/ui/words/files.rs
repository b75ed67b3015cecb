//! Files: what they are, how far they have come, why they do not come.

use b4_protocol::file::Danger;
use b4_protocol::limits::{FILE_AWAY_BYTES_MAX, FILE_BYTES_MAX};
use b4_protocol::node::{Direction, FileFailure, FilePause, FileProgress, FileRefusal, FileState, SendRefusal};

use super::{age, send_refusal, space, tenths};
use crate::state::{FileProblem, PrepareFailure};
use crate::ui::file::{FileKind, ending};

pub const ATTACH: &str = "Send files";
pub const DROP_HERE: &str = "Drop files here to send them";
pub const FILES_PREPARING: &str = "Being made ready to send";
pub const FILE_ACCEPT: &str = "Accept";
pub const FILE_DECLINE: &str = "Decline";
pub const FILE_CANCEL: &str = "Cancel";
pub const FILE_PAUSE: &str = "Pause";
pub const FILE_RESUME: &str = "Resume";
pub const FILE_SAVE: &str = "Save";
pub const FILE_SAVE_SURE: &str = "Save all the same";
pub const FILE_WAIT: &str = "Send when both are online";
pub const FILE_DO_NOT_SEND: &str = "Do not send";
pub const FILE_SHOW: &str = "Show";
pub const FILE_ENLARGE: &str = "Enlarge";
pub const CLOSE: &str = "Close";
pub const DISMISS: &str = "Dismiss";
pub const FILES: &str = "Files";
pub const ACCEPT_FILES: &str = "Receive files of contacts without asking";
pub const ACCEPT_FILES_HINT: &str = "You are asked about larger ones, and about every file of somebody you have not accepted.";

/// For `data-state` of a file.
pub fn file_key(state: FileState, direction: Direction) -> &'static str {
    match (state, direction) {
        (FileState::Offered, _) => "offered",
        (FileState::Moving, Direction::Out) => "sending",
        (FileState::Moving, Direction::In) => "receiving",
        (FileState::Paused(_), _) => "paused",
        (FileState::Held, _) => "held",
        (FileState::Complete, _) => "complete",
        (FileState::Failed(_), _) => "failed",
        (FileState::Cancelled(_), _) => "cancelled",
    }
}

/// Where a file is, in a sentence without figures. `with` is who is at the other end.
pub fn file_state(progress: FileProgress, direction: Direction, with: &str) -> String {
    let is_own = direction == Direction::Out;
    let ([before, after], is_about_them) = match progress.state {
        FileState::Offered if is_own => (["Waiting for ", " to accept it"], true),
        FileState::Offered => (["", " wants to send you this"], true),
        FileState::Moving if is_own => (["Sending", ""], false),
        FileState::Moving => (["Receiving", ""], false),
        FileState::Paused(FilePause::Here) => (["Paused by you", ""], false),
        FileState::Paused(FilePause::There) => (["Paused by ", ""], true),
        FileState::Paused(FilePause::NoRoomHere) => (["Paused: there is no room on this device. Make some, then resume", ""], false),
        FileState::Paused(FilePause::NoRoomThere) => (["Paused: there is no room on the device of ", ""], true),
        FileState::Paused(FilePause::Apart) => (["Goes on by itself when ", " is there"], true),
        FileState::Held if is_own => (["Kept by peers until ", " comes online: you may close this page"], true),
        FileState::Held => (["Kept by peers; it is being fetched", ""], false),
        FileState::Complete if is_own => (["", " has it"], true),
        FileState::Complete if progress.slot.is_none() => (["Received; it is not on this device any more", ""], false),
        FileState::Complete => (["Received and checked", ""], false),
        FileState::Failed(FileFailure::Gone) if is_own => (["It is not on this device any more. Send it anew", ""], false),
        FileState::Failed(FileFailure::Gone) => (["", " does not have it any more"], true),
        FileState::Failed(FileFailure::Differs) if is_own => (["What ", " got was not what was announced. Send it anew"], true),
        FileState::Failed(FileFailure::Differs) => (["What came was not what was announced. Nothing of it was kept", ""], false),
        FileState::Failed(FileFailure::TooMany) if is_own => (["Too many files are waiting for ", " already"], true),
        FileState::Failed(FileFailure::TooMany) => (["Too many files of ", " were waiting here already"], true),
        FileState::Cancelled(true) if is_own => (["Cancelled by you", ""], false),
        FileState::Cancelled(true) => (["Declined by you", ""], false),
        FileState::Cancelled(false) if is_own => (["Declined by ", ""], true),
        FileState::Cancelled(false) => (["Cancelled by ", ""], true),
    };
    [before, if is_about_them { with } else { "" }, after].concat()
}

/// How far a file has come: bytes, and while they move the rate and the time left.
pub fn file_progress(progress: FileProgress, size: u64) -> String {
    let done = done_of(progress.bytes, size);
    match size.saturating_sub(progress.bytes).saturating_mul(1_000).checked_div(progress.rate) {
        Some(left_ms) if progress.state == FileState::Moving => [&done, ", ", &file_size(progress.rate), "/s, ", &age(left_ms), " left"].concat(),
        _ => done,
    }
}

/// So much of so much, in the unit of the latter.
pub fn done_of(done: u64, size: u64) -> String {
    let (unit, name) = unit(size);
    [&amount(done.min(size), unit), " of ", &amount(size, unit), " ", name].concat()
}

/// The size of a file, as shortly as it can be said.
pub fn file_size(bytes: u64) -> String {
    let (unit, name) = unit(bytes);
    [&amount(bytes, unit), " ", name].concat()
}

fn unit(bytes: u64) -> (u64, &'static str) {
    match bytes {
        0..1_000 => (1, "B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    }
}

fn amount(bytes: u64, unit: u64) -> String {
    let parts = bytes / unit * 10 + bytes % unit * 10 / unit;
    if parts.is_multiple_of(10) { (parts / 10).to_string() } else { tenths(parts) }
}

/// What a file is.
pub fn file_kind(kind: FileKind, name: &str) -> String {
    let what = match kind {
        FileKind::Picture => "picture",
        FileKind::Sound => "sound",
        FileKind::Video => "video",
        FileKind::Document => "document",
        FileKind::Archive => "archive",
        FileKind::Program => "program",
        FileKind::Other => "file",
    };
    let ending = ending(name).to_ascii_uppercase();
    if ending.is_empty() { what.to_owned() } else { [&ending, " ", what].concat() }
}

/// The name of a button of a file, for those who do not see whose it is.
pub fn file_button(what: &str, name: &str) -> String {
    [what, " ", name].concat()
}

/// What stands behind a file's name for those who listen.
pub fn file_label(name: &str, size: u64, state: &str) -> String {
    [name, ", ", &file_size(size), ", ", state].concat()
}

/// A warning of a file that may run.
pub fn danger(danger: Danger) -> Option<&'static str> {
    match danger {
        Danger::None => None,
        Danger::Program => Some("Opening this file may run a program. Save it only if you know what it is and who made it."),
        Danger::Disguised => Some("This file pretends to be something else: its last ending makes it a program. Opening it may run it."),
    }
}

/// Why a file that was chosen was not sent.
pub fn file_problem(why: FileProblem) -> String {
    match why {
        FileProblem::Prepare(PrepareFailure::TooLarge) | FileProblem::Refused(FileRefusal::TooLarge) => {
            ["Too large: a file may have ", &space(FILE_BYTES_MAX), " at most."].concat()
        }
        FileProblem::Prepare(PrepareFailure::NoRoom(bytes)) => {
            ["There is no room on this device: ", &file_size(bytes), " more are needed. Nothing was sent."].concat()
        }
        FileProblem::Prepare(PrepareFailure::Unreadable) => "The browser could not read or keep it. Nothing was sent; choose it again.".to_owned(),
        FileProblem::Prepare(PrepareFailure::Cancelled) => "Cancelled.".to_owned(),
        FileProblem::Refused(FileRefusal::Closed(SendRefusal::NotStored)) => "This browser does not store anything at the moment. Nothing was sent.".to_owned(),
        FileProblem::Refused(FileRefusal::Closed(why)) => send_refusal(why).to_owned(),
    }
}

/// A file is larger than what peers keep for somebody who is away.
pub fn file_large(with: &str) -> String {
    [with, " is away, and peers keep files of up to ", &space(FILE_AWAY_BYTES_MAX), ". This one can wait until you are both online, or send something smaller."].concat()
}

/// A choice of size up to which files are received without asking.
pub fn accepted(bytes: u64) -> String {
    match bytes {
        0 => "Never".to_owned(),
        FILE_BYTES_MAX.. => "Of any size".to_owned(),
        _ => ["Up to ", &space(bytes)].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_as_shortly_as_they_can_be() {
        for (bytes, said) in [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (1_550, "1.5 kB"), (64_000_000, "64 MB"), (512_340_000, "512 MB"), (4 << 30, "4.2 GB")] {
            assert_eq!(file_size(bytes), said);
        }
    }

    #[test]
    fn progress_is_said_in_one_unit_with_rate_and_time_left_while_it_moves() {
        let progress = |state, bytes, rate| FileProgress { state, bytes, rate, slot: None };
        let moving = |bytes, rate| file_progress(progress(FileState::Moving, bytes, rate), 64_000_000);
        assert_eq!(moving(12_300_000, 4_100_000), "12.3 of 64 MB, 4.1 MB/s, 12 s left");
        assert_eq!(moving(400_000, 20_000), "0.4 of 64 MB, 20 kB/s, 53 min left");
        assert_eq!(moving(12_300_000, 0), "12.3 of 64 MB");
        assert_eq!(moving(65_000_000, 1_000), "64 of 64 MB, 1 kB/s, 0 s left");
        assert_eq!(file_progress(progress(FileState::Paused(FilePause::Here), 500, 9), 999), "500 of 999 B");
        assert_eq!(done_of(0, 0), "0 of 0 B");
    }

    #[test]
    fn what_is_not_what_it_says_is_warned_of_in_other_words() {
        assert_eq!(danger(Danger::None), None);
        assert_ne!(danger(Danger::Program), danger(Danger::Disguised));
    }
}
