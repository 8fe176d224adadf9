//! JSON in the plain form in which venues write it: no spaces, no escapes, few levels. Read in one pass, everything
//! borrowed. Nearly every frame is plain, and reading one as such takes less than half of `serde_json`'s time; what
//! isn't plain, or isn't what is expected, is for `serde_json` to read or to refuse in words.
//!
//! ```text
//! frame ──▶ json_fast::read ── Some ──▶ value
//!               └─ None ──▶ serde_json ──▶ value or error
//! ```

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use crate::decimal::JSON_DECIMAL;

/// Levels of objects and arrays that are still plain.
const MAX_DEPTH: usize = 8;

/// `text` as a `T`: what `serde_json` would read, or `None`.
#[inline]
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let mut parser = FastParser {
        text,
        at: 0,
        depth_left: MAX_DEPTH,
    };
    let value = T::deserialize(&mut parser).ok()?;
    (parser.at == text.len()).then_some(value)
}

/// How far a text has been read.
struct FastParser<'a> {
    text: &'a str,
    at: usize,
    depth_left: usize,
}

/// The text isn't plain, or isn't what was expected; it carries no words because nobody will see them.
#[derive(Debug)]
struct Unsupported;

type ParseResult<T> = Result<T, Unsupported>;

impl<'a> FastParser<'a> {
    #[inline]
    fn peek(&self) -> ParseResult<u8> {
        self.text
            .as_bytes()
            .get(self.at)
            .copied()
            .ok_or(Unsupported)
    }

    #[inline]
    fn consume_if(&mut self, byte: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> ParseResult<()> {
        self.consume_if(byte).then_some(()).ok_or(Unsupported)
    }

    #[inline]
    fn literal(&mut self, word: &str) -> ParseResult<()> {
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

    /// How many bytes from here on satisfy this.
    #[inline]
    fn skip_while(&mut self, mut of: impl FnMut(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| of(**byte)).count();
        self.at += length;
        length
    }

    /// A text without escapes.
    #[inline]
    fn string(&mut self) -> ParseResult<&'a str> {
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
    fn number(&mut self) -> ParseResult<&'a str> {
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

    #[inline]
    fn digits(&mut self) -> ParseResult<()> {
        let length = self.skip_while(|byte| byte.is_ascii_digit());
        (length > 0).then_some(()).ok_or(Unsupported)
    }

    /// A whole number of at most 19 digits, without its sign, and whether it is below zero.
    #[inline]
    fn integer(&mut self) -> ParseResult<(u64, bool)> {
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

    /// The elements of an object or array, one level down.
    #[inline]
    fn nested<T>(
        &mut self,
        read: impl FnOnce(Elements<'_, 'a>) -> ParseResult<T>,
    ) -> ParseResult<T> {
        self.at += 1;
        self.depth_left = self.depth_left.checked_sub(1).ok_or(Unsupported)?;
        let value = read(Elements {
            parser: self,
            first: true,
        })?;
        self.depth_left += 1;
        Ok(value)
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
const fn find_stop(eight: &[u8; 8]) -> Option<usize> {
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

impl<'de> Deserializer<'de> for &mut FastParser<'de> {
    type Error = Unsupported;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        match self.peek()? {
            b'"' => visitor.visit_borrowed_str(self.string()?),
            b'{' => self.deserialize_map(visitor),
            b'[' => self.deserialize_seq(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => {
                self.literal("null")?;
                visitor.visit_unit()
            }
            // Its nearest double is `serde_json`'s to find.
            _ => Err(Unsupported),
        }
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        let yes = self.peek()? == b't';
        self.literal(if yes { "true" } else { "false" })?;
        visitor.visit_bool(yes)
    }

    #[inline]
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        match self.integer()? {
            (number, false) => visitor.visit_u64(number),
            (number, true) => {
                let number = i64::try_from(number).map_err(|_| Unsupported)?;
                visitor.visit_i64(-number)
            }
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        visitor.visit_borrowed_str(self.string()?)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        if self.peek()? == b'n' {
            self.literal("null")?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    /// A [numeral](crate::decimal::JsonDecimal) is handed over in its own digits.
    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> ParseResult<V::Value> {
        match self.peek()? {
            _ if name != JSON_DECIMAL => visitor.visit_newtype_struct(self),
            b'"' => visitor.visit_borrowed_str(self.string()?),
            _ => visitor.visit_borrowed_str(self.number()?),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        if self.peek()? != b'[' {
            return Err(Unsupported);
        }
        let value = self.nested(|elements| visitor.visit_seq(elements))?;
        self.expect(b']')?;
        Ok(value)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        if self.peek()? != b'{' {
            return Err(Unsupported);
        }
        let value = self.nested(|elements| visitor.visit_map(elements))?;
        self.expect(b'}')?;
        Ok(value)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> ParseResult<V::Value> {
        self.deserialize_map(visitor)
    }

    /// A variant without content, by its name.
    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> ParseResult<V::Value> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.string()?))
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        match self.peek()? {
            b'-' | b'0'..=b'9' => {
                self.number()?;
                visitor.visit_unit()
            }
            b'"' => {
                self.string()?;
                visitor.visit_unit()
            }
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        self.deserialize_u64(visitor)
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        self.deserialize_u64(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u16 u32 u128 f32 f64 char string bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

/// What stands between the brackets of an object or an array.
struct Elements<'p, 'a> {
    parser: &'p mut FastParser<'a>,
    first: bool,
}

impl Elements<'_, '_> {
    /// Whether another element follows; if so, it is next.
    #[inline]
    fn has_next(&mut self, close: u8) -> ParseResult<bool> {
        let more = if self.first {
            self.parser.peek()? != close
        } else {
            self.parser.consume_if(b',')
        };
        self.first = false;
        Ok(more)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unsupported;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> ParseResult<Option<T::Value>> {
        if self.has_next(b']')? {
            seed.deserialize(&mut *self.parser).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = Unsupported;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> ParseResult<Option<K::Value>> {
        if self.has_next(b'}')? {
            seed.deserialize(BorrowedStrDeserializer::new(self.parser.string()?))
                .map(Some)
        } else {
            Ok(None)
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> ParseResult<V::Value> {
        self.parser.expect(b':')?;
        seed.deserialize(&mut *self.parser)
    }
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

    // The words of the defaults would be put together only to be dropped.
    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests;
