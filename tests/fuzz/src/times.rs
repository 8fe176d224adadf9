//! Instants and spans as people write them.

use foretell_cli::time_text::{format_duration, format_time, parse_duration, parse_time};

/// An instant can be written, and its milliseconds are the same instant, or are refused: those of other centuries look like
/// another unit's.
pub fn instants(bytes: &[u8]) {
    let Some(Ok(instant)) = crate::text(bytes).map(parse_time) else {
        return;
    };
    if let Ok(same) = parse_time(&instant.to_string()) {
        assert_eq!(same, instant);
    }
    assert!(format_time(instant).len() < 64);
}

/// A span is positive, and the same span once it is written again.
pub fn spans(bytes: &[u8]) {
    let Some(Ok(span)) = crate::text(bytes).map(parse_duration) else {
        return;
    };
    assert!(span.get() > 0);
    let printed = format_duration(span);
    assert_eq!(parse_duration(&printed), Ok(span), "{printed}");
}
