//! What counts in a track record.

use super::*;

#[test]
fn a_miss_counts_from_the_first_commitment_on() {
    let mut state = state(3);
    for n in 0..3 {
        open(&mut state, n);
    }
    commit(&mut state, 1, ANN);
    for n in 0..3 {
        score_round(&mut state, n, &[], None, &[ANN, BOB]);
    }
    let counted = [(origin(1), -0.15), (origin(2), -0.15)];
    assert_eq!(advantages(&state, ANN), counted);
    assert_eq!(advantages(&state, BOB), []);
    assert_eq!(state.reference_track().rounds(), 3);
}

#[test]
fn rounds_scored_out_of_order_make_the_same_record() {
    let run = |order: [i64; 3]| {
        let mut state = state(3);
        for n in 0..3 {
            open(&mut state, n);
            commit(&mut state, n, ANN);
        }
        // Binary fractions: sums are exact in any order.
        for n in order {
            score_round(&mut state, n, &[(ANN, n as f64 / 16.0)], None, &[BOB]);
        }
        state
    };
    let (straight, mixed) = (run([0, 1, 2]), run([2, 0, 1]));
    let expected = [(MONDAY, 0.0), (origin(1), 0.0625), (origin(2), 0.125)];
    assert_eq!(advantages(&mixed, ANN), expected);
    assert_eq!(mixed.tracks(), straight.tracks());
    assert_eq!(mixed.weights(), straight.weights());
}

#[test]
fn a_void_round_counts_for_nobody() {
    let mut state = state(1);
    open(&mut state, 0);
    commit(&mut state, 0, ANN);
    state.apply(&void(0)).unwrap();
    assert_eq!(advantages(&state, ANN), []);
    assert_eq!(state.reference_track().rounds(), 0);
    let voided: Vec<&VoidReason> = state.voided().values().collect();
    assert_eq!(
        (state.voided().len(), voided),
        (1, vec![&VoidReason::ValidatorDown])
    );
}
