//! Ways to differ from the reference without skill.

use foretell_core::time::Millis;

use crate::counter_rng::{SeedStream, normal};
use crate::historical_market::HistoricalMarket;

/// Seed of all guesses.
const SEED: u64 = 1;
/// How far a direction moves the fan, in units of σ_T·√i.
const SHIFT: f64 = 0.05;
/// Standard deviation of the logarithm of a guessed width.
const WIDTH_JITTER: f64 = 0.05;

/// A way to differ from the reference without skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullStrategy {
    /// The volatility of the last 7 days.
    LongWidth,
    /// Half the reference's width, half that of the last 3 hours.
    ShortWidth,
    /// A direction that is guessed once a day.
    DailyGuess,
    /// The direction of the last 24 hours.
    DayBefore,
    /// A direction that is guessed for each round.
    Guess,
    /// A width that is guessed for each round.
    WidthGuess,
}

impl NullStrategy {
    /// Every strategy.
    pub const ALL: [Self; 6] = [
        Self::LongWidth,
        Self::ShortWidth,
        Self::DailyGuess,
        Self::DayBefore,
        Self::Guess,
        Self::WidthGuess,
    ];

    /// The strategy in words, as results name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LongWidth => "width of the last 7 days",
            Self::ShortWidth => "width half of the last 3 hours",
            Self::DailyGuess => "a direction guessed once a day",
            Self::DayBefore => "direction of the day before",
            Self::Guess => "a direction guessed every round",
            Self::WidthGuess => "a width guessed every round",
        }
    }

    /// The factor that widens the reference's fan in round number `round`, and the shift that moves it, in units of
    /// σ_T·√i.
    pub(super) fn width_and_shift(
        self,
        market: &HistoricalMarket,
        known: usize,
        volatility: f64,
        round: u64,
    ) -> (f64, f64) {
        let strategy = self as u64;
        let guess = |index| normal(SEED, SeedStream::NullGuess { strategy }, index);
        match self {
            Self::LongWidth => (
                market.realised_volatility(known, Millis::days(7)) / volatility,
                0.0,
            ),
            Self::ShortWidth => {
                let short = market.realised_volatility(known, Millis::hours(3)) / volatility;
                (0.5 + 0.5 * short, 0.0)
            }
            Self::DailyGuess => (1.0, SHIFT * guess(round / 48).signum()),
            Self::DayBefore => {
                let bars = market.bars_in(Millis::days(1)).min(known);
                let change: f64 = (known - bars..known)
                    .map(|bar| market.log_return(bar))
                    .sum();
                (1.0, SHIFT * change.signum())
            }
            Self::Guess => (1.0, SHIFT * guess(round)),
            Self::WidthGuess => (libm::exp(WIDTH_JITTER * guess(round)), 0.0),
        }
    }
}
