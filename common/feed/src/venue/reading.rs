//! Reading JSON with errors that say which message was wrong, and the ways in which venues write time.

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde_json::error::Category;

use smallvec::SmallVec;

use super::{CandleQuery, VenueError, plain};
use crate::decimal::{Decimal, Numeral};
use crate::event::{Candle, FrameError, Trade};

/// `text` as a `T`; `what` names the message in errors.
pub(super) fn read<'a, T: Deserialize<'a>>(
    text: &'a str,
    what: &'static str,
) -> Result<T, FrameError> {
    plain::read(text).map_or_else(|| read_slowly(text, what), Ok)
}

fn read_slowly<'a, T: Deserialize<'a>>(text: &'a str, what: &'static str) -> Result<T, FrameError> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => malformed(what, error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => FrameError::NotJson(error.to_string()),
    })
}

/// An answer as a `T`.
pub(super) fn answer<'a, T: Deserialize<'a>>(
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
pub(super) fn checked(trade: Trade<'_>) -> Result<Trade<'_>, FrameError> {
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
pub(super) fn checked_candle(candle: Candle<'_>) -> Result<Candle<'_>, FrameError> {
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
    if candle.volume.unsigned().1 {
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
    let (whole, fraction) = text.strip_suffix(b"Z")?.split_first_chunk::<19>()?;
    let digits = match fraction {
        [] => fraction,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    let mut usual = digits.iter().all(u8::is_ascii_digit);
    for (place, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        usual &= whole[place] == mark;
    }
    let mut two = |place: usize| {
        let [tens, ones] = [whole[place], whole[place + 1]].map(|digit| digit.wrapping_sub(b'0'));
        usual &= tens < 10 && ones < 10;
        10 * u32::from(tens) + u32::from(ones)
    };
    let year = 100 * two(0) + two(2);
    let (month, day, hour, minute, second) = (two(5), two(8), two(11), two(14), two(17));
    usual &= (1970..=9000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !usual {
        return None;
    }
    let digits = match digits {
        [] => [b'0', b'0', b'0'],
        [tenths] => [*tenths, b'0', b'0'],
        [tenths, hundredths] => [*tenths, *hundredths, b'0'],
        [tenths, hundredths, thousandths, ..] => [*tenths, *hundredths, *thousandths],
    };
    let [tenths, hundredths, thousandths] = digits.map(|digit| u32::from(digit - b'0'));
    let millis = 100 * tenths + 10 * hundredths + thousandths;
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

/// A whole number as text.
pub(super) fn whole(text: &str, what: &'static str) -> Result<i64, FrameError> {
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
pub(super) fn in_answer(venue: &'static str) -> impl Fn(FrameError) -> VenueError {
    move |error| VenueError::Malformed {
        venue,
        why: error.to_string(),
    }
}

/// The word for a query's spacing among `steps`.
pub(super) fn step_word(
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
pub(super) fn step_of(word: &str, steps: &[(Millis, &'static str)]) -> Option<Millis> {
    let known = steps.iter().find(|(_, known)| *known == word);
    known.map(|(step, _)| *step)
}

/// A row of numbers, bare or as text, of which venues may append more at any time.
pub(super) type Row<'a> = SmallVec<[Numeral<'a>; 12]>;

/// The numbers at these places of a row.
pub(super) fn columns<'a, const N: usize>(
    row: &[Numeral<'a>],
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
pub(super) fn first(row: &[Numeral<'_>], what: &'static str) -> Result<i64, FrameError> {
    let [number] = columns(row, [0], what)?;
    whole(number.as_written(), what)
}

/// Five numbers of a candle in this order.
pub(super) type Ohlcv<'a> = [Decimal<'a>; 5];

/// The candle of these numbers, of a market and spacing that aren't named.
pub(super) fn candle<'a>(
    open_time: UnixMillis,
    [open, high, low, close, volume]: Ohlcv<'a>,
    closed: Option<bool>,
) -> Candle<'a> {
    Candle {
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
