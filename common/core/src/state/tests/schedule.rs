//! When rounds open, what comes first, and which rounds are void after a start.

use super::*;
use crate::round::RoundAction;

#[test]
fn rounds_are_opened_in_turn_until_the_end() {
    let mut state = state(2);
    assert_eq!(state.due_actions(MONDAY - Millis::literal(15_001)), []);
    assert_eq!(
        state.due_actions(MONDAY - Millis::seconds(15)),
        [Action::OpenRound(MONDAY)]
    );
    let skipping = state.open(origin(1), vec![ANN], &BTreeMap::new()).unwrap();
    assert_eq!(
        state.apply(&skipping),
        Err(StateError::OutOfOrder(origin(1)))
    );
    open(&mut state, 0);
    let twice = state.open(MONDAY, vec![ANN], &BTreeMap::new()).unwrap();
    assert_eq!(state.apply(&twice), Err(StateError::OutOfOrder(MONDAY)));
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
    let settle = Action::Round(MONDAY, RoundAction::Settle);
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
    let now = MONDAY + Millis::minutes(65);
    let voids = state.voids_on_start(now);
    assert_eq!(voids, [stretch(0, 2)]);
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
    assert_eq!(state.apply(&void(0)), Err(StateError::OutOfOrder(MONDAY)));
}

#[test]
fn no_round_is_voided_beyond_the_end_or_before_the_deadline() {
    assert_eq!(
        state(2).voids_on_start(MONDAY + Millis::days(1)),
        [stretch(0, 1)]
    );
    let deadline = MONDAY - Millis::seconds(5);
    assert_eq!(state(2).voids_on_start(deadline), []);
    assert_eq!(
        state(2).voids_on_start(deadline + Millis::literal(1)),
        [void(0)]
    );
}

/// From 2024 to 2060 by a clock that nobody could compare.
#[test]
fn however_long_a_validator_was_down_its_rounds_are_one_record() {
    let mut state = SeriesState::new(Genesis {
        prices: PriceOrigin::Venues { since: MONDAY },
        ..genesis(1_000_000)
    });
    let now = MONDAY + Millis::days(12_500);
    let voids = state.voids_on_start(now);
    assert_eq!(voids, [stretch(0, 600_000)]);
    state.apply(&voids[0]).unwrap();
    assert_eq!(state.voided().len(), 600_001);
    assert_eq!(state.voided().values().count(), 1);
    assert_eq!(state.next_origin(), Some(origin(600_001)));
    assert_eq!(state.voids_on_start(now), []);
    // No round needs the prices of those years.
    let undecided = state.prices().unwrap().undecided(now).count();
    assert!(undecided < 5 * 1440, "{undecided}");
}

#[test]
fn a_stretch_that_does_not_follow_is_refused() {
    for (first, last) in [(1, 2), (2, 1), (0, -1), (0, 2)] {
        let mut state = state(2);
        let before = state.next_origin();
        assert!(
            state.apply(&stretch(first, last)).is_err(),
            "{first} {last}"
        );
        assert_eq!(state.next_origin(), before);
        assert!(state.voided().is_empty());
    }
    let mut state = state(9);
    let uneven = Record::VoidedStretch {
        round: origin(0),
        last: origin(1) + Millis::literal(1),
        why: VoidReason::ValidatorDown,
    };
    assert!(state.apply(&uneven).is_err());
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
    let now = MONDAY + Millis::minutes(1);
    assert_eq!(served.voids_on_start(now), []);
    assert_eq!(expired.voids_on_start(now), [void(0)]);
    expired.apply(&void(0)).unwrap();
    assert!(expired.open_rounds().is_empty());
    assert_eq!(expired.due_actions(now), []);
}
