//! Forecasts as miners reveal them.

use foretell_core::forecast::Forecast;
use foretell_core::series::{Series, Unit};
use foretell_core::testing::btc_usd;

/// A payload is a forecast or none; a forecast reads the same once it is written again.
pub fn forecast_payload(bytes: &[u8]) {
    for (horizon, unit) in [(2, Unit::LogPrice), (3, Unit::Value)] {
        let series = Series {
            unit,
            ..btc_usd(horizon)
        };
        let forecast = match Forecast::parse(bytes, &series) {
            Ok(forecast) => forecast,
            Err(rejection) => {
                let text = serde_json::to_string(&rejection).expect("a rejection is JSON");
                // It is kept in the journal: it may quote a little, and not the whole.
                assert!(text.len() <= 1024 + bytes.len() / 4, "{text}");
                continue;
            }
        };
        assert_eq!(forecast.values().len(), horizon * forecast.k());
        assert!(forecast.values().iter().all(|value| value.is_finite()));
        let again = Forecast::parse(forecast.payload().as_bytes(), &series);
        assert_eq!(again.as_ref(), Ok(&forecast));
    }
}
