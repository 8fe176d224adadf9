//! The payload of each round, on disk before the miner commits to it.
//!
//! A commitment's nonce depends on key, round and validator alone, so a payload is all that a restarted miner needs to
//! give every validator the same answer again, and to reveal.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use foretell_core::series::RoundId;
use foretell_core::time::{Millis, UnixMillis};
use foretell_files::{FileAccess, remove_unfinished, write_file};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::committed_payload::CommittedPayload;

/// A payload is kept for this long after its round's origin, by the origins of later rounds.
const RETENTION: Millis = Millis::days(2);
/// Payloads held in memory; validators ask for the newest only.
const CACHE_SIZE: usize = 4;

/// The content of a payload's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredPayload<'a> {
    round: Cow<'a, RoundId>,
    payload: Cow<'a, str>,
}

/// Why a payload can't be kept or found.
#[derive(Debug, Error)]
pub enum PayloadStoreError {
    /// A file can't be read or written.
    #[error("can't keep the payload in {path}")]
    Io {
        /// Path of the payload's file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file in the payload's place that isn't one.
    #[error("{path} is no payload of this miner: move it away")]
    Invalid {
        /// Path of the payload's file.
        path: PathBuf,
        /// The parser's error.
        source: serde_json::Error,
    },
}

/// The directory of payloads, one file for each round.
#[derive(Debug)]
pub struct PayloadStore {
    folder: PathBuf,
    /// The newest payloads, by origin.
    cached: RwLock<BTreeMap<UnixMillis, Arc<CommittedPayload>>>,
    /// Held while writing, so that one payload of a round is the first.
    writing: Mutex<()>,
}

impl PayloadStore {
    /// The payloads kept in `folder`, which exists.
    pub const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            cached: RwLock::new(BTreeMap::new()),
            writing: Mutex::new(()),
        }
    }

    /// The payload of `round` if it is in memory.
    pub fn cached(&self, round: &RoundId) -> Option<Arc<CommittedPayload>> {
        let cached = self.cached.read();
        let cached = cached.unwrap_or_else(PoisonError::into_inner);
        let payload = cached.get(&round.origin)?;
        (payload.round() == round).then(|| Arc::clone(payload))
    }

    /// The payload of `round`, if it was kept.
    ///
    /// # Errors
    /// A file that can't be read, or that isn't a payload.
    pub fn find(
        &self,
        round: &RoundId,
    ) -> Result<Option<Arc<CommittedPayload>>, PayloadStoreError> {
        if let Some(payload) = self.cached(round) {
            return Ok(Some(payload));
        }
        let path = self.path_of(round);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(PayloadStoreError::Io { path, source }),
        };
        let invalid = |source| PayloadStoreError::Invalid {
            path: path.clone(),
            source,
        };
        let stored: StoredPayload = serde_json::from_slice(&bytes).map_err(invalid)?;
        if *stored.round != *round {
            return Ok(None);
        }
        let payload =
            CommittedPayload::new(round.clone(), stored.payload.into()).map_err(invalid)?;
        Ok(Some(self.cache(payload)))
    }

    /// Keeps a payload durably, forgets those of rounds long past, and gives the payload that counts: an earlier one of
    /// the same round if there is one, since the miner may be committed to it.
    ///
    /// # Errors
    /// A file that can't be read or written.
    pub fn store(
        &self,
        round: &RoundId,
        text: Arc<str>,
    ) -> Result<Arc<CommittedPayload>, PayloadStoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = self.find(round)? {
            return Ok(earlier);
        }
        let path = self.path_of(round);
        let write = || -> io::Result<CommittedPayload> {
            let stored = StoredPayload {
                round: Cow::Borrowed(round),
                payload: Cow::Borrowed(&text),
            };
            // Nobody else may know a forecast before the round's origin.
            write_file(&path, &serde_json::to_vec(&stored)?, FileAccess::Private)?;
            self.delete_older(round.origin - RETENTION)?;
            remove_unfinished(&self.folder)?;
            Ok(CommittedPayload::new(round.clone(), text)?)
        };
        match write() {
            Ok(payload) => Ok(self.cache(payload)),
            Err(source) => Err(PayloadStoreError::Io { path, source }),
        }
    }

    fn cache(&self, payload: CommittedPayload) -> Arc<CommittedPayload> {
        let payload = Arc::new(payload);
        let cached = self.cached.write();
        let mut cached = cached.unwrap_or_else(PoisonError::into_inner);
        cached.insert(payload.round().origin, Arc::clone(&payload));
        while cached.len() > CACHE_SIZE {
            cached.pop_first();
        }
        payload
    }

    fn delete_older(&self, oldest: UnixMillis) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let origin = name.to_str().and_then(|name| name.strip_suffix(".json"));
            if origin.is_some_and(|origin| origin.parse().is_ok_and(|t: i64| t < oldest.0)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn path_of(&self, round: &RoundId) -> PathBuf {
        self.folder.join(format!("{}.json", round.origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(day: i64) -> RoundId {
        format!("BTC/USD@{}", Millis::days(day).0).parse().unwrap()
    }

    #[test]
    fn a_payload_is_found_again_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        let text = |found: Option<Arc<CommittedPayload>>| found.map(|payload| payload.text());
        assert_eq!(text(payloads.find(&round(1)).unwrap()), None);
        let stored = payloads.store(&round(1), "{}".into()).unwrap();
        assert_eq!(&**stored, "{}");
        assert_eq!(text(payloads.cached(&round(1))), Some("{}".into()));
        let restarted = PayloadStore::new(folder.path().to_owned());
        assert_eq!(text(restarted.cached(&round(1))), None);
        assert_eq!(text(restarted.find(&round(1)).unwrap()), Some("{}".into()));
        let other = format!("ETH/USD@{}", round(1).origin).parse().unwrap();
        assert_eq!(text(restarted.find(&other).unwrap()), None);
    }

    #[test]
    fn old_payloads_are_deleted_and_other_files_kept() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        fs::write(folder.path().join("notes-of-mine.txt"), "x").unwrap();
        for day in 1..=9 {
            payloads.store(&round(day), "{}".into()).unwrap();
        }
        let restarted = PayloadStore::new(folder.path().to_owned());
        assert!(restarted.find(&round(6)).unwrap().is_none());
        assert!(restarted.find(&round(7)).unwrap().is_some());
        assert!(folder.path().join("notes-of-mine.txt").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
        assert_eq!(payloads.cached.read().unwrap().len(), CACHE_SIZE);
    }

    #[test]
    fn a_mangled_payload_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        fs::write(payloads.path_of(&round(1)), "{").unwrap();
        let error = payloads.find(&round(1)).unwrap_err();
        assert!(error.to_string().contains("is no payload"));
    }

    #[test]
    fn concurrent_stores_of_a_round_give_the_first_payload() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        let stored: Vec<Arc<CommittedPayload>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|i| {
                    let payloads = &payloads;
                    scope.spawn(move || payloads.store(&round(1), format!("{{{i}}}").into()))
                })
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.collect::<Result<_, _>>().unwrap()
        });
        let found = payloads.find(&round(1)).unwrap().unwrap();
        assert!(stored.iter().all(|payload| payload.text() == found.text()));
    }
}
