//! Why a miner gave no answer, and why there is no client.

use std::time::Duration;

use thiserror::Error;

use super::declared_delay::DeclaredDelay;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum MinerRequestError {
    /// No connection, or it broke.
    #[error("the miner can't be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The total deadline passed.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// It answered something else.
    #[error("{why}")]
    InvalidAnswer {
        /// What is wrong with it; no addresses, the text goes into the journal.
        why: String,
        /// What the miner declares.
        declared_delay: DeclaredDelay,
    },
    /// The answer's signature does not verify.
    #[error("the answer's signature does not verify")]
    BadSignature,
}

/// Why there is no client.
#[derive(Debug, Error)]
pub enum MinerClientError {
    /// The HTTP library.
    #[error("can't set up HTTP")]
    Http(#[from] reqwest::Error),
    /// The TLS library.
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
