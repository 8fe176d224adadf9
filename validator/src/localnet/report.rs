//! The result of a local network: the same bytes for the same plan, but for `timing`.

use std::collections::BTreeMap;

use foretell_chain::emission::Supply;
use foretell_chain::metagraph::{Metagraph, Neuron};
use foretell_core::book::Book;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::journal::{Head, Record};
use foretell_core::leaderboard::{Row, leaderboard};
use foretell_core::round::Miss;
use foretell_core::series::SeriesId;
use foretell_core::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::prices::PriceNote;

/// The whole result, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
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
    pub leaderboard: Vec<Row>,
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
    pub prices: PriceNote,
    /// The end of the journal.
    pub journal: Head,
    /// Wall time; not part of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
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

/// Where wall time went, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// Reading prices, opening the store, starting processes.
    pub load_s: f64,
    /// All rounds, from the first instant to the last.
    pub score_s: f64,
    /// Everything.
    pub total_s: f64,
}

/// What a report is made of.
#[derive(Debug)]
pub struct Sources<'a> {
    /// What was to be done.
    pub plan: &'a Plan,
    /// Rounds and records.
    pub book: &'a Book,
    /// End of the journal.
    pub head: &'a Head,
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

impl Report {
    /// The result that these sources tell.
    pub fn of(sources: &Sources<'_>) -> Self {
        let Sources { plan, book, .. } = sources;
        Self {
            series: plan.series.id.clone(),
            policy: "evidence".into(),
            rules: book.charter().rules.name().into(),
            rounds: book.reference_track().rounds(),
            void_rounds: book.voided().len(),
            unsettled: book.open_rounds().len(),
            leaderboard: leaderboard(book, sources.names),
            ledger: ledger_view(sources),
            misses: misses(sources),
            from: plan.first,
            to: plan.end,
            seed: plan.seed,
            prices: plan.prices.clone(),
            journal: *sources.head,
            timing: None,
        }
    }
}

fn ledger_view(sources: &Sources<'_>) -> LedgerView {
    let metagraph = sources.metagraph;
    let last_weights: BTreeMap<Uid, u16> = sources
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
        let known = sources.names.get(&neuron.hotkey);
        let known = known.or_else(|| sources.others.get(&neuron.hotkey));
        known.cloned().unwrap_or_else(|| neuron.hotkey.to_string())
    };
    LedgerView {
        block: metagraph.block.0,
        tempo: metagraph.tempo.get(),
        times_weights_set: sources.book.times_weighed(),
        supply: sources.supply,
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

fn misses(sources: &Sources<'_>) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut counted: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for record in sources.records {
        if let Record::Missed { miner, miss, .. } = record {
            let name = sources.names.get(miner);
            let name = name.cloned().unwrap_or_else(|| miner.to_string());
            let by_reason = counted.entry(name).or_default();
            *by_reason.entry(reason(miss).into()).or_default() += 1;
        }
    }
    counted
}

/// The kind of a miss, without its particulars.
const fn reason(miss: &Miss) -> &'static str {
    match miss {
        Miss::NotServing => "not serving",
        Miss::Silent => "silent",
        Miss::Late { .. } => "late",
        Miss::BadAnswer { .. } => "bad answer",
        Miss::BadSignature => "bad signature",
        Miss::Mismatch => "payload does not match commitment",
        Miss::Rejected(_) => "payload rejected",
    }
}
