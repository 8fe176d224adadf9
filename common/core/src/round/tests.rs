//! Windows, verdicts and misfits of one round of one step, asked of Ann and Bob.

use super::*;
use crate::attest::Hex;
use crate::journal::PriceOrigin;
use crate::price::Price;
use crate::rules::RulesVersion;
use crate::series::{Grid, Unit};
use crate::settle::VoidReason;
use crate::time::Millis;

const T: UnixMillis = UnixMillis(1_704_067_200_000);
const ANN: Hotkey = Hotkey([1; 32]);
const BOB: Hotkey = Hotkey([2; 32]);
const NONCE: Nonce = Hex([7; 32]);
const PAYLOAD: &[u8] = br#"{"kind":"quantiles","k":1,"values":[100.5]}"#;

/// The pool's entry of one hotkey.
fn pooled(miner: Hotkey) -> PoolEntry {
    PoolEntry {
        share: 1.0,
        members: BTreeMap::from([(miner, 1.0)]),
    }
}

/// A round under one version of the rules.
struct Table {
    charter: Charter,
    round: Round,
}

impl Table {
    fn of(rules: RulesVersion) -> Self {
        let series = Series {
            id: "BTC/USD".parse().unwrap(),
            grid: Grid {
                step: Millis::minutes(5),
                horizon: 1,
            },
            unit: Unit::LogPrice,
        };
        Self {
            charter: Charter {
                series,
                rules,
                validator: Hotkey([9; 32]),
                first: T,
                end: T + Millis(1),
                round_every: Millis::minutes(30),
                prices: PriceOrigin::Replay {
                    sha256: Hex([0; 32]),
                },
            },
            round: Round::new(T, &[ANN, BOB], &[pooled(BOB)]),
        }
    }

    fn live() -> Self {
        Self::of(RulesVersion::V1)
    }

    fn timing(&self) -> Timing {
        self.charter.rules.rules().timing
    }

    fn decide(&self, event: Event<'_>) -> Result<Record, Misfit> {
        self.round.decide(event, &self.charter)
    }

    /// Decides an event and takes in its record.
    fn play(&mut self, event: Event<'_>) -> Record {
        let record = self.decide(event).unwrap();
        self.round.apply(&record).unwrap();
        record
    }

    /// Binds Ann to `payload`.
    fn commit(&mut self, payload: &[u8]) {
        let event = self.commitment(ANN, payload, T - Millis::seconds(10));
        self.play(event);
    }

    fn commitment(&self, miner: Hotkey, payload: &[u8], arrival: UnixMillis) -> Event<'static> {
        let round = self.charter.series.round(T);
        Event::Commitment {
            miner,
            commitment: commitment(&round, &self.charter.validator, &ANN, &NONCE, payload),
            arrival,
            signature: Hex([1; 64]),
            receipt: Hex([2; 64]),
        }
    }

    fn want(&self, now: UnixMillis) -> Option<Want> {
        self.round.want(now, &self.charter.series, &self.timing())
    }

    fn is_neglected(&self, now: UnixMillis) -> bool {
        self.round.was_neglected(now, &self.timing())
    }
}

fn reveal(nonce: Nonce, payload: &[u8], arrival: UnixMillis) -> Event<'_> {
    Event::Reveal {
        miner: ANN,
        arrival,
        nonce,
        payload,
        signature: Hex([3; 64]),
    }
}

fn silence(miner: Hotkey) -> Event<'static> {
    Event::Failed {
        miner,
        miss: Miss::Silent,
    }
}

fn settlement() -> Settlement {
    Settlement {
        anchor: Price::new(100.0).ok(),
        volatility: Some(10.0),
        closes: vec![Price::new(101.0).ok()],
    }
}

/// The verdict in the record of a miss.
fn verdict(record: &Record) -> Option<&Miss> {
    match record {
        Record::Missed { miss, .. } => Some(miss),
        _ => None,
    }
}

#[test]
fn a_commitment_is_late_one_millisecond_after_its_window() {
    let windows = [
        (RulesVersion::V1, T - Millis::seconds(5)),
        (RulesVersion::V1Replay, T),
    ];
    for (rules, deadline) in windows {
        let table = Table::of(rules);
        let at = |arrival| {
            table
                .decide(table.commitment(ANN, PAYLOAD, arrival))
                .unwrap()
        };
        assert!(
            matches!(at(deadline), Record::Committed { .. }),
            "{rules:?}"
        );
        let late = Miss::Late { by: Millis(1) };
        assert_eq!(verdict(&at(deadline + Millis(1))), Some(&late), "{rules:?}");
    }
}

#[test]
fn a_reveal_is_late_one_millisecond_after_its_window() {
    let windows = [
        (RulesVersion::V1, T + Millis::seconds(60)),
        (RulesVersion::V1Replay, T),
    ];
    for (rules, deadline) in windows {
        let mut table = Table::of(rules);
        table.commit(PAYLOAD);
        let at = |arrival| table.decide(reveal(NONCE, PAYLOAD, arrival)).unwrap();
        assert!(matches!(at(deadline), Record::Revealed { .. }), "{rules:?}");
        let late = Miss::Late { by: Millis(1) };
        assert_eq!(verdict(&at(deadline + Millis(1))), Some(&late), "{rules:?}");
    }
}

#[test]
fn the_reveal_of_other_bytes_or_another_nonce_is_a_mismatch() {
    let mut table = Table::live();
    table.commit(PAYLOAD);
    let other = br#"{"kind":"quantiles","k":1,"values":[100.6]}"#;
    for event in [reveal(NONCE, other, T), reveal(Hex([8; 32]), PAYLOAD, T)] {
        let record = table.decide(event).unwrap();
        assert_eq!(verdict(&record), Some(&Miss::Mismatch));
    }
}

#[test]
fn a_copied_commitment_is_a_mismatch_even_with_the_copied_payload() {
    let mut table = Table::live();
    let copied = table.commitment(BOB, PAYLOAD, T - Millis::seconds(10));
    table.play(copied);
    let record = table
        .decide(Event::Reveal {
            miner: BOB,
            arrival: T,
            nonce: NONCE,
            payload: PAYLOAD,
            signature: Hex([3; 64]),
        })
        .unwrap();
    assert_eq!(verdict(&record), Some(&Miss::Mismatch));
}

#[test]
fn a_rejected_payload_keeps_its_hash_as_evidence() {
    let payload = br#"{"kind":"quantiles","k":1,"values":[-1.0]}"#;
    let mut table = Table::live();
    table.commit(payload);
    let expected = Miss::Rejected(RejectedPayload {
        payload: sha256(payload),
        rejection: crate::forecast::Rejection::NotPositive { step: 1, column: 1 },
    });
    let record = table.play(reveal(NONCE, payload, T));
    assert_eq!(verdict(&record), Some(&expected));
    assert_eq!(table.round.places()[&ANN], Place::Missed(expected));
}

#[test]
fn an_accepted_payload_is_named_by_its_hash() {
    let mut table = Table::live();
    table.commit(PAYLOAD);
    table.play(reveal(NONCE, PAYLOAD, T));
    let place = &table.round.places()[&ANN];
    assert_eq!(*place, Place::Revealed(sha256(PAYLOAD)));
}

#[test]
fn a_reveal_without_commitment_is_a_misfit() {
    let table = Table::live();
    assert!(table.decide(reveal(NONCE, PAYLOAD, T)).is_err());
    let record = Record::Revealed {
        round: T,
        miner: ANN,
        nonce: NONCE,
        payload: sha256(PAYLOAD),
        signature: Hex([3; 64]),
    };
    assert!(table.round.clone().apply(&record).is_err());
}

#[test]
fn a_second_answer_is_a_misfit_wherever_it_comes() {
    let mut table = Table::live();
    let again = |table: &Table| table.commitment(ANN, PAYLOAD, T - Millis::seconds(9));

    let committed = table.play(again(&table));
    assert!(table.decide(again(&table)).is_err());
    assert!(table.round.apply(&committed).is_err());

    let revealed = table.play(reveal(NONCE, PAYLOAD, T));
    assert!(table.decide(again(&table)).is_err());
    assert!(table.decide(reveal(NONCE, PAYLOAD, T)).is_err());
    assert!(table.decide(silence(ANN)).is_err());
    assert!(table.round.apply(&revealed).is_err());

    let missed = table.play(silence(BOB));
    assert!(table.decide(silence(BOB)).is_err());
    let late = table.commitment(BOB, PAYLOAD, T - Millis::seconds(9));
    assert!(table.decide(late).is_err());
    assert!(table.round.apply(&missed).is_err());

    let settled = table.play(Event::Settled(settlement()));
    assert!(table.decide(Event::Settled(settlement())).is_err());
    assert!(table.round.apply(&settled).is_err());
}

#[test]
fn a_stranger_is_a_misfit() {
    let table = Table::live();
    let stranger = Hotkey([3; 32]);
    let answer = table.commitment(stranger, PAYLOAD, T - Millis::seconds(9));
    let misfit = table.decide(answer).unwrap_err();
    assert_eq!(misfit.why, "the miner was not asked");
    assert!(table.decide(silence(stranger)).is_err());
}

/// Live: T − 15 s ask, T − 5 s closed, T + 5 s ask for reveals, T + 60 s closed, T + 5 min + 2 min settle.
#[test]
fn it_wants_each_thing_in_its_time() {
    let mut table = Table::live();
    assert_eq!(table.want(T - Millis(15_001)), None);
    let commitments = |from: &[Hotkey]| {
        Some(Want::Commitments {
            from: from.to_vec(),
            deadline: T - Millis::seconds(5),
        })
    };
    assert_eq!(
        table.want(T - Millis::seconds(15)),
        commitments(&[ANN, BOB])
    );
    table.commit(PAYLOAD);
    assert_eq!(table.want(T - Millis::seconds(15)), commitments(&[BOB]));
    table.play(silence(BOB));

    assert_eq!(table.want(T + Millis(4_999)), None);
    let Place::Committed(receipt) = table.round.places()[&ANN] else {
        panic!("Ann is bound by her commitment");
    };
    assert_eq!(receipt.arrival, T - Millis::seconds(10));
    let reveals = Want::Reveals {
        from: vec![(ANN, receipt)],
        deadline: T + Millis::seconds(60),
    };
    assert_eq!(table.want(T + Millis::seconds(5)), Some(reveals));
    table.play(reveal(NONCE, PAYLOAD, T + Millis::seconds(6)));

    let settles = T + Millis::minutes(7);
    assert_eq!(table.want(settles - Millis(1)), None);
    assert_eq!(table.want(settles), Some(Want::Settlement));
    table.play(Event::Settled(settlement()));
    let scores = Want::Scores {
        settlement: settlement(),
        forecasts: vec![(ANN, sha256(PAYLOAD))],
        pool: vec![pooled(BOB)],
        missed: vec![BOB],
    };
    assert_eq!(table.want(settles), Some(scores));
}

#[test]
fn a_replay_wants_everything_at_the_origin() {
    let mut table = Table::of(RulesVersion::V1Replay);
    assert_eq!(table.want(T - Millis(1)), None);
    let deadline = T;
    let from = vec![ANN, BOB];
    assert_eq!(table.want(T), Some(Want::Commitments { from, deadline }));
    table.commit(PAYLOAD);
    table.play(silence(BOB));
    assert!(matches!(
        table.want(T),
        Some(Want::Reveals { deadline: T, .. })
    ));
    table.play(reveal(NONCE, PAYLOAD, T));
    assert_eq!(table.want(T + Millis::minutes(5)), Some(Want::Settlement));
}

#[test]
fn it_is_neglected_once_a_window_closed_on_an_open_request() {
    let mut table = Table::live();
    assert!(!table.is_neglected(T - Millis::seconds(5)));
    assert!(table.is_neglected(T - Millis(4_999)));
    table.commit(PAYLOAD);
    assert!(table.is_neglected(T - Millis(4_999)), "Bob is still asked");
    table.play(silence(BOB));
    assert!(!table.is_neglected(T + Millis::seconds(60)));
    assert!(
        table.is_neglected(T + Millis(60_001)),
        "Ann has not revealed"
    );
    table.play(silence(ANN));
    assert!(!table.is_neglected(T + Millis::days(1)));
}

#[test]
fn prices_that_settle_nothing_void_the_round() {
    let gap = Settlement {
        closes: vec![None],
        ..settlement()
    };
    let why = VoidReason::TooManyGaps { gaps: 1, steps: 1 };
    let voided = Record::Voided { round: T, why };
    assert_eq!(Table::live().decide(Event::Settled(gap)), Ok(voided));
}
