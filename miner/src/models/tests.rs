//! What every model must do, whatever the prices: give a forecast or a clear error, and never look ahead.

mod look_ahead;
mod quality;

use foretell_core::bar::Bar;
use foretell_core::forecast::{Forecast, ForecastRejection};
use foretell_core::series::{Grid, Unit};
use foretell_core::testing::{MONDAY, STEP, price};
use foretell_core::time::{Millis, UnixMillis};
use proptest::prelude::*;

use super::model::last_close;
use super::{AnyModel, ModelError, ablations, all, by_name, paths};
use crate::price_history::PriceHistory;

const HALF_HOUR: Millis = Millis::minutes(30);
const SEED: u64 = 7;
const K: usize = 99;

/// Bars with ranges and volumes, returns of about 0.1 % at any step, in clusters of volatility.
fn synthetic_bars(step: Millis, count: i64, seed: u64, start: f64) -> Vec<Bar> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut volatility = 1e-3;
    let mut last = start;
    let first = UnixMillis::literal(MONDAY.get() - MONDAY.get() % step.get());
    let bars = (0..count).map(|index| {
        volatility *= 1.0 + 0.2 * (uniform() - 0.5) + 0.02 * (1e-3 / volatility - 1.0);
        let normal: f64 = (0..6).map(|_| uniform() - 0.5).sum::<f64>() * 1.4;
        let open = last;
        last *= (volatility * normal).exp();
        let wick = (volatility * uniform()).exp();
        Bar {
            open_time: first + step.times(index),
            open: price(open),
            high: price(open.max(last) * wick),
            low: price(open.min(last) / wick),
            close: price(last),
            volume: 100.0 * uniform(),
        }
    });
    bars.collect()
}

fn history(step: Millis, unit: Unit, bars: impl IntoIterator<Item = Bar>) -> PriceHistory {
    let mut history = PriceHistory::new(step, unit);
    history.extend(bars).unwrap();
    history
}

/// Bars of one value each, half an hour apart.
fn value_bars(values: impl IntoIterator<Item = f64>) -> Vec<Bar> {
    let times = (0..).map(|index| MONDAY + HALF_HOUR.times(index));
    times
        .zip(values)
        .map(|(time, value)| Bar::from_value(time, price(value)))
        .collect()
}

/// All four prices of a bar, times `factor`.
fn scale(bar: &mut Bar, factor: f64) {
    for value in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
        *value = price(value.get() * factor);
    }
}

/// Fits a model on a history and forecasts from its end.
fn forecast(
    model: &dyn AnyModel,
    history: &PriceHistory,
    horizon: usize,
) -> Result<Forecast, ModelError> {
    let grid = Grid {
        step: history.step(),
        horizon,
    };
    model.fit(history, &grid, SEED)?.forecast(history, K)
}

/// Forecasts with every model; what comes out must be centred on the last close and have some width.
fn all_forecast(history: &PriceHistory, horizon: usize) -> Vec<Forecast> {
    let last = last_close(history).unwrap();
    let models = all();
    let forecasts = models.iter().map(|model| {
        let forecast = forecast(model.as_ref(), history, horizon).unwrap();
        assert_eq!(forecast.horizon(), horizon);
        for step in 0..horizon {
            let row = forecast.row(step);
            let median = row[row.len() / 2];
            // Models with a conditional mean shrink it strongly.
            let width = row[row.len() - 1] - row[0];
            let off = (median - last).abs();
            assert!(
                off <= 1e-7 * last.abs() + 0.1 * width,
                "{}: {median} is far from {last}, the fan is {width} wide",
                model.name()
            );
            assert!(row.len() == 1 || row[0] < row[K - 1], "{}", model.name());
        }
        forecast
    });
    forecasts.collect()
}

/// Width of the fan at its last step, between the outermost quantiles, as a share of the price.
fn width(forecast: &Forecast) -> f64 {
    let row = forecast.row(forecast.horizon() - 1);
    (row[row.len() - 1] - row[0]) / row[row.len() / 2]
}

#[test]
fn names_find_their_models() {
    for model in all() {
        assert_eq!(by_name(model.name()).unwrap().name(), model.name());
    }
    let error = by_name("oracle").err().unwrap().to_string();
    let known = "\"oracle\" is no model: use one of random-walk, gaussian, garch-t, har, har-plus, elastic-net, pls, ensemble; or har+";
    assert!(error.starts_with(known), "{error}");
    for ablation in ablations::names() {
        let name = format!("har+{ablation}");
        assert_eq!(by_name(&name).unwrap().name(), name);
    }
    assert!(by_name("har+nothing").is_err() && by_name("pls+student").is_err());
}

#[test]
fn what_was_learnt_is_the_same_after_it_was_saved() {
    let bars = synthetic_bars(HALF_HOUR, 60 * 48, 12, 100.0);
    let history = history(HALF_HOUR, Unit::LogPrice, bars);
    let grid = Grid {
        step: HALF_HOUR,
        horizon: 20,
    };
    for model in all() {
        let fitted = model.fit(&history, &grid, SEED).unwrap();
        let text = fitted.save().unwrap().to_string();
        let restored = model.restore(serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(
            restored.forecast(&history, K).unwrap(),
            fitted.forecast(&history, K).unwrap(),
            "{}",
            model.name()
        );
        assert!(model.restore(serde_json::json!("nothing")).is_err());
    }
}

#[test]
fn paths_have_the_values_of_their_quantiles_and_hang_together() {
    let bars = synthetic_bars(HALF_HOUR, 60 * 48, 13, 100.0);
    let history = history(HALF_HOUR, Unit::LogPrice, bars);
    for model in all() {
        let quantiles = forecast(model.as_ref(), &history, 20).unwrap();
        let paths = paths::from_quantiles(&quantiles, &history, SEED).unwrap();
        assert_eq!(
            paths,
            paths::from_quantiles(&quantiles, &history, SEED).unwrap()
        );
        for step in 0..20 {
            let mut row = paths.row(step).to_vec();
            row.sort_by(f64::total_cmp);
            assert_eq!(row, quantiles.row(step), "{}", model.name());
        }
        if quantiles.k() > 1 {
            // A path that is high at the last step was mostly high just before.
            let ends = paths.row(19).iter().zip(paths.row(18));
            let above = |x: &f64| *x > quantiles.row(19)[K / 2];
            let agree = ends.filter(|(a, b)| above(a) == above(b)).count();
            assert!(agree > K * 3 / 4, "{}: {agree}", model.name());
        }
    }
}

#[test]
fn any_step_and_horizon_has_a_forecast() {
    for (step, count) in [
        (STEP, 9 * 288),
        (HALF_HOUR, 30 * 48),
        (Millis::hours(1), 30 * 24),
        (Millis::minutes(7), 3_000),
        (Millis::days(1), 400),
    ] {
        let history = history(step, Unit::LogPrice, synthetic_bars(step, count, 1, 100.0));
        for horizon in [1, 2, 100] {
            all_forecast(&history, horizon);
        }
    }
}

#[test]
fn the_longest_horizon_is_learnt_too() {
    let bars = synthetic_bars(HALF_HOUR, 180 * 48, 2, 100.0);
    all_forecast(&history(HALF_HOUR, Unit::LogPrice, bars), 1000);
}

#[test]
fn a_calm_market_has_a_narrower_fan() {
    let bars = synthetic_bars(HALF_HOUR, 60 * 48, 3, 100.0);
    // Random returns: a daily pattern would be learnt.
    let wander = synthetic_bars(HALF_HOUR, 60 * 48, 5, 100.0);
    let calm = value_bars(
        wander
            .iter()
            .map(|bar| 100.0 + 1e-3 * (bar.close.get() - 100.0)),
    );
    let lively = all_forecast(&history(HALF_HOUR, Unit::LogPrice, bars), 48);
    let calm = all_forecast(&history(HALF_HOUR, Unit::LogPrice, calm), 48);
    for (lively, calm) in lively.iter().zip(&calm).skip(1) {
        assert!(width(calm) < 0.1 * width(lively));
    }
}

#[test]
fn constant_prices_keep_a_least_width() {
    // The floor of 0.1 bps a step: 1e-5 · √48 = 7e-5 of the price after a day, and some one to five times that between the ends.
    let prices = history(
        HALF_HOUR,
        Unit::LogPrice,
        value_bars(vec![42_000.0; 40 * 48]),
    );
    for forecast in all_forecast(&prices, 48).iter().skip(1) {
        let width = width(forecast);
        assert!((5e-5..1e-3).contains(&width), "{width}");
    }
    for value in [-3.5, 0.0] {
        let values = history(HALF_HOUR, Unit::Value, value_bars(vec![value; 40 * 48]));
        for model in all() {
            let forecast = forecast(model.as_ref(), &values, 48).unwrap();
            let near = |quantile: &f64| (quantile - value).abs() < 1e-6;
            assert!(forecast.values().iter().all(near), "{}", model.name());
        }
    }
}

#[test]
fn a_jump_of_a_third_is_survived() {
    let mut bars = synthetic_bars(HALF_HOUR, 40 * 48, 4, 100.0);
    for after in [0, 500] {
        let at = bars.len() - 1 - after;
        for bar in &mut bars[at..] {
            scale(bar, 0.7);
        }
        let forecasts = all_forecast(&history(HALF_HOUR, Unit::LogPrice, bars.clone()), 48);
        for (forecast, model) in forecasts.iter().zip(all()) {
            let width = width(forecast);
            // GARCH reacts to the square of the jump, and widens most.
            assert!(width < 10.0, "{}: {width}", model.name());
        }
    }
}

#[test]
fn missing_hours_are_no_moves() {
    let bars = synthetic_bars(HALF_HOUR, 60 * 48, 5, 100.0);
    let whole = history(HALF_HOUR, Unit::LogPrice, bars.iter().copied());
    // Ten hours are missing every ten days, and the price jumps meanwhile.
    let gappy = bars.iter().zip(0..).filter(|(_, index)| index % 480 >= 20);
    let gappy = history(HALF_HOUR, Unit::LogPrice, gappy.map(|(bar, _)| *bar));
    for (whole, gappy) in all_forecast(&whole, 24)
        .iter()
        .zip(all_forecast(&gappy, 24))
        .skip(1)
    {
        assert!((0.7..1.4).contains(&(width(&gappy) / width(whole))));
    }
}

#[test]
fn no_volume_is_no_harm() {
    for volume in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let mut bars = synthetic_bars(HALF_HOUR, 40 * 48, 6, 100.0);
        for bar in bars.iter_mut().skip(1_000) {
            bar.volume = volume;
        }
        all_forecast(&history(HALF_HOUR, Unit::LogPrice, bars), 48);
    }
}

#[test]
fn the_size_of_the_price_does_not_matter() {
    let forecasts_at_price = |price| {
        let bars = synthetic_bars(HALF_HOUR, 40 * 48, 7, price);
        all_forecast(&history(HALF_HOUR, Unit::LogPrice, bars), 48)
    };
    let usual = forecasts_at_price(100.0);
    for price in [1e-8, 1e12, 1e-300, 1e300] {
        for (usual, scaled) in usual.iter().zip(forecasts_at_price(price)).skip(1) {
            // A likelihood's maximum is found to a few digits only.
            assert!((width(&scaled) / width(usual) - 1.0).abs() < 1e-3);
        }
    }
}

#[test]
fn values_may_cross_zero() {
    let bars = synthetic_bars(HALF_HOUR, 40 * 48, 8, 1.0);
    let centred = bars.iter().map(|bar| 1e6 * (bar.close.get() - 1.0));
    all_forecast(&history(HALF_HOUR, Unit::Value, value_bars(centred)), 48);
}

#[test]
fn too_little_history_says_how_much_is_missing() {
    let bars = synthetic_bars(STEP, 13, 9, 100.0);
    let first_bars = |count: usize| history(STEP, Unit::LogPrice, bars[..count].to_vec());
    for model in all() {
        let name = model.name();
        let none = forecast(model.as_ref(), &first_bars(0), 100);
        assert!(
            matches!(none, Err(ModelError::TooLittleHistory { have: 0, .. })),
            "{name}"
        );
        let one = forecast(model.as_ref(), &first_bars(1), 100);
        match name {
            "random-walk" => assert_eq!(one.unwrap().k(), 1),
            _ => assert_eq!(
                one.err(),
                Some(ModelError::TooLittleHistory { have: 0, need: 12 }),
                "{name}"
            ),
        }
    }
    all_forecast(&first_bars(13), 100);
}

#[test]
fn a_fitted_model_needs_some_history_to_forecast_from() {
    let long = history(
        HALF_HOUR,
        Unit::LogPrice,
        synthetic_bars(HALF_HOUR, 1_000, 10, 100.0),
    );
    let short = long.until(MONDAY + HALF_HOUR.times(5));
    let grid = Grid {
        step: HALF_HOUR,
        horizon: 10,
    };
    for model in all().iter().skip(1) {
        let fitted = model.fit(&long, &grid, SEED).unwrap();
        assert_eq!(
            fitted.forecast(&short, K).err(),
            Some(ModelError::TooLittleHistory { have: 4, need: 12 })
        );
    }
}

#[test]
fn another_step_and_an_impossible_k_are_refused() {
    let half_hours = history(
        HALF_HOUR,
        Unit::LogPrice,
        synthetic_bars(HALF_HOUR, 1_000, 11, 100.0),
    );
    let fives = history(STEP, Unit::LogPrice, synthetic_bars(STEP, 50, 11, 100.0));
    let grid = Grid {
        step: HALF_HOUR,
        horizon: 10,
    };
    for model in all() {
        assert!(matches!(
            model.fit(&fives, &grid, SEED),
            Err(ModelError::StepMismatch { .. })
        ));
        let fitted = model.fit(&half_hours, &grid, SEED).unwrap();
        assert!(matches!(
            fitted.forecast(&fives, K),
            Err(ModelError::StepMismatch { .. })
        ));
        for k in [0, 1001] {
            let answer = fitted.forecast(&half_hours, k);
            assert!(
                model.name() == "random-walk"
                    || answer == Err(ModelError::Rejected(ForecastRejection::K { k }))
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_values_have_a_forecast(
        moves in prop::collection::vec(prop_oneof![Just(0.0), -1.0_f64..1.0, -1e6_f64..1e6, -1e300_f64..1e300], 13..400),
        start in -1e9_f64..1e9,
    ) {
        let mut value = start;
        let walk = moves.into_iter().map(|change| { value += change; value });
        let history = history(HALF_HOUR, Unit::Value, value_bars(walk));
        for model in all() {
            prop_assert!(forecast(model.as_ref(), &history, 5).is_ok());
        }
    }
}
