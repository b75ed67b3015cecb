//! Files between two people in worlds in which links, power and disks fail: whole and right, or not there, and never from the beginning again.

mod offers;

use b4_protocol::chat::MessageId;
use b4_protocol::file::PART_BYTES;
use b4_protocol::node::{Command, FileFailure, FileOrder, FilePause, FileState, FileView};
use b4_simulator::{DiskFault, NodeIndex, World, WorldConfig};
use offers::{befriend, newest, open_again, order, state};

const BLOCK: usize = 64 * 1024;
/// What may be sent in vain for one interruption.
const IN_VAIN: u64 = 1024 * 1024;

/// Two who are contacts of each other.
fn world(seed: u64) -> (World, NodeIndex, NodeIndex) {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    let (anna, bela) = (world.add("anna"), world.add("bela"));
    world.run_for(2_000);
    befriend(&mut world, anna, bela);
    (world, anna, bela)
}

/// Bytes that are not alike anywhere.
fn bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

/// Both say that it is complete, and it is.
fn check_complete(world: &mut World, from: NodeIndex, to: NodeIndex, sent: &[u8], within_ms: u64) {
    let of_size = |file: Option<(MessageId, FileView)>| file.filter(|(_, file)| file.size == sent.len() as u64).map(|(_, file)| file.progress.state);
    let both = |world: &World| [of_size(newest(world, from, to)), of_size(newest(world, to, from))];
    let is_done = world.run_until(within_ms, |world| both(world) == [Some(FileState::Complete); 2]);
    assert!(is_done, "{:?}", both(world));
    let (_, file) = newest(world, to, from).expect("it is there");
    assert_eq!((file.size, file.progress.bytes), (sent.len() as u64, sent.len() as u64));
    if !sent.is_empty() {
        let slot = file.progress.slot.expect("it is on the disk");
        assert!(world.file(to, slot) == Some(sent), "the same bytes");
    }
}

#[test]
fn files_of_every_size_come_as_they_are() {
    let (mut world, anna, bela) = world(1);
    for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, PART_BYTES as usize, PART_BYTES as usize + 1, 5 * PART_BYTES as usize + 7] {
        let sent = bytes(size, size as u64);
        world.send_file(anna, bela, "a.bin", &sent);
        check_complete(&mut world, anna, bela, &sent, 20_000);
    }
    let sent = bytes(34 * 1024 * 1024, 9);
    world.send_file(bela, anna, "b.bin", &sent);
    world.run_until(20_000, |world| state(world, anna, bela) == Some(FileState::Offered));
    order(&mut world, anna, bela, FileOrder::Accept);
    check_complete(&mut world, bela, anna, &sent, 60_000);
}

#[test]
fn what_a_contact_sends_up_to_a_size_comes_by_itself_and_more_is_asked_for() {
    let (mut world, anna, bela) = world(2);
    world.command(bela, Command::AcceptFiles { bytes: 1_000 });
    let small = bytes(1_000, 1);
    world.send_file(anna, bela, "small.bin", &small);
    check_complete(&mut world, anna, bela, &small, 10_000);
    let large = bytes(1_001, 2);
    world.send_file(anna, bela, "large.bin", &large);
    world.run_for(20_000);
    assert_eq!((state(&world, anna, bela), state(&world, bela, anna)), (Some(FileState::Offered), Some(FileState::Offered)));
    world.kill(bela);
    world.run_for(10_000);
    open_again(&mut world, bela, anna);
    world.run_for(10_000);
    assert_eq!(state(&world, bela, anna), Some(FileState::Offered), "asked still");
    order(&mut world, bela, anna, FileOrder::Accept);
    check_complete(&mut world, anna, bela, &large, 10_000);
}

#[test]
fn a_strangers_file_is_asked_for_whatever_its_size() {
    let mut world = World::new(WorldConfig::default());
    let (anna, bela) = (world.add("anna"), world.add("bela"));
    world.run_for(2_000);
    world.command(anna, Command::AddContact { typed: "bela".to_owned() });
    world.run_for(5_000);
    let sent = bytes(10, 1);
    world.send_file(anna, bela, "a.bin", &sent);
    world.run_for(10_000);
    assert_eq!(state(&world, bela, anna), Some(FileState::Offered));
    order(&mut world, bela, anna, FileOrder::Accept);
    check_complete(&mut world, anna, bela, &sent, 10_000);
}

#[test]
fn a_link_that_is_cut_at_every_block_costs_no_more_than_what_was_on_its_way() {
    let (mut world, anna, bela) = world(3);
    let sent = bytes(4 * PART_BYTES as usize + 3 * BLOCK + 5, 3);
    world.send_file(anna, bela, "a.bin", &sent);
    let mut cuts = 0;
    while state(&world, bela, anna) != Some(FileState::Complete) {
        let heard = world.bulk_heard(bela);
        let came = world.run_until(60_000, |world| world.bulk_heard(bela) > heard || state(world, bela, anna) == Some(FileState::Complete));
        assert!(came, "it goes on: {:?} {:?}", state(&world, bela, anna), state(&world, anna, bela));
        // Nothing would ever come if every first record were cut off.
        let blocks = cuts % 18;
        world.run_until(500, |world| world.bulk_heard(bela) > heard + blocks * BLOCK as u64);
        world.cut_between(anna, bela);
        cuts += 1;
        assert!(cuts < 200);
    }
    check_complete(&mut world, anna, bela, &sent, 60_000);
    assert!(cuts > 5 && world.bulk_heard(bela) <= sent.len() as u64 * 101 / 100 + cuts * IN_VAIN, "{cuts} cuts, {} bytes", world.bulk_heard(bela));
}

#[test]
fn power_that_fails_at_either_end_at_every_block_costs_no_more_than_what_was_on_its_way() {
    for (seed, is_receiver) in [(4, true), (5, false)] {
        let (mut world, anna, bela) = world(seed);
        let sent = bytes(3 * PART_BYTES as usize + 5, seed);
        world.send_file(anna, bela, "a.bin", &sent);
        let (killed, other) = if is_receiver { (bela, anna) } else { (anna, bela) };
        let mut kills = 0;
        while state(&world, bela, anna) != Some(FileState::Complete) {
            let heard = world.bulk_heard(bela);
            world.run_until(120_000, |world| world.bulk_heard(bela) > heard || state(world, bela, anna) == Some(FileState::Complete));
            let blocks = kills % 18;
            world.run_until(500, |world| world.bulk_heard(bela) > heard + blocks * BLOCK as u64);
            world.kill(killed);
            open_again(&mut world, killed, other);
            world.run_until(1_000, |world| state(world, bela, anna).is_some());
            kills += 1;
            assert!(kills < 100);
        }
        check_complete(&mut world, anna, bela, &sent, 60_000);
        assert!(kills > 3 && world.bulk_heard(bela) <= sent.len() as u64 * 101 / 100 + kills * IN_VAIN, "{kills}: {}", world.bulk_heard(bela));
    }
}

#[test]
fn either_end_may_pause_and_go_on_and_a_restart_does_not_end_a_pause() {
    for (seed, is_receiver) in [(6, true), (7, false)] {
        let (mut world, anna, bela) = world(seed);
        let sent = bytes(6 * PART_BYTES as usize, seed);
        world.send_file(anna, bela, "a.bin", &sent);
        world.run_until(20_000, |world| world.bulk_heard(bela) > PART_BYTES);
        let (who, other) = if is_receiver { (bela, anna) } else { (anna, bela) };
        order(&mut world, who, other, FileOrder::Pause);
        world.run_for(5_000);
        let heard = world.bulk_heard(bela);
        world.run_for(60_000);
        assert_eq!(world.bulk_heard(bela), heard, "nothing moves");
        assert_eq!((state(&world, who, other), state(&world, other, who)), (Some(FileState::Paused(FilePause::Here)), Some(FileState::Paused(FilePause::There))));
        for node in [who, other] {
            world.kill(node);
            open_again(&mut world, node, anna + bela - node);
            world.run_for(30_000);
        }
        assert_eq!(state(&world, who, other), Some(FileState::Paused(FilePause::Here)));
        order(&mut world, who, other, FileOrder::Resume);
        check_complete(&mut world, anna, bela, &sent, 60_000);
        assert!(world.bulk_heard(bela) <= sent.len() as u64 * 101 / 100 + 3 * IN_VAIN);
    }
}

#[test]
fn what_one_end_does_not_want_ends_at_both_and_leaves_nothing_on_the_disk() {
    for (seed, is_receiver, is_apart) in [(8, true, false), (9, false, false), (10, true, true), (11, false, true)] {
        let (mut world, anna, bela) = world(seed);
        world.send_file(anna, bela, "a.bin", &bytes(6 * PART_BYTES as usize, seed));
        world.run_until(20_000, |world| world.bulk_heard(bela) > PART_BYTES);
        let (who, other) = if is_receiver { (bela, anna) } else { (anna, bela) };
        if is_apart {
            world.kill(other);
            world.run_for(30_000);
        }
        order(&mut world, who, other, FileOrder::Cancel);
        world.run_for(5_000);
        if is_apart {
            open_again(&mut world, other, who);
            world.run_for(60_000);
        }
        assert_eq!((state(&world, who, other), state(&world, other, who)), (Some(FileState::Cancelled(true)), Some(FileState::Cancelled(false))), "{seed}");
        assert_eq!((world.file_count(anna), world.file_count(bela)), (0, 0), "{seed}");
    }
}

#[test]
fn a_full_disk_pauses_with_its_reason_at_both_and_goes_on_when_there_is_room() {
    let (mut world, anna, bela) = world(12);
    let sent = bytes(6 * PART_BYTES as usize, 12);
    world.send_file(anna, bela, "a.bin", &sent);
    world.run_until(20_000, |world| world.bulk_heard(bela) > PART_BYTES);
    world.set_disk_fault(bela, DiskFault::Failing(true));
    world.run_for(20_000);
    world.set_disk_fault(bela, DiskFault::None);
    world.run_for(20_000);
    assert_eq!((state(&world, bela, anna), state(&world, anna, bela)), (Some(FileState::Paused(FilePause::NoRoomHere)), Some(FileState::Paused(FilePause::NoRoomThere))));
    order(&mut world, bela, anna, FileOrder::Resume);
    check_complete(&mut world, anna, bela, &sent, 60_000);
}

#[test]
fn without_room_for_the_whole_nothing_is_asked_for() {
    let (mut world, anna, bela) = world(13);
    world.room_left(bela, 100_000);
    let sent = bytes(100_001, 13);
    world.send_file(anna, bela, "a.bin", &sent);
    world.run_for(10_000);
    assert_eq!((state(&world, bela, anna), world.bulk_heard(bela)), (Some(FileState::Paused(FilePause::NoRoomHere)), 0));
    order(&mut world, bela, anna, FileOrder::Resume);
    world.run_for(10_000);
    assert_eq!((state(&world, anna, bela), world.bulk_heard(bela)), (Some(FileState::Paused(FilePause::NoRoomThere)), 0));
    world.room_left(bela, 100_001);
    order(&mut world, bela, anna, FileOrder::Resume);
    check_complete(&mut world, anna, bela, &sent, 10_000);
}

#[test]
fn what_its_author_lost_or_altered_never_counts_as_come() {
    for (seed, is_lost) in [(14, true), (15, false)] {
        let (mut world, anna, bela) = world(seed);
        world.command(bela, Command::AcceptFiles { bytes: 0 });
        world.send_file(anna, bela, "a.bin", &bytes(3 * PART_BYTES as usize, seed));
        world.run_for(10_000);
        if is_lost {
            world.lose_files(anna);
        } else {
            world.spoil_files(anna);
        }
        order(&mut world, bela, anna, FileOrder::Accept);
        world.run_for(60_000);
        let why = if is_lost { FileFailure::Gone } else { FileFailure::Differs };
        assert_eq!((state(&world, bela, anna), state(&world, anna, bela)), (Some(FileState::Failed(why)), Some(FileState::Failed(why))));
        assert_eq!(world.file_count(bela), 0, "no part of it stays");
        world.say(anna, bela, "still here");
        assert!(world.run_until(60_000, |world| !world.seen(bela).texts(&world.user(anna), b4_protocol::node::Direction::In).is_empty()));
    }
}

#[test]
fn the_same_file_sent_again_is_known() {
    let (mut world, anna, bela) = world(16);
    let sent = bytes(2 * PART_BYTES as usize + 1, 16);
    world.send_file(anna, bela, "a.bin", &sent);
    check_complete(&mut world, anna, bela, &sent, 20_000);
    let heard = world.bulk_heard(bela);
    for (from, to, count) in [(anna, bela, 2), (bela, anna, 3)] {
        world.send_file(from, to, "other name.bin", &sent);
        let is_there = |world: &World| [(from, to), (to, from)].into_iter().all(|(at, with)| world.seen(at).files(&world.user(with)).len() == count);
        assert!(world.run_until(20_000, is_there));
        check_complete(&mut world, from, to, &sent, 20_000);
    }
    world.run_for(1_000);
    assert_eq!(world.bulk_heard(bela), heard);
    assert_eq!((world.file_count(anna), world.file_count(bela)), (1, 1), "it lies there once");
}

#[test]
fn many_files_at_once_and_texts_come_all() {
    let (mut world, anna, bela) = world(17);
    let files: Vec<Vec<u8>> = (0..12).map(|number| bytes(PART_BYTES as usize + number, number as u64)).collect();
    for file in &files {
        world.send_file(anna, bela, "a.bin", file);
        world.say(anna, bela, "and a word");
    }
    let is_done = |world: &World| {
        let files = world.seen(bela).files(&world.user(anna));
        files.len() == 12 && files.iter().all(|(_, file)| file.progress.state == FileState::Complete)
    };
    assert!(world.run_until(60_000, is_done));
    let shown = world.seen(bela).files(&world.user(anna));
    for (file, (_, view)) in files.iter().zip(shown) {
        assert!(world.file(bela, view.progress.slot.expect("it is here")) == Some(file));
    }
}
