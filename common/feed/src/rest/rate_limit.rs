//! Hosts that answered that they aren't to be asked for a while.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::RestError;
use crate::retry_after::RetryAfter;

/// How long a host isn't asked that answered 429, too many requests, without a `Retry-After` that can be believed.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(60);
/// How long a host isn't asked that refused this address or region without one.
const DEFAULT_BAN: Duration = Duration::from_secs(300);

/// Until when each host isn't asked: never longer than [`RetryAfter::MAX`] from its last answer. Clones share the memory.
/// The hosts are those of a configuration, so they are few.
#[derive(Debug, Clone, Default)]
pub(super) struct HostRateLimits(Arc<Mutex<BTreeMap<String, Instant>>>);

impl HostRateLimits {
    /// [`RestError::RateLimited`] while the host isn't to be asked.
    pub(super) fn check(&self, venue: &'static str, host: &str) -> Result<(), RestError> {
        let mut hosts = self.locked();
        let Some(until) = hosts.get(host) else {
            return Ok(());
        };
        let wait = until.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            hosts.remove(host);
            return Ok(());
        }
        Err(RestError::RateLimited {
            venue,
            host: host.to_owned(),
            wait,
        })
    }

    /// Notes that a host answered with this status, if the status forbids requests for a while. Of two answers to requests
    /// that were under way together, the longer pause counts.
    pub(super) fn note(&self, host: &str, status: u16, retry_after: Option<RetryAfter>) {
        let asked = retry_after.map(RetryAfter::get);
        let wait = match status {
            429 => asked.unwrap_or(DEFAULT_RETRY_AFTER),
            403 | 418 | 451 => asked.unwrap_or(DEFAULT_BAN),
            503 => asked.unwrap_or(Duration::ZERO),
            _ => return,
        };
        if wait.is_zero() {
            return;
        }
        // Five minutes at most, which no clock lacks.
        let until = Instant::now() + wait;
        let mut hosts = self.locked();
        let kept = hosts.entry(host.to_owned()).or_insert(until);
        *kept = until.max(*kept);
    }

    /// A panic elsewhere leaves the map whole: each change is one insertion or removal.
    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
