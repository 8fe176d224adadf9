//! How long the chain is waited for: one deadline for all its answers in a stretch of work.
//!
//! Each answer of a node has a deadline of its own; but a node that takes nearly so long for each of them would hold up
//! the rounds, whose windows are seconds long, many times that long. Rounds go on without an answer for a while.

use std::time::Duration;

use foretell_chain::chain_error::ChainError;
use tokio::time::{Instant, timeout_at};

/// For so many blocks rounds go by a metagraph that can't be read anew: a tempo of most subnets, 72 minutes. Who is registered
/// and where miners listen changes little in that time; after it the chain has run another epoch, of which nothing is known.
pub const MAX_STALE_BLOCKS: i64 = 360;

/// Until when the chain is waited for; without end by default, as in a replay.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChainDeadline(Option<Limit>);

#[derive(Debug, Clone, Copy)]
struct Limit {
    at: Instant,
    /// What was granted in all, for the error.
    timeout: Duration,
}

impl ChainDeadline {
    /// A deadline `timeout` of wall time from now.
    pub fn after(timeout: Duration) -> Self {
        Self(Some(Limit {
            at: Instant::now() + timeout,
            timeout,
        }))
    }

    /// The chain's answer, or [`ChainError::TimedOut`] at the deadline. An answer that is ready counts even after it.
    pub async fn wait<T>(
        self,
        answer: impl Future<Output = Result<T, ChainError>>,
    ) -> Result<T, ChainError> {
        let Some(Limit { at, timeout }) = self.0 else {
            return answer.await;
        };
        let late = |_| Err(ChainError::TimedOut(timeout));
        timeout_at(at, answer).await.unwrap_or_else(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_share_one_deadline() {
        let deadline = ChainDeadline::after(Duration::from_millis(20));
        let no_answer = || std::future::pending::<Result<(), ChainError>>();
        // The first wait takes all of the time; the others, however many, take none.
        let begun = Instant::now();
        for _ in 0..1_000 {
            let error = deadline.wait(no_answer()).await.unwrap_err().to_string();
            assert!(error.contains("longer than 0.02 s in all"), "{error}");
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
        // An answer that is ready is still taken.
        deadline.wait(async { Ok(()) }).await.unwrap();
        ChainDeadline::default()
            .wait(async { Ok(()) })
            .await
            .unwrap();
    }
}
