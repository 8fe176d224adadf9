//! Reading a journal back: what its records amount to.

use std::ops::ControlFlow;

use foretell_core::journal::{Genesis, JournalHead, Record};
use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;

use super::error::RoundRunnerError;
use crate::store::{JournalStore, StoreError};

/// What a journal amounts to.
pub(super) struct ReplayedJournal {
    /// All its records applied.
    pub(super) state: SeriesState,
    /// Its end; [`JournalHead::EMPTY`] if nothing was written yet.
    pub(super) head: JournalHead,
    /// Round time of its last record; the first origin if there is none.
    pub(super) last_at: UnixMillis,
}

impl ReplayedJournal {
    /// Applies the journal in `store`, one entry at a time: months of them are more than a memory should hold.
    ///
    /// # Errors
    /// The chain of hashes is broken, the first record is not `genesis`, or a record doesn't follow from those before it.
    pub(super) fn read(
        store: &impl JournalStore,
        genesis: &Genesis,
    ) -> Result<Self, RoundRunnerError> {
        let mut journal = Self {
            state: SeriesState::new(genesis.clone()),
            head: JournalHead::EMPTY,
            last_at: genesis.first_origin,
        };
        let mut applied = Ok(());
        store.for_each_entry(&mut |bytes| {
            applied = journal.apply(bytes, genesis);
            match applied {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        applied.map(|()| journal)
    }

    fn apply(&mut self, bytes: &[u8], genesis: &Genesis) -> Result<(), RoundRunnerError> {
        let entry = self.head.verify_next(bytes).map_err(StoreError::from)?;
        match &entry.record {
            Record::Genesis(found) if entry.seq == 0 && found == genesis => {}
            _ if entry.seq == 0 => return Err(RoundRunnerError::GenesisMismatch),
            record => self.state.apply(record)?,
        }
        self.last_at = entry.at;
        Ok(())
    }
}
