//! Credits against the integral that defines them.

use super::*;

/// The integral by 20,000 midpoints.
#[test]
fn credit_is_the_integral_along_the_ray() {
    let fans = [
        (hotkey(1), fan(2, 0.3, 0.6)),
        (hotkey(2), fan(2, -0.1, 0.4)),
    ];
    let (deviations, realised) = round(&fans, &[Some(0.25), Some(-0.4)]);
    let pool = [alone(hotkey(1), 0.3), alone(hotkey(2), 0.5)];
    let consensus = deviations.consensus(&pool);
    let credit = credits(&deviations, &consensus, &pool, &realised);
    let q = deviations.reference();
    let v = 2.0 / POOL_LEVELS as f64 / 2.0;
    let steps = 20_000;
    for forecaster in &pool {
        let miner = forecaster.members.keys().next().unwrap();
        let d = deviations.get(miner).unwrap();
        let mut integral = 0.0;
        for i in 0..steps {
            let theta = (f64::from(i) + 0.5) / f64::from(steps);
            for (step, y) in realised.0.iter().enumerate() {
                for (k, tau) in levels().enumerate() {
                    let at = step * POOL_LEVELS + k;
                    let below = y.unwrap() < q[k] + theta * consensus.0[at];
                    let slope = tau - f64::from(u8::from(below));
                    integral += v * forecaster.share * d[at] * slope / f64::from(steps);
                }
            }
        }
        assert!(
            (credit[miner] - integral).abs() < 1e-6,
            "{credit:?} {integral}"
        );
    }
}

fn any_fan(horizon: usize) -> impl Strategy<Value = QuantileForecast> {
    let row = prop::collection::vec(-3e2..3e2f64, 5 * horizon);
    row.prop_map(|moves| QuantileForecast::from_moves(5, moves))
}

proptest! {
    #[test]
    fn credits_sum_to_the_gain(
        fans in prop::collection::vec(any_fan(4), 1..5),
        cuts in prop::collection::vec(0.0..1.0f64, 5),
        mut moves in prop::collection::vec(prop::option::of(-30.0..30.0f64), 4),
    ) {
        moves[3] = Some(moves[3].unwrap_or(0.5));
        let fans: Vec<(Hotkey, QuantileForecast)> = (1..).map(hotkey).zip(fans).collect();
        let (deviations, realised) = round(&fans, &moves);
        let total: f64 = cuts.iter().sum::<f64>().max(1.0);
        // One more, who has no fan.
        let shares = (1..).map(hotkey).zip(&cuts).take(fans.len() + 1);
        let pool: Vec<Forecaster> = shares.map(|(miner, cut)| alone(miner, cut / total)).collect();
        let consensus = deviations.consensus(&pool);
        let gain = score(&deviations, &consensus, &realised, 0.0)
            - score(&deviations, &consensus, &realised, 1.0);
        let credit = credits(&deviations, &consensus, &pool, &realised);
        prop_assert!((credit.values().sum::<f64>() - gain).abs() < 1e-9);
        let absent = pool.last().map(|forecaster| forecaster.members.keys().next().copied().unwrap());
        prop_assert_eq!(credit[&absent.unwrap()], 0.0);
    }
}
