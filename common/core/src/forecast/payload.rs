//! The bytes of a forecast as they travel: `{"kind","k","values"}`, never re-serialised.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::matrix::{Forecast, ForecastKind};
use super::rejection::{ForecastRejection, MAX_PAYLOAD_BYTES};
use crate::json_fault::JsonFault;
use crate::series::Series;

impl Forecast {
    /// The forecast that `payload` holds for `series`, or why it holds none.
    pub fn parse(payload: &[u8], series: &Series) -> Result<Self, ForecastRejection> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(ForecastRejection::TooLong {
                bytes: payload.len(),
            });
        }
        let Payload { kind, k, values } =
            serde_json::from_slice(payload).map_err(|error| ForecastRejection::NotAForecast {
                why: JsonFault::new(&error),
            })?;
        Self::new(
            kind,
            series.unit,
            series.grid.horizon,
            k,
            values.into_owned(),
        )
    }

    /// The payload that [`parse`](Self::parse) reads as this forecast.
    pub fn payload(&self) -> String {
        let payload = Payload {
            kind: self.kind(),
            k: self.k(),
            values: self.values().into(),
        };
        // Finite numbers and plain strings: serialisation has nothing to fail on.
        serde_json::to_string(&payload).unwrap_or_default()
    }
}

/// The JSON object that a payload holds.
#[derive(Serialize, Deserialize)]
struct Payload<'a> {
    kind: ForecastKind,
    k: usize,
    values: Cow<'a, [f64]>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rejection::evidence_bytes;
    use super::*;
    use crate::series::Unit;
    use crate::testing::btc_usd;

    fn series(horizon: usize, unit: Unit) -> Series {
        Series {
            unit,
            ..btc_usd(horizon)
        }
    }

    fn rejection(payload: &str) -> ForecastRejection {
        Forecast::parse(payload.as_bytes(), &series(2, Unit::LogPrice)).unwrap_err()
    }

    #[test]
    fn a_point_forecast_is_one_quantile() {
        let payload = br#"{"kind":"quantiles","k":1,"values":[100.5,101]}"#;
        let forecast = Forecast::parse(payload, &series(2, Unit::LogPrice)).unwrap();
        assert_eq!((forecast.k(), forecast.row(1)), (1, &[101.0][..]));
        assert_eq!(forecast.row(2), &[] as &[f64]);
    }

    #[test]
    fn each_fault_has_its_own_rejection() {
        assert!(matches!(
            rejection("rubbish"),
            ForecastRejection::NotAForecast { .. }
        ));
        assert!(matches!(
            rejection(r#"{"kind":"interval","k":1,"values":[1,2]}"#),
            ForecastRejection::NotAForecast { .. }
        ));
        assert_eq!(
            rejection(r#"{"kind":"paths","k":0,"values":[]}"#),
            ForecastRejection::K { k: 0 }
        );
        assert_eq!(
            rejection(r#"{"kind":"paths","k":1,"values":[1]}"#),
            ForecastRejection::Shape {
                expected: 2,
                found: 1
            }
        );
        assert_eq!(
            rejection(r#"{"kind":"quantiles","k":2,"values":[1,2,3,2]}"#),
            ForecastRejection::Decreasing { step: 2, column: 2 }
        );
        assert_eq!(
            rejection(r#"{"kind":"quantiles","k":1,"values":[1,0]}"#),
            ForecastRejection::NotPositive { step: 2, column: 1 }
        );
        // JSON has no NaN, and a number beyond a double's range does not parse.
        assert!(matches!(
            rejection(r#"{"kind":"quantiles","k":1,"values":[1,NaN]}"#),
            ForecastRejection::NotAForecast { .. }
        ));
        assert!(matches!(
            rejection(r#"{"kind":"quantiles","k":1,"values":[1,1e999]}"#),
            ForecastRejection::NotAForecast { .. }
        ));
        let long = " ".repeat(MAX_PAYLOAD_BYTES + 1);
        assert!(matches!(
            rejection(&long),
            ForecastRejection::TooLong { .. }
        ));
        assert_eq!(
            Forecast::quantiles(Unit::Value, 1, 1, vec![f64::NAN]),
            Err(ForecastRejection::NotFinite { step: 1, column: 1 })
        );
    }

    #[test]
    fn no_rejection_quotes_the_payload() {
        let foreign = "\\u001b[2J".repeat(1_000);
        for payload in [
            format!(r#"{{"kind":"{foreign}","k":1,"values":[1,2]}}"#),
            format!(r#"{{"kind":"paths","k":"{foreign}","values":[1,2]}}"#),
            format!(r#"{{"{foreign}":"paths","k":1,"values":["{foreign}"]}}"#),
            foreign.clone(),
        ] {
            let text = rejection(&payload).to_string();
            assert!(text.len() < 150 && !text.contains("[2J"), "{text}");
            assert!(text.starts_with("payload is not"), "{text}");
        }
    }

    #[test]
    fn as_much_of_a_rejected_payload_is_evidence_as_its_forecast_could_have() {
        let kept = |payload: &str| {
            let rejection = rejection(payload);
            // Without what stands around the values.
            evidence_bytes(payload.as_bytes(), &rejection, 2) - 128
        };
        assert_eq!(
            kept(r#"{"kind":"quantiles","k":3,"values":[1,2,3,3,2,1]}"#),
            32 * 2 * 3
        );
        assert_eq!(
            kept(r#"{"kind":"paths","k":3,"values":[1,2,3,3,2,-1]}"#),
            32 * 2 * 3
        );
        assert_eq!(kept(r#"{"kind":"paths","k":3,"values":[1]}"#), 32 * 2 * 3);
        assert_eq!(
            kept(r#"{"kind":"paths","k":99999999999,"values":[1]}"#),
            32 * 2
        );
        assert_eq!(kept(&"x".repeat(1 << 20)), 32 * 2);
        assert_eq!(kept(&" ".repeat(MAX_PAYLOAD_BYTES + 1)), 32 * 2);
    }

    #[test]
    fn paths_need_no_order_and_values_may_be_negative() {
        let payload = br#"{"kind":"paths","k":2,"values":[3,-1,2,0]}"#;
        assert!(Forecast::parse(payload, &series(2, Unit::Value)).is_ok());
    }

    proptest! {
        #[test]
        fn a_payload_reads_back_as_the_very_same_forecast(
            mut rows in prop::collection::vec(prop::collection::vec(1e-8..1e12f64, 3), 1..5)
        ) {
            for row in &mut rows {
                row.sort_by(f64::total_cmp);
            }
            let horizon = rows.len();
            let forecast =
                Forecast::quantiles(Unit::LogPrice, horizon, 3, rows.concat()).unwrap();
            let series = series(horizon, Unit::LogPrice);
            prop_assert_eq!(Forecast::parse(forecast.payload().as_bytes(), &series), Ok(forecast));
        }
    }
}
