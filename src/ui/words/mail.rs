//! The life of a message, who keeps it, what keeps it closed; what is kept here for others.

use b4_protocol::limits::HOLDERS;
use b4_protocol::node::{HoldingView, MessageState, MessageView, Sealing};

use super::tenths;

pub const MESSAGE_DETAILS: &str = "About this message";
pub const MESSAGE_SENT: &str = "Written";
pub const MESSAGE_STATE: &str = "Where it is";
pub const MESSAGE_HOLDERS: &str = "Kept by";
pub const MESSAGE_SEALING: &str = "Sealed";
pub const HOLDING: &str = "Kept for others";
pub const HOLDING_WHY: &str = "While somebody is away, peers keep messages for them, and this device does its part. What is kept here is sealed: \
    nobody can read it here, not even you. It goes once it is fetched, after 30 days at the latest.";
pub const HOLDING_COUNT: &str = "Messages";
pub const HOLDING_PEOPLE: &str = "For people";
pub const HOLDING_BYTES: &str = "Space taken";
pub const MAIL_EXPIRY: &str = "Leave my messages with others for at most";
pub const STORAGE_LIMIT: &str = "Space that you lend";
pub const LEND_NOTHING: &str = "None";
pub const WITHDRAW: &str = "Stop keeping";
pub const WITHDRAW_HINT: &str = "What is kept is handed to others and goes from here. Your own messages stay.";

/// For `data-state` of a message.
pub fn message_key(state: MessageState) -> &'static str {
    match state {
        MessageState::Queued => "queued",
        MessageState::Sent => "sent",
        MessageState::Held => "held",
        MessageState::Delivered => "delivered",
        MessageState::Read => "read",
        MessageState::Expired => "expired",
        MessageState::Failed => "failed",
    }
}

/// The life of a message in a sentence. `shortage` is how many peers could keep it, where those are too few.
pub fn message_state(message: &MessageView, shortage: Option<u8>) -> String {
    let sentence = match (message.state, message.holders.len()) {
        (MessageState::Queued, holders) => kept_here(holders),
        (MessageState::Sent, _) => "On its way, not confirmed yet".to_owned(),
        (MessageState::Held, holders) => {
            format!("Kept by {} of {HOLDERS} peers until they come online: you may close this page", holders.min(HOLDERS))
        }
        (MessageState::Delivered, _) => "They have it".to_owned(),
        (MessageState::Read, _) => "They have read it".to_owned(),
        (MessageState::Expired, _) => "Given up: they did not come in time, and nobody keeps it any more".to_owned(),
        (MessageState::Failed, _) => "They did not take it".to_owned(),
    };
    match shortage {
        None => sentence,
        Some(0) => format!("{sentence}. No other peer is there now: they take it when they come"),
        Some(1) => format!("{sentence}. Only 1 other peer is there now: more will take it when they come"),
        Some(available) => format!("{sentence}. Only {available} other peers are there now: more will take it when they come"),
    }
}

/// What is kept by fewer than it takes to close the page.
pub fn kept_here(holders: usize) -> String {
    match holders {
        0 => "Waiting here until other peers keep it or you are both online; keep this page open".to_owned(),
        1 => "Kept by 1 peer; keep this page open".to_owned(),
        _ => format!("Kept by {holders} peers; keep this page open"),
    }
}

/// For `data-sealing`.
pub fn sealing_key(sealing: Sealing) -> &'static str {
    match sealing {
        Sealing::Session => "session",
        Sealing::Prekey => "prekey",
        Sealing::CertifiedKey => "certified-key",
    }
}

/// What keeps a message closed to everybody else, and for how long.
pub fn sealing(sealing: Sealing) -> &'static str {
    match sealing {
        Sealing::Session => "In the encrypted session between both devices. Its keys go with it: whoever gets your keys later cannot open it.",
        Sealing::Prekey => {
            "In an envelope for the receiver alone, sealed to a key of some weeks besides the certified one (a prekey). Once that is \
             erased, nobody can open the envelope again, whatever keys they get (forward secrecy)."
        }
        Sealing::CertifiedKey => {
            "In an envelope sealed to the receiver's certified key alone, as no prekey was to be had. Whoever keeps the envelope and \
             gets that key one day could open it (no forward secrecy)."
        }
    }
}

/// What is kept here, in a sentence.
pub fn holding(view: &HoldingView) -> &'static str {
    match (view.limit_bytes, view.envelopes) {
        (0, 0) => "You lend no space: nothing is kept here.",
        (0, _) => "You lend no space any more: what is still here is being handed to others.",
        (_, 0) => "Nothing is kept here at the moment.",
        _ => "",
    }
}

/// A choice of days.
pub fn days(days: u8) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

/// A choice of space.
pub fn lent(bytes: u64) -> String {
    if bytes == 0 { LEND_NOTHING.to_owned() } else { space(bytes) }
}

/// So much space, in the units in which it is lent.
pub fn space(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..0x400 => return format!("{bytes} B"),
        0x400..0x10_0000 => (0x400, "KiB"),
        0x10_0000..0x4000_0000 => (0x10_0000, "MiB"),
        _ => (0x4000_0000, "GiB"),
    };
    let parts = (bytes / unit * 10).saturating_add(bytes % unit * 10 / unit);
    if parts.is_multiple_of(10) { format!("{} {name}", parts / 10) } else { format!("{} {name}", tenths(parts)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_said_as_shortly_as_it_can_be_in_the_units_in_which_it_is_lent() {
        for (bytes, said) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1 KiB"),
            (1_600, "1.5 KiB"),
            (1_048_575, "1023 KiB"),
            (256 << 20, "256 MiB"),
            (5 << 29, "2.5 GiB"),
            (u64::MAX, "17179869183 GiB"),
        ] {
            assert_eq!(space(bytes), said);
        }
    }
}
