//! The fit against a dense search, and what it makes of exaggeration and of similar forecasters.

use super::*;

/// Dense: the share of one miner that minimises the mean score itself, by search. The quadratic, expanded about
/// that very consensus, must find it again.
#[test]
fn the_fit_is_that_of_a_dense_search() {
    // Narrower than the truth: the best of it lies short of all of it.
    let fans = [(hotkey(1), fan(1, 0.0, 0.25))];
    let rules = plain();
    let (_, outcomes) = past(400, &fans, &rules);
    let mean_score = |u: f64| -> f64 {
        let scores = outcomes.iter().map(|y| {
            let (deviations, realised) = round(&fans, &[Some(*y)]);
            let consensus = deviations.consensus(&[alone(hotkey(1), u)]);
            score(&deviations, &consensus, &realised, 1.0)
        });
        scores.sum()
    };
    let grid = (0..=100).map(|i| f64::from(i) / 100.0);
    let dense = grid
        .min_by(|a, b| mean_score(*a).total_cmp(&mean_score(*b)))
        .unwrap();
    assert!(dense > 0.05 && dense < 0.95, "{dense}");
    let mut state = FitState::default();
    for (n, y) in outcomes.iter().enumerate() {
        let (deviations, realised) = round(&fans, &[Some(*y)]);
        let consensus = deviations.consensus(&[alone(hotkey(1), dense)]);
        state.add(
            origin(n),
            (&deviations, &consensus, &realised),
            &[hotkey(1)],
            &rules,
        );
    }
    let (curvature, slope) = state.curvature_and_slope(&[alone(hotkey(1), 0.0)]);
    let fitted = shares(&curvature, &slope, &rules)[0];
    assert!((fitted - dense).abs() < 0.03, "{fitted} {dense}");
}

/// The more a deviation is exaggerated, the smaller its share: the consensus is the same.
#[test]
fn exaggeration_is_undone_and_nothing_is_stretched() {
    let honest = fan(1, 0.0, TRUE_SCALE);
    let (none, _) = round(&[(hotkey(1), honest.clone())], &[None]);
    let times = |by: f64| {
        let points = none.get(&hotkey(1)).unwrap().iter().zip(none.reference());
        let moves = points.map(|(d, q)| SIGMA * (q + by * d));
        QuantileForecast::from_moves(POOL_LEVELS, moves.collect())
    };
    let share = |by: f64| {
        let (state, _) = past(400, &[(hotkey(1), times(by))], &plain());
        let (curvature, slope) = state.curvature_and_slope(&[alone(hotkey(1), 0.0)]);
        shares(&curvature, &slope, &fit_rules())[0]
    };
    // The part of the honest deviation in the consensus; so wide a fan's crossing quantiles are sorted.
    let (some, more) = (1.5 * share(1.5), 1.8 * share(1.8));
    assert!(some > 0.5, "{some}");
    assert!((some - more).abs() < 0.01 * some, "{some} {more}");
    assert_eq!(share(0.25), 1.0);
    // A deviation that only makes the score worse has no share.
    assert_eq!(share(-1.0), 0.0);
}

/// Two fans that are almost the same, one of which the past prefers slightly.
#[test]
fn those_alike_share_alike_and_who_is_alone_keeps_its_share() {
    let alike = [
        (hotkey(1), fan(1, 0.0, 0.35)),
        (hotkey(2), fan(1, 0.002, 0.345)),
    ];
    let with = |fans: &[(Hotkey, QuantileForecast)], similarity_penalty: f64| {
        let rules = FitRules {
            similarity_penalty,
            ..fit_rules()
        };
        let (state, _) = past(200, fans, &rules);
        let pool: Vec<Forecaster> = fans.iter().map(|(miner, _)| alone(*miner, 0.0)).collect();
        let (curvature, slope) = state.curvature_and_slope(&pool);
        shares(&curvature, &slope, &rules)
    };
    let apart = |shares: &[f64]| (shares[0] / shares[1] - 1.0).abs();
    let (loose, penalised) = (with(&alike, 0.0), with(&alike, 3.0));
    assert!(
        apart(&penalised) < 0.5 * apart(&loose),
        "{loose:?} {penalised:?}"
    );
    assert!((penalised.iter().sum::<f64>() - loose.iter().sum::<f64>()).abs() < 0.05);
    assert_eq!(with(&alike[..1], 3.0), with(&alike[..1], 0.0));
}
