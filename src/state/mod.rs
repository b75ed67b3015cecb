//! What the screen shows, as plain values. The only writer is `AppState::apply`. Pure: compiles and is tested natively.

mod chat;
mod event;
mod files;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::rc::Rc;

use b4_protocol::identity::{ListAge, UserId};
use b4_protocol::node::{
    self, ContactRefusal, ContactView, Direction, HoldingView, MessageState, NetworkState, NetworkView, SendRefusal, Standing,
};
use b4_protocol::ordered::OrderedMap;

pub use chat::Chat;
pub use event::{EnrolFailure, EnrolStep, Event, NameVerdict, Phase, PrepareFailure, Preparing, Preview, Recovery, RestoreFailure};
pub use files::{FileProblem, FileTrouble, Outgoing, Previews};

/// Everything the screen shows. Cloning is cheap: what is large is shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppState {
    /// Stage of the app's life.
    pub phase: Phase,
    /// Whether others can be found.
    pub network: NetworkState,
    /// The network as it was seen last. Grows old while nobody looks at it.
    pub network_view: Option<Rc<NetworkView>>,
    /// What this device keeps for others, once that is known.
    pub holding: Option<HoldingView>,
    /// By name.
    pub contacts: Rc<OrderedMap<UserId, Rc<ContactView>>>,
    /// Messages by contact, as far as they were loaded or came.
    pub chats: Rc<OrderedMap<UserId, Rc<Chat>>>,
    /// Files that were chosen and are not offered yet.
    pub outgoing: Rc<Outgoing>,
    /// What can be shown of files that are here.
    pub previews: Rc<Previews>,
    /// Contacts' files of up to so many bytes are received without asking, once that is known.
    pub files_accepted: Option<u64>,
    /// The last name that was asked about, and the answer.
    pub checked: Option<(String, NameVerdict)>,
    /// Why the last enrolment came to nothing.
    pub enrol_failure: Option<EnrolFailure>,
    /// Why the last restoring came to nothing.
    pub restore_failure: Option<RestoreFailure>,
    /// The recovery file.
    pub recovery: Recovery,
    /// A new build waits.
    pub is_update_ready: bool,
    /// The last name typed that made no contact, and why.
    pub contact_refusal: Option<(String, ContactRefusal)>,
    /// Texts that were not taken: they go back into the composer. The number tells one refusal from the next.
    pub returned: Option<(UserId, String, SendRefusal, u32)>,
    /// The store takes no writes: `Some(true)` for want of room.
    pub store_trouble: Option<bool>,
    /// The relay does not accept this device's certificate.
    pub is_certificate_refused: bool,
    /// The last thing that is worth telling to those who do not look, and its number.
    pub news: Option<(u64, News)>,
    /// How far the revocation list may be relied upon: stale warns, old makes no new contacts.
    pub revocations: ListAge,
}

/// What is told to those who do not look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A message came.
    Came {
        /// From whom.
        from: UserId,
        /// What it says; of a file its name.
        text: String,
    },
    /// A message of mine came to nothing.
    Failed {
        /// To whom.
        to: UserId,
    },
}

impl AppState {
    /// Takes one event.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Phase(phase) => self.enter(phase),
            Event::NameChecked { name, verdict } => self.checked = Some((name, verdict)),
            Event::EnrolFailed(why) => self.enrol_failure = Some(why),
            Event::RestoreFailed(why) => self.restore_failure = Some(why),
            Event::Recovery(recovery) => self.recovery = recovery,
            Event::UpdateReady => self.is_update_ready = true,
            Event::FilePreparing(preparing) => Rc::make_mut(&mut self.outgoing).prepare(preparing),
            Event::FilePrepared { number, failure } => Rc::make_mut(&mut self.outgoing).prepared(number, failure),
            Event::FilePreview { slot, preview } => Rc::make_mut(&mut self.previews).add(slot, preview),
            Event::Node(event) => self.apply_node(event),
        }
    }

    /// Contacts for the list: strangers first, then by the last message, newest first. Those put aside come last.
    pub fn contacts_in_order(&self) -> Vec<Rc<ContactView>> {
        let rank = |contact: &ContactView| {
            let group = match contact.standing {
                Standing::New => 0,
                Standing::Accepted => 1,
                Standing::Ignored | Standing::Blocked => 2,
            };
            (group, Reverse(contact.last_ms))
        };
        let mut all: Vec<Rc<ContactView>> = Vec::with_capacity(self.contacts.len());
        // Each to its place, behind its equals, which come by name: the library's sort is larger than all of this.
        for contact in self.contacts.values() {
            let place = all.partition_point(|before| rank(before) <= rank(contact));
            all.insert(place, Rc::clone(contact));
        }
        all
    }

    fn enter(&mut self, phase: Phase) {
        if matches!(phase, Phase::Enrolling(_)) {
            self.enrol_failure = None;
            self.restore_failure = None;
        }
        if !matches!(phase, Phase::Running { .. }) {
            self.contacts = Rc::default();
            self.chats = Rc::default();
            self.outgoing = Rc::default();
            self.previews = Rc::default();
            self.files_accepted = None;
            self.network = NetworkState::Offline;
            self.network_view = None;
            self.holding = None;
            self.revocations = ListAge::Fresh;
        }
        // Of the node before: the next one says it again if it is still so.
        self.is_certificate_refused = false;
        self.store_trouble = None;
        self.phase = phase;
    }

    fn apply_node(&mut self, event: node::Event) {
        match event {
            node::Event::NetworkChanged(state) => self.network = state,
            node::Event::ContactChanged(view) => {
                if self.contact_refusal.as_ref().is_some_and(|(typed, _)| typed.trim() == view.user.as_str()) {
                    self.contact_refusal = None;
                }
                Rc::make_mut(&mut self.contacts).insert(view.user.clone(), Rc::new(view));
            }
            node::Event::ContactRefused { typed, why } => self.contact_refusal = Some((typed, why)),
            node::Event::MessageAdded { with, message } => {
                if message.direction == Direction::In {
                    let text = message.file.as_ref().map_or(&message.text, |file| &file.name).clone();
                    self.tell(News::Came { from: with.clone(), text });
                }
                self.chat(with).add(message);
            }
            node::Event::MessageChanged { with, id, state } => {
                if matches!(state, MessageState::Failed | MessageState::Expired) {
                    self.tell(News::Failed { to: with.clone() });
                }
                self.chat(with).change(id, state);
            }
            node::Event::ReadUpTo { with, seq } => self.chat(with).read_up_to(seq),
            node::Event::GapChanged { with, seq, gap_before } => self.chat(with).set_gap(seq, gap_before),
            node::Event::MessagesLoaded { with, messages, complete } => self.chat(with).load(messages, complete),
            node::Event::SendRefused { to, text, why } => {
                let number = self.returned.as_ref().map_or(0, |(.., number)| number + 1);
                self.returned = Some((to, text, why, number));
            }
            node::Event::StoreTrouble { full, working } => self.store_trouble = (!working).then_some(full),
            node::Event::RevocationsAged(age) => self.revocations = age,
            node::Event::Superseded => self.enter(Phase::Superseded),
            node::Event::CertificateRefused => self.is_certificate_refused = true,
            node::Event::NetworkViewed(view) => self.network_view = Some(Rc::from(view)),
            node::Event::MessageHeld { with, id, holders, sealing, available } => self.chat(with).hold(id, holders, sealing, available),
            node::Event::HoldingChanged(view) => self.holding = Some(view),
            node::Event::FileChanged { with, id, progress } => self.chat(with).change_file(id, progress),
            node::Event::FileRefused { to, name, why } => Rc::make_mut(&mut self.outgoing).trouble(to, name, FileProblem::Refused(why)),
            node::Event::FilesAccepted { bytes } => self.files_accepted = Some(bytes),
            // The engine's business.
            node::Event::RevocationsBehind => {}
        }
    }

    fn tell(&mut self, news: News) {
        let number = self.news.as_ref().map_or(0, |(number, _)| number + 1);
        self.news = Some((number, news));
    }

    fn chat(&mut self, with: UserId) -> &mut Chat {
        Rc::make_mut(Rc::make_mut(&mut self.chats).entry(with).or_default())
    }
}
