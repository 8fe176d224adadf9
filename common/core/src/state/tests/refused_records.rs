//! Records that do not continue the journal.

use super::*;
use crate::hash::sha256;
use crate::round::RoundEvent;

#[test]
fn records_of_rounds_that_are_not_open_are_refused() {
    let mut state = state(1);
    let settled = Record::Settled {
        round: MONDAY,
        settlement: settlement(),
    };
    assert_eq!(state.apply(&settled), Err(StateError::RoundNotOpen(MONDAY)));
    let failed = RoundEvent::Failed {
        miner: ANN,
        miss: MissReason::Silent,
    };
    assert_eq!(
        state.decide(MONDAY, failed),
        Err(StateError::RoundNotOpen(MONDAY))
    );
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
    assert_eq!(state.unconfirmed_weights().map(|w| w.hash), Some(hash));
    let mut other = state.clone();
    let refused = other.apply(&included(sha256(b"other")));
    assert_eq!(refused, Err(StateError::NoUnconfirmedWeights));
    assert_eq!(other.unconfirmed_weights().map(|w| w.hash), Some(hash));
    state.apply(&included(hash)).unwrap();
    assert_eq!(
        (state.unconfirmed_weights(), state.times_weights_set()),
        (None, 1)
    );
}
