//! Reading JSON with errors that say which message was wrong, and the ways in which venues write time.

use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use serde_json::error::Category;

use smallvec::SmallVec;

use super::{CandleQuery, VenueError};
use crate::decimal::{Decimal, Numeral};
use crate::event::{Candle, FrameError, Trade};

/// `text` as a `T`; `what` names the message in errors.
pub(super) fn read<'a, T: Deserialize<'a>>(
    text: &'a str,
    what: &'static str,
) -> Result<T, FrameError> {
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
    let instant: jiff::Timestamp = text
        .parse()
        .map_err(|error| malformed(what, format!("time {text:?}: {error}")))?;
    Ok(UnixMillis(instant.as_millisecond()))
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
