//! Files for somebody who is away: they lie with others, sealed, until they are fetched.

mod offers;

use b4_protocol::file::PART_BYTES;
use b4_protocol::node::{Command, FileOrder, FileState, Table};
use b4_simulator::{NodeIndex, World, WorldConfig};
use offers::{befriend, newest, open_again, order, state};

/// Two who are contacts of each other, and others who keep mail.
fn world(seed: u64, others: usize) -> (World, NodeIndex, NodeIndex, Vec<NodeIndex>) {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    let (anna, bela) = (world.add("anna"), world.add("bela"));
    let others = (0..others).map(|number| world.add(&format!("peer{number}"))).collect();
    world.run_for(20_000);
    befriend(&mut world, anna, bela);
    world.run_for(2_000);
    (world, anna, bela, others)
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 + at / 251) as u8).collect()
}

fn has_it(world: &World, at: NodeIndex, from: NodeIndex, sent: &[u8]) -> bool {
    let slot = newest(world, at, from).and_then(|(_, file)| file.progress.slot);
    slot.is_some_and(|slot| world.file(at, slot) == Some(sent))
}

fn blobs_kept(world: &World, nodes: &[NodeIndex]) -> usize {
    nodes.iter().map(|node| world.disk(*node).rows(Table::Envelopes).filter(|(_, value)| value.starts_with(b"B4B1")).count()).sum()
}

#[test]
fn a_file_for_somebody_who_is_away_is_fetched_from_others_while_its_author_is_gone() {
    for (seed, size) in [(1, 5), (2, PART_BYTES as usize + 1), (3, 6 * 1024 * 1024 + 77)] {
        let (mut world, anna, bela, others) = world(seed, 7);
        world.kill(bela);
        world.run_for(60_000);
        let sent = bytes(size);
        world.send_file(anna, bela, "a.bin", &sent);
        assert!(world.run_until(300_000, |world| state(world, anna, bela) == Some(FileState::Held)), "{size}: {:?}", newest(&world, anna, bela));
        assert!(blobs_kept(&world, &others) >= 3 * size.div_ceil(64 * 1024));
        world.run_for(60_000);
        world.kill(anna);
        world.kill(others[0]);
        world.kill(others[1]);
        world.run_for(120_000);
        world.start(bela);
        assert!(world.run_until(300_000, |world| state(world, bela, anna) == Some(FileState::Complete)), "{size}: {:?}", newest(&world, bela, anna));
        assert!(has_it(&world, bela, anna, &sent), "the same bytes");
        world.run_for(60_000);
        assert_eq!(blobs_kept(&world, &others[2..]), 0, "its holders forget it");
        open_again(&mut world, anna, bela);
        assert!(world.run_until(120_000, |world| state(world, anna, bela) == Some(FileState::Complete)), "its author hears of it");
        assert_eq!(world.breaches(&[anna, bela]), Vec::<String>::new());
    }
}

/// The file is with others, and everybody who wrote or waits is gone.
fn left(seed: u64, size: usize, others: usize) -> (World, NodeIndex, NodeIndex, Vec<NodeIndex>, Vec<u8>) {
    let (mut world, anna, bela, others) = world(seed, others);
    world.kill(bela);
    world.run_for(60_000);
    let sent = bytes(size);
    world.send_file(anna, bela, "a.bin", &sent);
    assert!(world.run_until(300_000, |world| state(world, anna, bela) == Some(FileState::Held)), "{:?}", newest(&world, anna, bela));
    world.run_for(30_000);
    (world, anna, bela, others, sent)
}

#[test]
fn power_that_fails_at_every_part_of_the_fetching_costs_no_more_than_that_part() {
    let (mut world, anna, bela, _, sent) = left(4, 4 * PART_BYTES as usize + 9, 7);
    world.kill(anna);
    let mut kills = 0;
    loop {
        open_again(&mut world, bela, anna);
        let had = world.bytes_on_disk(bela);
        let is_done = world.run_until(200_000, |world| world.bytes_on_disk(bela) > had || state(world, bela, anna) == Some(FileState::Complete));
        assert!(is_done, "{:?}", newest(&world, bela, anna));
        world.run_for(50);
        if state(&world, bela, anna) == Some(FileState::Complete) {
            break;
        }
        world.kill(bela);
        kills += 1;
        assert!(kills < 12, "each life brings a part at least");
        world.run_for(40_000);
    }
    assert!(kills >= 2 && has_it(&world, bela, anna, &sent), "{kills}");
}

#[test]
fn an_author_who_comes_back_goes_on_where_the_fetching_was_and_neither_does_it_twice() {
    let (mut world, anna, bela, _, sent) = left(5, 8 * PART_BYTES as usize, 7);
    world.kill(anna);
    world.run_for(60_000);
    world.start(bela);
    assert!(world.run_until(200_000, |world| newest(world, bela, anna).is_some_and(|(_, file)| file.progress.bytes >= 2 * PART_BYTES)));
    let had = newest(&world, bela, anna).map_or(0, |(_, file)| file.progress.bytes);
    world.start(anna);
    assert!(world.run_until(200_000, |world| state(world, bela, anna) == Some(FileState::Complete)));
    assert!(has_it(&world, bela, anna, &sent));
    let live = world.bulk_heard(bela);
    assert!(live < (8 * PART_BYTES - had) * 101 / 100, "{live} live, {had} were there");
}

#[test]
fn an_offer_that_is_taken_back_leaves_nothing_with_others() {
    let (mut world, anna, bela, others, _) = left(6, 2 * PART_BYTES as usize, 7);
    assert!(blobs_kept(&world, &others) > 0);
    order(&mut world, anna, bela, FileOrder::Cancel);
    world.run_for(120_000);
    assert_eq!((blobs_kept(&world, &others), world.file_count(anna)), (0, 0));
    world.start(bela);
    world.run_for(120_000);
    assert_eq!(state(&world, bela, anna), Some(FileState::Cancelled(false)));
}

#[test]
fn without_room_for_all_of_it_nothing_is_sent_and_it_waits_for_its_receiver() {
    let (mut world, anna, bela, others) = world(7, 6);
    // Room for some of it everywhere, for all of it nowhere.
    for node in &others {
        world.command(*node, Command::LendStorage { bytes: 1024 * 1024 });
    }
    world.kill(bela);
    world.run_for(60_000);
    let sent = bytes(6 * 1024 * 1024);
    world.send_file(anna, bela, "a.bin", &sent);
    world.run_for(300_000);
    assert_ne!(state(&world, anna, bela), Some(FileState::Held));
    assert_eq!(blobs_kept(&world, &others), 0, "not a byte");
    world.start(bela);
    assert!(world.run_until(120_000, |world| state(world, bela, anna) == Some(FileState::Complete)));
    assert!(has_it(&world, bela, anna, &sent));
}

#[test]
fn more_than_25_mib_waits_for_its_receiver() {
    let (mut world, anna, bela, others) = world(8, 6);
    world.kill(bela);
    world.run_for(60_000);
    world.send_file(anna, bela, "a.bin", &bytes(25 * 1024 * 1024 + 1));
    world.run_for(120_000);
    assert_eq!((blobs_kept(&world, &others), state(&world, anna, bela)), (0, Some(FileState::Offered)));
}

#[test]
fn what_lies_with_others_outlives_them_as_mail_does() {
    let (mut world, anna, bela, others, sent) = left(9, 3 * PART_BYTES as usize, 12);
    world.kill(anna);
    // One after the other: the rest hands over in between.
    for node in &others[..5] {
        world.kill(*node);
        world.run_for(120_000);
    }
    world.start(bela);
    assert!(world.run_until(400_000, |world| state(world, bela, anna) == Some(FileState::Complete)), "{:?}", newest(&world, bela, anna));
    assert!(has_it(&world, bela, anna, &sent));
}

#[test]
fn a_file_that_was_sent_to_somebody_who_leaves_in_the_middle_is_left_with_others() {
    let (mut world, anna, bela, others) = world(10, 7);
    let sent = bytes(8 * PART_BYTES as usize);
    world.command(bela, Command::AcceptFiles { bytes: 1 });
    world.send_file(anna, bela, "a.bin", &sent);
    assert!(world.run_until(20_000, |world| state(world, bela, anna) == Some(FileState::Offered)));
    order(&mut world, bela, anna, FileOrder::Accept);
    assert!(world.run_until(20_000, |world| world.bulk_heard(bela) > 2 * PART_BYTES));
    world.kill(bela);
    assert!(world.run_until(300_000, |world| state(world, anna, bela) == Some(FileState::Held)), "{:?}", newest(&world, anna, bela));
    world.kill(anna);
    world.run_for(60_000);
    assert!(blobs_kept(&world, &others) > 0);
    open_again(&mut world, bela, anna);
    assert!(world.run_until(300_000, |world| state(world, bela, anna) == Some(FileState::Complete)));
    assert!(has_it(&world, bela, anna, &sent));
}
