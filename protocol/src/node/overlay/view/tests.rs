//! What the node says of the network, against what its peers did: real sessions and a real ring, each fact by another way than the view's.

use super::*;
use crate::crypto::{Prk, Rng};
use crate::handshake::{Established, Role, SessionKeys};
use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use crate::identity::UserId;
use crate::limits::COPIES;
use crate::node::directory::Why;
use crate::node::{Command, Input, LinkId, NodeConfig};
use crate::ring::{Answer, Message, Route, Service, Standing, Verdict};
use crate::session::{Content, LIVE, Session};
use crate::time::MINUTE_MS;

const START: Now = Now { mono: 1_000, wall: NOW_MS };

fn after(ms: u64) -> Now {
    Now { mono: START.mono + ms, wall: START.wall + ms }
}

struct Peer {
    device: TestDevice,
    link: LinkId,
    end: Session,
}

impl Peer {
    fn place(&self) -> RingId {
        RingId::of_node(self.device.certificate.node_id())
    }
}

struct Stage {
    authority: TestAuthority,
    node: Node,
    /// In the order in which they were met.
    peers: Vec<Peer>,
    /// Bytes that left on the channels of the ring, and that came on them.
    bytes: (u64, u64),
}

/// One end of the session between anna and a peer.
fn end(role: Role, of: &TestDevice) -> Session {
    let keys = SessionKeys { role, transcript: [7; 32], prk: Prk::extract(b"salt", &[of.certificate.der()]) };
    Session::new(Established { peer: of.certificate.clone(), keys }, Rng::from_seed([8; 32]), START)
}

impl Stage {
    fn new() -> Self {
        let mut authority = TestAuthority::new([1; 32]);
        let config = NodeConfig::of(&authority.issue("anna", NOW_MS).certificate, authority.anchor(), Vec::new());
        let (node, _) = Node::new(config, START);
        Self { authority, node, peers: Vec::new(), bytes: (0, 0) }
    }

    /// So many devices, clockwise from anna.
    fn devices(&mut self, count: usize) -> Vec<TestDevice> {
        let me = self.node.ring.me();
        let mut devices: Vec<TestDevice> = (0..count).map(|number| self.authority.issue(&format!("peer{number}"), NOW_MS)).collect();
        devices.sort_by_key(|device| me.clockwise_to(RingId::of_node(device.certificate.node_id())));
        devices
    }

    /// A session with somebody begins; what the ring says to everybody then.
    fn meets(&mut self, device: TestDevice, now: Now) -> Vec<(usize, Message)> {
        self.node.link_input(now, |links, _, _| links.bring_up(end(Role::Initiator, &device), now));
        let link = self.node.links.link_of(device.certificate.user_id()).expect("a session");
        let end = end(Role::Responder, &device);
        self.peers.push(Peer { device, link, end });
        self.heard()
    }

    /// What the peers were told over the ring since, and which of them.
    fn heard(&mut self) -> Vec<(usize, Message)> {
        let effects = std::mem::take(&mut self.node.effects);
        self.said(effects)
    }

    fn said(&mut self, effects: Vec<Effect>) -> Vec<(usize, Message)> {
        let mut said = Vec::new();
        for effect in effects {
            let Effect::LinkSend { link, channel: RING, frame } = effect else { continue };
            self.bytes.0 += frame.len() as u64;
            let at = self.peers.iter().position(|peer| peer.link == link).expect("a link of somebody's");
            let opened = self.peers[at].end.open(RING, &frame, START).expect("an honest record");
            said.extend(opened.body.and_then(|(_, body)| Message::decode(&body).ok()).map(|message| (at, message)));
        }
        said
    }

    /// A peer says something over the ring, as a record on its channel.
    fn says(&mut self, at: usize, message: &Message, now: Now) -> Vec<(usize, Message)> {
        let records = self.peers[at].end.seal(RING, Content::Ring, &message.encode(), now);
        let link = self.peers[at].link;
        let mut said = Vec::new();
        for frame in records {
            self.bytes.1 += frame.len() as u64;
            let effects = self.node.handle(Input::LinkFrame { link, channel: RING, frame }, now);
            said.extend(self.said(effects));
        }
        said
    }

    /// Somebody who has just come says hello: whom they are linked to.
    fn greets(&mut self, at: usize, links: &[RingId], now: Now) {
        let mut links = links.to_vec();
        links.sort();
        self.says(at, &Message::Hello { links, near: [Vec::new(), Vec::new()] }, now);
    }

    fn view(&mut self, now: Now) -> NetworkView {
        let effects = self.node.handle(Input::Command(Command::WatchNetwork { on: true }), now);
        let view = effects.iter().find_map(|effect| if let Effect::Notify(Event::NetworkViewed(view)) = effect { Some((**view).clone()) } else { None });
        self.said(effects);
        view.expect("it is answered at once")
    }

    fn link(&mut self, at: usize, now: Now) -> LinkView {
        let node = *self.peers[at].device.certificate.node_id();
        self.view(now).links.into_iter().find(|link| link.node == node).expect("they are linked")
    }
}

/// The request that is among what was said, and to whom.
fn request(said: Vec<(usize, Message)>, service: Service) -> Option<(usize, Route)> {
    said.into_iter().find_map(|(at, message)| match message {
        Message::Route(route) if route.service == service => Some((at, *route)),
        _ => None,
    })
}

#[test]
fn the_view_names_everybody_linked_clockwise_each_with_their_age_and_their_own_round_trip() {
    let mut stage = Stage::new();
    let devices = stage.devices(4);
    let nodes: Vec<_> = devices.iter().map(|device| (*device.certificate.node_id(), device.certificate.user_id().clone())).collect();
    let mut pings = Vec::new();
    // Not met in the order in which they stand.
    for at in [2, 0, 3, 1] {
        let said = stage.meets(devices[at].clone(), after(100 * at as u64));
        pings.extend(said.into_iter().filter_map(|(to, message)| if let Message::Ping { token } = message { Some((to, token)) } else { None }));
    }
    assert_eq!(pings.len(), 4, "each is asked for a sign of life");
    let silent = stage.view(after(400));
    assert!(silent.links.iter().all(|link| link.rtt_ms.is_none()), "nothing was measured");
    for (to, token) in pings {
        let met_ms = 100 * [2, 0, 3, 1][to];
        stage.says(to, &Message::Pong { token }, after(met_ms + 40 * (to as u64 + 1)));
    }
    let view = stage.view(after(1_000));
    let shown: Vec<_> = view.links.iter().map(|link| (link.node, link.user.clone())).collect();
    assert_eq!(shown, nodes);
    assert_eq!(view.links.iter().map(|link| link.age_ms).collect::<Vec<_>>(), [1_000, 900, 800, 700]);
    assert_eq!(view.links.iter().map(|link| link.rtt_ms).collect::<Vec<_>>(), [Some(80), Some(160), Some(40), Some(120)]);
    assert_eq!((view.me, view.is_relay_up), (*stage.node.own.node_id(), false));
    assert_ne!(view.standing, Standing::Alone);
}

#[test]
fn how_many_there_are_and_are_known_counts_those_that_are_only_told_of() {
    let mut stage = Stage::new();
    let devices = stage.devices(5);
    let places: Vec<RingId> = devices.iter().map(|device| RingId::of_node(device.certificate.node_id())).collect();
    let alone = stage.view(START);
    assert_eq!((alone.known, alone.estimate, alone.standing), (0, 1, Standing::Alone));
    for device in devices.into_iter().take(3) {
        stage.meets(device, START);
    }
    let view = stage.view(START);
    assert_eq!((view.links.len(), view.known, view.estimate), (3, 3, 4));
    let me = stage.node.ring.me();
    stage.greets(0, &[places[3], places[4], me], START);
    let view = stage.view(START);
    assert_eq!((view.links.len(), view.known, view.estimate), (3, 5, 6), "two are known who are not linked, and I am nobody's stranger");
}

#[test]
fn the_five_who_keep_my_mail_are_those_behind_my_own_place_and_nobody_else() {
    let mut stage = Stage::new();
    for device in stage.devices(8) {
        stage.meets(device, START);
    }
    let key = RingId::of_user(stage.node.own.user_id());
    let mut expected: Vec<&Peer> = stage.peers.iter().collect();
    expected.sort_by_key(|peer| key.clockwise_to(peer.place()));
    let expected: Vec<_> = expected.into_iter().take(COPIES).map(|peer| *peer.device.certificate.node_id()).collect();
    let holders: Vec<_> = stage.view(START).links.into_iter().filter(|link| link.is_holder).map(|link| link.node).collect();
    assert_eq!(holders.len(), COPIES);
    assert!(holders.iter().all(|holder| expected.contains(holder)), "{holders:?}");
}

#[test]
fn a_link_is_a_chat_while_a_conversation_has_use_for_it() {
    let mut stage = Stage::new();
    for device in stage.devices(2) {
        stage.meets(device, START);
    }
    let user = stage.peers[1].device.certificate.user_id().clone();
    assert!(!stage.link(1, START).is_chat);
    stage.node.on_screen = Some(user);
    assert_eq!((stage.link(1, START).is_chat, stage.link(0, START).is_chat), (true, false));
    stage.node.on_screen = None;
    assert!(!stage.link(1, after(10 * MINUTE_MS)).is_chat);
}

#[test]
fn why_there_is_a_link_depends_on_where_they_stand_then_on_who_wanted_it() {
    let long = Reason::Long { stratum: 1, gap_log2: 100, until_ms: u64::MAX };
    let rows = [
        ([true, true], Reason::Theirs, false, LinkKind::Near(None)),
        ([true, false], Reason::Theirs, false, LinkKind::Near(Some(Side::Next))),
        ([false, true], long, true, LinkKind::Near(Some(Side::Previous))),
        ([false, false], long, false, LinkKind::Long),
        ([false, false], long, true, LinkKind::Long),
        ([false, false], Reason::Near, true, LinkKind::Small),
        ([false, false], Reason::Theirs, true, LinkKind::Small),
        ([false, false], Reason::Near, false, LinkKind::Once),
        ([false, false], Reason::Theirs, false, LinkKind::Theirs),
    ];
    for (is_beside, reason, is_small, expected) in rows {
        assert_eq!(kind(is_beside, reason, is_small), expected, "{is_beside:?} {reason:?} {is_small}");
    }
}

#[test]
fn in_a_small_ring_nobody_is_said_to_be_wanted_by_them_and_three_a_side_stand_beside() {
    use LinkKind::{Near, Small, Theirs};
    let (next, previous) = (Near(Some(Side::Next)), Near(Some(Side::Previous)));
    let kinds = |stage: &mut Stage| stage.view(START).links.iter().map(|link| link.kind).collect::<Vec<_>>();
    let mut stage = Stage::new();
    let devices = stage.devices(20);
    for device in devices.iter().take(4) {
        stage.meets(device.clone(), START);
    }
    assert_eq!(kinds(&mut stage), [next, Near(None), Near(None), previous], "of four, two are among the next three on both sides");
    for device in devices.iter().skip(4).take(5) {
        stage.meets(device.clone(), START);
    }
    assert_eq!(kinds(&mut stage), [next, next, next, Small, Small, Small, previous, previous, previous]);
    for device in devices.into_iter().skip(9) {
        stage.meets(device, START);
    }
    let expected = [vec![next; 3], vec![Theirs; 14], vec![previous; 3]].concat();
    assert_eq!(kinds(&mut stage), expected, "a ring of more than 17, and all of them dialled");
}

#[test]
fn bytes_are_those_of_whole_records_on_the_channels_of_the_ring_and_of_no_other() {
    let mut stage = Stage::new();
    for device in stage.devices(2) {
        stage.meets(device, START);
    }
    stage.greets(0, &[], START);
    let body = Message::Ping { token: 7 };
    stage.says(1, &body, START);
    stage.view(START);
    let (sent, received) = stage.bytes;
    assert_eq!(stage.view(START).ring_bytes, (sent, received));
    // A header of 11 bytes, a plaintext padded to 64 and a tag of 16: however little is said.
    assert!(sent >= 2 * 91 && received >= 2 * 91 && body.encode().len() < 16, "{sent} {received}");
    let link = stage.peers[0].link;
    for frame in stage.peers[0].end.seal(LIVE, Content::Ping, b"12345678", START) {
        let effects = stage.node.handle(Input::LinkFrame { link, channel: LIVE, frame }, START);
        let is_answered = effects.iter().any(|effect| matches!(effect, Effect::LinkSend { channel: LIVE, .. }));
        assert!(is_answered, "a conversation's record, and its answer");
    }
    assert_eq!(stage.view(START).ring_bytes, (sent, received));
}

#[test]
fn connections_are_counted_as_they_are_made_and_sessions_are_none() {
    let mut stage = Stage::new();
    let devices = stage.devices(2);
    stage.meets(devices[0].clone(), START);
    assert_eq!(stage.view(START).connections_made, 0);
    stage.node.overlay.remember_certificate(&devices[1].certificate);
    stage.node.ring_dial(RingId::of_node(devices[1].certificate.node_id()), START);
    assert_eq!(stage.view(START).connections_made, 1);
}

#[test]
fn a_lookup_says_who_was_looked_for_which_way_it_was_answered_and_how_long_ago() {
    let mut stage = Stage::new();
    for device in stage.devices(3) {
        stage.meets(device, START);
    }
    let carla = UserId::parse("carla").expect("a name");
    stage.node.look_up(&carla, Why::Reach, 0, after(500));
    let said = stage.heard();
    let (over, route) = request(said, Service::Lookup).expect("a request goes over some link");
    assert!(stage.view(after(500)).lookups.is_empty(), "on its way");
    let by = stage.peers[(over + 1) % 3].place();
    let answer = Answer { hops: 2, by, verdict: Verdict::Answered, body: Vec::new() };
    stage.says(over, &Message::Reply { path: route.path, answer }, after(620));
    let view = stage.view(after(920));
    let part = |place: RingId| (stage.node.ring.me().clockwise_to(place) >> 96) as u32;
    let way = WayView { first: *stage.peers[over].device.certificate.node_id(), by: part(by), hops: 2 };
    let lookup = view.lookups.last().expect("the first one is over");
    let seen = (&lookup.sought, lookup.key, lookup.way, lookup.took_ms, lookup.ago_ms);
    assert_eq!(seen, (&Sought::Person(carla.clone()), part(RingId::of_user(&carla)), Some(way), 120, 300));
    assert_eq!(view.answered, 1);
}

#[test]
fn a_lookup_that_nobody_answers_is_said_to_have_failed() {
    let mut stage = Stage::new();
    for device in stage.devices(2) {
        stage.meets(device, START);
    }
    let carla = UserId::parse("carla").expect("a name");
    stage.node.look_up(&carla, Why::Add, 2, START);
    stage.heard();
    let mut now = START;
    let failed = loop {
        now = after(now.mono - START.mono + 500);
        assert!(now.mono < START.mono + 2 * MINUTE_MS, "it is given up some time");
        let effects = stage.node.handle(Input::Wake, now);
        stage.said(effects);
        let view = stage.view(now);
        if let Some(lookup) = view.lookups.into_iter().find(|lookup| lookup.sought == Sought::Person(carla.clone())) {
            break lookup;
        }
    };
    assert_eq!((failed.way, failed.ago_ms), (None, 0));
    assert!(failed.took_ms >= 1_000, "{}", failed.took_ms);
    assert_eq!(stage.view(now).answered, 0);
}

#[test]
fn a_publication_that_was_taken_counts_as_answered_and_is_no_lookup() {
    let mut stage = Stage::new();
    for device in stage.devices(2) {
        stage.meets(device, START);
    }
    let request = crate::ring::Request { service: Service::Publish, aim: crate::ring::Aim::Node, key: stage.peers[0].place(), body: vec![1] };
    stage.node.ask_ring(request, Asked::Publish, START);
    let said = stage.heard();
    let (over, route) = self::request(said, Service::Publish).expect("it goes out");
    let answer = Answer { hops: 1, by: stage.peers[0].place(), verdict: Verdict::Answered, body: vec![0] };
    stage.says(over, &Message::Reply { path: route.path, answer }, after(50));
    let view = stage.view(after(50));
    assert_eq!((view.answered, view.lookups.len()), (1, 0));
}
