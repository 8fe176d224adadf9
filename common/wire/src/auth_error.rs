//! Why a signed request is refused.

use foretell_core::hotkey::Hotkey;
use thiserror::Error;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// A header is missing or is not what it should be.
    #[error("header {0} is missing or malformed")]
    MalformedHeader(&'static str),
    /// Meant for somebody else.
    #[error("request is for another receiver")]
    WrongReceiver,
    /// Too old or from the future.
    #[error("request is not fresh: check both clocks")]
    Stale,
    /// The signature does not verify.
    #[error("signature does not verify")]
    BadSignature,
    /// Seen before.
    #[error("request was seen before")]
    Replayed,
    /// More fresh requests than can be remembered.
    #[error("too many requests")]
    TooManyRequests,
    /// Who it says it is, and not welcome.
    #[error("{0} is not among the validators that this miner answers")]
    CallerNotAllowed(Hotkey),
}
