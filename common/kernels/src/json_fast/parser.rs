//! A text of plain JSON, read from left to right: what is next, and how far it goes.

use std::fmt;

use serde::de;

/// Levels of objects and arrays that are still plain.
const MAX_DEPTH: usize = 8;

/// A text and the position up to which it has been read.
pub(super) struct FastParser<'a> {
    text: &'a str,
    at: usize,
    depth_left: usize,
}

/// The text isn't plain, or isn't what was expected. It has no message, because nobody gets to see it.
#[derive(Debug)]
pub(super) struct Unsupported;

pub(super) type ParseResult<T> = Result<T, Unsupported>;

impl<'a> FastParser<'a> {
    /// A parser that has read nothing of `text`.
    #[inline]
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth_left: MAX_DEPTH,
        }
    }

    /// Whether all of the text has been read.
    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// The next byte.
    #[inline]
    pub(super) fn peek(&self) -> ParseResult<u8> {
        self.text
            .as_bytes()
            .get(self.at)
            .copied()
            .ok_or(Unsupported)
    }

    /// Goes past the next byte if it is this one.
    #[inline]
    pub(super) fn consume_if(&mut self, byte: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Goes past the next byte, which has to be this one.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> ParseResult<()> {
        self.consume_if(byte).then_some(()).ok_or(Unsupported)
    }

    /// Goes past this word, which has to be next.
    #[inline]
    pub(super) fn literal(&mut self, word: &str) -> ParseResult<()> {
        let rest = self.text.as_bytes().get(self.at..).ok_or(Unsupported)?;
        self.at += word.len();
        rest.starts_with(word.as_bytes())
            .then_some(())
            .ok_or(Unsupported)
    }

    /// What has been read since `start`.
    #[inline]
    fn slice_from(&self, start: usize) -> ParseResult<&'a str> {
        self.text.get(start..self.at).ok_or(Unsupported)
    }

    /// How many bytes from here on satisfy the predicate; goes past them.
    #[inline]
    fn skip_while(&mut self, mut predicate: impl FnMut(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| predicate(**byte)).count();
        self.at += length;
        length
    }

    /// A text without escapes.
    #[inline]
    pub(super) fn string(&mut self) -> ParseResult<&'a str> {
        self.expect(b'"')?;
        let rest = self.text.get(self.at..).ok_or(Unsupported)?;
        let bytes = rest.as_bytes();
        // Most are shorter than eight bytes.
        let length = match bytes.first_chunk().and_then(find_stop) {
            Some(length) => length,
            None => find_stop_in_long(bytes)?,
        };
        self.at += length;
        self.expect(b'"')?;
        rest.get(..length).ok_or(Unsupported)
    }

    /// The digits of a number, by JSON's grammar.
    #[inline]
    pub(super) fn number(&mut self) -> ParseResult<&'a str> {
        let start = self.at;
        self.consume_if(b'-');
        if !self.consume_if(b'0') {
            self.digits()?;
        }
        if self.consume_if(b'.') {
            self.digits()?;
        }
        if self.consume_if(b'e') || self.consume_if(b'E') {
            let _signed = self.consume_if(b'-') || self.consume_if(b'+');
            self.digits()?;
        }
        self.slice_from(start)
    }

    /// Goes past one digit or more.
    #[inline]
    fn digits(&mut self) -> ParseResult<()> {
        let length = self.skip_while(|byte| byte.is_ascii_digit());
        (length > 0).then_some(()).ok_or(Unsupported)
    }

    /// A whole number of at most 19 digits, without its sign, and whether it is below zero.
    #[inline]
    pub(super) fn integer(&mut self) -> ParseResult<(u64, bool)> {
        let negative = self.consume_if(b'-');
        if self.consume_if(b'0') {
            // Negative zero is no whole number to `serde_json`, and a point or another digit is not what follows here.
            return (!negative).then_some((0, false)).ok_or(Unsupported);
        }
        let mut number = 0_u64;
        let length = self.skip_while(|byte| {
            let digit = byte.is_ascii_digit();
            if digit {
                number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            }
            digit
        });
        // Nineteen digits fit.
        let fits = (1..=19).contains(&length);
        fits.then_some((number, negative)).ok_or(Unsupported)
    }

    /// Goes past an opening bracket, one level down.
    #[inline]
    pub(super) fn descend(&mut self) -> ParseResult<()> {
        self.at += 1;
        self.depth_left = self.depth_left.checked_sub(1).ok_or(Unsupported)?;
        Ok(())
    }

    /// Back from the level that [`descend`](Self::descend) went down to; its closing bracket is next.
    #[inline]
    pub(super) fn ascend(&mut self) {
        self.depth_left += 1;
    }
}

/// The place of the first byte that may end a text or isn't plain in one. Apart, so that short texts don't pay for it.
#[inline(never)]
fn find_stop_in_long(bytes: &[u8]) -> ParseResult<usize> {
    let (eights, tail) = bytes.as_chunks();
    for (eight, before) in eights.iter().zip((0..).step_by(8)) {
        if let Some(place) = find_stop(eight) {
            return Ok(before + place);
        }
    }
    let stops = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    let place = tail.iter().position(stops).ok_or(Unsupported)?;
    Ok(bytes.len() - tail.len() + place)
}

/// The place of the first quote, backslash or control character.
#[inline]
pub(super) const fn find_stop(eight: &[u8; 8]) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    /// The high bit of every byte below `limit`, exact up to the first of them.
    #[inline]
    const fn below(limit: u64, bytes: u64) -> u64 {
        bytes.wrapping_sub(limit * EACH) & !bytes & (0x80 * EACH)
    }
    let bytes = u64::from_le_bytes(*eight);
    // A quote is 34, and 34 ^ 2 is the one value under 33 that no control character has.
    let stops = below(33, bytes ^ (2 * EACH)) | below(1, bytes ^ (b'\\' as u64 * EACH));
    if stops == 0 {
        return None;
    }
    Some(stops.trailing_zeros() as usize / 8)
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not plain")
    }
}

impl std::error::Error for Unsupported {}

impl de::Error for Unsupported {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    // The defaults would format messages only to drop them.
    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }
}
