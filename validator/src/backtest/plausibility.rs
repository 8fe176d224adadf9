//! Whether forecasts are of the series that the prices are of: told from how far they are from the price at their origin.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use foretell_core::hotkey::Hotkey;
use foretell_core::series::Unit;
use foretell_data::file_position::FilePosition;

use super::hotkey_names::HotkeyNames;

/// In a step the median of a forecast of prices moves no further than this: a factor of e^0.5.
const MAX_LOG_MOVE: f64 = 0.5;
/// Nor further than so many standard deviations of a step, where errors are cut off too.
const MAX_DEVIATIONS: f64 = 25.0;
/// The words of both messages.
const QUESTION: &str = "are these prices of the same series?";

/// How far the first step of a forecast is from the price at its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// As far as a forecast of the series may be.
    Plausible,
    /// Further than errors are counted.
    Far,
    /// Prices of another series.
    Absurd,
}

/// The first step of a forecast, beside the price at its origin.
#[derive(Debug)]
pub struct FirstMove {
    distance: Distance,
    /// `None` where it is plausible.
    example: Option<Box<FarForecast>>,
}

/// What the forecasts of one miner look like.
#[derive(Debug, Default)]
struct MinerMoves {
    forecasts: usize,
    far: usize,
    absurd: usize,
    example: Option<Box<FarForecast>>,
}

/// A forecast that is far from the price at its origin.
#[derive(Debug, Clone)]
pub struct FarForecast {
    /// Where it stands.
    pub position: FilePosition,
    /// Median of its first step.
    pub median: f64,
    /// The price at its origin.
    pub anchor: f64,
}

/// The first moves of all valid forecasts whose rounds have a price at the origin.
#[derive(Debug, Default)]
pub struct FirstMoves {
    miners: BTreeMap<Hotkey, MinerMoves>,
}

impl FirstMove {
    /// A move over this distance; `example` is asked for if it is too far.
    pub fn new(distance: Distance, example: impl FnOnce() -> FarForecast) -> Self {
        Self {
            distance,
            example: (distance != Distance::Plausible).then(|| Box::new(example())),
        }
    }
}

impl Distance {
    /// The move from `anchor` to the median of the first step; `volatility` is that of a step, where it is known.
    pub fn new(unit: Unit, anchor: f64, median: f64, volatility: Option<f64>) -> Self {
        let change = unit.change(anchor, median).abs();
        let is_far = volatility
            .is_some_and(|volatility| volatility > 0.0 && change > MAX_DEVIATIONS * volatility);
        let is_absurd = match unit {
            // A change of prices is in basis points.
            Unit::LogPrice => change > MAX_LOG_MOVE * 1e4,
            // A series that was flat for long may jump by any number of deviations: nobody is refused for it.
            Unit::Value => false,
        };
        match (is_absurd, is_far) {
            (true, _) => Self::Absurd,
            (false, true) => Self::Far,
            (false, false) => Self::Plausible,
        }
    }
}

/// The middle of these values, in any order; `None` of no values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

impl FirstMoves {
    /// Adds a forecast; one that is far away may become the example of its miner.
    pub fn add(&mut self, key: Hotkey, first: FirstMove) {
        let moves = self.miners.entry(key).or_default();
        moves.forecasts += 1;
        moves.far += usize::from(first.distance != Distance::Plausible);
        moves.absurd += usize::from(first.distance == Distance::Absurd);
        if moves.example.is_none() {
            moves.example = first.example;
        }
    }

    /// Whether not one round had a price at its origin.
    pub fn is_empty(&self) -> bool {
        self.miners.is_empty()
    }

    /// Fails if no forecast at all can be of this series.
    pub fn check(&self) -> Result<()> {
        let (forecasts, absurd) = self.miners.values().fold((0, 0), |(all, absurd), m| {
            (all + m.forecasts, absurd + m.absurd)
        });
        match self
            .miners
            .values()
            .find_map(|miner| miner.example.as_ref())
        {
            Some(example) if absurd == forecasts => bail!(
                "all {forecasts} forecasts are far from the prices: {example}; {QUESTION} If they are, one of the two files is in \
                 another unit"
            ),
            _ => Ok(()),
        }
    }

    /// A line for each miner whose forecasts are all far from the prices.
    pub fn warnings(&self, names: &HotkeyNames) -> Vec<String> {
        let far = self
            .miners
            .iter()
            .filter(|(_, moves)| moves.far == moves.forecasts);
        far.filter_map(|(key, moves)| {
            let example = moves.example.as_ref()?;
            Some(format!(
                "all {} forecasts of {} are far from the prices: {example}; {QUESTION}",
                moves.forecasts,
                names.name(key)
            ))
        })
        .collect()
    }
}

impl std::fmt::Display for FarForecast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            position,
            median,
            anchor,
        } = self;
        write!(
            f,
            "{position}, begins with {median} where the price at its origin is {anchor}"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use foretell_core::testing::{assert_contains_all, hotkey};
    use foretell_data::file_position::RowPosition;

    use super::*;

    fn far() -> FarForecast {
        FarForecast {
            position: FilePosition {
                file: PathBuf::from("eth.csv"),
                row: RowPosition::Line(2),
            },
            median: 3400.0,
            anchor: 60_000.0,
        }
    }

    #[test]
    fn another_asset_is_absurd_and_a_wild_forecast_is_not() {
        let price =
            |median, volatility| Distance::new(Unit::LogPrice, 60_000.0, median, volatility);
        assert_eq!(price(60_100.0, Some(10.0)), Distance::Plausible);
        assert_eq!(price(65_000.0, Some(10.0)), Distance::Far);
        assert_eq!(price(65_000.0, None), Distance::Plausible);
        assert_eq!(price(3400.0, Some(10.0)), Distance::Absurd);
        assert_eq!(price(3400.0, None), Distance::Absurd);
        let value = |median| Distance::new(Unit::Value, -2.0, median, Some(1.5));
        assert_eq!(value(8.0), Distance::Plausible);
        assert_eq!(value(4300.0), Distance::Far);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn forecasts_of_another_series_are_refused_and_one_miners_are_told_of() {
        let mut names = HotkeyNames::default();
        let (a, b) = (names.key("a"), names.key("b"));
        let mut moves = FirstMoves::default();
        assert!(moves.check().is_ok());
        for _ in 0..3 {
            moves.add(b, FirstMove::new(Distance::Absurd, far));
        }
        let refused = moves.check().unwrap_err().to_string();
        assert_contains_all(
            &refused,
            &[
                "all 3 forecasts",
                "eth.csv, line 2",
                "3400",
                "60000",
                QUESTION,
            ],
        );
        moves.add(a, FirstMove::new(Distance::Plausible, far));
        moves.add(hotkey(7), FirstMove::new(Distance::Far, far));
        moves.add(hotkey(7), FirstMove::new(Distance::Plausible, far));
        assert!(moves.check().is_ok());
        let warnings = moves.warnings(&names);
        assert_eq!(warnings.len(), 1);
        assert_contains_all(&warnings[0], &["all 3 forecasts of b", QUESTION]);
    }
}
