//! Errors of a venue's protocol.

use foretell_core::time::Millis;
use thiserror::Error;

use crate::venue_text::quoted_cow;

/// Why a venue has no candles for a query.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VenueError {
    /// It has no candles of this spacing.
    #[error("{venue} has no candles of {} s", step.get() / 1000)]
    Step {
        /// The venue's name, as in configuration.
        venue: &'static str,
        /// The spacing of the query.
        step: Millis,
    },
    /// The answer violates the venue's protocol.
    #[error("{venue} answered something else than candles: {why}")]
    Malformed {
        /// The venue's name, as in configuration.
        venue: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The venue refused the request.
    #[error("{venue} refused: {why}")]
    Refused {
        /// The venue's name, as in configuration.
        venue: &'static str,
        /// The text of the refusal, with its code if there is one.
        why: String,
    },
    /// There is no venue of that name.
    #[error("no venue is called {name:?}; there are {known}")]
    Unknown {
        /// The unknown name.
        name: String,
        /// All known names, as a phrase.
        known: String,
    },
}

impl VenueError {
    /// The error of an answer that violates the protocol of this venue; of the reason, no more than is fit to be shown.
    pub(crate) fn malformed(venue: &'static str, why: impl Into<String>) -> Self {
        let why = quoted_cow(why.into()).into_owned();
        Self::Malformed { venue, why }
    }

    /// The refusal of this venue, in its own words, as far as they are fit to be shown.
    pub(super) fn refused(venue: &'static str, why: impl Into<String>) -> Self {
        let why = quoted_cow(why.into()).into_owned();
        Self::Refused { venue, why }
    }
}
