//! Where the journal and the payloads it names are kept.

mod memory;
mod sled;

pub use self::memory::MemoryStore;
pub use self::sled::{SledStore, report_opening_panics_as_errors};

use std::ops::ControlFlow;
use std::path::PathBuf;

use foretell_core::hash::Hash;
use foretell_core::journal::{JournalError, JournalHead};
use thiserror::Error;

/// A journal of hash-chained entries, and payloads by their hash.
///
/// One writer. Calls block on the disk: they belong on a blocking thread.
pub trait JournalStore: Send + Sync + 'static {
    /// Adds what happened, all of it or nothing, and returns once it is durable.
    fn append(&self, batch: &JournalBatch) -> Result<(), StoreError>;

    /// Hands over the stored bytes of every entry, oldest first and one at a time, until `take` breaks off.
    fn for_each_entry(
        &self,
        take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// All of them at once, which for months of rounds is more than a memory should hold.
    fn entries(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut entries = Vec::new();
        self.for_each_entry(&mut |entry| {
            entries.push(entry.to_vec());
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    /// The payload with this hash.
    fn payload(&self, hash: &Hash) -> Result<Vec<u8>, StoreError>;
}

/// Entries that continue the journal and the payloads that they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalBatch {
    /// Position of the first entry.
    pub first: u64,
    /// The entries' bytes.
    pub entries: Vec<Vec<u8>>,
    /// Payloads and their hashes.
    pub payloads: Vec<(Hash, Vec<u8>)>,
    /// The journal's head once this is in.
    pub head: JournalHead,
}

/// Why a store can't be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The files can't be accessed.
    #[error("can't access the journal in {path}")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("the journal in {path} is in use: is another validator running on this directory?")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The database says that its files are damaged.
    #[error(
        "the journal in {path} is damaged: {why}; keep a copy of the directory and start with another --data"
    )]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Entries that were known to be written are gone.
    #[error(
        "the journal in {path} has {found} records, but {known} were written; keep a copy of the directory and \
         start with another --data"
    )]
    Lost {
        /// The directory.
        path: PathBuf,
        /// Records found.
        found: u64,
        /// Records that the head file knows of.
        known: u64,
    },
    /// The entries are no chain.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A payload is not there.
    #[error("the payload {0} is not in the store")]
    NoPayload(Hash),
}
