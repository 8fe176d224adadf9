//! A forecast depends on no bar after its origin.

use foretell_core::series::Unit;
use foretell_core::testing::MONDAY;
use proptest::prelude::*;

use super::{HALF_HOUR, SEED, forecast, history, scale, synthetic_bars};
use crate::models::{ModelError, all, paths};
use crate::price_history::PriceHistory;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn nothing_after_the_origin_changes_a_forecast(
        seed in 1_u64..1_000,
        known in 700_i64..1_200,
        unknown in 1_i64..400,
    ) {
        let bars = synthetic_bars(HALF_HOUR, known + unknown, seed, 100.0);
        let origin = MONDAY + HALF_HOUR.times(known);
        let then = history(HALF_HOUR, Unit::LogPrice, bars[..known as usize].to_vec());
        let now = history(HALF_HOUR, Unit::LogPrice, bars).until(origin);
        for model in all() {
            prop_assert_eq!(forecast(model.as_ref(), &then, 20)?, forecast(model.as_ref(), &now, 20)?);
        }
    }

    #[test]
    fn another_future_changes_no_forecast(
        seed in 1_u64..1_000,
        known in 700_i64..1_200,
        wild in prop::collection::vec(0.5_f64..2.0, 1..100),
    ) {
        let mut bars = synthetic_bars(HALF_HOUR, known + wild.len() as i64, seed, 100.0);
        let origin = MONDAY + HALF_HOUR.times(known);
        let honest = history(HALF_HOUR, Unit::LogPrice, bars.clone()).until(origin);
        for (bar, factor) in bars[known as usize..].iter_mut().zip(wild) {
            scale(bar, factor);
            bar.volume *= factor;
        }
        let perturbed = history(HALF_HOUR, Unit::LogPrice, bars).until(origin);
        for model in all() {
            let forecasts = |history: &PriceHistory| {
                let quantiles = forecast(model.as_ref(), history, 20)?;
                let paths = paths::from_quantiles(&quantiles, history, SEED)?;
                Ok::<_, ModelError>((quantiles, paths))
            };
            prop_assert_eq!(forecasts(&honest)?, forecasts(&perturbed)?, "{}", model.name());
        }
    }
}
