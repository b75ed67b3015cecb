//! Enemies with a certificate: true handshakes and sessions, and behind them whatever the test says.
//!
//! A hostile machine has no node. It dials through the relay, and says `Hello`, acknowledges, answers pings and whoever asks for its
//! certificate as a node does, so that it is taken for one; all else is the test's, its way with mail, too.

use std::collections::BTreeMap;

use b4_protocol::handshake::{AwaitM2, AwaitM4, Judge, start};
use b4_protocol::identity::NodeId;
use b4_protocol::identity::testing::TestDevice;
use b4_protocol::mailbox::{CollectMessage, DepositMessage};
use b4_protocol::node::{Input, LinkId};
use b4_protocol::ring::{Answer, Message, RingId, Route, Service, Side, Verdict};
use b4_protocol::session::{COLLECT, Content, DEPOSIT, LIVE, RING, Session};
use b4_protocol::signal::description::{Description, SdpKind};
use b4_protocol::signal::relay::{ClientFrame, RelayFrame};
use b4_protocol::signal::sealed::{Dial, DialId, Header, OfferDraft, SignalKind};

use super::{Event, NodeIndex, World};
use crate::end::End;

/// Where a link of an enemy is in its life.
enum Stage {
    Describing,
    AwaitingAnswer(Box<(AwaitM2, Dial)>),
    AwaitingChannel(Box<(AwaitM4, Vec<u8>)>),
    AwaitingM4(Box<AwaitM4>),
    Up(Box<Session>),
    Gone,
}

struct Line {
    to: NodeIndex,
    dial: DialId,
    stage: Stage,
}

/// What an enemy is told of mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailHeard {
    /// As one to leave mail with, or who leaves it.
    Deposit(DepositMessage),
    /// As one to collect it from, or who collects.
    Collect(CollectMessage),
}

/// An enemy's way with mail: who it is, who says what, and what it answers.
pub type Mailman = Box<dyn FnMut(&TestDevice, NodeIndex, &MailHeard) -> Vec<MailHeard>>;

impl MailHeard {
    fn sealed(&self) -> (u16, Content, Vec<u8>) {
        match self {
            Self::Deposit(message) => (DEPOSIT, Content::Deposit, message.encode()),
            Self::Collect(message) => (COLLECT, Content::Collect, message.encode()),
        }
    }
}

/// What an enemy has in place of a node.
#[derive(Default)]
pub(crate) struct Hostile {
    lines: BTreeMap<LinkId, Line>,
    /// Said first on each link.
    hello: Option<Message>,
    /// What it answers to requests of a service.
    answers: BTreeMap<Service, Vec<u8>>,
    /// Messages of the ring that came, but for pings and acknowledgements.
    heard: Vec<(NodeIndex, Message)>,
    mailman: Option<Mailman>,
    mail: Vec<(NodeIndex, MailHeard)>,
}

/// What an enemy at `me` says of itself to be taken for one of them: that it is linked to all of these.
pub fn honest_hello(me: RingId, others: &[RingId]) -> Message {
    let mut links = others.to_vec();
    links.sort();
    let near = Side::BOTH.map(|side| {
        let mut list = others.to_vec();
        list.sort_by_key(|id| side.way(me, *id));
        list
    });
    Message::Hello { links, near }
}

impl World {
    /// A machine for an enemy. `hello` is what it says of itself.
    pub fn hostile(&mut self, device: TestDevice, hello: Message) -> NodeIndex {
        let index = self.place(device);
        self.machines[index].hostile = Some(Box::new(Hostile { hello: Some(hello), ..Hostile::default() }));
        index
    }

    /// An enemy dials a machine, through the relay.
    pub fn hostile_dials(&mut self, from: NodeIndex, to: NodeIndex) {
        let link = LinkId(self.draw_number());
        let dial = DialId(self.rng.array());
        if let Some(hostile) = &mut self.machines[from].hostile {
            hostile.lines.insert(link, Line { to, dial, stage: Stage::Describing });
            self.describe(from, link, None);
        }
    }

    /// From now on an enemy answers all requests of a service with this; none are answered else.
    pub fn hostile_answers(&mut self, node: NodeIndex, service: Service, body: Vec<u8>) {
        if let Some(hostile) = &mut self.machines[node].hostile {
            hostile.answers.insert(service, body);
        }
    }

    /// From now on an enemy answers what it is told of mail so; nothing else.
    pub fn hostile_mailman(&mut self, node: NodeIndex, mailman: Mailman) {
        if let Some(hostile) = &mut self.machines[node].hostile {
            hostile.mailman = Some(mailman);
        }
    }

    /// What an enemy was told of mail, by whom.
    pub fn hostile_mail(&self, node: NodeIndex) -> &[(NodeIndex, MailHeard)] {
        self.machines[node].hostile.as_ref().map_or(&[], |hostile| hostile.mail.as_slice())
    }

    /// An enemy says something of mail in its session with a machine.
    pub fn hostile_posts(&mut self, from: NodeIndex, to: NodeIndex, message: &MailHeard) {
        let (channel, content, body) = message.sealed();
        self.hostile_sends(from, to, channel, content, &body);
    }

    /// An enemy says something in its session with a machine.
    pub fn hostile_says(&mut self, from: NodeIndex, to: NodeIndex, message: &Message) {
        self.hostile_sends(from, to, RING, Content::Ring, &message.encode());
    }

    /// An enemy sends any bytes in its session with a machine.
    pub fn hostile_sends(&mut self, from: NodeIndex, to: NodeIndex, channel: u16, content: Content, body: &[u8]) {
        let lines = self.machines[from].hostile.iter().flat_map(|hostile| &hostile.lines);
        let up = lines.filter(|(_, line)| line.to == to && matches!(line.stage, Stage::Up(_))).map(|(link, _)| *link).next_back();
        if let Some(link) = up {
            self.seal_and_send(from, link, channel, content, body);
        }
    }

    /// Whether an enemy has a session with a machine that neither has closed.
    pub fn is_hostile_up(&self, node: NodeIndex, to: NodeIndex) -> bool {
        let mut lines = self.machines[node].hostile.iter().flat_map(|hostile| hostile.lines.values());
        lines.any(|line| line.to == to && matches!(line.stage, Stage::Up(_)))
    }

    /// What an enemy was told over the ring, by whom.
    pub fn hostile_heard(&self, node: NodeIndex) -> &[(NodeIndex, Message)] {
        self.machines[node].hostile.as_ref().map_or(&[], |hostile| hostile.heard.as_slice())
    }

    /// Takes a sealed frame that a node wants handed to an enemy: the relay's place is taken.
    pub(super) fn is_for_hostile(&mut self, from: NodeIndex, frame: &[u8]) -> bool {
        let Ok(ClientFrame::Forward { to, body }) = ClientFrame::decode(frame) else { return false };
        let is_it = |node: &NodeIndex| self.machines[*node].hostile.is_some() && *self.node_id(*node) == to;
        let Some(hostile) = (0..self.machines.len()).find(is_it) else { return false };
        let frame = RelayFrame::Forwarded { from: *self.node_id(from), body }.encode();
        let (delay, life) = (self.latency(), self.machines[hostile].life);
        self.schedule(delay, Event::Input { node: hostile, life, input: Input::RelayFrame(frame) });
        true
    }

    fn node_id(&self, node: NodeIndex) -> &NodeId {
        self.machines[node].device.certificate.node_id()
    }

    pub(super) fn hostile_input(&mut self, node: NodeIndex, input: Input) {
        match input {
            Input::LinkDescribed { link, sdp } => self.hostile_offers(node, link, &sdp),
            Input::RelayFrame(frame) => {
                if let Ok(RelayFrame::Forwarded { body, .. }) = RelayFrame::decode(&frame) {
                    self.hostile_answered(node, &body);
                }
            }
            Input::LinkOpened { link } => {
                if let Some(Stage::AwaitingChannel(waiting)) = self.take_stage(node, link) {
                    let (handshake, m3) = *waiting;
                    self.put_stage(node, link, Stage::AwaitingM4(Box::new(handshake)));
                    self.send_frame(node, link, LIVE, m3);
                }
            }
            Input::LinkFrame { link, channel, frame } => self.hostile_frame(node, link, channel, &frame),
            Input::LinkClosed { link, .. } => {
                if let Some(hostile) = &mut self.machines[node].hostile {
                    hostile.lines.remove(&link);
                }
            }
            _ => {}
        }
    }

    fn hostile_offers(&mut self, node: NodeIndex, link: LinkId, sdp: &str) {
        let Some((to, dial)) = self.line_of(node, link) else { return };
        let Ok(description) = Description::from_sdp(sdp) else { return };
        let (own, target) = (self.machines[node].device.clone(), self.machines[to].device.certificate.clone());
        let wall_ms = self.now_at(node).wall;
        let handshake = start(&own.certificate, description.fingerprint, &mut self.rng);
        let draft = OfferDraft::new(*target.node_id(), target.wrapping_key(), dial, handshake.m1(), &description, wall_ms, &mut self.rng);
        let signed = own.keys.perform(&mut self.rng, &draft.key_op()).expect("keys sign");
        let (body, keys) = draft.finish(&signed).expect("an offer within its bound");
        self.put_stage(node, link, Stage::AwaitingAnswer(Box::new((handshake, keys))));
        let frame = RelayFrame::Forwarded { from: *own.certificate.node_id(), body }.encode();
        let (delay, life) = (self.latency(), self.machines[to].life);
        self.schedule(delay, Event::Input { node: to, life, input: Input::RelayFrame(frame) });
    }

    fn hostile_answered(&mut self, node: NodeIndex, body: &[u8]) {
        let Some((SignalKind::Answer, dial)) = Header::of_sealed(body) else { return };
        let mut lines = self.machines[node].hostile.iter().flat_map(|hostile| &hostile.lines);
        let Some(link) = lines.find(|(_, line)| line.dial == dial).map(|(link, _)| *link) else { return };
        let Some((to, _)) = self.line_of(node, link) else { return };
        let Some(Stage::AwaitingAnswer(waiting)) = self.take_stage(node, link) else { return };
        let (handshake, mut keys) = *waiting;
        let Ok((m2, description)) = keys.open_answer(body) else { return };
        let (own, peer) = (self.machines[node].device.clone(), *self.node_id(to));
        let judge = Judge { own: &own.certificate, anchor: self.authority.anchor(), revoked: None, now_ms: self.now_at(node).wall };
        let Ok((handshake, op)) = handshake.receive_m2(&m2, description.fingerprint, &peer, &judge) else { return };
        let unwrapped = own.keys.perform(&mut self.rng, &op);
        let Ok(waiting) = handshake.unwrapped(&unwrapped, &mut self.rng) else { return };
        self.put_stage(node, link, Stage::AwaitingChannel(Box::new(waiting)));
        if let Some(end) = self.ends.values_mut().find(|end| end.node == node && end.link == link) {
            end.remote = End::number_of(&description.to_sdp(SdpKind::Answer));
            end.has_candidate = true;
            let number = end.number;
            self.try_open(number);
        }
    }

    fn hostile_frame(&mut self, node: NodeIndex, link: LinkId, channel: u16, frame: &[u8]) {
        let now = self.now_at(node);
        match self.take_stage(node, link) {
            Some(Stage::AwaitingM4(handshake)) => {
                let Ok(established) = handshake.receive_m4(frame) else { return };
                let session = Session::new(established, self.rng.fork("hostile"), now);
                self.put_stage(node, link, Stage::Up(Box::new(session)));
                if let Some(hello) = self.machines[node].hostile.as_ref().and_then(|hostile| hostile.hello.clone()) {
                    self.seal_and_send(node, link, RING, Content::Ring, &hello.encode());
                }
            }
            Some(Stage::Up(mut session)) => {
                let Ok(opened) = session.open(channel, frame, now) else { return };
                self.put_stage(node, link, Stage::Up(session));
                for (channel, frame) in opened.replies {
                    self.send_frame(node, link, channel, frame);
                }
                match opened.body {
                    Some((Content::Ping, token)) => self.seal_and_send(node, link, LIVE, Content::Pong, &token),
                    Some((Content::Ring, body)) => self.hostile_told(node, link, &body),
                    Some((Content::Deposit, body)) => {
                        self.hostile_mailed(node, link, DepositMessage::decode(&body).ok().map(MailHeard::Deposit));
                    }
                    Some((Content::Collect, body)) => {
                        self.hostile_mailed(node, link, CollectMessage::decode(&body).ok().map(MailHeard::Collect));
                    }
                    _ => {}
                }
            }
            Some(other) => self.put_stage(node, link, other),
            None => {}
        }
    }

    fn hostile_told(&mut self, node: NodeIndex, link: LinkId, body: &[u8]) {
        let (Ok(message), Some((by, _))) = (Message::decode(body), self.line_of(node, link)) else { return };
        for reply in self.hostile_replies(node, &message) {
            self.seal_and_send(node, link, RING, Content::Ring, &reply.encode());
        }
        let Some(hostile) = &mut self.machines[node].hostile else { return };
        if !matches!(message, Message::Ping { .. } | Message::Pong { .. } | Message::Ack { .. }) {
            hostile.heard.push((by, message));
        }
    }

    fn hostile_mailed(&mut self, node: NodeIndex, link: LinkId, message: Option<MailHeard>) {
        let (Some(message), Some((by, _))) = (message, self.line_of(node, link)) else { return };
        let machine = &mut self.machines[node];
        let Some(hostile) = &mut machine.hostile else { return };
        let answers = hostile.mailman.as_mut().map(|mailman| mailman(&machine.device, by, &message)).unwrap_or_default();
        hostile.mail.push((by, message));
        for answer in answers {
            let (channel, content, body) = answer.sealed();
            self.seal_and_send(node, link, channel, content, &body);
        }
    }

    fn hostile_replies(&self, node: NodeIndex, message: &Message) -> Vec<Message> {
        match message {
            Message::Ping { token } => vec![Message::Pong { token: *token }],
            Message::Route(route) => {
                let answer = self.hostile_answer(node, route).map(|body| Message::Reply {
                    path: route.path,
                    answer: Answer {
                        hops: route.hops,
                        by: RingId::of_node(self.node_id(node)),
                        verdict: Verdict::Answered,
                        body,
                    },
                });
                [Message::Ack { number: route.number }].into_iter().chain(answer).collect()
            }
            _ => Vec::new(),
        }
    }

    fn hostile_answer(&self, node: NodeIndex, route: &Route) -> Option<Vec<u8>> {
        let machine = &self.machines[node];
        let certificate = &machine.device.certificate;
        if route.service == Service::Certificate && route.key == RingId::of_node(certificate.node_id()) {
            return Some(certificate.der().to_vec());
        }
        machine.hostile.as_ref().and_then(|hostile| hostile.answers.get(&route.service)).cloned()
    }

    fn seal_and_send(&mut self, node: NodeIndex, link: LinkId, channel: u16, content: Content, body: &[u8]) {
        let now = self.now_at(node);
        let line = self.machines[node].hostile.as_mut().and_then(|hostile| hostile.lines.get_mut(&link));
        let Some(Stage::Up(session)) = line.map(|line| &mut line.stage) else { return };
        let records = session.seal(channel, content, body, now);
        let rekey = session.take_waiting();
        rekey.into_iter().for_each(|record| self.send_frame(node, link, LIVE, record));
        records.into_iter().for_each(|record| self.send_frame(node, link, channel, record));
    }

    fn line_of(&self, node: NodeIndex, link: LinkId) -> Option<(NodeIndex, DialId)> {
        self.machines[node].hostile.as_ref().and_then(|hostile| hostile.lines.get(&link)).map(|line| (line.to, line.dial))
    }

    fn take_stage(&mut self, node: NodeIndex, link: LinkId) -> Option<Stage> {
        let line = self.machines[node].hostile.as_mut()?.lines.get_mut(&link)?;
        Some(std::mem::replace(&mut line.stage, Stage::Gone))
    }

    fn put_stage(&mut self, node: NodeIndex, link: LinkId, stage: Stage) {
        if let Some(line) = self.machines[node].hostile.as_mut().and_then(|hostile| hostile.lines.get_mut(&link)) {
            line.stage = stage;
        }
    }
}
