//! What was said in a world of people, what their screens have shown of it, and what has become of it on the disks.

use std::collections::{BTreeMap, BTreeSet};

use b4_protocol::chat::{message_prefix, view_of_row};
use b4_protocol::node::{Direction, Table};

use super::WORDS;
use crate::world::{NodeIndex, World};

/// Author and reader.
type Pair = (NodeIndex, NodeIndex);

/// What people remember.
#[derive(Default)]
pub(super) struct Ledger {
    typed: usize,
    pairs: BTreeSet<Pair>,
    /// Own texts that an author's screen has shown, over all starts, in the order of the conversation.
    shown: BTreeMap<Pair, BTreeMap<u64, String>>,
}

impl Ledger {
    /// What an author types next.
    pub fn next_text(&mut self, author: NodeIndex, reader: NodeIndex) -> String {
        self.typed += 1;
        self.pairs.insert((author, reader));
        format!("{WORDS}number {}", self.typed)
    }

    /// Who ever said something to whom.
    pub fn pairs(&self) -> Vec<Pair> {
        self.pairs.iter().copied().collect()
    }

    /// Takes down what an author's screen shows.
    pub fn look(&mut self, world: &World, author: NodeIndex) {
        for (_, reader) in self.pairs.iter().filter(|(from, _)| *from == author) {
            let shown = world.seen(author).messages.get(&world.user(*reader)).into_iter().flat_map(BTreeMap::values);
            let own = shown.filter(|message| message.direction == Direction::Out).map(|message| (message.order, message.text.clone()));
            self.shown.entry((author, *reader)).or_default().extend(own);
        }
    }

    /// Whether every text on the disk of its author is on that of its reader, and no author waits for anything.
    pub fn has_arrived(&self, world: &World) -> bool {
        let is_there = |pair: &Pair| stored(world, pair.1, pair.0, Direction::In).len() == stored(world, pair.0, pair.1, Direction::Out).len();
        self.pairs.iter().all(|pair| world.disk(pair.0).count(Table::Outbox) == 0 && is_there(pair))
    }

    /// What has not.
    pub fn missing(&self, world: &World) -> String {
        let mut missing = Vec::new();
        for (author, reader) in &self.pairs {
            let there = stored(world, *reader, *author, Direction::In);
            let lost = stored(world, *author, *reader, Direction::Out).into_iter().filter(|text| !there.contains(text));
            let (from, to) = (world.user(*author), world.user(*reader));
            missing.extend(lost.map(|text| format!("{from} to {to} '{text}'")));
        }
        let waiting = self.pairs.iter().map(|pair| pair.0).collect::<BTreeSet<_>>();
        let waiting = waiting.iter().map(|author| format!("{} has {} in the outbox", world.user(*author), world.disk(*author).count(Table::Outbox)));
        format!("not there in the end: {missing:?}; {:?}", waiting.collect::<Vec<_>>())
    }

    /// There and here are alike, in order, once; and whatever was shown is among it.
    pub fn check(&self, world: &World) -> Result<(), String> {
        for pair in &self.pairs {
            let (from, to) = (world.user(pair.0), world.user(pair.1));
            let (here, there) = (stored(world, pair.0, pair.1, Direction::Out), stored(world, pair.1, pair.0, Direction::In));
            if here != there {
                return Err(format!("{from} said {here:?}, and {to} has {there:?}"));
            }
            let shown: Vec<&String> = self.shown.get(pair).into_iter().flat_map(BTreeMap::values).collect();
            let kept: Vec<&String> = here.iter().filter(|text| shown.contains(text)).collect();
            if kept != shown {
                return Err(format!("{from} was shown {shown:?}, of which there is {kept:?}"));
            }
        }
        Ok(())
    }

    /// Texts on the disks of their authors.
    pub fn texts(&self, world: &World) -> usize {
        self.pairs.iter().map(|pair| stored(world, pair.0, pair.1, Direction::Out).len()).sum()
    }
}

/// The texts of one direction of a conversation on somebody's disk, in its order.
fn stored(world: &World, at: NodeIndex, with: NodeIndex, direction: Direction) -> Vec<String> {
    let rows = world.disk(at).load(Table::Messages, &message_prefix(&world.user(with)), None, usize::MAX);
    let views = rows.iter().rev().filter_map(|row| view_of_row(&row.key, &row.value).ok());
    views.map(|(view, _)| view).filter(|view| view.direction == direction).map(|view| view.text).collect()
}

#[cfg(test)]
mod tests {
    use b4_protocol::node::Command;

    use super::*;
    use crate::world::WorldConfig;

    /// Anna has said something to bela, which is on its way.
    fn on_its_way() -> (World, Ledger, Pair) {
        let mut world = World::new(WorldConfig::default());
        let pair = (world.add("anna"), world.add("bela"));
        world.run_for(10_000);
        let typed = world.user(pair.1).to_string();
        world.command(pair.0, Command::AddContact { typed });
        world.run_for(10_000);
        let mut ledger = Ledger::default();
        let text = ledger.next_text(pair.0, pair.1);
        world.say(pair.0, pair.1, &text);
        world.run_until(1_000, |world| !stored(world, pair.0, pair.1, Direction::Out).is_empty());
        (world, ledger, pair)
    }

    #[test]
    fn what_has_not_arrived_is_noticed_and_named() {
        let (mut world, ledger, _) = on_its_way();
        assert!(!ledger.has_arrived(&world));
        assert!(ledger.missing(&world).contains("anna to bela 'for your eyes only: number 1'"), "{}", ledger.missing(&world));
        assert!(ledger.check(&world).is_err_and(|what| what.contains("bela has []")));
        world.run_for(5_000);
        assert!(ledger.has_arrived(&world));
        assert_eq!((ledger.check(&world), ledger.texts(&world)), (Ok(()), 1));
    }

    #[test]
    fn what_a_screen_has_shown_and_no_disk_has_is_noticed() {
        let (mut world, mut ledger, pair) = on_its_way();
        world.run_for(5_000);
        ledger.look(&world, pair.0);
        assert_eq!(ledger.check(&world), Ok(()));
        ledger.shown.entry(pair).or_default().insert(u64::MAX, "gone".to_owned());
        assert!(ledger.check(&world).is_err_and(|what| what.contains("anna was shown")));
    }
}
