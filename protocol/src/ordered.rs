//! A map and a set as sorted vectors, ordered like their namesakes of the standard library, and small in code: the map is ICU4X's.
//! A B-tree costs several kilobytes of the page for each pair of types, which pays only for more entries than any bound in
//! `limits` allows. Looking up takes O(log n), changing O(n) moves, adding at the end O(1).
//!
//! Deliberately absent: anything for many entries that come in any order. Use a B-tree there.

pub use litemap::LiteMap as OrderedMap;

/// A set in its order, with the costs of [`OrderedMap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedSet<K> {
    entries: OrderedMap<K, ()>,
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

    /// All of it, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        self.entries.keys()
    }

    /// Puts `key` into it. False when it was there.
    pub fn insert(&mut self, key: K) -> bool {
        self.entries.insert(key, ()).is_none()
    }

    /// Takes `key` out of it. False when it was not there.
    pub fn remove(&mut self, key: &K) -> bool {
        self.entries.remove(key).is_some()
    }
}

impl<K> Default for OrderedSet<K> {
    fn default() -> Self {
        Self { entries: OrderedMap::new() }
    }
}

impl<K: Ord> FromIterator<K> for OrderedSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        // One by one: the map's own way of collecting brings a sort along, which is larger than all of this.
        keys.into_iter().fold(Self::new(), |mut set, key| {
            set.insert(key);
            set
        })
    }
}

impl<K> IntoIterator for OrderedSet<K> {
    type Item = K;
    type IntoIter = std::iter::Map<std::vec::IntoIter<(K, ())>, fn((K, ())) -> K>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_tuple_vec().into_iter().map(|(key, ())| key)
    }
}
