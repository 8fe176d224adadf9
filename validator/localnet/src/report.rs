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

/// The result of a run, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocalnetReport {
    /// Name of the series, such as BTC/USD.
    pub series: SeriesId,
    /// Name of the policy that weights come from: always `evidence`.
    pub policy: String,
    /// Name of the version of the rules.
    pub rules: String,
    /// Number of rounds that were settled and scored.
    pub rounds: usize,
    /// Number of rounds that counted for nobody.
    pub void_rounds: usize,
    /// Number of rounds that the prices end before, so that they can't be settled.
    pub unsettled: usize,
    /// The reference (rank 0), the consensus (1), then the miners from rank 2 on.
    pub leaderboard: Vec<LeaderboardRow>,
    /// The local ledger after its last epoch.
    pub ledger: LedgerView,
    /// Number of misses by name of the participant and kind of miss.
    pub misses: BTreeMap<String, BTreeMap<String, usize>>,
    /// First origin that the plan allows.
    pub from: UnixMillis,
    /// End of the origins, exclusive.
    pub to: UnixMillis,
    /// Seed of the keys and the signing randomness.
    pub seed: u64,
    /// The prices that the run was played on.
    pub prices: PriceDataSummary,
    /// Number of records of the journal, and the hash of the last.
    pub journal: JournalHead,
    /// Wall time, which is not part of the result; `None` until the caller sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<RunTiming>,
}

/// The subnet on the local ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerView {
    /// The last block.
    pub block: u64,
    /// Blocks between two epochs.
    pub tempo: u16,
    /// Number of extrinsics that set weights.
    pub times_weights_set: usize,
    /// What was issued and to whom, in rao.
    pub supply: Supply,
    /// All neurons in order of their uids.
    pub neurons: Vec<NeuronView>,
}

/// One neuron on the local ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeuronView {
    /// Number of its place on the subnet.
    pub uid: Uid,
    /// Name on the leaderboard; `owner` and `validator` are not on it.
    pub name: String,
    /// Public key that signs its answers.
    pub hotkey: Hotkey,
    /// Stake on its hotkey, in rao.
    pub stake: u64,
    /// Weight that the validator last gave it, 65,535 being the largest.
    pub weight: u16,
    /// Share of the miners' emission at the last epoch, of 65,535.
    pub incentive: u16,
    /// Share of the validators' emission at the last epoch, of 65,535.
    pub dividend: u16,
    /// Sum of all emission that it was paid, in rao.
    pub emission: u64,
}
