//! The hash chain of a journal: how records are linked, stored and read back.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::record::Record;
use crate::hash::{Hash, Hex, sha256};
use crate::time::UnixMillis;

/// A record in its place in the chain, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Position in the journal, from 0.
    pub seq: u64,
    /// SHA-256 of the bytes of the entry before; zeros for the first.
    pub prev: Hash,
    /// When the record was made, by the round clock.
    pub at: UnixMillis,
    /// The record itself.
    pub record: Record,
}

/// The end of the chain: how many entries there are and the hash of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalHead {
    /// Number of entries.
    pub records: u64,
    /// SHA-256 of the bytes of the last entry; zeros for none.
    pub hash: Hash,
}

/// Where a chain of entries stops being one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalError {
    /// The stored bytes are not the JSON of an entry.
    #[error("journal record {seq} can't be read: {why}")]
    Unreadable {
        /// Position of the entry, from 0.
        seq: u64,
        /// The parser's message.
        why: String,
    },
    /// The entry has another position or another previous hash than the head gives.
    #[error("journal record {seq} doesn't follow the one before it")]
    Unlinked {
        /// Position that the entry should have, from 0.
        seq: u64,
    },
}

impl JournalHead {
    /// The head of an empty journal.
    pub const EMPTY: Self = Self {
        records: 0,
        hash: Hex([0; 32]),
    };

    /// The bytes of the next entry, as they are stored; the head moves on to it.
    pub fn append(&mut self, at: UnixMillis, record: Record) -> Vec<u8> {
        let entry = JournalEntry {
            seq: self.records,
            prev: self.hash,
            at,
            record,
        };
        // Plain data with string keys and finite numbers: serialisation has nothing to fail on.
        let bytes = serde_json::to_vec(&entry).unwrap_or_default();
        self.records += 1;
        self.hash = sha256(&bytes);
        bytes
    }

    /// The entry in these stored bytes, if it is the next one; the head moves on to it.
    pub fn verify_next(&mut self, bytes: &[u8]) -> Result<JournalEntry, JournalError> {
        let seq = self.records;
        let entry: JournalEntry =
            serde_json::from_slice(bytes).map_err(|error| JournalError::Unreadable {
                seq,
                why: error.to_string(),
            })?;
        if entry.seq != seq || entry.prev != self.hash {
            return Err(JournalError::Unlinked { seq });
        }
        self.records += 1;
        self.hash = sha256(bytes);
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settle::VoidReason;

    fn voided(round: i64) -> Record {
        Record::Voided {
            round: UnixMillis::literal(round),
            why: VoidReason::NoAnchor,
        }
    }

    #[test]
    fn a_chain_follows_itself_to_the_same_head() {
        let mut written = JournalHead::EMPTY;
        let stored: Vec<Vec<u8>> = (0..3)
            .map(|i| written.append(UnixMillis::literal(i), voided(i)))
            .collect();
        let mut read = JournalHead::EMPTY;
        for (bytes, i) in stored.iter().zip(0..) {
            let entry = read.verify_next(bytes).unwrap();
            assert_eq!(
                (entry.at, entry.record),
                (UnixMillis::literal(i), voided(i))
            );
        }
        assert_eq!(read, written);
    }

    #[test]
    fn a_changed_missing_or_mangled_record_is_named() {
        let mut head = JournalHead::EMPTY;
        let first = head.append(UnixMillis::EPOCH, voided(0));
        let second = head.append(UnixMillis::literal(1), voided(1));
        let other = JournalHead::EMPTY
            .clone()
            .append(UnixMillis::EPOCH, voided(9));

        let mut read = JournalHead::EMPTY;
        assert_eq!(
            read.verify_next(&second),
            Err(JournalError::Unlinked { seq: 0 })
        );
        read.verify_next(&other).unwrap();
        assert_eq!(
            read.verify_next(&second),
            Err(JournalError::Unlinked { seq: 1 })
        );
        let mut read = JournalHead::EMPTY;
        read.verify_next(&first).unwrap();
        assert!(matches!(
            read.verify_next(b"{}"),
            Err(JournalError::Unreadable { seq: 1, .. })
        ));
    }
}
