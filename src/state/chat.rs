//! One conversation as the screen has it.

use std::rc::Rc;

use b4_protocol::chat::{FileProgress, MessageId};
use b4_protocol::identity::NodeId;
use b4_protocol::limits::HOLDERS;
use b4_protocol::node::{Direction, MessageState, MessageView, Sealing};
use b4_protocol::ordered::OrderedMap;

/// Messages by their place; each is shared, so that a changed one is told from the others by its pointer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chat {
    messages: OrderedMap<u64, Rc<MessageView>>,
    places: OrderedMap<MessageId, u64>,
    /// They have read mine up to this `MessageView::seq`.
    read_up_to: u64,
    /// How many peers could keep mail for them, as was heard last.
    available: Option<u8>,
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

    /// How many peers there are that could keep this message, where it waits for more of them than there are.
    pub fn shortage(&self, message: &MessageView) -> Option<u8> {
        let is_waiting = matches!(message.state, MessageState::Queued | MessageState::Held) && message.holders.len() < HOLDERS;
        self.available.filter(|available| is_waiting && usize::from(*available) < HOLDERS)
    }

    /// How many peers keep what I wrote last, where it waits here for want of others who could keep it: the page has to stay open.
    pub fn kept_too_little(&self) -> Option<usize> {
        let newest = self.messages().rev().find(|message| message.direction == Direction::Out)?;
        self.shortage(newest).filter(|_| newest.state == MessageState::Queued).map(|_| newest.holders.len())
    }

    /// A new message. One that is here already is replaced: it came with a page of history.
    pub(super) fn add(&mut self, message: MessageView) {
        self.places.insert(message.id, message.order);
        self.messages.insert(message.order, Rc::new(message));
    }

    /// A state changed. What is delivered after they told that they have read so far is read; what waits no more is kept by nobody.
    pub(super) fn change(&mut self, id: MessageId, state: MessageState) {
        if let Some(message) = self.places.get(&id).and_then(|order| self.messages.get_mut(order)) {
            let is_read = state == MessageState::Delivered && message.seq <= self.read_up_to;
            let message = Rc::make_mut(message);
            message.state = if is_read { MessageState::Read } else { state };
            if !can_be_kept(message.state) {
                message.holders.clear();
            }
        }
    }

    /// Who keeps a message of mine now, and how many there are that could.
    pub(super) fn hold(&mut self, id: MessageId, holders: Vec<NodeId>, sealing: Sealing, available: u8) {
        self.available = Some(available);
        let message = self.places.get(&id).and_then(|order| self.messages.get_mut(order));
        if let Some(message) = message.filter(|message| can_be_kept(message.state)) {
            let message = Rc::make_mut(message);
            message.holders = holders;
            message.sealing = sealing;
        }
    }

    /// The file of a message has come further.
    pub(super) fn change_file(&mut self, id: MessageId, progress: FileProgress) {
        let message = self.places.get(&id).and_then(|order| self.messages.get_mut(order));
        if let Some(file) = message.and_then(|message| Rc::make_mut(message).file.as_mut()) {
            file.progress = progress;
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

/// Whether somebody may keep it still. A holder's word may come later than theirs that they have it.
fn can_be_kept(state: MessageState) -> bool {
    matches!(state, MessageState::Queued | MessageState::Sent | MessageState::Held)
}
