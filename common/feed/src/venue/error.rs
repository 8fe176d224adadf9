//! Why a venue can't be asked or understood.

use foretell_core::time::Millis;
use thiserror::Error;

/// Why a venue can't be asked or understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VenueError {
    /// It has no candles of this spacing.
    #[error("{venue} has no candles of {} s", step.0 / 1000)]
    Step {
        /// The venue.
        venue: &'static str,
        /// The spacing asked for.
        step: Millis,
    },
    /// The answer is not what its protocol says.
    #[error("{venue} answered something else than candles: {why}")]
    Malformed {
        /// The venue.
        venue: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The venue refused the request in its own words.
    #[error("{venue} refused: {why}")]
    Refused {
        /// The venue.
        venue: &'static str,
        /// Its words.
        why: String,
    },
    /// No such venue.
    #[error("no venue is called {name:?}; there are {known}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names that there are, in words.
        known: String,
    },
}
