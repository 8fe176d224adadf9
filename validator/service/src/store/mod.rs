//! Where the journal and the payloads it names are kept.

mod journal_store;
mod memory_store;
mod sled_store;

pub use self::journal_store::{JournalBatch, JournalStore, StoreError};
pub use self::memory_store::MemoryStore;
pub use self::sled_store::{SledStore, report_opening_panics_as_errors, unpack_payload};
