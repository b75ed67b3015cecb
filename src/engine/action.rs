//! What a person can order of the app: the node's commands, and what concerns the device rather than the node.

use b4_protocol::file::FileSlot;
use b4_protocol::identity::UserId;
use b4_protocol::node::Command;
use gloo::file::File;

/// One order from the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the authority whether this name is free. Answered by `Event::NameChecked`.
    CheckName(String),
    /// Make keys and take this name. Answered by `Event::Phase` and `Event::EnrolFailed`.
    Enrol(String),
    /// The same with an invitation, where the operator asks for one.
    EnrolInvited {
        /// The name.
        name: String,
        /// As the operator gave it.
        invite: String,
    },
    /// Take the identity from the bytes of a recovery file. Answered by `Event::Phase` and `Event::RestoreFailed`.
    Restore(Vec<u8>),
    /// Download the recovery file. Answered by `Event::Recovery`.
    SaveRecovery,
    /// Stop offering the recovery file; it can be saved until the page closes.
    DismissRecovery,
    /// Stop whatever runs in the place of this tab, and run here.
    TakeOver,
    /// Look for others now, without waiting for the next try.
    TryNow,
    /// Start the new build that is waiting.
    ApplyUpdate,
    /// Send these files: each is copied and cut into blocks first. Told by `Event::FilePreparing` and `Event::FilePrepared`.
    SendFiles {
        /// To whom.
        to: UserId,
        /// As they were chosen.
        files: Vec<File>,
    },
    /// Stop copying the one with this number.
    CancelPreparing(u32),
    /// Download a file that is whole on this device.
    SaveFile {
        /// Where it is.
        slot: FileSlot,
        /// What it is to be called: a safe name.
        name: String,
        /// Bytes.
        size: u64,
    },
    /// Look at what a file is that is whole on this device. Answered by `Event::FilePreview`.
    PreviewFile {
        /// Where it is.
        slot: FileSlot,
        /// Bytes.
        size: u64,
    },
    /// For the node.
    Node(Command),
}
