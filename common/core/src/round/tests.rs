//! Windows, miss reasons and invalid transitions of a round of one step, which asks Ann and Bob.

use super::*;
use crate::forecast::ForecastRejection;
use crate::hash::Hex;
use crate::rules::RulesVersion;
use crate::settle::VoidReason;
use crate::testing::{MONDAY, btc_usd, hotkey, replay_genesis};
use crate::time::Millis;

const ANN: Hotkey = hotkey(1);
const BOB: Hotkey = hotkey(2);
const NONCE: Nonce = Hex([7; 32]);
const PAYLOAD: &[u8] = br#"{"kind":"quantiles","k":1,"values":[100.5]}"#;

/// A forecaster of one hotkey, which has all of the consensus.
fn pooled(miner: Hotkey) -> Forecaster {
    Forecaster {
        share: 1.0,
        members: BTreeMap::from([(miner, 1.0)]),
    }
}

/// A round under one version of the rules.
struct RoundFixture {
    genesis: Genesis,
    round: Round,
}

impl RoundFixture {
    fn new(rules: RulesVersion) -> Self {
        Self {
            genesis: Genesis {
                rules,
                ..replay_genesis(btc_usd(1), MONDAY, 1, Millis::minutes(30))
            },
            round: Round::new(MONDAY, &[ANN, BOB], &[pooled(BOB)]),
        }
    }

    fn live() -> Self {
        Self::new(RulesVersion::V1)
    }

    fn timing(&self) -> RoundTiming {
        self.genesis.rules.rules().timing
    }

    fn decide(&self, event: RoundEvent<'_>) -> Result<Record, InvalidTransition> {
        self.round.decide(event, &self.genesis)
    }

    /// Decides an event and takes in its record.
    fn apply_event(&mut self, event: RoundEvent<'_>) -> Record {
        let record = self.decide(event).unwrap();
        self.round.apply(&record).unwrap();
        record
    }

    /// Commits Ann to `payload`, in time.
    fn commit(&mut self, payload: &[u8]) {
        let event = self.commitment(ANN, payload, MONDAY - Millis::seconds(10));
        self.apply_event(event);
    }

    fn commitment(
        &self,
        miner: Hotkey,
        payload: &[u8],
        arrival: UnixMillis,
    ) -> RoundEvent<'static> {
        let round = self.genesis.series.round(MONDAY);
        RoundEvent::Commitment {
            miner,
            commitment: commitment(&round, &self.genesis.validator, &ANN, &NONCE, payload),
            arrival,
            signature: Hex([1; 64]),
            receipt: Hex([2; 64]),
        }
    }

    fn due_action(&self, now: UnixMillis) -> Option<RoundAction> {
        self.round
            .due_action(now, &self.genesis.series, &self.timing())
    }

    fn has_expired_requests(&self, now: UnixMillis) -> bool {
        self.round.has_expired_requests(now, &self.timing())
    }
}

fn reveal(nonce: Nonce, payload: &[u8], arrival: UnixMillis) -> RoundEvent<'_> {
    RoundEvent::Reveal {
        miner: ANN,
        arrival,
        nonce,
        payload,
        signature: Hex([3; 64]),
    }
}

fn no_answer(miner: Hotkey) -> RoundEvent<'static> {
    RoundEvent::Failed {
        miner,
        miss: MissReason::Silent,
    }
}

/// Anchor 100, σ = 10, the only close 101.
fn settlement() -> Settlement {
    crate::testing::settlement(100.0, 10.0, &[101.0])
}

/// The reason in the record of a miss.
fn miss_reason(record: &Record) -> Option<&MissReason> {
    match record {
        Record::Missed { miss, .. } => Some(miss),
        _ => None,
    }
}

#[test]
fn a_commitment_is_late_one_millisecond_after_its_window() {
    let windows = [
        (RulesVersion::V1, MONDAY - Millis::seconds(5)),
        (RulesVersion::V1Replay, MONDAY),
    ];
    for (rules, deadline) in windows {
        let fixture = RoundFixture::new(rules);
        let at = |arrival| {
            fixture
                .decide(fixture.commitment(ANN, PAYLOAD, arrival))
                .unwrap()
        };
        assert!(
            matches!(at(deadline), Record::Committed { .. }),
            "{rules:?}"
        );
        let late = MissReason::Late {
            by: Millis::literal(1),
        };
        assert_eq!(
            miss_reason(&at(deadline + Millis::literal(1))),
            Some(&late),
            "{rules:?}"
        );
    }
}

#[test]
fn a_reveal_is_late_one_millisecond_after_its_window() {
    let windows = [
        (RulesVersion::V1, MONDAY + Millis::seconds(60)),
        (RulesVersion::V1Replay, MONDAY),
    ];
    for (rules, deadline) in windows {
        let mut fixture = RoundFixture::new(rules);
        fixture.commit(PAYLOAD);
        let at = |arrival| fixture.decide(reveal(NONCE, PAYLOAD, arrival)).unwrap();
        assert!(matches!(at(deadline), Record::Revealed { .. }), "{rules:?}");
        let late = MissReason::Late {
            by: Millis::literal(1),
        };
        assert_eq!(
            miss_reason(&at(deadline + Millis::literal(1))),
            Some(&late),
            "{rules:?}"
        );
    }
}

#[test]
fn the_reveal_of_other_bytes_or_another_nonce_is_a_mismatch() {
    let mut fixture = RoundFixture::live();
    fixture.commit(PAYLOAD);
    let other = br#"{"kind":"quantiles","k":1,"values":[100.6]}"#;
    for event in [
        reveal(NONCE, other, MONDAY),
        reveal(Hex([8; 32]), PAYLOAD, MONDAY),
    ] {
        let record = fixture.decide(event).unwrap();
        assert_eq!(miss_reason(&record), Some(&MissReason::Mismatch));
    }
}

#[test]
fn a_copied_commitment_is_a_mismatch_even_with_the_copied_payload() {
    let mut fixture = RoundFixture::live();
    let copied = fixture.commitment(BOB, PAYLOAD, MONDAY - Millis::seconds(10));
    fixture.apply_event(copied);
    let record = fixture
        .decide(RoundEvent::Reveal {
            miner: BOB,
            arrival: MONDAY,
            nonce: NONCE,
            payload: PAYLOAD,
            signature: Hex([3; 64]),
        })
        .unwrap();
    assert_eq!(miss_reason(&record), Some(&MissReason::Mismatch));
}

#[test]
fn a_rejected_payload_keeps_its_hash_as_evidence() {
    let payload = br#"{"kind":"quantiles","k":1,"values":[-1.0]}"#;
    let mut fixture = RoundFixture::live();
    fixture.commit(payload);
    let expected = MissReason::Rejected(RejectedPayload {
        payload: sha256(payload),
        dropped_bytes: None,
        rejection: ForecastRejection::NotPositive { step: 1, column: 1 },
    });
    let record = fixture.apply_event(reveal(NONCE, payload, MONDAY));
    assert_eq!(miss_reason(&record), Some(&expected));
    assert_eq!(
        fixture.round.miner_states()[&ANN],
        MinerState::Missed(expected)
    );
}

#[test]
fn of_a_rejected_payload_beyond_any_forecast_only_hash_and_length_are_kept() {
    let payload = vec![b'x'; 4 << 20];
    let mut fixture = RoundFixture::live();
    fixture.commit(&payload);
    let record = fixture.apply_event(reveal(NONCE, &payload, MONDAY));
    let Some(MissReason::Rejected(rejected)) = miss_reason(&record) else {
        panic!("{record:?}");
    };
    assert_eq!(rejected.payload, sha256(&payload));
    assert_eq!(
        (rejected.dropped_bytes, rejected.kept()),
        (Some(4 << 20), None)
    );
    assert!(serde_json::to_string(&record).unwrap().len() < 400);
}

#[test]
fn an_accepted_payload_is_named_by_its_hash() {
    let mut fixture = RoundFixture::live();
    fixture.commit(PAYLOAD);
    fixture.apply_event(reveal(NONCE, PAYLOAD, MONDAY));
    let state = &fixture.round.miner_states()[&ANN];
    assert_eq!(*state, MinerState::Revealed(sha256(PAYLOAD)));
}

#[test]
fn a_reveal_without_commitment_is_an_invalid_transition() {
    let fixture = RoundFixture::live();
    assert!(fixture.decide(reveal(NONCE, PAYLOAD, MONDAY)).is_err());
    let record = Record::Revealed {
        round: MONDAY,
        miner: ANN,
        nonce: NONCE,
        payload: sha256(PAYLOAD),
        signature: Hex([3; 64]),
    };
    assert!(fixture.round.clone().apply(&record).is_err());
}

#[test]
fn a_second_answer_is_an_invalid_transition_wherever_it_comes() {
    let mut fixture = RoundFixture::live();
    let again =
        |fixture: &RoundFixture| fixture.commitment(ANN, PAYLOAD, MONDAY - Millis::seconds(9));

    let committed = fixture.apply_event(again(&fixture));
    assert!(fixture.decide(again(&fixture)).is_err());
    assert!(fixture.round.apply(&committed).is_err());

    let revealed = fixture.apply_event(reveal(NONCE, PAYLOAD, MONDAY));
    assert!(fixture.decide(again(&fixture)).is_err());
    assert!(fixture.decide(reveal(NONCE, PAYLOAD, MONDAY)).is_err());
    assert!(fixture.decide(no_answer(ANN)).is_err());
    assert!(fixture.round.apply(&revealed).is_err());

    let missed = fixture.apply_event(no_answer(BOB));
    assert!(fixture.decide(no_answer(BOB)).is_err());
    let late = fixture.commitment(BOB, PAYLOAD, MONDAY - Millis::seconds(9));
    assert!(fixture.decide(late).is_err());
    assert!(fixture.round.apply(&missed).is_err());

    let settled = fixture.apply_event(RoundEvent::Settled(settlement()));
    assert!(fixture.decide(RoundEvent::Settled(settlement())).is_err());
    assert!(fixture.round.apply(&settled).is_err());
}

#[test]
fn an_answer_of_an_unasked_miner_is_an_invalid_transition() {
    let fixture = RoundFixture::live();
    let unasked = hotkey(3);
    let answer = fixture.commitment(unasked, PAYLOAD, MONDAY - Millis::seconds(9));
    let error = fixture.decide(answer).unwrap_err();
    assert_eq!(error.reason, TransitionReason::NotAsked);
    assert!(fixture.decide(no_answer(unasked)).is_err());
}

/// Live: T − 15 s ask, T − 5 s closed, T + 5 s ask for reveals, T + 60 s closed, T + 5 min + 2 min settle.
#[test]
fn each_action_is_due_in_its_window() {
    let mut fixture = RoundFixture::live();
    assert_eq!(fixture.due_action(MONDAY - Millis::literal(15_001)), None);
    let commitments = |from: &[Hotkey]| {
        Some(RoundAction::RequestCommitments {
            from: from.to_vec(),
            deadline: MONDAY - Millis::seconds(5),
        })
    };
    assert_eq!(
        fixture.due_action(MONDAY - Millis::seconds(15)),
        commitments(&[ANN, BOB])
    );
    fixture.commit(PAYLOAD);
    assert_eq!(
        fixture.due_action(MONDAY - Millis::seconds(15)),
        commitments(&[BOB])
    );
    fixture.apply_event(no_answer(BOB));

    assert_eq!(fixture.due_action(MONDAY + Millis::literal(4_999)), None);
    let MinerState::Committed(receipt) = fixture.round.miner_states()[&ANN] else {
        panic!("Ann is bound by her commitment");
    };
    assert_eq!(receipt.arrival, MONDAY - Millis::seconds(10));
    let reveals = RoundAction::RequestReveals {
        from: vec![(ANN, receipt)],
        deadline: MONDAY + Millis::seconds(60),
    };
    assert_eq!(
        fixture.due_action(MONDAY + Millis::seconds(5)),
        Some(reveals)
    );
    fixture.apply_event(reveal(NONCE, PAYLOAD, MONDAY + Millis::seconds(6)));

    let settles = MONDAY + Millis::minutes(7);
    assert_eq!(fixture.due_action(settles - Millis::literal(1)), None);
    assert_eq!(fixture.due_action(settles), Some(RoundAction::Settle));
    fixture.apply_event(RoundEvent::Settled(settlement()));
    let scores = RoundAction::Score {
        settlement: settlement(),
        forecasts: vec![(ANN, sha256(PAYLOAD))],
        pool: vec![pooled(BOB)],
        missed: vec![BOB],
    };
    assert_eq!(fixture.due_action(settles), Some(scores));
}

#[test]
fn in_a_replay_every_action_is_due_at_the_origin() {
    let mut fixture = RoundFixture::new(RulesVersion::V1Replay);
    assert_eq!(fixture.due_action(MONDAY - Millis::literal(1)), None);
    let deadline = MONDAY;
    let from = vec![ANN, BOB];
    assert_eq!(
        fixture.due_action(MONDAY),
        Some(RoundAction::RequestCommitments { from, deadline })
    );
    fixture.commit(PAYLOAD);
    fixture.apply_event(no_answer(BOB));
    assert!(matches!(
        fixture.due_action(MONDAY),
        Some(RoundAction::RequestReveals {
            deadline: MONDAY,
            ..
        })
    ));
    fixture.apply_event(reveal(NONCE, PAYLOAD, MONDAY));
    assert_eq!(
        fixture.due_action(MONDAY + Millis::minutes(5)),
        Some(RoundAction::Settle)
    );
}

#[test]
fn requests_are_expired_once_a_window_closed_on_an_open_request() {
    let mut fixture = RoundFixture::live();
    assert!(!fixture.has_expired_requests(MONDAY - Millis::seconds(5)));
    assert!(fixture.has_expired_requests(MONDAY - Millis::literal(4_999)));
    fixture.commit(PAYLOAD);
    assert!(
        fixture.has_expired_requests(MONDAY - Millis::literal(4_999)),
        "Bob is still asked"
    );
    fixture.apply_event(no_answer(BOB));
    assert!(!fixture.has_expired_requests(MONDAY + Millis::seconds(60)));
    assert!(
        fixture.has_expired_requests(MONDAY + Millis::literal(60_001)),
        "Ann has not revealed"
    );
    fixture.apply_event(no_answer(ANN));
    assert!(!fixture.has_expired_requests(MONDAY + Millis::days(1)));
}

#[test]
fn prices_that_settle_nothing_void_the_round() {
    let gap = Settlement {
        closes: vec![None],
        ..settlement()
    };
    let why = VoidReason::TooManyGaps { gaps: 1, steps: 1 };
    let voided = Record::Voided { round: MONDAY, why };
    assert_eq!(
        RoundFixture::live().decide(RoundEvent::Settled(gap)),
        Ok(voided)
    );
}
