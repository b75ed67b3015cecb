//! Facts that change the screen: the node's events, and what concerns the device rather than the node.

use b4_protocol::file::FileSlot;
use b4_protocol::identity::{NodeId, UserId, UserIdError};

/// One fact for [`AppState::apply`](super::AppState::apply).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The app is at another stage of its life.
    Phase(Phase),
    /// The answer to `Action::CheckName`.
    NameChecked {
        /// As asked.
        name: String,
        /// The answer.
        verdict: NameVerdict,
    },
    /// `Action::Enrol` came to nothing; nothing is kept.
    EnrolFailed(EnrolFailure),
    /// `Action::Restore` came to nothing; nothing is kept.
    RestoreFailed(RestoreFailure),
    /// Whether a recovery file can (still) be had.
    Recovery(Recovery),
    /// A new build is installed and waits.
    UpdateReady,
    /// A file that was chosen is being copied.
    FilePreparing(Preparing),
    /// It is copied and offered, or came to nothing.
    FilePrepared {
        /// Of `Preparing`.
        number: u32,
        /// Why it came to nothing.
        failure: Option<PrepareFailure>,
    },
    /// What a file is, as its bytes say.
    FilePreview {
        /// Where it is.
        slot: FileSlot,
        /// What can be shown of it.
        preview: Preview,
    },
    /// From the node.
    Node(b4_protocol::node::Event),
}

/// The stages of the app's life.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Opening the store.
    #[default]
    Starting,
    /// No identity here: choose a name or restore one.
    Welcome,
    /// No identity here, but there was one with this name: the browser wiped it. Restore it, or choose a new name.
    Wiped {
        /// The name that was.
        name: String,
    },
    /// Working on it; the step in words is the screen's.
    Enrolling(EnrolStep),
    /// Another tab of this browser runs the node.
    SecondTab,
    /// The node runs.
    Running {
        /// Who I am.
        me: UserId,
        /// My node.
        node: NodeId,
    },
    /// This identity was started on another machine later.
    Superseded,
    /// The server shows another authority than the one pinned: everything stops.
    AuthorityChanged {
        /// The pinned fingerprint, hex.
        pinned: String,
        /// The one shown now, hex.
        shown: String,
    },
    /// The store cannot be opened or an essential part of the browser is missing.
    Broken {
        /// What, for the details.
        detail: String,
    },
}

/// What enrolling is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolStep {
    /// Two RSA key pairs.
    MakingKeys,
    /// The request and the challenge.
    AskingAuthority,
    /// Into the store.
    Storing,
}

/// Whether a name can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameVerdict {
    /// Nobody has it.
    Free,
    /// Somebody has it.
    Taken,
    /// The operator keeps it back.
    Reserved,
    /// It can be nobody's.
    NotAName(UserIdError),
    /// The authority cannot be asked now.
    CannotTell,
}

/// Why enrolling came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrolFailure {
    /// It can be nobody's name.
    NotAName(UserIdError),
    /// The operator keeps it back.
    Reserved,
    /// Somebody was faster.
    Taken,
    /// The operator has revoked these keys.
    Revoked,
    /// The operator wants an invitation.
    InviteRequired,
    /// The invitation is not good, or was used.
    BadInvite,
    /// Too many names from this address.
    TooMany,
    /// The challenge was answered too late: to be tried again.
    TooLate,
    /// No answer.
    Unreachable,
    /// The authority takes nothing of this form from us: this page and the server do not fit together.
    Rejected,
    /// The browser would not make or keep the keys, or the authority answered nonsense.
    Failed {
        /// For the details.
        detail: String,
    },
}

/// Why restoring came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreFailure {
    /// Not a recovery file.
    NotARecoveryFile,
    /// Damaged, or the secret does not open it.
    Damaged,
    /// It belongs to another authority than this server's.
    OtherAuthority,
    /// The name belongs to other keys at this server by now.
    NameTaken,
    /// The operator has revoked these keys.
    Revoked,
    /// No answer from the authority, which must say that the certificate is still good.
    Unreachable,
    /// Something else.
    Failed {
        /// For the details.
        detail: String,
    },
}

/// The recovery file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Recovery {
    /// Not offered any more in this run, and never saved.
    #[default]
    Gone,
    /// Can be saved now; the secret is in memory until the page closes.
    Offered,
    /// The same, and the person does not want to be asked now.
    Later,
    /// Was given to the browser, which may not have kept it: it can be had again until the page closes.
    Given,
    /// Was saved in an earlier run, or is where the identity came from.
    Saved,
}

/// A file that was chosen, while it is copied and cut into blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparing {
    /// Tells it from others.
    pub number: u32,
    /// To whom it is to go.
    pub to: UserId,
    /// As the person has it.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Bytes copied.
    pub done: u64,
}

/// Why a file that was chosen was not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrepareFailure {
    /// Over 4 GiB.
    TooLarge,
    /// So many bytes more would be needed on this device.
    NoRoom(u64),
    /// The browser does not let it be read, or its bytes be kept.
    Unreadable,
    /// The person wanted so.
    Cancelled,
}

/// What can be shown of a file: only what cannot run, after a look at its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preview {
    /// Nothing.
    None,
    /// A picture, at this URL.
    Image(String),
    /// Sound.
    Audio(String),
    /// Moving pictures.
    Video(String),
}
