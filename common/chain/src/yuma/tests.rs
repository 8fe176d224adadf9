//! Consensus by hand, against the real chain, and against liars.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A neuron that owns its weights.
#[derive(Debug, Clone)]
struct TestNeuron {
    stake: u64,
    permit: bool,
    weights: Vec<(Uid, u16)>,
}

fn validator(stake: u64, weights: &[(u16, u16)]) -> TestNeuron {
    TestNeuron {
        stake,
        permit: true,
        weights: weights
            .iter()
            .map(|&(uid, value)| (Uid(uid), value))
            .collect(),
    }
}

fn miner() -> TestNeuron {
    TestNeuron {
        stake: 0,
        permit: false,
        weights: vec![],
    }
}

fn run(neurons: &[TestNeuron], owner: u16) -> EpochResult {
    let validator_rows: Vec<ValidatorRow<'_>> = neurons
        .iter()
        .map(|neuron| ValidatorRow {
            stake: neuron.stake,
            permit: neuron.permit,
            weights: &neuron.weights,
            bonds: &[],
        })
        .collect();
    run_epoch(&validator_rows, Uid(owner), 0.5, &BondRules::default())
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (uid, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < 1e-12,
            "uid {uid}: {found} is not {expected}"
        );
    }
}

/// Three validators (uids 0-2) with S = 0.5, 0.3, 0.2 and two miners (3, 4):
///
/// ```text
///        W          column 3, sorted: 0 (0.2), 0.5 (0.7 > ½)   -> C = 0.5
///  0   0.50 0.50    column 4, sorted: 0.25 (0.3), 0.5 (0.8 > ½) -> C = 0.5
///  1   0.75 0.25
///  2   0    1       W̄ = (0.5, 0.5), (0.5, 0.25), (0, 0.5)   T = 1, 0.75, 0.5
///
///  R = 0.25 + 0.15 + 0 = 0.400,  0.25 + 0.075 + 0.1 = 0.425;  ΣR = 0.825
///  I = 16/33, 17/33
///  D_0 = 0.25/0.4·16/33 + 0.25/0.425·17/33 = 10/33 + 10/33 = 20/33
///  D_1 = 0.15/0.4·16/33 + 0.075/0.425·17/33 = 6/33 + 3/33 = 9/33
///  D_2 = 0 + 0.1/0.425·17/33 = 4/33
/// ```
#[test]
fn three_validators_and_two_miners_by_hand() {
    let result = run(
        &[
            validator(500, &[(3, 1), (4, 1)]),
            validator(300, &[(3, 3), (4, 1)]),
            validator(200, &[(4, 9)]),
            miner(),
            miner(),
        ],
        0,
    );
    assert_close(&result.consensus, &[0.0, 0.0, 0.0, 0.5, 0.5]);
    assert_close(&result.validator_trust, &[1.0, 0.75, 0.5, 0.0, 0.0]);
    assert_close(&result.rank, &[0.0, 0.0, 0.0, 0.4, 0.425]);
    assert_close(
        &result.incentive,
        &[0.0, 0.0, 0.0, 16.0 / 33.0, 17.0 / 33.0],
    );
    assert_close(
        &result.dividend,
        &[20.0 / 33.0, 9.0 / 33.0, 4.0 / 33.0, 0.0, 0.0],
    );
}

/// Weights 1000, 65535, 30000 gave Incentive [0, 678, 44489, 20366] on subtensor's own runtime (spec 293).
#[test]
fn a_lone_validator_gets_what_the_real_chain_gave() {
    let result = run(
        &[
            validator(1, &[(1, 1_000), (2, 65_535), (3, 30_000)]),
            miner(),
            miner(),
            miner(),
        ],
        0,
    );
    let stored: Vec<u16> = result
        .incentive
        .iter()
        .map(|share| (share * 65_535.0) as u16)
        .collect();
    assert_eq!(stored, [0, 678, 44_489, 20_366]);
}

#[test]
fn half_of_the_stake_is_no_minority_at_or_below() {
    // Exactly ½ at or below 0.2 is not more than 1 − κ; the stake above decides.
    assert_eq!(weighted_median(&[(0.2, 5), (0.8, 5)], 0.5), 0.8);
    assert_eq!(weighted_median(&[(0.8, 5), (0.2, 6)], 0.5), 0.2);
    // A majority of 80 % must support a weight: 3 of 10 at or below 0.2 are more than 1 − 0.8.
    assert_eq!(weighted_median(&[(0.2, 3), (0.8, 7)], 0.8), 0.2);
    assert_eq!(weighted_median(&[(0.7, 0)], 0.5), 0.0);
    assert_eq!(weighted_median(&[], 0.5), 0.0);
}

#[test]
fn only_the_owner_may_weigh_itself() {
    let neurons = [
        validator(10, &[(0, 1), (2, 1)]),
        validator(10, &[(0, 1), (1, 2), (2, 1)]),
        miner(),
    ];
    // Uid 1 loses its diagonal: both rows are (½, 0, ½).
    assert_close(&run(&neurons, 0).incentive, &[0.5, 0.0, 0.5]);
    // Uid 0 loses its own: rows (0, 0, 1) and (¼, ½, ¼). Exactly half of the stake is at or below the
    // smaller of each column, so C is the larger and nothing is clipped: R is the mean.
    assert_close(&run(&neurons, 1).incentive, &[0.125, 0.25, 0.625]);
}

#[test]
fn without_a_permit_or_a_target_weights_do_not_count() {
    let mut neurons = [
        validator(10, &[(2, 1), (900, 60_000)]),
        validator(1_000, &[(3, 1)]),
        miner(),
        miner(),
    ];
    neurons[1].permit = false;
    let result = run(&neurons, 0);
    assert_close(&result.incentive, &[0.0, 0.0, 1.0, 0.0]);
    assert_close(&result.dividend, &[1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_minority_tilts_incentive_only_by_withholding() {
    // Honest 60 % say ½, ½; a liar with 40 % gives all to miner 2. Clipped at ½ it still adds 0.2 there:
    // R = 0.3 + 0.2, 0.3, so I = 0.625, 0.375, and the liar's trust is halved.
    let result = run(
        &[
            validator(60, &[(2, 1), (3, 1)]),
            validator(40, &[(2, 1)]),
            miner(),
            miner(),
        ],
        0,
    );
    assert_close(&result.incentive, &[0.0, 0.0, 0.625, 0.375]);
    assert_close(&result.validator_trust, &[1.0, 0.5, 0.0, 0.0]);
}

#[test]
fn permits_go_to_the_largest_stakes_and_the_owner() {
    assert_eq!(
        permits(&[0, 5, 9, 5, 0], Uid(0), 2),
        [true, false, true, true, false]
    );
    assert_eq!(permits(&[0, 5, 0], Uid(2), 64), [false, true, true]);
    assert_eq!(permits(&[], Uid(0), 64), Vec::<bool>::new());
}

fn network() -> impl Strategy<Value = (Vec<TestNeuron>, u16)> {
    (1..8u16).prop_flat_map(|n| {
        let weights = prop::collection::vec((0..n).prop_map(Uid), 0..6).prop_flat_map(|uids| {
            let len = uids.len();
            (Just(uids), prop::collection::vec(any::<u16>(), len))
                .prop_map(|(uids, values)| uids.into_iter().zip(values).collect())
        });
        let stake = prop_oneof![Just(0), 1..5u64, 1..2_000_000_000_000_000u64];
        let neuron = (stake, prop::bool::weighted(0.7), weights).prop_map(
            |(stake, permit, weights): (_, _, BTreeMap<Uid, u16>)| TestNeuron {
                stake,
                permit,
                weights: weights.into_iter().collect(),
            },
        );
        (prop::collection::vec(neuron, usize::from(n)), 0..n)
    })
}

proptest! {
    #[test]
    fn shares_sum_to_one_or_are_all_zero((neurons, owner) in network()) {
        let result = run(&neurons, owner);
        let paid = result.rank.iter().any(|rank| *rank > 0.0);
        for shares in [&result.incentive, &result.dividend] {
            prop_assert!(shares.iter().all(|share| (0.0..=1.0 + 1e-12).contains(share)));
            let sum: f64 = shares.iter().sum();
            prop_assert!((sum - f64::from(u8::from(paid))).abs() < 1e-12);
        }
    }

    /// With bonds that have no memory the two normalisations cancel: D_i = S_i·T_i / ΣR.
    #[test]
    fn dividends_are_stake_times_trust((neurons, owner) in network()) {
        let result = run(&neurons, owner);
        let stakes: Vec<f64> = neurons
            .iter()
            .map(|neuron| if neuron.permit { neuron.stake as f64 } else { 0.0 })
            .collect();
        let earned: Vec<f64> = normalised(&stakes)
            .iter()
            .zip(&result.validator_trust)
            .map(|(share, trust)| share * trust)
            .collect();
        for (dividend, expected) in result.dividend.iter().zip(normalised(&earned)) {
            prop_assert!((dividend - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn new_uids_move_the_results_along(
        ((neurons, owner), order) in network().prop_flat_map(|(neurons, owner)| {
            let order: Vec<usize> = (0..neurons.len()).collect();
            (Just((neurons, owner)), Just(order).prop_shuffle())
        }),
    ) {
        // order[new uid] = old uid
        let renamed = |uid: Uid| {
            let place = order.iter().position(|old| *old == usize::from(uid.0)).unwrap();
            Uid(u16::try_from(place).unwrap())
        };
        let moved: Vec<TestNeuron> = order
            .iter()
            .map(|old| {
                let mut neuron = neurons[*old].clone();
                for (uid, _) in &mut neuron.weights {
                    *uid = renamed(*uid);
                }
                neuron
            })
            .collect();
        let before = run(&neurons, owner);
        let after = run(&moved, renamed(Uid(owner)).0);
        for (new, old) in order.iter().enumerate() {
            for (before, after) in [
                (&before.consensus, &after.consensus),
                (&before.validator_trust, &after.validator_trust),
                (&before.incentive, &after.incentive),
                (&before.dividend, &after.dividend),
            ] {
                prop_assert!((before[*old] - after[new]).abs() < 1e-9);
            }
        }
    }

    /// Honest validators with one opinion h and a share s > ½ of stake: whatever the others submit,
    /// C = h, and as their clipped weights lie between 0 and h, I_j lies between the cases that they
    /// give miner j nothing and all others h, or the other way round. Weight on anybody whom the honest
    /// don't pay is lost.
    #[test]
    fn a_lying_minority_cannot_move_consensus(
        opinion in prop::collection::vec(prop_oneof![Just(0), any::<u16>()], 3),
        honest in prop::collection::vec(100..1_000u64, 2..4),
        liars in prop::collection::vec((0..=50u64, prop::collection::vec(any::<u16>(), 10)), 0..4),
    ) {
        prop_assume!(opinion.iter().any(|value| *value > 0));
        let miners: Vec<u16> = (0..3).collect();
        let row = |values: &[u16]| -> Vec<(u16, u16)> { (0..).zip(values.iter().copied()).collect() };
        let mut neurons: Vec<TestNeuron> = miners.iter().map(|_| miner()).collect();
        neurons.extend(honest.iter().map(|stake| validator(*stake, &row(&opinion))));
        let n = neurons.len() + liars.len();
        neurons.extend(
            liars.iter().map(|(stake, lie)| validator(*stake, &row(&lie[..n.min(lie.len())]))),
        );
        let good: u64 = honest.iter().sum();
        let all: u64 = neurons.iter().map(|neuron| neuron.stake).sum();
        prop_assert!(2 * good > all);

        let result = run(&neurons, 0);
        let values: Vec<f64> = opinion.iter().map(|value| f64::from(*value)).collect();
        let mut opinion = normalised(&values);
        opinion.resize(n, 0.0);
        prop_assert_eq!(&result.consensus, &opinion);
        let s = good as f64 / all as f64;
        for (incentive, h) in result.incentive.iter().zip(&opinion) {
            prop_assert!(s * h / (s * h + 1.0 - h) - 1e-12 <= *incentive);
            prop_assert!(*incentive <= h / (h + s * (1.0 - h)) + 1e-12);
        }
    }

    #[test]
    fn paying_only_friends_is_of_no_use(
        opinion in prop::collection::vec(1..=u16::MAX, 3),
        lie in 1..=u16::MAX,
        stake in 0..200u64,
    ) {
        let row: Vec<(u16, u16)> = (0..).zip(opinion.iter().copied()).collect();
        let values: Vec<f64> = opinion.iter().map(|value| f64::from(*value)).collect();
        let mut expected = normalised(&values);
        expected.resize(7, 0.0);
        let friend = 3;
        let neurons = [
            miner(),
            miner(),
            miner(),
            miner(),
            validator(101, &row),
            validator(100, &row),
            validator(stake, &[(friend, lie)]),
        ];
        let result = run(&neurons, 0);
        for (incentive, expected) in result.incentive.iter().zip(expected) {
            prop_assert!((incentive - expected).abs() < 1e-12);
        }
        prop_assert_eq!(result.dividend[6], 0.0);
    }
}
