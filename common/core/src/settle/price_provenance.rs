//! What a price of record was decided from, as the journal keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::minute_decision::{GapReason, VenueExclusion};
use crate::hash::Hash;

/// What a price of record, or a gap, was decided from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum PriceProvenance {
    /// A quorum of venues, or the want of one.
    Venues {
        /// Hash of the minute's [inputs](super::MinuteInputs), which the store keeps: everything that decided it.
        inputs: Hash,
        /// (max − min) over the price, in bps.
        dispersion_bps: Option<f64>,
        /// Why it is a gap.
        gap: Option<GapReason>,
        /// Who had no say and why.
        excluded: BTreeMap<String, VenueExclusion>,
    },
    /// The one source of a series of values.
    Source,
}
