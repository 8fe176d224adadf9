//! Why a miner gave no answer.

use std::error::Error;
use std::time::Duration;

use foretell_core::miss::AnswerFault;
use thiserror::Error;

use super::declared_delay::DeclaredDelay;

/// Why a miner's answer is missing or can't be used; the texts name no address.
#[derive(Debug, Error)]
pub enum MinerRequestError {
    /// There was no connection, it was refused or reset, or it broke before the answer was whole. Transient: it may be asked
    /// again.
    #[error("the miner can't be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// It answered with an HTTP status other than success.
    #[error("status {status}: {said}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// After how long it wants to be asked again, if it says so.
        retry_after: Option<Duration>,
        /// The beginning of what it says, without control characters; for a log that is read closely, never for a journal.
        said: String,
        /// The delay that the miner declares with it.
        declared_delay: DeclaredDelay,
    },
    /// The total deadline passed; holds how long it was.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// Its answer is of another shape than asked for, or has too many bytes. Final.
    #[error("{why}")]
    InvalidAnswer {
        /// What is wrong with the answer.
        why: AnswerFault,
        /// The delay that the miner declares with it.
        declared_delay: DeclaredDelay,
    },
    /// The answer isn't signed by the miner, for this round and this validator. Final.
    #[error("the answer's signature does not verify")]
    BadSignature,
    /// The request can't be put into the messages that the miner speaks.
    #[error("the request can't be written: {0}")]
    Unsendable(&'static str),
}

/// Why a client can't be set up.
#[derive(Debug, Error)]
pub enum MinerClientError {
    /// Nonces are the time, and there is none.
    #[error("this machine's clock stands at 1970 or before: set it (chrony, systemd-timesyncd)")]
    NoTime,
}

impl MinerRequestError {
    /// Whether the miner may answer if it is asked again: it could not be reached, or says that it can't at the moment (too
    /// early, too many requests, overloaded or starting).
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => matches!(status, 425 | 429 | 503),
            Self::TimedOut(_)
            | Self::InvalidAnswer { .. }
            | Self::BadSignature
            | Self::Unsendable(_) => false,
        }
    }
}
