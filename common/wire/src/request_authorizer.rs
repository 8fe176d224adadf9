//! Which requests are let in: signatures are checked first, then the list of callers, then that none counts twice.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use foretell_core::hotkey::Hotkey;

use crate::auth_error::AuthError;
use crate::claimed_identity::ClaimedIdentity;
use crate::nanos_clock::NanosClock;
use crate::request_verifier::RequestVerifier;

/// Most bytes of a request's body that are read.
pub const MAX_REQUEST_BYTES: usize = 64 << 10;

/// The verified sender of a request; handlers take it as `Extension<Caller>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub Hotkey);

/// Which hotkeys are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callers {
    /// Every hotkey whose signature verifies.
    Anyone,
    /// Only these hotkeys.
    Only(BTreeSet<Hotkey>),
}

/// Lets requests to one hotkey in, or says why not.
#[derive(Debug)]
pub(crate) struct RequestAuthorizer {
    verifier: RequestVerifier,
    callers: Callers,
    clock: NanosClock,
}

impl RequestAuthorizer {
    pub(crate) fn new(receiver: Hotkey, callers: Callers, clock: NanosClock) -> Self {
        Self {
            verifier: RequestVerifier::new(receiver),
            callers,
            clock,
        }
    }

    /// The sender of a request that claims to have signed `text`.
    ///
    /// Callers that aren't allowed are refused before their nonces are remembered: they must not fill a memory that others
    /// need.
    pub(crate) fn authorize(
        &self,
        claim: &ClaimedIdentity,
        text: &str,
    ) -> Result<Hotkey, AuthError> {
        let now_ns = (self.clock)();
        self.verifier.verify(claim, text, now_ns)?;
        match &self.callers {
            Callers::Only(allowed) if !allowed.contains(&claim.sender) => {
                return Err(AuthError::CallerNotAllowed(claim.sender));
            }
            _ => {}
        }
        self.verifier.record_nonce(claim, now_ns)?;
        Ok(claim.sender)
    }
}

/// The HTTP status of a request that isn't let in.
pub(crate) const fn auth_error_status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::CallerNotAllowed(_) => StatusCode::FORBIDDEN,
        AuthError::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    }
}
