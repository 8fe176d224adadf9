//! Where a price of record comes from, as the journal keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::minute_decision::{GapReason, VenueExclusion};
use crate::hash::Hash;

/// What a price of record, or a gap, was decided from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum PriceProvenance {
    /// From venues' candles, by [`settle_minute`](super::settle_minute()).
    Venues {
        /// Hash of the minute's [inputs](super::MinuteInputs), which the store keeps: everything that decided it.
        inputs: Hash,
        /// (max − min) of the constituents' prices over the price, in bps; `None` for a gap.
        dispersion_bps: Option<f64>,
        /// Why it is a gap; `None` if there is a price.
        gap: Option<GapReason>,
        /// The venues whose price did not count, by name, with the reason.
        excluded: BTreeMap<String, VenueExclusion>,
    },
    /// From the only source of a series that no venue trades, whose value is the price.
    Source,
}
