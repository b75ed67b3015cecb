//! The node through its own door, where a world would be too much: bounds, time, latency. Whole conversations are the simulator's.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::chat::{Conversation, MessageBody, MessageId};
use crate::crypto::{KeyOpError, Rng};
use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use crate::identity::{NodeId, RevocationList};
use crate::limits::{CONNECTIONS_SPARING, REDIAL_MAX_MS, REDIAL_MIN_MS, RELAY_RETRY_ALONE_MS, TEXT_BYTES_MAX};
use crate::ring::{Answer, Message, Verdict};
use crate::signal::description::Description;
use crate::signal::relay::{ClientFrame, FoundDevice, IceServer, Presence as Found, RefusalCode, RelayFrame};
use crate::signal::sealed::{DialId, OfferDraft};
use crate::time::DAY_MS;
use proptest::prelude::*;

const START: Now = Now { mono: 1_000, wall: NOW_MS };

struct Stage {
    authority: TestAuthority,
    anna: TestDevice,
    bela: TestDevice,
}

fn stage() -> Stage {
    let mut authority = TestAuthority::new([1; 32]);
    let (anna, bela) = (authority.issue("anna", NOW_MS), authority.issue("bela", NOW_MS));
    Stage { authority, anna, bela }
}

fn at(mono: u64) -> Now {
    Now { mono, wall: NOW_MS + mono }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a name")
}

/// Anna's node with bela as a contact, not connected yet.
fn node(stage: &Stage) -> (Node, Vec<Effect>) {
    node_in(stage, PageFacts::default())
}

/// The same, in this page.
fn node_in(stage: &Stage, page: PageFacts) -> (Node, Vec<Effect>) {
    let chat = Conversation::new(user("bela"), Standing::Accepted, Some(stage.bela.certificate.key_hash()));
    let row = chat.row();
    let rows = vec![Row { table: row.table, key: row.key, value: row.value.expect("a row") }];
    let config = NodeConfig { page, ..NodeConfig::of(&stage.anna.certificate, stage.authority.anchor(), rows) };
    Node::new(config, START)
}

/// Brings the relay up.
fn welcome(node: &mut Node, stage: &Stage) -> Vec<Effect> {
    welcome_with(node, stage, Vec::new())
}

/// The same, with a relay that names servers for ICE.
fn welcome_with(node: &mut Node, stage: &Stage, ice: Vec<IceServer>) -> Vec<Effect> {
    let _ = node.handle(Input::RelayOpened, START);
    let mut effects = node.handle(Input::RelayFrame(RelayFrame::Challenge { nonce: [1; 32] }.encode()), START);
    effects.extend(keys(node, stage, &effects, START));
    let welcome = RelayFrame::Welcome { now_ms: NOW_MS, revocation_sequence: 0, ice };
    node.handle(Input::RelayFrame(welcome.encode()), START)
}

/// Answers every order to the keys.
fn keys(node: &mut Node, stage: &Stage, effects: &[Effect], now: Now) -> Vec<Effect> {
    let orders: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Key { ticket, op } => Some((*ticket, stage.anna.keys.perform(&mut Rng::from_seed([2; 32]), op))),
            _ => None,
        })
        .collect();
    orders.into_iter().flat_map(|(ticket, result)| node.handle(Input::KeyDone { ticket, result }, now)).collect()
}

fn sent_frames(effects: &[Effect]) -> Vec<ClientFrame> {
    let frames = effects.iter().filter_map(|effect| match effect {
        Effect::RelaySend(bytes) => ClientFrame::decode(bytes).ok(),
        _ => None,
    });
    frames.collect()
}

fn store_tickets(effects: &[Effect]) -> Vec<Ticket> {
    let tickets = effects.iter().filter_map(|effect| match effect {
        Effect::Store { ticket, .. } => Some(*ticket),
        _ => None,
    });
    tickets.collect()
}

/// Says something to bela and answers that she is there; what the node does then.
fn say_to_bela(node: &mut Node, stage: &Stage) -> Vec<Effect> {
    let effects = node.handle(Input::Command(Command::SendText { to: user("bela"), text: "hello".to_owned() }), START);
    let effects = node.handle(Input::Stored { tickets: store_tickets(&effects) }, START);
    find_bela(node, stage, &effects, START)
}

/// Answers the lookup among these effects: bela is there.
fn find_bela(node: &mut Node, stage: &Stage, effects: &[Effect], now: Now) -> Vec<Effect> {
    let tickets = sent_frames(effects).into_iter().filter_map(|frame| match frame {
        ClientFrame::Lookup { ticket, .. } => Some(ticket),
        _ => None,
    });
    let ticket = tickets.last().expect("a lookup");
    let device = FoundDevice { online: true, certificate: stage.bela.certificate.der().to_vec() };
    let found = RelayFrame::Found { ticket, presence: Found::Online, devices: vec![device] };
    node.handle(Input::RelayFrame(found.encode()), now)
}

/// The link that is dialled among these effects.
fn dialled(effects: &[Effect]) -> Option<LinkId> {
    effects.iter().find_map(|effect| if let Effect::LinkOffer { link, .. } = effect { Some(*link) } else { None })
}

#[test]
fn a_text_over_the_bound_is_given_back_and_not_stored() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    for (bytes, is_taken) in [(TEXT_BYTES_MAX, true), (TEXT_BYTES_MAX + 1, false)] {
        let text = "x".repeat(bytes);
        let effects = node.handle(Input::Command(Command::SendText { to: user("bela"), text: text.clone() }), START);
        assert_eq!(store_tickets(&effects).is_empty(), !is_taken);
        let refused = Event::SendRefused { to: user("bela"), text, why: SendRefusal::TooLong };
        assert_eq!(effects.iter().any(|effect| matches!(effect, Effect::Notify(event) if *event == refused)), !is_taken);
    }
}

#[test]
fn the_ice_servers_that_the_relay_names_serve_every_connection_and_there_are_no_others() {
    let stage = stage();
    let turn = IceServer { url: "turn:b4.example".to_owned(), user_name: "anna".to_owned(), credential: "secret".to_owned() };
    for ice in [Vec::new(), vec![turn]] {
        let (mut dialler, _) = node(&stage);
        welcome_with(&mut dialler, &stage, ice.clone());
        let mut effects = say_to_bela(&mut dialler, &stage);
        let (mut responder, _) = node(&stage);
        welcome_with(&mut responder, &stage, ice.clone());
        let offered = responder.handle(Input::RelayFrame(offer_of_bela(&stage)), START);
        effects.extend(keys(&mut responder, &stage, &offered, START));
        let used = effects.into_iter().filter_map(|effect| match effect {
            Effect::LinkOffer { ice, .. } | Effect::LinkAnswer { ice, .. } => Some(ice),
            _ => None,
        });
        assert_eq!(used.collect::<Vec<_>>(), [ice.clone(), ice]);
    }
}

#[test]
fn a_dial_that_comes_to_nothing_is_told_and_tried_again_after_waits_that_double_up_to_half_a_minute() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    welcome(&mut node, &stage);
    let mut effects = say_to_bela(&mut node, &stage);
    let mut now = START;
    for doublings in 0..8 {
        let link = dialled(&effects).expect("a dial");
        effects = node.handle(Input::LinkClosed { link, end: LinkEnd::Unreachable }, now);
        let is_told = |effect: &Effect| {
            matches!(effect, Effect::Notify(Event::ContactChanged(view)) if matches!(view.presence, Presence::Unreachable { .. }))
        };
        assert!(effects.iter().any(is_told));
        let failed_ms = now.mono;
        while !sent_frames(&effects).iter().any(|frame| matches!(frame, ClientFrame::Lookup { .. })) {
            now = at(node.next_wake().expect("something is always due"));
            effects = node.handle(Input::Wake, now);
            if sent_frames(&effects).iter().any(|frame| matches!(frame, ClientFrame::Ping { .. })) {
                effects.extend(node.handle(Input::RelayFrame(RelayFrame::Pong { ticket: 0 }.encode()), now));
            }
        }
        let (waited_ms, least_ms) = (now.mono - failed_ms, (REDIAL_MIN_MS << doublings).min(REDIAL_MAX_MS));
        assert!((least_ms..=least_ms + REDIAL_MIN_MS / 2).contains(&waited_ms), "{waited_ms} ms after {doublings} doublings");
        effects = find_bela(&mut node, &stage, &effects, now);
    }
}

/// What a node says of bela, in order.
fn said_of_bela(effects: &[Effect]) -> Vec<Presence> {
    let views = effects.iter().filter_map(|effect| if let Effect::Notify(Event::ContactChanged(view)) = effect { Some(view.presence) } else { None });
    views.collect()
}

#[test]
fn what_was_found_out_last_stands_while_it_is_asked_again() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    welcome(&mut node, &stage);
    let effects = say_to_bela(&mut node, &stage);
    let link = dialled(&effects).expect("a dial");
    let effects = node.handle(Input::LinkClosed { link, end: LinkEnd::Unreachable }, START);
    assert!(matches!(said_of_bela(&effects)[..], [Presence::Unreachable { was_up: false, .. }]));
    let now = at(START.mono + 2 * REDIAL_MIN_MS);
    let effects = node.handle(Input::Wake, now);
    assert_eq!(said_of_bela(&effects), [Presence::Unreachable { retry_ms: 0, was_up: false }], "asked again");
    let effects = find_bela(&mut node, &stage, &effects, now);
    assert_eq!(said_of_bela(&effects), [Presence::Connecting]);
}

/// The picture of the network among these effects: whether the relay is up.
fn relay_in_picture(effects: &[Effect]) -> Option<bool> {
    effects.iter().rev().find_map(|effect| if let Effect::Notify(Event::NetworkViewed(view)) = effect { Some(view.is_relay_up) } else { None })
}

#[test]
fn a_relay_that_comes_or_goes_is_in_the_picture_at_once() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    let effects = node.handle(Input::Command(Command::WatchNetwork { on: true }), START);
    assert_eq!(relay_in_picture(&effects), Some(false));
    assert_eq!(relay_in_picture(&welcome(&mut node, &stage)), Some(true));
    assert_eq!(relay_in_picture(&node.handle(Input::RelayClosed, START)), Some(false));
}

#[test]
fn who_has_nobody_tries_the_relay_again_within_seconds_and_at_once_when_told_to() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    let connects = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::RelayConnect));
    let mut now = START;
    for _ in 0..20 {
        let _ = node.handle(Input::RelayClosed, now);
        let closed_ms = now.mono;
        let mut effects = Vec::new();
        while !connects(&effects) {
            now = at(node.next_wake().expect("something is always due"));
            effects = node.handle(Input::Wake, now);
        }
        let longest_ms = RELAY_RETRY_ALONE_MS + RELAY_RETRY_ALONE_MS / 2;
        assert!(now.mono <= closed_ms + longest_ms, "{} ms", now.mono - closed_ms);
    }
    let _ = node.handle(Input::RelayClosed, now);
    assert!(connects(&node.handle(Input::Resumed, now)));
}

#[test]
fn a_text_is_sought_for_in_the_same_turn_in_which_it_is_durable() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    welcome(&mut node, &stage);
    let effects = node.handle(Input::Command(Command::SendText { to: user("bela"), text: "hello".to_owned() }), START);
    assert!(sent_frames(&effects).is_empty(), "not before it is durable");
    let effects = node.handle(Input::Stored { tickets: store_tickets(&effects) }, START);
    assert!(matches!(sent_frames(&effects)[..], [ClientFrame::Lookup { watch: true, .. }]));
    let effects = find_bela(&mut node, &stage, &effects, START);
    assert!(dialled(&effects).is_some(), "dialled at once");
}

#[test]
fn one_page_of_a_conversation_is_read_at_a_time() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    let load = |node: &mut Node| {
        let effects = node.handle(Input::Command(Command::LoadMessages { with: user("bela"), before: Some(9) }), START);
        let tickets = effects.iter().filter_map(|effect| if let Effect::Load { ticket, .. } = effect { Some(*ticket) } else { None });
        tickets.collect::<Vec<_>>()
    };
    let first = load(&mut node);
    assert_eq!((first.len(), load(&mut node)), (1, vec![]), "whoever scrolls asks often");
    // Also one that could not be read was answered.
    let _ = node.handle(Input::Loaded { ticket: first[0], rows: None }, START);
    assert_eq!(load(&mut node).len(), 1);
}

#[test]
fn a_watch_that_runs_out_is_asked_again_without_a_word_of_unreachable() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    welcome(&mut node, &stage);
    let effects = node.handle(Input::Command(Command::Open { user: Some(user("bela")) }), START);
    let Some(ClientFrame::Lookup { ticket, .. }) = sent_frames(&effects).pop() else { panic!("a lookup") };
    let away = RelayFrame::Found { ticket, presence: Found::Away, devices: Vec::new() };
    let _ = node.handle(Input::RelayFrame(away.encode()), START);
    let mut asked = 0;
    let mut now = START;
    for _ in 0..1_000 {
        now = at(node.next_wake().expect("something is always due"));
        let mut effects = node.handle(Input::Wake, now);
        if sent_frames(&effects).iter().any(|frame| matches!(frame, ClientFrame::Ping { .. })) {
            effects.extend(node.handle(Input::RelayFrame(RelayFrame::Pong { ticket: 0 }.encode()), now));
        }
        asked += sent_frames(&effects).iter().filter(|frame| matches!(frame, ClientFrame::Lookup { .. })).count();
        let is_unreachable = |effect: &Effect| {
            matches!(effect, Effect::Notify(Event::ContactChanged(view)) if matches!(view.presence, Presence::Unreachable { .. }))
        };
        assert!(!effects.iter().any(is_unreachable));
        if asked > 0 {
            break;
        }
    }
    assert_eq!((asked, now.mono), (1, START.mono + crate::limits::WATCH_MS));
}

/// An offer of bela for anna, as the relay forwards it.
fn offer_of_bela(stage: &Stage) -> Vec<u8> {
    let fields = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:Wg5r\r\na=ice-pwd:dLHWsjPPpCWlSKrbYYuVRPjk\r\n";
    let sdp = format!("{fields}a=fingerprint:sha-256 {}\r\n", ["AB"; 32].join(":"));
    let description = Description::from_sdp(&sdp).expect("SDP");
    let mut rng = Rng::from_seed([5; 32]);
    let handshake = crate::handshake::start(&stage.bela.certificate, description.fingerprint, &mut rng);
    let (to, key) = (*stage.anna.certificate.node_id(), stage.anna.certificate.wrapping_key());
    let draft = OfferDraft::new(to, key, DialId([9; 16]), handshake.m1(), &description, START.wall, &mut rng);
    let signature = stage.bela.keys.perform(&mut rng, &draft.key_op()).expect("a signature");
    let (body, _) = draft.finish(&signature).expect("an offer");
    RelayFrame::Forwarded { from: *stage.bela.certificate.node_id(), body }.encode()
}

#[test]
fn a_dial_that_counted_on_their_handshake_is_tried_again_when_that_fails() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    welcome(&mut node, &stage);
    // They dial, and never come to M3.
    let effects = node.handle(Input::RelayFrame(offer_of_bela(&stage)), START);
    let effects = keys(&mut node, &stage, &effects, START);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::LinkAnswer { .. })));
    // Meanwhile there is something to say to them.
    let effects = node.handle(Input::Command(Command::SendText { to: user("bela"), text: "hello".to_owned() }), START);
    let effects = node.handle(Input::Stored { tickets: store_tickets(&effects) }, START);
    let effects = find_bela(&mut node, &stage, &effects, START);
    assert!(dialled(&effects).is_none(), "theirs is under way");
    let mut effects = Vec::new();
    while !sent_frames(&effects).iter().any(|frame| matches!(frame, ClientFrame::Lookup { .. })) {
        let now = at(node.next_wake().expect("something is always due"));
        assert!(now.mono <= START.mono + 15_000, "sought again within 15 s");
        effects = node.handle(Input::Wake, now);
    }
}

#[test]
fn a_list_with_a_lower_number_is_passed_over() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    let list = |sequence, wall_ms| {
        let bytes = stage.authority.issuer().sign_revocations(&mut Rng::from_seed([1; 32]), sequence, wall_ms, &BTreeSet::new());
        RevocationList::decode_verified(&bytes, stage.authority.anchor(), None).expect("a good list")
    };
    let aged = |effects: Vec<Effect>| effects.into_iter().any(|effect| matches!(effect, Effect::Notify(Event::RevocationsAged(_))));
    assert!(!aged(node.handle(Input::Revocations(list(5, NOW_MS)), START)));
    assert!(!aged(node.handle(Input::Revocations(list(4, NOW_MS - 20 * DAY_MS)), START)), "an old one played again");
    assert!(aged(node.handle(Input::Revocations(list(6, NOW_MS - 20 * DAY_MS)), START)));
    assert_eq!(node.list_age(), ListAge::Old);
}

#[test]
fn strangers_and_floods_leave_nothing_behind() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    welcome(&mut node, &stage);
    let me = stage.anna.certificate.node_id().0;
    for number in 0..50_000_u64 {
        let now = at(START.mono + number);
        let time = u32::try_from(now.wall / 1_000).expect("before 2106").to_be_bytes();
        let dial = [number.to_be_bytes(), [1; 8]].concat();
        // The length of an offer, its wrapped key and more of anything.
        let body = [b"B4S1", &[1][..], &me, &dial, &time, &[1, 0x80], &[0; 1_000]].concat();
        let from = NodeId(crate::crypto::sha256(&[&number.to_be_bytes()]));
        let effects = node.handle(Input::RelayFrame(RelayFrame::Forwarded { from, body }.encode()), now);
        let tickets: Vec<Ticket> =
            effects.iter().filter_map(|effect| if let Effect::Key { ticket, .. } = effect { Some(*ticket) } else { None }).collect();
        for ticket in tickets {
            let _ = node.handle(Input::KeyDone { ticket, result: Err(KeyOpError) }, now);
        }
    }
    let (seeking, key_uses, chats) = (node.seeking.len(), node.key_uses.len(), node.chats.len());
    assert_eq!((seeking, key_uses, chats), (0, 0, 1));
    assert!(node.links.remembered() <= crate::limits::DIAL_IDS_MAX + 2_048, "{}", node.links.remembered());
}

#[test]
fn keys_that_never_answer_do_not_make_the_node_deaf() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    welcome(&mut node, &stage);
    let me = stage.anna.certificate.node_id().0;
    let mut orders = 0;
    for number in 0..300_u64 {
        let now = at(START.mono + 200 * number);
        let time = u32::try_from(now.wall / 1_000).expect("before 2106").to_be_bytes();
        let body = [b"B4S1", &[1][..], &me, &[number as u8; 16], &time, &[1, 0x80], &[0; 1_000]].concat();
        let from = NodeId([number as u8; 32]);
        let effects = node.handle(Input::RelayFrame(RelayFrame::Forwarded { from, body }.encode()), now);
        orders += effects.iter().filter(|effect| matches!(effect, Effect::Key { .. })).count();
    }
    assert!(orders >= 60, "{orders} in a minute: old ones are given up");
}

#[test]
fn refusals_of_the_relay_that_end_this_identity_end_the_tries() {
    let stage = stage();
    for (code, is_over) in [(RefusalCode::Superseded, true), (RefusalCode::Revoked, true), (RefusalCode::ShuttingDown, false)] {
        let (mut node, _) = node(&stage);
        welcome(&mut node, &stage);
        let refused = RelayFrame::Refused { ticket: 0, code, retry_after_ms: 0 };
        let _ = node.handle(Input::RelayFrame(refused.encode()), START);
        let _ = node.handle(Input::RelayClosed, START);
        let effects = node.handle(Input::Wake, at(START.mono + 60_000));
        assert_eq!(effects.iter().any(|effect| matches!(effect, Effect::RelayConnect)), !is_over, "{code:?}");
    }
}

#[test]
fn rows_of_any_bytes_make_a_node_that_runs() {
    let stage = stage();
    let mut rng = Rng::from_seed([3; 32]);
    let good = Conversation::new(user("bela"), Standing::Accepted, None).row().value.expect("a row");
    for round in 0..2_000_u64 {
        let mut value = good.clone();
        let at = rng.below(value.len() as u64) as usize;
        match round % 3 {
            0 => value[at] = rng.array::<1>()[0],
            1 => value.truncate(at),
            _ => value.extend_from_slice(&rng.array::<9>()),
        }
        let body = MessageBody { id: MessageId([1; 16]), sent_ms: 1, seq: 1 + round, prev: [0; 32], said: "x".into() };
        let outbox = [&[1, (round % 2) as u8][..], &body.encode()].concat();
        let rows = vec![
            Row { table: Table::Contacts, key: b"bela".to_vec(), value },
            Row { table: Table::Outbox, key: crate::chat::message_key(&user("bela"), round), value: outbox },
        ];
        let config = NodeConfig::of(&stage.anna.certificate, stage.authority.anchor(), rows);
        let (mut node, _) = Node::new(config, START);
        let _ = node.handle(Input::Command(Command::SendText { to: user("bela"), text: "hello".to_owned() }), START);
    }
}

proptest! {
    #[test]
    fn t13_no_frame_of_the_relay_makes_it_panic(frames in proptest::collection::vec((0x80..0x8a_u8, proptest::collection::vec(any::<u8>(), 0..120)), 1..20)) {
        static STAGE: std::sync::OnceLock<Stage> = std::sync::OnceLock::new();
        let stage = STAGE.get_or_init(stage);
        let (mut node, _) = node(stage);
        welcome(&mut node, stage);
        let mut waiting: BTreeMap<Ticket, usize> = BTreeMap::new();
        for (number, (kind, bytes)) in frames.into_iter().enumerate() {
            let frame = [&[kind], &bytes[..]].concat();
            for effect in node.handle(Input::RelayFrame(frame), at(START.mono + number as u64)) {
                if let Effect::Key { ticket, .. } = effect {
                    waiting.insert(ticket, number);
                }
            }
        }
        prop_assert!(waiting.len() <= 20);
    }
}

#[test]
fn a_certificate_is_asked_for_once_and_no_more_when_it_is_revoked_or_over() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    let place = crate::ring::RingId::of_node(stage.bela.certificate.node_id());
    let dials = |node: &mut Node, now: Now| {
        node.ring_dial(place, now);
        std::mem::take(&mut node.effects).iter().any(|effect| matches!(effect, Effect::LinkOffer { .. }))
    };
    assert!(!dials(&mut node, START), "nothing is known of her");
    node.overlay.remember_certificate(&stage.bela.certificate);
    let over = Now { wall: stage.bela.certificate.not_after_ms() + 1, ..START };
    assert!(!dials(&mut node, over));
    let serials = [stage.bela.certificate.serial_hash()].into();
    let list = stage.authority.issuer().sign_revocations(&mut Rng::from_seed([4; 32]), 7, NOW_MS, &serials);
    let list = RevocationList::decode_verified(&list, stage.authority.anchor(), None).expect("a list");
    let known = node.revoked.replace(list);
    assert!(!dials(&mut node, START));
    node.revoked = known;
    assert!(dials(&mut node, START));
}

#[test]
fn a_certificate_that_goes_by_is_kept_only_if_the_authority_signed_it_for_whom_was_asked_for() {
    let mut stage = stage();
    let carla = stage.authority.issue("carla", NOW_MS);
    let of_another_authority = TestAuthority::stranger([9; 32]).issue("carla", NOW_MS);
    let (mut node, _) = node(&stage);
    let place = |device: &TestDevice| crate::ring::RingId::of_node(device.certificate.node_id());
    let rows = [
        ("of somebody else", place(&carla), stage.bela.certificate.der(), false),
        ("of another authority", place(&of_another_authority), of_another_authority.certificate.der(), false),
        ("no certificate", place(&stage.bela), &[0; 300], false),
        ("hers", place(&carla), carla.certificate.der(), true),
    ];
    for (what, of, der, is_kept) in rows {
        node.certificate_passed(of, der, START);
        assert_eq!(node.certificate_of(of, START).is_some_and(|kept| kept.der() == der), is_kept, "{what}");
    }
    assert!(node.certificate_of(place(&stage.bela), START).is_none(), "nor under the place that it is of");
}

#[test]
fn from_the_four_hundredth_connection_of_a_page_on_its_ring_draws_no_more_long_links() {
    let stage = stage();
    let (mut node, _) = node(&stage);
    let offer = Effect::LinkOffer { link: LinkId(1), ice: Vec::new() };
    for _ in 1..CONNECTIONS_SPARING {
        node.count_effect(&offer);
        node.count_effect(&Effect::LinkClose { link: LinkId(1) });
    }
    assert!(node.ring.aims_at_links() > 0, "what is closed is no connection more");
    node.count_effect(&offer);
    assert_eq!(node.ring.aims_at_links(), 0);
}

#[test]
fn a_node_started_again_in_the_same_page_goes_on_counting_its_connections_and_a_phone_has_fewer_links() {
    let links = |connections_made, is_handheld| PageFacts { connections_made, is_handheld }.ring().links;
    assert_eq!([links(0, false), links(0, true)], [24, 16]);
    assert_eq!([links(CONNECTIONS_SPARING - 1, true), links(CONNECTIONS_SPARING, true), links(u32::MAX, false)], [16, 0, 0]);
    let stage = stage();
    let (mut node, _) = node_in(&stage, PageFacts { connections_made: CONNECTIONS_SPARING - 1, is_handheld: false });
    assert!(node.ring.aims_at_links() > 0);
    node.count_effect(&Effect::LinkOffer { link: LinkId(1), ice: Vec::new() });
    assert_eq!(node.ring.aims_at_links(), 0);
}

#[test]
fn a_certificate_that_is_not_the_one_asked_for_is_not_dialled_by() {
    let mut stage = stage();
    let carl = stage.authority.issue("carl", NOW_MS);
    let (of, over) = (RingId::of_node(carl.certificate.node_id()), RingId::of_node(stage.bela.certificate.node_id()));
    let stranger = TestAuthority::stranger([9; 32]).issue("carl", NOW_MS);
    for (what, answer, is_dialled) in [
        ("another's", &stage.bela.certificate, false),
        ("of another authority", &stranger.certificate, false),
        ("theirs", &carl.certificate, true),
    ] {
        let (mut node, _) = node(&stage);
        node.ring_input(START, |ring, out| ring.linked(over, START.mono, out));
        node.ring_dial(of, START);
        let request = node.overlay.asking_certificate_of(of).expect("nobody has told it before");
        let path = node.ring.path_of(request).expect("it is under way");
        node.effects.clear();
        let answer = Answer { hops: 1, by: over, verdict: Verdict::Answered, body: answer.der().to_vec() };
        node.ring_input(START, |ring, out| ring.message(over, Message::Reply { path, answer }, START.mono, out));
        assert_eq!(dialled(&node.effects).is_some(), is_dialled, "{what}");
    }
}
