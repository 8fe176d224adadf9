//! The state against the sum that defines it, and what it keeps of the past.

use super::*;

/// The naive double sum of the module's page, at a consensus of 0.3 of the second miner.
#[test]
fn the_state_is_the_sum_of_its_definition() {
    let fans = [
        (hotkey(1), fan(3, 0.1, 0.4)),
        (hotkey(2), fan(3, -0.2, 0.7)),
    ];
    let (deviations, realised) = round(&fans, &[Some(0.3), None, Some(-1.0)]);
    let consensus = deviations.consensus(&[alone(hotkey(2), 0.3)]);
    let mut state = FitState::default();
    let asked = [hotkey(1), hotkey(2)];
    state.add(
        origin(0),
        (&deviations, &consensus, &realised),
        &asked,
        &plain(),
    );
    let (curvature, slope) =
        state.curvature_and_slope(&[alone(hotkey(1), 0.0), alone(hotkey(2), 0.0)]);

    let q = deviations.reference();
    let lattice: Vec<usize> = (1..POOL_LEVELS).step_by(8).collect();
    assert_eq!((lattice.len(), lattice[6]), (13, POOL_LEVELS / 2));
    let v = 2.0 / 13.0 / 2.0;
    let (mut g, mut c) = ([[0.0; 2]; 2], [0.0; 2]);
    for step in [0, 2] {
        let y = realised.0[step].unwrap();
        let at = |values: &[f64], k: usize| values[step * POOL_LEVELS + k];
        for &k in &lattice {
            let row = |k: usize| q[k] + at(&consensus.0, k);
            let f = 2.0 / POOL_LEVELS as f64 / (row(k + 1) - row(k - 1));
            let tau = (2 * k + 1) as f64 / (2 * POOL_LEVELS) as f64;
            let below = f64::from(u8::from(y < row(k)));
            for m in 0..2 {
                let d = at(deviations.get(&asked[m]).unwrap(), k);
                c[m] += v * d * (tau - below + f * at(&consensus.0, k));
                for j in 0..2 {
                    g[m][j] += v * f * d * at(deviations.get(&asked[j]).unwrap(), k);
                }
            }
        }
    }
    for m in 0..2 {
        assert!((slope[m] - c[m]).abs() < 1e-14);
        for j in 0..2 {
            assert!((curvature[m][j] - g[m][j]).abs() < 1e-14);
        }
    }
}

#[test]
fn who_is_no_longer_asked_is_forgotten() {
    let fans = [(hotkey(1), fan(1, 0.0, 0.4)), (hotkey(2), fan(1, 0.1, 0.4))];
    let (mut state, _) = past(3, &fans, &fit_rules());
    let (deviations, realised) = round(&fans[..1], &[Some(0.1)]);
    let none = deviations.consensus(&[]);
    let settled = (&deviations, &none, &realised);
    let curvature = |state: &FitState| state.curvature_and_slope(&[alone(hotkey(2), 0.0)]).0[0][0];
    state.add(origin(3), settled, &[hotkey(1), hotkey(2)], &fit_rules());
    assert!(curvature(&state) > 0.0, "asked and silent is still known");
    state.add(origin(4), settled, &[hotkey(1)], &fit_rules());
    assert_eq!(curvature(&state), 0.0);
}

#[test]
fn an_older_round_settled_late_weighs_what_it_would_have() {
    let fans = [(hotkey(1), fan(1, 0.0, 0.4))];
    let (deviations, realised) = round(&fans, &[Some(0.1)]);
    let none = deviations.consensus(&[]);
    let of_order = |order: [usize; 3]| {
        let mut state = FitState::default();
        for n in order {
            let settled = (&deviations, &none, &realised);
            state.add(origin(480 * n), settled, &[hotkey(1)], &fit_rules());
        }
        state.curvature_and_slope(&[alone(hotkey(1), 0.0)]).1[0]
    };
    assert!((of_order([0, 1, 2]) - of_order([2, 0, 1])).abs() < 1e-15);
}

proptest! {
    #[test]
    fn a_state_survives_its_bytes_and_damage_is_noticed(at in 0usize..1000, bit in 0u8..8) {
        let fans = [(hotkey(3), fan(1, 0.2, 0.5)), (hotkey(1), fan(1, 0.0, 0.4))];
        let (state, _) = past(3, &fans, &fit_rules());
        let snapshot = FitSnapshot::new(state.clone());
        let mut bytes = state.to_bytes();
        prop_assert_eq!(FitState::from_bytes(&bytes), Ok(state.clone()));
        let restored = snapshot.restored(&bytes).unwrap();
        prop_assert_eq!(restored.state(), Some(&state));
        let at = at % bytes.len();
        prop_assert_eq!(FitState::from_bytes(&bytes[..at]), Err(DamagedFitState));
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(snapshot.restored(&bytes).err(), Some(DamagedFitState));
    }
}
