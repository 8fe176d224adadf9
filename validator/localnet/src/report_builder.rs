//! The result of a run, read from what it leaves: its journal, the state that the journal makes, and the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use foretell_chain::chain::Chain;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::Metagraph;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::journal::{JournalEntry, JournalHead, Record};
use foretell_core::miss::MissReason;
use foretell_core::state::SeriesState;
use foretell_evaluation::leaderboard::leaderboard;
use foretell_keys::keypair::Keypair;
use foretell_service::store::{JournalStore, SledStore};

use crate::plan::LocalnetPlan;
use crate::population::Participant;
use crate::report::{LedgerView, LocalnetReport, NeuronView};

/// A run after its last round.
pub struct CompletedRun<'a> {
    /// The plan that was carried out.
    pub plan: &'a LocalnetPlan,
    /// What all records of the journal come to.
    pub state: &'a SeriesState,
    /// The end of the journal.
    pub head: &'a JournalHead,
    /// Where the journal is.
    pub store: &'a Arc<SledStore>,
    /// The ledger after its last epoch.
    pub chain: &'a LocalChain,
    /// All miners and adversaries.
    pub participants: &'a [Participant],
}

impl CompletedRun<'_> {
    /// The result; reads the whole journal.
    pub async fn report(&self) -> Result<LocalnetReport> {
        let Self { plan, state, .. } = self;
        let records = self.records().await?;
        let metagraph = self.chain.metagraph().await?;
        let names = self.names();
        Ok(LocalnetReport {
            series: plan.series.id.clone(),
            policy: "evidence".into(),
            rules: state.genesis().rules.name().into(),
            rounds: state.reference_track().rounds(),
            void_rounds: state.voided().len(),
            unsettled: state.open_rounds().len(),
            leaderboard: leaderboard(state, &names),
            ledger: self.ledger_view(&metagraph, &last_weights(&records), &names),
            misses: misses(&records, &names),
            from: plan.first,
            to: plan.end,
            seed: plan.seed,
            prices: plan.prices.clone(),
            journal: *self.head,
            timing: None,
        })
    }

    /// Every record of the journal, oldest first.
    async fn records(&self) -> Result<Vec<Record>> {
        let store = Arc::clone(self.store);
        let entries = tokio::task::spawn_blocking(move || store.entries()).await??;
        let records = entries
            .iter()
            .map(|bytes| serde_json::from_slice(bytes).map(|entry: JournalEntry| entry.record));
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// Names of all participants, who are those on the leaderboard.
    fn names(&self) -> BTreeMap<Hotkey, String> {
        let participants = self.participants.iter();
        participants
            .map(|p| (p.hotkey(self.plan.seed), p.name.clone()))
            .collect()
    }

    fn ledger_view(
        &self,
        metagraph: &Metagraph,
        last_weights: &BTreeMap<Uid, u16>,
        names: &BTreeMap<Hotkey, String>,
    ) -> LedgerView {
        // Everybody with a uid who is not on the leaderboard.
        let others: BTreeMap<Hotkey, &str> = ["owner", "validator"]
            .map(|role| (Keypair::derived(self.plan.seed, role).hotkey(), role))
            .into();
        let name = |hotkey: &Hotkey| match (names.get(hotkey), others.get(hotkey)) {
            (Some(name), _) => name.clone(),
            (None, Some(role)) => (*role).to_owned(),
            (None, None) => hotkey.to_string(),
        };
        LedgerView {
            block: metagraph.block.get(),
            tempo: metagraph.tempo.get(),
            times_weights_set: self.state.times_weights_set(),
            supply: self.chain.supply(),
            neurons: metagraph
                .neurons
                .iter()
                .map(|neuron| NeuronView {
                    uid: neuron.uid,
                    name: name(&neuron.hotkey),
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
}

/// The weights that were signed last, by uid.
fn last_weights(records: &[Record]) -> BTreeMap<Uid, u16> {
    let last = records.iter().rev().find_map(|record| match record {
        Record::WeightsSigned { uids, values, .. } => {
            Some(uids.iter().copied().zip(values.iter().copied()).collect())
        }
        _ => None,
    });
    last.unwrap_or_default()
}

/// By name, how often each miner missed, by reason.
fn misses(
    records: &[Record],
    names: &BTreeMap<Hotkey, String>,
) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for record in records {
        if let Record::Missed { miner, miss, .. } = record {
            let name = names.get(miner);
            let name = name.cloned().unwrap_or_else(|| miner.to_string());
            let by_reason = counts.entry(name).or_default();
            *by_reason.entry(miss_kind(miss).into()).or_default() += 1;
        }
    }
    counts
}

/// The kind of a miss, without its particulars.
const fn miss_kind(miss: &MissReason) -> &'static str {
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
