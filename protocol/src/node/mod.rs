//! The node: the one door of the core. Commands and facts go in by [`Node::handle`], effects come out.
//!
//! Its life: made from the rows of the store, it connects to the relay at once. Contacts that something waits for, and the one on
//! the screen, are sought: looked up, dialled, authenticated. What is stored here is sent; what is stored there is delivered. Without a relay it
//! goes on with the sessions it has. On `Leave` it says goodbye and stops for good.
//!
//! The rooms of the node know nothing of each other; `route.rs` is the only place where one's outcome becomes another's input.

mod asleep;
mod chats;
mod command;
mod directory;
mod effect;
mod event;
mod files;
mod gossip;
mod input;
mod journal;
mod links;
mod mail;
mod overlay;
mod relay;
mod route;
mod seek;
#[cfg(test)]
mod tests;

use directory::{Directory, Statement};
use files::{Files, Prepared};
use journal::{Journal, Purpose};
use links::{LinkOp, Links, Trust};
use mail::{Mail, MailKeyUse, Reading};
use overlay::Overlay;
use relay::Relay;
use seek::Seeking;

pub use crate::chat::{Direction, FileFailure, FilePause, FileProgress, FileState, FileView, MessageState, MessageView, Sealing, Standing};
pub use crate::store::{Row, Table, Write};
pub use command::{Command, FileOrder};
pub use effect::{Effect, LinkId};
pub use event::{
    ContactRefusal, ContactView, Event, FileRefusal, HoldingView, KeyStanding, LinkKind, LinkView, LookupView, NetworkState, NetworkView, Presence, SendRefusal, Sought, WayView,
};
pub use input::{FileTrouble, Input, LinkEnd};

use crate::chat::{Conversation, MessageId};
use crate::crypto::{Rng, Ticket};
use crate::directory::Draft;
use crate::identity::{ListAge, RevocationList, TrustAnchor, UserId, VerifiedCertificate};
use crate::limits::{CONNECTIONS_SPARING, RING_LINKS, RING_LINKS_HANDHELD};
use crate::ordered::{OrderedMap, OrderedSet};
use crate::ring::{Ring, RingConfig, RingId};
use crate::time::Now;

/// What a node is made from.
pub struct NodeConfig {
    /// This device's certificate.
    pub certificate: VerifiedCertificate,
    /// The pinned authority.
    pub anchor: TrustAnchor,
    /// The newest revocation list seen.
    pub revoked: Option<RevocationList>,
    /// The page's origin as the browser writes it: part of the proof to the relay.
    pub origin: String,
    /// What is known of the page.
    pub page: PageFacts,
    /// From the operating system's generator.
    pub seed: [u8; 32],
    /// All rows of the tables in `Table::LOADED_AT_START`.
    pub rows: Vec<Row>,
}

#[cfg(test)]
impl NodeConfig {
    /// What a test's node is made from.
    fn of(certificate: &VerifiedCertificate, anchor: &TrustAnchor, rows: Vec<Row>) -> Self {
        let (certificate, anchor, page) = (certificate.clone(), anchor.clone(), PageFacts::default());
        Self { certificate, anchor, revoked: None, origin: "https://b4.example".to_owned(), page, seed: [7; 32], rows }
    }
}

/// What a node is told about the page that it runs in.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageFacts {
    /// Peer connections that it has made already: a node that is started again in the same page goes on counting.
    pub connections_made: u32,
    /// It is on a phone: fewer links spare its battery.
    pub is_handheld: bool,
}

impl PageFacts {
    /// How many links the ring is to have here.
    fn ring(&self) -> RingConfig {
        let links = match self {
            Self { connections_made: CONNECTIONS_SPARING.., .. } => 0,
            Self { is_handheld: true, .. } => RING_LINKS_HANDHELD,
            Self { .. } => RING_LINKS,
        };
        RingConfig { links, ..RingConfig::default() }
    }
}

/// What the store's rows are judged by.
struct NodeConfigView<'a> {
    anchor: &'a TrustAnchor,
    revoked: Option<&'a RevocationList>,
}

/// What a private-key operation is for.
#[derive(Debug)]
enum KeyUse {
    RelayProof,
    Link(LinkOp),
    Statement(Statement, Draft),
    Mail(MailKeyUse),
}

/// What a read of the store is for.
#[derive(Debug)]
enum Loading {
    /// A page of this conversation.
    History(UserId),
    /// Something kept for somebody.
    Item(Reading),
    /// A page of hashes of a file that is offered by this message, for this user.
    Page(UserId, MessageId, u32),
    /// What names the blobs of the file that is offered by this message.
    Lying(MessageId),
}

/// A peer of the network, and everything this device knows.
pub struct Node {
    own: VerifiedCertificate,
    anchor: TrustAnchor,
    revoked: Option<RevocationList>,
    rng: Rng,
    network: NetworkState,
    relay_state: NetworkState,
    relay: Relay,
    links: Links,
    ring: Ring,
    overlay: Overlay,
    directory: Directory,
    seeking: OrderedMap<UserId, Seeking>,
    chats: OrderedMap<UserId, Conversation>,
    blocked: OrderedSet<UserId>,
    journal: Journal,
    key_uses: OrderedMap<Ticket, KeyUse>,
    loads: OrderedMap<Ticket, Loading>,
    mail: Mail,
    files: Files,
    /// Names asked about for a new contact, with what was typed.
    adding: OrderedMap<UserId, String>,
    /// The conversation on the screen.
    on_screen: Option<UserId>,
    /// Contacts whose view changed since the last event about them.
    changed: OrderedSet<UserId>,
    next_ticket: u64,
    has_store_trouble: bool,
    has_left: bool,
    list_age: ListAge,
    /// When the last input came, on both clocks.
    last_input: Option<Now>,
    effects: Vec<Effect>,
}

impl Node {
    /// Makes a node from what the store has. Damaged rows are passed over: a broken contact must not take the rest with it.
    pub fn new(config: NodeConfig, now: Now) -> (Self, Vec<Effect>) {
        let NodeConfig { certificate, anchor, revoked, origin, page, seed, mut rows } = config;
        let mut rng = Rng::from_seed(seed);
        let revoked = gossip::newest(&rows, revoked, &anchor);
        let view = NodeConfigView { anchor: &anchor, revoked: revoked.as_ref() };
        let (directory, deletions) = Directory::restore(&mut rows, &view, now);
        let mut chats = chats::restore(&rows);
        let (mail, mail_writes) = Mail::restore(&certificate, &rows, &anchor, &mut chats, now);
        let files = Files::restore(&rows, RingId::of_node(certificate.node_id()));
        let mut node = Self {
            relay: Relay::new(certificate.clone(), origin, rng.fork("relay")),
            links: Links::new(rng.fork("links")),
            ring: Ring::new(RingId::of_node(certificate.node_id()), page.ring(), rng.fork("ring"), now.mono),
            overlay: Overlay::new(page.connections_made),
            directory,
            own: certificate,
            anchor,
            revoked,
            rng,
            network: NetworkState::Offline,
            relay_state: NetworkState::Offline,
            seeking: OrderedMap::new(),
            chats,
            blocked: OrderedSet::new(),
            journal: Journal::default(),
            key_uses: OrderedMap::new(),
            loads: OrderedMap::new(),
            mail,
            files,
            adding: OrderedMap::new(),
            on_screen: None,
            changed: OrderedSet::new(),
            next_ticket: 1,
            has_store_trouble: false,
            has_left: false,
            list_age: ListAge::Fresh,
            last_input: None,
            effects: Vec::new(),
        };
        let blocked = node.chats.values().filter(|chat| chat.standing == Standing::Blocked).map(|chat| chat.user().clone());
        node.blocked = blocked.collect();
        node.changed = node.chats.keys().cloned().collect();
        node.store(deletions, Purpose::Quiet);
        node.store(mail_writes, Purpose::Quiet);
        node.tend_prekeys(now);
        node.sweep_files();
        let outcomes = node.relay.wake(now.mono);
        node.route_relay(outcomes, now);
        let effects = node.finish(now);
        (node, effects)
    }

    /// Takes one input. Never fails and never panics on anything from outside: a bad peer loses its link.
    #[must_use]
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Effect> {
        if !self.has_left {
            if self.has_slept(&input, now) {
                self.resumed(now);
            }
            self.dispatch(input, now);
        }
        self.finish(now)
    }

    /// When [`Input::Wake`] is wanted, on the monotonic clock.
    pub fn next_wake(&self) -> Option<u64> {
        if self.has_left {
            return None;
        }
        let seeking = self.seeking.values().filter_map(Seeking::deadline).min();
        let overlay = self.overlay.deadline(self.relay.is_up());
        let directory = self.directory.deadline();
        let deadlines = [self.files_deadline(), self.mail.deadline(), directory, self.relay.deadline(), self.links.deadline(), self.ring.deadline(), overlay, self.journal.deadline(), seeking];
        deadlines.into_iter().flatten().min()
    }

    /// This device's certificate.
    pub fn certificate(&self) -> &VerifiedCertificate {
        &self.own
    }

    fn dispatch(&mut self, input: Input, now: Now) {
        match input {
            Input::Command(command) => self.command(command, now),
            Input::RelayOpened => self.relay_input(now, |relay| relay.opened(now.mono)),
            Input::RelayFrame(bytes) => self.relay_input(now, |relay| relay.frame(&bytes, now.mono)),
            Input::RelayClosed => self.relay_input(now, |relay| relay.closed(now.mono)),
            Input::LinkDescribed { link, sdp } => self.link_input(now, |links, trust, _| links.described(link, &sdp, trust, now)),
            Input::LinkCandidate { link, candidate } => {
                self.link_input(now, |links, _, _| links.candidate_found(link, &candidate, now));
            }
            Input::LinkOpened { link } => self.link_input(now, |links, _, _| links.opened(link, now)),
            Input::LinkFrame { link, channel, frame } => {
                self.count_record(channel, &frame);
                self.link_input(now, |links, _, _| links.frame(link, channel, &frame, now));
            }
            // Nothing is held back by what is buffered yet: the window of unacknowledged messages bounds it.
            Input::LinkDrained { .. } => {}
            Input::LinkClosed { link, end } => self.link_input(now, |links, _, _| links.closed(link, end)),
            Input::Stored { tickets } => self.stored(&tickets, now),
            Input::StoreFailed { full, .. } => self.store_failed(full, now),
            Input::Loaded { ticket, rows } => self.loaded(ticket, rows, now),
            Input::KeyDone { ticket, result } => self.key_done(ticket, &result, now),
            Input::FileSent { link, number, result } => self.file_sent(link, number, result, now),
            Input::FileCame { number, result } => self.file_came(number, result, now),
            Input::FileRead { ticket, bytes } => self.file_read(ticket, bytes, now),
            Input::FileWritten { ticket, result } => self.file_written(ticket, result, now),
            Input::Revocations(list) => self.revocations(list, now),
            Input::Resumed => self.resumed(now),
            Input::Hiding => self.mail_hiding(now),
            Input::RoomLeft(bytes) => self.room_left(bytes),
            Input::Wake => self.wake(now),
        }
    }

    /// The page is back, or the machine is: everything is to show that it lives.
    fn resumed(&mut self, now: Now) {
        self.relay_input(now, |relay| relay.resumed(now.mono));
        self.link_input(now, |links, _, _| links.resumed(now));
        self.ring_input(now, |ring, out| ring.resumed(now.mono, out));
        self.seek_all_now(now);
    }

    fn wake(&mut self, now: Now) {
        self.relay_input(now, |relay| relay.wake(now.mono));
        self.link_input(now, |links, trust, ice| links.wake(ice, trust, now));
        self.overlay_wake(now);
        self.directory_wake(now);
        self.mail_wake(now);
        self.files_wake(now);
        self.seek_due(now);
        for (ticket, writes) in self.journal.retry(now.mono) {
            self.effects.push(Effect::Store { ticket, writes });
        }
    }

    fn command(&mut self, command: Command, now: Now) {
        match command {
            Command::AddContact { typed } => self.add_contact(typed, now),
            Command::SendText { to, text } => self.send_text(to, text, now),
            Command::SendFile { to, slot, name, media_type, size, hashes } => self.send_file(to, Prepared { slot, name, media_type, size, hashes }, now),
            Command::File { with, id, order } => self.file_order(&with, id, order, now),
            Command::AcceptFiles { bytes } => self.accept_files(bytes),
            Command::Accept { user } => self.set_standing(&user, Standing::Accepted, now),
            Command::Ignore { user } => self.set_standing(&user, Standing::Ignored, now),
            Command::Block { user } => self.block(&user, now),
            Command::Unblock { user } => self.set_standing(&user, Standing::Accepted, now),
            Command::ConfirmKey { user } => self.confirm_key(&user, now),
            Command::MarkRead { user } => self.mark_read(&user, now),
            Command::Open { user } => self.open_chat(user, now),
            Command::LoadMessages { with, before } => self.load_messages(with, before),
            Command::SendAgain { to, id } => self.send_again(&to, id, now),
            Command::WatchNetwork { on } => self.watch_network(on, now),
            Command::LendStorage { bytes } => self.lend_storage(bytes, now),
            Command::KeepFor { days } => self.keep_for(days),
            Command::Leave => self.leave(now),
        }
    }

    /// A revocation list came: the newest one counts, and ends what it forbids.
    fn revocations(&mut self, list: RevocationList, now: Now) {
        if self.revoked.as_ref().is_some_and(|known| known.sequence() > list.sequence()) {
            return;
        }
        let is_own = list.contains(&self.own.serial_hash());
        let is_new = self.revoked.as_ref().is_none_or(|known| known.sequence() < list.sequence());
        self.directory_revoked(&list);
        self.revoked = Some(list);
        self.link_input(now, |links, trust, _| links.revoked(trust));
        if is_own {
            self.notify(Event::CertificateRefused);
        }
        if is_new {
            self.announce_revoked(now);
        }
    }

    /// How far the list may be relied upon. Without one nothing is held up: the authority was asked for it at enrolment's end.
    fn list_age(&self) -> ListAge {
        self.list_age
    }

    fn leave(&mut self, now: Now) {
        self.withdraw(now);
        self.link_input(now, |links, _, _| links.leave(now));
        self.relay_input(now, Relay::end);
        self.has_left = true;
    }

    /// Ends one call of the door: tells what changed about contacts, once each, and hands the effects out.
    fn finish(&mut self, now: Now) -> Vec<Effect> {
        let age = self.revoked.as_ref().map_or(ListAge::Fresh, |list| list.age(now.wall));
        if self.list_age != age {
            self.list_age = age;
            self.notify(Event::RevocationsAged(age));
        }
        for user in std::mem::take(&mut self.changed) {
            if let Some(view) = self.contact_view(&user, now) {
                self.notify(Event::ContactChanged(view));
            }
        }
        std::mem::take(&mut self.effects)
    }

    fn notify(&mut self, event: Event) {
        self.effects.push(Effect::Notify(event));
    }

    fn draw_ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        ticket
    }

    /// Lends the links what they need, and routes what comes of it.
    fn link_input(&mut self, now: Now, step: impl FnOnce(&mut Links, Trust<'_>, &[crate::signal::relay::IceServer]) -> Vec<links::Outcome>) {
        let is_contact = |user: &UserId| self.chats.get(user).is_some_and(|chat| chat.standing == Standing::Accepted);
        let trust = Trust {
            own: &self.own,
            anchor: &self.anchor,
            revoked: self.revoked.as_ref(),
            blocked: &self.blocked,
            is_contact: &is_contact,
        };
        let outcomes = step(&mut self.links, trust, &self.relay.ice);
        self.route_links(outcomes, now);
    }

    fn relay_input(&mut self, now: Now, step: impl FnOnce(&mut Relay) -> Vec<relay::Outcome>) {
        let outcomes = step(&mut self.relay);
        self.route_relay(outcomes, now);
    }
}
