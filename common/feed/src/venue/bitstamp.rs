//! Bitstamp. Protocol: `GET /api/v2/ohlc/PAIR/`, seconds and numbers as text, ascending.

use foretell_core::bar::Bar;
use foretell_core::time::UnixMillis;
use serde::Deserialize;
use serde_json::Value;

use super::{CandleQuery, Venue, VenueError, bar_of_texts};

/// Bitstamp.
#[derive(Debug, Clone, Copy)]
pub struct Bitstamp;

/// Spacings that the venue has, in seconds.
const STEPS_S: [i64; 6] = [60, 180, 300, 900, 1800, 3600];

/// Candles, or a refusal, for which the venue has several forms.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    code: Option<Value>,
    reason: Option<Value>,
    error: Option<Value>,
    errors: Option<Value>,
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
            let said = [answer.code, answer.reason, answer.error, answer.errors];
            let words: Vec<String> = said.iter().flatten().map(Value::to_string).collect();
            return Err(match words.as_slice() {
                [] => malformed("neither candles nor a reason".into()),
                words => VenueError::Refused {
                    venue,
                    why: words.join(" "),
                },
            });
        };
        data.ohlc
            .iter()
            .map(|candle| {
                let open_time = candle
                    .timestamp
                    .parse()
                    .ok()
                    .and_then(|seconds: i64| seconds.checked_mul(1000))
                    .ok_or_else(|| malformed(format!("timestamp {:?}", candle.timestamp)))?;
                let Candle {
                    open,
                    high,
                    low,
                    close,
                    volume,
                    ..
                } = candle;
                let texts = [*open, *high, *low, *close, *volume];
                bar_of_texts(venue, UnixMillis(open_time), texts)
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
    fn no_candles_are_no_refusal() {
        let body = br#"{"data":{"pair":"BTC/USD","ohlc":[]}}"#;
        assert_eq!(Bitstamp.parse_candles(body), Ok(Vec::new()));
    }

    #[test]
    fn a_refusal_is_told_in_the_venues_words() {
        let said = |body: &str| match Bitstamp.parse_candles(body.as_bytes()) {
            Err(VenueError::Refused { why, .. }) => why,
            other => panic!("{body}: {other:?}"),
        };
        assert_eq!(said(r#"{"reason":"Invalid pair"}"#), r#""Invalid pair""#);
        assert_eq!(
            said(r#"{"code":"invalid_step","errors":[{"field":"step"}]}"#),
            r#""invalid_step" [{"field":"step"}]"#
        );
        assert_eq!(
            said(r#"{"status":"error","reason":"Missing step","code":"API0011"}"#),
            r#""API0011" "Missing step""#
        );
        assert_eq!(said(r#"{"data":null,"error":404}"#), "404");
    }

    #[test]
    fn what_is_neither_is_malformed() {
        let candle = |timestamp: &str, close: &str| {
            format!(
                r#"{{"data":{{"ohlc":[{{"timestamp":"{timestamp}","open":"1","high":"1","low":"1","close":"{close}","volume":"1"}}]}}}}"#
            )
        };
        assert!(Bitstamp.parse_candles(candle("60", "1").as_bytes()).is_ok());
        for body in [
            "",
            "<html>",
            "{}",
            "[]",
            r#"{"data":[]}"#,
            r#"{"data":{"ohlc":[{}]}}"#,
            &candle("soon", "1"),
            &candle("9223372036854775807", "1"),
            &candle("60", "cheap"),
            &candle("60", "NaN"),
        ] {
            let parsed = Bitstamp.parse_candles(body.as_bytes());
            assert!(
                matches!(parsed, Err(VenueError::Malformed { .. })),
                "{body}: {parsed:?}"
            );
        }
    }
}
