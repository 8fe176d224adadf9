//! The result of a local network: the same bytes for the same plan, but for `timing`.

use std::collections::BTreeMap;

use foretell_chain::emission::Supply;
use foretell_cli::run_timing::RunTiming;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::journal::JournalHead;
use foretell_core::series::SeriesId;
use foretell_core::time::UnixMillis;
use foretell_evaluation::leaderboard::LeaderboardRow;
use serde::{Deserialize, Serialize};

use crate::price_summary::PriceDataSummary;

/// The whole result, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocalnetReport {
    /// Name of the series.
    pub series: SeriesId,
    /// Name of the policy.
    pub policy: String,
    /// Version of the rules.
    pub rules: String,
    /// Scored rounds.
    pub rounds: usize,
    /// Void rounds.
    pub void_rounds: usize,
    /// Rounds that the prices do not reach.
    pub unsettled: usize,
    /// Reference, consensus, miners.
    pub leaderboard: Vec<LeaderboardRow>,
    /// What the chain says.
    pub ledger: LedgerView,
    /// By participant, how often it missed and why.
    pub misses: BTreeMap<String, BTreeMap<String, usize>>,
    /// First origin.
    pub from: UnixMillis,
    /// Origins were below this.
    pub to: UnixMillis,
    /// The seed.
    pub seed: u64,
    /// Where prices came from.
    pub prices: PriceDataSummary,
    /// The end of the journal.
    pub journal: JournalHead,
    /// Wall time; not part of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<RunTiming>,
}

/// The subnet on the local ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerView {
    /// The block.
    pub block: u64,
    /// Blocks between two epochs.
    pub tempo: u16,
    /// How many times weights were set.
    pub times_weights_set: usize,
    /// What was issued, and who got it, in rao.
    pub supply: Supply,
    /// Everybody, by uid.
    pub neurons: Vec<NeuronView>,
}

/// One neuron on the local ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeuronView {
    /// Place.
    pub uid: Uid,
    /// Name on the leaderboard; `owner` and `validator` are not on it.
    pub name: String,
    /// Hotkey.
    pub hotkey: Hotkey,
    /// Stake in rao.
    pub stake: u64,
    /// Weight that the validator last gave it, 65,535 being the largest.
    pub weight: u16,
    /// Share of the miners' emission at the last epoch, of 65,535.
    pub incentive: u16,
    /// Share of the validators' emission at the last epoch, of 65,535.
    pub dividend: u16,
    /// All it was ever paid, in rao.
    pub emission: u64,
}
