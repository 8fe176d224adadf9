//! RFC 3339 times, quickly in their usual form.

use foretell_core::time::UnixMillis;

use super::json_fields::{malformed, unix_millis};
use crate::event::FrameError;

/// Longest text that is read: with nine digits of a second and an offset it has 35.
const MAX_BYTES: usize = 64;

/// The instant that an RFC 3339 text names; an error before 1970 and after the year 9999.
pub(super) fn rfc3339(text: &str, what: &'static str) -> Result<UnixMillis, FrameError> {
    if let Some(millis) = utc_millis(text.as_bytes()) {
        return Ok(UnixMillis::saturating(millis));
    }
    if text.len() > MAX_BYTES {
        return Err(malformed(what, format!("time {text:?} is too long")));
    }
    let instant: jiff::Timestamp = text
        .parse()
        .map_err(|error| malformed(what, format!("time {text:?}: {error}")))?;
    unix_millis(instant.as_millisecond(), what)
}

/// Milliseconds since 1970 of the usual form, `2026-01-31T23:59:59.123456Z`, which every trade of three venues has, read
/// eight digits at once. `None` for anything unusual, days after the 28th too, which the library reads or refuses.
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
    // Days since 1970 of the proleptic Gregorian calendar, with years that begin in March so that leap days come last
    // (Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
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
            prop_assert_eq!(rfc3339(&text, "time").unwrap().get(), library.as_millisecond(), "{}", text);
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
            rfc3339("2026-01-01T01:00:00+01:00", "time").unwrap().get(),
            1_767_225_600_000
        );
        for text in [
            "2026-02-29T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "-009999-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            &"2".repeat(1_000_000),
        ] {
            assert!(rfc3339(text, "time").is_err());
        }
        assert_eq!(utc_millis(b"2026-01-01T00:00:00Z"), Some(1_767_225_600_000));
        assert_eq!(
            utc_millis(b"2000-02-28T23:59:59.9999Z"),
            Some(951_782_399_999)
        );
    }
}
