//! What venues do wrong, and when: at random, alone or several at once, never more than half of them.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;

/// What a venue does wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VenueFault {
    /// Neither streams nor answers; connections are cut and refused.
    Disconnected,
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
    /// Trades and candles carry times of an hour ago.
    OldTimestamps,
    /// Connections that never open; no answers.
    HalfOpen,
    /// 429 with a wait.
    TooManyRequests,
    /// 451.
    RegionBlocked,
    /// Subscriptions are never acknowledged; candles are fine.
    IgnoredSubscription,
    /// Restart notices, over and over; candles are fine.
    RestartNotice,
    /// Answers that are cut short, and frames that are.
    CutShort,
}

pub const ALL: [VenueFault; 14] = [
    VenueFault::Disconnected,
    VenueFault::Stall,
    VenueFault::HeartbeatOnly,
    VenueFault::Duplicate,
    VenueFault::Reorder,
    VenueFault::TooHigh,
    VenueFault::TooLow,
    VenueFault::OldTimestamps,
    VenueFault::HalfOpen,
    VenueFault::TooManyRequests,
    VenueFault::RegionBlocked,
    VenueFault::IgnoredSubscription,
    VenueFault::RestartNotice,
    VenueFault::CutShort,
];

/// A while in which a venue does something wrong.
#[derive(Debug, Clone, Copy)]
pub struct FaultPeriod {
    pub fault: VenueFault,
    /// The first minute after it.
    pub until: i64,
    /// Whether the venue puts its candles of that time right afterwards.
    pub corrected: bool,
}

impl VenueFault {
    /// Whether candles are not answered at all.
    pub fn is_unresponsive(self) -> bool {
        matches!(
            self,
            Self::Disconnected
                | Self::HalfOpen
                | Self::TooManyRequests
                | Self::RegionBlocked
                | Self::CutShort
        )
    }

    /// Whether it begins with the end of every connection.
    pub fn disconnects(self) -> bool {
        matches!(
            self,
            Self::Disconnected
                | Self::HalfOpen
                | Self::TooManyRequests
                | Self::RegionBlocked
                | Self::IgnoredSubscription
        )
    }

    /// Whether answers end where the trouble began.
    pub fn is_stale(self) -> bool {
        matches!(self, Self::Stall | Self::HeartbeatOnly)
    }

    /// Whether candles are wrong.
    pub fn is_false(self) -> bool {
        matches!(self, Self::TooHigh | Self::TooLow | Self::OldTimestamps)
    }

    /// What prices are multiplied by.
    pub fn price_factor(self) -> f64 {
        match self {
            Self::TooHigh => 100.0,
            Self::TooLow => 0.01,
            _ => 1.0,
        }
    }
}

/// The fault periods that begin in this minute, by venue; `healthy` has a flag for each venue. One in eight has several venues
/// at once, as a fault in what they share would: up to the half.
pub fn start_some(
    healthy: &[bool],
    minute: i64,
    chance: &mut StdRng,
) -> BTreeMap<usize, FaultPeriod> {
    let mut started = BTreeMap::new();
    let faulty = healthy.iter().filter(|healthy| !**healthy).count();
    let room = (healthy.len() / 2).saturating_sub(faulty);
    if room == 0 || chance.random::<f64>() > 0.06 {
        return started;
    }
    let together = chance.random::<f64>() < 0.125;
    let fault_period = FaultPeriod {
        fault: ALL[chance.random_range(0..ALL.len())],
        until: minute + chance.random_range(1..=90),
        corrected: chance.random(),
    };
    let mut healthy: Vec<usize> = (0..healthy.len()).filter(|i| healthy[*i]).collect();
    for _ in 0..if together { room } else { 1 } {
        let venue = healthy.swap_remove(chance.random_range(0..healthy.len()));
        started.insert(venue, fault_period);
    }
    started
}
