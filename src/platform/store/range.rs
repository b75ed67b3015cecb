//! Which rows are read. Pure.

use b4_protocol::node::Table;

/// The `limit` rows with the highest keys that start with `prefix` and are below `before`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowRange {
    /// Which table.
    pub table: Table,
    /// Of the key.
    pub prefix: Vec<u8>,
    /// Exclusive upper bound; `None` for no bound.
    pub before: Option<Vec<u8>>,
    /// At most so many rows.
    pub limit: u32,
}

impl RowRange {
    /// Every row of a table.
    pub fn all(table: Table) -> Self {
        Self { table, prefix: Vec::new(), before: None, limit: u32::MAX }
    }

    /// The same as bounds: lower (inclusive) and upper (exclusive, `None` for none). `None` when no key can be between.
    pub fn bounds(&self) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let end = after_prefix(&self.prefix);
        let upper = match (&self.before, end) {
            (Some(before), Some(end)) => Some(before.clone().min(end)),
            (Some(before), None) => Some(before.clone()),
            (None, end) => end,
        };
        if self.limit == 0 || upper.as_ref().is_some_and(|upper| *upper <= self.prefix) {
            return None;
        }
        Some((self.prefix.clone(), upper))
    }
}

/// The first key above all that start with `prefix`; `None` when there is none.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(prefix: &[u8], before: Option<&[u8]>) -> RowRange {
        RowRange { table: Table::Messages, prefix: prefix.to_vec(), before: before.map(<[u8]>::to_vec), limit: 9 }
    }

    #[test]
    fn bounds_hold_exactly_the_keys_with_the_prefix_below_the_bound() {
        type Row = (&'static [u8], Option<&'static [u8]>, Option<(&'static [u8], Option<&'static [u8]>)>);
        let rows: [Row; 9] = [
            (b"", None, Some((b"", None))),
            (b"", Some(b"c"), Some((b"", Some(b"c")))),
            (b"", Some(b""), None),
            (b"ab", None, Some((b"ab", Some(b"ac")))),
            (b"a\xff\xff", None, Some((b"a\xff\xff", Some(b"b")))),
            (b"\xff\xff", None, Some((b"\xff\xff", None))),
            (b"ab", Some(b"ab\x05"), Some((b"ab", Some(b"ab\x05")))),
            (b"ab", Some(b"zz"), Some((b"ab", Some(b"ac")))),
            (b"ab", Some(b"ab"), None),
        ];
        for (prefix, before, expected) in rows {
            let expected = expected.map(|(lower, upper)| (lower.to_vec(), upper.map(<[u8]>::to_vec)));
            assert_eq!(range(prefix, before).bounds(), expected, "{prefix:?} before {before:?}");
        }
    }

    #[test]
    fn a_limit_of_none_reads_nothing() {
        assert_eq!(RowRange { limit: 0, ..RowRange::all(Table::Meta) }.bounds(), None);
    }
}
