//! What a leaderboard is made of.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Genesis;
use foretell_core::track::TrackRecord;

/// What rows are made of: everybody's record of the same rounds.
#[derive(Debug, Clone, Copy)]
pub struct LeaderboardInput<'a> {
    /// Grid, rules and interval of the rounds.
    pub genesis: &'a Genesis,
    /// One entry for every scored round.
    pub reference: &'a TrackRecord,
    /// The consensus, where the policy has one.
    pub consensus: Option<&'a TrackRecord>,
    /// By miner.
    pub miners: &'a BTreeMap<Hotkey, TrackRecord>,
}
