//! A place for large events while the queue holds their numbers: what it moves more than once is to be small.

/// Things by number. Places are used again, the one that was emptied last first: it is in the cache.
pub(super) struct Shelf<T> {
    places: Vec<Option<T>>,
    vacant: Vec<u32>,
}

impl<T> Shelf<T> {
    /// An empty one.
    pub fn new() -> Self {
        Self { places: Vec::new(), vacant: Vec::new() }
    }

    /// Puts a thing down; the number leads to it until it is taken.
    pub fn put(&mut self, thing: T) -> u32 {
        match self.vacant.pop() {
            Some(number) => {
                self.places[number as usize] = Some(thing);
                number
            }
            None => {
                self.places.push(Some(thing));
                (self.places.len() - 1) as u32
            }
        }
    }

    /// Takes a thing; its number is used again.
    pub fn take(&mut self, number: u32) -> Option<T> {
        let thing = self.places[number as usize].take()?;
        self.vacant.push(number);
        Some(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_taken_once_and_its_place_is_used_again() {
        let mut shelf = Shelf::new();
        let (first, second) = (shelf.put("first"), shelf.put("second"));
        assert_eq!((shelf.take(first), shelf.take(first)), (Some("first"), None));
        assert_eq!(shelf.put("third"), first);
        assert_eq!((shelf.take(second), shelf.take(first)), (Some("second"), Some("third")));
    }
}
