//! Writing the journal and reading payloads from async code: the store blocks, so it works on blocking threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use foretell_core::hash::Hash;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{JournalHead, Record};
use foretell_core::time::UnixMillis;

use super::error::RoundRunnerError;
use crate::store::{JournalBatch, JournalStore, StoreError};

/// The end of a journal, where it goes on.
#[derive(Debug)]
pub(super) struct JournalWriter<S> {
    store: Arc<S>,
    head: JournalHead,
    last_at: UnixMillis,
}

impl<S: JournalStore> JournalWriter<S> {
    /// Goes on after `head`, whose last record is of round time `last_at`.
    pub(super) const fn new(store: Arc<S>, head: JournalHead, last_at: UnixMillis) -> Self {
        Self {
            store,
            head,
            last_at,
        }
    }

    pub(super) const fn head(&self) -> &JournalHead {
        &self.head
    }

    /// Round time of the last record.
    pub(super) const fn last_at(&self) -> UnixMillis {
        self.last_at
    }

    /// Makes `records` of round time `at` durable, together with the `payloads` that they name.
    pub(super) async fn append(
        &mut self,
        at: UnixMillis,
        records: Vec<Record>,
        payloads: Vec<(Hash, Vec<u8>)>,
    ) -> Result<(), RoundRunnerError> {
        let mut head = self.head;
        let entries = records.into_iter().map(|record| head.append(at, record));
        let batch = JournalBatch {
            first: self.head.records,
            entries: entries.collect(),
            payloads,
            head,
        };
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || store.append(&batch)).await??;
        self.head = head;
        self.last_at = at;
        Ok(())
    }

    pub(super) async fn payload(&self, hash: Hash) -> Result<Vec<u8>, RoundRunnerError> {
        let store = Arc::clone(&self.store);
        Ok(tokio::task::spawn_blocking(move || store.payload(&hash)).await??)
    }

    /// The payload of every miner, by the hash that stands beside it.
    pub(super) async fn payloads(
        &self,
        hashes: Vec<(Hotkey, Hash)>,
    ) -> Result<BTreeMap<Hotkey, Vec<u8>>, RoundRunnerError> {
        let store = Arc::clone(&self.store);
        let read = move || -> Result<_, StoreError> {
            let payloads = hashes
                .iter()
                .map(|(miner, hash)| Ok((*miner, store.payload(hash)?)));
            payloads.collect()
        };
        Ok(tokio::task::spawn_blocking(read).await??)
    }
}
