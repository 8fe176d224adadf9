//! The candles that one venue served, and what of them is final.

use std::collections::BTreeMap;

use super::candle::{MINUTE, valid_close};
use crate::bar::Bar;
use crate::price::Price;
use crate::time::UnixMillis;

/// The candles that a venue served, by open time; all have a finite volume.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VenueCandles(BTreeMap<UnixMillis, Bar>);

impl VenueCandles {
    /// The candle that starts in this minute; of several, the first.
    pub fn candle(&self, minute: UnixMillis) -> Option<Bar> {
        let mut within = self.0.range(minute..minute + MINUTE);
        within.next().map(|(_, candle)| *candle)
    }

    /// Whether there is a candle after this minute, which makes the minute's own final.
    pub fn has_later(&self, minute: UnixMillis) -> bool {
        let last = self.0.last_key_value();
        last.is_some_and(|(open_time, _)| *open_time >= minute + MINUTE)
    }

    /// Closes of the valid and final candles of `count` minutes, from `newest` back; `None` where there is no such
    /// candle.
    pub(super) fn final_closes(&self, newest: UnixMillis, count: usize) -> Vec<Option<Price>> {
        let minutes = std::iter::successors(Some(newest), |minute| Some(*minute - MINUTE));
        let close = |minute: UnixMillis| {
            let candle = self.candle(minute).filter(|_| self.has_later(minute))?;
            valid_close(&candle).ok()
        };
        minutes.take(count).map(close).collect()
    }
}

impl FromIterator<Bar> for VenueCandles {
    fn from_iter<I: IntoIterator<Item = Bar>>(candles: I) -> Self {
        // JSON can't hold a volume that isn't finite, and the candle would be invalid for it anyway.
        let valid = candles
            .into_iter()
            .filter(|candle| candle.volume.is_finite());
        Self(valid.map(|candle| (candle.open_time, candle)).collect())
    }
}
