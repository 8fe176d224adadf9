//! Hosts that answered that they aren't to be asked for a while.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::RestError;

/// How long a host isn't asked that answered 429, too many requests, without `Retry-After`.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(60);
/// How long a host isn't asked that refused this address or region without `Retry-After`.
const DEFAULT_BAN: Duration = Duration::from_secs(600);

/// Until when each host isn't asked. Clones share the memory.
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

    /// Notes that a host answered with this status, if the status forbids requests for a while.
    pub(super) fn note(&self, host: &str, status: u16, retry_after: Option<Duration>) {
        let wait = match status {
            429 => retry_after.unwrap_or(DEFAULT_RETRY_AFTER),
            403 | 418 | 451 => retry_after.unwrap_or(DEFAULT_BAN),
            503 => retry_after.unwrap_or(Duration::ZERO),
            _ => return,
        };
        self.locked().insert(host.to_owned(), Instant::now() + wait);
    }

    /// A panic elsewhere leaves the map whole: each change is one insertion or removal.
    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
