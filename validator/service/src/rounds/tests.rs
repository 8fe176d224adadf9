//! A validator that is killed at any point carries on as if nothing had happened.

mod garbage;
mod scripted_miners;
mod stale_metagraph;
mod test_network;
mod weights;

use foretell_core::journal::{Genesis, JournalEntry, JournalError, JournalHead, Record};
use foretell_core::pool::FitSnapshot;
use foretell_core::pool::fit_state::FitState;
use foretell_core::settle::VoidReason;
use foretell_wire::messages::{OutcomeNotice, OutcomeStatus};

use self::test_network::{CrashTestNetwork, FailPoint, KillableRunner, genesis, hotkey};
use super::error::RoundRunnerError;
use crate::store::{JournalBatch, JournalStore, MemoryStore, StoreError};

/// What a run leaves behind when it has ended.
struct FinalState {
    head: JournalHead,
    ledger: Vec<u8>,
    times_weights_set: usize,
}

impl FinalState {
    fn new(runner: &KillableRunner, network: &CrashTestNetwork) -> Self {
        Self {
            head: *runner.head(),
            ledger: network.ledger(),
            times_weights_set: runner.state().times_weights_set(),
        }
    }

    fn check(&self, network: &CrashTestNetwork, runner: &KillableRunner, what: &str) {
        assert_eq!(*runner.head(), self.head, "{what}");
        assert_eq!(network.inclusions(), self.times_weights_set, "{what}");
        assert!(network.ledger() == self.ledger, "{what}: another ledger");
    }
}

fn records(store: &MemoryStore) -> Vec<Record> {
    let entries = store.entries().unwrap().into_iter();
    let entry = |bytes: Vec<u8>| serde_json::from_slice::<JournalEntry>(&bytes).unwrap();
    entries.map(|bytes| entry(bytes).record).collect()
}

/// The runs below are killed at interesting places only if an uninterrupted run passes through them.
#[tokio::test]
async fn an_uninterrupted_run_has_something_of_everything() {
    let network = CrashTestNetwork::new();
    let runner = network.play(&FailPoint::never()).await.unwrap();
    let state = runner.state();
    assert!(state.open_rounds().is_empty());
    assert_eq!(state.reference_track().rounds(), 5);
    assert!(matches!(
        state.voided().values().next(),
        Some(VoidReason::TooManyGaps { gaps: 1, steps: 4 })
    ));
    assert_eq!(state.tracks()[&hotkey("steady")].misses(), 0);
    assert_eq!(state.tracks()[&hotkey("moody")].misses(), 4);
    assert_eq!(state.times_weights_set(), 4);
    assert_eq!(network.inclusions(), 4);

    let mut misses: Vec<String> = records(&network.0.store)
        .iter()
        .filter_map(|record| match record {
            Record::Missed { miss, .. } => Some(miss.to_string()),
            _ => None,
        })
        .collect();
    misses.sort();
    let expected = [
        "answered 1 ms after the window had closed",
        "no answer",
        "no answer",
        "rejected: payload is not",
        "the payload does not match the commitment",
    ];
    assert_eq!(misses.len(), expected.len(), "{misses:?}");
    for (miss, expected) in misses.iter().zip(expected) {
        assert!(miss.starts_with(expected), "{miss}");
    }
    for record in records(&network.0.store) {
        if let Record::Opened { asked, .. } = record {
            assert_eq!(asked.len(), 2, "only miners that serve are asked");
        }
    }
}

#[tokio::test]
async fn a_validator_killed_at_any_write_submission_or_request_comes_to_the_same_end() {
    let uninterrupted = CrashTestNetwork::new();
    let fail_point = FailPoint::never();
    let expected_end = FinalState::new(
        &uninterrupted.play(&fail_point).await.unwrap(),
        &uninterrupted,
    );
    for points in 0..fail_point.points() {
        let network = CrashTestNetwork::new();
        let killed = network.play(&FailPoint::after(points)).await;
        let error = killed.err().map(|error| error.to_string());
        assert!(error.is_some(), "nothing happened at point {points}");
        let runner = network.play(&FailPoint::never()).await.unwrap();
        expected_end.check(&network, &runner, &format!("killed at {points}: {error:?}"));
    }
}

#[tokio::test]
async fn a_validator_killed_again_and_again_ends_the_same() {
    let uninterrupted = CrashTestNetwork::new();
    let expected_end = FinalState::new(
        &uninterrupted.play(&FailPoint::never()).await.unwrap(),
        &uninterrupted,
    );
    let network = CrashTestNetwork::new();
    // Enough points for one write with what comes before it, so that every start gets something done.
    let points = 2 + 2 + 2;
    let mut starts = 1;
    let runner = loop {
        match network.play(&FailPoint::after(points)).await {
            Ok(runner) => break runner,
            Err(_) => starts += 1,
        }
    };
    assert!(starts > 10, "{starts} starts");
    expected_end.check(&network, &runner, "killed again and again");
}

/// With the ledger as it was when the prefix had been written, and as it was before the next write: there, the
/// chain may have done what the journal doesn't know yet. Torn batches, which no store leaves, would do no harm.
#[tokio::test]
async fn every_prefix_of_the_journal_leads_to_the_same_end() {
    let uninterrupted = CrashTestNetwork::new();
    let expected_end = FinalState::new(
        &uninterrupted.play(&FailPoint::never()).await.unwrap(),
        &uninterrupted,
    );
    let history = uninterrupted.history();
    for length in 0..=uninterrupted.0.store.entries().unwrap().len() {
        let written = history.partition_point(|(entries, _)| *entries < length);
        let next = history.partition_point(|(entries, _)| *entries <= length);
        for (_, ledger) in &history[written.saturating_sub(1)..next] {
            let network =
                CrashTestNetwork::resumed(uninterrupted.0.store.truncated_to(length), Some(ledger));
            let runner = network.play(&FailPoint::never()).await.unwrap();
            expected_end.check(&network, &runner, &format!("cut after {length}"));
        }
    }
}

/// One notice for each round that a miner was asked in, once that has ended.
#[tokio::test]
async fn every_miner_is_notified_of_every_round_that_ended() {
    let network = CrashTestNetwork::new();
    network.play(&FailPoint::never()).await.unwrap();
    let notices_sent = network.0.notices.lock().unwrap();
    let notices_of = |name: &str| -> Vec<String> {
        let own = notices_sent
            .iter()
            .filter(|(miner, _)| *miner == hotkey(name));
        let line = |notice: &OutcomeNotice| {
            assert_eq!(
                notice.score.is_some(),
                notice.verdict == OutcomeStatus::Scored
            );
            assert_eq!(
                notice.realised.len(),
                if notice.verdict == OutcomeStatus::Void {
                    0
                } else {
                    4
                }
            );
            assert!(notice.rank.is_some() && notice.weight.is_some());
            let reason = notice.reason.as_deref().unwrap_or("");
            format!("{} {reason}", notice.verdict)
        };
        own.map(|(_, notice)| line(notice)).collect()
    };
    let void = "void 1 of 4 steps have no settled price";
    assert_eq!(notices_of("steady")[..5], ["scored "; 5]);
    assert_eq!(notices_of("steady")[5..], [void]);
    let moody = notices_of("moody");
    for (notice, expected) in moody.iter().zip([
        "scored ",
        "missed rejected: payload is not",
        "missed answered 1 ms after the window had closed",
        "missed the payload does not match the commitment",
        "missed no answer",
        void,
    ]) {
        assert!(notice.starts_with(expected), "{notice}");
    }
    assert_eq!(moody.len(), 6);
}

/// A store that holds these entries.
fn store_with(entries: Vec<Vec<u8>>) -> MemoryStore {
    let store = MemoryStore::default();
    let batch = JournalBatch {
        first: 0,
        entries,
        // No journal written by a test has fitted anything.
        payloads: vec![(
            FitSnapshot::default().hash(),
            FitState::default().to_bytes(),
        )],
        head: JournalHead::EMPTY,
    };
    store.append(&batch).unwrap();
    store
}

async fn resume_error(store: MemoryStore, genesis: Genesis) -> RoundRunnerError {
    let entries = store.entries().unwrap();
    let network = CrashTestNetwork::resumed(store.clone(), None);
    let resumed = network.validator(genesis, &FailPoint::never()).await;
    assert_eq!(store.entries().unwrap(), entries, "nothing was written");
    resumed.err().unwrap()
}

#[tokio::test]
async fn a_journal_of_another_genesis_is_refused() {
    let network = CrashTestNetwork::new();
    network.play(&FailPoint::never()).await.unwrap();
    let error = resume_error(network.0.store.clone(), genesis(7)).await;
    assert!(
        matches!(error, RoundRunnerError::GenesisMismatch),
        "{error}"
    );

    let headless = Record::Voided {
        round: genesis(6).first_origin,
        why: VoidReason::NoAnchor,
    };
    let entry = JournalHead::EMPTY
        .clone()
        .append(genesis(6).first_origin, headless);
    let error = resume_error(store_with(vec![entry]), genesis(6)).await;
    assert!(
        matches!(error, RoundRunnerError::GenesisMismatch),
        "{error}"
    );
}

#[tokio::test]
async fn a_journal_that_was_tampered_with_is_refused() {
    let network = CrashTestNetwork::new();
    network.play(&FailPoint::never()).await.unwrap();
    let entries = network.0.store.entries().unwrap();
    let (from, to) = (r#""by":1}"#, r#""by":2}"#);
    let late = entries
        .iter()
        .position(|entry| String::from_utf8_lossy(entry).contains(from))
        .unwrap();

    let mut tampered = entries.clone();
    tampered[late] = String::from_utf8_lossy(&tampered[late])
        .replace(from, to)
        .into_bytes();
    let mut shortened = entries.clone();
    shortened.remove(late);
    let mut torn = entries.clone();
    torn[late].pop();
    let seq = late as u64;
    for (entries, expected) in [
        (tampered, JournalError::Unlinked { seq: seq + 1 }),
        (shortened, JournalError::Unlinked { seq }),
    ] {
        let error = resume_error(store_with(entries), genesis(6)).await;
        let RoundRunnerError::Store(StoreError::Journal(error)) = error else {
            panic!("{error}");
        };
        assert_eq!(error, expected);
    }
    let error = resume_error(store_with(torn), genesis(6)).await;
    let RoundRunnerError::Store(StoreError::Journal(JournalError::Unreadable {
        seq: found, ..
    })) = error
    else {
        panic!("{error}");
    };
    assert_eq!(found, seq);
}
