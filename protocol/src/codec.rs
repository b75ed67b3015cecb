//! Reading and writing of fixed-order byte fields, as PROTOCOL.md#conventions has them. No message knows another here.

/// The bytes do not have the form that was asked for: too short, too long, or a length out of its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed bytes")]
pub struct Malformed;

/// Takes fields off the front of a slice; never reads past its end.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Takes the next `count` bytes.
    ///
    /// # Errors
    /// `Malformed` when fewer are left.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Takes the next `N` bytes as an array.
    ///
    /// # Errors
    /// `Malformed` when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    /// Takes one byte.
    ///
    /// # Errors
    /// `Malformed` when none is left.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    /// Takes a big-endian integer of two bytes.
    ///
    /// # Errors
    /// `Malformed` when fewer are left.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// Takes a big-endian integer of four bytes.
    ///
    /// # Errors
    /// `Malformed` when fewer are left.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Takes a big-endian integer of eight bytes.
    ///
    /// # Errors
    /// `Malformed` when fewer are left.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Takes `lp(x)`: a two-byte length of at most `max`, then x.
    ///
    /// # Errors
    /// `Malformed` when the length is over `max` or over what is left.
    pub fn lp(&mut self, max: usize) -> Result<&'a [u8], Malformed> {
        let count = usize::from(self.u16()?);
        if count > max {
            return Err(Malformed);
        }
        self.bytes(count)
    }

    /// Takes `lp8(x)`: a one-byte length, then x.
    ///
    /// # Errors
    /// `Malformed` when the length is over what is left.
    pub fn lp8(&mut self) -> Result<&'a [u8], Malformed> {
        let count = usize::from(self.u8()?);
        self.bytes(count)
    }

    /// Takes all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// `Malformed` when bytes are left: trailing bytes are refused everywhere.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Appends fields to a byte string.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one byte.
    pub fn u8(mut self, value: u8) -> Self {
        self.bytes.push(value);
        self
    }

    /// Appends two bytes, big-endian.
    pub fn u16(self, value: u16) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// Appends four bytes, big-endian.
    pub fn u32(self, value: u32) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// Appends eight bytes, big-endian.
    pub fn u64(self, value: u64) -> Self {
        self.raw(&value.to_be_bytes())
    }

    /// Appends the bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends `lp(x)`.
    ///
    /// # Panics
    /// When x is longer than 65,535 bytes: every caller's bound is far below.
    pub fn lp(self, bytes: &[u8]) -> Self {
        let count = u16::try_from(bytes.len()).expect("a field with a two-byte length is under 64 KiB");
        self.u16(count).raw(bytes)
    }

    /// Appends `lp8(x)`.
    ///
    /// # Panics
    /// When x is longer than 255 bytes: every caller's bound is below.
    pub fn lp8(self, bytes: &[u8]) -> Self {
        let count = u8::try_from(bytes.len()).expect("a field with a one-byte length is under 256 bytes");
        self.u8(count).raw(bytes)
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = Writer::new().u8(1).u16(2).u32(3).u64(4).lp(b"five").lp8(b"six").raw(b"7").into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.u8(), reader.u16(), reader.u32(), reader.u64()), (Ok(1), Ok(2), Ok(3), Ok(4)));
        assert_eq!((reader.lp(4), reader.lp8()), (Ok(&b"five"[..]), Ok(&b"six"[..])));
        assert_eq!(reader.clone().finish(), Err(Malformed));
        assert_eq!(reader.rest(), b"7");
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_length_over_its_bound_is_refused() {
        assert_eq!(Reader::new(&[0, 5, 1, 2, 3, 4, 5]).lp(4), Err(Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_read_past_the_end(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            let mut taken = 0;
            while let Ok(field) = reader.lp8() {
                taken += 1 + field.len();
                if reader.left() == 0 { break; }
            }
            prop_assert!(taken <= bytes.len());
        }
    }
}
