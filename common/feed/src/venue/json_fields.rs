//! Reading JSON with errors that say which message was wrong, and the ways in which venues write time.

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde_json::error::Category;

use smallvec::SmallVec;

use super::{CandleQuery, VenueError};
use crate::event::{FrameError, RawCandle, Trade};
use foretell_kernels::decimal::{Decimal, JsonDecimal};
use foretell_kernels::json_fast;

/// `text` as a `T`; `what` names the message in errors.
pub(super) fn read<'a, T: Deserialize<'a>>(
    text: &'a str,
    what: &'static str,
) -> Result<T, FrameError> {
    json_fast::read(text).map_or_else(|| read_with_serde_json(text, what), Ok)
}

fn read_with_serde_json<'a, T: Deserialize<'a>>(
    text: &'a str,
    what: &'static str,
) -> Result<T, FrameError> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => malformed(what, error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => FrameError::NotJson(error.to_string()),
    })
}

/// An answer as a `T`.
pub(super) fn parse_response<'a, T: Deserialize<'a>>(
    venue: &'static str,
    body: &'a str,
) -> Result<T, VenueError> {
    serde_json::from_str(body).map_err(|error| VenueError::Malformed {
        venue,
        why: error.to_string(),
    })
}

/// A message of a kind that we know, with something in it that can't be.
pub(super) fn malformed(what: &'static str, why: impl Into<String>) -> FrameError {
    FrameError::Malformed {
        what,
        why: why.into(),
    }
}

/// The trade, if price and size are above zero.
#[inline]
pub(super) fn validate_trade(trade: Trade<'_>) -> Result<Trade<'_>, FrameError> {
    for (name, number) in [("price", trade.price), ("size", trade.size)] {
        if !number.is_positive() {
            return Err(malformed(
                "trade",
                format!("{name} {number} is not above 0"),
            ));
        }
    }
    Ok(trade)
}

/// The candle, if its prices are above zero and its volume isn't below.
pub(super) fn validate_candle(candle: RawCandle<'_>) -> Result<RawCandle<'_>, FrameError> {
    let prices = [
        ("open", candle.open),
        ("high", candle.high),
        ("low", candle.low),
        ("close", candle.close),
    ];
    for (name, number) in prices {
        if !number.is_positive() {
            return Err(malformed(
                "candle",
                format!("{name} {number} is not above 0"),
            ));
        }
    }
    if candle.volume.split_sign().1 {
        let volume = candle.volume;
        return Err(malformed("candle", format!("volume {volume} is below 0")));
    }
    Ok(candle)
}

/// The instant that an RFC 3339 text names.
pub(super) fn rfc3339(text: &str, what: &'static str) -> Result<UnixMillis, FrameError> {
    if let Some(millis) = utc_millis(text.as_bytes()) {
        return Ok(UnixMillis(millis));
    }
    let instant: jiff::Timestamp = text
        .parse()
        .map_err(|error| malformed(what, format!("time {text:?}: {error}")))?;
    Ok(UnixMillis(instant.as_millisecond()))
}

/// The usual form of an RFC 3339 text, `2026-01-31T23:59:59.123456Z`, read without ado: every trade of three venues has
/// one. `None` for anything unusual, which the library reads or refuses.
fn utc_millis(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.strip_suffix(b"Z")?.split_first_chunk()?;
    let (clock, rest) = rest.split_first_chunk()?;
    let (seconds, fraction) = rest.split_first_chunk::<3>()?;
    let [b':', tens, ones] = seconds else {
        return None;
    };
    let date = EightDigits::of(date, b"0000-00-")?;
    let clock = EightDigits::of(clock, b"00T00:00")?;
    let digit = |digit: u8| Some(u32::from(digit.wrapping_sub(b'0'))).filter(|digit| *digit < 10);
    let second = 10 * digit(*tens)? + digit(*ones)?;
    let (year, month) = (100 * date.pair(0) + date.pair(2), date.pair(5));
    let (day, hour, minute) = (clock.pair(0), clock.pair(3), clock.pair(6));
    let usual = (1970..=9000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let millis = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            let mut millis = 0;
            for place in 0..digits.len().max(3) {
                let value = digits.get(place).map_or(Some(0), |value| digit(*value))?;
                if place < 3 {
                    millis = 10 * millis + value;
                }
            }
            millis
        }
        _ => return None,
    };
    if !usual {
        return None;
    }
    // Days since 1970, with years that begin in March: leap days come last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let seconds = (hour * 60 + minute) * 60 + second;
    Some(i64::from(days) * 86_400_000 + i64::from(seconds) * 1000 + i64::from(millis))
}

/// Eight characters as digits in one word, the first lowest; what isn't a digit counts 0.
#[derive(Clone, Copy)]
struct EightDigits(u64);

impl EightDigits {
    /// The digits of a text that has digits where the form has `0`, and the form's own characters elsewhere.
    fn of(text: &[u8; 8], form: &[u8; 8]) -> Option<Self> {
        const EACH: u64 = 0x0101_0101_0101_0101;
        // A character of the form leaves 0, a digit its value.
        let values = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*form);
        let digits = form.map(|character| if character == b'0' { 9 } else { 0 });
        let room = u64::from_le_bytes(digits) + 0x80 * EACH;
        // No byte of the values is above what it has room for: otherwise a high bit is borrowed, or was set before.
        let fits = values & (0x80 * EACH) == 0 && (room - values) & (0x80 * EACH) == 0x80 * EACH;
        fits.then_some(Self(values))
    }

    /// The number of two digits that begins at this place.
    const fn pair(self, place: u32) -> u32 {
        let pairs = self.0 * 10 + (self.0 >> 8);
        (pairs >> (8 * place)) as u32 & 0xff
    }
}

/// A whole number as text.
pub(super) fn parse_integer(text: &str, what: &'static str) -> Result<i64, FrameError> {
    text.parse()
        .map_err(|_| malformed(what, format!("{text:?} is not a whole number")))
}

/// The instant so many seconds after 1970, if there is one.
pub(super) fn seconds(seconds: i64, what: &'static str) -> Result<UnixMillis, FrameError> {
    let millis = seconds.checked_mul(1000);
    millis
        .map(UnixMillis)
        .ok_or_else(|| malformed(what, format!("time {seconds} s")))
}

/// The error of a REST answer for a frame's.
pub(super) fn to_venue_error(venue: &'static str) -> impl Fn(FrameError) -> VenueError {
    move |error| VenueError::Malformed {
        venue,
        why: error.to_string(),
    }
}

/// The word for a query's spacing among `steps`.
pub(super) fn step_name(
    venue: &'static str,
    query: &CandleQuery<'_>,
    steps: &[(Millis, &'static str)],
) -> Result<&'static str, VenueError> {
    let known = steps.iter().find(|(step, _)| *step == query.step);
    known.map(|(_, word)| *word).ok_or(VenueError::Step {
        venue,
        step: query.step,
    })
}

/// The spacing that a word of `steps` stands for.
pub(super) fn step_from_name(word: &str, steps: &[(Millis, &'static str)]) -> Option<Millis> {
    let known = steps.iter().find(|(_, known)| *known == word);
    known.map(|(step, _)| *step)
}

/// A row of numbers, bare or as text, of which venues may append more at any time.
pub(super) type Row<'a> = SmallVec<[JsonDecimal<'a>; 12]>;

/// The numbers at these places of a row.
pub(super) fn columns<'a, const N: usize>(
    row: &[JsonDecimal<'a>],
    places: [usize; N],
    what: &'static str,
) -> Result<[Decimal<'a>; N], FrameError> {
    let mut found = [Decimal::ZERO; N];
    for (number, place) in found.iter_mut().zip(places) {
        let given = row.get(place).ok_or_else(|| {
            let (given, needed) = (row.len(), place + 1);
            malformed(
                what,
                format!("{given} columns instead of at least {needed}"),
            )
        })?;
        *number = given.decimal();
    }
    Ok(found)
}

/// The whole number in the first column.
pub(super) fn first_integer(
    row: &[JsonDecimal<'_>],
    what: &'static str,
) -> Result<i64, FrameError> {
    let [number] = columns(row, [0], what)?;
    parse_integer(number.as_str(), what)
}

/// Five numbers of a candle in this order.
pub(super) type Ohlcv<'a> = [Decimal<'a>; 5];

/// The candle of these numbers, of a market and spacing that aren't named.
pub(super) fn candle<'a>(
    open_time: UnixMillis,
    [open, high, low, close, volume]: Ohlcv<'a>,
    closed: Option<bool>,
) -> RawCandle<'a> {
    RawCandle {
        market: None,
        category: None,
        open_time,
        step: None,
        open,
        high,
        low,
        close,
        volume,
        closed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_usual_form_of_a_time_is_read_as_the_library_does(millis in 0..7_000_000_000_000_i64, digits in 0_usize..=9) {
            let instant = jiff::Timestamp::from_millisecond(millis).unwrap();
            let text = format!("{instant:.digits$}");
            let library: jiff::Timestamp = text.parse().unwrap();
            prop_assert_eq!(rfc3339(&text, "time").unwrap().0, library.as_millisecond(), "{}", text);
            if let Some(read) = utc_millis(text.as_bytes()) {
                prop_assert_eq!(read, library.as_millisecond(), "{}", text);
            }
        }
    }

    #[test]
    fn an_unusual_time_is_left_to_the_library() {
        for text in [
            "2026-01-01T00:00:00+01:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "x",
        ] {
            assert_eq!(utc_millis(text.as_bytes()), None, "{text}");
        }
        assert_eq!(
            rfc3339("2026-01-01T01:00:00+01:00", "time").unwrap().0,
            1_767_225_600_000
        );
        assert!(rfc3339("2026-02-29T00:00:00Z", "time").is_err());
        assert_eq!(utc_millis(b"2026-01-01T00:00:00Z"), Some(1_767_225_600_000));
        assert_eq!(
            utc_millis(b"2000-02-28T23:59:59.9999Z"),
            Some(951_782_399_999)
        );
    }
}
