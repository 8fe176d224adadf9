//! The score of a point forecast: a fan of one value a step, whose mean, median and CRPS need no sums of their own.

use super::{Outcome, Score, Tally};
use crate::forecast::Fan;
use crate::rules::ScoreRules;

/// What the sums over a fan's rows say at K = 1, to the bit, and without a branch in a step.
pub(super) fn score(
    scales: &[f64],
    fan: &Fan,
    outcome: &Outcome,
    rules: &ScoreRules,
) -> Option<Score> {
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
    let mut tally = Tally {
        steps: steps as u64,
        squared_error: squares,
        absolute_error: distances,
        crps: distances,
        ..Tally::new(1)
    };
    let last = values.get(moves.len().saturating_sub(1)).zip(moves.last());
    if let Some((x, Some(y))) = last {
        tally.add_direction(*x, *y);
    }
    (steps > 0).then(|| Score {
        scaled_crps: scaled / steps as f64,
        tally,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Marks, step_by_step};
    use super::*;
    use crate::rules::RulesVersion;
    use crate::score::tally::MarkPlaces;

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
            let fan = Fan::from_moves(1, values);
            let outcome = Outcome { volatility, moves };
            let scales = outcome.scales();
            let (places, last) = (MarkPlaces::of(1), outcome.moves.len());
            let mut tally = Tally::new(1);
            let scaled_crps = step_by_step(&scales, &fan, &outcome, &rules, |row, y, crps, step| {
                tally.add_step(&Marks::of(row, &places), y, crps, step == last);
            });
            let expected = scaled_crps.map(|scaled_crps| Score { scaled_crps, tally });
            prop_assert_eq!(score(&scales, &fan, &outcome, &rules), expected);
        }
    }
}
