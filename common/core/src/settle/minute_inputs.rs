//! All that the price of a minute is computed from, and how it is taken from venues' candles.

use serde::{Deserialize, Serialize};

use super::candle::MINUTE;
use super::quote_currency::QuoteCurrency;
use super::venue_candles::VenueCandles;
use crate::bar::Bar;
use crate::hash::{Hash, sha256};
use crate::price::Price;
use crate::rules::MinuteRules;
use crate::time::UnixMillis;

/// Everything that one minute is decided from. The store keeps its canonical [text](Self::bytes) under its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinuteInputs {
    /// Start of the minute.
    pub minute: UnixMillis,
    /// Every configured venue.
    pub venues: Vec<VenueObservation>,
    /// Every configured USDT/USD market.
    pub usdt_usd: Vec<UsdtMarketCloses>,
}

/// What one venue served for a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueObservation {
    /// Name of the venue.
    pub venue: String,
    /// Currency of its prices.
    pub quote: QuoteCurrency,
    /// Its volume of the UTC day before, in base units: its weight before class shares and cap. 0 if it isn't known.
    pub day_volume: f64,
    /// Its candle that starts in the minute; `None` if it served none.
    pub candle: Option<Bar>,
    /// Whether it served a later candle: only then is the minute's final.
    #[serde(rename = "followed")]
    pub is_final: bool,
    /// Its valid and final closes of the minutes before, in its quote, newest first: m − 1, m − 2, …
    #[serde(rename = "before")]
    pub prior_closes: Vec<Option<Price>>,
}

/// What one USDT/USD market served for a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsdtMarketCloses {
    /// Name of the market.
    pub market: String,
    /// Its valid and final closes in USD per USDT, newest first: m, m − 1, …
    pub closes: Vec<Option<Price>>,
}

impl MinuteInputs {
    /// The canonical JSON text that is kept and hashed.
    pub fn bytes(&self) -> Vec<u8> {
        // Plain data with string keys and finite numbers: serialisation has nothing to fail on.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// SHA-256 of [`bytes`](Self::bytes).
    pub fn hash(&self) -> Hash {
        sha256(&self.bytes())
    }
}

impl VenueObservation {
    /// The observation of a minute by a venue that served these candles.
    pub fn new(
        venue: &str,
        quote: QuoteCurrency,
        day_volume: f64,
        candles: &VenueCandles,
        minute: UnixMillis,
        rules: &MinuteRules,
    ) -> Self {
        Self {
            venue: venue.to_owned(),
            quote,
            // JSON can't hold a volume that isn't finite; such a volume isn't known.
            day_volume: if day_volume.is_finite() {
                day_volume
            } else {
                0.0
            },
            candle: candles.candle(minute),
            is_final: candles.has_later(minute),
            prior_closes: candles.final_closes(minute - MINUTE, rules.probation_lookback),
        }
    }
}

impl UsdtMarketCloses {
    /// The closes for a minute of a USDT/USD market that served these candles.
    pub fn new(
        market: &str,
        candles: &VenueCandles,
        minute: UnixMillis,
        rules: &MinuteRules,
    ) -> Self {
        let minutes = 1 + rules.probation_lookback + rules.usdt_rate_max_age;
        Self {
            market: market.to_owned(),
            closes: candles.final_closes(minute, minutes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;
    use crate::testing::{MONDAY, price};

    fn candle(minutes: i64, value: f64) -> Bar {
        Bar {
            volume: 1.0,
            ..Bar::from_value(MONDAY + MINUTE.times(minutes), price(value))
        }
    }

    fn rules() -> MinuteRules {
        RulesVersion::V1.rules().minute
    }

    #[test]
    fn an_observation_is_cut_out_of_the_venue_candles() {
        let invalid = Bar {
            volume: 0.0,
            ..candle(-2, 8.0)
        };
        let candles: VenueCandles = [
            candle(-3, 7.0),
            invalid,
            candle(-1, 9.0),
            candle(0, 10.0),
            candle(1, 11.0),
        ]
        .into_iter()
        .collect();
        let observation =
            VenueObservation::new("a", QuoteCurrency::Usd, 5.0, &candles, MONDAY, &rules());
        assert_eq!(observation.candle, Some(candle(0, 10.0)));
        assert!(observation.is_final);
        let before = [Price::new(9.0).ok(), None, Price::new(7.0).ok()];
        assert_eq!(observation.prior_closes[..3], before);
        assert_eq!(observation.prior_closes.len(), 30);
        assert!(observation.prior_closes[3..].iter().all(Option::is_none));

        let newest = VenueObservation::new(
            "a",
            QuoteCurrency::Usd,
            5.0,
            &candles,
            MONDAY + MINUTE,
            &rules(),
        );
        assert!(newest.candle.is_some() && !newest.is_final);
        let none = VenueObservation::new(
            "a",
            QuoteCurrency::Usd,
            f64::NAN,
            &VenueCandles::default(),
            MONDAY,
            &rules(),
        );
        assert_eq!(
            (none.candle, none.is_final, none.day_volume),
            (None, false, 0.0)
        );
    }

    #[test]
    fn a_market_has_closes_for_every_minute_that_is_looked_at() {
        let candles: VenueCandles = [candle(-40, 0.9), candle(0, 1.0), candle(1, 1.1)]
            .into_iter()
            .collect();
        let market = UsdtMarketCloses::new("a", &candles, MONDAY, &rules());
        assert_eq!(market.closes.len(), 41);
        assert_eq!(market.closes[0], Price::new(1.0).ok());
        assert_eq!(market.closes[40], Price::new(0.9).ok());
    }

    #[test]
    fn inputs_read_back_as_they_were_written() {
        let candles: VenueCandles = [candle(0, 0.1), candle(1, 11.0)].into_iter().collect();
        let inputs = MinuteInputs {
            minute: MONDAY,
            venues: vec![VenueObservation::new(
                "a",
                QuoteCurrency::Usdt,
                0.3,
                &candles,
                MONDAY,
                &rules(),
            )],
            usdt_usd: vec![UsdtMarketCloses::new("b", &candles, MONDAY, &rules())],
        };
        let read: MinuteInputs = serde_json::from_slice(&inputs.bytes()).unwrap();
        assert_eq!(read, inputs);
        assert_eq!(read.hash(), inputs.hash());
    }
}
