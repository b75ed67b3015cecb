//! Two and three people chat in worlds in which things fail. Nothing is lost, nothing comes twice, order is kept.

use b4_protocol::chat::MessageId;
use b4_protocol::limits::{CHAT_LINKS_MAX, RING_LINKS_MAX};
use b4_protocol::node::{Command, ContactRefusal, Direction, Event, MessageState, NetworkState, Presence, Standing, Table};
use b4_simulator::{DiskFault, NodeIndex, World, WorldConfig};

fn world(seed: u64) -> (World, NodeIndex, NodeIndex) {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    let (anna, bela) = (world.add("anna"), world.add("bela"));
    world.run_for(2_000);
    (world, anna, bela)
}

fn befriend(world: &mut World, from: NodeIndex, to: NodeIndex) {
    let typed = world.user(to).to_string();
    world.command(from, Command::AddContact { typed });
    let user = world.user(to);
    assert!(world.run_until(10_000, |world| world.seen(from).contacts.contains_key(&user)), "the contact is found");
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("text {number}")).collect()
}

fn received(world: &World, at: NodeIndex, from: NodeIndex) -> Vec<String> {
    world.seen(at).texts(&world.user(from), Direction::In)
}

/// Everything `from` said is with `to`, once and in order, and known to be there.
fn check_delivered(world: &mut World, from: NodeIndex, to: NodeIndex, texts: &[String], within_ms: u64) {
    let (them, me) = (world.user(to), world.user(from));
    let all_there = |world: &World| {
        world.seen(from).states(&them).iter().all(|state| matches!(state, MessageState::Delivered | MessageState::Read))
    };
    let arrived = world.run_until(within_ms, |world| {
        all_there(world) && world.seen(to).texts(&me, Direction::In).len() >= texts.len()
    });
    // The outbox is emptied on disk a moment after the screen says so: a crash in between sends again, and shows nothing twice.
    world.run_until(1_000, |world| world.disk(from).count(Table::Outbox) == 0);
    assert_eq!(received(world, to, from), texts);
    assert!(arrived, "known to be delivered: {:?}", world.seen(from).states(&them));
    assert_eq!(world.seen(to).shown_twice, Vec::<String>::new());
    assert_eq!(world.disk(from).count(Table::Outbox), 0);
}

#[test]
fn two_people_chat_both_ways() {
    let (mut world, anna, bela) = world(1);
    assert_eq!(world.seen(anna).network, NetworkState::Online);
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "hello");
    check_delivered(&mut world, anna, bela, &["hello".to_owned()], 5_000);
    assert_eq!(world.seen(bela).contacts[&world.user(anna)].standing, Standing::New);
    world.say(bela, anna, "hello yourself");
    check_delivered(&mut world, bela, anna, &["hello yourself".to_owned()], 5_000);
    assert_eq!(world.seen(bela).contacts[&world.user(anna)].standing, Standing::Accepted);
    let numbers = [anna, bela].map(|node| {
        let other = world.user(if node == anna { bela } else { anna });
        world.seen(node).contacts[&other].safety_number.clone()
    });
    assert!(numbers[0].is_some() && numbers[0] == numbers[1]);
}

#[test]
fn both_dial_at_once_and_type_at_once() {
    for seed in 1..=20 {
        let (mut world, anna, bela) = world(seed);
        befriend(&mut world, anna, bela);
        befriend(&mut world, bela, anna);
        for text in numbered(20) {
            world.say(anna, bela, &text);
            world.say(bela, anna, &text);
        }
        check_delivered(&mut world, anna, bela, &numbered(20), 30_000);
        check_delivered(&mut world, bela, anna, &numbered(20), 30_000);
    }
}

#[test]
fn a_read_message_is_known_to_be_read() {
    let (mut world, anna, bela) = world(3);
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "seen?");
    check_delivered(&mut world, anna, bela, &["seen?".to_owned()], 5_000);
    let (me, them) = (world.user(anna), world.user(bela));
    world.command(bela, Command::MarkRead { user: me.clone() });
    world.run_for(2_000);
    assert_eq!(world.seen(anna).contacts[&them].read_up_to_seq, 0, "a stranger's reading is not told");
    world.command(bela, Command::Accept { user: me.clone() });
    assert!(world.run_until(5_000, |world| world.seen(anna).contacts[&them].read_up_to_seq == 1));
    assert_eq!(world.seen(bela).contacts[&me].unread, 0);
}

#[test]
fn a_message_counts_as_unread_once_it_can_be_read_and_not_before() {
    for seed in 1..=20 {
        let (mut world, anna, bela) = world(seed);
        befriend(&mut world, anna, bela);
        befriend(&mut world, bela, anna);
        let (me, them) = (world.user(anna), world.user(bela));
        for (count, text) in (1..).zip(numbered(10)) {
            world.say(anna, bela, &text);
            assert!(world.run_until(5_000, |world| world.seen(bela).contacts[&me].unread == 1));
            assert_eq!(received(&world, bela, anna).len(), count);
            // As the screen does while the chat is open.
            world.command(bela, Command::MarkRead { user: me.clone() });
            let seq = count as u64;
            assert!(world.run_until(5_000, |world| world.seen(anna).contacts[&them].read_up_to_seq == seq));
            assert!(matches!(world.seen(anna).states(&them)[count - 1], MessageState::Delivered | MessageState::Read));
        }
    }
}

#[test]
fn whoever_reads_as_fast_as_messages_come_has_read_them_all() {
    for seed in 1..=20 {
        let (mut world, anna, bela) = world(seed);
        befriend(&mut world, anna, bela);
        befriend(&mut world, bela, anna);
        let (me, them) = (world.user(anna), world.user(bela));
        for text in numbered(10) {
            world.say(anna, bela, &text);
            world.say(bela, anna, &text);
        }
        for _ in 0..1_000 {
            world.command(bela, Command::MarkRead { user: me.clone() });
            world.run_for(1);
        }
        world.run_for(2_000);
        assert_eq!(world.seen(bela).contacts[&me].unread, 0);
        assert_eq!(world.seen(anna).contacts[&them].read_up_to_seq, 10, "seed {seed}");
    }
}

#[test]
fn what_is_said_to_somebody_away_goes_when_both_are_there() {
    let (mut world, anna, bela) = world(4);
    befriend(&mut world, anna, bela);
    world.command(bela, Command::Leave);
    world.run_for(1_000);
    world.kill(bela);
    for text in numbered(5) {
        world.say(anna, bela, &text);
    }
    world.run_for(20_000);
    let them = world.user(bela);
    assert_eq!(world.seen(anna).states(&them), [MessageState::Queued; 5]);
    assert_eq!(world.seen(anna).contacts[&them].presence, Presence::Away);
    world.start(bela);
    check_delivered(&mut world, anna, bela, &numbered(5), 5_000);
}

#[test]
fn a_sender_who_reloads_in_mid_send_loses_nothing() {
    for seed in 1..=20 {
        let (mut world, anna, bela) = world(seed);
        befriend(&mut world, anna, bela);
        for text in numbered(30) {
            world.say(anna, bela, &text);
        }
        world.run_for(seed * 37);
        world.kill(anna);
        world.run_for(500);
        world.start(anna);
        world.run_until(60_000, |world| received(world, bela, anna).len() >= 30);
        world.run_for(10_000);
        assert_eq!(received(&world, bela, anna), numbered(30), "seed {seed}");
        assert_eq!(world.seen(bela).shown_twice, Vec::<String>::new());
        assert_eq!(world.disk(anna).count(Table::Outbox), 0, "seed {seed}");
    }
}

#[test]
fn a_receiver_who_reloads_in_mid_send_shows_nothing_twice() {
    for seed in 1..=20 {
        let (mut world, anna, bela) = world(seed);
        befriend(&mut world, anna, bela);
        for text in numbered(30) {
            world.say(anna, bela, &text);
        }
        world.run_for(seed * 41);
        world.kill(bela);
        world.run_for(seed * 10);
        world.start(bela);
        let them = world.user(anna);
        world.run_until(60_000, |world| world.disk(anna).count(Table::Outbox) == 0);
        world.command(bela, Command::LoadMessages { with: them, before: None });
        world.run_for(5_000);
        assert_eq!(received(&world, bela, anna), numbered(30), "seed {seed}");
    }
}

#[test]
fn links_cut_again_and_again_lose_nothing() {
    for seed in 1..=10 {
        let (mut world, anna, bela) = world(seed);
        befriend(&mut world, anna, bela);
        let texts = numbered(60);
        for (number, text) in texts.iter().enumerate() {
            world.say(anna, bela, text);
            world.run_for(40);
            if number % 15 == 14 {
                world.cut_links(anna);
            }
        }
        check_delivered(&mut world, anna, bela, &texts, 60_000);
    }
}

#[test]
fn an_open_chat_goes_on_without_the_relay() {
    let (mut world, anna, bela) = world(6);
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "before");
    check_delivered(&mut world, anna, bela, &["before".to_owned()], 5_000);
    world.kill_relay();
    world.run_for(60_000);
    assert_eq!(world.seen(anna).network, NetworkState::Online, "they have each other");
    world.say(anna, bela, "without");
    check_delivered(&mut world, anna, bela, &["before".to_owned(), "without".to_owned()], 2_000);
    world.start_relay();
    assert!(world.run_until(90_000, |world| world.seen(anna).network == NetworkState::Online));
    world.say(bela, anna, "after");
    check_delivered(&mut world, bela, anna, &["after".to_owned()], 2_000);
}

#[test]
fn a_failing_disk_holds_messages_back_and_loses_none() {
    let (mut world, anna, bela) = world(7);
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "one");
    check_delivered(&mut world, anna, bela, &["one".to_owned()], 5_000);
    world.set_disk_fault(bela, DiskFault::Failing(true));
    world.say(anna, bela, "two");
    world.run_for(10_000);
    assert_eq!(received(&world, bela, anna), ["one"], "nothing is shown that is not durable");
    let them = world.user(bela);
    assert_ne!(world.seen(anna).states(&them)[1], MessageState::Delivered);
    assert!(world.seen(bela).events.contains(&Event::StoreTrouble { full: true, working: false }));
    world.set_disk_fault(bela, DiskFault::None);
    check_delivered(&mut world, anna, bela, &["one".to_owned(), "two".to_owned()], 60_000);
}

#[test]
fn typed_names_get_their_answers() {
    let (mut world, anna, bela) = world(8);
    befriend(&mut world, anna, bela);
    let refusal = |world: &mut World, typed: &str| {
        world.command(anna, Command::AddContact { typed: typed.to_owned() });
        world.run_for(2_000);
        let last = world.seen(anna).events.iter().rev().find_map(|event| match event {
            Event::ContactRefused { why, .. } => Some(why.clone()),
            _ => None,
        });
        last.expect("a refusal")
    };
    assert_eq!(refusal(&mut world, "anna"), ContactRefusal::Myself);
    assert_eq!(refusal(&mut world, "bela"), ContactRefusal::Known);
    assert_eq!(refusal(&mut world, "nobody-here"), ContactRefusal::Nobody);
    assert!(matches!(refusal(&mut world, "Bela"), ContactRefusal::NotAName(_)));
    assert!(matches!(refusal(&mut world, "be\0la"), ContactRefusal::NotAName(_)));
    world.kill_relay();
    world.run_for(2_000);
    assert_eq!(refusal(&mut world, "carl"), ContactRefusal::CannotTell);
}

#[test]
fn a_blocked_user_reaches_nobody() {
    let (mut world, anna, bela) = world(9);
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "hello");
    check_delivered(&mut world, anna, bela, &["hello".to_owned()], 5_000);
    let me = world.user(anna);
    world.command(bela, Command::Block { user: me.clone() });
    world.run_for(1_000);
    world.say(anna, bela, "are you there?");
    world.run_for(60_000);
    assert_eq!(received(&world, bela, anna), ["hello"]);
    world.command(bela, Command::Unblock { user: me });
    check_delivered(&mut world, anna, bela, &["hello".to_owned(), "are you there?".to_owned()], 120_000);
}

#[test]
fn a_pair_without_a_path_is_told_so_and_tried_again() {
    let (mut world, anna, bela) = world(10);
    world.separate(anna, bela);
    world.cut_links(anna);
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "hello?");
    world.run_for(15_000);
    let them = world.user(bela);
    assert!(matches!(world.seen(anna).contacts[&them].presence, Presence::Unreachable { .. } | Presence::Connecting));
    assert_eq!(world.seen(anna).states(&them), [MessageState::Queued]);
}

#[test]
fn a_machine_that_dies_silently_is_noticed_within_seconds() {
    let (mut world, anna, bela) = world(11);
    befriend(&mut world, anna, bela);
    world.say(anna, bela, "hello");
    check_delivered(&mut world, anna, bela, &["hello".to_owned()], 5_000);
    world.kill(bela);
    world.say(anna, bela, "into the void");
    let them = world.user(bela);
    let noticed = world.run_until(9_000, |world| world.seen(anna).states(&them)[1..] == [MessageState::Queued]);
    assert!(noticed, "a message that is not acknowledged goes back to waiting");
    // The relay calls them there for a while. What is known is that there was a connection.
    for _ in 0..200 {
        world.run_for(100);
        let presence = world.seen(anna).contacts[&them].presence;
        assert!(matches!(presence, Presence::Unreachable { was_up: true, .. } | Presence::Away), "{presence:?}");
    }
}

#[test]
fn a_lost_acknowledgement_brings_the_message_again_and_shows_it_once() {
    for seed in 1..=10 {
        let (mut world, anna, bela) = world(seed);
        befriend(&mut world, anna, bela);
        world.say(anna, bela, "hello");
        check_delivered(&mut world, anna, bela, &["hello".to_owned()], 5_000);
        world.say(anna, bela, "once");
        let rows = world.disk(bela).count(Table::Messages);
        assert!(world.run_until(5_000, |world| world.disk(bela).count(Table::Messages) > rows));
        // It is durable there, and its acknowledgement on the way.
        world.cut_links(bela);
        let them = world.user(bela);
        assert_ne!(world.seen(anna).states(&them)[1], MessageState::Delivered);
        // They read it, maybe before anna knows that they have it. An open chat brings the next session.
        let me = world.user(anna);
        world.command(bela, Command::Accept { user: me.clone() });
        world.command(bela, Command::Open { user: Some(me.clone()) });
        world.run_for(100);
        world.command(bela, Command::MarkRead { user: me });
        check_delivered(&mut world, anna, bela, &["hello".to_owned(), "once".to_owned()], 30_000);
        assert_eq!(world.disk(bela).count(Table::Messages), rows + 1);
        assert!(world.run_until(5_000, |world| world.seen(anna).contacts[&them].read_up_to_seq == 2), "seed {seed}");
    }
}

#[test]
fn a_first_message_of_somebody_unknown_waits_to_be_accepted_ignored_or_blocked() {
    for (order, standing) in [(0, Standing::Accepted), (1, Standing::Ignored), (2, Standing::Blocked)] {
        let (mut world, anna, bela) = world(20 + order);
        befriend(&mut world, anna, bela);
        world.say(anna, bela, "do you know me?");
        check_delivered(&mut world, anna, bela, &["do you know me?".to_owned()], 5_000);
        let user = world.user(anna);
        let view = world.seen(bela).contacts[&user].clone();
        assert_eq!((view.standing, view.unread, view.presence), (Standing::New, 1, Presence::Online));
        let command = match standing {
            Standing::Accepted => Command::Accept { user: user.clone() },
            Standing::Ignored => Command::Ignore { user: user.clone() },
            _ => Command::Block { user: user.clone() },
        };
        world.command(bela, command);
        world.run_for(1_000);
        world.kill(bela);
        world.start(bela);
        assert_eq!(world.seen(bela).contacts[&user].standing, standing, "it outlives a reload");
        world.say(anna, bela, "and now?");
        world.run_for(30_000);
        let heard = received(&world, bela, anna).contains(&"and now?".to_owned());
        assert_eq!(heard, standing != Standing::Blocked);
    }
}

#[test]
fn a_stranger_has_said_enough_at_some_point_and_goes_on_once_accepted() {
    let (mut world, anna, bela) = world(30);
    befriend(&mut world, anna, bela);
    for text in numbered(70) {
        world.say(anna, bela, &text);
    }
    world.run_for(10_000);
    assert_eq!(received(&world, bela, anna), numbered(64));
    let (me, them) = (world.user(anna), world.user(bela));
    assert_eq!(world.seen(anna).states(&them)[64..], [MessageState::Failed; 6]);
    world.command(bela, Command::Accept { user: me });
    let failed: Vec<_> = world.seen(anna).messages[&them].iter().filter(|(_, shown)| shown.state == MessageState::Failed).map(|(id, _)| *id).collect();
    for id in failed {
        world.command(anna, Command::SendAgain { to: them.clone(), id: MessageId(id) });
        world.run_for(100);
    }
    check_delivered(&mut world, anna, bela, &numbered(70), 60_000);
}

#[test]
fn a_reload_of_the_other_is_over_within_seconds() {
    // (whether the page says goodbye, what the next message may take)
    for (says_goodbye, within_ms) in [(true, 3_000), (false, 12_000)] {
        for seed in 1..=10 {
            let (mut world, anna, bela) = world(40 + seed);
            befriend(&mut world, anna, bela);
            world.say(anna, bela, "before");
            check_delivered(&mut world, anna, bela, &["before".to_owned()], 5_000);
            if says_goodbye {
                world.command(bela, Command::Leave);
            }
            world.kill(bela);
            world.run_for(seed * 30);
            world.start(bela);
            let said_ms = world.now().mono;
            world.say(anna, bela, "after");
            world.run_until(20_000, |world| received(world, bela, anna) == ["after"]);
            let took_ms = world.now().mono - said_ms;
            assert!(took_ms <= within_ms, "{took_ms} ms, goodbye: {says_goodbye}, seed {seed}");
        }
    }
}

#[test]
fn a_peer_that_is_loaded_again_in_mid_handshake_is_heard_at_once() {
    for seed in 1..=30 {
        let (mut world, anna, bela) = world(60 + seed);
        befriend(&mut world, anna, bela);
        befriend(&mut world, bela, anna);
        world.say(anna, bela, "from anna");
        world.run_for(seed * 15);
        world.kill(bela);
        world.start(bela);
        world.say(bela, anna, "from bela");
        let is_there = |world: &World| [anna, bela].iter().all(|node| world.disk(*node).count(Table::Messages) == 2);
        let said_ms = world.now().mono;
        world.run_until(30_000, is_there);
        let took_ms = world.now().mono - said_ms;
        assert!(took_ms <= 4_000, "{took_ms} ms, seed {seed}");
    }
}

#[test]
fn sixty_friends_at_once_all_get_through_and_few_links_stay_open() {
    let mut world = World::new(WorldConfig { seed: 99, ..WorldConfig::default() });
    let anna = world.add("anna");
    let friends: Vec<NodeIndex> = (0..60).map(|number| world.add(&format!("friend{number}"))).collect();
    world.run_for(2_000);
    for friend in &friends {
        befriend(&mut world, anna, *friend);
        world.say(anna, *friend, "to all");
    }
    for friend in &friends {
        let arrived = world.run_until(120_000, |world| received(world, *friend, anna) == ["to all"]);
        assert!(arrived, "{}", world.user(*friend));
    }
    // Those of the ring, and of the last chats.
    world.run_for(60_000);
    assert!(world.links_of(anna).len() <= RING_LINKS_MAX + CHAT_LINKS_MAX, "{} links", world.links_of(anna).len());
    // And somebody new can still come in.
    let late = world.add("late");
    world.run_for(2_000);
    befriend(&mut world, late, anna);
    world.say(late, anna, "me too");

    check_delivered(&mut world, late, anna, &["me too".to_owned()], 10_000);
}

#[test]
fn the_newest_of_two_copies_of_an_identity_wins_and_the_older_is_told() {
    let (mut world, anna, _) = world(12);
    let copy = world.copy_of(anna);
    world.run_for(5_000);
    assert!(world.seen(anna).events.contains(&Event::Superseded));
    assert_eq!(world.seen(copy).network, NetworkState::Online);
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = |seed| {
        let (mut world, anna, bela) = world(seed);
        befriend(&mut world, anna, bela);
        world.say(anna, bela, "hello");
        world.run_for(10_000);
        world.trace()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
