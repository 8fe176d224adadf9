//! How long the chain is waited for: all its answers in a stretch of work together.
//!
//! Each answer of a node has a deadline of its own; but a node that takes nearly so long for each of them would hold up
//! the rounds, whose windows are seconds long, many times that long.

use std::time::Duration;

use foretell_chain::chain::ChainError;
use tokio::time::{Instant, timeout_at};

/// Until when the chain is waited for; for ever by default, as in a replay.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChainDeadline(Option<(Instant, Duration)>);

impl ChainDeadline {
    /// For so long from now on, whatever is asked.
    pub fn after(whole: Duration) -> Self {
        Self(Some((Instant::now() + whole, whole)))
    }

    /// The chain's answer, if it comes in time. One that is there already always does.
    pub async fn wait<T>(
        self,
        answer: impl Future<Output = Result<T, ChainError>>,
    ) -> Result<T, ChainError> {
        let Some((until, whole)) = self.0 else {
            return answer.await;
        };
        let late = |_| Err(ChainError::TimedOut(whole));
        timeout_at(until, answer).await.unwrap_or_else(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_share_what_time_there_is() {
        let deadline = ChainDeadline::after(Duration::from_millis(20));
        let silence = || std::future::pending::<Result<(), ChainError>>();
        // The first silence takes all of it; the others, however many, take none.
        let begun = Instant::now();
        for _ in 0..1_000 {
            let error = deadline.wait(silence()).await.unwrap_err().to_string();
            assert!(error.contains("longer than 0.02 s in all"), "{error}");
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
        // What needs no waiting is had all the same.
        deadline.wait(async { Ok(()) }).await.unwrap();
        ChainDeadline::default()
            .wait(async { Ok(()) })
            .await
            .unwrap();
    }
}
