//! A validator that is killed at any point carries on as if nothing had happened.

mod village;
mod weights;
mod world;

use foretell_core::journal::{BrokenChain, Entry};
use foretell_core::settle::VoidReason;
use foretell_core::weigh::Snapshot;
use foretell_core::weigh::quadratic::Quadratic;
use foretell_wire::messages::{OutcomeNotice, Verdict};

use self::world::{Fuse, KilledRounds, World, charter, hotkey};
use super::*;
use crate::store::MemoryStore;

/// What an uninterrupted run comes to.
struct End {
    head: Head,
    ledger: Vec<u8>,
    times_weighed: usize,
}

impl End {
    fn of(rounds: &KilledRounds, world: &World) -> Self {
        Self {
            head: *rounds.head(),
            ledger: world.ledger(),
            times_weighed: rounds.book().times_weighed(),
        }
    }

    fn check(&self, world: &World, rounds: &KilledRounds, what: &str) {
        assert_eq!(*rounds.head(), self.head, "{what}");
        assert_eq!(world.inclusions(), self.times_weighed, "{what}");
        assert!(world.ledger() == self.ledger, "{what}: another ledger");
    }
}

fn records(store: &MemoryStore) -> Vec<Record> {
    let entries = store.entries().unwrap().into_iter();
    let entry = |bytes: Vec<u8>| serde_json::from_slice::<Entry>(&bytes).unwrap();
    entries.map(|bytes| entry(bytes).record).collect()
}

/// The runs below stop at interesting places only if the whole one passes through them.
#[tokio::test]
async fn an_uninterrupted_run_has_something_of_everything() {
    let world = World::new();
    let rounds = world.play(&Fuse::endless()).await.unwrap();
    let book = rounds.book();
    assert!(book.open_rounds().is_empty());
    assert_eq!(book.reference_track().rounds(), 5);
    assert!(matches!(
        book.voided().values().next(),
        Some(VoidReason::TooManyGaps { gaps: 1, steps: 4 })
    ));
    assert_eq!(book.tracks()[&hotkey("steady")].misses(), 0);
    assert_eq!(book.tracks()[&hotkey("moody")].misses(), 4);
    assert_eq!(book.times_weighed(), 4);
    assert_eq!(world.inclusions(), 4);

    let mut verdicts: Vec<String> = records(&world.0.store)
        .iter()
        .filter_map(|record| match record {
            Record::Missed { miss, .. } => Some(miss.to_string()),
            _ => None,
        })
        .collect();
    verdicts.sort();
    let expected = [
        "answered 1 ms after the window had closed",
        "no answer",
        "no answer",
        "rejected: payload is not",
        "the payload does not match the commitment",
    ];
    assert_eq!(verdicts.len(), expected.len(), "{verdicts:?}");
    for (verdict, expected) in verdicts.iter().zip(expected) {
        assert!(verdict.starts_with(expected), "{verdict}");
    }
    for record in records(&world.0.store) {
        if let Record::Opened { asked, .. } = record {
            assert_eq!(asked.len(), 2, "those who serve are asked, and nobody else");
        }
    }
}

#[tokio::test]
async fn a_validator_killed_at_any_write_submission_or_ask_comes_to_the_same_end() {
    let whole = World::new();
    let fuse = Fuse::endless();
    let end = End::of(&whole.play(&fuse).await.unwrap(), &whole);
    for length in 0..fuse.points() {
        let world = World::new();
        let killed = world.play(&Fuse::of(length)).await;
        let error = killed.err().map(|error| error.to_string());
        assert!(error.is_some(), "nothing happened at point {length}");
        let rounds = world.play(&Fuse::endless()).await.unwrap();
        end.check(&world, &rounds, &format!("killed at {length}: {error:?}"));
    }
}

#[tokio::test]
async fn a_validator_killed_again_and_again_gets_there_at_last() {
    let whole = World::new();
    let end = End::of(&whole.play(&Fuse::endless()).await.unwrap(), &whole);
    let world = World::new();
    // Long enough for one write with what comes before it, so that every life gets something done.
    let longest = 2 + 2 + 2;
    let mut lives = 1;
    let rounds = loop {
        match world.play(&Fuse::of(longest)).await {
            Ok(rounds) => break rounds,
            Err(_) => lives += 1,
        }
    };
    assert!(lives > 10, "{lives} lives");
    end.check(&world, &rounds, "killed all the time");
}

/// With the ledger as it was when the prefix had been written, and as it was before the next write: there, the
/// chain may have done what the journal doesn't know yet. Torn batches, which no store leaves, would do no harm.
#[tokio::test]
async fn every_prefix_of_the_journal_leads_to_the_same_end() {
    let whole = World::new();
    let end = End::of(&whole.play(&Fuse::endless()).await.unwrap(), &whole);
    let history = whole.history();
    for length in 0..=whole.0.store.entries().unwrap().len() {
        let written = history.partition_point(|(entries, _)| *entries < length);
        let next = history.partition_point(|(entries, _)| *entries <= length);
        for (_, ledger) in &history[written.saturating_sub(1)..next] {
            let world = World::resumed(whole.0.store.cut_after(length), Some(ledger));
            let rounds = world.play(&Fuse::endless()).await.unwrap();
            end.check(&world, &rounds, &format!("cut after {length}"));
        }
    }
}

/// What each miner hears of each round it was asked in, once that has ended.
#[tokio::test]
async fn everybody_is_told_what_became_of_its_answers() {
    let world = World::new();
    world.play(&Fuse::endless()).await.unwrap();
    let told = world.0.told.lock().unwrap();
    let heard = |name: &str| -> Vec<String> {
        let own = told.iter().filter(|(miner, _)| *miner == hotkey(name));
        let line = |notice: &OutcomeNotice| {
            assert_eq!(notice.score.is_some(), notice.verdict == Verdict::Scored);
            assert_eq!(
                notice.realised.len(),
                if notice.verdict == Verdict::Void {
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
    assert_eq!(heard("steady")[..5], ["scored "; 5]);
    assert_eq!(heard("steady")[5..], [void]);
    let moody = heard("moody");
    for (heard, expected) in moody.iter().zip([
        "scored ",
        "missed rejected: payload is not",
        "missed answered 1 ms after the window had closed",
        "missed the payload does not match the commitment",
        "missed no answer",
        void,
    ]) {
        assert!(heard.starts_with(expected), "{heard}");
    }
    assert_eq!(moody.len(), 6);
}

/// A store that holds these entries.
fn store_of(entries: Vec<Vec<u8>>) -> MemoryStore {
    let store = MemoryStore::default();
    let batch = Batch {
        first: 0,
        entries,
        // Journals written here by hand know of no fit.
        payloads: vec![(Snapshot::default().hash(), Quadratic::default().to_bytes())],
        head: Head::EMPTY,
    };
    store.append(&batch).unwrap();
    store
}

async fn refused(store: MemoryStore, charter: Charter) -> RoundsError {
    let entries = store.entries().unwrap();
    let world = World::resumed(store.clone(), None);
    let resumed = world.validator(charter, &Fuse::endless()).await;
    assert_eq!(store.entries().unwrap(), entries, "nothing was written");
    resumed.err().unwrap()
}

#[tokio::test]
async fn a_journal_of_other_rounds_is_not_taken_up() {
    let world = World::new();
    world.play(&Fuse::endless()).await.unwrap();
    let error = refused(world.0.store.clone(), charter(7)).await;
    assert!(matches!(error, RoundsError::OtherCharter), "{error}");

    let headless = Record::Voided {
        round: charter(6).first,
        why: VoidReason::NoAnchor,
    };
    let entry = Head::EMPTY.clone().append(charter(6).first, headless);
    let error = refused(store_of(vec![entry]), charter(6)).await;
    assert!(matches!(error, RoundsError::OtherCharter), "{error}");
}

#[tokio::test]
async fn a_journal_that_was_tampered_with_is_not_taken_up() {
    let world = World::new();
    world.play(&Fuse::endless()).await.unwrap();
    let entries = world.0.store.entries().unwrap();
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
        (tampered, BrokenChain::Unlinked { seq: seq + 1 }),
        (shortened, BrokenChain::Unlinked { seq }),
    ] {
        let error = refused(store_of(entries), charter(6)).await;
        let RoundsError::Store(StoreError::Broken(broken)) = error else {
            panic!("{error}");
        };
        assert_eq!(broken, expected);
    }
    let error = refused(store_of(torn), charter(6)).await;
    let RoundsError::Store(StoreError::Broken(BrokenChain::Unreadable { seq: found, .. })) = error
    else {
        panic!("{error}");
    };
    assert_eq!(found, seq);
}
