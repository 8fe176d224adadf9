//! What a leaderboard is made of.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Genesis;
use foretell_core::track::TrackRecord;

/// What rows are made of: the track records of all forecasters over the same rounds.
#[derive(Debug, Clone, Copy)]
pub struct LeaderboardInput<'a> {
    /// Grid, rules and interval of the rounds.
    pub genesis: &'a Genesis,
    /// The reference's track record: one entry for every scored round.
    pub reference: &'a TrackRecord,
    /// The consensus's track record, where the policy has a consensus.
    pub consensus: Option<&'a TrackRecord>,
    /// The track record of each miner.
    pub miners: &'a BTreeMap<Hotkey, TrackRecord>,
}
