//! Bars from settled minutes: O is the first minute, C the last, H and L the extremes; complete only with all of them.

use super::candle::MINUTE;
use crate::bar::Bar;
use crate::price::Price;
use crate::time::{Millis, UnixMillis};

/// The bar over `[open_time, open_time + step)`; `None` unless every minute of it is settled.
///
/// `price` gives the settled price of the minute that *ends* at an instant. The bar's volume is 0: no one venue's
/// volume is the market's.
pub fn bar_from_minutes(
    open_time: UnixMillis,
    step: Millis,
    price: impl Fn(UnixMillis) -> Option<Price>,
) -> Option<Bar> {
    let minutes = step.whole(MINUTE);
    let mut bar: Option<Bar> = None;
    for n in 1..=minutes {
        let price = price(open_time + MINUTE.times(n))?;
        let bar = bar.get_or_insert(Bar::from_value(open_time, price));
        if price > bar.high {
            bar.high = price;
        }
        if price < bar.low {
            bar.low = price;
        }
        bar.close = price;
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::STEP;

    fn made_of(minutes: [Option<f64>; 5]) -> Option<Bar> {
        bar_from_minutes(UnixMillis::EPOCH, STEP, |end| {
            let n = usize::try_from(end.get() / MINUTE.get()).unwrap();
            Price::new(minutes[n - 1]?).ok()
        })
    }

    #[test]
    fn five_minutes_make_a_bar() {
        let bar = made_of([3.0, 5.0, 1.0, 2.0, 4.0].map(Some)).unwrap();
        let numbers = [bar.open, bar.high, bar.low, bar.close].map(Price::get);
        assert_eq!(numbers, [3.0, 5.0, 1.0, 4.0]);
        assert_eq!(bar.open_time, UnixMillis::EPOCH);
    }

    #[test]
    fn four_of_five_make_none() {
        for gap in 0..5 {
            let mut minutes = [Some(1.0); 5];
            minutes[gap] = None;
            assert_eq!(made_of(minutes), None, "gap at {gap}");
        }
    }
}
