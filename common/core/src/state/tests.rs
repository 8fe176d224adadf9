//! Turns, voids, records and weights of a book, from records written by hand. Rounds of one step of five
//! minutes, every half hour, by the live rules.

mod prices;

use super::*;
use crate::forecast::{Forecast, POOL_LEVELS, QuantileForecast};
use crate::hash::{Hex, sha256};
use crate::journal::PriceOrigin;
use crate::miss::MissReason;
use crate::outcome::Outcome;
use crate::pool::Forecaster;
use crate::pool::recalibration::WidthTrials;
use crate::price::Price;
use crate::rules::RulesVersion;
use crate::score::{MetricSums, Score};
use crate::series::{Grid, Series, Unit};
use crate::time::Millis;

const T: UnixMillis = UnixMillis(1_704_067_200_000);
const ANN: Hotkey = Hotkey([1; 32]);
const BOB: Hotkey = Hotkey([2; 32]);
const EVERY: Millis = Millis::minutes(30);

/// Origin number `n`, from 0.
fn origin(n: i64) -> UnixMillis {
    T + EVERY.times(n)
}

/// The book of a journal of `rounds` rounds.
fn state(rounds: i64) -> SeriesState {
    SeriesState::new(Genesis {
        series: Series {
            id: "BTC/USD".parse().unwrap(),
            grid: Grid {
                step: Millis::minutes(5),
                horizon: 1,
            },
            unit: Unit::Value,
        },
        rules: RulesVersion::V1,
        validator: Hotkey([9; 32]),
        first: T,
        end: origin(rounds),
        round_every: EVERY,
        prices: PriceOrigin::Replay {
            sha256: Hex([0; 32]),
        },
    })
}

fn open(state: &mut SeriesState, n: i64) {
    let opened = state.open(origin(n), vec![ANN, BOB], &BTreeMap::new());
    state.apply(&opened.unwrap()).unwrap();
}

fn commit(state: &mut SeriesState, n: i64, miner: Hotkey) {
    let record = Record::Committed {
        round: origin(n),
        miner,
        commitment: Hex([0; 32]),
        arrival: origin(n) - Millis::seconds(10),
        signature: Hex([0; 64]),
        receipt: Hex([0; 64]),
    };
    state.apply(&record).unwrap();
}

fn miss(state: &mut SeriesState, n: i64, miner: Hotkey) {
    let record = Record::Missed {
        round: origin(n),
        miner,
        miss: MissReason::Silent,
    };
    state.apply(&record).unwrap();
}

fn score(scaled_crps: f64) -> Score {
    Score {
        scaled_crps,
        metric_sums: MetricSums::default(),
    }
}

/// Scores a round in which the reference had 0.5, and miners and consensus had these advantages.
fn score_round(
    state: &mut SeriesState,
    n: i64,
    miners: &[(Hotkey, f64)],
    consensus: Option<f64>,
    missed: &[Hotkey],
) {
    score_with_credits(state, n, miners, consensus, missed, &[]);
}

/// The same with what each added to the consensus.
fn score_with_credits(
    state: &mut SeriesState,
    n: i64,
    miners: &[(Hotkey, f64)],
    consensus: Option<f64>,
    missed: &[Hotkey],
    credits: &[(Hotkey, f64)],
) {
    let by = |advantage: f64| score(0.5 - advantage);
    let record = Record::Scored {
        round: origin(n),
        reference: score(0.5),
        consensus: consensus.map(by),
        trials: None,
        miners: miners.iter().map(|(key, a)| (*key, by(*a))).collect(),
        missed: missed.to_vec(),
        credits: credits.iter().copied().collect(),
        fit: FitSnapshot::default(),
    };
    state.apply(&record).unwrap();
}

fn advantages(state: &SeriesState, miner: Hotkey) -> Vec<(UnixMillis, f64)> {
    let track = state.tracks().get(&miner);
    let advantages = track.map_or(&[][..], TrackRecord::advantages);
    advantages.iter().map(|a| (a.origin, a.value)).collect()
}

fn void(n: i64) -> Record {
    Record::Voided {
        round: origin(n),
        why: VoidReason::ValidatorDown,
    }
}

fn settlement() -> Settlement {
    Settlement {
        anchor: Price::new(100.0).ok(),
        volatility: Some(10.0),
        closes: vec![Price::new(104.0).ok()],
    }
}

#[test]
fn rounds_are_opened_in_turn_until_the_end() {
    let mut state = state(2);
    assert_eq!(state.due_actions(T - Millis(15_001)), []);
    assert_eq!(
        state.due_actions(T - Millis::seconds(15)),
        [Action::OpenRound(T)]
    );
    let skipping = state.open(origin(1), vec![ANN], &BTreeMap::new()).unwrap();
    assert_eq!(
        state.apply(&skipping),
        Err(StateError::OutOfOrder(origin(1)))
    );
    open(&mut state, 0);
    let twice = state.open(T, vec![ANN], &BTreeMap::new()).unwrap();
    assert_eq!(state.apply(&twice), Err(StateError::OutOfOrder(T)));
    open(&mut state, 1);
    let actions = state.due_actions(origin(2));
    assert!(
        !actions
            .iter()
            .any(|action| matches!(action, Action::OpenRound(_)))
    );
}

#[test]
fn what_has_a_deadline_comes_first() {
    let mut state = state(2);
    open(&mut state, 0);
    miss(&mut state, 0, ANN);
    miss(&mut state, 0, BOB);
    let now = origin(1) - Millis::seconds(15);
    let settle = Action::Round(T, RoundAction::Settle);
    assert_eq!(
        state.due_actions(now),
        [Action::OpenRound(origin(1)), settle.clone()]
    );
    open(&mut state, 1);
    let actions = state.due_actions(now);
    assert!(matches!(
        actions[0],
        Action::Round(_, RoundAction::RequestCommitments { .. })
    ));
    assert_eq!(actions[1..], [settle]);
}

/// Started 65 minutes after T, between the commitments' deadlines of rounds 2 (T + 60 min − 5 s) and 3.
#[test]
fn rounds_never_opened_are_void_and_the_next_is_open() {
    let mut state = state(10);
    let now = T + Millis::minutes(65);
    let voids = state.voids_on_start(now);
    assert_eq!(voids, [void(0), void(1), void(2)]);
    for record in &voids {
        state.apply(record).unwrap();
    }
    assert_eq!(state.voided().len(), 3);
    assert_eq!(state.voids_on_start(now), []);
    let next = origin(3);
    assert_eq!(
        state.due_actions(next - Millis::seconds(15)),
        [Action::OpenRound(next)]
    );
    assert_eq!(state.apply(&void(0)), Err(StateError::OutOfOrder(T)));
}

#[test]
fn no_round_is_voided_beyond_the_end_or_before_the_deadline() {
    assert_eq!(
        state(2).voids_on_start(T + Millis::days(1)),
        [void(0), void(1)]
    );
    let deadline = T - Millis::seconds(5);
    assert_eq!(state(2).voids_on_start(deadline), []);
    assert_eq!(state(2).voids_on_start(deadline + Millis(1)), [void(0)]);
}

#[test]
fn an_open_round_is_void_on_start_only_if_a_window_was_not_served() {
    let mut served = state(2);
    open(&mut served, 0);
    miss(&mut served, 0, ANN);
    miss(&mut served, 0, BOB);
    let mut expired = state(2);
    open(&mut expired, 0);
    miss(&mut expired, 0, ANN);
    let now = T + Millis::minutes(1);
    assert_eq!(served.voids_on_start(now), []);
    assert_eq!(expired.voids_on_start(now), [void(0)]);
    expired.apply(&void(0)).unwrap();
    assert!(expired.open_rounds().is_empty());
    assert_eq!(expired.due_actions(now), []);
}

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
    let expected = [(T, 0.0), (origin(1), 0.0625), (origin(2), 0.125)];
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
    assert_eq!(state.voided()[&T], VoidReason::ValidatorDown);
}

/// Credits of 0.003 and 0.001 share what is paid ¾ to ¼; a gain of 0.004 of the 0.005 for full pay pays 0.8.
#[test]
fn skill_shown_in_240_rounds_is_pooled_and_paid_for_what_it_adds() {
    let mut state = state(241);
    for n in 0..240 {
        open(&mut state, n);
        assert_eq!(state.weights().burn, 1.0);
        let miners = [(ANN, 0.03), (BOB, 0.014)];
        let credits = [(ANN, 0.003), (BOB, 0.001)];
        score_with_credits(&mut state, n, &miners, Some(0.004), &[], &credits);
    }
    assert_eq!(pooled(&state, origin(240)), [ANN, BOB]);
    let weights = state.weights();
    assert!((weights.share(&ANN) - 0.6).abs() < 1e-9);
    assert!((weights.share(&BOB) - 0.2).abs() < 1e-9);
    assert!((weights.burn - 0.2).abs() < 1e-9);
}

#[test]
fn a_margin_over_the_reference_is_needed_to_be_pooled() {
    let mut state = state(241);
    for n in 0..240 {
        open(&mut state, n);
        score_round(&mut state, n, &[(ANN, 0.0019), (BOB, 0.0021)], None, &[]);
    }
    assert_eq!(pooled(&state, origin(240)), [BOB]);
}

/// The hotkeys of the pool of the next round, at `origin`.
fn pooled(state: &SeriesState, origin: UnixMillis) -> Vec<Hotkey> {
    let opened = state.open(origin, vec![], &BTreeMap::new()).unwrap();
    let Record::Opened { pool, .. } = opened else {
        panic!("opening opens");
    };
    let members = pool.iter().flat_map(|forecaster| forecaster.members.keys());
    members.copied().collect()
}

#[test]
fn the_consensus_of_one_is_its_forecast_or_the_reference_where_it_is_missing() {
    let state = state(1);
    let values = (0..POOL_LEVELS).map(|j| 100.0 + j as f64).collect();
    let forecast = Forecast::quantiles(Unit::Value, 1, POOL_LEVELS, values).unwrap();
    let forecasts = BTreeMap::from([(ANN, forecast.payload().into_bytes())]);
    let scored = |pool: &[Hotkey]| {
        let forecaster = |miner: &Hotkey| Forecaster {
            share: 1.0,
            members: BTreeMap::from([(*miner, 1.0)]),
        };
        let pool: Vec<Forecaster> = pool.iter().map(forecaster).collect();
        let record = state.score(T, &settlement(), &forecasts, &pool, vec![BOB]);
        let Ok(Record::Scored {
            reference,
            consensus,
            miners,
            ..
        }) = record
        else {
            panic!("the round has prices");
        };
        (reference, consensus, miners)
    };
    let (_, consensus, miners) = scored(&[ANN]);
    let (consensus, alone) = (consensus.unwrap(), miners[&ANN].scaled_crps);
    assert!((consensus.scaled_crps - alone).abs() < 1e-9);
    let (reference, consensus, _) = scored(&[BOB]);
    assert!((consensus.unwrap().scaled_crps - reference.scaled_crps).abs() < 1e-3);
    let (_, consensus, _) = scored(&[]);
    assert_eq!(consensus, None);
}

#[test]
fn a_stored_payload_that_is_no_forecast_is_named() {
    let forecasts = BTreeMap::from([(ANN, b"rubbish".to_vec())]);
    let found = state(1).score(T, &settlement(), &forecasts, &[], vec![]);
    assert!(matches!(
        found,
        Err(StateError::InvalidPayload { miner: ANN, .. })
    ));
}

#[test]
fn records_of_rounds_that_are_not_open_are_refused() {
    let mut state = state(1);
    let settled = Record::Settled {
        round: T,
        settlement: settlement(),
    };
    assert_eq!(state.apply(&settled), Err(StateError::RoundNotOpen(T)));
    let failed = RoundEvent::Failed {
        miner: ANN,
        miss: MissReason::Silent,
    };
    assert_eq!(state.decide(T, failed), Err(StateError::RoundNotOpen(T)));
    let duplicate = Record::Genesis(state.genesis().clone());
    assert_eq!(state.apply(&duplicate), Err(StateError::DuplicateGenesis));
}

#[test]
fn signed_weights_wait_for_their_own_confirmation() {
    let mut state = state(1);
    let hash = sha256(b"0xabcd");
    let included = |hash| Record::WeightsIncluded { hash, block: 7 };
    assert_eq!(
        state.apply(&included(hash)),
        Err(StateError::NoUnconfirmedWeights)
    );
    let signed = Record::WeightsSigned {
        uids: vec![],
        values: vec![],
        extrinsic: "0xabcd".into(),
        hash,
    };
    state.apply(&signed).unwrap();
    assert_eq!(state.unconfirmed().map(|w| w.hash), Some(hash));
    let mut other = state.clone();
    let refused = other.apply(&included(sha256(b"other")));
    assert_eq!(refused, Err(StateError::NoUnconfirmedWeights));
    assert_eq!(other.unconfirmed().map(|w| w.hash), Some(hash));
    state.apply(&included(hash)).unwrap();
    assert_eq!((state.unconfirmed(), state.times_weights_set()), (None, 1));
}

/// A consensus that is too narrow, round after round, until it is widened; then the book is made again from what the
/// journal holds.
#[test]
fn a_rebuilt_state_widens_the_consensus_as_the_first_one_did() {
    const ROUNDS: i64 = 600;
    let rules = RulesVersion::V1.rules();
    let mut first = state(ROUNDS + 1);
    let mut journal = Vec::new();
    let mut apply = |state: &mut SeriesState, record: Record| {
        journal.push(serde_json::to_string(&record).unwrap());
        state.apply(&record).unwrap();
    };
    for n in 0..=ROUNDS {
        let opened = first.open(origin(n), vec![ANN], &BTreeMap::new()).unwrap();
        apply(&mut first, opened);
        if n == ROUNDS {
            break;
        }
        let narrow = (0..39).map(|k| 0.7 * (f64::from(2 * k + 1) / 39.0 - 1.0));
        let outcome = Outcome {
            volatility: 1.0,
            moves: vec![Some(((n * 37) % 101) as f64 / 50.0 - 1.0)],
        };
        let trials = WidthTrials::evaluate(
            &QuantileForecast::from_moves(39, narrow.collect()),
            &outcome,
            &rules.score,
        );
        let scored = Record::Scored {
            round: origin(n),
            reference: score(0.5),
            consensus: Some(score(0.4)),
            trials,
            miners: BTreeMap::new(),
            missed: Vec::new(),
            credits: BTreeMap::new(),
            fit: FitSnapshot::default(),
        };
        apply(&mut first, scored);
    }
    let mut second = state(ROUNDS + 1);
    for line in &journal {
        second.apply(&serde_json::from_str(line).unwrap()).unwrap();
    }
    let widths = |state: &SeriesState| state.recalibration().factors_of_round(origin(ROUNDS));
    assert!(!widths(&first).is_unchanged());
    assert_eq!(widths(&second), widths(&first));
}
