//! How rounds ask miners, whether [live](super::live_miners) or in a [replay](super::replay_miners).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use foretell_core::hotkey::Hotkey;
use foretell_core::miss::{AnswerFault, MissReason};
use foretell_core::time::UnixMillis;
use foretell_wire::client::{MinerClient, MinerRequestError};
use foretell_wire::messages::{
    CommitRequest, CommitResponse, OutcomeNotice, RevealRequest, RevealResponse,
};
use thiserror::Error;

/// The miners of a network, as a validator asks them.
pub trait Miners: Send + Sync {
    /// It is `now` by the round clock, from which arrivals are counted on.
    fn begin_turn(&self, _now: UnixMillis) {}

    /// How many bytes of payloads may wait to be journalled: without end in a replay, whose journal must not depend on which
    /// answer came first.
    fn max_pending_bytes(&self) -> usize {
        usize::MAX
    }

    /// A miner's commitment to its forecast for the requested round.
    fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> impl Future<Output = Result<TimedAnswer<CommitResponse>, AnswerError>> + Send;

    /// The payload behind a commitment, which counts until `deadline`; the round clock stands at `now` when the miner is asked.
    fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> impl Future<Output = Result<TimedAnswer<RevealResponse>, AnswerError>> + Send;

    /// Sends a miner its outcomes, one notice after the other, for `timeout` of wall time at most.
    fn notify(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        timeout: Duration,
    ) -> impl Future<Output = ()> + Send;
}

/// An answer and when it arrived, by the round clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedAnswer<T> {
    /// The answer, its signature verified.
    pub answer: T,
    /// Its arrival by the round clock, which decides whether it was in time.
    pub at: UnixMillis,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// The miner missed; the reason goes into the journal.
    #[error(transparent)]
    Miss(MissReason),
    /// The validator is to stop, and doesn't wait for the answer.
    #[error("told to stop while miners were asked")]
    Stopped,
    /// In a replay a miner either answers or declares that it doesn't: this one broke.
    #[error("miner {miner} at {axon} did not answer")]
    Broken {
        /// Hotkey of the miner.
        miner: Hotkey,
        /// Where it was asked.
        axon: SocketAddr,
        /// How the request failed.
        source: MinerRequestError,
    },
}

/// The miss of a miner whose last answer was this, in words of ours.
pub(super) const fn miss_of(error: &MinerRequestError) -> MissReason {
    match error {
        MinerRequestError::InvalidAnswer { why, .. } => MissReason::BadAnswer { why: *why },
        MinerRequestError::Refused { status, .. } => MissReason::BadAnswer {
            why: AnswerFault::Status(*status),
        },
        MinerRequestError::BadSignature => MissReason::BadSignature,
        MinerRequestError::TimedOut(_)
        | MinerRequestError::Unreachable(_)
        | MinerRequestError::Unsendable(_) => MissReason::Silent,
    }
}

/// Sends notices over HTTP. A miner that refuses one, of a round in which it never heard the request say, may take the next;
/// one that doesn't answer gets no more of them.
pub(super) async fn notify_over_http(
    client: &MinerClient,
    miner: &Hotkey,
    axon: SocketAddr,
    notices: &[OutcomeNotice],
    timeout: Duration,
) {
    let deadline = Instant::now() + timeout;
    for notice in notices {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Err(error) = client.send_outcome(miner, axon, notice, left).await {
            tracing::debug!(%miner, round = %notice.round, %error, "a miner does not hear its outcome");
            if !matches!(
                error,
                MinerRequestError::Refused { .. } | MinerRequestError::InvalidAnswer { .. }
            ) {
                return;
            }
        }
    }
}
