//! What every store of a journal does, and how it fails.

use std::ops::ControlFlow;
use std::path::PathBuf;

use foretell_core::error_kind::ErrorKind;
use foretell_core::hash::Hash;
use foretell_core::journal::{JournalError, JournalHead};
use thiserror::Error;

/// A journal of hash-chained entries, and payloads by their hash.
///
/// One writer. Calls block on the disk: they belong on a blocking thread.
pub trait JournalStore: Send + Sync + 'static {
    /// Adds a batch, all of it or nothing, and returns once it is durable.
    fn append(&self, batch: &JournalBatch) -> Result<(), StoreError>;

    /// Hands over the stored bytes of every entry, oldest first and one at a time, until `visit` breaks off.
    fn for_each_entry(
        &self,
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// The bytes of all entries at once, oldest first. Months of rounds are more than a memory should hold.
    fn entries(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut entries = Vec::new();
        self.for_each_entry(&mut |entry| {
            entries.push(entry.to_vec());
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    /// The payload with this hash.
    ///
    /// # Errors
    /// [`StoreError::NoPayload`] if no batch brought it.
    fn payload(&self, hash: &Hash) -> Result<Vec<u8>, StoreError>;
}

/// Entries that continue the journal, and the payloads that they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalBatch {
    /// Sequence number of the first entry: how many the journal has before it.
    pub first: u64,
    /// Each entry's bytes, in order.
    pub entries: Vec<Vec<u8>>,
    /// Payloads, each behind its SHA-256.
    pub payloads: Vec<(Hash, Vec<u8>)>,
    /// The journal's head once the batch is in.
    pub head: JournalHead,
}

/// Why a store can't be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The files can't be read, written or synced.
    #[error("can't access the journal in {path}")]
    Io {
        /// Directory of the store.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("the journal in {path} is in use: is another validator running on this directory?")]
    InUse {
        /// Directory of the store.
        path: PathBuf,
    },
    /// The database reports that its files are damaged, or the head file disagrees with them.
    #[error(
        "the journal in {path} is damaged: {why}; keep a copy of the directory and start with another --data"
    )]
    Damaged {
        /// Directory of the store.
        path: PathBuf,
        /// What is wrong, for people.
        why: String,
    },
    /// Entries that were known to be written are gone.
    #[error(
        "the journal in {path} has {found} records, but {known} were written; keep a copy of the directory and \
         start with another --data"
    )]
    Lost {
        /// Directory of the store.
        path: PathBuf,
        /// How many records there are.
        found: u64,
        /// How many records the head file names.
        known: u64,
    },
    /// The entries do not link to each other, or one can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No payload has this hash.
    #[error("the payload {0} is not in the store")]
    NoPayload(Hash),
}

impl StoreError {
    /// Whether it passes by itself: a disk that is full may have room again, what is lost or damaged stays so.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Transient,
            Self::InUse { .. }
            | Self::Damaged { .. }
            | Self::Lost { .. }
            | Self::Journal(_)
            | Self::NoPayload(_) => ErrorKind::Permanent,
        }
    }
}
