//! The score of a point forecast: one value a step, whose mean, median and CRPS need no sums of their own.

use super::metric_sums::MetricSums;
use crate::forecast::QuantileForecast;
use crate::outcome::Outcome;
use crate::rules::ScoreRules;

/// S and the metric sums at K = 1: bit for bit those of rows of one value, without a branch in a step.
pub(super) fn scaled_crps(
    scales: &[f64],
    fan: &QuantileForecast,
    outcome: &Outcome,
    rules: &ScoreRules,
) -> Option<(f64, MetricSums)> {
    let (values, moves) = (fan.values(), &outcome.moves);
    let (mut squares, mut distances, mut scaled) = (0.0, 0.0, 0.0);
    for ((x, y), scale) in values.iter().zip(moves).zip(scales) {
        // A gap adds nothing.
        let y = y.unwrap_or(*x);
        let bound = rules.clamp * scale;
        let distance = (x - y).abs();
        squares += distance * distance;
        distances += distance;
        scaled += (x.clamp(-bound, bound) - y.clamp(-bound, bound)).abs() / scale;
    }
    let steps = values
        .iter()
        .zip(moves)
        .filter(|(_, y)| y.is_some())
        .count();
    let mut metric_sums = MetricSums {
        steps: steps as u64,
        squared_error: squares,
        absolute_error: distances,
        crps: distances,
        ..MetricSums::new(1)
    };
    let last = moves.len().saturating_sub(1);
    let last = values.get(last).zip(moves.get(last)).zip(scales.get(last));
    if let Some(((x, Some(y)), scale)) = last {
        metric_sums.add_direction(*x, *y, *scale);
    }
    (steps > 0).then(|| (scaled / steps as f64, metric_sums))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::RulesVersion;
    use crate::score::metric_sums::{RowSummary, RowSummaryPositions};
    use crate::score::scaled_crps::mean_scaled_crps;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![8 => -1e3..1e3f64, 1 => Just(0.0), 1 => -1e300..1e300f64]
    }

    proptest! {
        #[test]
        fn it_is_the_score_of_rows_of_one(
            steps in prop::collection::vec((value(), prop::option::weighted(0.8, value())), 1..120),
            volatility in 0.1..100.0f64,
        ) {
            let rules = RulesVersion::V1.rules().score;
            let (values, moves): (Vec<f64>, Vec<Option<f64>>) = steps.into_iter().unzip();
            let fan = QuantileForecast::from_moves(1, values);
            let outcome = Outcome { volatility, moves };
            let scales = outcome.scales();
            let (positions, last) = (RowSummaryPositions::new(1), outcome.moves.len());
            let mut metric_sums = MetricSums::new(1);
            let expected = mean_scaled_crps(&scales, &fan, &outcome, &rules, |row, y, crps, step| {
                let scale = (step == last).then(|| scales[step - 1]);
                metric_sums.add_step(&RowSummary::new(row, &positions), y, crps, scale);
            });
            let expected = expected.map(|expected| (expected, metric_sums));
            prop_assert_eq!(scaled_crps(&scales, &fan, &outcome, &rules), expected);
        }
    }
}
