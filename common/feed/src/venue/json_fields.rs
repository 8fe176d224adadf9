//! Reading JSON of frames and answers, with errors that name the message or the venue, and the numbers in them that have a
//! range: instants and counts.

use foretell_core::time::UnixMillis;
use foretell_kernels::decimal::{Decimal, JsonDecimal};
use foretell_kernels::json_fast;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;
use smallvec::SmallVec;

use super::error::VenueError;
use crate::event::FrameError;
use crate::venue_text::quoted_cow;

/// No trade or candle of a venue is of an instant beyond 9999-12-31T23:59:59.999Z, in milliseconds since 1970.
const LAST_INSTANT: i64 = 253_402_300_799_999;
/// Longest text that is read as a whole number: that of the least one has 20 characters.
const MAX_INTEGER_BYTES: usize = 24;

/// `text` as a `T`; `what` names the message in errors.
pub(super) fn read_json<'a, T: Deserialize<'a>>(
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
        Category::Syntax | Category::Eof | Category::Io => {
            FrameError::NotJson(quoted_cow(error.to_string()).into_owned())
        }
    })
}

/// As [`read_json`], of a message that has to be an object: arrays could pass for one, field by field.
pub(super) fn read_object<'a, T: Deserialize<'a>>(
    text: &'a str,
    what: &'static str,
) -> Result<T, FrameError> {
    if text.trim_start().starts_with('[') {
        let _: IgnoredAny = read_json(text, what)?;
        return Err(malformed(what, "an array where an object is due"));
    }
    read_json(text, what)
}

/// Whether a text begins as an array of arrays, or of anything but objects, as many venues' candles do.
pub(super) fn is_rows(text: &str) -> bool {
    let inner = text.trim_start().strip_prefix('[').map(str::trim_start);
    inner.is_some_and(|inner| !inner.starts_with(['{', ']']))
}

/// Whether a text begins as an array of arrays.
pub(super) fn is_array_of_arrays(text: &str) -> bool {
    let inner = text.trim_start().strip_prefix('[').map(str::trim_start);
    inner.is_some_and(|inner| inner.starts_with('['))
}

/// The body of a REST answer as a `T`.
pub(super) fn parse_response<'a, T: Deserialize<'a>>(
    venue: &'static str,
    body: &'a str,
) -> Result<T, VenueError> {
    serde_json::from_str(body).map_err(|error| VenueError::malformed(venue, error.to_string()))
}

/// The error of a known kind of message, `what`, with an impossible field.
pub(super) fn malformed(what: &'static str, why: impl Into<String>) -> FrameError {
    FrameError::Malformed {
        what,
        why: quoted_cow(why.into()).into_owned(),
    }
}

/// The whole number that a text writes.
pub(super) fn parse_integer(text: &str, what: &'static str) -> Result<i64, FrameError> {
    let number = (text.len() <= MAX_INTEGER_BYTES).then(|| text.parse().ok());
    number
        .flatten()
        .ok_or_else(|| malformed(what, format!("{text:?} is not a whole number")))
}

/// The whole number, not below zero, that a text writes.
pub(super) fn parse_count(text: &str, what: &'static str) -> Result<u64, FrameError> {
    let number = (text.len() <= MAX_INTEGER_BYTES).then(|| text.parse().ok());
    number
        .flatten()
        .ok_or_else(|| malformed(what, format!("{text:?} is not a whole number above 0")))
}

/// The instant this many milliseconds after 1970; an error before that year and after the year 9999.
pub(super) fn unix_millis(millis: i64, what: &'static str) -> Result<UnixMillis, FrameError> {
    if (0..=LAST_INSTANT).contains(&millis) {
        return Ok(UnixMillis::saturating(millis));
    }
    let why = format!("time {millis} ms is not within the years 1970 to 9999");
    Err(malformed(what, why))
}

/// As [`unix_millis`], of seconds.
pub(super) fn unix_seconds(seconds: i64, what: &'static str) -> Result<UnixMillis, FrameError> {
    unix_millis(seconds.saturating_mul(1000), what)
}

/// Turns the error of a row or field into that of the venue's whole answer.
pub(super) fn to_venue_error(venue: &'static str) -> impl Fn(FrameError) -> VenueError {
    move |error| VenueError::malformed(venue, error.to_string())
}

/// A row of numbers, bare or as text, of which venues may append more at any time.
pub(super) type Row<'a> = SmallVec<[JsonDecimal<'a>; 12]>;

/// The numbers at these places of a row.
pub(super) fn columns<'a, const N: usize>(
    row: &[JsonDecimal<'a>],
    places: [usize; N],
    what: &'static str,
) -> Result<[Decimal<'a>; N], FrameError> {
    let mut numbers = [Decimal::ZERO; N];
    for (number, place) in numbers.iter_mut().zip(places) {
        let given = row.get(place).ok_or_else(|| {
            let (given, needed) = (row.len(), place + 1);
            malformed(
                what,
                format!("{given} columns instead of at least {needed}"),
            )
        })?;
        *number = given.decimal();
    }
    Ok(numbers)
}

/// The whole number in the first column.
pub(super) fn first_integer(
    row: &[JsonDecimal<'_>],
    what: &'static str,
) -> Result<i64, FrameError> {
    let [number] = columns(row, [0], what)?;
    parse_integer(number.as_str(), what)
}

/// The instant in milliseconds in the first column.
pub(super) fn first_instant(
    row: &[JsonDecimal<'_>],
    what: &'static str,
) -> Result<UnixMillis, FrameError> {
    unix_millis(first_integer(row, what)?, what)
}
