//! Asking miners: over signed HTTP, or any other way that answers alike.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use foretell_core::hotkey::Hotkey;
use foretell_core::round::Miss;
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::client::{Answered, AskError, Delay, MinerClient};
use foretell_wire::messages::{
    CommitAnswer, CommitRequest, OutcomeNotice, RevealAnswer, RevealRequest,
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
    ) -> impl Future<Output = Result<Arrived<CommitAnswer>, NoAnswer>> + Send;

    /// The payload behind it, which counts until `deadline`; `now` is the round clock when asking.
    fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Arrived<RevealAnswer>, NoAnswer>> + Send;

    /// Tells a miner how it did, one notice after the other, for `patience` of wall time at most.
    fn tell(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        patience: Duration,
    ) -> impl Future<Output = ()> + Send;
}

/// Tells notices over HTTP; a miner that doesn't take one gets no more of them.
pub(super) async fn tell_by(
    client: &MinerClient,
    miner: &Hotkey,
    axon: SocketAddr,
    notices: &[OutcomeNotice],
    patience: Duration,
) {
    let deadline = Instant::now() + patience;
    for notice in notices {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Err(error) = client.tell(miner, axon, notice, left).await {
            tracing::debug!(%miner, round = %notice.round, %error, "a miner does not hear its outcome");
            return;
        }
    }
}

/// An answer and when it came, by the round clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived<T> {
    /// The answer, its signature verified.
    pub answer: T,
    /// When.
    pub at: UnixMillis,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum NoAnswer {
    /// The miner missed; the verdict goes into the journal.
    #[error(transparent)]
    Miss(Miss),
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
        source: AskError,
    },
}

/// Miners in a replay, asked over HTTP. Wall time means nothing here: an answer arrives at the instant it was
/// asked for, plus the delay that an adversary declares.
#[derive(Debug)]
pub struct ReplayedMiners {
    client: MinerClient,
    patience: Duration,
}

impl ReplayedMiners {
    /// Miners asked by `client`; silence for `patience` of wall time fails the run.
    pub const fn new(client: MinerClient, patience: Duration) -> Self {
        Self { client, patience }
    }

    fn arrived<T>(
        answered: Result<Answered<T>, AskError>,
        miner: &Hotkey,
        axon: SocketAddr,
        now: UnixMillis,
    ) -> Result<Arrived<T>, NoAnswer> {
        match answered {
            Ok(Answered {
                answer,
                declared_delay,
            }) => match declared_delay {
                Delay::Never => Err(NoAnswer::Miss(Miss::Silent)),
                Delay::Millis(delay) => Ok(Arrived {
                    answer,
                    at: now + Millis(delay.into()),
                }),
            },
            Err(AskError::Unusable {
                declared_delay: Delay::Never,
                ..
            }) => Err(NoAnswer::Miss(Miss::Silent)),
            Err(AskError::Unusable { why, .. }) => Err(NoAnswer::Miss(Miss::BadAnswer { why })),
            Err(AskError::Signature) => Err(NoAnswer::Miss(Miss::BadSignature)),
            Err(source @ (AskError::Unreachable(_) | AskError::TimedOut(_))) => {
                Err(NoAnswer::Broken {
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
    ) -> Result<Arrived<CommitAnswer>, NoAnswer> {
        let answered = self
            .client
            .commitment(miner, axon, request, self.patience)
            .await;
        Self::arrived(answered, miner, axon, request.round_time_ms)
    }

    async fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        _deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<Arrived<RevealAnswer>, NoAnswer> {
        let answered = self
            .client
            .reveal(miner, axon, request, self.patience)
            .await;
        Self::arrived(answered, miner, axon, now)
    }

    async fn tell(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        patience: Duration,
    ) {
        tell_by(&self.client, miner, axon, notices, patience).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000);

    fn verdict(answered: Result<Answered<()>, AskError>) -> Result<UnixMillis, NoAnswer> {
        let axon = SocketAddr::from(([127, 0, 0, 1], 1));
        let arrived = ReplayedMiners::arrived(answered, &Hotkey([1; 32]), axon, NOW);
        arrived.map(|arrived| arrived.at)
    }

    fn unusable(declared_delay: Delay) -> Result<Answered<()>, AskError> {
        Err(AskError::Unusable {
            why: "rubbish".into(),
            declared_delay,
        })
    }

    #[test]
    fn an_answer_arrives_when_the_miner_says() {
        let answered = |declared_delay| {
            verdict(Ok(Answered {
                answer: (),
                declared_delay,
            }))
        };
        assert_eq!(answered(Delay::Millis(0)).unwrap(), NOW);
        assert_eq!(answered(Delay::Millis(3000)).unwrap(), UnixMillis(4_000));
        let never = answered(Delay::Never);
        assert!(matches!(never, Err(NoAnswer::Miss(Miss::Silent))));
    }

    #[test]
    fn what_a_miner_does_wrong_is_a_miss_and_what_breaks_a_replay_is_not() {
        let bad = verdict(unusable(Delay::Millis(0)));
        assert!(matches!(bad, Err(NoAnswer::Miss(Miss::BadAnswer { why })) if why == "rubbish"));
        let never = verdict(unusable(Delay::Never));
        assert!(matches!(never, Err(NoAnswer::Miss(Miss::Silent))));
        let forged = verdict(Err(AskError::Signature));
        assert!(matches!(forged, Err(NoAnswer::Miss(Miss::BadSignature))));
        let hung = verdict(Err(AskError::TimedOut(Duration::ZERO)));
        assert!(matches!(hung, Err(NoAnswer::Broken { .. })));
    }
}
