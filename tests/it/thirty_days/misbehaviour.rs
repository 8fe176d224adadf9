//! What venues do wrong, and when: at random, alone or several at once, never more than half of them.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;

/// What a venue does wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// Neither streams nor answers; connections are cut and refused.
    Cut,
    /// Connections stay open and silent; answers are old ones.
    Stall,
    /// Heartbeats, and neither trades nor new candles.
    HeartbeatOnly,
    /// Every trade and every row twice.
    Duplicate,
    /// Trades and rows in any order.
    Reorder,
    /// Prices a hundred times too high.
    TooHigh,
    /// Prices a hundred times too low.
    TooLow,
    /// Trades and candles are said to be an hour old.
    OldTimestamps,
    /// Connections that never open; no answers.
    HalfOpen,
    /// 429 with a wait.
    TooManyRequests,
    /// 451.
    Region,
    /// Subscriptions are never acknowledged; candles are fine.
    IgnoredSubscription,
    /// Restart notices, over and over; candles are fine.
    RestartNotice,
    /// Answers that are cut short, and frames that are.
    SlowDrip,
}

pub const ALL: [Wrong; 14] = [
    Wrong::Cut,
    Wrong::Stall,
    Wrong::HeartbeatOnly,
    Wrong::Duplicate,
    Wrong::Reorder,
    Wrong::TooHigh,
    Wrong::TooLow,
    Wrong::OldTimestamps,
    Wrong::HalfOpen,
    Wrong::TooManyRequests,
    Wrong::Region,
    Wrong::IgnoredSubscription,
    Wrong::RestartNotice,
    Wrong::SlowDrip,
];

/// A while in which a venue does something wrong.
#[derive(Debug, Clone, Copy)]
pub struct Spell {
    pub wrong: Wrong,
    /// The first minute after it.
    pub until: i64,
    /// Whether the venue puts its candles of that time right afterwards.
    pub corrected: bool,
}

impl Wrong {
    /// Whether candles are not answered at all.
    pub fn is_dumb(self) -> bool {
        matches!(
            self,
            Self::Cut | Self::HalfOpen | Self::TooManyRequests | Self::Region | Self::SlowDrip
        )
    }

    /// Whether it begins with the end of every connection.
    pub fn cuts(self) -> bool {
        matches!(
            self,
            Self::Cut
                | Self::HalfOpen
                | Self::TooManyRequests
                | Self::Region
                | Self::IgnoredSubscription
        )
    }

    /// Whether answers end where the trouble began.
    pub fn is_frozen(self) -> bool {
        matches!(self, Self::Stall | Self::HeartbeatOnly)
    }

    /// Whether candles say what isn't so.
    pub fn is_lying(self) -> bool {
        matches!(self, Self::TooHigh | Self::TooLow | Self::OldTimestamps)
    }

    /// What prices are multiplied by.
    pub fn scale(self) -> f64 {
        match self {
            Self::TooHigh => 100.0,
            Self::TooLow => 0.01,
            _ => 1.0,
        }
    }
}

/// The spells that begin in this minute, by venue, where `well` says who is well. One in eight has several venues at once,
/// as a fault in what they share would: up to the half.
pub fn begun(well: &[bool], minute: i64, chance: &mut StdRng) -> BTreeMap<usize, Spell> {
    let mut begun = BTreeMap::new();
    let wrong = well.iter().filter(|well| !**well).count();
    let room = (well.len() / 2).saturating_sub(wrong);
    if room == 0 || chance.random::<f64>() > 0.06 {
        return begun;
    }
    let together = chance.random::<f64>() < 0.125;
    let spell = Spell {
        wrong: ALL[chance.random_range(0..ALL.len())],
        until: minute + chance.random_range(1..=90),
        corrected: chance.random(),
    };
    let mut well: Vec<usize> = (0..well.len()).filter(|i| well[*i]).collect();
    for _ in 0..if together { room } else { 1 } {
        let venue = well.swap_remove(chance.random_range(0..well.len()));
        begun.insert(venue, spell);
    }
    begun
}
