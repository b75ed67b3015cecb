//! Worlds with enemies in them: new keys under an old name, revoked certificates, forged frames, floods.

use std::collections::BTreeSet;

use b4_protocol::crypto::native::DeviceKeys;
use b4_protocol::crypto::{Fingerprint, Rng, sha256};
use b4_protocol::handshake::start;
use b4_protocol::identity::testing::TestDevice;
use b4_protocol::identity::{ListAge, NodeId};
use b4_protocol::node::{Command, ContactRefusal, Direction, Event, KeyStanding, MessageState, NetworkState, SendRefusal, Table};
use b4_protocol::signal::description::Description;
use b4_protocol::signal::relay::RelayFrame;
use b4_protocol::signal::sealed::{DialId, OfferDraft};
use b4_protocol::time::DAY_MS;
use b4_simulator::{NodeIndex, World, WorldConfig};

fn world(seed: u64) -> (World, NodeIndex, NodeIndex) {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    let (anna, bela) = (world.add("anna"), world.add("bela"));
    world.run_for(2_000);
    (world, anna, bela)
}

fn befriend(world: &mut World, from: NodeIndex, to: NodeIndex) {
    let user = world.user(to);
    assert!(world.run_until(10_000, |world| world.seen(from).network == NetworkState::Online));
    world.command(from, Command::AddContact { typed: user.to_string() });
    assert!(world.run_until(10_000, |world| world.seen(from).contacts.contains_key(&user)), "the contact is found");
}

/// Both know each other and a session is up.
fn friends(seed: u64) -> (World, NodeIndex, NodeIndex) {
    let (mut world, anna, bela) = world(seed);
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "hello");
    arrives(&mut world, anna, bela, "hello", 5_000);
    world.say(bela, anna, "hello yourself");
    arrives(&mut world, bela, anna, "hello yourself", 5_000);
    (world, anna, bela)
}

fn received(world: &World, at: NodeIndex, from: NodeIndex) -> Vec<String> {
    world.seen(at).texts(&world.user(from), Direction::In)
}

fn arrives(world: &mut World, from: NodeIndex, to: NodeIndex, text: &str, within_ms: u64) {
    let arrived = world.run_until(within_ms, |world| received(world, to, from).iter().any(|there| there == text));
    assert!(arrived, "{text:?} arrives");
}

fn key_standing(world: &World, at: NodeIndex, of: NodeIndex) -> KeyStanding {
    world.seen(at).contacts[&world.user(of)].key
}

#[test]
fn a_changed_key_blocks_sending_until_looked_at_when_one_dials() {
    let (mut world, anna, old) = friends(1);
    let bela = world.rekeyed(old);
    world.say(anna, bela, "is it you?");
    assert!(world.run_until(60_000, |world| key_standing(world, anna, bela) == KeyStanding::Changed));
    world.run_for(30_000);
    assert_eq!(received(&world, bela, anna), Vec::<String>::new(), "nothing goes to a key not looked at");
    world.say(anna, bela, "refused");
    let to = world.user(bela);
    let refusal = Event::SendRefused { to: to.clone(), text: "refused".to_owned(), why: SendRefusal::KeyChanged };
    assert!(world.seen(anna).events.contains(&refusal));
    world.command(anna, Command::ConfirmKey { user: to });
    assert_eq!(key_standing(&world, anna, bela), KeyStanding::Pinned);
    arrives(&mut world, anna, bela, "is it you?", 10_000);
}

#[test]
fn a_changed_key_blocks_when_the_other_dials_and_makes_no_storm() {
    let (mut world, anna, old) = friends(2);
    let bela = world.rekeyed(old);
    befriend(&mut world, bela, anna);
    world.say(bela, anna, "it is me");
    assert!(world.run_until(30_000, |world| key_standing(world, anna, bela) == KeyStanding::Changed));
    let before = world.connections_made().get(&anna).copied().unwrap_or_default();
    world.run_for(120_000);
    let made = world.connections_made()[&anna] - before;
    assert!(made <= 16, "{made} connections in two minutes");
    assert_eq!(received(&world, anna, bela), ["hello yourself"], "nothing is taken from a key not looked at");
    assert_eq!(world.seen(bela).states(&world.user(anna)), [MessageState::Queued]);
    let user = world.user(bela);
    world.command(anna, Command::ConfirmKey { user });
    arrives(&mut world, bela, anna, "it is me", 60_000);
    world.say(anna, bela, "so it is");
    arrives(&mut world, anna, bela, "so it is", 60_000);
}

#[test]
fn a_changed_key_survives_a_reload_unlooked_at() {
    let (mut world, anna, old) = friends(3);
    let bela = world.rekeyed(old);
    world.say(anna, bela, "is it you?");
    assert!(world.run_until(60_000, |world| key_standing(world, anna, bela) == KeyStanding::Changed));
    world.run_for(1_000);
    world.kill(anna);
    world.start(anna);
    world.run_for(60_000);
    assert_eq!(key_standing(&world, anna, bela), KeyStanding::Changed);
    assert_eq!(received(&world, bela, anna), Vec::<String>::new());
}

#[test]
fn an_identity_restored_on_a_second_machine_goes_on_with_a_new_count() {
    for seed in 1..=10 {
        let (mut world, anna, bela) = friends(seed);
        let contact = world.user(bela);
        for number in 0..5 {
            world.say(anna, bela, &format!("old {number}"));
        }
        arrives(&mut world, anna, bela, "old 4", 5_000);
        let me = world.user(anna);
        world.command(bela, Command::MarkRead { user: me });
        world.run_for(1_000);
        let again = world.restored(anna);
        assert!(world.run_until(10_000, |world| world.seen(anna).events.contains(&Event::Superseded)));
        befriend(&mut world, again, bela);
        for number in 0..3 {
            world.say(again, bela, &format!("new {number}"));
        }
        arrives(&mut world, again, bela, "new 2", 30_000);
        world.run_for(2_000);
        let expected: Vec<String> =
            ["hello".to_owned()].into_iter().chain((0..5).map(|n| format!("old {n}"))).chain((0..3).map(|n| format!("new {n}"))).collect();
        assert_eq!(received(&world, bela, again), expected, "seed {seed}");
        assert_eq!(world.seen(again).contacts[&contact].read_up_to_seq, 0, "what was read was the old count's (seed {seed})");
        world.say(bela, again, "welcome back");
        arrives(&mut world, bela, again, "welcome back", 5_000);
        assert_eq!(received(&world, again, bela), ["welcome back"], "what was acknowledged before does not come again");
        let user = world.user(again);
        world.command(bela, Command::MarkRead { user });
        assert!(world.run_until(5_000, |world| world.seen(again).contacts[&contact].read_up_to_seq == 3));
    }
}

#[test]
fn t17_a_revoked_peer_loses_an_open_chat_and_does_not_come_back() {
    let (mut world, anna, bela) = friends(4);
    world.say(anna, bela, "still fine");
    arrives(&mut world, anna, bela, "still fine", 1_000);
    world.revoke(bela);
    world.fetch_revocations(anna);
    assert_eq!(world.links_of(anna).len(), 0, "the open chat is cut at once");
    world.say(anna, bela, "to a thief");
    world.say(bela, anna, "from a thief");
    world.run_for(120_000);
    assert_eq!(received(&world, anna, bela), ["hello yourself"]);
    assert_eq!(received(&world, bela, anna), ["hello", "still fine"]);
    assert_eq!(world.seen(anna).states(&world.user(bela)).last(), Some(&MessageState::Queued));
    assert!(!world.seen(anna).events.contains(&Event::CertificateRefused));
    world.fetch_revocations(bela);
    assert!(world.seen(bela).events.contains(&Event::CertificateRefused), "the revoked one is told");
}

#[test]
fn t17_a_clock_wound_back_brings_no_revoked_peer_back() {
    let (mut world, anna, bela) = friends(5);
    world.revoke(bela);
    world.fetch_revocations(anna);
    world.set_clock(anna, -(30 * DAY_MS as i64));
    world.kill(anna);
    world.start(anna);
    world.say(bela, anna, "from a thief");
    world.run_for(60_000);
    assert_eq!(world.disk(anna).count(Table::Messages), 2, "hello, and hello yourself");
}

#[test]
fn t17_an_old_list_makes_no_first_contacts_and_keeps_those_known() {
    let (mut world, anna, bela) = friends(6);
    let (carl, dora) = (world.add("carl"), world.add("dora"));
    world.publish();
    world.fetch_revocations(anna);
    let aged = |world: &World, age| world.seen(anna).events.contains(&Event::RevocationsAged(age));
    // Signalling lives for a minute: all clocks go on together.
    let advance = |world: &mut World, days: i64| {
        for node in [anna, bela, carl, dora] {
            world.set_clock(node, days * DAY_MS as i64);
        }
        world.run_for(60_000);
    };
    advance(&mut world, 4);
    assert!(aged(&world, ListAge::Stale) && !aged(&world, ListAge::Old));
    befriend(&mut world, anna, carl);
    // Dora knows of anna in time, and says nothing yet. Later she has anna's old list as well: it goes from peer to peer.
    befriend(&mut world, dora, anna);
    advance(&mut world, 15);
    assert!(aged(&world, ListAge::Old));
    world.say(anna, bela, "we know each other");
    arrives(&mut world, anna, bela, "we know each other", 60_000);
    let typed = world.user(dora).to_string();
    world.command(anna, Command::AddContact { typed: typed.clone() });
    world.run_for(5_000);
    assert!(world.seen(anna).events.contains(&Event::ContactRefused { typed, why: ContactRefusal::CannotTell }));
    world.say(dora, anna, "you do not know me");
    world.run_for(60_000);
    assert_eq!(received(&world, anna, dora), Vec::<String>::new());
    world.publish();
    world.fetch_revocations(anna);
    world.set_clock(anna, 0);
    assert_eq!(world.seen(anna).states(&world.user(bela)).last(), Some(&MessageState::Delivered));
}

/// A sealed offer of `from` for `to`, as it would stand in the relay's frame. What is in it is honest; nobody answers its dial.
fn offer_frame(world: &World, from: &TestDevice, to: NodeIndex, number: u64) -> Vec<u8> {
    let mut rng = Rng::from_seed(sha256(&[b"offer", &number.to_be_bytes(), &from.certificate.hash()]));
    let target = world.device(to).certificate.clone();
    let sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
        a=ice-ufrag:Wg5r\r\na=ice-pwd:dLHWsjPPpCWlSKrbYYuVRPjk\r\na=fingerprint:sha-256 "
        .to_owned()
        + &["AB"; 32].join(":")
        + "\r\n";
    let description = Description::from_sdp(&sdp).expect("SDP");
    let handshake = start(&from.certificate, Fingerprint([0xab; 32]), &mut rng);
    let dial = DialId(rng.array());
    let (node, wall) = (*target.node_id(), world.now().wall);
    let draft = OfferDraft::new(node, target.wrapping_key(), dial, handshake.m1(), &description, wall, &mut rng);
    let signature = sign(&from.keys, &draft);
    let (body, _) = draft.finish(&signature).expect("an offer");
    RelayFrame::Forwarded { from: *from.certificate.node_id(), body }.encode()
}

fn sign(keys: &DeviceKeys, draft: &OfferDraft) -> Vec<u8> {
    keys.perform(&mut Rng::from_seed([1; 32]), &draft.key_op()).expect("a signature").to_vec()
}

/// A flood of offers at bela over 10 s by these senders in turn; meanwhile anna, a contact, connects. Returns the peer connections that
/// bela made for it all.
fn flood(world: &mut World, anna: NodeIndex, bela: NodeIndex, senders: &[TestDevice], count: u64) -> usize {
    let before = world.connections_made().get(&bela).copied().unwrap_or_default();
    world.run_for(100);
    for number in 0..count {
        let from = &senders[(number % senders.len() as u64) as usize];
        let frame = offer_frame(world, from, bela, number);
        world.forge_relay_frame(bela, frame);
        world.run_for(10_000 / count);
        if number == count / 2 {
            world.say(anna, bela, "through the flood");
        }
    }
    world.connections_made().get(&bela).copied().unwrap_or_default() - before
}

#[test]
fn t14_a_flood_of_offers_does_not_keep_a_contact_out() {
    for (seed, senders) in [(1, 1), (2, 60)] {
        let (mut world, anna, bela) = friends(seed);
        let enemies: Vec<TestDevice> = (0..senders).map(|number| world.insider(&format!("enemy{number}"))).collect();
        // The contact must dial anew.
        world.kill(anna);
        world.run_for(10_000);
        world.start(anna);
        world.run_for(1_000);
        let made = flood(&mut world, anna, bela, &enemies, 500);
        // Eight of each sender in ten seconds, which may begin in the middle.
        assert!(made <= 16 * senders + 4, "{made} connections for {senders} senders");
        assert_eq!(received(&world, bela, anna), ["hello", "through the flood"], "within 5 s, {senders} senders");
    }
}

#[test]
fn t13_random_frames_of_relay_and_link_end_what_they_came_over_and_nothing_else() {
    let (mut world, anna, bela) = friends(7);
    let mut rng = Rng::from_seed([7; 32]);
    let node = world.device(bela).certificate.node_id().0;
    for round in 0..20_000_u64 {
        let mut bytes: Vec<u8> = (0..rng.below(200)).map(|_| rng.array::<1>()[0]).collect();
        match round % 4 {
            0 => {}
            // Frames of the right type, and sealed frames for this node.
            1 => bytes.insert(0, 0x81 + (round / 4 % 8) as u8),
            2 => {
                let kind = [b"B4S1", &[1 + (round / 4 % 3) as u8][..], &node].concat();
                let time = u32::try_from(world.now().wall / 1_000).expect("before 2106").to_be_bytes();
                let body = [kind, bytes.iter().copied().chain([0; 16]).take(16).collect(), time.to_vec(), bytes].concat();
                bytes = RelayFrame::Forwarded { from: NodeId(rng.array()), body }.encode();
            }
            _ => {
                if round % 400 == 3 {
                    world.forge_link_frames(bela, &bytes);
                }
            }
        }
        if round % 4 != 3 {
            world.forge_relay_frame(bela, bytes);
        }
        world.run_for(1);
    }
    world.say(anna, bela, "after all that");
    arrives(&mut world, anna, bela, "after all that", 90_000);
    let made = world.connections_made()[&bela];
    assert!(made < 300, "{made} peer connections");
}

#[test]
fn t5_an_answer_or_offer_played_again_ends_no_session() {
    // The world's relay is honest: its frames for anna are kept here and played again while the chat is open.
    let (mut world, anna, bela) = world(8);
    world.keep_relay_frames();
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "hello");
    arrives(&mut world, anna, bela, "hello", 5_000);
    let links: BTreeSet<_> = world.links_of(anna).into_iter().chain(world.links_of(bela)).collect();
    for (node, bytes) in world.kept_relay_frames() {
        // Not the frames of the relay's own conversation: those may end only the connection to the relay.
        if bytes.first() == Some(&0x84) {
            world.forge_relay_frame(node, bytes);
            world.run_for(50);
        }
    }
    world.run_for(15_000);
    let after: BTreeSet<_> = world.links_of(anna).into_iter().chain(world.links_of(bela)).collect();
    assert_eq!(links, after);
    world.say(bela, anna, "still here");
    arrives(&mut world, bela, anna, "still here", 500);
}
