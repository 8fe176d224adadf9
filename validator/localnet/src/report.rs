//! The result of a local network: the same bytes for the same plan, but for `timing`.

use std::collections::BTreeMap;

use foretell_chain::emission::Supply;
use foretell_chain::metagraph::{Metagraph, Neuron};
use foretell_cli::run_timing::RunTiming;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::journal::{JournalHead, Record};
use foretell_core::miss::MissReason;
use foretell_core::series::SeriesId;
use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;
use foretell_evaluation::leaderboard::{LeaderboardRow, leaderboard};
use serde::{Deserialize, Serialize};

use super::plan::LocalnetPlan;
use super::prices::PriceDataSummary;

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

/// What a report is made of.
#[derive(Debug)]
pub struct LocalnetReportInput<'a> {
    /// What was to be done.
    pub plan: &'a LocalnetPlan,
    /// Rounds and records.
    pub state: &'a SeriesState,
    /// End of the journal.
    pub head: &'a JournalHead,
    /// Every record of the journal.
    pub records: &'a [Record],
    /// The chain.
    pub metagraph: &'a Metagraph,
    /// The chain's money.
    pub supply: Supply,
    /// Names of participants by hotkey.
    pub names: &'a BTreeMap<Hotkey, String>,
    /// Who is not on the leaderboard.
    pub others: &'a BTreeMap<Hotkey, String>,
}

impl LocalnetReport {
    /// The result that these input tell.
    pub fn of(input: &LocalnetReportInput<'_>) -> Self {
        let LocalnetReportInput { plan, state, .. } = input;
        Self {
            series: plan.series.id.clone(),
            policy: "evidence".into(),
            rules: state.genesis().rules.name().into(),
            rounds: state.reference_track().rounds(),
            void_rounds: state.voided().len(),
            unsettled: state.open_rounds().len(),
            leaderboard: leaderboard(state, input.names),
            ledger: ledger_view(input),
            misses: misses(input),
            from: plan.first,
            to: plan.end,
            seed: plan.seed,
            prices: plan.prices.clone(),
            journal: *input.head,
            timing: None,
        }
    }
}

fn ledger_view(input: &LocalnetReportInput<'_>) -> LedgerView {
    let metagraph = input.metagraph;
    let last_weights: BTreeMap<Uid, u16> = input
        .records
        .iter()
        .rev()
        .find_map(|record| match record {
            Record::WeightsSigned { uids, values, .. } => {
                Some(uids.iter().copied().zip(values.iter().copied()).collect())
            }
            _ => None,
        })
        .unwrap_or_default();
    let name = |neuron: &Neuron| {
        let known = input.names.get(&neuron.hotkey);
        let known = known.or_else(|| input.others.get(&neuron.hotkey));
        known.cloned().unwrap_or_else(|| neuron.hotkey.to_string())
    };
    LedgerView {
        block: metagraph.block.0,
        tempo: metagraph.tempo.get(),
        times_weights_set: input.state.times_weights_set(),
        supply: input.supply,
        neurons: metagraph
            .neurons
            .iter()
            .map(|neuron| NeuronView {
                uid: neuron.uid,
                name: name(neuron),
                hotkey: neuron.hotkey,
                stake: neuron.stake,
                weight: last_weights.get(&neuron.uid).copied().unwrap_or(0),
                incentive: neuron.incentive,
                dividend: neuron.dividend,
                emission: neuron.emission,
            })
            .collect(),
    }
}

fn misses(input: &LocalnetReportInput<'_>) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut counted: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for record in input.records {
        if let Record::Missed { miner, miss, .. } = record {
            let name = input.names.get(miner);
            let name = name.cloned().unwrap_or_else(|| miner.to_string());
            let by_reason = counted.entry(name).or_default();
            *by_reason.entry(reason(miss).into()).or_default() += 1;
        }
    }
    counted
}

/// The kind of a miss, without its particulars.
const fn reason(miss: &MissReason) -> &'static str {
    match miss {
        MissReason::NotServing => "not serving",
        MissReason::Silent => "silent",
        MissReason::Late { .. } => "late",
        MissReason::BadAnswer { .. } => "bad answer",
        MissReason::BadSignature => "bad signature",
        MissReason::Mismatch => "payload does not match commitment",
        MissReason::Rejected(_) => "payload rejected",
    }
}
