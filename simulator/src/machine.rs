//! One machine of a world: a node, its disk, its keys, and what its screen has shown.

use std::collections::BTreeMap;

use b4_protocol::chat::MessageId;
use b4_protocol::crypto::Rng;
use b4_protocol::identity::{NodeId, UserId};
use b4_protocol::identity::testing::TestDevice;
use b4_protocol::node::{ContactView, Direction, Event, FileView, HoldingView, MessageState, MessageView, NetworkState, Node, Sealing};

use crate::store::{DiskFault, MemoryStore};
use crate::world::{FileDisk, Hostile};

/// A message as the screen has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMessage {
    /// In the conversation.
    pub order: u64,
    /// Which way.
    pub direction: Direction,
    /// Its text.
    pub text: String,
    /// Its state now.
    pub state: MessageState,
    /// How many are missing before it.
    pub gap_before: u32,
    /// Who has signed that they keep it.
    pub holders: Vec<NodeId>,
    /// What sealed it.
    pub sealing: Sealing,
    /// The file that it offers.
    pub file: Option<Box<FileView>>,
}

/// What a screen has shown since the machine was last started.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Whether others can be found.
    pub network: NetworkState,
    /// Contacts as last shown.
    pub contacts: BTreeMap<UserId, ContactView>,
    /// Conversations as shown, by message id.
    pub messages: BTreeMap<UserId, BTreeMap<[u8; 16], ShownMessage>>,
    /// Messages that were added twice: never.
    pub shown_twice: Vec<String>,
    /// What is kept for others.
    pub holding: HoldingView,
    /// All other events, in order.
    pub events: Vec<Event>,
}

impl Seen {
    /// Takes one event.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::NetworkChanged(state) => self.network = state,
            Event::ContactChanged(view) => {
                self.contacts.insert(view.user.clone(), view);
            }
            Event::MessageAdded { with, message } => {
                if self.insert(with, &message) {
                    self.shown_twice.push(message.text);
                }
            }
            Event::MessageChanged { with, id, state } => {
                if let Some(message) = self.messages.get_mut(&with).and_then(|all| all.get_mut(&id.0)) {
                    message.state = state;
                }
            }
            Event::MessagesLoaded { with, messages, .. } => {
                for message in &messages {
                    self.insert(with.clone(), message);
                }
            }
            Event::MessageHeld { with, id, holders, .. } => {
                if let Some(message) = self.messages.get_mut(&with).and_then(|all| all.get_mut(&id.0)) {
                    message.holders = holders;
                }
            }
            Event::FileChanged { with, id, progress } => {
                let file = self.messages.get_mut(&with).and_then(|all| all.get_mut(&id.0)).and_then(|message| message.file.as_mut());
                if let Some(file) = file {
                    file.progress = progress;
                }
            }
            Event::HoldingChanged(view) => self.holding = view,
            other => self.events.push(other),
        }
    }

    /// Texts of one direction of a conversation, in the order of the screen.
    pub fn texts(&self, with: &UserId, direction: Direction) -> Vec<String> {
        let mut all: Vec<&ShownMessage> = self.messages.get(with).into_iter().flat_map(BTreeMap::values).collect();
        all.sort_by_key(|message| message.order);
        all.into_iter().filter(|message| message.direction == direction).map(|message| message.text.clone()).collect()
    }

    /// Files of a conversation, in the order of the screen: the ids of their messages, and what is shown.
    pub fn files(&self, with: &UserId) -> Vec<(MessageId, FileView)> {
        let all = self.messages.get(with).into_iter().flatten();
        let mut all: Vec<_> = all.filter_map(|(id, message)| Some((message.order, MessageId(*id), message.file.as_deref()?.clone()))).collect();
        all.sort_by_key(|(order, ..)| *order);
        all.into_iter().map(|(_, id, file)| (id, file)).collect()
    }

    /// States of one's own messages to somebody, in the order of the screen.
    pub fn states(&self, with: &UserId) -> Vec<MessageState> {
        let mut all: Vec<&ShownMessage> = self.messages.get(with).into_iter().flat_map(BTreeMap::values).collect();
        all.sort_by_key(|message| message.order);
        all.into_iter().filter(|message| message.direction == Direction::Out).map(|message| message.state).collect()
    }

    /// How many keep each of one's own messages to somebody, in the order of the screen.
    pub fn holders(&self, with: &UserId) -> Vec<usize> {
        let mut all: Vec<&ShownMessage> = self.messages.get(with).into_iter().flat_map(BTreeMap::values).collect();
        all.sort_by_key(|message| message.order);
        all.into_iter().filter(|message| message.direction == Direction::Out).map(|message| message.holders.len()).collect()
    }

    fn insert(&mut self, with: UserId, message: &MessageView) -> bool {
        let MessageView { id, order, direction, text, state, gap_before, holders, sealing, file, .. } = message.clone();
        let shown = ShownMessage { order, direction, text, state, gap_before, holders, sealing, file };
        self.messages.entry(with).or_default().insert(id.0, shown).is_some()
    }
}

/// One machine.
pub(crate) struct Machine {
    pub device: TestDevice,
    pub rng: Rng,
    pub node: Option<Node>,
    pub disk: MemoryStore,
    pub disk_fault: DiskFault,
    pub files: FileDisk,
    pub seen: Seen,
    /// The socket to the relay.
    pub socket: Option<u64>,
    /// Rises with every start: what was under way for an earlier one is dropped.
    pub life: u32,
    pub wake_at_ms: Option<u64>,
    /// Its timers come at multiples of this only; 1 for as they are.
    pub wakes_every_ms: u64,
    /// What it sends to others leaves so much later.
    pub slow_ms: u64,
    /// In place of a node: an enemy with a certificate.
    pub hostile: Option<Box<Hostile>>,
    /// How far its wall clock is off.
    pub clock_ms: i64,
}
