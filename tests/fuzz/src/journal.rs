//! The journal's entries, the states that they name, and the fold of their records.

use foretell_core::hash::sha256;
use foretell_core::journal::{Genesis, JournalEntry, JournalHead, PriceOrigin, Record};
use foretell_core::pool::fit_state::FitState;
use foretell_core::rules::RulesVersion;
use foretell_core::state::SeriesState;
use foretell_core::testing::{MONDAY, btc_usd, hotkey};
use foretell_core::time::{Millis, UnixMillis};

/// An entry follows the head that it names, and reads the same once it is appended again.
pub fn journal_entry(bytes: &[u8]) {
    let Ok(entry) = serde_json::from_slice::<JournalEntry>(bytes) else {
        return;
    };
    // A journal of all numbers that there are is none.
    if entry.seq == u64::MAX {
        return;
    }
    let before = JournalHead {
        records: entry.seq,
        hash: entry.prev,
    };
    let mut head = before;
    assert_eq!(head.verify_next(bytes).as_ref(), Ok(&entry));
    assert_eq!(head.hash, sha256(bytes));
    let mut written = before;
    let printed = written.append(entry.at, entry.record.clone());
    let mut read = before;
    assert_eq!(read.verify_next(&printed), Ok(entry));
    assert_eq!(read, written);
}

/// Records, one a line, applied one after the other up to the first that doesn't fit.
pub fn journal_records(bytes: &[u8]) {
    let genesis = Genesis {
        series: btc_usd(3),
        rules: RulesVersion::V1,
        validator: hotkey(9),
        first_origin: MONDAY,
        end_origin: MONDAY + Millis::days(1),
        round_every: Millis::minutes(30),
        prices: PriceOrigin::Venues { since: MONDAY },
    };
    let mut state = SeriesState::new(genesis);
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(record) = serde_json::from_slice::<Record>(line) else {
            continue;
        };
        if state.apply(&record).is_err() {
            return;
        }
    }
    let shares = state.weights();
    let sum: f64 = shares.miners.values().sum();
    assert!(sum.is_finite() && sum <= 1.0 + 1e-9, "{shares:?}");
    let _ = state.due_actions(MONDAY + Millis::hours(12));
    let _ = state.next_action_time(UnixMillis::EPOCH);
}

/// A state's bytes are read whole or not at all, and written as the same.
pub fn fit_state(bytes: &[u8]) {
    if let Ok(state) = FitState::from_bytes(bytes) {
        assert_eq!(state.to_bytes(), bytes);
    }
}
