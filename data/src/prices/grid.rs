//! What makes bars a series: each is consistent with itself, and all are in order of time on one grid.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use foretell_core::bar::Bar;
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};

use super::error::{BarFault, PriceSeriesError};

/// A run of bars that a series lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Open time of the first bar that is missing.
    pub first: UnixMillis,
    /// Number of missing bars, at least 1.
    pub bars: usize,
}

/// The step of these bars, or the first bar that keeps them from having one.
///
/// The step is the most common spacing, the smallest of equally common ones; every spacing is a multiple of it.
pub(crate) fn infer_step(unit: Unit, bars: &[Bar]) -> Result<Millis, PriceSeriesError> {
    let at = |bar: usize| move |fault| PriceSeriesError::Bar { bar, fault };
    for (i, bar) in bars.iter().enumerate() {
        check_bar(unit, bar).map_err(at(i))?;
    }
    for (i, (before, spacing)) in spacings(bars).enumerate() {
        check_order(before, spacing).map_err(at(i + 1))?;
    }
    let Some(step) = most_common(spacings(bars).map(|(_, spacing)| spacing)) else {
        return Err(PriceSeriesError::TooFewBars { bars: bars.len() });
    };
    match (1..)
        .zip(spacings(bars))
        .find(|(_, (_, spacing))| spacing.get() % step.get() != 0)
    {
        None => Ok(step),
        Some((bar, (before, spacing))) => Err(at(bar)(BarFault::OffGrid {
            found: before + spacing,
            spacing,
            step,
        })),
    }
}

/// The runs of bars that are missing between these bars of this step.
pub(crate) fn gaps(bars: &[Bar], step: Millis) -> Vec<Gap> {
    spacings(bars)
        .filter(|(_, spacing)| *spacing > step)
        .map(|(before, spacing)| Gap {
            first: before + step,
            bars: (spacing.get() / step.get() - 1) as usize,
        })
        .collect()
}

/// Each bar's time, the last one's apart, with the distance to the next.
fn spacings(bars: &[Bar]) -> impl Iterator<Item = (UnixMillis, Millis)> {
    let times = bars.iter().map(|bar| bar.open_time);
    times.clone().zip(times.skip(1)).map(|(a, b)| (a, b - a))
}

fn check_bar(unit: Unit, bar: &Bar) -> Result<(), BarFault> {
    let Bar {
        open,
        low,
        high,
        close,
        ..
    } = *bar;
    let prices = [
        ("open", open),
        ("high", high),
        ("low", low),
        ("close", close),
    ];
    for (column, found) in prices {
        if !unit.admits(found.get()) {
            return Err(BarFault::NotPositive { column, found });
        }
    }
    for (other, found) in [("open", open), ("close", close)] {
        if low > found {
            return Err(BarFault::Low { low, other, found });
        }
        if high < found {
            return Err(BarFault::High { high, other, found });
        }
    }
    if !bar.volume.is_finite() || bar.volume < 0.0 {
        return Err(BarFault::Volume { found: bar.volume });
    }
    Ok(())
}

fn check_order(before: UnixMillis, spacing: Millis) -> Result<(), BarFault> {
    let found = before + spacing;
    match spacing.get() {
        0 => Err(BarFault::Duplicate { found }),
        ..0 => Err(BarFault::Unsorted { found, before }),
        _ => Ok(()),
    }
}

fn most_common(spacings: impl Iterator<Item = Millis>) -> Option<Millis> {
    let mut counts = BTreeMap::<Millis, usize>::new();
    for spacing in spacings {
        *counts.entry(spacing).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|&(spacing, count)| (count, Reverse(spacing)));
    most.map(|(spacing, _)| spacing)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use foretell_core::testing::{assert_contains_all, price};
    use proptest::prelude::*;

    use super::*;
    use crate::file_position::RowPosition;

    fn bars(times: &[i64]) -> Vec<Bar> {
        let times = times.iter();
        times
            .map(|&t| Bar::from_value(UnixMillis::literal(t), price(1.0)))
            .collect()
    }

    /// Asserts the message about bars of a CSV file without blank lines.
    #[track_caller]
    fn assert_message(bars: &[Bar], parts: &[&str]) {
        let error = infer_step(Unit::Value, bars)
            .unwrap_err()
            .in_file(Path::new("p.csv"), |bar| RowPosition::Line(bar as u64 + 2));
        assert_contains_all(&error.to_string(), parts);
    }

    #[test]
    fn the_step_is_the_most_common_spacing() {
        assert_eq!(
            infer_step(Unit::Value, &bars(&[0, 300, 600, 1200])),
            Ok(Millis::literal(300))
        );
        assert_eq!(
            infer_step(Unit::Value, &bars(&[0, 600, 900])),
            Ok(Millis::literal(300))
        );
        assert_eq!(
            infer_step(Unit::Value, &bars(&[-300, 0])),
            Ok(Millis::literal(300))
        );
    }

    #[test]
    fn gaps_hold_the_first_missing_bar_and_their_number() {
        let gappy = bars(&[0, 300, 900, 1200, 2400]);
        let gap = |first, bars| Gap {
            first: UnixMillis::literal(first),
            bars,
        };
        assert_eq!(
            gaps(&gappy, Millis::literal(300)),
            [gap(600, 1), gap(1500, 3)]
        );
    }

    #[test]
    fn fewer_than_two_bars_have_no_step() {
        assert_message(&[], &["p.csv: rows found: 0", "give at least 2"]);
        assert_message(&bars(&[5]), &["p.csv: rows found: 1", "give at least 2"]);
        let message = infer_step(Unit::Value, &bars(&[5]))
            .unwrap_err()
            .to_string();
        assert!(message.contains("bars given: 1"), "{message}");
    }

    #[test]
    fn times_out_of_order_are_named() {
        assert_message(
            &bars(&[0, 600, 300]),
            &[
                "p.csv, line 4",
                "open_time_ms: 300 comes after 600",
                "sort the rows",
            ],
        );
        assert_message(
            &bars(&[0, 300, 300, 600]),
            &[
                "p.csv, line 4",
                "open_time_ms: 300 is there twice",
                "remove one",
            ],
        );
        assert_message(
            &bars(&[0, 300, 600, 750, 900, 1200]),
            &[
                "p.csv, line 5",
                "750 is off the grid, 150 ms after",
                "step is 300 ms",
                "resample",
            ],
        );
    }

    #[test]
    fn a_price_of_zero_or_less_is_named_wherever_it_stands() {
        let sound = Bar {
            high: price(12.0),
            ..Bar::from_value(UnixMillis::literal(300), price(10.0))
        };
        let zero = price(0.0);
        for (bar, column) in [
            (
                Bar {
                    open: zero,
                    low: zero,
                    ..sound
                },
                "open",
            ),
            (Bar { low: zero, ..sound }, "low"),
            (
                Bar {
                    low: zero,
                    close: zero,
                    ..sound
                },
                "low",
            ),
            (
                Bar::from_value(UnixMillis::literal(300), price(-1.0)),
                "open",
            ),
        ] {
            let pair = [bars(&[0])[0], bar];
            let error = infer_step(Unit::LogPrice, &pair).unwrap_err().to_string();
            assert_contains_all(
                &error,
                &[column, "above 0", "leave the row out", "--unit value"],
            );
            assert_eq!(infer_step(Unit::Value, &pair), Ok(Millis::literal(300)));
        }
    }

    #[test]
    fn bars_that_contradict_themselves_are_named() {
        let sound = Bar {
            open_time: UnixMillis::literal(300),
            open: price(10.0),
            high: price(12.0),
            low: price(8.0),
            close: price(9.0),
            volume: 0.0,
        };
        let broken = [
            (
                Bar {
                    low: price(9.5),
                    ..sound
                },
                "column low: 9.5 is above the close 9",
            ),
            (
                Bar {
                    low: price(11.0),
                    ..sound
                },
                "column low: 11 is above the open 10",
            ),
            (
                Bar {
                    high: price(9.5),
                    ..sound
                },
                "column high: 9.5 is below the open 10",
            ),
            (
                Bar {
                    close: price(13.0),
                    ..sound
                },
                "column high: 12 is below the close 13",
            ),
            (
                Bar {
                    volume: -0.5,
                    ..sound
                },
                "column volume: found -0.5",
            ),
            (
                Bar {
                    volume: f64::NAN,
                    ..sound
                },
                "column volume: found NaN",
            ),
        ];
        for (bar, fault) in broken {
            let cure = if fault.contains("volume") {
                "write 0"
            } else {
                "correct the row"
            };
            assert_message(&[bars(&[0])[0], bar], &["p.csv, line 3", fault, cure]);
        }
        assert_eq!(
            infer_step(Unit::Value, &[bars(&[0])[0], sound]),
            Ok(Millis::literal(300))
        );
    }

    proptest! {
        #[test]
        fn bars_and_missing_bars_fill_the_span(
            start in -1_000_000_i64..1_000_000,
            skips in prop::collection::vec(prop_oneof![9 => Just(1_i64), 1 => 2_i64..20], 1..200),
        ) {
            let mut times = vec![start * 60];
            for skip in &skips {
                times.push(times[times.len() - 1] + skip * 60);
            }
            let bars = bars(&times);
            // Where a gap's length is more common than the step itself the series may have no step.
            if let Ok(step) = infer_step(Unit::Value, &bars) {
                let missing: usize = gaps(&bars, step).iter().map(|gap| gap.bars).sum();
                let span = times[times.len() - 1] - times[0];
                prop_assert_eq!((missing + bars.len() - 1) as i64 * step.get(), span);
            } else {
                prop_assert!(skips.iter().any(|skip| *skip > 1));
            }
        }
    }
}
