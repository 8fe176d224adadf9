//! A store in memory, for simulations that need no disk and for tests that fail at any write.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use foretell_core::hash::Hash;

use super::journal_store::{JournalBatch, JournalStore, StoreError};

/// A store whose contents end with the process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    entries: Vec<Vec<u8>>,
    /// Each with the sequence number of the first entry of its batch.
    payloads: BTreeMap<Hash, (u64, Vec<u8>)>,
}

impl MemoryStore {
    /// A store as it was after its first `entries` entries. A batch that is cut in two keeps all its payloads.
    pub fn truncated_to(&self, entries: usize) -> Self {
        let contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let payloads = contents.payloads.iter();
        let cut = Contents {
            entries: contents.entries.iter().take(entries).cloned().collect(),
            payloads: payloads
                .filter(|(_, (first, _))| *first < entries as u64)
                .map(|(hash, payload)| (*hash, payload.clone()))
                .collect(),
        };
        Self {
            contents: Arc::new(Mutex::new(cut)),
        }
    }
}

impl JournalStore for MemoryStore {
    fn append(&self, batch: &JournalBatch) -> Result<(), StoreError> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        contents.entries.extend(batch.entries.iter().cloned());
        for (hash, payload) in &batch.payloads {
            let first_written = (batch.first, payload.clone());
            contents.payloads.entry(*hash).or_insert(first_written);
        }
        Ok(())
    }

    fn for_each_entry(
        &self,
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        // The visitor knows that it broke off.
        let _ = contents.entries.iter().try_for_each(|entry| visit(entry));
        Ok(())
    }

    fn payload(&self, hash: &Hash) -> Result<Vec<u8>, StoreError> {
        let contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let payload = contents
            .payloads
            .get(hash)
            .map(|(_, payload)| payload.clone());
        payload.ok_or(StoreError::NoPayload(*hash))
    }
}
