//! One conversation as the screen has it.

use std::rc::Rc;

use b4_protocol::chat::MessageId;
use b4_protocol::node::{Direction, MessageState, MessageView};
use b4_protocol::ordered::OrderedMap;

/// Messages by their place; each is shared, so that a changed one is told from the others by its pointer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chat {
    messages: OrderedMap<u64, Rc<MessageView>>,
    places: OrderedMap<MessageId, u64>,
    /// They have read mine up to this `MessageView::seq`.
    read_up_to: u64,
    /// The newest page was asked for and has come.
    pub is_loaded: bool,
    /// Nothing older exists.
    pub is_complete: bool,
}

impl Chat {
    /// All messages, ascending.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Rc<MessageView>> {
        self.messages.values()
    }

    /// How many are here.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether none is here.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The place of the oldest one here.
    pub fn oldest(&self) -> Option<u64> {
        self.messages.keys().next().copied()
    }

    /// A new message. One that is here already is replaced: it came with a page of history.
    pub(super) fn add(&mut self, message: MessageView) {
        self.places.insert(message.id, message.order);
        self.messages.insert(message.order, Rc::new(message));
    }

    /// A state changed. What is delivered after they told that they have read so far is read.
    pub(super) fn change(&mut self, id: MessageId, state: MessageState) {
        if let Some(message) = self.places.get(&id).and_then(|order| self.messages.get_mut(order)) {
            let is_read = state == MessageState::Delivered && message.seq <= self.read_up_to;
            Rc::make_mut(message).state = if is_read { MessageState::Read } else { state };
        }
    }

    /// All of mine up to `seq` that are delivered are read.
    pub(super) fn read_up_to(&mut self, seq: u64) {
        self.read_up_to = self.read_up_to.max(seq);
        let mine = |message: &&mut Rc<MessageView>| {
            message.direction == Direction::Out && message.state == MessageState::Delivered && message.seq <= seq
        };
        // From the newest back to the first that is read already: a long history is not walked for each receipt.
        let unread = |message: &&mut Rc<MessageView>| message.direction == Direction::In || message.state != MessageState::Read;
        for message in self.messages.iter_mut().rev().map(|(_, message)| message).take_while(unread).filter(mine) {
            Rc::make_mut(message).state = MessageState::Read;
        }
    }

    pub(super) fn set_gap(&mut self, seq: u64, gap_before: u32) {
        let theirs = |message: &&mut Rc<MessageView>| message.direction == Direction::In && message.seq == seq;
        if let Some(message) = self.messages.iter_mut().rev().map(|(_, message)| message).find(theirs) {
            Rc::make_mut(message).gap_before = gap_before;
        }
    }

    /// A page of history. What is here already is newer than the page.
    pub(super) fn load(&mut self, messages: Vec<MessageView>, complete: bool) {
        for message in messages {
            if !self.messages.contains_key(&message.order) {
                self.add(message);
            }
        }
        self.is_loaded = true;
        self.is_complete |= complete;
    }
}
