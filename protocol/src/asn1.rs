//! DER (X.690 section 10) as far as certificates, requests and public keys need it: tags of one byte, definite lengths in their
//! shortest form, up to 65,535 bytes. Whatever else BER or DER allow is refused, so that nothing has two encodings here.
//!
//! Deliberately absent: values. What an element means is known where it is read.

use crate::codec::Malformed;

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// SEQUENCE and SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// SET and SET OF.
pub const SET: u8 = 0x31;

/// One element: its tag is known to whoever took it.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// Tag, length and content.
    pub whole: &'a [u8],
    /// The content alone.
    pub content: &'a [u8],
}

/// Elements that follow each other.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

/// The elements in the one element, tagged `tag`, that `bytes` are.
///
/// # Errors
/// `Malformed` when they are anything else.
pub fn only(bytes: &[u8], tag: u8) -> Result<Elements<'_>, Malformed> {
    let mut outer = Elements { rest: bytes };
    let inner = outer.enter(tag)?;
    outer.finish()?;
    Ok(inner)
}

impl<'a> Elements<'a> {
    /// Whether the next element is tagged `tag`.
    pub fn next_is(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes the next element.
    ///
    /// # Errors
    /// `Malformed` when it is tagged otherwise or not whole.
    pub fn take(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        let (head, length) = match *self.rest {
            [own, length @ 0..=0x7f, ..] if own == tag => (2, usize::from(length)),
            [own, 0x81, length @ 0x80..=0xff, ..] if own == tag => (3, usize::from(length)),
            [own, 0x82, high @ 1..=0xff, low, ..] if own == tag => (4, usize::from(u16::from_be_bytes([high, low]))),
            _ => return Err(Malformed),
        };
        let (whole, rest) = self.rest.split_at_checked(head + length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(Element { whole, content: &whole[head..] })
    }

    /// Takes the next element and goes into it.
    ///
    /// # Errors
    /// `Malformed` when it is tagged otherwise or not whole.
    pub fn enter(&mut self, tag: u8) -> Result<Elements<'a>, Malformed> {
        Ok(Elements { rest: self.take(tag)?.content })
    }

    /// Takes an INTEGER that is not negative: its big-endian bytes, without the zero that keeps the sign.
    ///
    /// # Errors
    /// `Malformed` when it is negative or not in its shortest form.
    pub fn unsigned(&mut self) -> Result<&'a [u8], Malformed> {
        match self.take(INTEGER)?.content {
            [0, magnitude @ ..] if magnitude.first().is_some_and(|first| *first >= 0x80) => Ok(magnitude),
            content @ ([0] | [1..=0x7f, ..]) => Ok(content),
            _ => Err(Malformed),
        }
    }

    /// Takes a BIT STRING of whole bytes.
    ///
    /// # Errors
    /// `Malformed` when bits of it are unused.
    pub fn whole_bytes(&mut self) -> Result<&'a [u8], Malformed> {
        match self.take(BIT_STRING)?.content {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(Malformed),
        }
    }

    /// Ends here.
    ///
    /// # Errors
    /// `Malformed` when an element is left.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// An element with these parts, one after the other, as its content.
///
/// # Panics
/// With more than 65,535 bytes: what is written here is far below.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = u16::try_from(parts.iter().map(|part| part.len()).sum::<usize>()).expect("what is written is short");
    let [high, low] = length.to_be_bytes();
    let mut out = Vec::with_capacity(4 + usize::from(length));
    match length {
        0..=0x7f => out.extend([tag, low]),
        0x80..=0xff => out.extend([tag, 0x81, low]),
        _ => out.extend([tag, 0x82, high, low]),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_at_every_form_of_length() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1234, 0xffff] {
            let content = vec![7; length];
            let written = element(OCTET_STRING, &[&content[..length / 2], &content[length / 2..]]);
            let mut elements = Elements { rest: &written };
            let read = elements.take(OCTET_STRING).expect("an element");
            assert_eq!((read.whole, read.content), (&written[..], &content[..]));
            assert!(elements.finish().is_ok());
        }
    }

    #[test]
    fn a_length_has_one_form_and_ends_within_the_bytes() {
        let take = |bytes: &[u8]| Elements { rest: bytes }.take(OCTET_STRING).map(|element| element.content.len());
        assert_eq!(take(&[4, 1, 9]), Ok(1));
        for bad in [&[][..], &[4], &[4, 1], &[5, 1, 9], &[4, 0x80, 0, 0], &[4, 0x81, 1, 9], &[4, 0x82, 0, 1, 9], &[4, 0x83, 0, 0, 1, 9]] {
            assert_eq!(take(bad), Err(Malformed), "{bad:x?}");
        }
    }

    #[test]
    fn a_number_has_one_form_and_is_not_negative() {
        let number = |content: &[u8]| Elements { rest: &element(INTEGER, &[content]) }.unsigned().map(<[u8]>::to_vec);
        for (content, magnitude) in [(&[0][..], &[0][..]), (&[1, 0, 1], &[1, 0, 1]), (&[0x7f], &[0x7f]), (&[0, 0x80], &[0x80])] {
            assert_eq!(number(content), Ok(magnitude.to_vec()));
        }
        for bad in [&[][..], &[0x80], &[0, 0x7f], &[0, 0], &[0, 0, 0x80]] {
            assert_eq!(number(bad), Err(Malformed), "{bad:x?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_that_are_read_are_what_would_be_written(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(read) = (Elements { rest: &bytes }).take(bytes.first().copied().unwrap_or_default()) {
                prop_assert_eq!(element(bytes[0], &[read.content]), read.whole);
            }
        }
    }
}
