//! Why a miner gave no answer, and why there is no client.

use std::time::Duration;

use thiserror::Error;

use super::declared_delay::DeclaredDelay;

/// Why a miner's answer is missing or can't be used; the texts go into the journal and name no address.
#[derive(Debug, Error)]
pub enum MinerRequestError {
    /// There was no connection, or it broke before the answer was whole.
    #[error("the miner can't be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The total deadline passed; holds how long it was.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// It answered with another status or shape than asked for, or with too many bytes.
    #[error("{why}")]
    InvalidAnswer {
        /// What is wrong with the answer.
        why: String,
        /// The delay that the miner declares with it.
        declared_delay: DeclaredDelay,
    },
    /// The answer isn't signed by the miner, for this round and this validator.
    #[error("the answer's signature does not verify")]
    BadSignature,
}

/// Why a client can't be set up.
#[derive(Debug, Error)]
pub enum MinerClientError {
    /// The HTTP library refuses its settings.
    #[error("can't set up HTTP")]
    Http(#[from] reqwest::Error),
    /// The TLS library refuses its settings.
    #[error("can't set up TLS")]
    Tls(#[from] rustls::Error),
}

impl MinerRequestError {
    /// An answer that can't be used, without a declared delay.
    pub(super) const fn invalid_answer(why: String) -> Self {
        Self::InvalidAnswer {
            why,
            declared_delay: DeclaredDelay::Millis(0),
        }
    }
}
