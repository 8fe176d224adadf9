//! Numbers in JSON as they were written: exact decimal text, borrowed from the message.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

/// Largest exponent either way: 1E-8 occurs, and more than this is no amount of money.
const MAX_EXPONENT: i32 = 40;

/// A finite decimal number in the venue's own digits, such as `42397.2300` or `1E-8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal<'a>(&'a str);

/// A text that is not a decimal number, or has too large an exponent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a decimal number")]
pub struct DecimalError(String);

/// Name of the newtype struct that a [`JsonDecimal`] deserializes; a deserializer that knows it gives the digits as they
/// are written.
pub const JSON_DECIMAL: &str = "foretell::JsonDecimal";

/// A number that JSON holds bare or as text, in its own digits either way.
#[derive(Debug, Clone, Copy)]
pub struct JsonDecimal<'a>(Decimal<'a>);

impl<'a> Decimal<'a> {
    /// Zero, which minutes without trades have as their volume.
    pub const ZERO: Self = Self("0");

    /// The number that this text writes: digits, at most one point, an exponent within ± 40.
    #[inline]
    pub fn new(text: &'a str) -> Result<Self, DecimalError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let mut point = false;
        let mut end = unsigned.len();
        for (place, byte) in unsigned.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => {}
                b'.' if !point => point = true,
                b'e' | b'E' if exponent_fits(&unsigned[place + 1..]) => {
                    end = place;
                    break;
                }
                _ => return Err(DecimalError(text.to_owned())),
            }
        }
        // A digit beside the point, if there is one.
        if end > usize::from(point) {
            Ok(Self(text))
        } else {
            Err(DecimalError(text.to_owned()))
        }
    }

    /// The text of the number as it was written, exponent and all.
    #[inline]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// The number without an exponent: as written where it has none.
    pub fn to_plain_string(self) -> Cow<'a, str> {
        let (mantissa, Some(exponent)) = split(self.0) else {
            return Cow::Borrowed(self.0);
        };
        let shift: i32 = exponent.parse().unwrap_or(0);
        let (sign, unsigned) = match mantissa.strip_prefix('-') {
            Some(unsigned) => ("-", unsigned),
            None => ("", mantissa),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let mut digits = format!("{whole}{fraction}");
        let mut point = whole.len() as i32 + shift;
        if point <= 0 {
            digits.insert_str(0, &"0".repeat((1 - point) as usize));
            point = 1;
        }
        let missing = (point as usize).saturating_sub(digits.len());
        digits.push_str(&"0".repeat(missing));
        let (whole, fraction) = digits.split_at(point as usize);
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        Cow::Owned(match fraction {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        })
    }

    /// The double that is nearest to the number.
    #[inline]
    pub fn to_f64(self) -> f64 {
        // What `new` accepts, `parse` accepts.
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The number without its sign, and whether it was negative.
    #[inline]
    pub fn split_sign(self) -> (Self, bool) {
        match self.0.strip_prefix('-') {
            Some(unsigned) => (Self(unsigned), true),
            None => (self, false),
        }
    }

    /// Whether the number is above zero.
    #[inline]
    pub fn is_positive(self) -> bool {
        let mut mantissa = self
            .0
            .bytes()
            .take_while(|byte| !matches!(byte, b'e' | b'E'));
        !self.0.starts_with('-') && mantissa.any(|byte| (b'1'..=b'9').contains(&byte))
    }
}

fn exponent_fits(exponent: &str) -> bool {
    let shift = exponent.parse::<i32>();
    shift.is_ok_and(|shift| (-MAX_EXPONENT..=MAX_EXPONENT).contains(&shift))
}

/// Mantissa and exponent of a number's text.
fn split(text: &str) -> (&str, Option<&str>) {
    // Byte by byte: this is read for every number of every frame.
    match text.bytes().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    }
}

impl<'a> JsonDecimal<'a> {
    /// The number in its own digits.
    #[inline]
    pub const fn decimal(self) -> Decimal<'a> {
        self.0
    }
}

impl fmt::Display for Decimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_plain_string())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Decimal<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Decimal<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number as text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Decimal<'de>, E> {
                Decimal::new(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonDecimal<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;

        impl<'de> Visitor<'de> for Digits {
            type Value = Decimal<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Decimal<'de>, E> {
                Decimal::new(text).map_err(E::custom)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                json: D,
            ) -> Result<Decimal<'de>, D::Error> {
                let text = <&'de RawValue>::deserialize(json)?.get();
                let text = text
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'))
                    .unwrap_or(text);
                self.visit_borrowed_str(text)
            }
        }

        let digits = deserializer.deserialize_newtype_struct(JSON_DECIMAL, Digits)?;
        Ok(Self(digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_as_written() {
        for text in [
            "42397.2300",
            "0.00000823",
            "-12.5",
            "9007199254740993",
            ".5",
            "5.",
        ] {
            assert_eq!(Decimal::new(text).unwrap().to_string(), text);
        }
        let bare: JsonDecimal<'_> = serde_json::from_str("105944.20").unwrap();
        assert_eq!(bare.decimal().to_string(), "105944.20");
        let quoted: JsonDecimal<'_> = serde_json::from_str("\"105944.20\"").unwrap();
        assert_eq!(quoted.decimal(), bare.decimal());
    }

    #[test]
    fn exponents_are_written_out() {
        for (text, plain) in [
            ("1E-8", "0.00000001"),
            ("1e-08", "0.00000001"),
            ("-1.25e-2", "-0.0125"),
            ("1.25E+3", "1250"),
            ("12.5e1", "125"),
            ("12.50e1", "125.0"),
            ("0.001e5", "100"),
            ("0e0", "0"),
        ] {
            assert_eq!(Decimal::new(text).unwrap().to_string(), plain, "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_number() {
        for text in [
            "", "-", ".", "1.2.3", "NaN", "inf", "1e", "1e99", "0x10", "1,5", " 1", "+1", "--1",
            "1e1e1",
        ] {
            assert!(Decimal::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_what_is_above_zero_is_positive() {
        for (text, positive) in [
            ("0.00", false),
            ("-1", false),
            ("0.001", true),
            ("0e5", false),
        ] {
            assert_eq!(
                Decimal::new(text).unwrap().is_positive(),
                positive,
                "{text}"
            );
        }
        let (size, negative) = Decimal::new("-0.5").unwrap().split_sign();
        assert_eq!((size.as_str(), negative), ("0.5", true));
    }

    proptest::proptest! {
        /// Written out, a number means the same double.
        #[test]
        fn plain_text_means_the_same(value in proptest::num::f64::NORMAL, exponent in -30..30_i32) {
            let value = value.signum() * (1.0 + value.abs().fract()) * 10_f64.powi(exponent);
            let text = format!("{value:e}");
            let decimal = Decimal::new(&text).unwrap();
            proptest::prop_assert_eq!(decimal.to_plain_string().parse::<f64>().unwrap(), value);
            proptest::prop_assert_eq!(decimal.to_f64(), value);
        }
    }
}
