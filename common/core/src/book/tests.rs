//! Turns, voids, records and weights of a book, from records written by hand. Rounds of one step of five
//! minutes, every half hour, by the live rules.

mod prices;

use super::*;
use crate::attest::{Hex, sha256};
use crate::forecast::{Fan, Forecast, POOL_LEVELS};
use crate::journal::PriceOrigin;
use crate::price::Price;
use crate::round::Miss;
use crate::rules::RulesVersion;
use crate::score::{Outcome, Score, Tally};
use crate::series::{Grid, Series, Unit};
use crate::time::Millis;
use crate::weigh::PoolEntry;
use crate::weigh::recalibration::Trials;

const T: UnixMillis = UnixMillis(1_704_067_200_000);
const ANN: Hotkey = Hotkey([1; 32]);
const BOB: Hotkey = Hotkey([2; 32]);
const EVERY: Millis = Millis::minutes(30);

/// Origin number `n`, from 0.
fn origin(n: i64) -> UnixMillis {
    T + EVERY.times(n)
}

/// The book of a journal of `rounds` rounds.
fn book(rounds: i64) -> Book {
    Book::new(Charter {
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

fn open(book: &mut Book, n: i64) {
    let opened = book.open(origin(n), vec![ANN, BOB], &BTreeMap::new());
    book.apply(&opened.unwrap()).unwrap();
}

fn commit(book: &mut Book, n: i64, miner: Hotkey) {
    let record = Record::Committed {
        round: origin(n),
        miner,
        commitment: Hex([0; 32]),
        arrival: origin(n) - Millis::seconds(10),
        signature: Hex([0; 64]),
        receipt: Hex([0; 64]),
    };
    book.apply(&record).unwrap();
}

fn miss(book: &mut Book, n: i64, miner: Hotkey) {
    let record = Record::Missed {
        round: origin(n),
        miner,
        miss: Miss::Silent,
    };
    book.apply(&record).unwrap();
}

fn score(scaled_crps: f64) -> Score {
    Score {
        scaled_crps,
        tally: Tally::default(),
    }
}

/// Scores a round in which the reference had 0.5, and miners and consensus had these advantages.
fn score_round(
    book: &mut Book,
    n: i64,
    miners: &[(Hotkey, f64)],
    consensus: Option<f64>,
    missed: &[Hotkey],
) {
    score_with_credits(book, n, miners, consensus, missed, &[]);
}

/// The same with what each added to the consensus.
fn score_with_credits(
    book: &mut Book,
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
        fit: Snapshot::default(),
    };
    book.apply(&record).unwrap();
}

fn advantages(book: &Book, miner: Hotkey) -> Vec<(UnixMillis, f64)> {
    let track = book.tracks().get(&miner);
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
    let mut book = book(2);
    assert_eq!(book.wants(T - Millis(15_001)), []);
    assert_eq!(book.wants(T - Millis::seconds(15)), [Task::Open(T)]);
    let skipping = book.open(origin(1), vec![ANN], &BTreeMap::new()).unwrap();
    assert_eq!(book.apply(&skipping), Err(BookError::OutOfTurn(origin(1))));
    open(&mut book, 0);
    let twice = book.open(T, vec![ANN], &BTreeMap::new()).unwrap();
    assert_eq!(book.apply(&twice), Err(BookError::OutOfTurn(T)));
    open(&mut book, 1);
    let tasks = book.wants(origin(2));
    assert!(!tasks.iter().any(|task| matches!(task, Task::Open(_))));
}

#[test]
fn what_has_a_deadline_comes_first() {
    let mut book = book(2);
    open(&mut book, 0);
    miss(&mut book, 0, ANN);
    miss(&mut book, 0, BOB);
    let now = origin(1) - Millis::seconds(15);
    let settle = Task::Round(T, Want::Settlement);
    assert_eq!(book.wants(now), [Task::Open(origin(1)), settle.clone()]);
    open(&mut book, 1);
    let tasks = book.wants(now);
    assert!(matches!(tasks[0], Task::Round(_, Want::Commitments { .. })));
    assert_eq!(tasks[1..], [settle]);
}

/// Started 65 minutes after T, between the commitments' deadlines of rounds 2 (T + 60 min − 5 s) and 3.
#[test]
fn rounds_slept_through_are_void_and_the_next_is_open() {
    let mut book = book(10);
    let now = T + Millis::minutes(65);
    let voids = book.voids_on_start(now);
    assert_eq!(voids, [void(0), void(1), void(2)]);
    for record in &voids {
        book.apply(record).unwrap();
    }
    assert_eq!(book.voided().len(), 3);
    assert_eq!(book.voids_on_start(now), []);
    let next = origin(3);
    assert_eq!(book.wants(next - Millis::seconds(15)), [Task::Open(next)]);
    assert_eq!(book.apply(&void(0)), Err(BookError::OutOfTurn(T)));
}

#[test]
fn nothing_is_slept_through_beyond_the_end_or_before_the_deadline() {
    assert_eq!(
        book(2).voids_on_start(T + Millis::days(1)),
        [void(0), void(1)]
    );
    let deadline = T - Millis::seconds(5);
    assert_eq!(book(2).voids_on_start(deadline), []);
    assert_eq!(book(2).voids_on_start(deadline + Millis(1)), [void(0)]);
}

#[test]
fn an_open_round_is_void_on_start_only_if_a_window_was_not_served() {
    let mut served = book(2);
    open(&mut served, 0);
    miss(&mut served, 0, ANN);
    miss(&mut served, 0, BOB);
    let mut neglected = book(2);
    open(&mut neglected, 0);
    miss(&mut neglected, 0, ANN);
    let now = T + Millis::minutes(1);
    assert_eq!(served.voids_on_start(now), []);
    assert_eq!(neglected.voids_on_start(now), [void(0)]);
    neglected.apply(&void(0)).unwrap();
    assert!(neglected.open_rounds().is_empty());
    assert_eq!(neglected.wants(now), []);
}

#[test]
fn a_miss_counts_from_the_first_commitment_on() {
    let mut book = book(3);
    for n in 0..3 {
        open(&mut book, n);
    }
    commit(&mut book, 1, ANN);
    for n in 0..3 {
        score_round(&mut book, n, &[], None, &[ANN, BOB]);
    }
    let counted = [(origin(1), -0.15), (origin(2), -0.15)];
    assert_eq!(advantages(&book, ANN), counted);
    assert_eq!(advantages(&book, BOB), []);
    assert_eq!(book.reference_track().rounds(), 3);
}

#[test]
fn rounds_scored_out_of_order_make_the_same_record() {
    let run = |order: [i64; 3]| {
        let mut book = book(3);
        for n in 0..3 {
            open(&mut book, n);
            commit(&mut book, n, ANN);
        }
        // Binary fractions: sums are exact in any order.
        for n in order {
            score_round(&mut book, n, &[(ANN, n as f64 / 16.0)], None, &[BOB]);
        }
        book
    };
    let (straight, mixed) = (run([0, 1, 2]), run([2, 0, 1]));
    let expected = [(T, 0.0), (origin(1), 0.0625), (origin(2), 0.125)];
    assert_eq!(advantages(&mixed, ANN), expected);
    assert_eq!(mixed.tracks(), straight.tracks());
    assert_eq!(mixed.weights(), straight.weights());
}

#[test]
fn a_void_round_counts_for_nobody() {
    let mut book = book(1);
    open(&mut book, 0);
    commit(&mut book, 0, ANN);
    book.apply(&void(0)).unwrap();
    assert_eq!(advantages(&book, ANN), []);
    assert_eq!(book.reference_track().rounds(), 0);
    assert_eq!(book.voided()[&T], VoidReason::ValidatorDown);
}

/// Credits of 0.003 and 0.001 share what is paid ¾ to ¼; a gain of 0.004 of the 0.005 for full pay pays 0.8.
#[test]
fn skill_shown_in_240_rounds_is_pooled_and_paid_for_what_it_adds() {
    let mut book = book(241);
    for n in 0..240 {
        open(&mut book, n);
        assert_eq!(book.weights().burn, 1.0);
        let miners = [(ANN, 0.03), (BOB, 0.014)];
        let credits = [(ANN, 0.003), (BOB, 0.001)];
        score_with_credits(&mut book, n, &miners, Some(0.004), &[], &credits);
    }
    assert_eq!(pooled(&book, origin(240)), [ANN, BOB]);
    let weights = book.weights();
    assert!((weights.share(&ANN) - 0.6).abs() < 1e-9);
    assert!((weights.share(&BOB) - 0.2).abs() < 1e-9);
    assert!((weights.burn - 0.2).abs() < 1e-9);
}

#[test]
fn a_margin_over_the_reference_is_needed_to_be_pooled() {
    let mut book = book(241);
    for n in 0..240 {
        open(&mut book, n);
        score_round(&mut book, n, &[(ANN, 0.0019), (BOB, 0.0021)], None, &[]);
    }
    assert_eq!(pooled(&book, origin(240)), [BOB]);
}

/// The hotkeys of the pool of the next round, at `origin`.
fn pooled(book: &Book, origin: UnixMillis) -> Vec<Hotkey> {
    let opened = book.open(origin, vec![], &BTreeMap::new()).unwrap();
    let Record::Opened { pool, .. } = opened else {
        panic!("opening opens");
    };
    let members = pool.iter().flat_map(|entry| entry.members.keys());
    members.copied().collect()
}

#[test]
fn the_consensus_of_one_is_its_forecast_or_the_reference_where_it_is_missing() {
    let book = book(1);
    let values = (0..POOL_LEVELS).map(|j| 100.0 + j as f64).collect();
    let forecast = Forecast::quantiles(Unit::Value, 1, POOL_LEVELS, values).unwrap();
    let forecasts = BTreeMap::from([(ANN, forecast.payload().into_bytes())]);
    let scored = |pool: &[Hotkey]| {
        let entry = |miner: &Hotkey| PoolEntry {
            share: 1.0,
            members: BTreeMap::from([(*miner, 1.0)]),
        };
        let pool: Vec<PoolEntry> = pool.iter().map(entry).collect();
        let record = book.score(T, &settlement(), &forecasts, &pool, vec![BOB]);
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
    let found = book(1).score(T, &settlement(), &forecasts, &[], vec![]);
    assert!(matches!(found, Err(BookError::Payload { miner: ANN, .. })));
}

#[test]
fn records_of_rounds_that_are_not_open_are_refused() {
    let mut book = book(1);
    let settled = Record::Settled {
        round: T,
        settlement: settlement(),
    };
    assert_eq!(book.apply(&settled), Err(BookError::NoRound(T)));
    let failed = Event::Failed {
        miner: ANN,
        miss: Miss::Silent,
    };
    assert_eq!(book.decide(T, failed), Err(BookError::NoRound(T)));
    let began = Record::Began(book.charter().clone());
    assert_eq!(book.apply(&began), Err(BookError::BeginsTwice));
}

#[test]
fn signed_weights_wait_for_their_own_confirmation() {
    let mut book = book(1);
    let hash = sha256(b"0xabcd");
    let included = |hash| Record::WeightsIncluded { hash, block: 7 };
    assert_eq!(
        book.apply(&included(hash)),
        Err(BookError::NothingToConfirm)
    );
    let signed = Record::WeightsSigned {
        uids: vec![],
        values: vec![],
        extrinsic: "0xabcd".into(),
        hash,
    };
    book.apply(&signed).unwrap();
    assert_eq!(book.unconfirmed().map(|w| w.hash), Some(hash));
    let mut other = book.clone();
    let refused = other.apply(&included(sha256(b"other")));
    assert_eq!(refused, Err(BookError::NothingToConfirm));
    assert_eq!(other.unconfirmed().map(|w| w.hash), Some(hash));
    book.apply(&included(hash)).unwrap();
    assert_eq!((book.unconfirmed(), book.times_weighed()), (None, 1));
}

/// A consensus that is too narrow, round after round, until it is widened; then the book is made again from what the
/// journal holds.
#[test]
fn a_book_made_again_widens_the_consensus_as_the_first_one_did() {
    const ROUNDS: i64 = 600;
    let rules = RulesVersion::V1.rules();
    let mut first = book(ROUNDS + 1);
    let mut journal = Vec::new();
    let mut apply = |book: &mut Book, record: Record| {
        journal.push(serde_json::to_string(&record).unwrap());
        book.apply(&record).unwrap();
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
        let trials = Trials::of(
            &Fan::from_moves(39, narrow.collect()),
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
            fit: Snapshot::default(),
        };
        apply(&mut first, scored);
    }
    let mut second = book(ROUNDS + 1);
    for line in &journal {
        second.apply(&serde_json::from_str(line).unwrap()).unwrap();
    }
    let widths = |book: &Book| book.recalibration().of_round(origin(ROUNDS));
    assert!(!widths(&first).change_nothing());
    assert_eq!(widths(&second), widths(&first));
}
