//! From scores to the pool, the consensus and the weights.

use super::*;
use crate::forecast::{Forecast, POOL_LEVELS, QuantileForecast};
use crate::outcome::Outcome;
use crate::pool::Forecaster;
use crate::pool::recalibration::WidthTrials;

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
        let record = state.score(MONDAY, &settlement(), &forecasts, &pool, vec![BOB]);
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
    let found = state(1).score(MONDAY, &settlement(), &forecasts, &[], vec![]);
    assert!(matches!(
        found,
        Err(StateError::InvalidPayload { miner: ANN, .. })
    ));
}

/// A consensus that is too narrow, round after round, until it is widened; then the state is made again from what the
/// journal holds.
#[test]
fn a_rebuilt_state_widens_the_consensus_as_the_first_one_did() {
    const ROUNDS: i64 = 600;
    let rules = RulesVersion::V1.rules();
    let mut first = state(ROUNDS as usize + 1);
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
    let mut second = state(ROUNDS as usize + 1);
    for line in &journal {
        second.apply(&serde_json::from_str(line).unwrap()).unwrap();
    }
    let widths = |state: &SeriesState| state.recalibration().factors_of_round(origin(ROUNDS));
    assert!(!widths(&first).is_unchanged());
    assert_eq!(widths(&second), widths(&first));
}
