//! Two links of this page connect to each other over real WebRTC, driven as the core drives them.
#![cfg(target_arch = "wasm32")]

#[path = "support/heard.rs"]
mod heard;

use b4::platform::rtc::{Links, connections_made};
use b4::platform::{is_handheld, names_handheld};
use b4::platform::Pause;
use b4_protocol::session::{CHANNELS, COLLECT, DEPOSIT, LIVE};
use b4_protocol::node::{Input, LinkEnd, LinkId};
use b4_protocol::signal::relay::IceServer;
use heard::Heard;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const ID: LinkId = LinkId(7);

/// One end: its links and what they said.
struct End {
    links: Links,
    heard: Heard,
}

#[wasm_bindgen_test]
async fn two_links_connect_and_frames_come_whole_and_in_order() {
    let (offerer, answerer) = connected().await;
    for number in 0..200_u16 {
        offerer.links.send(ID, LIVE, &[number.to_be_bytes().as_slice(), &vec![9; usize::from(number) * 80]].concat());
    }
    for number in 0..200_u16 {
        let frame = answerer.frame().await;
        assert_eq!(frame[..2], number.to_be_bytes());
        assert_eq!(frame.len(), 2 + usize::from(number) * 80);
    }
    answerer.links.send(ID, LIVE, b"back");
    assert_eq!(offerer.frame().await, b"back");
}

#[wasm_bindgen_test]
async fn a_link_that_the_other_end_closes_says_so_once_and_the_closed_one_is_silent() {
    let (offerer, answerer) = connected().await;
    offerer.links.send(ID, LIVE, b"the last words");
    offerer.links.close(ID);
    assert_eq!(answerer.frame().await, b"the last words");
    match answerer.heard.next().await {
        Input::LinkClosed { link: ID, end: LinkEnd::Closed } => {}
        other => panic!("a closed link said {other:?}"),
    }
    answerer.links.send(ID, LIVE, b"to nobody");
    Pause::for_ms(200).await;
    assert_eq!((offerer.heard.waiting(), answerer.heard.waiting()), (0, 0));
}

#[wasm_bindgen_test]
async fn much_at_once_drains() {
    let (offerer, answerer) = connected().await;
    for _ in 0..64 {
        offerer.links.send(ID, LIVE, &[3; 16 * 1024]);
    }
    for _ in 0..64 {
        assert_eq!(answerer.frame().await.len(), 16 * 1024);
    }
    match offerer.heard.next().await {
        Input::LinkDrained { link: ID } => {}
        other => panic!("a drained link said {other:?}"),
    }
}

/// Channels are served in turn: what is written last to a channel that is empty overtakes what waits on those that are full.
#[wasm_bindgen_test]
async fn much_on_one_channel_does_not_hold_up_the_others() {
    const BULK: usize = 128;
    for full in [DEPOSIT, COLLECT] {
        let (offerer, answerer) = connected().await;
        for _ in 0..BULK {
            offerer.links.send(ID, full, &[3; 16 * 1024]);
        }
        let others: Vec<u16> = CHANNELS.into_iter().filter(|channel| *channel != full).collect();
        for channel in &others {
            offerer.links.send(ID, *channel, b"a word");
        }
        let mut before = Vec::new();
        while before.len() < BULK + others.len() {
            if let Input::LinkFrame { link: ID, channel, .. } = answerer.heard.next().await {
                before.push(channel);
            }
        }
        for channel in others {
            let place = before.iter().position(|heard| *heard == channel).expect("it came");
            assert!(place < BULK / 2, "a word on channel {channel} came after {place} of {BULK} frames on channel {full}");
        }
    }
}

#[wasm_bindgen_test]
async fn what_the_browser_refuses_ends_the_link() {
    let end = End::new();
    end.links.answer(ID, "v=0 nonsense".to_owned(), &[]);
    match end.heard.next().await {
        Input::LinkClosed { link: ID, end: LinkEnd::Refused } => {}
        other => panic!("a refused description was answered by {other:?}"),
    }
}

/// The browser takes a TURN server with its user and credential alone: it was given all three, or none.
#[wasm_bindgen_test]
async fn the_browser_is_given_the_ice_servers_with_user_and_credential() {
    let server = |url: &str, user_name: &str, credential: &str| IceServer {
        url: url.to_owned(),
        user_name: user_name.to_owned(),
        credential: credential.to_owned(),
    };
    let end = End::new();
    end.links.offer(ID, &[server("stun:127.0.0.1:9", "", ""), server("turn:127.0.0.1:9", "anna", "secret")]);
    assert!(end.described().await.contains("webrtc-datachannel"));
    for bad in [server("turn:127.0.0.1:9", "", ""), server("http://127.0.0.1:9", "", "")] {
        let end = End::new();
        end.links.offer(ID, &[bad]);
        match end.heard.next().await {
            Input::LinkClosed { link: ID, end: LinkEnd::Refused } => {}
            other => panic!("a server that is none was answered by {other:?}"),
        }
    }
}

#[wasm_bindgen_test]
async fn a_candidate_that_the_browser_cannot_use_ends_nothing() {
    let (offerer, answerer) = (End::new(), End::new());
    offerer.links.offer(ID, &[]);
    answerer.links.answer(ID, offerer.described().await, &[]);
    // One that waits for the answer, and one that comes behind it.
    offerer.links.candidate(ID, "candidate:nonsense".to_owned());
    offerer.links.accept(ID, answerer.described().await);
    offerer.links.candidate(ID, "candidate:nonsense".to_owned());
    meet(&offerer, &answerer).await;
}

#[wasm_bindgen_test]
async fn candidates_before_the_answer_wait_for_it() {
    let (offerer, answerer) = (End::new(), End::new());
    offerer.links.offer(ID, &[]);
    answerer.links.answer(ID, offerer.described().await, &[]);
    let answer = answerer.described().await;
    // All of the answerer's candidates first, then its answer.
    let mut early = 0;
    while early == 0 {
        if let Input::LinkCandidate { candidate, .. } = answerer.heard.next().await {
            offerer.links.candidate(ID, candidate);
            early += 1;
        }
    }
    offerer.links.accept(ID, answer);
    meet(&offerer, &answerer).await;
}

#[wasm_bindgen_test]
async fn every_connection_is_counted() {
    let before = connections_made();
    let end = End::new();
    end.links.offer(ID, &[]);
    end.links.close(ID);
    assert_eq!(connections_made(), before + 1);
    Pause::for_ms(100).await;
    assert_eq!(end.heard.waiting(), 0, "a closed link is silent");
}

impl End {
    fn new() -> Self {
        let heard = Heard::default();
        Self { links: Links::new(heard.inputs()), heard }
    }

    /// The description, which comes before any candidate.
    async fn described(&self) -> String {
        match self.heard.next().await {
            Input::LinkDescribed { link: ID, sdp } => sdp,
            other => panic!("the first that a link says is {other:?}"),
        }
    }

    async fn frame(&self) -> Vec<u8> {
        loop {
            match self.heard.next().await {
                Input::LinkFrame { link: ID, channel: LIVE, frame } => return frame,
                Input::LinkCandidate { .. } | Input::LinkDrained { .. } => {}
                other => panic!("instead of a frame came {other:?}"),
            }
        }
    }

    /// Hands candidates on to `other` until this end is open.
    async fn open(&self, other: &Links) {
        loop {
            match self.heard.next().await {
                Input::LinkOpened { link: ID } => return,
                Input::LinkCandidate { link: ID, candidate } => {
                    assert!(candidate.starts_with("candidate:"), "{candidate}");
                    other.candidate(ID, candidate);
                }
                other => panic!("while connecting came {other:?}"),
            }
        }
    }
}

async fn connected() -> (End, End) {
    let (offerer, answerer) = (End::new(), End::new());
    offerer.links.offer(ID, &[]);
    answerer.links.answer(ID, offerer.described().await, &[]);
    offerer.links.accept(ID, answerer.described().await);
    meet(&offerer, &answerer).await;
    (offerer, answerer)
}

/// Both ends at once: each needs the other's candidates.
async fn meet(offerer: &End, answerer: &End) {
    use std::pin::pin;
    use std::task::Poll;
    let (mut one, mut two) = (pin!(offerer.open(&answerer.links)), pin!(answerer.open(&offerer.links)));
    let (mut one_open, mut two_open) = (false, false);
    std::future::poll_fn(|context| {
        one_open = one_open || one.as_mut().poll(context).is_ready();
        two_open = two_open || two.as_mut().poll(context).is_ready();
        if one_open && two_open { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[wasm_bindgen_test]
fn a_phone_is_known_by_what_its_browser_says_of_itself() {
    let chromium = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";
    let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
    let firefox = "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0";
    assert!([chromium, safari, firefox].into_iter().all(names_handheld));
    assert!(!names_handheld("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"));
    assert!(!is_handheld(), "where tests run");
}
