//! Which requests are let in: what costs nothing is checked first, so that a stranger costs next to nothing.
//!
//! In this order: the headers' shape, receiver, freshness and the list of callers, before a body is read; then the
//! signature over the body; then that no request counts twice; then that the caller has no more than its share under
//! way.

use axum::http::StatusCode;
use foretell_core::hotkey::Hotkey;

use crate::auth_error::AuthError;
use crate::caller_slots::{CallerSlot, CallerSlots};
use crate::callers::Callers;
use crate::claimed_identity::ClaimedIdentity;
use crate::nanos_clock::NanosClock;
use crate::request_verifier::RequestVerifier;

/// Lets requests to one hotkey in, or says why not.
#[derive(Debug)]
pub(crate) struct RequestAuthorizer {
    verifier: RequestVerifier,
    callers: Callers,
    slots: CallerSlots,
    clock: NanosClock,
}

impl RequestAuthorizer {
    pub(crate) fn new(receiver: Hotkey, callers: Callers, clock: NanosClock) -> Self {
        Self {
            verifier: RequestVerifier::new(receiver),
            callers,
            slots: CallerSlots::default(),
            clock,
        }
    }

    /// Checks all that can be checked before a body is read; nothing is verified yet.
    pub(crate) fn check_claim(&self, claim: &ClaimedIdentity) -> Result<(), AuthError> {
        self.verifier.check_claim(claim, (self.clock)())?;
        self.callers.check(&claim.sender)
    }

    /// Lets the request in whose sender claims to have signed `text`, for as long as the slot is held.
    ///
    /// Callers that aren't allowed are refused before their nonces are remembered: they must not fill a memory that others
    /// need.
    pub(crate) fn authorize(
        &self,
        claim: &ClaimedIdentity,
        text: &str,
    ) -> Result<CallerSlot, AuthError> {
        self.check_claim(claim)?;
        let now_ns = (self.clock)();
        self.verifier.verify(claim, text)?;
        self.verifier.record_nonce(claim, now_ns)?;
        let slot = self.slots.take(claim.sender);
        slot.ok_or(AuthError::TooManyRequests)
    }
}

/// The HTTP status of a request that isn't let in.
pub(crate) const fn auth_error_status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::CallerNotAllowed(_) => StatusCode::FORBIDDEN,
        AuthError::CallersNotKnown => StatusCode::SERVICE_UNAVAILABLE,
        AuthError::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    }
}
