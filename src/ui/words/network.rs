//! Words about the network: its picture, its numbers, its table, and what was looked for in it.

use b4_protocol::limits::NEAR_KNOWN;
use b4_protocol::node::{LinkKind, LinkView, LookupView, NetworkState, NetworkView, Sought};
use b4_protocol::ring::{self, Side};

use super::{network, network_sentence};

pub const NETWORK_SEE: &str = "See the network";
pub const NETWORK_WAIT: &str = "Looking at the network.";
pub const RING_TITLE: &str = "The picture";
pub const RING_LABEL: &str = "Dots of those you are linked to";
pub const RING_YOU: &str = "You";
pub const RING_HINT: &str = "Pick a dot to see who it is.";
pub const RING_EMPTY: &str = "As soon as somebody is there, you see them here.";
pub const LEGEND: [(&str, &str); 7] = [
    ("near", "next to you"),
    ("small", "as everybody in a small network"),
    ("once", "near you, others are nearer"),
    ("long", "far across"),
    ("theirs", "wanted by them"),
    ("chat", "you chat"),
    ("holder", "keeps your mail"),
];
pub const NUMBERS_TITLE: &str = "In numbers";
pub const LINK_TABLE_TITLE: &str = "Your links, clockwise round the ring";
pub const LINK_TABLE: [&str; 4] = ["Name", "Round trip", "Linked for", "Why"];
pub const LINKS: &str = "Linked to you";
pub const IN_RING: &str = "In the network";
pub const ROUND_TRIP: &str = "Round trip";
pub const ROUND_TRIP_HINT: &str = "median";
pub const SENT: &str = "Sent for the network";
pub const RECEIVED: &str = "Received for the network";
pub const BYTES_HINT: &str = "Sent and received are the encrypted records that keep the network together and find people and devices in it, \
    as long as they go over your links. Your messages and files are not in them.";
pub const CONNECTIONS: &str = "Connections made";
pub const CONNECTIONS_HINT: &str = "of 500 until the page is loaded anew";
pub const REQUESTS: &str = "Requests over the network";
pub const NO_LOOKUP: &str = "Nothing was looked for over the network yet.";
pub const UNKNOWN: &str = "\u{2013}";

/// How far one is part of the network.
pub fn standing(view: &NetworkView, network: NetworkState) -> String {
    match (view.links.len(), view.standing, view.is_relay_up) {
        (0, _, true) => "Nobody else is here yet. You are linked to whoever comes next.".to_owned(),
        (0, _, false) if network == NetworkState::Joining => network_sentence(network).to_owned(),
        (0, _, false) => "You are linked to nobody.".to_owned(),
        (1, ring::Standing::Member, _) => "You are linked to one other.".to_owned(),
        (links, ring::Standing::Member, _) => format!("You are linked to {links} others, and through them to everybody."),
        _ => "Linked, and finding your place among the others.".to_owned(),
    }
}

/// Whether the relay is reachable, and what that means.
pub fn relay(view: &NetworkView, network: NetworkState) -> &'static str {
    match (view.is_relay_up, view.links.is_empty()) {
        (false, true) if network == NetworkState::Joining => "Connecting to the relay.",
        (true, _) => "The relay can be reached. It introduces newcomers; no message goes through it.",
        (false, false) => "The relay cannot be reached. You do not need it as long as you are linked to others.",
        (false, true) => "The relay cannot be reached.",
    }
}

/// How many are in the ring: counted while everybody is known, else guessed from how close the nearest are.
pub fn in_ring(view: &NetworkView) -> String {
    if view.estimate <= NEAR_KNOWN as u64 + 1 || view.estimate == u64::from(view.known) + 1 {
        return view.estimate.to_string();
    }
    let mut unit = 1;
    while view.estimate / unit >= 100 {
        unit *= 10;
    }
    let mut digits = ((view.estimate + unit / 2) / unit * unit).to_string();
    let mut at = digits.len();
    while at > 3 {
        at -= 3;
        digits.insert(at, ',');
    }
    format!("about {digits}")
}

/// How many of them one knows of.
pub fn known(view: &NetworkView) -> String {
    match view.known {
        known if u64::from(known) + 1 >= view.estimate => "you included".to_owned(),
        known => format!("{known} of them known to you"),
    }
}

/// Why there is a link.
fn why(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Near(Some(Side::Next)) => "Next to you, clockwise",
        LinkKind::Near(Some(Side::Previous)) => "Next to you, counter-clockwise",
        LinkKind::Near(None) => "Next to you, on both sides",
        LinkKind::Long => "Far across",
        LinkKind::Small => "Small network, everybody is linked",
        LinkKind::Once => "Near you, others are nearer",
        LinkKind::Theirs => "Wanted by them",
    }
}

/// Round trip, age and reason of a link.
pub fn link_cells(link: &LinkView) -> [String; 3] {
    let (why, chat) = match (link.kind, link.is_chat) {
        (LinkKind::Theirs, true) => ("You chat", ""),
        (kind, true) => (why(kind), "; you chat"),
        (kind, false) => (why(kind), ""),
    };
    let keeps = if link.is_holder { "; keeps your mail while you are away" } else { "" };
    [link.rtt_ms.map_or_else(|| UNKNOWN.to_owned(), ms), age(link.age_ms), [why, chat, keeps].concat()]
}

/// The same in a line.
pub fn link(link: &LinkView) -> String {
    let [trip, age, why] = link_cells(link);
    let trip = if link.rtt_ms.is_none() { "round trip not measured yet".to_owned() } else { trip };
    format!("{why} \u{b7} {trip} \u{b7} linked for {age}")
}

/// A time as a number of milliseconds.
pub fn ms(ms: u32) -> String {
    format!("{ms} ms")
}

/// How long something has been.
pub fn age(ms: u64) -> String {
    match ms / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// So many bytes.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", tenths(bytes / 100)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(bytes / 100_000)),
        _ => format!("{} GB", tenths(bytes / 100_000_000)),
    }
}

/// So many bytes a second.
pub fn rate(a_second: u64) -> String {
    format!("{} a second now", bytes(a_second))
}

/// What each of the last requests that were answered took in the mean: steps, and time. `None`: there was none.
pub fn requests(lookups: &[LookupView]) -> Option<(String, String)> {
    let answered = || lookups.iter().filter_map(|lookup| Some((lookup.way?, lookup.took_ms)));
    let count = answered().count() as u64;
    let hops: u64 = answered().map(|(way, _)| u64::from(way.hops)).sum();
    let took_ms: u64 = answered().map(|(_, took_ms)| took_ms).sum();
    let steps = tenths((hops * 10).checked_div(count)?);
    Some((format!("{steps} steps"), format!("{} ms, mean of the last {count} that were answered", took_ms / count)))
}

/// A request in a sentence: what was looked for, and what came of it.
pub fn lookup(lookup: &LookupView) -> String {
    let sought = match &lookup.sought {
        Sought::Person(user) => format!("Looked for {user}"),
        Sought::Device => "Looked for a device to link to".to_owned(),
        Sought::Shelf => "Looked for who keeps a file".to_owned(),
    };
    let took = if lookup.took_ms < 10_000 { format!("{} ms", lookup.took_ms) } else { age(lookup.took_ms) };
    match lookup.way.map(|way| way.hops) {
        Some(1) => format!("{sought}: answered after 1 step, {took}"),
        Some(hops) => format!("{sought}: answered after {hops} steps, {took}"),
        None => format!("{sought}: no answer, given up after {took}"),
    }
}

/// When that was.
pub fn ago(ms: u64) -> String {
    if ms < 10_000 { "just now".to_owned() } else { format!("{} ago", age(ms)) }
}

/// The badge, for those who listen: the state, and where a press leads.
pub fn badge(state: NetworkState) -> String {
    format!("{}. {NETWORK_SEE}", network(state))
}

/// The button that leads to the chat with whoever is picked in the picture.
pub fn open_chat(name: &str) -> String {
    format!("Open the chat with {name}")
}

pub(super) fn tenths(tenths: u64) -> String {
    if tenths < 1_000 { format!("{}.{}", tenths / 10, tenths % 10) } else { (tenths / 10).to_string() }
}

#[cfg(test)]
mod tests {
    use b4_protocol::identity::NodeId;
    use b4_protocol::ring::Standing;

    use super::*;

    #[test]
    fn how_many_there_are_is_said_for_certain_while_everybody_is_known_and_guessed_else() {
        for (known, estimate, said, of_them) in [
            (0, 1, "1", "you included"),
            (3, 17, "17", "3 of them known to you"),
            (23, 24, "24", "you included"),
            (23, 32, "about 32", "23 of them known to you"),
            (230, 12_345, "about 12,000", "230 of them known to you"),
        ] {
            let view = NetworkView {
                is_relay_up: true,
                standing: Standing::Member,
                me: NodeId([7; 32]),
                links: Vec::new(),
                known,
                estimate,
                ring_bytes: (0, 0),
                connections_made: 0,
                answered: 0,
                lookups: Vec::new(),
            };
            assert_eq!((in_ring(&view).as_str(), super::known(&view).as_str()), (said, of_them));
        }
    }
}
