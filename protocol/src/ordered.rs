//! A map and a set as sorted vectors: ordered like their namesakes of the standard library, and small in code. A B-tree costs
//! several kilobytes of the page for each pair of types, which pays only for more entries than any bound in `limits` allows.
//!
//! Deliberately absent: everything that the rooms do not use. Where entries may be many and come in any order, use a B-tree.

use std::ops::Index;

/// A map in the order of its keys. Looking up takes O(log n), changing O(n) moves, adding at the end O(1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedMap<K, V> {
    entries: Vec<(K, V)>,
}

/// A set in its order, with the costs of [`OrderedMap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedSet<K> {
    entries: OrderedMap<K, ()>,
}

impl<K: Ord, V> OrderedMap<K, V> {
    /// An empty map.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is an entry at `key`.
    pub fn contains_key(&self, key: &K) -> bool {
        self.place(key).is_ok()
    }

    /// The value at `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        let place = self.place(key).ok()?;
        Some(&self.entries[place].1)
    }

    /// The value at `key`, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// The value at `key`, to be changed; made where there is none.
    pub fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                self.entries.insert(place, (key, V::default()));
                place
            }
        };
        &mut self.entries[place].1
    }

    /// Puts `value` at `key` and returns the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(place) => Some(std::mem::replace(&mut self.entries[place].1, value)),
            Err(place) => {
                self.entries.insert(place, (key, value));
                None
            }
        }
    }

    /// Takes the value at `key` out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key).ok()?;
        Some(self.entries.remove(place).1)
    }

    /// Takes the first entry out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.is_empty()).then(|| self.entries.remove(0))
    }

    /// The last entry.
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.entries.last().map(|(key, value)| (key, value))
    }

    /// Keeps the entries for which `is_kept` holds.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain_mut(|(key, value)| is_kept(key, value));
    }

    /// Takes all entries out.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator + Clone {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator + Clone {
        self.entries.iter().map(|(key, _)| key)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator + Clone {
        self.entries.iter().map(|(_, value)| value)
    }

    /// All values, in the order of their keys, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> + ExactSizeIterator {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// All values, in the order of their keys.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> + ExactSizeIterator {
        self.entries.into_iter().map(|(_, value)| value)
    }

    /// Where `key` is, or where it would be.
    fn place(&self, key: &K) -> Result<usize, usize> {
        // Most keys are drawn from a counter or loaded in order: the end is looked at first.
        match self.entries.last() {
            Some((last, _)) if last < key => Err(self.entries.len()),
            _ => self.entries.binary_search_by(|(other, _)| other.cmp(key)),
        }
    }
}

impl<K: Ord> OrderedSet<K> {
    /// An empty set.
    pub const fn new() -> Self {
        Self { entries: OrderedMap::new() }
    }

    /// How much is in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether `key` is in it.
    pub fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// Adds `key`; true where it was not in it.
    pub fn insert(&mut self, key: K) -> bool {
        self.entries.insert(key, ()).is_none()
    }

    /// Takes `key` out; true where it was in it.
    pub fn remove(&mut self, key: &K) -> bool {
        self.entries.remove(key).is_some()
    }
}

impl<K, V> Default for OrderedMap<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<K> Default for OrderedSet<K> {
    fn default() -> Self {
        Self { entries: OrderedMap::default() }
    }
}

impl<K: Ord, V> Index<&K> for OrderedMap<K, V> {
    type Output = V;

    fn index(&self, key: &K) -> &V {
        self.get(key).expect("an entry is at this key")
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for OrderedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Ord> FromIterator<K> for OrderedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        Self { entries: keys.into_iter().map(|key| (key, ())).collect() }
    }
}

impl<K, V> IntoIterator for OrderedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<K> IntoIterator for OrderedSet<K> {
    type Item = K;
    type IntoIter = std::iter::Map<std::vec::IntoIter<(K, ())>, fn((K, ())) -> K>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter().map(|(key, ())| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn a_map_answers_like_the_tree_of_the_standard_library(
            steps in proptest::collection::vec((0u8..5, 0u8..20, any::<u8>()), 0..80),
        ) {
            let (mut ours, mut tree) = (OrderedMap::new(), BTreeMap::new());
            for (step, key, value) in steps {
                match step {
                    0 | 1 => prop_assert_eq!(ours.insert(key, value), tree.insert(key, value)),
                    2 => prop_assert_eq!(ours.remove(&key), tree.remove(&key)),
                    3 => *ours.get_or_default(key) = *tree.entry(key).and_modify(|old| *old ^= value).or_default(),
                    _ => prop_assert_eq!(ours.pop_first(), tree.pop_first()),
                }
                prop_assert_eq!(ours.get(&key), tree.get(&key));
                prop_assert_eq!(ours.last_key_value(), tree.last_key_value());
                prop_assert!(ours.iter().eq(tree.iter()));
            }
            ours.retain(|key, value| key < value);
            tree.retain(|key, value| key < value);
            prop_assert!(ours.into_iter().eq(tree));
        }

        #[test]
        fn a_collection_of_anything_is_in_order_and_the_last_of_a_key_stays(
            entries in proptest::collection::vec((0u8..20, any::<u8>()), 0..40),
        ) {
            let map: OrderedMap<u8, u8> = entries.iter().copied().collect();
            prop_assert!(map.iter().eq(entries.iter().copied().collect::<BTreeMap<_, _>>().iter()));
            let set: OrderedSet<u8> = entries.iter().map(|(key, _)| *key).collect();
            prop_assert!(set.into_iter().eq(entries.iter().map(|(key, _)| *key).collect::<BTreeSet<_>>()));
        }
    }

    #[test]
    fn a_set_tells_whether_it_changed() {
        let mut set = OrderedSet::new();
        assert!(set.insert(2) && set.insert(1) && !set.insert(2));
        assert!(set.contains(&1) && set.remove(&1) && !set.remove(&1) && !set.is_empty());
        assert!(set.into_iter().eq([2]));
    }
}
