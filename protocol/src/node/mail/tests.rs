//! The node's part of the mail with real sessions and a real ring, where a world would be too much.

use super::*;
use crate::crypto::{Prk, Rng};
use crate::handshake::{Established, Role, SessionKeys};
use crate::identity::testing::{NOW_MS, TestAuthority, TestDevice};
use crate::directory::{found, pair};
use super::collecting::{AUTHORS_MAX, HELD_BACK_MAX};
use super::holding::READINGS_MAX;
use crate::limits::{EARLIER_CERTIFICATES_MAX, GIVES_MAX, MAIL_LINKS_MAX, NEAR_MAX, PAIR_BYTES_MAX, PAIR_ENVELOPES_MAX, RECEIPTS_PER_AUTHOR_MAX, RECIPIENTS_MAX, SEEN_MAX, TOMBSTONE_ENTRIES_MAX};
use crate::mailbox::{Arrived, EnvelopeDraft, HolderOrder, Letter, Offered, Verdict};
use crate::message::MessageBody;
use crate::node::{Input, LinkId, NodeConfig};
use crate::ring::{Answer, Message, Outcome, Service, Side, Standing, Verdict as Said};
use crate::session::{COLLECT, DEPOSIT, RING, Session};
use crate::time::MINUTE_MS;

const START: Now = Now { mono: 1_000, wall: NOW_MS };

fn after(ms: u64) -> Now {
    Now { mono: START.mono + ms, wall: START.wall + ms }
}

struct Stage {
    authority: TestAuthority,
    anna: TestDevice,
    node: Node,
    /// The other ends of the sessions, by anna's links.
    ends: Vec<(LinkId, Session)>,
}

/// One end of the session between anna and a peer.
fn end(role: Role, of: &VerifiedCertificate, peer: &VerifiedCertificate) -> Session {
    let keys = SessionKeys { role, transcript: [7; 32], prk: Prk::extract(b"salt", &[peer.der()]) };
    Session::new(Established { peer: of.clone(), keys }, Rng::from_seed([8; 32]), START)
}

fn place(device: &TestDevice) -> RingId {
    RingId::of_node(device.certificate.node_id())
}

impl Stage {
    fn new() -> Self {
        Self::with_rows(Vec::new())
    }

    fn with_rows(rows: Vec<Row>) -> Self {
        let mut authority = TestAuthority::new([1; 32]);
        let anna = authority.issue("anna", NOW_MS);
        let config = NodeConfig {
            certificate: anna.certificate.clone(),
            anchor: authority.anchor().clone(),
            revoked: None,
            origin: "https://b4.example".to_owned(),
            seed: [7; 32],
            rows,
        };
        let (node, _) = Node::new(config, START);
        Self { authority, anna, node, ends: Vec::new() }
    }

    /// Somebody with whom a session begins.
    fn meets(&mut self, name: &str, now: Now) -> TestDevice {
        let device = self.authority.issue(name, NOW_MS);
        let session = end(Role::Initiator, &device.certificate, &device.certificate);
        self.heard();
        self.node.link_input(now, |links, _, _| links.bring_up(session, now));
        let greeted = self.node.effects.iter().find_map(|effect| if let Effect::LinkSend { link, .. } = effect { Some(*link) } else { None });
        self.ends.push((greeted.expect("the ring greets"), end(Role::Responder, &self.anna.certificate, &device.certificate)));
        assert!(self.is_up(&device));
        device
    }

    /// What peers were told over the ring since, and over which link.
    fn heard(&mut self) -> Vec<(LinkId, Message)> {
        let mut heard = Vec::new();
        for effect in std::mem::take(&mut self.node.effects) {
            let Effect::LinkSend { link, channel: RING, frame } = effect else { continue };
            let Some((_, end)) = self.ends.iter_mut().find(|(of, _)| *of == link) else { continue };
            let opened = end.open(RING, &frame, START).expect("an honest record");
            heard.extend(opened.body.and_then(|(_, body)| Message::decode(&body).ok()).map(|message| (link, message)));
        }
        heard
    }

    /// Carries out what was ordered of the keys; how much that was.
    fn keys(&mut self) -> usize {
        let effects = std::mem::take(&mut self.node.effects);
        let orders = effects.into_iter().filter_map(|effect| if let Effect::Key { ticket, op } = effect { Some((ticket, op)) } else { None });
        let results: Vec<_> = orders.map(|(ticket, op)| (ticket, self.anna.keys.perform(&mut Rng::from_seed([2; 32]), &op))).collect();
        let count = results.len();
        for (ticket, result) in results {
            self.node.key_done(ticket, &result, START);
        }
        count
    }

    fn is_up(&self, device: &TestDevice) -> bool {
        self.node.links.is_up(device.certificate.user_id())
    }

    /// The ring has no use for a session any more.
    fn ring_lets_go(&mut self, device: &TestDevice, now: Now) {
        let place = place(device);
        self.node.ring_input(now, |ring, out| {
            ring.unlinked(place, now.mono, &mut Vec::new());
            out.push(Outcome::Close { peer: place, is_dead: false });
        });
    }

    fn ring_hears(&mut self, device: &TestDevice, message: &Message, now: Now) {
        assert!(self.node.ring_message(device.certificate.user_id(), &message.encode(), now));
    }

    /// They say something about mail.
    fn mail_comes(&mut self, device: &TestDevice, now: Now) {
        let message = DepositMessage::Verdicts { mailbox: [1; 32], items: vec![(EnvelopeId([1; 32]), Verdict::Full)] };
        assert!(self.node.deposit_message(device.certificate.user_id(), &message.encode(), now));
    }
}

#[test]
fn a_session_that_the_ring_has_no_use_for_stays_for_the_mail_while_it_is_young() {
    let mut stage = Stage::new();
    let (bela, carla) = (stage.meets("bela", START), stage.meets("carla", START));
    stage.ring_lets_go(&bela, after(MAIL_IDLE_MS - 1));
    assert!(stage.is_up(&bela));
    stage.ring_lets_go(&carla, after(MAIL_IDLE_MS));
    assert!(!stage.is_up(&carla), "whoever wanted something would have said so");
    assert!(stage.is_up(&bela));
}

#[test]
fn one_that_is_dead_does_not_stay_for_the_mail() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela", START);
    stage.node.ring_input(START, |_, out| out.push(Outcome::Close { peer: place(&bela), is_dead: true }));
    assert!(!stage.is_up(&bela));
}

#[test]
fn so_many_stay_for_the_mail_and_the_one_idle_longest_goes_for_the_next() {
    let mut stage = Stage::new();
    let peers: Vec<TestDevice> = (0..=MAIL_LINKS_MAX).map(|number| stage.meets(&format!("peer{number}"), START)).collect();
    let (last, first) = peers.split_last().expect("there are some");
    for (number, peer) in (1..).zip(first) {
        stage.ring_lets_go(peer, after(number));
    }
    assert!(peers.iter().all(|peer| stage.is_up(peer)));
    stage.mail_comes(&peers[0], after(100));
    stage.ring_lets_go(last, after(101));
    let up: Vec<bool> = peers.iter().map(|peer| stage.is_up(peer)).collect();
    let expected: Vec<bool> = (0..peers.len()).map(|number| number != 1).collect();
    assert_eq!(up, expected, "the first was of use since, the second was not");
}

#[test]
fn a_session_kept_for_the_mail_ends_when_nothing_was_said_about_mail_for_a_while() {
    let mut stage = Stage::new();
    let (bela, carla, dora) = (stage.meets("bela", START), stage.meets("carla", START), stage.meets("dora", START));
    [&bela, &carla, &dora].into_iter().for_each(|peer| stage.ring_lets_go(peer, START));
    stage.mail_comes(&carla, after(10_000));
    stage.node.send_collect(place(&dora), &CollectMessage::Gone(EnvelopeId([1; 32])), after(20_000));
    stage.node.mail_wake(START);
    for (now, expected) in [
        (after(MAIL_IDLE_MS - 1), [true, true, true]),
        (after(MAIL_IDLE_MS), [false, true, true]),
        (after(10_000 + MAIL_IDLE_MS - 1), [false, true, true]),
        (after(10_000 + MAIL_IDLE_MS), [false, false, true]),
        (after(20_000 + MAIL_IDLE_MS), [false, false, false]),
    ] {
        let is_to_change = expected != [&bela, &carla, &dora].map(|peer| stage.is_up(peer));
        assert_eq!(stage.node.mail.deadline() == Some(now.mono), is_to_change, "it wakes by itself, {now:?}");
        stage.node.mail_wake(now);
        assert_eq!([&bela, &carla, &dora].map(|peer| stage.is_up(peer)), expected, "{now:?}");
    }
}

#[test]
fn a_session_that_is_of_use_again_outlives_the_mail() {
    let mut stage = Stage::new();
    let (bela, carla) = (stage.meets("bela", START), stage.meets("carla", START));
    [&bela, &carla].into_iter().for_each(|peer| stage.ring_lets_go(peer, START));
    stage.node.on_screen = Some(bela.certificate.user_id().clone());
    stage.node.ring_dial(place(&carla), START);
    stage.node.mail_wake(after(2 * MINUTE_MS));
    assert!(stage.is_up(&bela), "a conversation is on the screen");
    assert!(stage.is_up(&carla), "the ring wants it again");
    assert!(stage.node.mail.lent.is_empty());
}

#[test]
fn what_the_ring_at_the_other_end_greets_again_is_a_link_of_this_ring() {
    let mut stage = Stage::new();
    let (bela, carla) = (stage.meets("bela", START), stage.meets("carla", START));
    stage.ring_lets_go(&bela, START);
    stage.ring_hears(&bela, &Message::Ping { token: 1 }, after(1));
    assert!(!stage.node.ring.is_linked(place(&bela)), "anything else is not for this ring");
    stage.ring_hears(&bela, &Message::Hello { links: vec![place(&carla)], near: [Vec::new(), Vec::new()] }, after(2));
    assert!(stage.node.ring.is_linked(place(&bela)));
    assert!(stage.node.mail.lent.is_empty());
    stage.node.mail_wake(after(2 * MINUTE_MS));
    assert!(stage.is_up(&bela));
}

#[test]
fn a_session_that_ends_by_itself_is_kept_for_nothing() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela", START);
    stage.ring_lets_go(&bela, START);
    stage.node.mail.reminded.insert(place(&bela), (START.mono, 1));
    stage.node.link_input(START, |links, _, _| links.hang_up(bela.certificate.user_id(), START));
    assert!(stage.node.mail.lent.is_empty() && stage.node.mail.reminded.is_empty());
    let _ = stage.node.handle(Input::Wake, after(2 * MINUTE_MS));
}

#[test]
fn no_queue_of_the_mail_is_without_a_bound_and_none_is_over_it_at_first() {
    let stage = Stage::new();
    let queues = stage.node.mail_queues();
    assert!(queues.len() > 20);
    assert!(queues.iter().all(|(_, length, bound)| length <= bound && *bound < 100_000), "{queues:?}");
}

/// What somebody at `me` says of a ring of these.
fn hello(me: RingId, ring: &[RingId]) -> Message {
    let mut links: Vec<RingId> = ring.iter().copied().filter(|place| *place != me).collect();
    links.sort();
    links.dedup();
    let near = Side::BOTH.map(|side| {
        let mut list = links.clone();
        list.sort_by_key(|place| side.way(me, *place));
        list.truncate(NEAR_MAX);
        list
    });
    Message::Hello { links, near }
}

/// Requests of a service among what was heard: the link, and the request.
fn requests(heard: &[(LinkId, Message)], service: Service) -> Vec<(LinkId, crate::ring::Route)> {
    let routes = heard.iter().filter_map(|(link, message)| if let Message::Route(route) = message { Some((*link, (**route).clone())) } else { None });
    routes.filter(|(_, route)| route.service == service).collect()
}

#[test]
fn who_comes_back_and_stands_far_from_their_mail_asks_who_keeps_it_and_links_to_those() {
    let mut stage = Stage::new();
    let peers = [stage.meets("bela", START), stage.meets("carla", START)];
    let me = stage.node.ring.me();
    let ring: Vec<RingId> = (1..=16).flat_map(|way| [me.plus(way), me.minus(way)]).chain([me]).chain(peers.iter().map(place)).collect();
    peers.iter().for_each(|peer| stage.ring_hears(peer, &hello(place(peer), &ring), START));
    assert!(stage.node.own_holders().is_empty(), "the key is far away");
    stage.heard();
    stage.node.mail_standing(Standing::Joining, START);
    assert!(requests(&stage.heard(), Service::Lookup).is_empty(), "not before it has its place");
    stage.node.mail_standing(Standing::Member, START);
    let key = RingId::of_user(stage.node.own.user_id());
    let asked = requests(&stage.heard(), Service::Lookup);
    let [(link, route)] = &asked[..] else { panic!("one lookup: {asked:?}") };
    assert_eq!(route.key, key);
    assert!(stage.node.mail.collector.is_draining(START), "what comes live waits for them");
    let six: Vec<RingId> = (1..=6).map(|way| key.plus(way)).collect();
    let by = peers.iter().zip(&stage.ends).find(|(_, (of, _))| of == link).map(|(peer, _)| peer.clone()).expect("one of the two");
    let answer = Answer { hops: 1, by: place(&by), verdict: Said::Answered, body: found(&pair(&[], &[]), &six) };
    stage.ring_hears(&by, &Message::Reply { path: route.path, answer }, START);
    let dialled: Vec<RingId> = requests(&stage.heard(), Service::Certificate).into_iter().map(|(_, route)| route.key).collect();
    assert_eq!(dialled, six[..5]);
    assert!(stage.node.mail.collector.is_draining(START), "until they have said what they have");
}

#[test]
fn who_stands_near_their_mail_asks_nobody_and_links_to_those_they_know() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela", START);
    let sought = requests(&stage.heard(), Service::Find);
    let [(_, route)] = &sought[..] else { panic!("it asks for its place: {sought:?}") };
    stage.ring_hears(&bela, &hello(place(&bela), &[stage.node.ring.me()]), START);
    let answer = Answer { hops: 1, by: place(&bela), verdict: Said::Answered, body: vec![0, 0] };
    stage.ring_hears(&bela, &Message::Reply { path: route.path, answer }, START);
    assert_eq!(stage.node.ring.standing(), Standing::Member);
    assert_eq!(stage.node.own_holders(), [place(&bela)]);
    assert!(requests(&stage.heard(), Service::Lookup).is_empty());
    assert!(stage.node.mail.collector.is_draining(START), "bela has not said what she has");
}

#[test]
fn so_many_items_are_read_for_others_at_once() {
    let mut stage = Stage::new();
    let give = HolderOrder::Give;
    let gives = |stage: &mut Stage| {
        stage.node.hold(START, |_, _, out| out.extend((0..2 * GIVES_MAX).map(|_| give(RingId(1), [1; 32], EnvelopeId([2; 32])))));
        let loads: Vec<_> = std::mem::take(&mut stage.node.effects);
        loads.into_iter().filter_map(|effect| if let Effect::Load { ticket, .. } = effect { Some(ticket) } else { None }).collect::<Vec<_>>()
    };
    let tickets = gives(&mut stage);
    assert_eq!(tickets.len(), GIVES_MAX);
    assert_eq!(gives(&mut stage), []);
    let _ = stage.node.handle(Input::Loaded { ticket: tickets[0], rows: None }, START);
    assert_eq!(gives(&mut stage).len(), 1);
}

#[test]
fn so_many_words_wait_for_an_author_who_is_away_and_no_more() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    let leave = |stage: &mut Stage| stage.node.leave_receipt(&bela.certificate, b"a tombstone", START);
    // All that were begun at once, and then one more.
    (0..RECEIPTS_PER_AUTHOR_MAX + 3).for_each(|_| leave(&mut stage));
    assert_eq!(stage.keys(), RECEIPTS_PER_AUTHOR_MAX + 3);
    assert_eq!(stage.node.mail.outgoing.len(), RECEIPTS_PER_AUTHOR_MAX);
    leave(&mut stage);
    assert_eq!(stage.keys(), 0, "not even signed");
    let carla = stage.authority.issue("carla", NOW_MS);
    stage.node.leave_receipt(&carla.certificate, b"a tombstone", START);
    assert_eq!(stage.keys(), 1, "another author's has room");
}

#[test]
fn of_so_many_users_it_is_known_to_whom_mail_is_sealed() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    let user = |number: usize| UserId::parse(&format!("user{number}")).expect("a name");
    let chat = Conversation::new(user(0), crate::chat::Standing::Accepted, None);
    stage.node.chats.insert(user(0), chat);
    for number in 0..=RECIPIENTS_MAX {
        stage.node.mail_found_device(&user(number), &bela.certificate, START);
        assert!(stage.node.mail.recipients.len() <= RECIPIENTS_MAX);
    }
    let known: Vec<bool> = [0, 1, RECIPIENTS_MAX].map(|number| stage.node.mail_knows(&user(number))).to_vec();
    assert_eq!(known, [true, false, true], "with whom there is a conversation, and the last one");
}

#[test]
fn more_than_one_tombstone_can_say_goes_into_the_next() {
    let mut stage = Stage::new();
    let count = TOMBSTONE_ENTRIES_MAX + 44;
    let arrived = |number: usize| Arrived { id: MessageId([7; 16]), envelope: EnvelopeId(sha256(&[&number.to_be_bytes()])) };
    let mut arrivals = Arrivals::default();
    arrivals.arrived = (0..count).map(arrived).collect();
    stage.node.mail.arrived.insert(KeyId([1; 16]), arrivals);
    stage.node.mail.clear_ms = Some(START.mono);
    for left in [44, 0] {
        stage.node.effects.clear();
        assert!(stage.node.mail.deadline().is_some_and(|at| at <= START.mono), "it goes on at once");
        stage.node.collecting_wake(START);
        assert_eq!(stage.node.effects.iter().filter(|effect| matches!(effect, Effect::Key { .. })).count(), 1);
        assert_eq!(stage.node.mail.arrived.values().map(|arrivals| arrivals.arrived.len()).sum::<usize>(), left);
    }
}

#[test]
fn a_holder_that_never_hears_is_told_so_often_in_a_minute() {
    let expiry_h = u32::try_from((NOW_MS + DAY_MS) / crate::time::HOUR_MS).expect("hours");
    let value = [&[1][..], &expiry_h.to_be_bytes(), &[1], &[5; 16], &[6; 16]].concat();
    let mut stage = Stage::with_rows(vec![Row { table: Table::Seen, key: vec![9; 32], value }]);
    let bela = stage.meets("bela", START);
    let mut told = |now: Now| {
        stage.node.mail.arrived = OrderedMap::new();
        stage.node.listed(place(&bela), false, &[(EnvelopeId([9; 32]), MessageId([6; 16]))], now);
        !stage.node.mail.arrived.is_empty()
    };
    assert_eq!((0..20).filter(|number| told(after(*number))).count(), 8);
    assert!(told(after(MINUTE_MS)), "a minute later, again");
}

#[test]
fn so_many_letters_are_read_for_receivers_at_once() {
    let bela = TestAuthority::new([2; 32]).issue("bela", NOW_MS).certificate.user_id().mailbox();
    let value = [&[1][..], &2_000_u32.to_be_bytes(), &(NOW_MS + DAY_MS).to_be_bytes(), &[0], &[0], &[6; 16]].concat();
    let id = EnvelopeId([9; 32]);
    let mut stage = Stage::with_rows(vec![Row { table: Table::Held, key: row_key(&bela, id), value }]);
    stage.node.effects.clear();
    (0..2 * READINGS_MAX).for_each(|_| stage.node.fetch_for(RingId(1), bela, id, START));
    assert_eq!(stage.node.effects.iter().filter(|effect| matches!(effect, Effect::Load { .. })).count(), READINGS_MAX);
}

/// A letter to anna, sealed and signed.
fn letter(stage: &Stage, author: &TestDevice) -> Sealed {
    let body = MessageBody { id: MessageId([3; 16]), sent_ms: NOW_MS, seq: 1, prev: [0; 32], said: "hello".into() }.encode();
    let letter = Letter { author: &author.certificate, to: &stage.anna.certificate, prekey: None, body: &body, keep_ms: ENVELOPE_MS };
    let draft = EnvelopeDraft::new(&letter, &mut Rng::from_seed([5; 32])).expect("a good letter");
    let signature = author.keys.perform(&mut Rng::from_seed([6; 32]), &draft.key_op()).expect("a signature");
    Sealed::read(draft.finish(&signature).expect("of this key")).expect("an envelope")
}

/// The letter is unwrapped, by anna's key or by somebody's who cannot.
fn unwrap(stage: &mut Stage, by: &TestDevice, sealed: &Sealed) {
    let result = by.keys.perform(&mut Rng::from_seed([2; 32]), &sealed.key_op());
    let own = stage.anna.certificate.clone();
    stage.node.letter_unwrapped(RingId(1), sealed, &own, &result, START);
}

#[test]
fn while_the_disk_fails_a_letter_is_looked_at_again_later_whether_it_was_unwrapped_or_not() {
    for can_unwrap in [false, true] {
        let mut stage = Stage::new();
        let (bela, anna) = (stage.authority.issue("bela", NOW_MS), stage.anna.clone());
        let sealed = letter(&stage, &bela);
        stage.node.journal.failed(START.mono);
        unwrap(&mut stage, if can_unwrap { &anna } else { &bela }, &sealed);
        assert!(stage.node.mail.skipped.contains(&sealed.id()), "{can_unwrap}");
        assert!(stage.node.mail.seen.is_empty() && stage.node.chats.is_empty() && stage.node.mail.dropped == 0, "{can_unwrap}");
    }
}

#[test]
fn of_the_envelopes_seen_the_one_that_is_over_first_goes_for_one_more() {
    let hours = u32::try_from((NOW_MS + DAY_MS) / crate::time::HOUR_MS).expect("hours");
    let key = |number: usize| sha256(&[&number.to_be_bytes()]);
    let value = |number: usize| [&[1][..], &(hours + u32::from(number != 500)).to_be_bytes(), &[0]].concat();
    let rows = (0..SEEN_MAX).map(|number| Row { table: Table::Seen, key: key(number).to_vec(), value: value(number) }).collect();
    let mut stage = Stage::with_rows(rows);
    let bela = stage.authority.issue("bela", NOW_MS);
    let sealed = letter(&stage, &bela);
    unwrap(&mut stage, &bela, &sealed);
    assert_eq!(stage.node.mail.seen.len(), SEEN_MAX);
    let seen = |id: EnvelopeId| stage.node.mail.seen.contains_key(&id);
    assert!(seen(sealed.id()) && !seen(EnvelopeId(key(500))));
}

#[test]
fn so_many_are_passed_over_and_so_many_authors_are_known_and_no_more() {
    let mut stage = Stage::new();
    let (bela, carla, anna) = (stage.authority.issue("bela", NOW_MS), stage.authority.issue("carla", NOW_MS), stage.anna.clone());
    stage.node.mail.skipped = (0..SEEN_MAX).map(|number| EnvelopeId(sha256(&[&number.to_be_bytes()]))).collect();
    stage.node.mail.authors = vec![bela.certificate.clone(); AUTHORS_MAX];
    stage.node.journal.failed(START.mono);
    let sealed = letter(&stage, &carla);
    unwrap(&mut stage, &anna, &sealed);
    assert_eq!((stage.node.mail.skipped.len(), stage.node.mail.authors.len()), (SEEN_MAX, AUTHORS_MAX));
    assert_eq!(stage.node.mail.authors[0].der(), carla.certificate.der(), "the latest first");
}

#[test]
fn what_is_none_is_not_remembered_for_longer_than_anything_lasts() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    let mut bytes = letter(&stage, &bela).into_bytes();
    bytes[69..73].copy_from_slice(&u32::MAX.to_be_bytes());
    let sealed = Sealed::read(bytes).expect("the form of one");
    assert_eq!(sealed.header().expiry_h, u32::MAX);
    stage.node.effects.clear();
    unwrap(&mut stage, &bela, &sealed);
    let writes = stage.node.effects.iter().filter_map(|effect| if let Effect::Store { writes, .. } = effect { Some(writes) } else { None }).flatten();
    let values: Vec<_> = writes.filter(|write| write.table == Table::Seen).filter_map(|write| write.value.clone()).collect();
    let latest = u32::try_from((NOW_MS + ENVELOPE_MS) / crate::time::HOUR_MS).expect("hours");
    assert_eq!(values, [[&[1][..], &latest.to_be_bytes(), &[0]].concat()]);
}

#[test]
fn a_letter_that_another_has_brought_costs_whoever_is_late_nothing() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    let (sealed, other, from) = (letter(&stage, &bela), EnvelopeId([4; 32]), RingId(1));
    stage.node.listed(from, false, &[(other, MessageId([4; 16]))], START);
    stage.node.mail.skipped.insert(sealed.id());
    stage.node.letter_came(from, sealed.into_bytes(), START);
    assert_eq!((stage.node.mail.dropped, stage.node.mail.collector.sources(&other)), (0, &[from][..]));
}

#[test]
fn so_many_live_messages_wait_for_the_mail_and_the_next_is_taken_as_it_comes() {
    let mut stage = Stage::new();
    let user = UserId::parse("bela").expect("a name");
    stage.node.chats.insert(user.clone(), Conversation::new(user.clone(), crate::chat::Standing::Accepted, None));
    stage.node.mail.collector.joining(START);
    let body = MessageBody { id: MessageId([3; 16]), sent_ms: NOW_MS, seq: 9, prev: [1; 32], said: "early".into() };
    let waits = (0..=HELD_BACK_MAX).filter(|_| stage.node.holds_back(&user, &body, b"bytes", START)).count();
    assert_eq!(waits, HELD_BACK_MAX);
}

#[test]
fn nothing_is_sealed_to_a_key_that_is_not_the_pinned_one() {
    let mut stage = Stage::new();
    let (bela, other) = (stage.authority.issue("bela", NOW_MS), stage.authority.issue("bela", NOW_MS));
    let user = bela.certificate.user_id().clone();
    let chat = Conversation::new(user.clone(), crate::chat::Standing::Accepted, Some(bela.certificate.key_hash()));
    stage.node.chats.insert(user.clone(), chat);
    let known = [&other, &bela].map(|device| {
        stage.node.mail_found_device(&user, &device.certificate, START);
        stage.node.mail_knows(&user)
    });
    assert_eq!(known, [false, true]);
}

#[test]
fn what_the_disk_has_damaged_is_given_to_nobody_and_kept_no_more() {
    let bela = TestAuthority::new([2; 32]).issue("bela", NOW_MS).certificate.user_id().mailbox();
    let value = [&[1][..], &2_000_u32.to_be_bytes(), &(NOW_MS + DAY_MS).to_be_bytes(), &[0], &[0], &[6; 16]].concat();
    let id = EnvelopeId([9; 32]);
    let mut stage = Stage::with_rows(vec![Row { table: Table::Held, key: row_key(&bela, id), value }]);
    let row = Row { table: Table::Envelopes, key: row_key(&bela, id), value: b"damaged".to_vec() };
    stage.node.mail_read(Reading { to: RingId(1), mailbox: bela, id, what: ReadingOf::Letter }, Some(vec![row]), START);
    assert!(!stage.node.mail.holder.has(&bela, id));
}

#[test]
fn earlier_certificates_open_envelopes_for_31_days_after_their_end_and_so_many_of_them() {
    let mut authority = TestAuthority::new([1; 32]);
    let anna = authority.issue("anna", NOW_MS);
    let row = |device: &TestDevice| {
        let value = [&device.certificate.not_after_ms().to_be_bytes()[..], device.certificate.der()].concat();
        Row { table: Table::Meta, key: [&[CERTIFICATE_PREFIX][..], &KeyId::of(&device.certificate).0].concat(), value }
    };
    let earlier: Vec<TestDevice> = (0..=EARLIER_CERTIFICATES_MAX as u64).map(|day| authority.renew(&anna, NOW_MS + day * DAY_MS)).collect();
    let own = authority.renew(&anna, NOW_MS + 20 * DAY_MS);
    let kept = |rows: &[Row], wall: u64| certificates(&own.certificate, rows, authority.anchor(), Now { mono: 1, wall }, &mut Vec::new());
    let end_ms = earlier[0].certificate.not_after_ms();
    let counts = [31 * DAY_MS - 1, 31 * DAY_MS].map(|ms| kept(&[row(&earlier[0])], end_ms + ms).len());
    assert_eq!(counts, [2, 1], "its own, and the earlier one");
    let all = kept(&earlier.iter().map(row).collect::<Vec<_>>(), NOW_MS + 20 * DAY_MS);
    assert_eq!(all.len(), 1 + EARLIER_CERTIFICATES_MAX);
    assert!(all.iter().all(|certificate| certificate.der() != earlier[0].certificate.der()), "the one that ended first has gone");
}

/// Bela, a contact who is away, and so many texts for her that are stored here.
fn texts_for_bela(stage: &mut Stage, count: usize, bytes: usize) -> UserId {
    // Somebody who could be asked where she is.
    stage.meets("carla", START);
    let bela = stage.authority.issue("bela", NOW_MS);
    let user = bela.certificate.user_id().clone();
    let mut chat = Conversation::new(user.clone(), crate::chat::Standing::Accepted, None);
    for number in 0..count {
        let id = MessageId(std::array::from_fn(|at| number.to_be_bytes().get(at).copied().unwrap_or_default()));
        chat.send(id, "x".repeat(bytes).into(), NOW_MS);
        chat.stored_outgoing(id);
    }
    stage.node.chats.insert(user.clone(), chat);
    stage.node.mail_found_device(&user, &bela.certificate, START);
    stage.node.not_found_out(&user, START);
    user
}

/// Seals as long as more is to be sealed.
fn seal_all(stage: &mut Stage, user: &UserId) {
    stage.node.leave_mail(user, START);
    // Asked for again before the first is signed: nothing is sealed twice.
    stage.node.leave_mail(user, START);
    while stage.keys() > 0 {}
}

#[test]
fn so_many_messages_wait_for_one_receiver_with_others_each_once_and_the_next_when_one_is_delivered() {
    let mut stage = Stage::new();
    let user = texts_for_bela(&mut stage, PAIR_ENVELOPES_MAX + 3, 10);
    seal_all(&mut stage, &user);
    let sealed = |stage: &Stage| (stage.node.mail.outgoing.len(), stage.node.mail.by_message.len());
    assert_eq!(sealed(&stage), (PAIR_ENVELOPES_MAX, PAIR_ENVELOPES_MAX));
    let (delivered, _) = stage.node.chats[&user].waiting().next().map(|(id, body)| (id, body.len())).expect("the first");
    stage.node.chats.get_mut(&user).expect("bela").delivered(delivered);
    stage.node.mail_delivered(delivered);
    seal_all(&mut stage, &user);
    assert_eq!(sealed(&stage), (PAIR_ENVELOPES_MAX, PAIR_ENVELOPES_MAX));
}

#[test]
fn no_more_bytes_wait_for_one_receiver_with_others_than_a_holder_takes() {
    let mut stage = Stage::new();
    let user = texts_for_bela(&mut stage, PAIR_ENVELOPES_MAX, crate::limits::TEXT_BYTES_MAX);
    seal_all(&mut stage, &user);
    let bytes: u64 = stage.node.mail.outgoing.values().map(|outgoing| outgoing.room_bytes()).sum();
    assert!((PAIR_BYTES_MAX - 40_000..=PAIR_BYTES_MAX).contains(&bytes), "{bytes}");
}

#[test]
fn word_for_an_author_that_is_over_is_not_taken_up_again() {
    let mut stage = Stage::new();
    let bela = stage.authority.issue("bela", NOW_MS);
    stage.node.leave_receipt(&bela.certificate, b"a tombstone", START);
    assert_eq!(stage.keys(), 1);
    let mut stored = stage.node.effects.iter().filter_map(|effect| if let Effect::Store { writes, .. } = effect { Some(writes) } else { None }).flatten();
    let write = stored.rfind(|write| write.table == Table::Sealed).expect("it is on the disk").clone();
    let mut row = Row { table: Table::Sealed, key: write.key, value: write.value.expect("written") };
    assert_eq!(Stage::with_rows(vec![row.clone()]).node.mail.outgoing.len(), 1);
    row.value[3..7].copy_from_slice(&u32::try_from(NOW_MS / crate::time::HOUR_MS).expect("hours").to_be_bytes());
    assert_eq!(Stage::with_rows(vec![row]).node.mail.outgoing.len(), 0);
}

/// What a peer was sent on a channel.
fn told(stage: &mut Stage, channel: u16) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for effect in std::mem::take(&mut stage.node.effects) {
        let Effect::LinkSend { link, channel: of, frame } = effect else { continue };
        let Some((_, end)) = stage.ends.iter_mut().find(|(at, _)| *at == link && of == channel) else { continue };
        bodies.extend(end.open(channel, &frame, START).expect("an honest record").body.map(|(_, body)| body));
    }
    bodies
}

#[test]
fn a_holder_whose_disk_fails_says_that_it_is_full() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela", START);
    let (mailbox, id) = ([3; 32], EnvelopeId([9; 32]));
    let item = Offered { id, bucket: Some(crate::mailbox::Bucket::ALL[0]) };
    stage.node.journal.failed(START.mono);
    told(&mut stage, DEPOSIT);
    stage.node.offered(place(&bela), true, mailbox, &[item], START);
    let said: Vec<_> = told(&mut stage, DEPOSIT).iter().filter_map(|body| DepositMessage::decode(body).ok()).collect();
    assert_eq!(said, [DepositMessage::Verdicts { mailbox, items: vec![(id, Verdict::Full)] }]);
}

#[test]
fn whoever_is_said_to_be_there_is_told_what_is_kept_for_them() {
    let mailbox = UserId::parse("bela").expect("a name").mailbox();
    let id = EnvelopeId([9; 32]);
    let value = [&[1][..], &2_000_u32.to_be_bytes(), &(NOW_MS + DAY_MS).to_be_bytes(), &[0], &[0], &[6; 16]].concat();
    let mut stage = Stage::with_rows(vec![Row { table: Table::Held, key: row_key(&mailbox, id), value }]);
    let bela = stage.meets("bela", START);
    // What it was asked when the session began, and then what the session brings by itself.
    told(&mut stage, COLLECT);
    for (of, expected) in [([1; 32], 0), (mailbox, 1)] {
        stage.node.mail_presence(&of, &[*bela.certificate.node_id()], START);
        let lists = told(&mut stage, COLLECT);
        let names = |body: &Vec<u8>| matches!(CollectMessage::decode(body), Ok(CollectMessage::List { items, .. }) if items.first().is_some_and(|(of, _)| *of == id));
        assert_eq!((lists.len(), lists.iter().all(names)), (expected, true));
    }
}

/// A ring in which this node and the next are to keep all mail.
struct Two(RingId, RingId);

impl Neighbourhood for Two {
    fn arc(&self, _: &Mailbox) -> Vec<RingId> {
        vec![self.0, self.1]
    }

    fn is_in_arc(&self, _: &Mailbox) -> bool {
        true
    }

    fn is_linked(&self, _: RingId) -> bool {
        true
    }
}

#[test]
fn a_receiver_is_told_who_keeps_what_this_node_had_no_room_for() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela", START);
    let (mailbox, keeper) = (bela.certificate.user_id().mailbox(), RingId(5));
    let around = Two(stage.node.ring.me(), keeper);
    let items = [Offered { id: EnvelopeId([9; 32]), bucket: Some(crate::mailbox::Bucket::ALL[0]) }];
    stage.node.mail.holder.lend(0, START);
    stage.node.mail.holder.offered(keeper, (false, mailbox, &items), &around, START, &mut Vec::new());
    told(&mut stage, COLLECT);
    stage.node.tell_list(place(&bela), &mailbox, EnvelopeId([0; 32]), START);
    let lists = told(&mut stage, COLLECT);
    let elsewhere = lists.iter().find_map(|body| match CollectMessage::decode(body) {
        Ok(CollectMessage::List { elsewhere, .. }) => Some(elsewhere),
        _ => None,
    });
    assert_eq!(elsewhere, Some(vec![keeper]));
}
