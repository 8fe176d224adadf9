//! Asking miners: over signed HTTP, or any other way that answers alike.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use foretell_core::hotkey::Hotkey;
use foretell_core::miss::MissReason;
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::client::{DeclaredDelay, MinerClient, MinerRequestError, VerifiedAnswer};
use foretell_wire::messages::{
    CommitRequest, CommitResponse, OutcomeNotice, RevealRequest, RevealResponse,
};
use thiserror::Error;

/// The miners of a network, as a validator asks them.
pub trait Miners: Send + Sync {
    /// A miner's commitment.
    fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> impl Future<Output = Result<TimedAnswer<CommitResponse>, AnswerError>> + Send;

    /// The payload behind it, which counts until `deadline`; `now` is the round clock when asking.
    fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> impl Future<Output = Result<TimedAnswer<RevealResponse>, AnswerError>> + Send;

    /// Tells a miner how it did, one notice after the other, for `timeout` of wall time at most.
    fn notify(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        timeout: Duration,
    ) -> impl Future<Output = ()> + Send;
}

/// Tells notices over HTTP; a miner that doesn't take one gets no more of them.
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
            return;
        }
    }
}

/// An answer and when it came, by the round clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedAnswer<T> {
    /// The answer, its signature verified.
    pub answer: T,
    /// When.
    pub at: UnixMillis,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum AnswerError {
    /// The miner missed; the verdict goes into the journal.
    #[error(transparent)]
    Miss(MissReason),
    /// The validator was told to stop before it answered.
    #[error("told to stop while miners were asked")]
    Stopped,
    /// In a replay a miner either answers or declares that it doesn't: this one broke.
    #[error("miner {miner} at {axon} did not answer")]
    Broken {
        /// The miner.
        miner: Hotkey,
        /// Its address.
        axon: SocketAddr,
        /// What happened.
        source: MinerRequestError,
    },
}

/// Miners in a replay, asked over HTTP. Wall time means nothing here: an answer arrives at the instant it was
/// asked for, plus the delay that an adversary declares.
#[derive(Debug)]
pub struct ReplayedMiners {
    client: MinerClient,
    timeout: Duration,
}

impl ReplayedMiners {
    /// Miners asked by `client`; silence for `timeout` of wall time fails the run.
    pub const fn new(client: MinerClient, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    fn timed_answer<T>(
        answered: Result<VerifiedAnswer<T>, MinerRequestError>,
        miner: &Hotkey,
        axon: SocketAddr,
        now: UnixMillis,
    ) -> Result<TimedAnswer<T>, AnswerError> {
        match answered {
            Ok(VerifiedAnswer {
                answer,
                declared_delay,
            }) => match declared_delay {
                DeclaredDelay::Never => Err(AnswerError::Miss(MissReason::Silent)),
                DeclaredDelay::Millis(delay) => Ok(TimedAnswer {
                    answer,
                    at: now + Millis(delay.into()),
                }),
            },
            Err(MinerRequestError::InvalidAnswer {
                declared_delay: DeclaredDelay::Never,
                ..
            }) => Err(AnswerError::Miss(MissReason::Silent)),
            Err(MinerRequestError::InvalidAnswer { why, .. }) => {
                Err(AnswerError::Miss(MissReason::BadAnswer { why }))
            }
            Err(MinerRequestError::BadSignature) => {
                Err(AnswerError::Miss(MissReason::BadSignature))
            }
            Err(source @ (MinerRequestError::Unreachable(_) | MinerRequestError::TimedOut(_))) => {
                Err(AnswerError::Broken {
                    miner: *miner,
                    axon,
                    source,
                })
            }
        }
    }
}

impl Miners for ReplayedMiners {
    async fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> Result<TimedAnswer<CommitResponse>, AnswerError> {
        let answered = self
            .client
            .request_commitment(miner, axon, request, self.timeout)
            .await;
        Self::timed_answer(answered, miner, axon, request.round_time_ms)
    }

    async fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        _deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<TimedAnswer<RevealResponse>, AnswerError> {
        let answered = self
            .client
            .request_reveal(miner, axon, request, self.timeout)
            .await;
        Self::timed_answer(answered, miner, axon, now)
    }

    async fn notify(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        timeout: Duration,
    ) {
        notify_over_http(&self.client, miner, axon, notices, timeout).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000);

    fn verdict(
        answered: Result<VerifiedAnswer<()>, MinerRequestError>,
    ) -> Result<UnixMillis, AnswerError> {
        let axon = SocketAddr::from(([127, 0, 0, 1], 1));
        let answer = ReplayedMiners::timed_answer(answered, &Hotkey([1; 32]), axon, NOW);
        answer.map(|answer| answer.at)
    }

    fn unusable(declared_delay: DeclaredDelay) -> Result<VerifiedAnswer<()>, MinerRequestError> {
        Err(MinerRequestError::InvalidAnswer {
            why: "rubbish".into(),
            declared_delay,
        })
    }

    #[test]
    fn an_answer_arrives_when_the_miner_says() {
        let answered = |declared_delay| {
            verdict(Ok(VerifiedAnswer {
                answer: (),
                declared_delay,
            }))
        };
        assert_eq!(answered(DeclaredDelay::Millis(0)).unwrap(), NOW);
        assert_eq!(
            answered(DeclaredDelay::Millis(3000)).unwrap(),
            UnixMillis(4_000)
        );
        let never = answered(DeclaredDelay::Never);
        assert!(matches!(never, Err(AnswerError::Miss(MissReason::Silent))));
    }

    #[test]
    fn what_a_miner_does_wrong_is_a_miss_and_what_breaks_a_replay_is_not() {
        let bad = verdict(unusable(DeclaredDelay::Millis(0)));
        assert!(
            matches!(bad, Err(AnswerError::Miss(MissReason::BadAnswer { why })) if why == "rubbish")
        );
        let never = verdict(unusable(DeclaredDelay::Never));
        assert!(matches!(never, Err(AnswerError::Miss(MissReason::Silent))));
        let forged = verdict(Err(MinerRequestError::BadSignature));
        assert!(matches!(
            forged,
            Err(AnswerError::Miss(MissReason::BadSignature))
        ));
        let hung = verdict(Err(MinerRequestError::TimedOut(Duration::ZERO)));
        assert!(matches!(hung, Err(AnswerError::Broken { .. })));
    }
}
