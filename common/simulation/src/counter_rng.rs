//! Counter-based random numbers: a function of what the number is for, not of when it is asked for.
//!
//! Any order and any thread gets the same numbers, and two scenarios with one seed differ only in what they decide.

/// What a random number is for. Purposes with different [numbers](Self::number) are independent under one seed.
///
/// Results depend on the numbers to the last digit: they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedStream {
    /// A forecaster's widths, one number a day. Forecasters count from 0; there are fewer than 1000.
    DailyWidth { forecaster: u64 },
    /// A forecaster's chance of its own in each round.
    RoundNoise { forecaster: u64 },
    /// How far the noise of a noisy copy moves it.
    NoisyShift { hotkey: u64 },
    /// How much the noise of a noisy copy widens it.
    NoisyWidening { hotkey: u64 },
    /// How far the noise of an antithetic pair moves it, with opposite signs.
    AntitheticShift { pair: u64 },
    /// How much the noise of an antithetic pair widens it, with opposite signs.
    AntitheticWidening { pair: u64 },
    /// The side that a gambler bets on.
    GambleSide,
    /// Steps of the random walk that orders the values of one path.
    PathWalk { path: u64 },
    /// The direction that a hotkey guesses, one number a day.
    GuessedDirection { hotkey: u64 },
    /// What a strategy without skill guesses. Its numbers are also those of forecasters' widths: never under one seed
    /// in one result.
    NullGuess { strategy: u64 },
    /// Returns of a made-up market.
    #[cfg(test)]
    TestReturns,
}

impl SeedStream {
    /// The stream's number.
    pub const fn number(self) -> u64 {
        match self {
            Self::DailyWidth { forecaster } => 1 + forecaster,
            Self::RoundNoise { forecaster } => 1001 + forecaster,
            Self::NoisyShift { hotkey } => 50_000 + 2 * hotkey,
            Self::NoisyWidening { hotkey } => 50_001 + 2 * hotkey,
            Self::AntitheticShift { pair } => 60_000 + 2 * pair,
            Self::AntitheticWidening { pair } => 60_001 + 2 * pair,
            Self::GambleSide => 70_000,
            Self::PathWalk { path } => 80_000 + path,
            Self::GuessedDirection { hotkey } => 90_000 + hotkey,
            Self::NullGuess { strategy } => strategy,
            #[cfg(test)]
            Self::TestReturns => 1,
        }
    }
}

/// A standard normal number for a seed, a stream and an index (Box & Muller 1958).
pub fn normal(seed: u64, stream: SeedStream, index: u64) -> f64 {
    let (a, b) = (
        uniform(seed, stream, 2 * index),
        uniform(seed, stream, 2 * index + 1),
    );
    libm::sqrt(-2.0 * libm::log(a)) * libm::cos(2.0 * std::f64::consts::PI * b)
}

/// A number in (0, 1): SplitMix64's finaliser (Steele, Lea & Flood 2014) over the three.
pub fn uniform(seed: u64, stream: SeedStream, index: u64) -> f64 {
    let mixed = splitmix64(splitmix64(splitmix64(seed) ^ stream.number()) ^ index);
    ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

const fn splitmix64(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_keep_their_numbers() {
        let numbers = [
            (SeedStream::DailyWidth { forecaster: 16 }, 17),
            (SeedStream::RoundNoise { forecaster: 16 }, 1017),
            (SeedStream::NoisyShift { hotkey: 9 }, 50_018),
            (SeedStream::NoisyWidening { hotkey: 9 }, 50_019),
            (SeedStream::AntitheticShift { pair: 4 }, 60_008),
            (SeedStream::AntitheticWidening { pair: 4 }, 60_009),
            (SeedStream::GambleSide, 70_000),
            (SeedStream::PathWalk { path: 32 }, 80_032),
            (SeedStream::GuessedDirection { hotkey: 9 }, 90_009),
            (SeedStream::NullGuess { strategy: 5 }, 5),
        ];
        for (stream, number) in numbers {
            assert_eq!(stream.number(), number, "{stream:?}");
        }
    }
}
