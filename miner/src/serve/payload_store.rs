//! The payloads that the miner is bound to, on disk before it commits to one.
//!
//! A miner is bound to each validator by itself: what it answers one of them changes nothing for another. A
//! commitment's nonce depends on key, round and validator alone, so payload and binding are all that a restarted miner
//! needs to give every validator the same answer again, and to reveal.
//!
//! ```text
//!  ORIGIN-DIGEST.json   a payload of the round, synced before it is bound; most rounds have one
//!  ORIGIN.bound         HOTKEY DIGEST, a line for each validator
//! ```
//!
//! A binding isn't synced: it outlives the process, and by the time that a machine is back after a power cut no
//! commitment is asked for any more. A reveal finds its payload by the commitment alone.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foretell_core::hash::Hash;
use foretell_core::hotkey::Hotkey;
use foretell_core::series::RoundId;
use foretell_core::time::{Millis, UnixMillis};
use foretell_files::{FileAccess, write_file};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::committed_payload::CommittedPayload;

/// A payload is kept for this long after its round's origin, by the origins of later rounds.
const RETENTION: Millis = Millis::days(2);
/// Rounds held in memory; validators ask for the newest only.
const CACHED_ROUNDS: usize = 4;
/// Payloads of one round: a window is shorter than this many new prices.
const MAX_PAYLOADS_PER_ROUND: usize = 8;
/// Longest file that is read. A payload of 1000 steps of 1000 values is longer than any validator takes.
const MAX_FILE_BYTES: u64 = 32 << 20;

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

/// The payloads of the newest rounds, and on disk those of two days.
#[derive(Debug)]
pub struct PayloadStore {
    folder: PathBuf,
    /// The newest rounds, by origin.
    cached: Mutex<BTreeMap<UnixMillis, RoundPayloads>>,
    /// Held while writing, so that one payload is the first that a validator is answered.
    writing: Mutex<()>,
}

/// The payloads of one round, and who is answered which.
#[derive(Debug, Clone)]
struct RoundPayloads {
    round: RoundId,
    payloads: Vec<Arc<CommittedPayload>>,
    bound: BTreeMap<Hotkey, Arc<CommittedPayload>>,
}

impl PayloadStore {
    /// The payloads kept in `folder`, which exists.
    pub const fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            cached: Mutex::new(BTreeMap::new()),
            writing: Mutex::new(()),
        }
    }

    /// The payload of `round` that the miner is bound to by its answer to `validator`, if it is in memory.
    pub fn cached(&self, round: &RoundId, validator: &Hotkey) -> Option<Arc<CommittedPayload>> {
        let cached = self.lock();
        let of_round = cached.get(&round.origin)?;
        (of_round.round == *round)
            .then(|| of_round.bound.get(validator).cloned())
            .flatten()
    }

    /// The payload of `round` that the miner is bound to by its answer to `validator`, if there is one.
    ///
    /// # Errors
    /// A file that can't be read, or that isn't a payload.
    pub fn find(
        &self,
        round: &RoundId,
        validator: &Hotkey,
    ) -> Result<Option<Arc<CommittedPayload>>, PayloadStoreError> {
        Ok(self.of_round(round)?.bound.remove(validator))
    }

    /// Every payload of `round` that some validator was answered.
    ///
    /// # Errors
    /// A file that can't be read, or that isn't a payload.
    pub fn find_all(
        &self,
        round: &RoundId,
    ) -> Result<Vec<Arc<CommittedPayload>>, PayloadStoreError> {
        Ok(self.of_round(round)?.payloads)
    }

    /// Binds the miner to a payload in its answer to `validator`, durably, and gives the payload that counts: an earlier one if
    /// it was bound to that. Forgets the payloads of rounds long past.
    ///
    /// # Errors
    /// A file that can't be read or written.
    pub fn bind(
        &self,
        round: &RoundId,
        validator: Hotkey,
        text: Arc<str>,
    ) -> Result<Arc<CommittedPayload>, PayloadStoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of_round = self.of_round(round)?;
        if let Some(earlier) = of_round.bound.remove(&validator) {
            return Ok(earlier);
        }
        let same = of_round.payloads.iter().find(|it| it.text() == text);
        let full = of_round.payloads.len() >= MAX_PAYLOADS_PER_ROUND;
        let kept = same.or_else(|| of_round.payloads.last().filter(|_| full));
        let (payload, is_new) = match kept {
            Some(payload) => (Arc::clone(payload), false),
            None => (Arc::new(self.write_payload(round, text)?), true),
        };
        self.write_binding(round, &validator, payload.digest())?;
        self.cache(round, |of_round| {
            if is_new {
                of_round.payloads.push(Arc::clone(&payload));
            }
            of_round.bound.insert(validator, Arc::clone(&payload));
        });
        Ok(payload)
    }

    /// All that is kept of a round, from memory or else from disk.
    fn of_round(&self, round: &RoundId) -> Result<RoundPayloads, PayloadStoreError> {
        if let Some(of_round) = self.lock().get(&round.origin)
            && of_round.round == *round
        {
            return Ok(of_round.clone());
        }
        let read = self.read_round(round)?;
        if !read.payloads.is_empty() {
            self.cache(round, |of_round| *of_round = read.clone());
        }
        Ok(read)
    }

    fn read_round(&self, round: &RoundId) -> Result<RoundPayloads, PayloadStoreError> {
        let mut of_round = RoundPayloads::none(round);
        let mut paths = Vec::new();
        let mut list = || -> io::Result<()> {
            for entry in fs::read_dir(&self.folder)? {
                let path = entry?.path();
                let is_payload = path
                    .extension()
                    .is_some_and(|extension| extension == "json");
                if is_payload && origin_in_name(&path) == Some(round.origin) {
                    paths.push(path);
                }
            }
            Ok(())
        };
        list().map_err(|source| io_error(&self.folder, source))?;
        paths.sort();
        for path in paths {
            let bytes = read_whole(&path).map_err(|source| io_error(&path, source))?;
            let invalid = |source| PayloadStoreError::Invalid {
                path: path.clone(),
                source,
            };
            let stored: StoredPayload = serde_json::from_slice(&bytes).map_err(invalid)?;
            if *stored.round == *round {
                let payload = CommittedPayload::new(round.clone(), stored.payload.into());
                of_round.payloads.push(Arc::new(payload.map_err(invalid)?));
            }
        }
        let path = self.bindings_path(round);
        let lines = match read_whole(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(io_error(&path, source)),
        };
        // A line that a crash cut short was never answered.
        for line in lines.lines() {
            let (validator, digest) = line.split_once(' ').unwrap_or_default();
            let (Ok(validator), Ok(digest)) = (validator.parse(), digest.parse::<Hash>()) else {
                continue;
            };
            let payload = of_round.payloads.iter().find(|it| *it.digest() == digest);
            if let Some(payload) = payload {
                let payload = Arc::clone(payload);
                of_round.bound.entry(validator).or_insert(payload);
            }
        }
        Ok(of_round)
    }

    fn write_payload(
        &self,
        round: &RoundId,
        text: Arc<str>,
    ) -> Result<CommittedPayload, PayloadStoreError> {
        let unwritten = |source: io::Error| io_error(&self.folder, source);
        let payload =
            CommittedPayload::new(round.clone(), text).map_err(|error| unwritten(error.into()))?;
        let stored = StoredPayload {
            round: Cow::Borrowed(round),
            payload: Cow::Borrowed(&payload),
        };
        let bytes = serde_json::to_vec(&stored).map_err(|error| unwritten(error.into()))?;
        let name = format!("{}-{}.json", round.origin, payload.digest());
        let path = self.folder.join(name);
        write_file(&path, &bytes, FileAccess::Private).map_err(|source| io_error(&path, source))?;
        self.delete_older(round.origin - RETENTION)
            .map_err(unwritten)?;
        Ok(payload)
    }

    fn write_binding(
        &self,
        round: &RoundId,
        validator: &Hotkey,
        digest: &Hash,
    ) -> Result<(), PayloadStoreError> {
        let path = self.bindings_path(round);
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).mode(0o600);
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(format!("{validator} {digest}\n").as_bytes()));
        written.map_err(|source| io_error(&path, source))
    }

    fn cache(&self, round: &RoundId, change: impl FnOnce(&mut RoundPayloads)) {
        let mut cached = self.lock();
        let of_round = cached
            .entry(round.origin)
            .or_insert_with(|| RoundPayloads::none(round));
        if of_round.round != *round {
            *of_round = RoundPayloads::none(round);
        }
        change(of_round);
        while cached.len() > CACHED_ROUNDS {
            cached.pop_first();
        }
    }

    fn delete_older(&self, oldest: UnixMillis) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if origin_in_name(&path).is_some_and(|origin| origin < oldest) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn bindings_path(&self, round: &RoundId) -> PathBuf {
        self.folder.join(format!("{}.bound", round.origin))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<UnixMillis, RoundPayloads>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoundPayloads {
    fn none(round: &RoundId) -> Self {
        Self {
            round: round.clone(),
            payloads: Vec::new(),
            bound: BTreeMap::new(),
        }
    }
}

/// The origin in the name of one of our files; `None` for any other.
fn origin_in_name(path: &Path) -> Option<UnixMillis> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".json").or(name.strip_suffix(".bound"))?;
    let origin = stem.split_once('-').map_or(stem, |(origin, _)| origin);
    UnixMillis::try_from(origin.parse::<i64>().ok()?).ok()
}

fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn io_error(path: &Path, source: io::Error) -> PayloadStoreError {
    let path = path.to_owned();
    PayloadStoreError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::hotkey;

    use super::*;

    fn round(day: i64) -> RoundId {
        format!("BTC/USD@{}", Millis::days(day).get())
            .parse()
            .unwrap()
    }

    fn text(found: Option<Arc<CommittedPayload>>) -> Option<Arc<str>> {
        found.map(|payload| payload.text())
    }

    #[test]
    fn a_binding_is_found_again_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        assert_eq!(text(payloads.find(&round(1), &hotkey(1)).unwrap()), None);
        let bound = payloads.bind(&round(1), hotkey(1), "{}".into()).unwrap();
        assert_eq!(&**bound, "{}");
        assert_eq!(
            text(payloads.cached(&round(1), &hotkey(1))),
            Some("{}".into())
        );
        let restarted = PayloadStore::new(folder.path().to_owned());
        assert_eq!(text(restarted.cached(&round(1), &hotkey(1))), None);
        let found = restarted.find(&round(1), &hotkey(1)).unwrap();
        assert_eq!(text(found), Some("{}".into()));
        let other = format!("ETH/USD@{}", round(1).origin).parse().unwrap();
        assert_eq!(text(restarted.find(&other, &hotkey(1)).unwrap()), None);
        assert_eq!(text(restarted.find(&round(1), &hotkey(2)).unwrap()), None);
    }

    #[test]
    fn what_binds_the_miner_to_one_validator_binds_it_to_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        let bind = |payloads: &PayloadStore, validator, text: &str| {
            let bound = payloads.bind(&round(1), hotkey(validator), text.into());
            bound.unwrap().text()
        };
        assert_eq!(&*bind(&payloads, 1, "early"), "early");
        assert_eq!(&*bind(&payloads, 2, "late"), "late");
        assert_eq!(&*bind(&payloads, 3, "early"), "early");
        for payloads in [payloads, PayloadStore::new(folder.path().to_owned())] {
            assert_eq!(&*bind(&payloads, 1, "other"), "early");
            assert_eq!(&*bind(&payloads, 2, "other"), "late");
            assert_eq!(payloads.find_all(&round(1)).unwrap().len(), 2);
        }
    }

    #[test]
    fn a_round_has_a_bounded_number_of_payloads() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        for n in 0..30 {
            payloads
                .bind(&round(1), hotkey(n), format!("{n}").into())
                .unwrap();
        }
        let all = payloads.find_all(&round(1)).unwrap();
        assert_eq!(all.len(), MAX_PAYLOADS_PER_ROUND);
        let last = payloads.find(&round(1), &hotkey(29)).unwrap();
        assert_eq!(text(last), Some(all[MAX_PAYLOADS_PER_ROUND - 1].text()));
    }

    #[test]
    fn old_payloads_are_deleted_and_other_files_kept() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        fs::write(folder.path().join("notes-of-mine.txt"), "x").unwrap();
        for day in 1..=9 {
            payloads.bind(&round(day), hotkey(1), "{}".into()).unwrap();
        }
        let restarted = PayloadStore::new(folder.path().to_owned());
        assert!(restarted.find(&round(6), &hotkey(1)).unwrap().is_none());
        assert!(restarted.find(&round(7), &hotkey(1)).unwrap().is_some());
        assert!(folder.path().join("notes-of-mine.txt").exists());
        // Three rounds of two files each.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 7);
        assert_eq!(payloads.lock().len(), CACHED_ROUNDS);
    }

    #[test]
    fn a_mangled_payload_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        let path = folder.path().join(format!("{}-00.json", round(1).origin));
        fs::write(path, "{").unwrap();
        let error = payloads.find(&round(1), &hotkey(1)).unwrap_err();
        assert!(error.to_string().contains("is no payload"));
    }

    #[test]
    fn others_may_not_read_a_forecast() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        payloads.bind(&round(1), hotkey(1), "{}".into()).unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn concurrent_requests_of_a_validator_give_the_first_payload() {
        let folder = tempfile::tempdir().unwrap();
        let payloads = PayloadStore::new(folder.path().to_owned());
        let bound: Vec<Arc<CommittedPayload>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|i| {
                    let payloads = &payloads;
                    let text = format!("{{{i}}}").into();
                    scope.spawn(move || payloads.bind(&round(1), hotkey(1), text))
                })
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.collect::<Result<_, _>>().unwrap()
        });
        let found = payloads.find(&round(1), &hotkey(1)).unwrap().unwrap();
        assert!(bound.iter().all(|payload| payload.text() == found.text()));
    }
}
