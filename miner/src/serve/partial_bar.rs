//! The bar that ends at an origin and isn't complete yet, made of the minutes that are known.

use std::collections::BTreeMap;

use foretell_core::bar::Bar;
use foretell_core::time::{Millis, UnixMillis};

/// The bars from the last known close to `origin`, from candles of minutes; flat where there are none.
pub fn partial_bars(
    minutes: &[Bar],
    last: Option<&Bar>,
    step: Millis,
    origin: UnixMillis,
) -> Vec<Bar> {
    let Some(last) = last else { return Vec::new() };
    let mut by_bar: BTreeMap<UnixMillis, Bar> = BTreeMap::new();
    for minute in minutes {
        let open_time = UnixMillis::saturating(
            minute.open_time.get() - minute.open_time.get().rem_euclid(step.get()),
        );
        let bar = by_bar.entry(open_time).or_insert(Bar {
            open_time,
            volume: 0.0,
            ..*minute
        });
        let higher = if minute.high > bar.high {
            minute.high
        } else {
            bar.high
        };
        let lower = if minute.low < bar.low {
            minute.low
        } else {
            bar.low
        };
        (bar.high, bar.low, bar.close) = (higher, lower, minute.close);
        bar.volume += minute.volume;
    }
    let mut close = last.close;
    let mut bars = Vec::new();
    let mut open_time = last.close_time(step);
    while open_time < origin {
        let bar = by_bar.remove(&open_time);
        let bar = bar.unwrap_or(Bar::from_value(open_time, close));
        close = bar.close;
        bars.push(bar);
        open_time = open_time + step;
    }
    bars
}

#[cfg(test)]
mod tests {
    use foretell_core::price::Price;
    use foretell_core::testing::{STEP, price};

    use super::*;

    const MINUTE: Millis = Millis::minutes(1);

    fn bar(minute: i64, value: f64) -> Bar {
        Bar {
            volume: 1.0,
            ..Bar::from_value(
                UnixMillis::saturating(MINUTE.times(minute).get()),
                price(value),
            )
        }
    }

    #[test]
    fn minutes_make_up_the_partial_bar() {
        let last = bar(0, 10.0);
        let minutes = [bar(5, 11.0), bar(6, 13.0), bar(7, 9.0), bar(8, 12.0)];
        let bars = partial_bars(
            &minutes,
            Some(&last),
            STEP,
            UnixMillis::saturating(MINUTE.times(15).get()),
        );
        let summary = |bar: &Bar| {
            let prices = [bar.open, bar.high, bar.low, bar.close].map(Price::get);
            (bar.open_time.get() / MINUTE.get(), prices, bar.volume)
        };
        assert_eq!(summary(&bars[0]), (5, [11.0, 13.0, 9.0, 12.0], 4.0));
        // Nothing is known of the next one yet.
        assert_eq!(summary(&bars[1]), (10, [12.0; 4], 0.0));
        assert_eq!(bars.len(), 2);
        assert!(partial_bars(&minutes, None, STEP, UnixMillis::literal(0)).is_empty());
    }
}
