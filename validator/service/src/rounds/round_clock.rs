//! The time within a turn: when the turn began by the machine's clock, and how much has passed since by one that nobody sets.
//!
//! A turn begins only at a time that can be believed. A machine's clock that is set while miners are
//! asked then changes no arrival and no deadline.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use foretell_core::time::{Millis, UnixMillis};

/// The round clock of one turn after the other.
#[derive(Debug)]
pub(super) struct RoundClock {
    turn: Mutex<(UnixMillis, Instant)>,
}

impl RoundClock {
    /// A clock that stands at `now`.
    pub(super) fn new(now: UnixMillis) -> Self {
        Self {
            turn: Mutex::new((now, Instant::now())),
        }
    }

    /// A turn began, and it was `now`.
    pub(super) fn begin_turn(&self, now: UnixMillis) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = (now, Instant::now());
    }

    /// The time.
    pub(super) fn now(&self) -> UnixMillis {
        // A pair is replaced as a whole: a panic elsewhere leaves none half made.
        let (began, at) = *self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        began + Millis(i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}
