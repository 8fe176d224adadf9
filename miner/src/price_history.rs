//! The bars that a model may look at, in time order on the series' grid.

use std::ops::Range;
use std::sync::Arc;

use foretell_core::bar::Bar;
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};
use thiserror::Error;

use crate::returns::Returns;

/// Bars of one series on its grid, in time order, gaps allowed, at most one for each step.
///
/// A copy, and every part cut out by [`until`](Self::until) or [`between`](Self::between), shares the bars: cutting
/// costs two binary searches.
#[derive(Debug, Clone)]
pub struct PriceHistory {
    step: Millis,
    unit: Unit,
    bars: Arc<Vec<Bar>>,
    /// The part of `bars` that is this history.
    range: Range<usize>,
    /// The returns of all `bars` or of the newest, where they have been computed.
    returns: Option<Arc<Returns<'static>>>,
}

/// Why bars don't belong in a [`PriceHistory`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PriceHistoryError {
    /// The bar doesn't open on a multiple of the step.
    #[error("the bar opening at {open_time} is off the grid of {step}: load bars of that step")]
    OffGrid {
        /// When it opens, in unix milliseconds.
        open_time: UnixMillis,
        /// Step of the history.
        step: Millis,
    },
    /// A price without a logarithm in a series of log prices.
    #[error(
        "the bar opening at {open_time} has a price of {price}: \
         prices must be positive, or the series configured with unit = \"value\""
    )]
    NotPositive {
        /// When it opens, in unix milliseconds.
        open_time: UnixMillis,
        /// The price, as decimal text.
        price: String,
    },
}

impl PriceHistory {
    /// A history without bars, on the grid of this step.
    pub fn new(step: Millis, unit: Unit) -> Self {
        Self {
            step,
            unit,
            bars: Arc::default(),
            range: 0..0,
            returns: None,
        }
    }

    /// The same history with its returns, which all its parts then share: for callers that look at many of them.
    #[must_use]
    pub fn with_returns(self) -> Self {
        let returns = Returns::compute(&self.bars, self.step, self.unit, usize::MAX);
        Self {
            returns: Some(Arc::new(returns)),
            ..self
        }
    }

    /// The same history with its newest `count` returns, for several models that look back no further from its end.
    #[must_use]
    pub fn with_newest_returns(self, count: usize) -> Self {
        if self.returns.is_some() {
            return self;
        }
        let returns = Returns::compute(self.bars(), self.step, self.unit, count);
        Self {
            returns: Some(Arc::new(returns)),
            ..self
        }
    }

    /// Adds bars, in any order, and returns how many were new; a bar of an already known time is ignored.
    ///
    /// # Errors
    /// A bar off the grid, or without positive prices where returns are logarithms; then none is added.
    pub fn extend(
        &mut self,
        bars: impl IntoIterator<Item = Bar>,
    ) -> Result<usize, PriceHistoryError> {
        let mut new = Vec::new();
        for bar in bars {
            self.check(&bar)?;
            if !self.contains(bar.open_time) {
                new.push(bar);
            }
        }
        new.sort_by_key(|bar| bar.open_time);
        new.dedup_by_key(|bar| bar.open_time);
        let added = new.len();
        if added > 0 {
            let bars = self.bars_mut();
            bars.extend(new);
            // A merge of two sorted runs; nothing to do where the new bars follow the old ones.
            bars.sort_by_key(|bar| bar.open_time);
            self.range = 0..bars.len();
        }
        Ok(added)
    }

    /// Removes the bars that open before `keep_from`.
    pub fn trim(&mut self, keep_from: UnixMillis) {
        let bars = self.bars_mut();
        let first = bars.partition_point(|bar| bar.open_time < keep_from);
        bars.drain(..first);
        self.range = 0..bars.len();
    }

    /// What was known at `t`: the bars closing at or before it.
    #[must_use]
    pub fn until(&self, t: UnixMillis) -> Self {
        let bars = self.bars();
        let end = bars.partition_point(|bar| bar.close_time(self.step) <= t);
        self.sub_range(0, end)
    }

    /// The bars that lie wholly in `[from, to]`.
    #[must_use]
    pub fn between(&self, from: UnixMillis, to: UnixMillis) -> Self {
        let bars = self.bars();
        let start = bars.partition_point(|bar| bar.open_time < from);
        let end = bars.partition_point(|bar| bar.close_time(self.step) <= to);
        self.sub_range(start, end.max(start))
    }

    /// The bars, oldest first, at most one for each step.
    pub fn bars(&self) -> &[Bar] {
        self.bars.get(self.range.clone()).unwrap_or_default()
    }

    /// Time between two closes, where no bar is missing.
    pub const fn step(&self) -> Millis {
        self.step
    }

    /// How returns of the series are measured: as log returns or differences.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// When the newest bar closed, which is the origin of a forecast from this history; `None` without bars.
    pub fn last_close_time(&self) -> Option<UnixMillis> {
        self.bars().last().map(|bar| bar.close_time(self.step))
    }

    /// The returns of all its bars.
    pub(crate) fn returns(&self) -> Returns<'_> {
        self.newest_returns(usize::MAX)
    }

    /// Its newest `count` returns, or as many as there are: borrowed where they
    /// [have been computed](Self::with_returns), computed otherwise.
    pub(crate) fn newest_returns(&self, count: usize) -> Returns<'_> {
        let Some(all) = self.returns.as_deref() else {
            return Returns::compute(self.bars(), self.step, self.unit, count);
        };
        let (Some(first), Some(last)) = (self.bars().first(), self.bars().last()) else {
            return Returns::default();
        };
        let rows_until = |bar: &Bar| {
            all.open_times
                .partition_point(|open_time| *open_time <= bar.open_time)
        };
        let end = rows_until(last);
        all.slice(rows_until(first).max(end.saturating_sub(count))..end)
    }

    fn sub_range(&self, start: usize, end: usize) -> Self {
        Self {
            step: self.step,
            unit: self.unit,
            bars: Arc::clone(&self.bars),
            range: self.range.start + start..self.range.start + end,
            returns: self.returns.clone(),
        }
    }

    /// The bars of this history only, in a vector of its own that can be changed.
    fn bars_mut(&mut self) -> &mut Vec<Bar> {
        self.returns = None;
        if self.range != (0..self.bars.len()) {
            self.bars = Arc::new(self.bars().to_vec());
        }
        Arc::make_mut(&mut self.bars)
    }

    fn contains(&self, open_time: UnixMillis) -> bool {
        self.bars()
            .binary_search_by_key(&open_time, |bar| bar.open_time)
            .is_ok()
    }

    fn check(&self, bar: &Bar) -> Result<(), PriceHistoryError> {
        let open_time = bar.open_time;
        let on_grid = self.step > Millis::ZERO && open_time.past_step(self.step) == Millis::ZERO;
        if !on_grid {
            return Err(PriceHistoryError::OffGrid {
                open_time,
                step: self.step,
            });
        }
        let prices = [bar.open, bar.high, bar.low, bar.close];
        match prices.into_iter().find(|price| price.get() <= 0.0) {
            Some(price) if self.unit == Unit::LogPrice => Err(PriceHistoryError::NotPositive {
                open_time,
                price: price.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::{STEP, price};
    use proptest::prelude::*;

    use super::*;

    fn bar(index: i64) -> Bar {
        let time = UnixMillis::literal(STEP.times(index).get());
        Bar::from_value(time, price(100.0 + index as f64))
    }

    fn times(history: &PriceHistory) -> Vec<i64> {
        let bars = history.bars().iter();
        bars.map(|bar| bar.open_time.get() / STEP.get()).collect()
    }

    fn history(indices: impl IntoIterator<Item = i64>) -> PriceHistory {
        let mut history = PriceHistory::new(STEP, Unit::LogPrice);
        history.extend(indices.into_iter().map(bar)).unwrap();
        history
    }

    #[test]
    fn known_times_keep_their_first_bar() {
        let mut history = history([1, 2]);
        let other = Bar::from_value(bar(2).open_time, price(7.0));
        assert_eq!(history.extend([other, bar(3), bar(3)]), Ok(1));
        assert_eq!(history.bars(), [bar(1), bar(2), bar(3)]);
    }

    #[test]
    fn a_refused_bar_leaves_the_history_as_it_was() {
        let mut history = history([1]);
        let off = Bar::from_value(UnixMillis::literal(1), price(1.0));
        assert!(matches!(
            history.extend([bar(5), off]),
            Err(PriceHistoryError::OffGrid { .. })
        ));
        let zero = Bar::from_value(bar(2).open_time, price(0.0));
        assert!(matches!(
            history.extend([bar(5), zero]),
            Err(PriceHistoryError::NotPositive { .. })
        ));
        assert_eq!(times(&history), [1]);
        let mut values = PriceHistory::new(STEP, Unit::Value);
        assert_eq!(values.extend([zero]), Ok(1));
    }

    #[test]
    fn times_without_a_grid_are_refused_not_computed_with() {
        assert!(
            PriceHistory::new(Millis::ZERO, Unit::Value)
                .extend([bar(1)])
                .is_err()
        );
    }

    #[test]
    fn until_takes_what_has_closed_and_between_what_lies_inside() {
        let history = history(0..10);
        let t = bar(4).close_time(STEP);
        assert_eq!(times(&history.until(t)), [0, 1, 2, 3, 4]);
        assert_eq!(history.until(t).last_close_time(), Some(t));
        assert_eq!(times(&history.until(t - Millis::literal(1))), [0, 1, 2, 3]);
        assert_eq!(times(&history.between(bar(2).open_time, t)), [2, 3, 4]);
        assert_eq!(times(&history.between(t, bar(2).open_time)), [0; 0]);
        assert_eq!(PriceHistory::new(STEP, Unit::Value).last_close_time(), None);
    }

    #[test]
    fn a_part_grows_without_touching_the_whole() {
        let whole = history(0..6);
        let mut part = whole.between(bar(1).open_time, bar(3).open_time);
        part.extend([bar(9)]).unwrap();
        assert_eq!(times(&part), [1, 2, 9]);
        part.trim(bar(2).open_time);
        assert_eq!(times(&part), [2, 9]);
        assert_eq!(times(&whole), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_newest_rows_are_the_end_of_all_rows() {
        let history = history(0..20);
        let all = history.returns();
        assert_eq!(*history.newest_returns(5).values, all.values[14..]);
    }

    #[test]
    fn computed_returns_are_those_of_each_part() {
        let plain = history([0, 1, 2, 5, 6, 7, 8]);
        let with_returns = plain.clone().with_returns();
        for from in 0..9 {
            for to in from..10 {
                let at = |index| UnixMillis::literal(STEP.times(index).get());
                let (plain, with_returns) = (
                    plain.between(at(from), at(to)),
                    with_returns.between(at(from), at(to)),
                );
                for count in [0, 1, 2, 9] {
                    let computed = plain.newest_returns(count);
                    let borrowed = with_returns.newest_returns(count);
                    assert_eq!(
                        computed.open_times, borrowed.open_times,
                        "{from} {to} {count}"
                    );
                    assert_eq!(computed.values, borrowed.values);
                    assert_eq!(computed.volume, borrowed.volume);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn batches_in_any_order_give_the_same_history(
            indices in prop::collection::vec(-50_i64..50, 0..60),
            cut in 0_usize..60,
        ) {
            let cut = cut.min(indices.len());
            let mut batches = history(indices[cut..].iter().copied());
            batches.extend(indices[..cut].iter().copied().map(bar)).unwrap();
            let whole = history(indices);
            prop_assert_eq!(batches.bars(), whole.bars());
            prop_assert!(whole.bars().is_sorted_by(|a, b| a.open_time < b.open_time));
        }
    }
}
