//! One link: a peer connection, its channels, and a queue in which its asynchronous steps run one after the other.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use b4_protocol::limits::CANDIDATES_MAX;
use b4_protocol::node::{Input, LinkEnd, LinkId};
use b4_protocol::session::LIVE;
use b4_protocol::signal::relay::IceServer;
use gloo::events::EventListener;
use js_sys::{ArrayBuffer, Promise};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Event, MessageEvent, RtcDataChannel, RtcDataChannelEvent, RtcDataChannelState, RtcIceCandidateInit, RtcPeerConnection,
    RtcPeerConnectionIceEvent, RtcPeerConnectionState, RtcSdpType, RtcSessionDescriptionInit,
};

use super::{BulkFact, Home, Table, config};
use crate::platform::{PlatformError, js};

/// Steps that may wait: the description and the candidates. Further ones are dropped; the core does not order more.
const STEPS_MAX: usize = CANDIDATES_MAX + 2;

/// Messages held until all channels are open; an honest end sends one before it is answered.
const HELD_MAX: usize = 16;

/// One asynchronous step of setting up.
pub(super) enum Step {
    /// Make and set the local offer.
    Offer,
    /// Take the remote offer, make and set the local answer.
    Answer(String),
    /// Take the remote answer.
    Accept(String),
    /// Take a remote candidate.
    Candidate(String),
}

/// One link.
pub(super) struct Link {
    home: Home,
    peer: RtcPeerConnection,
    /// In the order of `config::CHANNELS`.
    channels: Vec<RtcDataChannel>,
    /// The channel `bulk`, once there is one; without it where it was handed over.
    bulk: OnceCell<Option<RtcDataChannel>>,
    /// How many of them are open.
    open: Cell<usize>,
    /// What came before all of them were: told after that. At most as much as the other end may send before it is answered.
    held: RefCell<Vec<(u16, Vec<u8>)>>,
    steps: RefCell<VecDeque<Step>>,
    stepping: Cell<bool>,
    closed: Cell<bool>,
    /// Local candidates found before the description was told; `None` once it was.
    early: RefCell<Option<Vec<String>>>,
    /// Remote candidates that came before the remote description; `None` once it is set.
    waiting: RefCell<Option<Vec<String>>>,
    listeners: RefCell<Vec<EventListener>>,
}

impl Link {
    /// Makes the connection and listens to it.
    pub(super) fn new(id: LinkId, ice: &[IceServer], table: &Rc<Table>) -> Result<Rc<Self>, PlatformError> {
        let (peer, channels) = config::connection(ice)?;
        let link = Rc::new(Self {
            home: Home { table: Rc::downgrade(table), id },
            peer,
            channels,
            bulk: OnceCell::new(),
            open: Cell::new(0),
            held: RefCell::new(Vec::new()),
            steps: RefCell::new(VecDeque::new()),
            stepping: Cell::new(false),
            closed: Cell::new(false),
            early: RefCell::new(Some(Vec::new())),
            waiting: RefCell::new(Some(Vec::new())),
            listeners: RefCell::new(Vec::new()),
        });
        link.listen_to_peer();
        link.listen_to_channels();
        Ok(link)
    }

    /// Puts a step behind those that wait, and begins if none is under way.
    pub(super) fn enqueue(self: &Rc<Self>, step: Step) {
        if self.closed.get() || self.steps.borrow().len() >= STEPS_MAX {
            return;
        }
        self.steps.borrow_mut().push_back(step);
        if !self.stepping.replace(true) {
            js::spawn(Rc::clone(self).run_steps());
        }
    }

    /// Sends one message over the channel of this number.
    pub(super) fn send(&self, number: u16, frame: &[u8]) -> Result<(), PlatformError> {
        let channel = self.channel(number).ok_or(PlatformError::Unexpected("the channel"))?;
        channel.send_with_u8_array(frame).map_err(PlatformError::at("send"))
    }

    /// Makes the channel `bulk` unless there is one, and offers it to `take` in the same task: later, browsers do not hand a channel over.
    /// What is not taken is listened to here. True where it was taken, now or before.
    pub(super) fn make_bulk(self: &Rc<Self>, take: impl FnOnce(&RtcDataChannel) -> bool) -> Result<bool, PlatformError> {
        if let Some(made) = self.bulk.get() {
            return Ok(made.is_none());
        }
        let channel = config::bulk(&self.peer)?;
        let kept = if take(&channel) { None } else { Some(channel) };
        let is_taken = kept.is_none();
        self.bulk.get_or_init(|| kept);
        self.listen_to_bulk();
        Ok(is_taken)
    }

    /// Sends one record over the channel `bulk`.
    pub(super) fn send_bulk(&self, record: &ArrayBuffer) -> Result<(), PlatformError> {
        let channel = self.bulk_channel().ok_or(PlatformError::Unexpected("the channel"))?;
        channel.send_with_array_buffer(record).map_err(PlatformError::at("send"))
    }

    /// The channel `bulk`, if it is here and open.
    pub(super) fn bulk_channel(&self) -> Option<&RtcDataChannel> {
        self.bulk.get()?.as_ref().filter(|channel| channel.ready_state() == RtcDataChannelState::Open)
    }

    /// Bytes of a message at most that the other end takes, as the browser says; 16 KiB, which all take, where it does not.
    pub(super) fn message_bytes_max(&self) -> f64 {
        const ALL_TAKE: f64 = 16.0 * 1024.0;
        js::field(&js::field(&self.peer, "sctp"), "maxMessageSize").as_f64().unwrap_or(ALL_TAKE)
    }

    fn channel(&self, number: u16) -> Option<&RtcDataChannel> {
        let place = config::CHANNELS.iter().position(|(_, id)| *id == number)?;
        self.channels.get(place)
    }

    /// Silences and closes everything. What was sent before is still written where the browser can.
    pub(super) fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        self.listeners.borrow_mut().clear();
        self.steps.borrow_mut().clear();
        self.channels.iter().chain(self.bulk.get().into_iter().flatten()).for_each(RtcDataChannel::close);
        self.peer.close();
    }

    async fn run_steps(self: Rc<Self>) {
        loop {
            let next = self.steps.borrow_mut().pop_front();
            let Some(step) = next else { break };
            let done = self.run(step).await;
            if self.closed.get() {
                break;
            }
            if done.is_err() {
                self.home.end(LinkEnd::Refused);
                break;
            }
        }
        self.stepping.set(false);
    }

    async fn run(&self, step: Step) -> Result<(), PlatformError> {
        match step {
            Step::Offer => self.describe(self.peer.create_offer()).await,
            Step::Answer(sdp) => {
                self.set_remote(RtcSdpType::Offer, &sdp).await?;
                self.describe(self.peer.create_answer()).await
            }
            Step::Accept(sdp) => self.set_remote(RtcSdpType::Answer, &sdp).await,
            Step::Candidate(candidate) => {
                self.add_candidate(&candidate).await;
                Ok(())
            }
        }
    }

    /// Sets the local description and tells it at once, without its candidates: they follow one by one.
    async fn describe(&self, made: Promise) -> Result<(), PlatformError> {
        let description: RtcSessionDescriptionInit = js::settled("createDescription", made).await?.unchecked_into();
        js::settled("setLocalDescription", self.peer.set_local_description(&description)).await?;
        if self.closed.get() {
            return Ok(());
        }
        let sdp = description.get_sdp().ok_or(PlatformError::Unexpected("the description"))?;
        self.home.send(Input::LinkDescribed { link: self.home.id, sdp });
        let early = self.early.borrow_mut().take();
        for candidate in early.into_iter().flatten() {
            self.home.send(Input::LinkCandidate { link: self.home.id, candidate });
        }
        Ok(())
    }

    async fn set_remote(&self, kind: RtcSdpType, sdp: &str) -> Result<(), PlatformError> {
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp);
        js::settled("setRemoteDescription", self.peer.set_remote_description(&description)).await?;
        let waiting = self.waiting.borrow_mut().take();
        for candidate in waiting.into_iter().flatten() {
            self.add_candidate(&candidate).await;
        }
        Ok(())
    }

    /// One that this browser cannot use is one way less, and not the end: the others may do.
    async fn add_candidate(&self, candidate: &str) {
        if let Some(waiting) = &mut *self.waiting.borrow_mut() {
            if waiting.len() < CANDIDATES_MAX {
                waiting.push(candidate.to_owned());
            }
            return;
        }
        let init = RtcIceCandidateInit::new(candidate);
        init.set_sdp_m_line_index(Some(0));
        let added = self.peer.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init));
        let _ = js::settled("addIceCandidate", added).await;
    }

    fn listen_to_peer(self: &Rc<Self>) {
        let peer = &self.peer;
        self.listen(peer, "icecandidate", |link, event| {
            let found = event.dyn_ref::<RtcPeerConnectionIceEvent>().and_then(RtcPeerConnectionIceEvent::candidate);
            // An empty one marks the end of the candidates; nobody waits for that.
            if let Some(candidate) = found.map(|found| found.candidate()).filter(|candidate| !candidate.is_empty()) {
                link.candidate_found(candidate);
            }
        });
        self.listen(peer, "connectionstatechange", |link, _| {
            if link.peer.connection_state() == RtcPeerConnectionState::Failed {
                link.home.end(LinkEnd::Unreachable);
            }
        });
        // All channels are agreed beforehand: one that the other end opens on top has no business here.
        self.listen(peer, "datachannel", |_, event| {
            if let Some(event) = event.dyn_ref::<RtcDataChannelEvent>() {
                event.channel().close();
            }
        });
    }

    fn listen_to_channels(self: &Rc<Self>) {
        for (channel, (_, number)) in self.channels.iter().zip(config::CHANNELS) {
            self.listen(channel, "open", |link, _| {
                link.open.set(link.open.get() + 1);
                if link.is_open() {
                    link.home.send(Input::LinkOpened { link: link.home.id });
                    link.held.take().into_iter().for_each(|(channel, frame)| link.heard(channel, frame));
                }
            });
            self.listen(channel, "message", move |link, event| {
                if let Some(frame) = link.message(event) {
                    link.heard(number, js::bytes(&frame));
                }
            });
            if number == LIVE {
                self.listen(channel, "bufferedamountlow", |link, _| link.home.send(Input::LinkDrained { link: link.home.id }));
            }
            self.listen(channel, "close", |link, _| link.home.end(LinkEnd::Closed));
        }
    }

    fn listen_to_bulk(self: &Rc<Self>) {
        let Some(Some(channel)) = self.bulk.get() else { return };
        self.listen(channel, "message", |link, event| {
            if let Some(record) = link.message(event) {
                link.home.bulk(BulkFact::Came(record));
            }
        });
        ["open", "bufferedamountlow"].into_iter().for_each(|name| self.listen(channel, name, |link, _| link.home.bulk(BulkFact::Low)));
        self.listen(channel, "close", |link, _| link.home.end(LinkEnd::Closed));
    }

    /// The bytes of a message. Text is none of ours: whoever sends it does not speak B4.
    fn message(&self, event: &Event) -> Option<ArrayBuffer> {
        let data = event.dyn_ref::<MessageEvent>().map_or(JsValue::UNDEFINED, MessageEvent::data);
        let bytes = data.dyn_into().ok();
        if bytes.is_none() {
            self.home.end(LinkEnd::Closed);
        }
        bytes
    }

    fn is_open(&self) -> bool {
        self.open.get() == config::CHANNELS.len()
    }

    fn heard(&self, channel: u16, frame: Vec<u8>) {
        if self.is_open() {
            self.home.send(Input::LinkFrame { link: self.home.id, channel, frame });
        } else if self.held.borrow().len() < HELD_MAX {
            self.held.borrow_mut().push((channel, frame));
        } else {
            self.home.end(LinkEnd::Closed);
        }
    }

    fn listen(self: &Rc<Self>, target: &web_sys::EventTarget, name: &'static str, heard: impl Fn(&Self, &Event) + 'static) {
        // Weak: the link holds its listeners.
        let link = Rc::downgrade(self);
        let listener = EventListener::new(target, name, move |event| {
            if let Some(link) = link.upgrade().filter(|link| !link.closed.get()) {
                heard(&link, event);
            }
        });
        self.listeners.borrow_mut().push(listener);
    }

    fn candidate_found(&self, candidate: String) {
        if let Some(early) = &mut *self.early.borrow_mut() {
            early.push(candidate);
            return;
        }
        self.home.send(Input::LinkCandidate { link: self.home.id, candidate });
    }
}
