//! Mail for the absent in worlds in which things fail: crashes, splits, disks, clocks. Nothing is lost, nothing comes twice, and nothing
//! is claimed that is not so.

mod letters;
mod people;

use b4_protocol::limits::COPIES;
use b4_protocol::node::{Event, MessageState, Table};
use b4_protocol::time::{DAY_MS, HOUR_MS};
use b4_simulator::{DiskFault, NodeIndex, World};
use letters::{Stage, all_there, away, of_names, texts};
use people::received;

#[test]
fn after_three_of_five_holders_crash_the_other_two_are_enough() {
    for seed in 1..3 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(5);
        stage.world.kill(stage.anna);
        let crashed: Vec<NodeIndex> = stage.others.iter().skip(seed as usize % 3).take(3).copied().collect();
        crashed.iter().for_each(|node| stage.world.kill(*node));
        stage.world.run_for(60_000);
        stage.bela_comes_and_has(5, 30_000);
        stage.check();
    }
}

#[test]
fn what_crashed_holders_had_the_others_pass_on_to_whoever_is_left() {
    let mut stage = away(4);
    stage.says_and_it_is_held(5);
    stage.world.kill(stage.anna);
    let (two, rest) = (stage.others[..2].to_vec(), stage.others[2..].to_vec());
    two.iter().for_each(|node| stage.world.kill(*node));
    let has_it = |world: &World| rest.iter().all(|node| world.disk(*node).count(Table::Envelopes) == 5);
    assert!(stage.world.run_until(5 * 60_000, has_it), "the sixth has come in for them");
    rest[..3].iter().for_each(|node| stage.world.kill(*node));
    stage.world.run_for(30_000);
    stage.bela_comes_and_has(5, 30_000);
    stage.check();
}

#[test]
fn what_a_holder_alone_has_is_with_others_when_its_page_is_hidden_and_dies_at_once() {
    let mut stage = of_names(3, &["anna", "bela", "carla", "dora", "emil"], 0);
    stage.leaves(stage.bela);
    stage.world.run_for(2_000);
    let (holder, others) = (stage.others[0], stage.others[1..].to_vec());
    others.iter().for_each(|node| stage.world.set_disk_fault(*node, DiskFault::Failing(true)));
    stage.says(2);
    stage.is_held(2, 1, 30_000);
    stage.world.kill(stage.anna);
    others.iter().for_each(|node| stage.world.set_disk_fault(*node, DiskFault::None));
    stage.world.run_for(1_500);
    assert_eq!(stage.kept(), 2, "nobody else has had the time");
    stage.world.hide(holder);
    stage.world.run_for(700);
    stage.world.kill(holder);
    assert!(others.iter().all(|node| stage.world.disk(*node).count(Table::Envelopes) == 2));
    stage.bela_comes_and_has(2, 30_000);
    stage.check();
}

#[test]
fn all_who_keep_it_start_again_from_their_disks() {
    for seed in 5..6 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(5);
        for node in [stage.anna].into_iter().chain(stage.others.clone()) {
            stage.world.kill(node);
        }
        stage.world.run_for(HOUR_MS);
        stage.others.clone().into_iter().for_each(|node| stage.world.start(node));
        stage.world.run_for(20_000);
        stage.bela_comes_and_has(5, 30_000);
        stage.anna_comes();
        stage.anna_knows(60_000);
        stage.check();
    }
}

#[test]
fn after_half_of_all_crash_nothing_is_lost_when_one_holder_comes_back() {
    for seed in 7..9 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(5);
        stage.world.kill(stage.anna);
        let five = stage.others[..COPIES].to_vec();
        five.iter().for_each(|node| stage.world.kill(*node));
        stage.world.start(stage.bela);
        stage.world.run_for(60_000);
        assert_eq!(stage.shown(), Vec::<String>::new(), "all five are gone");
        stage.world.start(five[seed as usize % COPIES]);
        stage.bela_has(5, 60_000);
        stage.check();
    }
}

#[test]
fn after_all_holders_are_gone_for_good_the_author_who_comes_back_leaves_it_with_others() {
    for seed in 10..11 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(5);
        stage.world.kill(stage.anna);
        let five = stage.others[..COPIES].to_vec();
        five.iter().for_each(|node| stage.world.kill(*node));
        stage.others.drain(..COPIES);
        stage.others.extend(["ida", "jan", "kaja", "lars"].map(|name| stage.world.add(name)));
        stage.world.run_for(60_000);
        stage.anna_comes();
        let others = stage.others.clone();
        let has_it = |world: &World| others.iter().all(|node| world.disk(*node).count(Table::Envelopes) == 5);
        assert!(stage.world.run_until(3 * 60_000, has_it), "seed {seed}: {:?}", stage.states());
        stage.world.kill(stage.anna);
        stage.bela_comes_and_has(5, 60_000);
        stage.check();
    }
}

#[test]
fn a_network_that_splits_in_the_middle_of_depositing_heals() {
    for (seed, after_ms) in [(12, 40), (14, 400)] {
        let mut stage = away(seed);
        stage.says(6);
        stage.world.run_for(after_ms);
        let (mut here, there) = (stage.others[..3].to_vec(), stage.others[3..].to_vec());
        here.push(stage.anna);
        for (one, other) in here.iter().flat_map(|one| there.iter().map(move |other| (*one, *other))) {
            stage.world.separate(one, other);
            stage.world.cut_between(one, other);
        }
        stage.world.run_for(2 * 60_000);
        assert!(stage.states().iter().all(|state| matches!(state, MessageState::Queued | MessageState::Held)));
        for (one, other) in here.iter().flat_map(|one| there.iter().map(move |other| (*one, *other))) {
            stage.world.reunite(one, other);
        }
        let (anna, user) = (stage.anna, stage.world.user(stage.bela));
        let is_held = |world: &World| world.seen(anna).holders(&user).iter().all(|held| *held >= COPIES);
        assert!(stage.world.run_until(20 * 60_000, is_held), "seed {seed}: {:?}", stage.world.seen(anna).holders(&user));
        stage.world.kill(anna);
        stage.bela_comes_and_has(6, 60_000);
        stage.check();
    }
}

#[test]
fn a_receiver_who_comes_in_either_half_of_a_split_has_it_once() {
    for seed in 15..17 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(4);
        let (here, there) = (stage.others[..3].to_vec(), [stage.others[3..].to_vec(), vec![stage.anna]].concat());
        for (one, other) in here.iter().flat_map(|one| there.iter().map(move |other| (*one, *other))) {
            stage.world.separate(one, other);
            stage.world.cut_between(one, other);
        }
        let far = if seed % 2 == 0 { &here } else { &there };
        far.iter().for_each(|node| stage.world.separate(stage.bela, *node));
        stage.bela_comes_and_has(4, 60_000);
        stage.world.run_for(60_000);
        for (one, other) in here.iter().flat_map(|one| there.iter().map(move |other| (*one, *other))) {
            stage.world.reunite(one, other);
        }
        far.iter().for_each(|node| stage.world.reunite(stage.bela, *node));
        stage.anna_knows(20 * 60_000);
        stage.world.run_for(10 * 60_000);
        assert_eq!(stage.kept(), 0, "all who keep it have heard, seed {seed}");
        stage.check();
    }
}

#[test]
fn a_holder_whose_disk_is_full_or_fails_is_passed_over() {
    for (seed, fault) in [(20, DiskFault::Failing(true)), (21, DiskFault::Failing(false))] {
        let mut stage = away(seed);
        let broken = stage.others[1];
        stage.world.set_disk_fault(broken, fault);
        stage.says_and_it_is_held(5);
        let id = *stage.world.device(broken).certificate.node_id();
        let user = stage.world.user(stage.bela);
        assert!(stage.world.seen(stage.anna).messages[&user].values().all(|message| !message.holders.contains(&id)));
        assert_eq!(stage.world.disk(broken).count(Table::Envelopes), 0);
        stage.world.kill(stage.anna);
        stage.bela_comes_and_has(5, 30_000);
        stage.check();
    }
}

#[test]
fn a_disk_that_fails_in_the_middle_of_taking_mail_says_nothing_that_is_not_so() {
    for seed in 22..23 {
        let mut stage = away(seed);
        stage.says(8);
        stage.world.run_for(300);
        let broken = stage.others[..3].to_vec();
        broken.iter().for_each(|node| stage.world.set_disk_fault(*node, DiskFault::Failing(false)));
        stage.world.run_for(20_000);
        broken.iter().for_each(|node| stage.world.kill(*node));
        stage.check();
        broken.iter().for_each(|node| stage.world.set_disk_fault(*node, DiskFault::None));
        broken.iter().for_each(|node| stage.world.start(*node));
        let (anna, user) = (stage.anna, stage.world.user(stage.bela));
        let is_held = |world: &World| world.seen(anna).holders(&user).iter().all(|held| *held >= COPIES);
        assert!(stage.world.run_until(20 * 60_000, is_held), "seed {seed}: {:?}", stage.world.seen(anna).holders(&user));
        stage.world.kill(anna);
        stage.bela_comes_and_has(8, 60_000);
        stage.check();
    }
}

#[test]
fn a_receiver_whose_disk_fails_shows_nothing_until_it_works_and_then_all() {
    for seed in 24..25 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(5);
        stage.world.kill(stage.anna);
        stage.world.start(stage.bela);
        stage.world.set_disk_fault(stage.bela, DiskFault::Failing(true));
        stage.world.run_for(60_000);
        assert_eq!(stage.shown(), Vec::<String>::new());
        assert!(stage.world.seen(stage.bela).events.contains(&Event::StoreTrouble { full: true, working: false }));
        assert_eq!(stage.kept(), 25, "nobody was told that it has come");
        stage.world.set_disk_fault(stage.bela, DiskFault::None);
        stage.bela_has(5, 30_000);
        stage.world.run_for(60_000);
        assert_eq!(stage.kept(), 0);
        stage.check();
    }
}

#[test]
fn a_receiver_who_crashes_in_the_middle_of_collecting_has_all_in_the_end_and_once() {
    for (seed, after_ms) in [(26, 600), (27, 1_200), (28, 2_400)] {
        let mut stage = away(seed);
        stage.says_and_it_is_held(6);
        stage.world.kill(stage.anna);
        stage.world.start(stage.bela);
        stage.world.run_for(after_ms);
        stage.world.kill(stage.bela);
        stage.world.run_for(1_000);
        stage.world.start(stage.bela);
        stage.world.run_for(30_000);
        let with = stage.world.user(stage.anna);
        stage.world.command(stage.bela, b4_protocol::node::Command::LoadMessages { with, before: None });
        stage.world.run_for(5_000);
        assert_eq!(stage.shown(), texts(6), "seed {seed}");
        stage.anna_comes();
        stage.anna_knows(60_000);
        stage.check_but_for_pages();
    }
}

#[test]
fn an_author_who_crashes_in_the_middle_of_depositing_goes_on_when_they_come_back() {
    for (seed, after_ms) in [(31, 100), (32, 250)] {
        let mut stage = away(seed);
        stage.says(8);
        stage.world.run_for(after_ms);
        stage.world.kill(stage.anna);
        stage.world.run_for(10_000);
        stage.anna_comes();
        stage.world.run_for(1_000);
        let count = stage.states().len();
        assert!(count > 0, "some were on the disk");
        stage.is_held(count, COPIES, 60_000);
        stage.world.kill(stage.anna);
        stage.bela_comes_and_has(count, 30_000);
        stage.check();
    }
}

#[test]
fn tombstones_reach_holders_who_were_not_there() {
    for seed in 34..35 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(4);
        let gone = stage.others[1..3].to_vec();
        gone.iter().for_each(|node| stage.world.kill(*node));
        stage.bela_comes_and_has(4, 30_000);
        stage.anna_knows(30_000);
        stage.world.run_for(10_000);
        stage.leaves(stage.bela);
        stage.world.kill(stage.anna);
        stage.world.run_for(HOUR_MS);
        assert_eq!(stage.kept(), 8, "on the disks of those who are not there");
        gone.iter().for_each(|node| stage.world.start(*node));
        stage.world.run_for(3 * 60_000);
        assert_eq!(stage.kept(), 0, "seed {seed}");
        stage.world.start(stage.bela);
        stage.world.run_for(30_000);
        stage.check();
    }
}

#[test]
fn word_of_what_has_come_finds_an_author_who_is_away_and_whose_holders_crash() {
    for seed in 36..37 {
        let mut stage = away(seed);
        stage.says_and_it_is_held(3);
        stage.world.kill(stage.anna);
        stage.bela_comes_and_has(3, 30_000);
        stage.world.run_for(30_000);
        assert_eq!(stage.world.disk(stage.bela).count(Table::Sealed), 0, "five have the word: it needs no more care");
        stage.world.kill(stage.bela);
        stage.others[..3].to_vec().iter().for_each(|node| stage.world.kill(*node));
        stage.world.run_for(60_000);
        stage.anna_comes();
        stage.anna_knows(60_000);
        stage.check();
    }
}

#[test]
fn an_author_whom_no_word_was_left_learns_it_of_those_who_kept_it() {
    let mut stage = away(38);
    stage.says_and_it_is_held(3);
    stage.world.kill(stage.anna);
    stage.bela_comes_and_has(3, 30_000);
    let (others, mailbox) = (stage.others.clone(), stage.world.user(stage.anna).mailbox());
    let has_heard = |world: &World| others.iter().any(|node| world.disk(*node).rows(Table::Envelopes).any(|(_, value)| value.starts_with(b"B4T1")));
    assert!(stage.world.run_until(10_000, has_heard));
    stage.world.kill(stage.bela);
    let has_word = |node: &NodeIndex| stage.world.disk(*node).rows(Table::Envelopes).any(|(key, _)| key.starts_with(&mailbox));
    assert!(!stage.others.iter().any(has_word), "bela was gone before");
    stage.anna_comes();
    stage.anna_knows(60_000);
    stage.check();
}

/// In milliseconds.
const HOUR: i64 = 3_600_000;

/// The clocks of these are so many hours off, before anything is said.
fn with_clocks(seed: u64, whose: &str, hours: i64) -> Stage {
    let mut stage = all_there(seed, 20 * DAY_MS);
    let nodes = match whose {
        "anna" => vec![stage.anna],
        "bela" => vec![stage.bela],
        _ => stage.others[..2].to_vec(),
    };
    nodes.into_iter().for_each(|node| stage.world.set_clock(node, hours * HOUR));
    stage.world.run_for(5_000);
    stage.leaves(stage.bela);
    stage.world.run_for(2_000);
    stage
}

#[test]
fn holders_whose_clocks_are_days_off_keep_it_or_are_passed_over() {
    for (seed, days) in [(41, -3), (42, 40)] {
        let mut stage = with_clocks(seed, "others", 24 * days);
        stage.says(4);
        let (anna, user) = (stage.anna, stage.world.user(stage.bela));
        let is_held = |world: &World| world.seen(anna).states(&user) == [MessageState::Held; 4];
        assert!(stage.world.run_until(60_000, is_held), "{days} days: {:?}", stage.world.seen(anna).holders(&user));
        stage.world.run_for(60_000);
        stage.world.kill(anna);
        stage.bela_comes_and_has(4, 60_000);
        stage.world.run_for(30_000);
        stage.anna_comes();
        stage.anna_knows(60_000);
        stage.check();
    }
}

#[test]
fn with_the_clock_of_author_or_receiver_off_nothing_is_lost_and_it_comes_when_the_clock_is_set() {
    for (seed, whose, hours) in [(44, "anna", 12), (45, "anna", -48), (46, "bela", 48), (47, "bela", -48), (48, "bela", 35 * 24)] {
        let mut stage = with_clocks(seed, whose, hours);
        stage.says(3);
        let (anna, bela, user) = (stage.anna, stage.bela, stage.world.user(stage.bela));
        let is_held = |world: &World| world.seen(anna).states(&user) == [MessageState::Held; 3];
        assert!(stage.world.run_until(60_000, is_held), "{whose} {hours}: {:?}", stage.world.seen(anna).holders(&user));
        stage.world.kill(anna);
        let made: usize = stage.world.connections_made().values().sum();
        stage.world.start(bela);
        stage.world.run_for(60_000);
        let made = stage.world.connections_made().values().sum::<usize>() - made;
        assert!(made < 60, "{whose} {hours}: no storm of links, {made}");
        stage.check();
        [anna, bela].into_iter().for_each(|node| stage.world.set_clock(node, 0));
        if whose == "anna" && hours > 0 {
            // It was written tomorrow: it is there when that has come.
            stage.world.set_clock(bela, hours * HOUR);
        }
        let has_all = |world: &World| received(world, bela, anna).len() == 3;
        assert!(stage.world.run_until(2 * HOUR_MS, has_all), "{whose} {hours}: {:?}", stage.shown());
        assert_eq!(stage.shown(), texts(3));
        stage.world.set_clock(bela, 0);
        stage.world.run_for(60_000);
        stage.anna_comes();
        stage.anna_knows(60_000);
        stage.check();
    }
}

#[test]
fn an_author_whose_clock_is_more_than_a_day_ahead_leaves_nothing_with_others_and_says_so() {
    let mut stage = with_clocks(49, "anna", 48);
    stage.says(2);
    stage.world.run_for(3 * 60_000);
    assert_eq!(stage.states(), [MessageState::Queued; 2]);
    stage.world.set_clock(stage.anna, 0);
    stage.bela_comes_and_has(2, 60_000);
    stage.anna_knows(60_000);
    stage.check();
}

#[test]
fn what_a_clock_far_ahead_has_made_unreadable_comes_from_its_author() {
    // Forty-five days on, the private half of the prekey is erased.
    let mut stage = away(58);
    stage.says_and_it_is_held(2);
    stage.world.kill(stage.anna);
    stage.world.set_clock(stage.bela, 50 * 24 * HOUR);
    stage.world.start(stage.bela);
    stage.world.run_for(60_000);
    assert_eq!(stage.shown(), Vec::<String>::new());
    stage.world.kill(stage.bela);
    stage.world.set_clock(stage.bela, 0);
    stage.anna_comes();
    stage.world.run_for(60_000);
    assert_eq!(stage.states(), [MessageState::Held; 2]);
    stage.bela_comes_and_has(2, 60_000);
    stage.anna_knows(30_000);
    stage.check();
}

#[test]
fn while_people_come_and_go_nothing_is_lost() {
    let names = ["anna", "bela", "carla", "dora", "emil", "frida", "gustav", "hana", "ida"];
    for seed in 50..51 {
        let mut stage = of_names(seed, &names, 0);
        stage.leaves(stage.bela);
        stage.world.run_for(2_000);
        stage.says_and_it_is_held(4);
        stage.world.kill(stage.anna);
        // Two go and the two before them come back, again and again: nobody who kept it at first is left without a break.
        let mut gone: Vec<NodeIndex> = Vec::new();
        for turn in 0..4 {
            let going: Vec<NodeIndex> = (0..2).map(|at| stage.others[(2 * turn + at) % stage.others.len()]).collect();
            going.iter().for_each(|node| stage.world.kill(*node));
            gone.drain(..).for_each(|node| stage.world.start(node));
            gone = going;
            stage.world.run_for(3 * 60_000);
        }
        stage.bela_comes_and_has(4, 60_000);
        stage.world.run_for(10 * 60_000);
        gone.into_iter().for_each(|node| stage.world.start(node));
        stage.anna_comes();
        stage.anna_knows(60_000);
        stage.world.run_for(10 * 60_000);
        assert_eq!(stage.kept(), 0, "seed {seed}");
        stage.check();
    }
}

#[test]
fn to_somebody_who_cannot_be_connected_to_mail_goes_at_once_also_while_the_next_dial_is_under_way() {
    let mut stage = all_there(60, 0);
    let (anna, bela) = (stage.anna, stage.bela);
    let user = stage.world.user(bela);
    stage.world.separate(anna, bela);
    stage.world.cut_links(anna);
    stage.world.run_for(60_000);
    stage.world.say(anna, bela, "the first finds out");
    stage.world.run_for(60_000);
    for number in 1..=20 {
        stage.world.say(anna, bela, &format!("number {number}"));
        let is_there = |world: &World| world.seen(anna).states(&user).iter().all(|state| *state == MessageState::Delivered);
        assert!(stage.world.run_until(4_000, is_there), "number {number}: {:?}", stage.states());
        stage.world.run_for(2_300);
    }
    stage.check();
}
