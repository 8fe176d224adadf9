//! Instants and spans as people write them; inside, everything is milliseconds.

use foretell_core::time::{Millis, UnixMillis};
use jiff::{SignedDuration, Timestamp};

/// Reads an instant: RFC 3339 (`2024-01-31T08:00:00Z`) or unix milliseconds; a date alone is its midnight in UTC. A number
/// in another unit, such as seconds, is refused.
pub fn parse_time(text: &str) -> Result<UnixMillis, String> {
    if let Ok(number) = text.parse() {
        return UnixMillis::from_outside(number)
            .map_err(|error| format!("found {number}, {error}"));
    }
    let instant = text.parse::<Timestamp>();
    instant
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .map(|instant| UnixMillis::saturating(instant.as_millisecond()))
        .map_err(|_| {
            "expected RFC 3339 such as 2024-01-31T08:00:00Z, a date such as 2024-01-31, or unix milliseconds".into()
        })
}

/// Longest span, about a hundred years: sums of a few of them and an instant are instants.
const MAX_SPAN: Millis = Millis::days(36_525);

/// Reads a positive span such as `30m`, `1h` or `90s`.
pub fn parse_duration(text: &str) -> Result<Millis, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|span| i64::try_from(span.as_millis()).ok())
        .filter(|millis| (1..=MAX_SPAN.get()).contains(millis))
        .map(Millis::saturating)
        .ok_or_else(|| {
            "expected a span such as 30m or 1h, of a millisecond to a hundred years".into()
        })
}

/// The instant in RFC 3339, cut to the second.
pub fn format_time(instant: UnixMillis) -> String {
    Timestamp::from_millisecond(instant.get()).map_or_else(
        |_| format!("{instant} ms"),
        |timestamp| timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// The span as text such as `8h 20m`.
pub fn format_duration(span: Millis) -> String {
    format!("{:#}", SignedDuration::from_millis(span.get()))
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;

    use super::*;

    #[test]
    fn every_form_of_an_instant_reads_as_the_same() {
        assert_eq!(parse_time("2024-01-01T00:00:00Z"), Ok(MONDAY));
        assert_eq!(parse_time("1704067200000"), Ok(MONDAY));
        assert_eq!(parse_time("2024-01-01"), Ok(MONDAY));
        assert_eq!(format_time(MONDAY), "2024-01-01T00:00:00Z");
        for invalid in ["yesterday", "2024-02-30", "2024-01-01T08:00", "2024-01"] {
            assert!(
                parse_time(invalid).unwrap_err().contains("RFC 3339"),
                "{invalid}"
            );
        }
    }

    #[test]
    fn numbers_in_other_units_are_refused_in_words() {
        for (number, word) in [
            ("1704067200", "looks like seconds"),
            ("1704067200000000", "looks like microseconds"),
            ("0", "early in 1970"),
        ] {
            let error = parse_time(number).unwrap_err();
            assert!(error.contains(word) && error.contains(number), "{error}");
        }
        // Said in words, any year is what it is.
        assert!(parse_time("1970-01-01").is_ok());
        assert!(
            parse_time("99999999999999999999")
                .unwrap_err()
                .contains("RFC 3339")
        );
    }

    /// Whole, as people read them behind the name of the flag.
    #[test]
    fn messages_say_what_to_write() {
        let time = "expected RFC 3339 such as 2024-01-31T08:00:00Z, a date such as 2024-01-31, or unix milliseconds";
        let span = "expected a span such as 30m or 1h, of a millisecond to a hundred years";
        let seconds = "found 1704067200, which looks like seconds; write unix milliseconds such as 1704067200000";
        let nanos = "found 1704067200000000000, which looks like nanoseconds; write unix milliseconds such as 1704067200000";
        let date = "found 20240101, which looks like a date; write unix milliseconds such as 1704067200000";
        for (text, message) in [
            ("", time),
            ("tomorrow", time),
            ("2024-13-01", time),
            ("2024-01-01 08:00", time),
            ("1704067200.5", time),
            ("1704067200", seconds),
            ("1704067200000000000", nanos),
            ("20240101", date),
        ] {
            assert_eq!(parse_time(text), Err(message.to_owned()), "{text:?}");
        }
        for text in [
            "",
            "30",
            "0m",
            "-5m",
            "half an hour",
            "999999999999999999999h",
        ] {
            assert_eq!(parse_duration(text), Err(span.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn spans_read_and_write() {
        assert_eq!(parse_duration("30m"), Ok(Millis::minutes(30)));
        assert_eq!(parse_duration("1h30m"), Ok(Millis::minutes(90)));
        assert!(parse_duration("0s").is_err());
        assert!(parse_duration("-1h").is_err());
        assert!(parse_duration("876600h").is_ok());
        assert!(parse_duration("876601h").is_err());
        assert!(parse_duration("9000000000000000h").is_err());
        assert!(parse_duration("30").unwrap_err().contains("30m"));
        assert_eq!(format_duration(Millis::minutes(500)), "8h 20m");
    }
}
