//! Settled prices as they become known, and the settlement of a round from them.

use std::collections::BTreeMap;

use super::candle::MINUTE;
use super::minute_bars::bar_from_minutes;
use super::settlement::Settlement;
use crate::bar::Bar;
use crate::price::Price;
use crate::rules::ScoreRules;
use crate::series::Series;
use crate::time::{Millis, UnixMillis};
use crate::volatility::EwmaVolatility;

/// Settled prices and gaps of one series by the instant whose price they are: the end of a minute, or of a step where
/// the series has nothing finer.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledPrices {
    /// Every instant from here on gets a price or is a gap.
    since: UnixMillis,
    tick: Millis,
    /// `None` is a gap.
    known: BTreeMap<UnixMillis, Option<Price>>,
}

impl SettledPrices {
    /// No prices yet; the first will be that of `since + tick`.
    pub const fn new(since: UnixMillis, tick: Millis) -> Self {
        Self {
            since,
            tick,
            known: BTreeMap::new(),
        }
    }

    /// Adds the price of an instant, or that it is a gap. The first price of an instant is final; returns whether this
    /// is the first.
    pub fn insert(&mut self, instant: UnixMillis, price: Option<Price>) -> bool {
        if self.known.contains_key(&instant) {
            return false;
        }
        self.known.insert(instant, price);
        true
    }

    /// Every instant after `since` and up to `until` whose price is still to be decided.
    pub fn undecided(&self, until: UnixMillis) -> impl Iterator<Item = UnixMillis> + '_ {
        let tick = self.tick;
        std::iter::successors(Some(self.since + tick), move |instant| {
            Some(*instant + tick)
        })
        .take_while(move |instant| *instant <= until)
        .filter(|instant| !self.known.contains_key(instant))
    }

    /// How many instants after `since` and up to `until` are still to be decided.
    pub fn undecided_count(&self, until: UnixMillis) -> usize {
        let all = ((until - self.since).get() / self.tick.get()).max(0);
        let decided = self.known.range(..=until).count();
        usize::try_from(all)
            .unwrap_or(usize::MAX)
            .saturating_sub(decided)
    }

    /// The price of an instant; `None` if it is a gap, or not known yet.
    pub fn price(&self, instant: UnixMillis) -> Option<Price> {
        self.known.get(&instant).copied().flatten()
    }

    /// The newest instant with a price, and that price.
    pub fn newest(&self) -> Option<(UnixMillis, Price)> {
        let mut newest_first = self.known.iter().rev();
        newest_first.find_map(|(instant, price)| Some((*instant, (*price)?)))
    }

    /// Every price and gap as text: a line `instant,price` each, in order; a gap's price is empty.
    pub fn to_csv(&self) -> String {
        let line = |(instant, price): (&UnixMillis, &Option<Price>)| {
            let price = price.map(|price| price.to_string()).unwrap_or_default();
            format!("{instant},{price}\n")
        };
        self.known.iter().map(line).collect()
    }

    /// Number of instants with a price.
    pub fn settled(&self) -> usize {
        self.known.len() - self.gaps()
    }

    /// Number of instants that are gaps.
    pub fn gaps(&self) -> usize {
        self.known.values().filter(|price| price.is_none()).count()
    }

    /// Every instant after this one gets a price or is a gap.
    pub const fn since(&self) -> UnixMillis {
        self.since
    }

    /// Distance of the instants: a minute, or a step where the series has nothing finer.
    pub const fn tick(&self) -> Millis {
        self.tick
    }

    /// Forgets everything up to an instant (rounded down to a whole tick) that no round looks behind.
    pub fn prune_before(&mut self, instant: UnixMillis) {
        // `since` stays on the grid of ticks, whatever the caller asks for.
        let instant = self.since + self.tick.times((instant - self.since).whole(self.tick));
        if instant > self.since {
            self.known = self.known.split_off(&(instant + Millis::literal(1)));
            self.since = instant;
        }
    }

    /// The bar of a series' step; `None` unless every price in it is known.
    pub fn bar(&self, open_time: UnixMillis, step: Millis) -> Option<Bar> {
        if self.tick == MINUTE {
            return bar_from_minutes(open_time, step, |end| self.price(end));
        }
        let price = self.price(open_time + step)?;
        Some(Bar::from_value(open_time, price))
    }

    /// What the round at `origin` settles to; `None` until everything that it depends on is a price or a gap.
    ///
    /// Its anchor and closes are the prices of those instants, whatever the minutes between; its volatility is that of
    /// the complete bars from `history` before the origin on.
    pub fn settlement(
        &self,
        series: &Series,
        origin: UnixMillis,
        history: Millis,
        rules: &ScoreRules,
    ) -> Option<Settlement> {
        let grid = &series.grid;
        let from = (origin - history).max(self.since);
        let decided = |instant: &UnixMillis| self.known.contains_key(instant);
        let before = std::iter::successors(Some(from + self.tick), |t| Some(*t + self.tick));
        let mut needed_before = before.take_while(|instant| *instant <= origin);
        let targets: Vec<UnixMillis> = (1..=grid.horizon).map(|i| grid.target(origin, i)).collect();
        if !(needed_before.all(|t| decided(&t)) && targets.iter().all(decided)) {
            return None;
        }
        let mut volatility = EwmaVolatility::new(grid, series.unit, rules);
        let first_bar = from.ceil(grid.step);
        std::iter::successors(Some(first_bar), |open_time| Some(*open_time + grid.step))
            .take_while(|open_time| *open_time + grid.step <= origin)
            .filter_map(|open_time| self.bar(open_time, grid.step))
            .for_each(|bar| volatility.observe(&bar));
        Some(Settlement {
            anchor: self.price(origin),
            volatility: volatility.sigma(),
            closes: targets.iter().map(|target| self.price(*target)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::ReplayedPrices;
    use crate::rules::RulesVersion;
    use crate::series::Unit;
    use crate::testing::{STEP, btc_usd};

    fn at(minutes: i64) -> UnixMillis {
        UnixMillis::EPOCH + MINUTE.times(minutes)
    }

    fn rules() -> ScoreRules {
        RulesVersion::V1.rules().score
    }

    fn price(minutes: i64) -> Option<Price> {
        Price::new(100.0 + f64::from(i32::try_from(minutes * 37 % 11).unwrap())).ok()
    }

    fn settled(minutes: i64) -> SettledPrices {
        let mut prices = SettledPrices::new(at(0), MINUTE);
        for minute in 1..=minutes {
            prices.insert(at(minute), price(minute));
        }
        prices
    }

    fn settlement(prices: &SettledPrices, origin: i64) -> Option<Settlement> {
        prices.settlement(&btc_usd(2), at(origin), Millis::days(3), &rules())
    }

    #[test]
    fn settled_minutes_and_a_replay_of_their_bars_come_to_the_same() {
        let prices = settled(200);
        let bars: Vec<Bar> = (0..40)
            .filter_map(|n| prices.bar(at(5 * n), STEP))
            .collect();
        assert_eq!(bars.len(), 40);
        let replayed = ReplayedPrices::new(btc_usd(2), &bars, &rules());
        let live = settlement(&prices, 100).unwrap();
        assert_eq!(live, replayed.settlement(at(100)));
        assert!(live.volatility.is_some());
    }

    #[test]
    fn a_round_waits_for_every_price_that_it_depends_on() {
        let mut prices = settled(109);
        assert_eq!(settlement(&prices, 100), None);
        prices.insert(at(110), None);
        let known = settlement(&prices, 100).unwrap();
        assert_eq!(known.closes, [price(105), None]);

        let mut late = SettledPrices::new(at(0), MINUTE);
        for minute in (1..=110).filter(|minute| *minute != 42) {
            late.insert(at(minute), price(minute));
        }
        assert_eq!(settlement(&late, 100), None);
        assert_eq!(late.undecided(at(110)).collect::<Vec<_>>(), [at(42)]);
        assert_eq!(
            (late.undecided_count(at(110)), late.undecided_count(at(41))),
            (1, 0)
        );
        late.insert(at(42), None);
        assert!(settlement(&late, 100).is_some());
    }

    #[test]
    fn minutes_inside_a_step_that_is_still_to_come_are_not_waited_for() {
        let mut prices = settled(100);
        prices.insert(at(105), price(105));
        prices.insert(at(110), price(110));
        assert!(settlement(&prices, 100).is_some());
    }

    #[test]
    fn the_first_price_of_an_instant_is_final() {
        let mut prices = settled(3);
        assert!(!prices.insert(at(2), None));
        assert_eq!(prices.price(at(2)), price(2));
        assert!(prices.insert(at(4), None));
        assert!(!prices.insert(at(4), price(4)));
        assert_eq!((prices.price(at(4)), prices.gaps()), (None, 1));
        assert_eq!(prices.newest(), Some((at(3), price(3).unwrap())));
    }

    #[test]
    fn a_series_of_values_has_one_price_a_step() {
        let mut prices = SettledPrices::new(at(0), STEP);
        for n in 1..=22 {
            prices.insert(at(5 * n), Price::new(-(n as f64)).ok());
        }
        let series = Series {
            unit: Unit::Value,
            ..btc_usd(2)
        };
        let known = prices
            .settlement(&series, at(100), Millis::days(3), &rules())
            .unwrap();
        assert_eq!(known.anchor, Price::new(-20.0).ok());
        assert_eq!(
            known.closes,
            [Price::new(-21.0).ok(), Price::new(-22.0).ok()]
        );
        assert_eq!(known.volatility, Some(1.0));
    }

    #[test]
    fn the_past_that_no_round_needs_is_forgotten() {
        let mut prices = settled(200);
        let before = settlement(&prices, 180).unwrap();
        prices.prune_before(at(60));
        assert_eq!(prices.price(at(60)), None);
        assert_eq!(prices.price(at(61)), price(61));
        assert_eq!(prices.undecided(at(200)).count(), 0);
        let later = settlement(&prices, 180).unwrap();
        assert_eq!(later.closes, before.closes);
    }
}
