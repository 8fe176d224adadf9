//! Where the prices of rounds come from: a replay has them all, live they are decided one by one and journalled.

use foretell_core::hash::sha256;
use foretell_core::price::Price;
use foretell_core::replay::ReplayedPrices;
use foretell_core::settle::{MinuteDecision, MinuteInputs, PriceProvenance, Settlement};
use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;

/// Where the prices of rounds come from.
#[derive(Debug)]
pub enum RoundPrices {
    /// A replay of bars.
    Replay(ReplayedPrices),
    /// This journal: the prices and gaps that [were recorded](super::RoundRunner::record_prices) instant by instant.
    Journal,
}

impl RoundPrices {
    /// What the round with this `origin` settles to; `None` while prices that it depends on are still undecided.
    pub(super) fn settlement(&self, state: &SeriesState, origin: UnixMillis) -> Option<Settlement> {
        match self {
            Self::Replay(prices) => Some(prices.settlement(origin)),
            Self::Journal => state.settlement(origin),
        }
    }
}

/// The price of an instant, or that it is a gap, with what it was decided from.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceDecision {
    /// End of the minute or step whose close this is.
    pub instant: UnixMillis,
    /// The settled price; `None` is a gap.
    pub price: Option<Price>,
    /// What it was decided from, as the journal records it.
    pub provenance: PriceProvenance,
    /// Bytes of the inputs whose hash the provenance names; `None` if it names none.
    pub inputs: Option<Vec<u8>>,
}

impl PriceDecision {
    /// The `decision` of a quorum of venues on these inputs.
    pub fn from_venues(
        instant: UnixMillis,
        inputs: &MinuteInputs,
        decision: MinuteDecision,
    ) -> Self {
        let bytes = inputs.bytes();
        let (price, dispersion_bps, gap) = match decision.price {
            Ok(settled) => (Some(settled.price), Some(settled.dispersion_bps), None),
            Err(reason) => (None, None, Some(reason)),
        };
        Self {
            instant,
            price,
            provenance: PriceProvenance::Venues {
                inputs: sha256(&bytes),
                dispersion_bps,
                gap,
                excluded: decision.excluded,
            },
            inputs: Some(bytes),
        }
    }

    /// The value of a file or URL of values, or that it has none.
    pub const fn from_source(instant: UnixMillis, value: Option<Price>) -> Self {
        Self {
            instant,
            price: value,
            provenance: PriceProvenance::Source,
            inputs: None,
        }
    }
}
