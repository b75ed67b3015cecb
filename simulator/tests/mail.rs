//! Mail for the absent: real nodes, real keys, nobody's server. What comes of it in worlds in which nothing fails but people going.

mod letters;
mod people;

use b4_protocol::limits::STRANGER_MESSAGES_MAX;
use b4_protocol::node::{Command, Direction, MessageState, Sealing, Standing, Table};
use b4_protocol::time::DAY_MS;
use b4_simulator::World;
use letters::{Stage, all_there, away, of_names, texts};
use people::received;

#[test]
fn a_message_reaches_somebody_who_was_away_although_its_author_is_gone() {
    for (seed, count) in [(1, 50), (2, 5)] {
        let mut stage = away(seed);
        stage.world.kill_relay();
        stage.says_and_it_is_held(count);
        stage.leaves(stage.anna);
        stage.world.run_for(60_000);
        stage.world.start_relay();
        stage.bela_comes_and_has(count, 30_000);
        stage.world.run_for(10_000);
        stage.world.kill(stage.bela);
        stage.anna_comes();
        stage.anna_knows(30_000);
        stage.world.start(stage.bela);
        stage.world.run_for(20_000);
        assert_eq!(stage.shown(), Vec::<String>::new(), "a second start shows nothing again, seed {seed}");
        stage.check();
    }
}

#[test]
fn who_comes_back_has_the_mail_within_two_seconds_of_having_joined() {
    for seed in 4..5 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(10);
        stage.leaves(stage.anna);
        stage.world.run_for(10_000);
        stage.world.start(stage.bela);
        let (bela, others) = (stage.bela, stage.others.clone());
        let has_joined = |world: &World| others.iter().all(|other| !world.links_between(bela, *other).is_empty());
        assert!(stage.world.run_until(20_000, has_joined));
        stage.bela_has(10, 2_000);
        stage.check();
    }
}

#[test]
fn it_is_sealed_to_a_prekey_and_both_see_that() {
    let mut stage = away(6);
    stage.says_and_it_is_held(1);
    // Else it may come over a session first.
    stage.leaves(stage.anna);
    stage.bela_comes_and_has(1, 30_000);
    let (me, them) = (stage.world.user(stage.anna), stage.world.user(stage.bela));
    let shown = &stage.world.seen(stage.bela).messages[&me];
    assert!(shown.values().all(|message| message.sealing == Sealing::Prekey));
    stage.anna_comes();
    stage.world.run_for(1_000);
    assert!(stage.world.seen(stage.anna).messages[&them].values().all(|message| message.sealing == Sealing::Prekey));
    stage.check();
}

#[test]
fn who_is_left_alone_seals_to_the_prekey_that_they_keep_for_their_contact() {
    let mut stage = of_names(8, &["anna", "bela"], 0);
    stage.leaves(stage.bela);
    stage.world.run_for(2_000);
    stage.says(1);
    stage.world.run_for(60_000);
    stage.others.extend(["carla", "dora", "emil", "frida", "gustav"].map(|name| stage.world.add(name)));
    stage.is_held(1, 5, 120_000);
    stage.leaves(stage.anna);
    stage.bela_comes_and_has(1, 30_000);
    let me = stage.world.user(stage.anna);
    assert!(stage.world.seen(stage.bela).messages[&me].values().all(|message| message.sealing == Sealing::Prekey));
    stage.check();
}

#[test]
fn once_it_is_there_nobody_keeps_it_any_more() {
    for seed in 7..8 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(5);
        assert_eq!(stage.kept(), 25);
        stage.bela_comes_and_has(5, 30_000);
        stage.anna_knows(30_000);
        stage.world.run_for(60_000);
        assert_eq!(stage.kept(), 0, "seed {seed}");
        assert_eq!([Table::Outbox, Table::Sealed].map(|table| stage.world.disk(stage.anna).count(table)), [0, 0]);
        stage.check();
    }
}

#[test]
fn who_appears_while_it_is_being_left_with_others_has_it_once() {
    for (seed, after_ms) in [(10, 0), (12, 150), (13, 300), (14, 600)] {
        let mut stage = away(seed);
        stage.says(8);
        stage.world.run_for(after_ms);
        stage.bela_comes_and_has(8, 60_000);
        stage.anna_knows(60_000);
        stage.world.run_for(60_000);
        assert_eq!(stage.kept(), 0, "seed {seed}");
        stage.check();
    }
}

#[test]
fn what_is_said_live_waits_for_the_mail_before_it() {
    for seed in 20..22 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(6);
        let (anna, bela) = (stage.anna, stage.bela);
        stage.world.start(bela);
        let is_up = |world: &World| !world.links_between(anna, bela).is_empty();
        assert!(stage.world.run_until(20_000, is_up));
        let last = texts(9).split_off(6);
        last.iter().for_each(|text| stage.world.say(anna, bela, text));
        let is_out_of_turn = |world: &World| {
            let shown = received(world, bela, anna);
            last.iter().any(|text| shown.contains(text)) && !texts(6).iter().all(|text| shown.contains(text))
        };
        assert!(!stage.world.run_until(5_000, is_out_of_turn), "seed {seed}: {:?}", stage.shown());
        stage.bela_has(9, 30_000);
        stage.anna_knows(30_000);
        stage.check();
    }
}

#[test]
fn with_fewer_than_five_others_it_stays_queued_with_the_count_and_tops_up_when_more_join() {
    let mut stage = of_names(30, &["anna", "bela", "carla", "dora"], 0);
    stage.leaves(stage.bela);
    stage.world.run_for(2_000);
    stage.says(3);
    stage.is_held(3, 2, 60_000);
    assert_eq!(stage.states(), [MessageState::Queued; 3]);
    stage.world.run_for(120_000);
    assert_eq!(stage.states(), [MessageState::Queued; 3], "two are not enough, however long it takes");
    stage.others.extend(["emil", "frida", "gustav"].map(|name| stage.world.add(name)));
    stage.is_held(3, 5, 120_000);
    stage.leaves(stage.anna);
    stage.bela_comes_and_has(3, 30_000);
    stage.check();
}

#[test]
fn what_nobody_picked_up_is_said_to_be_over_and_can_be_sent_again() {
    let mut stage = away(31);
    stage.says_and_it_is_held(2);
    let day = |stage: &mut Stage, days: u64| {
        for node in [stage.anna].into_iter().chain(stage.others.clone()) {
            stage.world.set_clock(node, i64::try_from(days * DAY_MS).expect("days"));
        }
        stage.world.run_for(15 * 60_000);
    };
    day(&mut stage, 29);
    assert_eq!(stage.states(), [MessageState::Held; 2]);
    day(&mut stage, 31);
    assert_eq!(stage.states(), [MessageState::Expired; 2]);
    assert_eq!(stage.kept(), 0, "and nobody keeps it");
    stage.world.kill(stage.anna);
    stage.anna_comes();
    stage.world.run_for(20_000);
    assert_eq!(stage.states(), [MessageState::Expired; 2], "after a restart, too");
    let user = stage.world.user(stage.bela);
    let ids: Vec<[u8; 16]> = stage.world.seen(stage.anna).messages[&user].keys().copied().collect();
    let mut of_order: Vec<_> = ids.iter().map(|id| (stage.world.seen(stage.anna).messages[&user][id].order, *id)).collect();
    of_order.sort();
    for (_, id) in of_order {
        stage.world.command(stage.anna, Command::SendAgain { to: user.clone(), id: b4_protocol::chat::MessageId(id) });
    }
    let anna = stage.anna;
    let is_held = |world: &World| world.seen(anna).states(&user)[2..] == [MessageState::Held; 2];
    assert!(stage.world.run_until(60_000, is_held), "{:?}", stage.states());
    stage.world.set_clock(stage.bela, i64::try_from(31 * DAY_MS).expect("days"));
    stage.bela_comes_and_has(2, 60_000);
    stage.check();
}

#[test]
fn an_author_who_was_away_when_it_was_over_is_told_and_what_was_to_be_kept_for_longer_is_kept() {
    let mut stage = away(35);
    stage.says_and_it_is_held(1);
    stage.world.command(stage.anna, Command::KeepFor { days: 2 });
    stage.world.run_for(1_000);
    stage.world.kill(stage.anna);
    stage.anna_comes();
    stage.world.run_for(10_000);
    // What was chosen holds after a restart.
    stage.world.say(stage.anna, stage.bela, &texts(2)[1]);
    stage.is_held(2, 5, 60_000);
    stage.world.kill(stage.anna);
    for (days, states) in [(1, [MessageState::Held; 2]), (3, [MessageState::Held, MessageState::Expired])] {
        for node in [stage.anna, stage.bela].into_iter().chain(stage.others.clone()) {
            stage.world.set_clock(node, i64::try_from(days * DAY_MS).expect("days"));
        }
        stage.world.run_for(15 * 60_000);
        stage.anna_comes();
        stage.world.run_for(60_000);
        assert_eq!(stage.states(), states, "after {days} days");
        stage.world.kill(stage.anna);
    }
    assert_eq!(stage.kept(), 5, "what is over is kept by nobody");
    stage.bela_comes_and_has(1, 60_000);
    stage.check_but_for_pages();
}

#[test]
fn mail_of_a_stranger_is_marked_so_and_beyond_its_measure_comes_when_they_are_accepted() {
    let mut stage = away(32);
    let (most, all) = (STRANGER_MESSAGES_MAX as usize, STRANGER_MESSAGES_MAX as usize + 3);
    stage.says_and_it_is_held(all);
    stage.leaves(stage.anna);
    stage.world.start(stage.bela);
    stage.world.run_for(30_000);
    assert_eq!(stage.shown().len(), most);
    let them = stage.world.user(stage.anna);
    assert_eq!(stage.world.seen(stage.bela).contacts[&them].standing, Standing::New);
    stage.world.command(stage.bela, Command::Accept { user: them });
    stage.bela_has(all, 10_000);
    stage.check();
}

#[test]
fn mail_of_somebody_blocked_is_not_shown_and_not_said_to_be_there() {
    let mut stage = all_there(33, 0);
    stage.world.say(stage.anna, stage.bela, &texts(1)[0]);
    stage.bela_has(1, 10_000);
    let them = stage.world.user(stage.anna);
    stage.world.command(stage.bela, Command::Block { user: them.clone() });
    stage.world.run_for(2_000);
    stage.leaves(stage.bela);
    stage.world.run_for(5_000);
    stage.world.say(stage.anna, stage.bela, &texts(2)[1]);
    let (anna, user) = (stage.anna, stage.world.user(stage.bela));
    assert!(stage.world.run_until(60_000, |world| world.seen(anna).states(&user).last() == Some(&MessageState::Held)));
    stage.world.start(stage.bela);
    stage.world.run_for(60_000);
    assert_eq!(stage.world.seen(stage.bela).texts(&them, Direction::In), Vec::<String>::new());
    assert_ne!(stage.states().last(), Some(&MessageState::Delivered));
    assert_eq!(stage.world.disk(stage.bela).count(Table::Seen), 1, "and it is not fetched again");
    stage.check();
}

#[test]
fn what_was_sealed_to_the_certificate_before_opens_after_a_renewal() {
    let mut stage = away(34);
    stage.says_and_it_is_held(3);
    stage.leaves(stage.anna);
    stage.world.renew(stage.bela);
    stage.bela_comes_and_has(3, 30_000);
    stage.world.run_for(5_000);
    stage.anna_comes();
    stage.anna_knows(30_000);
    stage.check();
}
