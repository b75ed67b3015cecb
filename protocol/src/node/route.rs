//! Where one room's outcome becomes another room's input, and nowhere else.

use super::directory::TAKEN;
use super::journal::Purpose;
use super::links::{self, DownReason};
use super::relay::{self, Asked};
use super::{Effect, Event, KeyUse, NetworkState, Node};
use crate::chat::MessageId;
use crate::crypto::{KeyOp, KeyOpResult, Ticket};
use crate::identity::UserId;
use crate::ring::{RingId, Standing};
use crate::session::Content;
use crate::store::Write;
use crate::time::Now;

impl Node {
    pub(super) fn route_relay(&mut self, outcomes: Vec<relay::Outcome>, now: Now) {
        for outcome in outcomes {
            match outcome {
                relay::Outcome::Connect => self.effects.push(Effect::RelayConnect),
                relay::Outcome::Send(frame) => self.effects.push(Effect::RelaySend(frame)),
                relay::Outcome::Close => self.effects.push(Effect::RelayClose),
                relay::Outcome::Sign(op) => self.ask_keys(KeyUse::RelayProof, op),
                relay::Outcome::State(state) => self.relay_changed(state, now),
                relay::Outcome::Answer { user, asked: Asked::Reach, presence, devices } => {
                    self.sought(&user, presence, &devices, now);
                }
                relay::Outcome::Answer { user, asked: Asked::Add, presence, devices } => {
                    self.found_to_add(user, presence, &devices, now);
                }
                relay::Outcome::NoAnswer { user, asked: Asked::Reach } => self.not_found_out(&user, now),
                relay::Outcome::NoAnswer { user, asked: Asked::Add } => self.directory_silent(&user, now),
                relay::Outcome::Forwarded { from, body } => {
                    let sender = links::Sender { charged: from, vouched: Some(from) };
                    self.link_input(now, |links, trust, _| links.forwarded(sender, body, trust, now));
                }
                relay::Outcome::Introduced { certificates } => self.introduced(&certificates, now),
                relay::Outcome::Undelivered { to } => self.link_input(now, |links, trust, ice| links.undelivered(&to, ice, trust, now)),
                relay::Outcome::Revocations { sequence } => {
                    if self.revoked.as_ref().is_some_and(|list| list.sequence() < sequence) {
                        self.notify(Event::RevocationsBehind);
                    }
                }
                relay::Outcome::Superseded => self.superseded(now),
                relay::Outcome::CertificateRefused => self.notify(Event::CertificateRefused),
            }
        }
    }

    pub(super) fn route_links(&mut self, outcomes: Vec<links::Outcome>, now: Now) {
        for outcome in outcomes {
            match outcome {
                links::Outcome::Effect(effect) => {
                    self.count_effect(&effect);
                    self.effects.push(effect);
                }
                links::Outcome::Key(op, order) => self.ask_keys(KeyUse::Link(op), order),
                links::Outcome::Forward { to, body } => self.forward_signal(to, body, now),
                links::Outcome::Up { peer } => {
                    self.session_up(&peer, now);
                    if self.links.is_up(peer.user_id()) {
                        self.ring_linked(peer.node_id(), now);
                        self.make_room(peer.user_id(), now);
                        self.tell_revoked(peer.user_id(), now);
                        self.mail_linked(&peer, now);
                        self.files_linked(peer.user_id(), now);
                        self.files_node_linked(RingId::of_node(peer.node_id()), now);
                    }
                }
                links::Outcome::Body { user, content, body } => self.body(&user, content, &body, now),
                links::Outcome::Down { user, node, reason } => {
                    self.ring_unlinked(&node, now);
                    self.mail_unlinked(&node, now);
                    self.files_node_unlinked(RingId::of_node(&node), now);
                    self.session_down(&user, reason, now);
                }
                links::Outcome::DialFailed { user, node, was_answered } => {
                    self.ring_dial_failed(&node, was_answered, now);
                    self.mail_unreachable(RingId::of_node(&node), now);
                    self.files_node_unreachable(RingId::of_node(&node), now);
                    self.dial_failed(&user, was_answered, now);
                }
            }
        }
    }

    pub(super) fn key_done(&mut self, ticket: Ticket, result: &KeyOpResult, now: Now) {
        match self.key_uses.remove(&ticket) {
            Some(KeyUse::RelayProof) => {
                let signature = result.as_ref().ok().map(|bytes| bytes.as_slice());
                self.relay_input(now, |relay| relay.signed(signature, now.mono));
            }
            Some(KeyUse::Statement(statement, draft)) => self.statement_signed(statement, draft, result, now),
            Some(KeyUse::Mail(use_)) => self.mail_key_done(use_, result, now),
            Some(KeyUse::Link(op)) => self.link_input(now, |links, trust, ice| links.key_done(op, result, ice, trust, now)),
            None => {}
        }
    }

    /// Orders writes and keeps them until they are durable.
    pub(super) fn store(&mut self, writes: Vec<Write>, purpose: Purpose) {
        if writes.is_empty() {
            return;
        }
        let ticket = self.draw_ticket();
        if let Some(writes) = self.journal.add(ticket, writes, purpose) {
            self.effects.push(Effect::Store { ticket, writes });
        }
    }

    /// Writes are durable: show, send and acknowledge what waited for them. One acknowledgement an author and call.
    pub(super) fn stored(&mut self, tickets: &[Ticket], now: Now) {
        let mut durable: Vec<(UserId, MessageId)> = Vec::new();
        let mut to_send: Vec<UserId> = Vec::new();
        for ticket in tickets {
            match self.journal.stored(*ticket) {
                Some(Purpose::Outgoing { user, view }) => {
                    self.outgoing_stored(&user, view);
                    to_send.push(user);
                }
                Some(Purpose::Incoming { user, view, gap_changed }) => {
                    durable.push((user.clone(), view.id));
                    self.incoming_stored(user, view, gap_changed, now);
                }
                Some(Purpose::Publication { path }) => self.ring_input(now, |ring, out| ring.answer(path, vec![TAKEN], now.mono, out)),
                Some(Purpose::Letter { id, user, author, incoming }) => {
                    let incoming = incoming.map(|incoming| *incoming);
                    durable.extend(incoming.iter().map(|(view, _)| (user.clone(), view.id)));
                    self.letter_stored(id, *author, incoming, now);
                }
                Some(Purpose::Word { id, from }) => self.word_stored(id, from, now),
                Some(Purpose::Deposit { mailbox, id }) => self.deposit_stored(&mailbox, id, now),
                Some(Purpose::Sealed { id, bucket }) => self.sealed_stored(id, bucket, now),
                Some(Purpose::File { id }) => self.file_stored(id, now),
                Some(Purpose::Prekey { prekey }) => self.prekey_stored(&prekey, now),
                Some(Purpose::Quiet) | None => {}
            }
        }
        if self.has_store_trouble {
            self.has_store_trouble = false;
            self.notify(Event::StoreTrouble { full: false, working: true });
            self.mail_again(now);
        }
        to_send.dedup();
        for user in to_send {
            self.flush(&user, now);
            self.seek(&user, now);
            self.leave_mail(&user, now);
        }
        self.acknowledge(durable, now);
    }

    pub(super) fn store_failed(&mut self, full: bool, now: Now) {
        let is_first = self.journal.failed(now.mono);
        if full {
            for (mailbox, id) in self.journal.drop_deposits() {
                self.deposit_not_stored(&mailbox, id, now);
            }
        }
        if is_first && !self.has_store_trouble {
            self.has_store_trouble = true;
            self.notify(Event::StoreTrouble { full, working: false });
        }
    }

    /// Sends a body in the session with `user`, if there is one.
    pub(super) fn send_body(&mut self, user: &UserId, content: Content, body: &[u8], now: Now) -> bool {
        let mut outcomes = Vec::new();
        let is_sent = self.links.send(user, content, body, now, &mut outcomes);
        self.route_links(outcomes, now);
        is_sent
    }

    pub(super) fn ask_keys(&mut self, use_: KeyUse, op: KeyOp) {
        let ticket = self.draw_ticket();
        self.key_uses.insert(ticket, use_);
        self.effects.push(Effect::Key { ticket, op });
    }

    /// The relay came up or went.
    fn relay_changed(&mut self, state: NetworkState, now: Now) {
        self.relay_state = state;
        self.network_again(now);
        if state == NetworkState::Online {
            self.introduce(now);
            self.seek_all_now(now);
        }
        self.show_network_now(now);
    }

    /// Others can be found while there is a link to any of them, or the relay.
    pub(super) fn network_again(&mut self, now: Now) {
        let is_linked = self.ring.standing() != Standing::Alone;
        let state = if is_linked { NetworkState::Online } else { self.relay_state };
        let was = std::mem::replace(&mut self.network, state);
        if was != state {
            self.notify(Event::NetworkChanged(state));
            if state == NetworkState::Online {
                self.seek_all_now(now);
            }
        }
    }

    fn superseded(&mut self, now: Now) {
        self.notify(Event::Superseded);
        self.link_input(now, |links, _, _| links.leave(now));
        self.has_left = true;
    }

    fn session_down(&mut self, user: &UserId, reason: DownReason, now: Now) {
        if let Some(chat) = self.chats.get_mut(user) {
            let waiting = chat.session_lost();
            for id in waiting {
                let state = self.mail.state_of(id).map_or(super::MessageState::Queued, |(state, _)| state);
                self.notify(Event::MessageChanged { with: user.clone(), id, state });
            }
        }
        self.files_unlinked(user);
        self.lost(user, reason, now);
    }
}
