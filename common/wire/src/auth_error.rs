//! Why a signed request is refused.

use foretell_core::hotkey::Hotkey;
use thiserror::Error;

/// Why a request is refused; the text goes back to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// A header is missing or can't be read; holds its name.
    #[error("header {0} is missing or malformed")]
    MalformedHeader(&'static str),
    /// It names another receiver than the hotkey that serves.
    #[error("request is for another receiver")]
    WrongReceiver,
    /// Its nonce is more than 10 s old, or more than 2 s ahead.
    #[error("request is not fresh: check both clocks")]
    Stale,
    /// The signature isn't the sender's own over the protocol's text.
    #[error("signature does not verify")]
    BadSignature,
    /// A request with this sender and nonce was accepted before.
    #[error("request was seen before")]
    Replayed,
    /// There are more fresh requests, in all or of this sender, than are remembered.
    #[error("too many requests")]
    TooManyRequests,
    /// It is the sender's own, who is not among the allowed callers.
    #[error("{0} is not among the validators that this miner answers")]
    CallerNotAllowed(Hotkey),
}
