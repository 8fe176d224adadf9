//! The last trades of each market, so that each counts once, in bounded memory.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::consecutive_numbers::{ConsecutiveNumbers, NumberOrder};
use crate::event::TradeId;

/// Trades of a market that are remembered, so that they count once. A venue's snapshot after a new subscription
/// holds at most some hundreds.
pub(super) const DEDUP_WINDOW: usize = 4096;
/// Markets that are remembered; of more, the one without a trade for longest is forgotten.
pub(super) const MAX_MARKETS: usize = 256;

/// The last trades of the markets of a venue.
#[derive(Debug, Default)]
pub(super) struct DedupWindows {
    by_market: HashMap<String, DedupWindow>,
    hasher: RandomState,
    /// Trades so far, which orders the markets by their last.
    trades: u64,
}

/// The last trades of a market, to recognise those that come again.
#[derive(Debug, Default)]
struct DedupWindow {
    ids: HashSet<u64>,
    order: VecDeque<u64>,
    numbers: ConsecutiveNumbers,
    last_used: u64,
}

impl DedupWindows {
    /// Takes in a trade: `None` if it came before, else where its number stands among those before.
    pub(super) fn observe(&mut self, market: &str, id: TradeId<'_>) -> Option<NumberOrder> {
        self.trades = self.trades.saturating_add(1);
        if !self.by_market.contains_key(market) {
            if self.by_market.len() >= MAX_MARKETS {
                self.forget_one();
            }
            self.by_market
                .insert(market.to_owned(), DedupWindow::default());
        }
        let window = self.by_market.get_mut(market)?;
        window.last_used = self.trades;
        let (key, number) = match id {
            TradeId::Number(number) => (number, Some(number)),
            TradeId::Text(text) => (self.hasher.hash_one(text), None),
        };
        if !window.is_new(key) {
            return None;
        }
        let order = number.map(|number| window.numbers.observe(number));
        Some(order.unwrap_or(NumberOrder::Next))
    }

    /// Forgets the market without a trade for longest.
    fn forget_one(&mut self) {
        let by_use = |(_, window): &(&String, &DedupWindow)| window.last_used;
        let oldest = self.by_market.iter().min_by_key(by_use);
        if let Some(oldest) = oldest.map(|(market, _)| market.clone()) {
            self.by_market.remove(&oldest);
        }
    }

    #[cfg(test)]
    pub(super) fn markets(&self) -> usize {
        self.by_market.len()
    }
}

impl DedupWindow {
    /// Whether this trade comes for the first time.
    fn is_new(&mut self, id: u64) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > DEDUP_WINDOW
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}
