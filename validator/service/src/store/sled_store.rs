//! The journal on disk, in sled 0.34, with its known faults worked around.
//!
//! - `flush()` never fsyncs on Linux, so the database file is fsynced here.
//! - A damaged log can open as an empty one, so a small *head* file beside the database holds the head,
//!   and what is opened must reach it.
//! - Large values are never reclaimed, so values are cut into chunks of at most 16 kB.
//! - Some damage makes it panic where it should return an error, so it opens on a thread of its own, whose panic
//!   is an error here.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use foretell_core::hash::{Hash, sha256};
use foretell_core::journal::JournalHead;
use foretell_files::{FileAccess, create_private_folder, remove_unfinished, replace_file};

use super::journal_store::{JournalBatch, JournalStore, StoreError};

/// Longest value in the database.
const CHUNK_BYTES: usize = 16 << 10;
/// Memory that sled may use for its cache.
const CACHE_BYTES: u64 = 32 << 20;
/// Compression level of payloads: the fastest, since digits compress well at any.
const ZSTD_LEVEL: i32 = 1;

/// Key prefix of journal entries, followed by sequence number and chunk.
const ENTRY: u8 = b'j';
/// Key prefix of payloads, followed by hash and chunk.
const PAYLOAD: u8 = b'p';

/// Name of the thread that a database is opened on.
const OPENING_THREAD: &str = "open-journal";

/// Keeps panics of sled while it opens out of standard error: [`SledStore::open`] returns them as errors.
///
/// For a binary's first line: the hook is the whole process's. Every other panic is reported as before.
pub fn report_opening_panics_as_errors() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(OPENING_THREAD) {
            report(panic);
        }
    }));
}

/// A store in a directory.
#[derive(Debug)]
pub struct SledStore {
    folder: PathBuf,
    db: sled::Db,
    /// The file that sled writes, opened to be fsynced.
    db_file: File,
}

impl SledStore {
    /// Opens the store in `folder`, or makes it there.
    ///
    /// # Errors
    /// Another process has it open, its files are damaged, or fewer records are there than the head file names.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.to_owned();
        let io_error = |source| StoreError::Io {
            path: path.clone(),
            source,
        };
        create_private_folder(folder).map_err(io_error)?;
        let config = sled::Config::new()
            .path(folder.join("sled"))
            .cache_capacity(CACHE_BYTES);
        let db = open_database(folder, move || config.open())?;
        let db_file = File::open(folder.join("sled").join("db")).map_err(io_error)?;
        let store = Self {
            folder: path,
            db,
            db_file,
        };
        store.check_against_head_file()?;
        // The database is locked, so nobody else writes here.
        remove_unfinished(folder).map_err(|error| store.io(error))?;
        Ok(store)
    }

    fn check_against_head_file(&self) -> Result<(), StoreError> {
        let known: JournalHead = match fs::read(self.head_file()) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| self.damaged(&error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.io(error)),
        };
        let Some(last) = known.records.checked_sub(1) else {
            return Ok(());
        };
        let Some(bytes) = self.read_value(&entry_key(last))? else {
            return Err(StoreError::Lost {
                path: self.folder.clone(),
                found: self.entries()?.len() as u64,
                known: known.records,
            });
        };
        if sha256(&bytes) == known.hash {
            Ok(())
        } else {
            Err(self.damaged(&"its records are not those that were written"))
        }
    }

    /// Written after each durable batch: after a crash it may be a batch behind, which the check allows.
    fn write_head_file(&self, head: &JournalHead) -> Result<(), StoreError> {
        let write = || {
            let head = serde_json::to_vec(head)?;
            replace_file(&self.head_file(), &head, FileAccess::Private)
        };
        write().map_err(|error| self.io(error))
    }

    fn head_file(&self) -> PathBuf {
        self.folder.join("head.json")
    }

    /// The value that was put under `key`, its chunks joined.
    fn read_value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut value = None;
        for chunk in self.db.scan_prefix(key) {
            let (_, bytes) = chunk.map_err(|error| store_error(&self.folder, error))?;
            value.get_or_insert_with(Vec::new).extend_from_slice(&bytes);
        }
        Ok(value)
    }

    fn io(&self, source: io::Error) -> StoreError {
        StoreError::Io {
            path: self.folder.clone(),
            source,
        }
    }

    fn damaged(&self, why: &impl ToString) -> StoreError {
        StoreError::Damaged {
            path: self.folder.clone(),
            why: why.to_string(),
        }
    }
}

impl JournalStore for SledStore {
    fn append(&self, batch: &JournalBatch) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for (entry, seq) in batch.entries.iter().zip(batch.first..) {
            put(&mut writes, &entry_key(seq), entry);
        }
        for (hash, payload) in &batch.payloads {
            let packed =
                zstd::encode_all(payload.as_slice(), ZSTD_LEVEL).map_err(|e| self.io(e))?;
            put(&mut writes, &payload_key(hash), &packed);
        }
        self.db
            .apply_batch(writes)
            .and_then(|()| self.db.flush())
            .map_err(|error| store_error(&self.folder, error))?;
        self.db_file.sync_data().map_err(|error| self.io(error))?;
        self.write_head_file(&batch.head)
    }

    fn for_each_entry(
        &self,
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut entry: Vec<u8> = Vec::new();
        for chunk in self.db.scan_prefix([ENTRY]) {
            let (key, bytes) = chunk.map_err(|error| store_error(&self.folder, error))?;
            let first_chunk = key.ends_with(&[0, 0]);
            if first_chunk && !entry.is_empty() {
                if visit(&entry).is_break() {
                    return Ok(());
                }
                entry.clear();
            }
            entry.extend_from_slice(&bytes);
        }
        if !entry.is_empty() {
            // The last entry: breaking off changes nothing.
            let _ = visit(&entry);
        }
        Ok(())
    }

    fn payload(&self, hash: &Hash) -> Result<Vec<u8>, StoreError> {
        let packed = self
            .read_value(&payload_key(hash))?
            .ok_or(StoreError::NoPayload(*hash))?;
        unpack_payload(&packed).map_err(|error| self.io(error))
    }
}

/// A payload, from the bytes that it is stored as.
///
/// # Errors
/// They are no frame of zstd.
pub fn unpack_payload(packed: &[u8]) -> io::Result<Vec<u8>> {
    zstd::decode_all(packed)
}

/// What `open` gives, on a thread of its own, so that a panic is an error.
fn open_database(
    folder: &Path,
    open: impl FnOnce() -> sled::Result<sled::Db> + Send + 'static,
) -> Result<sled::Db, StoreError> {
    let opening = std::thread::Builder::new()
        .name(OPENING_THREAD.into())
        .spawn(open)
        .map_err(|source| StoreError::Io {
            path: folder.to_owned(),
            source,
        })?;
    match opening.join() {
        Ok(opened) => opened.map_err(|error| store_error(folder, error)),
        Err(panic) => Err(StoreError::Damaged {
            path: folder.to_owned(),
            why: panic_message(panic.as_ref()),
        }),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the database could not be read")
        .to_owned()
}

fn entry_key(seq: u64) -> Vec<u8> {
    [&[ENTRY][..], &seq.to_be_bytes()].concat()
}

fn payload_key(hash: &Hash) -> Vec<u8> {
    [&[PAYLOAD][..], &hash.0].concat()
}

/// Puts `value` under `key` followed by a chunk number, as many as it takes.
fn put(writes: &mut sled::Batch, key: &[u8], value: &[u8]) {
    for (chunk, number) in value.chunks(CHUNK_BYTES).zip(0_u16..) {
        writes.insert([key, &number.to_be_bytes()].concat(), chunk);
    }
}

fn store_error(folder: &Path, error: sled::Error) -> StoreError {
    let path = folder.to_owned();
    match error {
        // sled wraps the lock's refusal in an error of kind Other.
        sled::Error::Io(source) if source.to_string().contains("could not acquire lock") => {
            StoreError::InUse { path }
        }
        sled::Error::Io(source) => StoreError::Io { path, source },
        other => StoreError::Damaged {
            path,
            why: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::journal::Record;
    use foretell_core::settle::VoidReason;
    use foretell_core::time::UnixMillis;

    use super::super::memory_store::MemoryStore;
    use super::*;

    /// A batch of `records` entries after `head`, with one payload longer than a chunk.
    fn batch(head: &mut JournalHead, records: i64) -> JournalBatch {
        let first = head.records;
        let entries = (0..records)
            .map(|i| {
                let record = Record::Voided {
                    round: UnixMillis::literal(i),
                    why: VoidReason::NoAnchor,
                };
                head.append(UnixMillis::literal(i), record)
            })
            .collect();
        let payload: Vec<u8> = (0..200_000_u32)
            .flat_map(|i| i.wrapping_mul(i).to_le_bytes())
            .collect();
        JournalBatch {
            first,
            entries,
            payloads: vec![(sha256(&payload), payload)],
            head: *head,
        }
    }

    fn check_any_store(store: &impl JournalStore) {
        let mut head = JournalHead::EMPTY;
        let batches = [batch(&mut head, 3), batch(&mut head, 300)];
        for batch in &batches {
            store.append(batch).unwrap();
        }
        let expected: Vec<Vec<u8>> = batches.iter().flat_map(|b| b.entries.clone()).collect();
        assert_eq!(store.entries().unwrap(), expected);
        let (hash, payload) = &batches[0].payloads[0];
        assert_eq!(&store.payload(hash).unwrap(), payload);
        assert!(matches!(
            store.payload(&sha256(b"other")),
            Err(StoreError::NoPayload(_))
        ));
    }

    #[test]
    fn every_store_returns_what_was_appended() {
        let folder = tempfile::tempdir().unwrap();
        check_any_store(&SledStore::open(folder.path()).unwrap());
        check_any_store(&MemoryStore::default());
    }

    #[test]
    fn what_was_appended_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = JournalHead::EMPTY;
        let written = batch(&mut head, 5);
        SledStore::open(folder.path())
            .unwrap()
            .append(&written)
            .unwrap();
        let store = SledStore::open(folder.path()).unwrap();
        assert_eq!(store.entries().unwrap(), written.entries);
    }

    #[test]
    fn a_store_that_lost_its_records_is_not_opened_as_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = JournalHead::EMPTY;
        SledStore::open(folder.path())
            .unwrap()
            .append(&batch(&mut head, 5))
            .unwrap();
        fs::remove_dir_all(folder.path().join("sled")).unwrap();
        let error = SledStore::open(folder.path()).unwrap_err();
        assert!(matches!(
            error,
            StoreError::Lost {
                found: 0,
                known: 5,
                ..
            }
        ));
    }

    #[test]
    fn a_store_that_is_in_use_is_not_reported_as_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let _first = SledStore::open(folder.path()).unwrap();
        let error = SledStore::open(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    }

    /// Which damage makes sled panic depends on when its threads wrote which page, so the test panics itself.
    #[test]
    fn a_panic_of_the_database_is_reported_as_damage_with_its_message() {
        report_opening_panics_as_errors();
        let opened = open_database(Path::new("journal"), || {
            panic!("tried to serialize Uninitialized")
        });
        let Err(StoreError::Damaged { path, why }) = opened else {
            panic!("{opened:?}");
        };
        assert_eq!(path, Path::new("journal"));
        assert_eq!(why, "tried to serialize Uninitialized");
    }

    #[test]
    fn overwritten_files_are_reported_as_damage() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = JournalHead::EMPTY;
        SledStore::open(folder.path())
            .unwrap()
            .append(&batch(&mut head, 5))
            .unwrap();
        let conf = folder.path().join("sled").join("conf");
        fs::write(conf, "overwritten").unwrap();
        let error = SledStore::open(folder.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::Damaged { .. } | StoreError::Io { .. }),
            "{error:?}"
        );
    }
}
