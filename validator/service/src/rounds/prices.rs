//! Where the prices of rounds come from: a replay has them all, live they are decided one by one and journalled.

use foretell_chain::chain::Chain;
use foretell_core::journal::Record;
use foretell_core::price::Price;
use foretell_core::replay::ReplayedPrices;
use foretell_core::settle::{MinuteDecision, MinuteInputs, PriceProvenance, Settlement};
use foretell_core::time::UnixMillis;

use super::miners::Miners;
use super::{RoundRunner, RoundRunnerError};
use crate::store::JournalStore;

/// Where the prices of rounds come from.
#[derive(Debug)]
pub enum RoundPrices {
    /// A replay of bars.
    Replay(ReplayedPrices),
    /// This journal: what was [decided](RoundRunner::record_prices) instant by instant.
    Journal,
}

/// The price of an instant, or that it is a gap, with what it was decided from.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceDecision {
    /// The instant.
    pub instant: UnixMillis,
    /// Its price; `None` is a gap.
    pub price: Option<Price>,
    /// What it was decided from.
    pub provenance: PriceProvenance,
    /// The inputs that the provenance names, if any.
    pub inputs: Option<Vec<u8>>,
}

impl PriceDecision {
    /// What these inputs came to.
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
                inputs: foretell_core::hash::sha256(&bytes),
                dispersion_bps,
                gap,
                excluded: decision.excluded,
            },
            inputs: Some(bytes),
        }
    }

    /// What a source of values says, or doesn't.
    pub const fn from_source(instant: UnixMillis, value: Option<Price>) -> Self {
        Self {
            instant,
            price: value,
            provenance: PriceProvenance::Source,
            inputs: None,
        }
    }
}

impl<S: JournalStore, C: Chain, M: Miners> RoundRunner<S, C, M> {
    /// Journals prices and gaps, with everything that they were decided from.
    pub async fn record_prices(
        &mut self,
        now: UnixMillis,
        decided: Vec<PriceDecision>,
    ) -> Result<(), RoundRunnerError> {
        if decided.is_empty() {
            return Ok(());
        }
        let mut records = Vec::with_capacity(decided.len());
        let mut kept = Vec::new();
        for PriceDecision {
            instant,
            price,
            provenance,
            inputs,
        } in decided
        {
            if let (PriceProvenance::Venues { inputs: hash, .. }, Some(bytes)) =
                (&provenance, inputs)
            {
                kept.push((*hash, bytes));
            }
            records.push(Record::Priced {
                instant,
                price,
                provenance,
            });
        }
        self.append_records(now, records, kept).await
    }

    /// What a round settles to; `None` while prices that it depends on are still to be decided.
    pub(super) fn settlement(&self, origin: UnixMillis) -> Option<Settlement> {
        match &self.prices {
            RoundPrices::Replay(prices) => Some(prices.settlement(origin)),
            RoundPrices::Journal => self.state.settlement(origin),
        }
    }
}
