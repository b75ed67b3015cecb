//! Files for somebody who is away: they lie with others, sealed, until they are fetched.

use b4_protocol::chat::MessageId;
use b4_protocol::file::PART_BYTES;
use b4_protocol::node::{Command, FileOrder, FileState, FileView, Standing, Table};
use b4_simulator::{NodeIndex, World, WorldConfig};

/// Two who are contacts of each other, and others who keep mail.
fn world(seed: u64, others: usize) -> (World, NodeIndex, NodeIndex, Vec<NodeIndex>) {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    let (anna, bela) = (world.add("anna"), world.add("bela"));
    let others = (0..others).map(|number| world.add(&format!("peer{number}"))).collect();
    world.run_for(20_000);
    for (from, to) in [(anna, bela), (bela, anna)] {
        let typed = world.user(to).to_string();
        world.command(from, Command::AddContact { typed });
        let user = world.user(to);
        assert!(world.run_until(10_000, |world| world.seen(from).contacts.get(&user).is_some_and(|contact| contact.standing == Standing::Accepted)));
    }
    world.run_for(2_000);
    (world, anna, bela, others)
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 + at / 251) as u8).collect()
}

fn newest(world: &World, at: NodeIndex, with: NodeIndex) -> Option<(MessageId, FileView)> {
    world.seen(at).files(&world.user(with)).pop()
}

fn state(world: &World, at: NodeIndex, with: NodeIndex) -> Option<FileState> {
    newest(world, at, with).map(|(_, file)| file.progress.state)
}

fn order(world: &mut World, at: NodeIndex, with: NodeIndex, order: FileOrder) {
    let (id, _) = newest(world, at, with).expect("there is a file");
    let with = world.user(with);
    world.command(at, Command::File { with, id, order });
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
        world.start(anna);
        let user = world.user(bela);
        world.command(anna, Command::LoadMessages { with: user, before: None });
        assert!(world.run_until(120_000, |world| state(world, anna, bela) == Some(FileState::Complete)), "its author hears of it");
        assert_eq!(world.breaches(&[anna, bela]), Vec::<String>::new());
    }
}
