//! Asking miners: over signed HTTP, or any other way that answers alike.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::round::Miss;
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::client::{Answered, AskError, Delay, MinerClient};
use foretell_wire::messages::{CommitAnswer, CommitRequest, RevealAnswer, RevealRequest};
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

    /// The payload behind it; `now` is the round clock when asking.
    fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Arrived<RevealAnswer>, NoAnswer>> + Send;
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
    /// In a replay a miner either answers or declares that it doesn't: this one broke.
    #[error("miner {miner} at {axon} did not answer; see its log")]
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
        now: UnixMillis,
    ) -> Result<Arrived<RevealAnswer>, NoAnswer> {
        let answered = self.client.reveal(miner, axon, request, self.patience).await;
        Self::arrived(answered, miner, axon, now)
    }
}
