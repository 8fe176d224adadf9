//! Runs the rounds of one series on some store, chain and miners.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use foretell_chain::chain::Chain;
use foretell_core::hash::Hash;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, JournalHead, Record};
use foretell_core::miss::MissReason;
use foretell_core::pool::Forecaster;
use foretell_core::round::{Receipt, RoundAction, RoundEvent};
use foretell_core::settle::{PriceProvenance, Settlement};
use foretell_core::signed_text::receipt_text;
use foretell_core::state::{Action, SeriesState};
use foretell_core::time::UnixMillis;
use foretell_keys::keypair::Keypair;
use foretell_wire::messages::{CommitRequest, RevealResponse};
use futures_util::StreamExt;

use super::chain_deadline::ChainDeadline;
use super::collect::{AnswerOrMiss, request_commitments, request_reveals};
use super::error::RoundRunnerError;
use super::journal_replay::ReplayedJournal;
use super::journal_writer::JournalWriter;
use super::metagraph_cache::{MetagraphCache, StaleMetagraph, axons_by_hotkey};
use super::miners::{Miners, TimedAnswer};
use super::outcome_notices::PendingNotices;
use super::prices::{PriceDecision, RoundPrices};
use crate::store::JournalStore;

/// The rounds of one series: their state, and everything that is needed to take them further.
#[derive(Debug)]
pub struct RoundRunner<S, C, M> {
    pub(super) state: SeriesState,
    journal: JournalWriter<S>,
    pub(super) key: Keypair,
    pub(super) chain: Arc<C>,
    miners: Arc<M>,
    prices: RoundPrices,
    metagraph_cache: MetagraphCache,
    pending_notices: PendingNotices,
    pub(super) chain_deadline: ChainDeadline,
    /// Signed weights that can't be included any more and that a warning was already logged about.
    pub(super) expired_weights: Option<Hash>,
}

/// What rounds work with.
#[derive(Debug)]
pub struct RoundsDependencies<S, C, M> {
    /// The validator's hotkey, which signs receipts and weights.
    pub key: Keypair,
    /// Where the journal and its payloads are kept.
    pub store: Arc<S>,
    /// The chain that lists the miners and takes the weights.
    pub chain: Arc<C>,
    /// How miners are asked and notified.
    pub miners: M,
    /// Where settled prices come from.
    pub prices: RoundPrices,
}

impl<S: JournalStore, C: Chain, M: Miners> RoundRunner<S, C, M> {
    /// Goes on where the journal ends, or begins it with `genesis`.
    ///
    /// # Errors
    /// The journal is damaged or of another genesis, or can't be read or written.
    pub async fn resume(
        genesis: Genesis,
        dependencies: RoundsDependencies<S, C, M>,
    ) -> Result<Self, RoundRunnerError> {
        let RoundsDependencies {
            key,
            store,
            chain,
            miners,
            prices,
        } = dependencies;
        let (journal_store, expected) = (Arc::clone(&store), genesis.clone());
        let replay = move || ReplayedJournal::read(journal_store.as_ref(), &expected);
        let ReplayedJournal {
            state,
            head,
            last_at,
        } = tokio::task::spawn_blocking(replay).await??;
        let mut runner = Self {
            state,
            journal: JournalWriter::new(store, head, last_at),
            key,
            chain,
            miners: Arc::new(miners),
            prices,
            metagraph_cache: MetagraphCache::default(),
            pending_notices: PendingNotices::default(),
            chain_deadline: ChainDeadline::default(),
            expired_weights: None,
        };
        if let Some(hash) = runner.state.missing_fit_state() {
            let bytes = runner.journal.payload(hash).await?;
            runner.state.restore_fit_state(&bytes)?;
        }
        if *runner.journal.head() == JournalHead::EMPTY {
            let first = genesis.first_origin;
            let records = vec![Record::Genesis(genesis)];
            runner.journal.append(first, records, Vec::new()).await?;
        }
        Ok(runner)
    }

    /// The state of all rounds: every record of the journal applied.
    pub const fn state(&self) -> &SeriesState {
        &self.state
    }

    /// The end of the journal.
    pub const fn head(&self) -> &JournalHead {
        self.journal.head()
    }

    /// Round time of the journal's last record: everything before it is done.
    pub const fn last_at(&self) -> UnixMillis {
        self.journal.last_at()
    }

    /// Sets until when the chain is waited for from now on.
    pub fn set_chain_deadline(&mut self, chain_deadline: ChainDeadline) {
        self.chain_deadline = chain_deadline;
    }

    /// What rounds go by, if the chain couldn't be asked for its metagraph the last time.
    pub const fn stale_metagraph(&self) -> Option<&StaleMetagraph> {
        self.metagraph_cache.stale()
    }

    /// Voids the rounds whose windows this validator didn't serve: it was down, or not in time.
    ///
    /// In a replay, where time stands still while the validator is down, there are none.
    pub async fn void_missed_rounds(&mut self, now: UnixMillis) -> Result<(), RoundRunnerError> {
        let voids = self.state.voids_on_start(now);
        if voids.is_empty() {
            return Ok(());
        }
        self.append_records(now, voids, Vec::new()).await
    }

    /// Carries out every action that is due at `now` and possible, then notifies miners of the rounds that ended.
    pub async fn run_due_actions(&mut self, now: UnixMillis) -> Result<(), RoundRunnerError> {
        self.miners.begin_turn(now);
        let mut without_prices = BTreeSet::new();
        loop {
            let waits_for_prices = |action: &Action| match action {
                Action::Round(origin, RoundAction::Settle) => without_prices.contains(origin),
                _ => false,
            };
            let Some(action) = self
                .state
                .due_actions(now)
                .into_iter()
                .find(|action| !waits_for_prices(action))
            else {
                return self.send_notices(now).await;
            };
            match action {
                Action::OpenRound(origin) => self.open(origin, now).await?,
                Action::Round(origin, RoundAction::RequestCommitments { from, deadline }) => {
                    self.collect_commitments(origin, from, deadline, now)
                        .await?;
                }
                Action::Round(origin, RoundAction::RequestReveals { from, deadline }) => {
                    self.collect_reveals(origin, from, deadline, now).await?;
                }
                Action::Round(origin, RoundAction::Settle) => {
                    match self.prices.settlement(&self.state, origin) {
                        Some(settlement) => {
                            let event = RoundEvent::Settled(settlement);
                            let record = self.state.decide(origin, event)?;
                            self.append_records(now, vec![record], Vec::new()).await?;
                        }
                        None => {
                            without_prices.insert(origin);
                        }
                    }
                }
                Action::Round(
                    origin,
                    RoundAction::Score {
                        settlement,
                        forecasts,
                        pool,
                        missed,
                    },
                ) => {
                    let record = self
                        .score(origin, &settlement, forecasts, &pool, missed)
                        .await?;
                    let fit_state = named_fit_state(&record).into_iter().collect();
                    self.append_records(now, vec![record], fit_state).await?;
                }
            }
        }
    }

    /// Journals prices and gaps, with everything that they were decided from.
    pub async fn record_prices(
        &mut self,
        now: UnixMillis,
        decided: Vec<PriceDecision>,
    ) -> Result<(), RoundRunnerError> {
        if decided.is_empty() {
            return Ok(());
        }
        let mut records = Vec::with_capacity(decided.len());
        let mut payloads = Vec::new();
        for PriceDecision {
            instant,
            price,
            provenance,
            inputs,
        } in decided
        {
            if let (PriceProvenance::Venues { inputs: hash, .. }, Some(bytes)) =
                (&provenance, inputs)
            {
                payloads.push((*hash, bytes));
            }
            records.push(Record::Priced {
                instant,
                price,
                provenance,
            });
        }
        self.append_records(now, records, payloads).await
    }

    /// Opens a round to every neuron that serves, and to every neuron that has ever answered.
    async fn open(&mut self, origin: UnixMillis, now: UnixMillis) -> Result<(), RoundRunnerError> {
        let chain_deadline = self.chain_deadline;
        let fetching = self
            .metagraph_cache
            .fetch(self.chain.as_ref(), chain_deadline, now);
        let metagraph = fetching.await?;
        let own = self.key.hotkey();
        let known = self.state.tracks();
        let asked: BTreeSet<Hotkey> = metagraph
            .neurons
            .iter()
            .filter(|n| n.hotkey != own && (n.axon.is_some() || known.contains_key(&n.hotkey)))
            .map(|n| n.hotkey)
            .collect();
        let owners = metagraph.neurons.iter();
        let owners = owners.map(|n| (n.hotkey, n.coldkey)).collect();
        let asked = asked.into_iter().collect();
        let record = self.state.open(origin, asked, &owners)?;
        self.append_records(now, vec![record], Vec::new()).await
    }

    async fn collect_commitments(
        &mut self,
        origin: UnixMillis,
        from: Vec<Hotkey>,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), RoundRunnerError> {
        let axons = self.axons(now).await?;
        let series = &self.state.genesis().series;
        let request = CommitRequest::new(series, origin, deadline, now);
        let answers = request_commitments(self.miners.as_ref(), &axons, &from, &request).await?;
        let mut records = Vec::with_capacity(from.len());
        for (miner, answer) in from.into_iter().zip(answers) {
            let event = match answer {
                Ok(TimedAnswer { answer, at }) => {
                    let text = receipt_text(&request.round, &miner, &answer.commitment, at);
                    RoundEvent::Commitment {
                        miner,
                        commitment: answer.commitment,
                        arrival: at,
                        signature: answer.signature,
                        receipt: self.key.sign(text.as_bytes()),
                    }
                }
                Err(miss) => RoundEvent::Failed { miner, miss },
            };
            records.push(self.state.decide(origin, event)?);
        }
        self.append_records(now, records, Vec::new()).await
    }

    async fn collect_reveals(
        &mut self,
        origin: UnixMillis,
        from: Vec<(Hotkey, Receipt)>,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), RoundRunnerError> {
        let axons = self.axons(now).await?;
        let round = self.state.genesis().series.round(origin);
        let miners = Arc::clone(&self.miners);
        let mut answers = request_reveals(miners.as_ref(), &axons, &from, &round, deadline, now);
        let mut pending = PendingReveals::default();
        while let Some((place, miner, answer)) = answers.next().await {
            let (record, payload) = self.decide_reveal(origin, miner, answer?)?;
            pending.push(place, record, payload);
            if pending.bytes > miners.max_pending_bytes() {
                let (records, payloads) = std::mem::take(&mut pending).into_ordered();
                self.append_records(now, records, payloads).await?;
            }
        }
        let (records, payloads) = pending.into_ordered();
        self.append_records(now, records, payloads).await
    }

    /// The record that a miner's answer to the request to reveal makes, and the payload that is kept with it.
    fn decide_reveal(
        &self,
        origin: UnixMillis,
        miner: Hotkey,
        answer: AnswerOrMiss<RevealResponse>,
    ) -> Result<(Record, KeptPayload), RoundRunnerError> {
        let (answer, at) = match answer {
            Ok(TimedAnswer { answer, at }) => (answer, at),
            Err(miss) => {
                let event = RoundEvent::Failed { miner, miss };
                return Ok((self.state.decide(origin, event)?, None));
            }
        };
        let payload = answer.payload.into_bytes();
        let event = RoundEvent::Reveal {
            miner,
            arrival: at,
            nonce: answer.nonce,
            payload: &payload,
            signature: answer.signature,
        };
        let record = self.state.decide(origin, event)?;
        let kept = named_payload(&record).map(|hash| (hash, payload));
        Ok((record, kept))
    }

    async fn score(
        &self,
        origin: UnixMillis,
        settlement: &Settlement,
        forecasts: Vec<(Hotkey, Hash)>,
        pool: &[Forecaster],
        missed: Vec<Hotkey>,
    ) -> Result<Record, RoundRunnerError> {
        let payloads = self.journal.payloads(forecasts).await?;
        Ok(self
            .state
            .score(origin, settlement, &payloads, pool, missed)?)
    }

    async fn axons(
        &mut self,
        now: UnixMillis,
    ) -> Result<BTreeMap<Hotkey, SocketAddr>, RoundRunnerError> {
        let chain_deadline = self.chain_deadline;
        let fetching = self
            .metagraph_cache
            .fetch(self.chain.as_ref(), chain_deadline, now);
        Ok(axons_by_hotkey(&fetching.await?))
    }

    async fn send_notices(&mut self, now: UnixMillis) -> Result<(), RoundRunnerError> {
        if self.pending_notices.is_empty() {
            return Ok(());
        }
        let axons = self.axons(now).await?;
        self.pending_notices
            .send(&self.state, self.miners.as_ref(), &axons)
            .await;
        Ok(())
    }

    /// Makes records durable, then applies them.
    pub(super) async fn append_records(
        &mut self,
        at: UnixMillis,
        records: Vec<Record>,
        payloads: Vec<(Hash, Vec<u8>)>,
    ) -> Result<(), RoundRunnerError> {
        if records.is_empty() {
            return Ok(());
        }
        self.journal.append(at, records.clone(), payloads).await?;
        for record in &records {
            self.pending_notices.queue(&self.state, record);
            self.state.apply(record)?;
        }
        Ok(())
    }
}

/// The state of the fit that a new record names, kept like a payload.
fn named_fit_state(record: &Record) -> Option<(Hash, Vec<u8>)> {
    match record {
        Record::Scored { fit, .. } => Some((fit.hash(), fit.state()?.to_bytes())),
        _ => None,
    }
}

/// The payload that a record names and that is kept with it: a forecast, or the evidence of a bad one.
const fn named_payload(record: &Record) -> Option<Hash> {
    match record {
        Record::Revealed { payload, .. } => Some(*payload),
        Record::Missed {
            miss: MissReason::Rejected(rejected),
            ..
        } => rejected.kept(),
        _ => None,
    }
}

/// A payload that is kept with its record, by its hash.
type KeptPayload = Option<(Hash, Vec<u8>)>;

/// Answers that wait to be journalled, each with its miner's place among those that were asked.
#[derive(Default)]
struct PendingReveals {
    answers: Vec<(usize, Record, KeptPayload)>,
    /// Bytes of their payloads.
    bytes: usize,
}

impl PendingReveals {
    fn push(&mut self, place: usize, record: Record, payload: Option<(Hash, Vec<u8>)>) {
        self.bytes += payload.as_ref().map_or(0, |(_, payload)| payload.len());
        self.answers.push((place, record, payload));
    }

    /// Records and payloads in the order of the miners, whoever answered first.
    fn into_ordered(mut self) -> (Vec<Record>, Vec<(Hash, Vec<u8>)>) {
        self.answers.sort_by_key(|(place, ..)| *place);
        let mut records = Vec::with_capacity(self.answers.len());
        let mut payloads = Vec::new();
        for (_, record, payload) in self.answers {
            records.push(record);
            payloads.extend(payload);
        }
        (records, payloads)
    }
}
