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
    /// The sender has more requests under way, or fresh ones remembered, than it may; or all together have.
    #[error("too many requests: try again")]
    TooManyRequests,
    /// Which callers are allowed isn't known yet.
    #[error("the validators that this miner answers are not known yet: try again")]
    CallersNotKnown,
    /// It claims to be of a sender, who is not among the allowed callers.
    #[error("{0} is not among the validators that this miner answers")]
    CallerNotAllowed(Hotkey),
}
