//! Every word of the screen, so that another language is another folder like this one. `mail` has those about the life of a
//! message and what is kept for others, `files` those about files, `network` those about the picture of the network.

#![allow(missing_docs, reason = "the words are their own documentation")]

mod files;
mod mail;
mod network;

use b4_protocol::identity::UserIdError;
use b4_protocol::node::{ContactRefusal, ContactView, KeyStanding, NetworkState, Presence, SendRefusal, Standing};

pub use files::*;
pub use mail::*;
pub use network::*;

use super::pages::NoticeKind;
use crate::state::{EnrolFailure, EnrolStep, NameVerdict, RestoreFailure};

pub const APP: &str = "B4";
pub const STARTING: &str = "Starting. Your keys stay in this browser.";
pub const WELCOME_WHAT: &str = "A messenger in your browser. No account, no phone number.";
pub const WELCOME_TITLE: &str = "Talk, with nobody in between";
pub const WELCOME_LEAD: &str = "Pick a name. Your keys are made here and stay here.";
pub const NAME_LABEL: &str = "Your name";
pub const NAME_HINT: &str = "3 to 32 small letters, digits, dots, dashes. It starts with a letter.";
pub const NAME_BUTTON: &str = "Take this name";
pub const INVITE_LABEL: &str = "Your invitation";
pub const WELCOME_LEAD_BUSY: &str = "This takes a moment, once.";
pub const RESTORE: &str = "Restore from a recovery file";
pub const RESTORE_HINT: &str = "It brings back your name. Contacts and messages do not come along.";
pub const ADD_LABEL: &str = "Find somebody by name";
pub const ADD_BUTTON: &str = "Add";
pub const CHATS: &str = "Chats";
pub const YOU: &str = "You";
pub const BACK: &str = "Back to the list";
pub const NO_CONTACTS: &str = "Nobody here yet. Add somebody by name, or send a friend a link to you.";
pub const NO_CONTACTS_NAME: &str = "Your name is";
pub const PICK_CHAT: &str = "Choose a chat, or add somebody by name.";
pub const NO_MESSAGES: &str = "Nothing said yet. Only the two of you can read what is written here.";
pub const COMPOSER_LABEL: &str = "Message";
pub const SEND: &str = "Send";
pub const OLDER: &str = "Show older messages";
pub const UNREAD: &str = "New";
pub const CLEANED: &str = "Characters that cannot be sent were taken out.";
pub const HALVES: &str = "A character came through broken and is shown as \u{fffd}.";
pub const SEND_AGAIN: &str = "Send again";
pub const STRANGER: &str = "You don't know this person yet. Answer or accept, and they will see when you have read.";
pub const ACCEPT: &str = "Accept";
pub const IGNORE: &str = "Put aside";
pub const BLOCK: &str = "Block";
pub const UNBLOCK: &str = "Unblock";
pub const BLOCKED: &str = "You have blocked this person. Nothing goes either way.";
pub const IGNORED: &str = "Put aside. They are not told.";
pub const KEY_CHANGED: &str = "The key of this name is another than before. It may be their new device, or somebody else. \
    Compare the safety number with them before you go on. Until then nothing is sent; what you wrote is kept.";
pub const KEY_CONFIRM: &str = "I compared it: go on";
pub const SAFETY: &str = "Safety number";
pub const SAFETY_CODE: &str = "The same digits as a code, for a camera";
pub const SAFETY_HOW: &str = "Compare it with theirs, in person or by phone. The same digits mean that nobody is in between.";
pub const RECOVERY_TITLE: &str = "Keep your recovery file";
pub const RECOVERY_WHY: &str = "Your keys are only in this browser. With the file you get your name back on another one. \
    Whoever has the file is you: keep it safe. It can be had until you close or reload this page.";
pub const RECOVERY_SAVE: &str = "Save the file";
pub const RECOVERY_LATER: &str = "Not now";
pub const RECOVERY_GIVEN: &str = "The file went to your downloads. Look whether it is there: it can be had again until you close or reload this page.";
pub const RECOVERY_AGAIN: &str = "Save it again";
pub const RECOVERY_SEEN: &str = "It is there";
pub const RECOVERY_SAVED: &str = "Your recovery file was saved. Keep it where only you get at it.";
pub const RECOVERY_GONE: &str = "The recovery file was offered when you took your name and cannot be made again from keys that never leave the browser.";
pub const UPDATE: &str = "A new version is ready.";
pub const UPDATE_NOW: &str = "Start it";
pub const STORE_FULL: &str = "There is no room left on this device. Nothing new is taken until there is; what you have is kept.";
pub const STORE_FAILING: &str = "This browser does not store anything at the moment. It is tried again; what you have is kept.";
pub const CERTIFICATE_REFUSED: &str = "The server does not accept your certificate: it has run out, or it was revoked. What you have is kept; \
    nobody can be found. Reload the page to have it renewed. If that does not help, ask whoever runs this server.";
pub const REVOKED: &str = "Whoever runs this server has revoked these keys. Ask them before you do anything else.";
pub const REVOCATIONS_STALE: &str = "The list of revoked certificates is more than three days old. It is fetched again when the server can be reached.";
pub const REVOCATIONS_OLD: &str = "The list of revoked certificates is more than two weeks old. You can go on with those you know; nobody new is \
    taken in until the server can be reached.";
pub const NODE_ID: &str = "Node";
pub const THEME: &str = "Colours";
pub const THEME_SYSTEM: &str = "As the system";
pub const THEME_LIGHT: &str = "Light";
pub const THEME_DARK: &str = "Dark";
pub const ABOUT: &str = "About";
pub const ABOUT_TEXT: &str = "B4 sends your messages straight to the other person's browser, encrypted for them alone. \
    While they are away, other people's browsers keep them closed. A small relay introduces newcomers and certifies names; it sees no message.";
pub const NETWORK: &str = "Network";
pub const RECOVERY: &str = "Recovery";
pub const IDENTITY: &str = "Your name";
pub const CONTACT_DETAILS: &str = "Safety number and options";
pub const COPY_LINK: &str = "Copy a link to you";
pub const COPIED: &str = "Copied";
pub const OFFLINE: &str = "Nobody can be reached now. What you write is kept";
pub const TRY_NOW: &str = "Try now";
pub const MESSAGES: &str = "Messages";
pub const NOT_IN_LIST: &str = "This person is not in your list yet.";
pub const THAT_IS_YOU: &str = "That is you. Others who open this address can write to you.";

/// The title of a page of this name, or of the list, while so many messages are unread.
pub fn title(page: Option<&str>, unread: u32) -> String {
    let unread = if unread > 0 { format!("({unread}) ") } else { String::new() };
    page.map_or_else(|| format!("{unread}{APP}"), |page| format!("{unread}{page} \u{b7} {APP}"))
}

/// The state of the network in a word.
pub fn network(state: NetworkState) -> &'static str {
    match state {
        NetworkState::Offline => "Offline",
        NetworkState::Joining => "Joining",
        NetworkState::Online => "Online",
    }
}

/// The state of the network in a sentence.
pub fn network_sentence(state: NetworkState) -> &'static str {
    match state {
        NetworkState::Offline => "Nobody can be reached now, neither the relay nor anybody else. It is tried again by itself; what you write is kept.",
        NetworkState::Joining => "Joining\u{2026}",
        NetworkState::Online => "Connected. People can find you by your name.",
    }
}

/// Whether somebody can be reached, in words, and what follows for what was written to them: `kept_too_little` is how many peers keep
/// it, where it waits for more. Where nobody can be reached, only an open session tells.
pub fn presence(network: NetworkState, presence: Presence, kept_too_little: Option<usize>) -> String {
    match presence {
        Presence::Unknown | Presence::Away | Presence::Unreachable { .. } if network == NetworkState::Offline => OFFLINE.to_owned(),
        Presence::Unknown => String::new(),
        Presence::Away => match kept_too_little {
            None => "Away. Messages wait for them".to_owned(),
            Some(holders) => format!("Away. {}", kept_here(holders)),
        },
        Presence::Connecting => "Connecting".to_owned(),
        Presence::Online => "Connected, end-to-end encrypted".to_owned(),
        Presence::Unreachable { was_up: true, .. } => "Connection lost, trying again".to_owned(),
        Presence::Unreachable { .. } => "No connection yet, trying again".to_owned(),
    }
}

/// For `data-presence`.
pub fn presence_key(presence: Presence) -> &'static str {
    match presence {
        Presence::Unknown => "unknown",
        Presence::Away => "away",
        Presence::Connecting => "connecting",
        Presence::Online => "online",
        Presence::Unreachable { .. } => "unreachable",
    }
}

/// What is special about a contact, for the list.
pub fn tag(contact: &ContactView) -> Option<&'static str> {
    match (contact.standing, contact.key) {
        (_, KeyStanding::Changed) => Some("key changed"),
        (Standing::New, _) => Some("request"),
        (Standing::Ignored, _) => Some("put aside"),
        (Standing::Blocked, _) => Some("blocked"),
        (Standing::Accepted, _) => None,
    }
}

/// Who sent the link that led here.
pub fn invited(by: &str) -> String {
    format!("{by} invites you to talk.")
}

/// What is wrong with a typed name.
pub fn name_error(why: UserIdError) -> String {
    match why {
        UserIdError::TooShort => "A name has at least 3 characters.".to_owned(),
        UserIdError::TooLong => "A name has at most 32 characters.".to_owned(),
        UserIdError::FirstNotLetter => "A name starts with a letter.".to_owned(),
        UserIdError::Capital => "Names have small letters only.".to_owned(),
        UserIdError::Character(character) if character.is_control() => "There is an invisible character in it.".to_owned(),
        UserIdError::Character('\u{fffd}') => "There is a broken character in it.".to_owned(),
        UserIdError::Character(' ') => "A name has no spaces. Try a dot or a dash.".to_owned(),
        UserIdError::Character(character) => format!("“{character}” cannot be in a name."),
        UserIdError::Reserved => "This name is kept for the house. Choose another.".to_owned(),
    }
}

/// The answer about a name.
pub fn verdict(verdict: &NameVerdict) -> String {
    match verdict {
        NameVerdict::Free => "This name is free.".to_owned(),
        NameVerdict::Reserved => name_error(UserIdError::Reserved),
        NameVerdict::Taken => "Somebody has this name. Choose another.".to_owned(),
        NameVerdict::NotAName(why) => name_error(*why),
        NameVerdict::CannotTell => "The server cannot be asked at the moment. Try again when you are online.".to_owned(),
    }
}

/// Why enrolling came to nothing.
pub fn enrol_failure(why: &EnrolFailure) -> String {
    match why {
        EnrolFailure::NotAName(why) => name_error(*why),
        EnrolFailure::Reserved => name_error(UserIdError::Reserved),
        EnrolFailure::Taken => "Somebody has this name. Choose another.".to_owned(),
        EnrolFailure::Revoked => REVOKED.to_owned(),
        EnrolFailure::InviteRequired => "This server takes new names by invitation only.".to_owned(),
        EnrolFailure::BadInvite => "This invitation is not good, or was used.".to_owned(),
        EnrolFailure::TooMany => "Too many names were taken from your address. Try again in an hour.".to_owned(),
        EnrolFailure::TooLate => "It took too long. Try again.".to_owned(),
        EnrolFailure::Unreachable => "The server does not answer. Nothing was kept; try again in a moment.".to_owned(),
        EnrolFailure::Rejected => "The server did not accept the keys of this browser. Nothing was kept.".to_owned(),
        EnrolFailure::Failed { detail } => format!("It did not work: {detail}. Nothing was kept."),
    }
}

/// Why restoring came to nothing.
pub fn restore_failure(why: &RestoreFailure) -> String {
    match why {
        RestoreFailure::NotARecoveryFile => "This is not a recovery file of B4.".to_owned(),
        RestoreFailure::Damaged => "The file is damaged.".to_owned(),
        RestoreFailure::OtherAuthority => "The file belongs to another server than this one.".to_owned(),
        RestoreFailure::NameTaken => "This name belongs to other keys now.".to_owned(),
        RestoreFailure::Revoked => REVOKED.to_owned(),
        RestoreFailure::Unreachable => "The server does not answer. Try again in a moment; the file stays good.".to_owned(),
        RestoreFailure::Failed { detail } => format!("It did not work: {detail}."),
    }
}

/// What enrolling is doing.
pub fn enrol_step(step: EnrolStep) -> &'static str {
    match step {
        EnrolStep::MakingKeys => "Making your keys",
        EnrolStep::AskingAuthority => "Having your name certified",
        EnrolStep::Storing => "Keeping them in this browser",
    }
}

/// Why what was typed made no contact.
pub fn contact_refusal(typed: &str, why: &ContactRefusal) -> String {
    match why {
        ContactRefusal::NotAName(why) => name_error(*why),
        ContactRefusal::Myself => "That is you.".to_owned(),
        ContactRefusal::Known => format!("{} is in your list already.", typed.trim()),
        ContactRefusal::Nobody => format!("Nobody has the name {}.", typed.trim()),
        ContactRefusal::CannotTell => "The relay cannot be asked at the moment. Try again when you are online.".to_owned(),
        ContactRefusal::BadCertificate => format!("The certificate of {} cannot be believed. Nothing was added.", typed.trim()),
        ContactRefusal::Full => "Your list is full.".to_owned(),
    }
}

/// Why a text was not taken.
pub fn send_refusal(why: SendRefusal) -> &'static str {
    match why {
        SendRefusal::Empty => "There is nothing to send.",
        SendRefusal::TooLong => "This is too long for one message.",
        SendRefusal::Blocked => "You have blocked this person.",
        SendRefusal::KeyChanged => "Their key changed: look at it first.",
        SendRefusal::TooManyWaiting => "Too many messages are waiting for this person already.",
        SendRefusal::NoContact => "This person is not in your list.",
        SendRefusal::NotStored => "This browser does not store anything at the moment. Your text is kept here.",
    }
}

/// Bytes left in the composer.
pub fn left(bytes: i64) -> String {
    if bytes < 0 { format!("{} bytes too long", -bytes) } else { format!("{bytes} bytes left") }
}

/// Missing messages.
pub fn gap(count: u32) -> String {
    match count {
        1 => "A message is missing here".to_owned(),
        u32::MAX => "Messages are missing here".to_owned(),
        count => format!("{count} messages are missing here"),
    }
}

/// Both fingerprints of an authority that changed.
pub fn authority_detail(pinned: &str, shown: &str) -> String {
    format!("Known: {pinned}\nShown now: {shown}")
}

/// The lower-case form of a name with capitals.
pub fn use_lower(name: &str) -> String {
    format!("Use {name}")
}

/// The button that makes somebody a contact.
pub fn add(name: &str) -> String {
    format!("Add {name}")
}

/// A message that came to nothing, for those who listen.
pub fn announce_failure(to: &str) -> String {
    format!("A message to {to} was not delivered.")
}

/// A new message, for those who listen.
pub fn announce(from: &str, text: &str) -> String {
    format!("{from}: {text}")
}

pub const TAKE_OVER: &str = "Use B4 here";
pub const DETAILS: &str = "Details";

/// A browser that has lost the keys of a name.
pub fn wiped(name: &str) -> String {
    format!("This browser has cleared its storage, and the keys of {name} with it. Restore them from your recovery file, or take a new name.")
}

/// Title, explanation and test id of a page that says why nothing runs.
pub fn notice(kind: NoticeKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        NoticeKind::SecondTab => (
            "B4 is open in another tab",
            "One tab at a time holds your keys and messages, so that nothing gets mixed up. Go on there, or here.",
            "second-tab",
        ),
        NoticeKind::Superseded => (
            "You are using B4 somewhere else",
            "The same identity was started on another device or browser later than here, so this one has stopped. \
             What is here is kept. You can go on here; then the other one stops.",
            "superseded",
        ),
        NoticeKind::AuthorityChanged => (
            "This server is not the one you know",
            "The authority that certifies names here has another key than the one this browser learned at your first visit. \
             Either its operator lost the old key, or somebody stands in between. Everything has stopped; your messages and \
             keys are kept and were not used. Ask the operator before you do anything else.",
            "authority-changed",
        ),
        NoticeKind::Broken => (
            "B4 cannot run here",
            "This browser does not give what B4 needs: storage, encryption and peer connections, on a secure page. \
             A private window or a strict setting may be the reason. Nothing was lost.",
            "broken",
        ),
    }
}
