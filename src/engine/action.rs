//! What a person can order of the app: the node's commands, and what concerns the device rather than the node.

use b4_protocol::node::Command;

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
    /// For the node.
    Node(Command),
}
