//! Instants and spans as people write them; inside, everything is milliseconds.

use foretell_core::time::{Millis, UnixMillis};
use jiff::{SignedDuration, Timestamp};

/// Reads an instant: RFC 3339 (`2024-01-31T08:00:00Z`) or unix milliseconds; a date alone is its midnight in UTC.
pub fn parse_time(text: &str) -> Result<UnixMillis, String> {
    if let Ok(millis) = text.parse::<i64>() {
        return UnixMillis::try_from(millis).map_err(|error| error.to_string());
    }
    let instant = text.parse::<Timestamp>();
    instant
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .map(|instant| UnixMillis::saturating(instant.as_millisecond()))
        .map_err(|_| {
            "expected RFC 3339 such as 2024-01-31T08:00:00Z, a date such as 2024-01-31, or unix milliseconds".into()
        })
}

/// Reads a positive span such as `30m`, `1h` or `90s`.
pub fn parse_duration(text: &str) -> Result<Millis, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|span| i64::try_from(span.as_millis()).ok())
        .and_then(|millis| Millis::try_from(millis).ok())
        .filter(|span| *span > Millis::ZERO)
        .ok_or_else(|| "expected a positive span such as 30m or 1h".into())
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
    fn spans_read_and_write() {
        assert_eq!(parse_duration("30m"), Ok(Millis::minutes(30)));
        assert_eq!(parse_duration("1h30m"), Ok(Millis::minutes(90)));
        assert!(parse_duration("0s").is_err());
        assert!(parse_duration("-1h").is_err());
        assert_eq!(format_duration(Millis::minutes(500)), "8h 20m");
    }
}
