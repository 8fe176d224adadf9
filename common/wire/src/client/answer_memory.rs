//! How many bytes of miners' answers are in memory at once, over all miners of a round.
//!
//! Every answer may have as much as a usual forecast takes, so that no miner waits for another. What is longer shares one
//! amount with all other long answers, and holds its part for a short time at most: miners that send long answers slowly can't
//! keep others' from being read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that every answer may have: more than 100 steps of 99 quantiles take.
const USUAL_BYTES: usize = 256 << 10;
/// Bytes of all longer answers together: 25 of the longest at once.
const SHARED_BYTES: usize = 128 << 20;
/// What the shared bytes are counted in.
const UNIT: usize = 1 << 10;

/// The memory of one client's answers.
#[derive(Debug)]
pub(super) struct AnswerMemory {
    shared: Arc<Semaphore>,
}

/// Room for one answer, given back when it is dropped.
pub(super) struct AnswerRoom {
    bytes: usize,
    /// The shared part, and until when it may be held.
    shared: Option<(OwnedSemaphorePermit, Instant)>,
}

impl Default for AnswerMemory {
    fn default() -> Self {
        Self {
            shared: Arc::new(Semaphore::new(SHARED_BYTES / UNIT)),
        }
    }
}

impl AnswerMemory {
    /// How long an answer may take from when it got more room than a usual one.
    pub(super) const LARGE_ANSWER_TIME: Duration = Duration::from_secs(10);

    /// Room for a usual answer, of `bytes` at most; there is always some.
    pub(super) fn usual(&self, bytes: usize) -> AnswerRoom {
        AnswerRoom {
            bytes: bytes.min(USUAL_BYTES),
            shared: None,
        }
    }

    /// Room for an answer of `bytes`, once there is.
    pub(super) async fn large(&self, bytes: usize) -> AnswerRoom {
        let units = bytes.div_ceil(UNIT).min(SHARED_BYTES / UNIT);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.shared).acquire_many_owned(units).await;
        // The semaphore is never closed; if it were, the answer would still be cut at its cap.
        let shared = permit.ok();
        AnswerRoom {
            bytes,
            shared: shared.map(|permit| (permit, Instant::now() + Self::LARGE_ANSWER_TIME)),
        }
    }
}

impl AnswerRoom {
    /// How many bytes it holds.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the answer has taken too long, by `now`, for what it holds.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        let overdue = |(_, until): &(_, Instant)| now > *until;
        self.shared.as_ref().is_some_and(overdue)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn long_answers_share_an_amount_and_usual_ones_wait_for_nobody() {
        let memory = AnswerMemory::default();
        let large = 5 << 20;
        let mut rooms = Vec::new();
        while let Some(room) = memory.large(large).now_or_never() {
            rooms.push(room);
        }
        assert_eq!(rooms.len(), SHARED_BYTES / large);
        assert_eq!(memory.usual(large).bytes(), USUAL_BYTES);
        let (now, later) = (
            Instant::now(),
            Instant::now() + 2 * AnswerMemory::LARGE_ANSWER_TIME,
        );
        assert!(!memory.usual(large).is_overdue(later));
        assert!(!rooms[0].is_overdue(now));
        assert!(rooms[0].is_overdue(later));
        rooms.pop();
        assert!(memory.large(large).now_or_never().is_some());
    }
}
