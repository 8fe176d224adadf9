//! The ledger's rules, its arithmetic to the last rao, and its memory.

use std::num::NonZeroU16;

use foretell_keys::keypair::Keypair;
use proptest::prelude::*;

use super::*;
use crate::emission::RAO_PER_BLOCK;

fn key(seed: u8) -> Keypair {
    Keypair::from_seed(&[seed; 32])
}

fn hotkey(seed: u8) -> Hotkey {
    key(seed).hotkey()
}

fn weights(seed: u8, nonce: u64, pairs: &[(u16, u16)]) -> SignedWeights {
    versioned_weights(seed, nonce, pairs, 0)
}

fn versioned_weights(
    seed: u8,
    nonce: u64,
    pairs: &[(u16, u16)],
    version_key: u64,
) -> SignedWeights {
    let key = key(seed);
    SignedWeights::sign(
        key.hotkey(),
        pairs.iter().map(|(uid, _)| Uid(*uid)).collect(),
        pairs.iter().map(|(_, value)| *value).collect(),
        version_key,
        nonce,
        |bytes| key.sign(bytes).0,
    )
}

/// Owner 0 without stake, validator 1, miners 2 and 3; seeds are uids.
fn network() -> Ledger {
    let mut ledger = Ledger::genesis(Hyperparameters::default(), hotkey(0), hotkey(100).into());
    for uid in 1..4 {
        assert_eq!(
            ledger.register(hotkey(uid), hotkey(uid).into()),
            Ok(Uid(uid.into()))
        );
    }
    ledger.stake(hotkey(1), 1_000).unwrap();
    ledger
}

#[test]
fn the_owner_comes_first_and_nobody_comes_twice() {
    let mut ledger = network();
    ledger.advance_to(Block::new(7));
    let before = ledger.clone();
    assert_eq!(ledger.register(hotkey(2), hotkey(55).into()), Ok(Uid(2)));
    assert_eq!(ledger, before);
    assert_eq!(ledger.register(hotkey(4), hotkey(55).into()), Ok(Uid(4)));

    let metagraph = ledger.metagraph();
    assert_eq!(metagraph.owner, Uid(0));
    assert_eq!(metagraph.neurons[0].hotkey, hotkey(0));
    assert_eq!(metagraph.neurons[0].coldkey, hotkey(100).into());
    let newcomer = metagraph.neuron(hotkey(4)).unwrap();
    assert_eq!(
        (newcomer.uid, newcomer.last_update),
        (Uid(4), Block::new(7))
    );
    assert_eq!(metagraph.neuron(hotkey(9)), None);
}

#[test]
fn permits_follow_stake_at_once() {
    let rules = Hyperparameters {
        max_validators: 1,
        ..Hyperparameters::default()
    };
    let mut ledger = Ledger::genesis(rules, hotkey(0), hotkey(0).into());
    ledger.register(hotkey(1), hotkey(1).into()).unwrap();
    ledger.register(hotkey(2), hotkey(2).into()).unwrap();
    let permits = |ledger: &Ledger| -> Vec<bool> {
        let neurons = ledger.metagraph().neurons;
        neurons.iter().map(|neuron| neuron.permit).collect()
    };
    assert_eq!(permits(&ledger), [true, false, false]);
    ledger.stake(hotkey(1), 10).unwrap();
    assert_eq!(permits(&ledger), [true, true, false]);
    ledger.stake(hotkey(2), 11).unwrap();
    assert_eq!(permits(&ledger), [true, false, true]);
    assert_eq!(
        ledger.submit(&weights(1, 1, &[(2, 1)])),
        Err(ChainRefusal::NoPermit {
            uid: Uid(1),
            max_validators: 1
        })
    );
}

#[test]
fn an_axon_must_be_reachable() {
    let mut ledger = network();
    let good: SocketAddr = "127.0.0.1:8091".parse().unwrap();
    assert_eq!(ledger.serve_axon(hotkey(2), good), Ok(()));
    assert_eq!(ledger.metagraph().neurons[2].axon, Some(good));
    for bad in ["127.0.0.1:0", "0.0.0.0:8091", "[::]:8091"] {
        let bad = bad.parse().unwrap();
        assert_eq!(
            ledger.serve_axon(hotkey(2), bad),
            Err(ChainRefusal::InvalidAxon(bad))
        );
    }
    assert_eq!(
        ledger.serve_axon(hotkey(9), good),
        Err(ChainRefusal::NotRegistered(hotkey(9)))
    );
}

#[test]
fn every_fault_of_weights_has_its_refusal() {
    let mut ledger = network();
    ledger.hyperparameters.version_key = 3;
    let good = |pairs: &[(u16, u16)]| versioned_weights(1, 1, pairs, 3);
    let mut forged = good(&[(2, 1)]);
    forged.values = vec![2];
    let key = key(1);
    let unequal = SignedWeights::sign(hotkey(1), vec![Uid(2)], vec![1, 2], 3, 1, |bytes| {
        key.sign(bytes).0
    });
    let cases = [
        (
            weights(9, 1, &[(2, 1)]),
            ChainRefusal::NotRegistered(hotkey(9)),
        ),
        (forged, ChainRefusal::BadSignature(hotkey(1))),
        (unequal, ChainRefusal::UnequalLengths { uids: 1, values: 2 }),
        (
            versioned_weights(1, 1, &[(2, 1)], 2),
            ChainRefusal::OutdatedVersionKey {
                found: 2,
                required: 3,
            },
        ),
        (
            versioned_weights(3, 1, &[(2, 1)], 3),
            ChainRefusal::NoPermit {
                uid: Uid(3),
                max_validators: 64,
            },
        ),
        (good(&[(2, 1), (2, 1)]), ChainRefusal::DuplicateUid(Uid(2))),
        (good(&[(2, 1), (4, 1)]), ChainRefusal::UnknownUid(Uid(4))),
        (good(&[(2, 0), (3, 0)]), ChainRefusal::AllZero),
        (good(&[]), ChainRefusal::AllZero),
    ];
    let before = ledger.clone();
    for (weights, refusal) in cases {
        assert_eq!(ledger.submit(&weights), Err(refusal));
        assert_eq!(ledger, before);
    }
    assert!(ledger.submit(&good(&[(2, 1)])).is_ok());
}

#[test]
fn the_rate_limit_counts_from_weights_and_not_from_registration() {
    let mut ledger = network();
    ledger.advance_to(Block::new(50));
    ledger.submit(&weights(1, 1, &[(2, 1)])).unwrap();
    assert_eq!(ledger.metagraph().neurons[1].last_update, Block::new(50));
    let next = weights(1, 2, &[(3, 1)]);
    ledger.advance_to(Block::new(149));
    assert_eq!(
        ledger.submit(&next),
        Err(ChainRefusal::RateLimited { blocks_left: 1 })
    );
    ledger.advance_to(Block::new(150));
    assert_eq!(
        ledger.submit(&next).map(|found| found.block),
        Ok(Block::new(150))
    );
}

#[test]
fn the_same_submission_is_never_applied_twice() {
    let mut ledger = network();
    ledger.advance_to(Block::new(3));
    let first = weights(1, 1, &[(2, 1)]);
    let inclusion = ledger.submit(&first).unwrap();
    assert_eq!(inclusion.hash, first.hash());
    assert_eq!(ledger.find(first.hash()), Some(Block::new(3)));

    ledger.advance_to(Block::new(200));
    let before = ledger.clone();
    assert_eq!(ledger.submit(&first), Ok(inclusion));
    assert_eq!(ledger, before);

    let other = weights(1, 1, &[(3, 1)]);
    assert_eq!(ledger.find(other.hash()), None);
    assert_eq!(
        ledger.submit(&other),
        Err(ChainRefusal::StaleNonce { found: 1, last: 1 })
    );
}

#[test]
fn a_submission_too_old_to_be_remembered_is_stale() {
    let mut ledger = network();
    ledger.hyperparameters.weights_rate_limit = 0;
    let all: Vec<SignedWeights> = (0..65).map(|nonce| weights(1, nonce, &[(2, 1)])).collect();
    for weights in &all {
        ledger.submit(weights).unwrap();
    }
    assert_eq!(ledger.find(all[1].hash()), Some(Block::FIRST));
    assert_eq!(ledger.find(all[0].hash()), None);
    assert_eq!(
        ledger.submit(&all[0]),
        Err(ChainRefusal::StaleNonce { found: 0, last: 64 })
    );
}

#[test]
fn an_epoch_runs_at_each_multiple_of_the_tempo() {
    let mut ledger = network();
    ledger.advance_to(Block::new(359));
    assert_eq!(ledger.supply(), Supply::default());
    // Without weights, 82 % of 360 alpha burn.
    ledger.advance_to(Block::new(360));
    let quiet = Supply {
        issued: 360 * RAO_PER_BLOCK,
        owner: 64_800_000_000,
        burned: 295_200_000_000,
        ..Supply::default()
    };
    assert_eq!(ledger.supply(), quiet);
    ledger.advance_to(Block::new(12));
    assert_eq!((ledger.block(), ledger.supply()), (Block::new(360), quiet));

    // A quarter to the owner's uid burns; 147.6 alpha are each half's pot.
    ledger
        .submit(&weights(1, 1, &[(0, 1), (2, 2), (3, 1)]))
        .unwrap();
    ledger.advance_to(Block::new(1_100));
    let neurons = ledger.metagraph().neurons;
    let paid: Vec<u64> = neurons.iter().map(|neuron| neuron.emission).collect();
    assert_eq!(paid, [0, 295_200_000_000, 147_600_000_000, 73_800_000_000]);
    let incentive: Vec<u16> = neurons.iter().map(|neuron| neuron.incentive).collect();
    assert_eq!(incentive, [16_383, 0, 32_767, 16_383]);
    assert_eq!(neurons[1].dividend, u16::MAX);
    assert_eq!(
        ledger.supply(),
        Supply {
            issued: 1_080 * RAO_PER_BLOCK,
            owner: 3 * 64_800_000_000,
            validators: 295_200_000_000,
            miners: 221_400_000_000,
            burned: quiet.burned + 73_800_000_000,
        }
    );
}

/// A full subnet of four: owner 0, validator 1, miners 2 and 3, all past their immunity at block 10.
fn full_network() -> Ledger {
    let rules = Hyperparameters {
        tempo: NonZeroU16::new(10).unwrap(),
        weights_rate_limit: 0,
        max_uids: 4,
        immunity_period: 10,
        ..Hyperparameters::default()
    };
    let mut ledger = Ledger::genesis(rules, hotkey(0), hotkey(100).into());
    for uid in 1..4 {
        ledger.register(hotkey(uid), hotkey(uid).into()).unwrap();
    }
    ledger.stake(hotkey(1), 1_000).unwrap();
    ledger.submit(&weights(1, 1, &[(2, 3), (3, 1)])).unwrap();
    ledger.advance_to(Block::new(10));
    ledger
}

#[test]
fn a_newcomer_to_a_full_subnet_takes_the_place_of_the_least_paid_and_nothing_else_of_it() {
    let mut ledger = full_network();
    let before = ledger.metagraph().neurons;
    assert!(before[3].emission > 0 && before[3].emission < before[2].emission);
    assert_eq!(ledger.register(hotkey(4), hotkey(4).into()), Ok(Uid(3)));
    let after = ledger.metagraph().neurons;
    assert_eq!((after[3].hotkey, after[3].emission), (hotkey(4), 0));
    // The weight that miner 3 had doesn't pay its successor.
    ledger.advance_to(Block::new(20));
    let incentive: Vec<u16> = ledger
        .metagraph()
        .neurons
        .iter()
        .map(|n| n.incentive)
        .collect();
    assert_eq!(incentive, [0, 0, u16::MAX, 0]);
    // Now the newcomer is the least paid, but for ten blocks nobody can take its place: miner 2 has to go.
    assert_eq!(ledger.block(), Block::new(20));
    ledger.register(hotkey(5), hotkey(5).into()).unwrap();
    assert_eq!(ledger.metagraph().neurons[3].hotkey, hotkey(5));
}

#[test]
fn immunity_protects_newcomers_while_others_can_leave() {
    let mut ledger = full_network();
    ledger.advance_to(Block::new(15));
    assert_eq!(ledger.register(hotkey(4), hotkey(4).into()), Ok(Uid(3)));
    // Uid 3 is immune until block 25; miner 2 is paid less than the validator.
    ledger.advance_to(Block::new(24));
    let pruned_uid = ledger.pruned_uid().unwrap();
    assert_ne!(pruned_uid, Uid(3));
    ledger.advance_to(Block::new(25));
    assert_eq!(ledger.pruned_uid(), Some(Uid(3)));
}

#[test]
fn coming_back_costs_the_price_of_the_day_and_finds_what_was_left() {
    let mut ledger = full_network();
    ledger.stake(hotkey(3), 7).unwrap();
    let earned = ledger.metagraph().neurons[3].emission;
    let first = ledger.spent_on_registration(hotkey(3));
    ledger.register(hotkey(4), hotkey(4).into()).unwrap();
    assert_eq!(ledger.metagraph().neuron(hotkey(3)), None);
    ledger.advance_to(Block::new(40));
    let price = ledger.registration_price();
    let uid = ledger.register(hotkey(3), hotkey(3).into()).unwrap();
    assert_eq!(ledger.spent_on_registration(hotkey(3)), first + price);
    let neuron = ledger.metagraph().neurons[usize::from(uid.0)].clone();
    assert_eq!((neuron.stake, neuron.emission), (7, earned));
    assert!(ledger.registration_price() > price);
    // A registered hotkey pays nothing for asking again.
    ledger.register(hotkey(3), hotkey(3).into()).unwrap();
    assert_eq!(ledger.spent_on_registration(hotkey(3)), first + price);
}

#[test]
fn bonds_remember_who_found_a_miner_first() {
    let mut ledger = network();
    ledger.hyperparameters.weights_rate_limit = 0;
    ledger.register(hotkey(4), hotkey(4).into()).unwrap();
    ledger.stake(hotkey(4), 1_000).unwrap();
    ledger.submit(&weights(1, 1, &[(2, 1), (3, 1)])).unwrap();
    ledger.submit(&weights(4, 2, &[(3, 1)])).unwrap();
    ledger.advance_to(Block::new(360));
    ledger.submit(&weights(1, 3, &[(2, 1)])).unwrap();
    ledger.submit(&weights(4, 4, &[(2, 1)])).unwrap();
    ledger.advance_to(Block::new(720));
    // Both give miner 2 everything now; the first held all of it before: 0.1·½ + 0.9 = 0.95.
    let neurons = ledger.metagraph().neurons;
    assert_eq!(neurons[1].dividend, 62_258);
    assert_eq!(neurons[4].dividend, 3_276);
}

/// What anybody may do to a ledger.
#[derive(Debug, Clone)]
enum Operation {
    Register(u8),
    Stake(u8, u64),
    Submit(u8, Vec<(u16, u16)>),
    Pass(u64),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let pairs = prop::collection::vec((0..8u16, any::<u16>()), 1..5);
    let operation = prop_oneof![
        1 => (0..8u8).prop_map(Operation::Register),
        1 => (0..8u8, 0..1_000_000_000_000u64).prop_map(|(who, rao)| Operation::Stake(who, rao)),
        3 => (0..8u8, pairs).prop_map(|(who, pairs)| Operation::Submit(who, pairs)),
        2 => (0..60u64).prop_map(Operation::Pass),
    ];
    prop::collection::vec(operation, 0..40)
}

/// A ledger with a short tempo after the operations, refusals included.
fn after(operations: &[Operation]) -> Ledger {
    let rules = Hyperparameters {
        tempo: NonZeroU16::new(7).unwrap(),
        weights_rate_limit: 5,
        max_validators: 3,
        max_uids: 6,
        immunity_period: 20,
        ..Hyperparameters::default()
    };
    let mut ledger = Ledger::genesis(rules, hotkey(0), hotkey(0).into());
    for uid in 1..5 {
        ledger.register(hotkey(uid), hotkey(uid).into()).unwrap();
        ledger
            .stake(hotkey(uid), u64::from(uid) * RAO_PER_BLOCK)
            .unwrap();
    }
    for (nonce, operation) in (0..).zip(operations) {
        match operation {
            Operation::Register(who) => ledger
                .register(hotkey(*who), hotkey(*who).into())
                .map(|_| ())
                .unwrap(),
            Operation::Stake(who, rao) => drop(ledger.stake(hotkey(*who), *rao)),
            Operation::Submit(who, pairs) => drop(ledger.submit(&weights(*who, nonce, pairs))),
            Operation::Pass(blocks) => ledger.advance_to(ledger.block() + *blocks),
        }
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_rao_issued_is_somewhere(operations in operations()) {
        let ledger = after(&operations);
        let supply = ledger.supply();
        prop_assert_eq!(supply.issued, ledger.block().get() / 7 * 7 * RAO_PER_BLOCK);
        prop_assert_eq!(
            supply.owner + supply.validators + supply.miners + supply.burned,
            supply.issued
        );
        let present: u64 = ledger.metagraph().neurons.iter().map(|neuron| neuron.emission).sum();
        let gone: u64 = ledger.deregistered.values().map(|balance| balance.emission).sum();
        prop_assert_eq!(present + gone, supply.validators + supply.miners);
        let spent = (0..8u8).map(|who| ledger.spent_on_registration(hotkey(who)));
        prop_assert_eq!(spent.sum::<u64>(), ledger.burned_for_registration());
    }

    #[test]
    fn nobody_is_made_or_lost_by_replacing(operations in operations()) {
        let ledger = after(&operations);
        let neurons = ledger.metagraph().neurons;
        prop_assert!(neurons.len() <= 6);
        prop_assert_eq!(neurons[0].hotkey, hotkey(0));
        let present: std::collections::BTreeSet<Hotkey> = neurons.iter().map(|n| n.hotkey).collect();
        prop_assert_eq!(present.len(), neurons.len());
        prop_assert!(ledger.deregistered.keys().all(|hotkey| !present.contains(hotkey)));
        let n = u16::try_from(neurons.len()).unwrap();
        let targets = ledger.accounts.iter().flat_map(|account| account.weights.iter().chain(&account.bonds));
        prop_assert!(targets.into_iter().all(|(uid, _)| uid.0 < n));
    }

    #[test]
    fn blocks_may_pass_in_any_number_of_steps(operations in operations(), steps in prop::collection::vec(0..40u64, 0..6)) {
        let mut walking = after(&operations);
        let mut leaping = walking.clone();
        for step in &steps {
            walking.advance_to(walking.block() + *step);
        }
        leaping.advance_to(leaping.block() + steps.iter().sum::<u64>());
        prop_assert_eq!(walking, leaping);
    }

    #[test]
    fn a_ledger_survives_json(operations in operations()) {
        let ledger = after(&operations);
        let text = serde_json::to_string(&ledger).unwrap();
        prop_assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
    }
}
