//! What one Chord node knows: predecessor, successor list, fingers; and whom it names for a key (figure 5 of the paper).

use super::position::Position;

/// A node that another one knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Which node of the world. Never reused.
    pub slot: u32,
    /// Where it is on the circle.
    pub position: Position,
}

/// Bits of a position, and with that the number of fingers.
pub const BITS: usize = 64;

/// The tables of one node.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The node itself.
    pub me: Contact,
    /// The node it believes to be next anticlockwise.
    pub predecessor: Option<Contact>,
    /// The next nodes clockwise, nearest first.
    successors: Vec<Contact>,
    /// The successor list's greatest length: r of the paper.
    list_len_max: usize,
    /// `fingers[i]` is about the successor of `me + 2^i`. Kept only where the finger starts beyond the immediate successor:
    /// below, it would be that one.
    fingers: [Option<Contact>; BITS],
}

impl Tables {
    /// The tables of a node that knows nobody.
    pub fn new(me: Contact, list_len_max: usize) -> Self {
        Self { me, predecessor: None, successors: Vec::with_capacity(list_len_max + 1), list_len_max, fingers: [None; BITS] }
    }

    /// The next nodes clockwise, nearest first.
    pub fn successors(&self) -> &[Contact] {
        &self.successors
    }

    /// The contact at finger `bit`.
    pub fn finger(&self, bit: usize) -> Option<Contact> {
        self.fingers[bit]
    }

    /// Where finger `bit` starts.
    pub fn finger_start(&self, bit: usize) -> Position {
        self.me.position.advanced(1 << bit)
    }

    /// Sets finger `bit`, unless the contact is the node itself.
    pub fn set_finger(&mut self, bit: usize, contact: Contact) {
        self.fingers[bit] = (contact.slot != self.me.slot).then_some(contact);
    }

    /// The lowest finger that starts beyond the immediate successor; [`BITS`] if none does.
    pub fn lowest_finger(&self) -> usize {
        let reach = self.successors.first().map_or(0, |first| self.me.position.distance_to(first.position));
        (0..BITS).find(|bit| 1_u64 << bit > reach).unwrap_or(BITS)
    }

    /// Adds a contact where it belongs in the successor list; the list's last falls out at its greatest length.
    pub fn insert_successor(&mut self, contact: Contact) {
        let distance = self.me.position.distance_to(contact.position);
        let place = self.successors.partition_point(|known| self.me.position.distance_to(known.position) < distance);
        let known = self.successors.get(place).is_some_and(|known| known.slot == contact.slot);
        if contact.slot != self.me.slot && !known && place < self.list_len_max {
            self.successors.insert(place, contact);
            self.successors.truncate(self.list_len_max);
        }
    }

    /// Takes `contact` for the entry that follows entry `index - 1`: entries between the two are gone.
    pub fn set_successor_after(&mut self, before: Contact, contact: Contact) {
        let (me, from) = (self.me.position, before.position);
        if me.distance_to(contact.position) > me.distance_to(from) {
            self.successors.retain(|known| !known.position.is_between(from, contact.position));
        }
        self.insert_successor(contact);
    }

    /// Removes a node that is gone from successor list and fingers. The predecessor stays: it is checked apart.
    pub fn remove(&mut self, slot: u32) {
        self.successors.retain(|known| known.slot != slot);
        for finger in &mut self.fingers {
            if finger.is_some_and(|known| known.slot == slot) {
                *finger = None;
            }
        }
    }

    /// How many different nodes it knows, the predecessor apart.
    pub fn degree(&self) -> usize {
        let mut known: Vec<u32> = self.successors.iter().chain(self.fingers.iter().flatten()).map(|known| known.slot).collect();
        known.sort_unstable();
        known.dedup();
        known.len()
    }

    /// The known node that precedes `key` most closely, among successor list and fingers, but for those to `skip`. Neither the
    /// node itself nor one at the key.
    pub fn closest_preceding(&self, key: Position, skip: impl Fn(Contact) -> bool) -> Option<Contact> {
        let me = self.me.position;
        // A key at the node's own place is a whole circle away: this wraps around to the greatest distance.
        let reach = me.distance_to(key).wrapping_sub(1);
        let precedes = |known: &&Contact| me.distance_to(known.position) <= reach && !skip(**known);
        let listed = self.successors.iter().rev().find(precedes);
        let listed_distance = listed.map_or(0, |known| me.distance_to(known.position));
        // A finger that starts more than an octave before that entry cannot lead beyond it.
        let lowest = listed_distance.checked_ilog2().unwrap_or(0) as usize;
        let fingered = self.fingers[lowest..].iter().rev().flatten().find(precedes);
        match fingered {
            Some(finger) if me.distance_to(finger.position) > listed_distance => Some(*finger),
            _ => listed.copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(place: u64) -> Contact {
        Contact { slot: place as u32, position: Position(place) }
    }

    fn list(tables: &Tables) -> Vec<u64> {
        tables.successors().iter().map(|known| known.position.0).collect()
    }

    #[test]
    fn the_successor_list_is_in_ring_order_without_doubles_and_bounded() {
        let mut tables = Tables::new(at(100), 3);
        [at(300), at(50), at(200), at(200), at(100), at(400)].into_iter().for_each(|known| tables.insert_successor(known));
        assert_eq!(list(&tables), [200, 300, 400]);
        tables.insert_successor(at(150));
        assert_eq!(list(&tables), [150, 200, 300]);
    }

    #[test]
    fn a_fresh_entry_takes_the_place_of_those_it_passes_over() {
        let mut tables = Tables::new(at(0), 4);
        [at(10), at(20), at(30), at(40)].into_iter().for_each(|known| tables.insert_successor(known));
        tables.set_successor_after(at(10), at(30));
        assert_eq!(list(&tables), [10, 30, 40]);
        tables.set_successor_after(at(10), at(15));
        assert_eq!(list(&tables), [10, 15, 30, 40]);
    }

    #[test]
    fn the_closest_preceding_is_the_best_of_list_and_fingers_and_never_at_the_key() {
        let mut tables = Tables::new(at(0), 2);
        [at(10), at(20)].into_iter().for_each(|known| tables.insert_successor(known));
        tables.set_finger(5, at(40));
        tables.set_finger(6, at(90));
        let named = |key| tables.closest_preceding(Position(key), |_| false).map(|known| known.position.0);
        assert_eq!([10, 11, 20, 40, 41, 90, 91].map(named), [None, Some(10), Some(10), Some(20), Some(40), Some(40), Some(90)]);
        assert_eq!(named(0), Some(90));
        let skipping = tables.closest_preceding(Position(91), |known| known.slot == 90);
        assert_eq!(skipping, Some(at(40)));
    }

    #[test]
    fn one_that_is_gone_is_in_no_table() {
        let mut tables = Tables::new(at(0), 2);
        tables.insert_successor(at(10));
        tables.set_finger(3, at(10));
        tables.set_finger(4, at(30));
        tables.remove(10);
        assert_eq!((list(&tables), tables.finger(3), tables.finger(4)), (vec![], None, Some(at(30))));
        assert_eq!(tables.degree(), 1);
    }
}
