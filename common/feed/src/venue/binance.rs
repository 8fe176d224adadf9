//! Binance spot, market-data host. Protocol: `GET /api/v3/klines`, 12-column arrays, ascending.

use foretell_core::bar::Bar;
use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;

use super::{CandleQuery, Venue, VenueError, bar_of_texts};

/// Binance.
#[derive(Debug, Clone, Copy)]
pub struct Binance;

/// Open time, open, high, low, close, volume, close time, and five columns that we don't read.
type Kline<'a> = (
    i64,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    i64,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
);

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    msg: String,
}

impl Venue for Binance {
    fn name(&self) -> &'static str {
        "binance"
    }

    fn default_host(&self) -> &'static str {
        "https://data-api.binance.vision"
    }

    fn page(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let interval = interval(query.step).ok_or(VenueError::Step {
            venue: self.name(),
            step: query.step,
        })?;
        let (symbol, from, last) = (query.symbol, query.from, query.to - Millis(1));
        let limit = self.page();
        Ok(format!(
            "/api/v3/klines?symbol={symbol}&interval={interval}&startTime={from}&endTime={last}&limit={limit}"
        ))
    }

    fn parse_candles(&self, body: &[u8]) -> Result<Vec<Bar>, VenueError> {
        let venue = self.name();
        if let Ok(Refusal { code, msg }) = serde_json::from_slice(body) {
            let why = format!("{msg} ({code})");
            return Err(VenueError::Refused { venue, why });
        }
        let klines: Vec<Kline<'_>> =
            serde_json::from_slice(body).map_err(|error| VenueError::Malformed {
                venue,
                why: error.to_string(),
            })?;
        klines
            .iter()
            .map(|k| bar_of_texts(venue, UnixMillis(k.0), [k.1, k.2, k.3, k.4, k.5]))
            .collect()
    }
}

fn interval(step: Millis) -> Option<&'static str> {
    const MINUTE: i64 = 60_000;
    match step.0 {
        MINUTE => Some("1m"),
        300_000 => Some("5m"),
        900_000 => Some("15m"),
        1_800_000 => Some("30m"),
        3_600_000 => Some("1h"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kline_is_a_bar() {
        let body = br#"[[1704067200000,"42283.58","42397.23","42261.02","42397.23","155.25731",1704067499999,"1","2","3","4","0"]]"#;
        let bars = Binance.parse_candles(body).unwrap();
        assert_eq!(bars.len(), 1);
        assert_eq!(bars[0].open_time, UnixMillis(1_704_067_200_000));
        assert_eq!(bars[0].close.to_string(), "42397.23");
    }

    /// Candles of a recorded answer, or `None`, said loudly, without the recordings.
    fn recorded(name: &str) -> Option<Vec<Bar>> {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/feeds/binance/"
        );
        let path = format!("{path}{name}");
        match std::fs::read(&path) {
            Ok(body) => Some(Binance.parse_candles(&body).unwrap()),
            Err(error) => {
                eprintln!("SKIPPED, NOT TESTED: no recorded answer of binance at {path}: {error}");
                None
            }
        }
    }

    fn texts(bar: &Bar) -> [String; 5] {
        let Bar {
            open,
            high,
            low,
            close,
            volume,
            ..
        } = bar;
        [open, high, low, close]
            .map(ToString::to_string)
            .into_iter()
            .chain([volume.to_string()])
            .collect::<Vec<_>>()
            .try_into()
            .unwrap()
    }

    #[test]
    fn recorded_minutes_are_read() {
        let Some(bars) = recorded("nautilus_http_spot_market_klines.json") else {
            return;
        };
        let [first, .., last] = bars.as_slice() else {
            panic!("{} bars", bars.len());
        };
        assert_eq!(bars.len(), 10);
        assert_eq!(first.open_time, UnixMillis(1_634_943_780_000));
        let expected = ["60685.22", "60729.84", "60670.9", "60719.27", "21.63272"];
        assert_eq!(texts(first), expected);
        assert_eq!(last.open_time, UnixMillis(1_634_944_320_000));
        let expected = ["60739.85", "60739.85", "60739.85", "60739.85", "0.04734"];
        assert_eq!(texts(last), expected);
        let minute = Millis::minutes(1);
        assert!(bars.is_sorted_by(|a, b| a.open_time + minute == b.open_time));
    }

    #[test]
    fn the_recorded_week_of_the_documentation_is_read() {
        let Some(bars) = recorded("nautilus_http_klines_response.json") else {
            return;
        };
        assert_eq!(bars.len(), 1);
        assert_eq!(bars[0].open_time, UnixMillis(1_499_040_000_000));
        let expected = [
            "0.0163479",
            "0.8",
            "0.015758",
            "0.015771",
            "148976.11427815",
        ];
        assert_eq!(texts(&bars[0]), expected);
    }

    #[test]
    fn a_refusal_is_told_in_the_venues_words() {
        let error = Binance
            .parse_candles(br#"{"code":-1121,"msg":"Invalid symbol."}"#)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "binance refused: Invalid symbol. (-1121)"
        );
        assert!(matches!(
            Binance.parse_candles(b"<html>"),
            Err(VenueError::Malformed { .. })
        ));
    }
}
