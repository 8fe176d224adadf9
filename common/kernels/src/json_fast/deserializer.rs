//! The parser as a deserializer of serde's.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::parser::{FastParser, ParseResult, Unsupported};
use crate::decimal::JSON_DECIMAL;

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

    /// A [`JsonDecimal`](crate::decimal::JsonDecimal) is handed over in its own digits.
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
        let value = nested(self, |elements| visitor.visit_seq(elements))?;
        self.expect(b']')?;
        Ok(value)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> ParseResult<V::Value> {
        if self.peek()? != b'{' {
            return Err(Unsupported);
        }
        let value = nested(self, |elements| visitor.visit_map(elements))?;
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

/// What stands between the brackets of an object or array, read one level down.
#[inline]
fn nested<'de, T>(
    parser: &mut FastParser<'de>,
    read: impl FnOnce(Elements<'_, 'de>) -> ParseResult<T>,
) -> ParseResult<T> {
    parser.descend()?;
    let value = read(Elements {
        parser,
        first: true,
    })?;
    parser.ascend();
    Ok(value)
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
