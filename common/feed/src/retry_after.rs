//! How long a venue asks to be left alone, as its `Retry-After` says it.

use std::time::Duration;

use foretell_core::time::Millis;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// A venue is never left alone for longer than this, whatever it asks: its word may be wrong, and one request in five
/// minutes burdens nobody.
const LONGEST: Duration = Duration::from_secs(300);
/// What asks for more than the longest ban that a venue documents, three days, is a fault, and counts as no word at all.
const LONGEST_CREDIBLE_S: u64 = 3 * 86_400;
/// Longest header that is read: a date has 29 bytes.
const MAX_HEADER_BYTES: usize = 64;

/// How long a venue asks to be left alone: five minutes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// The longest pause that is ever kept.
    pub const MAX: Self = Self(LONGEST);

    /// The pause of `Retry-After`: a number of seconds, or a date, which counts from the answer's own `Date`, so that no
    /// clock of ours matters. `None` where the header is neither, or names more than three days.
    pub fn from_headers(retry_after: Option<&[u8]>, date: Option<&[u8]>) -> Option<Self> {
        let text = header_text(retry_after?)?;
        let seconds = if text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse().ok()?
        } else {
            let wait = http_date(text)?.duration_since(http_date(header_text(date?)?)?);
            // A date that is over asks for no pause.
            u64::try_from(wait.as_secs()).unwrap_or(0)
        };
        (seconds <= LONGEST_CREDIBLE_S).then(|| Self(Duration::from_secs(seconds).min(LONGEST)))
    }

    /// The pause, five minutes at most.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// The pause as a span of the connection's clock.
    pub fn as_millis(self) -> Millis {
        Millis::seconds(i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX / 1000))
    }
}

fn header_text(bytes: &[u8]) -> Option<&str> {
    let short = bytes.len() <= MAX_HEADER_BYTES;
    let text = str::from_utf8(bytes).ok()?.trim();
    (short && !text.is_empty()).then_some(text)
}

/// The instant of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers write since HTTP/1.1.
fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn seconds(retry_after: &str) -> Option<u64> {
        let pause = RetryAfter::from_headers(Some(retry_after.as_bytes()), Some(DATE.as_bytes()));
        pause.map(|pause| pause.get().as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood_and_cut_to_five_minutes() {
        for (text, expected) in [
            ("0", 0),
            (" 17 ", 17),
            ("300", 300),
            ("301", 300),
            ("259200", 300),
            ("Sun, 06 Nov 1994 08:50:07 GMT", 30),
            ("Sun, 06 Nov 1994 09:49:37 GMT", 300),
            ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        let soon = b"Sun, 06 Nov 1994 08:50:07 GMT";
        assert_eq!(RetryAfter::from_headers(Some(soon), None), None, "no Date");
        assert_eq!(RetryAfter::from_headers(None, Some(soon)), None);
        assert_eq!(RetryAfter::MAX.as_millis(), Millis::minutes(5));
    }

    #[test]
    fn an_absurd_word_counts_as_none() {
        for text in [
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775807",
            "99999999999999999999999999999999",
            "31536000",
            "259201",
            "-1",
            "+5",
            "1e9",
            "1.5",
            "",
            "soon",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Mon, 01 Jan 99999 00:00:00 GMT",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(seconds(&"1".repeat(1_000_000)), None);
        assert_eq!(RetryAfter::from_headers(Some(&[0xff, 0xfe]), None), None);
    }

    proptest! {
        #[test]
        fn no_header_panics_or_asks_for_more_than_the_longest(
            retry_after in proptest::collection::vec(any::<u8>(), 0..80),
            number in any::<u64>(),
        ) {
            for header in [retry_after, number.to_string().into_bytes()] {
                let pause = RetryAfter::from_headers(Some(&header), Some(DATE.as_bytes()));
                prop_assert!(pause.is_none_or(|pause| pause <= RetryAfter::MAX));
            }
        }
    }
}
