//! One round of two steps, scored by hand.

use std::collections::BTreeMap;
use std::f64::consts::{PI, SQRT_2};

use foretell_core::hash::Hex;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Record;
use foretell_core::series::Unit;
use foretell_core::state::SeriesState;
use foretell_core::testing::{self, MONDAY, hotkey};

use crate::market::genesis;

const POINT: Hotkey = hotkey(1);
const PAIR: Hotkey = hotkey(2);
const ABSENT: Hotkey = hotkey(3);

/// CRPS of 0.65 times Student's t with 3 degrees of freedom, at `y`, in closed form (Jordan, Krüger & Lerch
/// 2019, appendix A): for the plain t, `z·(2F(z) − 1) + f(z)·(3 + z²) − √3·B(½, 5/2)/B(½, 3/2)²`, where
/// B(½, 5/2) = 3π/8 and B(½, 3/2) = π/2.
fn reference_crps(y: f64) -> f64 {
    let z = y / 0.65;
    let angle = (z / f64::sqrt(3.0)).atan();
    let twice_less_one = (angle + angle.sin() * angle.cos()) * 2.0 / PI;
    let density = 2.0 / (PI * f64::sqrt(3.0) * (1.0 + z * z / 3.0).powi(2));
    let half_spread = f64::sqrt(3.0) * (3.0 * PI / 8.0) / (PI / 2.0).powi(2);
    0.65 * (z * twice_less_one + density * (3.0 + z * z) - half_spread)
}

/// Values (not logs), anchor 100, σ = 10; closes 105, 80: y = 5, −20 on scales σ·√i = 10, 10·√2.
///
/// Point, K = 1, says 110, 100, so x = 10, 0: CRPS |10 − 5| = 5, |0 + 20| = 20;
///   S = ½·(5/10 + 20/(10·√2)) = ¼ + √2/2.
/// Pair, K = 2, says 100, 110 then 80, 100, so x = 0, 10 then −20, 0. CRPS is the mean error less half the mean
/// distance of two members (itself included): (5 + 5)/2 − (10 + 10)/8 = 2.5; (0 + 20)/2 − (20 + 20)/8 = 5;
///   S = ½·(2.5/10 + 5/(10·√2)) = ⅛ + √2/8.
/// Reference: CRPS/(σ·√i) is that of its t at 5/10 and at −20/(10·√2) = −√2; S_ref is their mean.
/// A = S_ref − S; who committed and missed has −0.15.
#[test]
fn a_round_worked_by_hand() {
    let mut state = SeriesState::new(genesis(Unit::Value, 2, 1));
    let asked = vec![POINT, PAIR, ABSENT];
    let opened = state.open(MONDAY, asked, &BTreeMap::new()).unwrap();
    state.apply(&opened).unwrap();
    let committed = Record::Committed {
        round: MONDAY,
        miner: ABSENT,
        commitment: Hex([0; 32]),
        arrival: MONDAY,
        signature: Hex([0; 64]),
        receipt: Hex([0; 64]),
    };
    state.apply(&committed).unwrap();
    let point = br#"{"kind":"quantiles","k":1,"values":[110,100]}"#;
    let pair = br#"{"kind":"quantiles","k":2,"values":[100,110,80,100]}"#;
    let payloads = BTreeMap::from([(POINT, point.to_vec()), (PAIR, pair.to_vec())]);
    let settlement = testing::settlement(100.0, 10.0, &[105.0, 80.0]);
    let scored = state
        .score(MONDAY, &settlement, &payloads, &[], vec![ABSENT])
        .unwrap();
    let Record::Scored {
        reference, miners, ..
    } = &scored
    else {
        panic!("the round has prices");
    };
    let of_point = 0.25 + SQRT_2 / 2.0;
    let of_pair = 0.125 + SQRT_2 / 8.0;
    assert!((miners[&POINT].scaled_crps - of_point).abs() < 1e-12);
    assert!((miners[&PAIR].scaled_crps - of_pair).abs() < 1e-12);
    let in_closed_form = 0.5 * (reference_crps(0.5) + reference_crps(SQRT_2));
    // K = 1000 quantiles stand for the distribution.
    assert!((reference.scaled_crps - in_closed_form).abs() < 1e-3);

    state.apply(&scored).unwrap();
    let advantage = |key: Hotkey| state.tracks()[&key].advantages()[0].value;
    assert!((advantage(POINT) - (reference.scaled_crps - of_point)).abs() < 1e-12);
    assert!((advantage(PAIR) - (reference.scaled_crps - of_pair)).abs() < 1e-12);
    assert_eq!(advantage(ABSENT), -0.15);
}
