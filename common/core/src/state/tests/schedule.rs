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
    assert_eq!(state.apply(&void(0)), Err(StateError::OutOfOrder(MONDAY)));
}

#[test]
fn no_round_is_voided_beyond_the_end_or_before_the_deadline() {
    assert_eq!(
        state(2).voids_on_start(MONDAY + Millis::days(1)),
        [void(0), void(1)]
    );
    let deadline = MONDAY - Millis::seconds(5);
    assert_eq!(state(2).voids_on_start(deadline), []);
    assert_eq!(
        state(2).voids_on_start(deadline + Millis::literal(1)),
        [void(0)]
    );
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
