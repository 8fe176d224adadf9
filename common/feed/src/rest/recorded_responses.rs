//! Answers on the way to or from a recording.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A venue's answer to a request, of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedResponse {
    /// Name of the venue.
    pub venue: String,
    /// Path and query of the request, without the host.
    pub path: String,
    /// HTTP status.
    pub status: u16,
    /// Body, which is UTF-8; others aren't recorded.
    pub body: String,
}

/// Answers on the way to or from a recording, by venue and path. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct RecordedResponses(Arc<Mutex<BTreeMap<(String, String), RecordedResponse>>>);

impl RecordedResponses {
    /// Adds an answer; of several to the same request, the last one counts.
    pub fn insert(&self, response: RecordedResponse) {
        let key = (response.venue.clone(), response.path.clone());
        self.locked().insert(key, response);
    }

    /// Removes all answers and returns them, ordered by venue and path.
    pub fn take(&self) -> Vec<RecordedResponse> {
        std::mem::take(&mut *self.locked()).into_values().collect()
    }

    pub(super) fn get(&self, venue: &str, path: &str) -> Option<RecordedResponse> {
        let key = (venue.to_owned(), path.to_owned());
        self.locked().get(&key).cloned()
    }

    /// A panic elsewhere leaves the map whole: entries are only ever added, or all taken.
    fn locked(&self) -> MutexGuard<'_, BTreeMap<(String, String), RecordedResponse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
