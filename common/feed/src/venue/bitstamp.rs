//! Bitstamp. Protocol: `GET /api/v2/ohlc/PAIR/`, seconds and numbers as text, ascending.

use foretell_core::bar::Bar;
use foretell_core::time::UnixMillis;
use serde::Deserialize;

use super::{CandleQuery, Venue, VenueError, bar_of_texts};

/// Bitstamp.
#[derive(Debug, Clone, Copy)]
pub struct Bitstamp;

/// Spacings that the venue has, in seconds.
const STEPS_S: [i64; 6] = [60, 180, 300, 900, 1800, 3600];

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    #[serde(default, alias = "error", alias = "errors", alias = "reason")]
    code: serde_json::Value,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    ohlc: Vec<Candle<'a>>,
}

#[derive(Deserialize)]
struct Candle<'a> {
    timestamp: &'a str,
    open: &'a str,
    high: &'a str,
    low: &'a str,
    close: &'a str,
    volume: &'a str,
}

impl Venue for Bitstamp {
    fn name(&self) -> &'static str {
        "bitstamp"
    }

    fn default_host(&self) -> &'static str {
        "https://www.bitstamp.net"
    }

    fn page(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        let step = query.step.0 / 1000;
        if !STEPS_S.contains(&step) {
            return Err(VenueError::Step {
                venue: self.name(),
                step: query.step,
            });
        }
        let (symbol, limit) = (query.symbol, self.page());
        // Only `start`: with both ends given, the venue may answer the newest page of the range.
        let start = query.from.0 / 1000;
        Ok(format!(
            "/api/v2/ohlc/{symbol}/?step={step}&limit={limit}&start={start}&exclude_current_candle=true"
        ))
    }

    fn parse_candles(&self, body: &[u8]) -> Result<Vec<Bar>, VenueError> {
        let venue = self.name();
        let malformed = |why: String| VenueError::Malformed { venue, why };
        let answer: Answer<'_> =
            serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        let Some(data) = answer.data else {
            let why = answer.code.to_string();
            return Err(VenueError::Refused { venue, why });
        };
        data.ohlc
            .iter()
            .map(|candle| {
                let seconds: i64 = candle
                    .timestamp
                    .parse()
                    .map_err(|_| malformed(format!("timestamp {:?}", candle.timestamp)))?;
                let Candle {
                    open,
                    high,
                    low,
                    close,
                    volume,
                    ..
                } = candle;
                let texts = [*open, *high, *low, *close, *volume];
                bar_of_texts(venue, UnixMillis(seconds * 1000), texts)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candle_is_a_bar() {
        let body = br#"{"data":{"pair":"BTC/USD","ohlc":[{"timestamp":"1704067200","open":"42270","high":"42390","low":"42250","close":"42380","volume":"3.1"}]}}"#;
        let bars = Bitstamp.parse_candles(body).unwrap();
        assert_eq!(bars[0].open_time, UnixMillis(1_704_067_200_000));
        assert_eq!(bars[0].close.to_string(), "42380");
    }

    #[test]
    fn a_refusal_is_told_in_the_venues_words() {
        let body = br#"{"code":"invalid_step","errors":[]}"#;
        assert!(Bitstamp.parse_candles(body).is_err());
        let body = br#"{"reason":"Invalid pair"}"#;
        let error = Bitstamp.parse_candles(body).unwrap_err();
        assert!(error.to_string().contains("Invalid pair"), "{error}");
    }
}
