//! Sessions that stay for the mail, and who is asked for it.

use super::*;
use crate::directory::{found, pair};
use crate::limits::{MAIL_LINKS_MAX, NEAR_MAX};
use crate::ring::{Answer, Service, Side, Verdict as Said};

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
