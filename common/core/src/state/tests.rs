//! Turns, voids, track records and weights of a state, from records written by hand. Rounds of one step of five
//! minutes, every half hour, by the live rules.

mod prices;
mod refused_records;
mod schedule;
mod scoring;
mod tracks;

use super::*;
use crate::hash::Hex;
use crate::journal::Record;
use crate::miss::MissReason;
use crate::rules::RulesVersion;
use crate::score::{MetricSums, Score};
use crate::series::{Series, Unit};
use crate::settle::{Settlement, VoidReason};
use crate::testing::{MONDAY, btc_usd, hotkey, replay_genesis};
use crate::time::Millis;

const ANN: Hotkey = hotkey(1);
const BOB: Hotkey = hotkey(2);
const EVERY: Millis = Millis::minutes(30);

/// Origin number `n`, from 0.
fn origin(n: i64) -> UnixMillis {
    MONDAY + EVERY.times(n)
}

/// The state of a journal of `rounds` rounds that has just begun.
fn state(rounds: usize) -> SeriesState {
    SeriesState::new(genesis(rounds))
}

fn genesis(rounds: usize) -> Genesis {
    let series = Series {
        unit: Unit::Value,
        ..btc_usd(1)
    };
    Genesis {
        rules: RulesVersion::V1,
        ..replay_genesis(series, MONDAY, rounds, EVERY)
    }
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

/// The same with each miner's credit.
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

/// Rounds `first` to `last`, void because nobody opened them.
fn stretch(first: i64, last: i64) -> Record {
    Record::VoidedStretch {
        round: origin(first),
        last: origin(last),
        why: VoidReason::ValidatorDown,
    }
}

/// Anchor 100, σ = 10, the only close 104.
fn settlement() -> Settlement {
    crate::testing::settlement(100.0, 10.0, &[104.0])
}
