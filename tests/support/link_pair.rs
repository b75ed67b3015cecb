//! Two ends of this page that are linked over real WebRTC, each with its files.

use b4::platform::{Inputs, Pause};
use b4::platform::files::Files;
use b4::platform::rtc::Links;
use b4_protocol::node::{Input, LinkId};
use web_sys::{RtcDataChannel, RtcDataChannelState};

use super::heard::Heard;

/// The link, as both call it.
pub const ID: LinkId = LinkId(7);

/// One end.
pub struct End {
    pub links: Links,
    pub files: Files,
    pub heard: Heard,
}

impl End {
    fn new() -> Self {
        let heard = Heard::default();
        let inputs: Inputs = heard.inputs();
        let links = Links::new(inputs.clone());
        Self { files: Files::new(inputs, links.bulk()), links, heard }
    }

    /// The next that is neither a candidate nor a drained channel.
    pub async fn next(&self) -> Input {
        loop {
            match self.heard.next().await {
                Input::LinkCandidate { .. } | Input::LinkDrained { .. } => {}
                other => return other,
            }
        }
    }

    /// The channel for files of this end, in the hands of whoever keeps no rules.
    pub async fn bulk(&self) -> RtcDataChannel {
        let mut made = None;
        self.links.bulk().make(ID, |channel| {
            made = Some(channel.clone());
            true
        });
        let channel = made.expect("it was not made before");
        while channel.ready_state() != RtcDataChannelState::Open {
            Pause::for_ms(5).await;
        }
        channel
    }

    async fn described(&self) -> String {
        match self.heard.next().await {
            Input::LinkDescribed { link: ID, sdp } => sdp,
            other => panic!("the first that a link says is {other:?}"),
        }
    }

    /// Hands candidates on to `other` until this end is open.
    async fn open(&self, other: &Links) {
        loop {
            match self.heard.next().await {
                Input::LinkOpened { link: ID } => return,
                Input::LinkCandidate { link: ID, candidate } => other.candidate(ID, candidate),
                other => panic!("while connecting came {other:?}"),
            }
        }
    }
}

/// Two ends, linked.
pub async fn linked() -> (End, End) {
    let (offerer, answerer) = (End::new(), End::new());
    offerer.links.offer(ID, &[]);
    answerer.links.answer(ID, offerer.described().await, &[]);
    offerer.links.accept(ID, answerer.described().await);
    futures_util::future::join(offerer.open(&answerer.links), answerer.open(&offerer.links)).await;
    (offerer, answerer)
}
