//! Answers of a venue's REST interface: pages of candles.

use foretell_feed::retry_after::RetryAfter;
use foretell_feed::venue::{self, CandlePage, CandleSource, ReplaySource};

macro_rules! venues {
    ($($name:ident $venue:ident),*) => {$(
        /// An answer of this venue.
        pub fn $name(bytes: &[u8]) {
            read_candles(&venue::$venue, bytes);
        }
    )*};
}

venues! {
    binance Binance, binance_us BinanceUs, bitfinex Bitfinex, bitstamp Bitstamp, bybit Bybit,
    coinbase_advanced CoinbaseAdvanced, coinbase_exchange CoinbaseExchange, gemini Gemini, kraken Kraken, okx Okx
}

/// A page of the replay venue, which our own server writes: it reads the same once it is written again.
pub fn replay(bytes: &[u8]) {
    read_candles(&ReplaySource, bytes);
    if let Ok(candles) = ReplaySource.parse_candles(bytes) {
        let page = CandlePage {
            candles: candles.iter().map(|candle| candle.bar).collect(),
        };
        let printed = serde_json::to_vec(&page).expect("finite numbers are JSON");
        let again = ReplaySource.parse_candles(&printed);
        assert_eq!(again.expect("our own page is one"), candles);
    }
}

/// `Retry-After`, and the `Date` that one with a date counts from: a line each. Nobody is left alone for longer than is kept.
pub fn retry_after(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let (asked, date) = (lines.next(), lines.next());
    if let Some(pause) = RetryAfter::from_headers(asked, date) {
        assert!(pause <= RetryAfter::MAX && pause.as_millis().get() >= 0);
    }
}

fn read_candles(venue: &dyn CandleSource, bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else {
        assert!(venue.parse_candles(bytes).is_err());
        return;
    };
    let mut found = 0;
    let raw = venue.read_candles(text, &mut |_| found += 1);
    assert!(found <= bytes.len());
    let Ok(candles) = venue.parse_candles(bytes) else {
        return;
    };
    assert!(raw.is_ok() && candles.len() <= found);
    let times = candles.iter().map(|candle| candle.bar.open_time);
    assert!(times.is_sorted_by(|a, b| a < b), "{candles:?}");
    assert!(candles.iter().all(|candle| candle.bar.volume.is_finite()));
}
