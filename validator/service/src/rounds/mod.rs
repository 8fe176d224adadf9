//! The shell around the round: carries out what the [book](SeriesState) wants, and journals what comes of it.
//!
//! ```text
//!   SeriesState ──wants──▶ ask miners · settle · score ──▶ records ──▶ JournalStore (durable) ──▶ SeriesState
//! ```
//!
//! A record is durable before its effect leaves the process: before a receipt is handed out, before weights
//! are submitted.

pub mod chain_deadline;
pub mod live;
pub mod miners;
mod outcome_notices;
mod prices;
pub mod weights;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use foretell_chain::chain::{Chain, ChainError};
use foretell_chain::metagraph::Metagraph;
use foretell_core::hash::Hash;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, JournalHead, Record};
use foretell_core::miss::{MissReason, RejectedPayload};
use foretell_core::pool::Forecaster;
use foretell_core::round::{Receipt, RoundAction, RoundEvent};
use foretell_core::settle::Settlement;
use foretell_core::signed_text::receipt_text;
use foretell_core::state::{Action, SeriesState, StateError};
use foretell_core::time::UnixMillis;
use foretell_keys::keypair::Keypair;
use foretell_wire::messages::{CommitRequest, RevealRequest};
use futures_util::future::join_all;
use thiserror::Error;

pub use self::prices::{PriceDecision, RoundPrices};

use self::chain_deadline::ChainDeadline;
use self::miners::{AnswerError, Miners, TimedAnswer};
use self::outcome_notices::PendingNotices;
use crate::store::{JournalBatch, JournalStore, StoreError};

/// Rounds of one series, on some store, chain and miners.
#[derive(Debug)]
pub struct RoundRunner<S, C, M> {
    state: SeriesState,
    head: JournalHead,
    last_at: UnixMillis,
    key: Keypair,
    store: Arc<S>,
    chain: Arc<C>,
    miners: M,
    prices: RoundPrices,
    /// The subnet when the chain could last be asked.
    last_metagraph: Option<Metagraph>,
    pending_notices: PendingNotices,
    chain_deadline: ChainDeadline,
    /// Signed weights that the chain will never have, of which that was told.
    expired_weights: Option<Hash>,
}

/// Why rounds can't go on.
#[derive(Debug, Error)]
pub enum RoundRunnerError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A record that does not fit.
    #[error(transparent)]
    State(#[from] StateError),
    /// A miner that broke a replay.
    #[error(transparent)]
    Miner(#[from] AnswerError),
    /// The journal is about something else.
    #[error("the journal in this directory is about other rounds")]
    GenesisMismatch,
    /// Stored weights that can't be read back.
    #[error("the journal's signed weights can't be read back")]
    Extrinsic(#[from] serde_json::Error),
    /// The validator has no uid.
    #[error("validator {0} is not registered on this subnet: register it first")]
    NotRegistered(Hotkey),
    /// A blocking task of ours panicked.
    #[error("a task of the validator panicked")]
    TaskPanicked(#[from] tokio::task::JoinError),
}

/// What rounds work with.
#[derive(Debug)]
pub struct RoundsDependencies<S, C, M> {
    /// Signs receipts and weights.
    pub key: Keypair,
    /// Where the journal is kept.
    pub store: Arc<S>,
    /// Where weights are set.
    pub chain: Arc<C>,
    /// Who is asked.
    pub miners: M,
    /// What happened.
    pub prices: RoundPrices,
}

/// What a journal amounts to.
struct ReplayedJournal {
    state: SeriesState,
    head: JournalHead,
    last_at: UnixMillis,
}

impl ReplayedJournal {
    /// Follows the journal in `store`, one entry at a time: months of them are more than a memory should hold.
    fn read(store: &impl JournalStore, genesis: &Genesis) -> Result<Self, RoundRunnerError> {
        let mut journal = Self {
            state: SeriesState::new(genesis.clone()),
            head: JournalHead::EMPTY,
            last_at: genesis.first_origin,
        };
        let mut followed = Ok(());
        store.for_each_entry(&mut |bytes| {
            followed = journal.follow(bytes, genesis);
            match followed {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        followed.map(|()| journal)
    }

    fn follow(&mut self, bytes: &[u8], genesis: &Genesis) -> Result<(), RoundRunnerError> {
        let entry = self.head.verify_next(bytes).map_err(StoreError::from)?;
        match &entry.record {
            Record::Genesis(found) if entry.seq == 0 && found == genesis => {}
            _ if entry.seq == 0 => return Err(RoundRunnerError::GenesisMismatch),
            record => self.state.apply(record)?,
        }
        self.last_at = entry.at;
        Ok(())
    }
}

impl<S: JournalStore, C: Chain, M: Miners> RoundRunner<S, C, M> {
    /// Takes up the journal where it ends, or begins it.
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
        let (journal, wanted) = (Arc::clone(&store), genesis.clone());
        let follow = move || ReplayedJournal::read(journal.as_ref(), &wanted);
        let ReplayedJournal {
            state,
            head,
            last_at,
        } = tokio::task::spawn_blocking(follow).await??;
        let mut runner = Self {
            state,
            head,
            last_at,
            key,
            store,
            chain,
            miners,
            prices,
            last_metagraph: None,
            pending_notices: PendingNotices::new(),
            chain_deadline: ChainDeadline::default(),
            expired_weights: None,
        };
        if let Some(hash) = runner.state.missing_fit_state() {
            let store = Arc::clone(&runner.store);
            let bytes = tokio::task::spawn_blocking(move || store.payload(&hash)).await??;
            runner.state.restore_fit_state(&bytes)?;
        }
        if runner.head == JournalHead::EMPTY {
            let first = genesis.first_origin;
            let batch = runner.batch(first, vec![Record::Genesis(genesis)], Vec::new());
            runner.write_batch(batch).await?;
        }
        Ok(runner)
    }

    /// The state of all rounds.
    pub const fn state(&self) -> &SeriesState {
        &self.state
    }

    /// The end of the journal.
    pub const fn head(&self) -> &JournalHead {
        &self.head
    }

    /// Round time of the journal's last record: everything before it is done.
    pub const fn last_at(&self) -> UnixMillis {
        self.last_at
    }

    /// Until when the chain is waited for from now on.
    pub fn set_chain_deadline(&mut self, chain_deadline: ChainDeadline) {
        self.chain_deadline = chain_deadline;
    }

    /// Voids the rounds whose windows this validator didn't serve: it was down, or not in time.
    ///
    /// In a replay, where time stands still while nobody is there, there are none.
    pub async fn void_missed_rounds(&mut self, now: UnixMillis) -> Result<(), RoundRunnerError> {
        let voids = self.state.voids_on_start(now);
        if voids.is_empty() {
            return Ok(());
        }
        self.append_records(now, voids, Vec::new()).await
    }

    /// Does everything that is wanted and can be done at `now`, and tells miners what came of it.
    pub async fn run_due_actions(&mut self, now: UnixMillis) -> Result<(), RoundRunnerError> {
        let mut without_prices = BTreeSet::new();
        loop {
            let waits = |action: &Action| match action {
                Action::Round(origin, RoundAction::Settle) => without_prices.contains(origin),
                _ => false,
            };
            let Some(action) = self
                .state
                .due_actions(now)
                .into_iter()
                .find(|action| !waits(action))
            else {
                return self.send_notices().await;
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
                Action::Round(origin, RoundAction::Settle) => match self.settlement(origin) {
                    Some(settlement) => {
                        let record = self.state.decide(origin, RoundEvent::Settled(settlement))?;
                        self.append_records(now, vec![record], Vec::new()).await?;
                    }
                    None => {
                        without_prices.insert(origin);
                    }
                },
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
                        .score(origin, &settlement, &forecasts, &pool, missed)
                        .await?;
                    let fit_state = named_fit_state(&record).into_iter().collect();
                    self.append_records(now, vec![record], fit_state).await?;
                }
            }
        }
    }

    /// Opens a round to every axon on the metagraph, and to everybody who has ever answered.
    async fn open(&mut self, origin: UnixMillis, now: UnixMillis) -> Result<(), RoundRunnerError> {
        let metagraph = self.metagraph().await?;
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
        let axons = self.axons().await?;
        let series = &self.state.genesis().series;
        let request = CommitRequest::new(series, origin, deadline, now);
        let asked = from.iter().map(|miner| {
            let (miners, request) = (&self.miners, &request);
            let axon = axons.get(miner).copied();
            async move {
                match axon {
                    Some(axon) => miners.commitment(miner, axon, request).await,
                    None => Err(AnswerError::Miss(MissReason::NotServing)),
                }
            }
        });
        let answers = join_all(asked).await;
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
                Err(AnswerError::Miss(miss)) => RoundEvent::Failed { miner, miss },
                Err(broken) => return Err(broken.into()),
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
        let axons = self.axons().await?;
        let round = self.state.genesis().series.round(origin);
        let asked = from.iter().map(|(miner, receipt)| {
            let (miners, axon) = (&self.miners, axons.get(miner).copied());
            let request = RevealRequest {
                round: round.clone(),
                receipt: *receipt,
            };
            async move {
                match axon {
                    Some(axon) => miners.reveal(miner, axon, &request, deadline, now).await,
                    None => Err(AnswerError::Miss(MissReason::NotServing)),
                }
            }
        });
        let answers = join_all(asked).await;
        let mut records = Vec::with_capacity(from.len());
        let mut payloads = Vec::new();
        for ((miner, _), answer) in from.into_iter().zip(answers) {
            let (record, payload) = match answer {
                Ok(TimedAnswer { answer, at }) => {
                    let payload = answer.payload.into_bytes();
                    let event = RoundEvent::Reveal {
                        miner,
                        arrival: at,
                        nonce: answer.nonce,
                        payload: &payload,
                        signature: answer.signature,
                    };
                    (self.state.decide(origin, event)?, payload)
                }
                Err(AnswerError::Miss(miss)) => {
                    let event = RoundEvent::Failed { miner, miss };
                    (self.state.decide(origin, event)?, Vec::new())
                }
                Err(broken) => return Err(broken.into()),
            };
            payloads.extend(named_payload(&record).map(|hash| (hash, payload)));
            records.push(record);
        }
        self.append_records(now, records, payloads).await
    }

    async fn score(
        &self,
        origin: UnixMillis,
        settlement: &Settlement,
        forecasts: &[(Hotkey, Hash)],
        pool: &[Forecaster],
        missed: Vec<Hotkey>,
    ) -> Result<Record, RoundRunnerError> {
        let (store, wanted) = (Arc::clone(&self.store), forecasts.to_vec());
        let payloads = tokio::task::spawn_blocking(move || {
            let read = wanted
                .iter()
                .map(|(miner, hash)| Ok((*miner, store.payload(hash)?)));
            read.collect::<Result<BTreeMap<Hotkey, Vec<u8>>, StoreError>>()
        })
        .await??;
        let record = self
            .state
            .score(origin, settlement, &payloads, pool, missed)?;
        Ok(record)
    }

    /// The subnet now; where its node can't be asked, as it was when it last could: a round doesn't wait for a chain.
    async fn metagraph(&mut self) -> Result<Metagraph, RoundRunnerError> {
        let now = self.chain_deadline.wait(self.chain.metagraph()).await;
        match (now, &self.last_metagraph) {
            (Ok(now), _) => {
                self.last_metagraph = Some(now.clone());
                Ok(now)
            }
            (Err(error @ (ChainError::Node(_) | ChainError::TimedOut(_))), Some(last)) => {
                let block = last.block;
                tracing::warn!(%block, "{error}; the round goes by the subnet as it was at this block");
                Ok(last.clone())
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn axons(&mut self) -> Result<BTreeMap<Hotkey, SocketAddr>, RoundRunnerError> {
        let metagraph = self.metagraph().await?;
        let serving = metagraph.neurons.iter();
        Ok(serving
            .filter_map(|neuron| Some((neuron.hotkey, neuron.axon?)))
            .collect())
    }

    /// Makes records durable, then takes them in.
    async fn append_records(
        &mut self,
        at: UnixMillis,
        records: Vec<Record>,
        payloads: Vec<(Hash, Vec<u8>)>,
    ) -> Result<(), RoundRunnerError> {
        let batch = self.batch(at, records.clone(), payloads);
        self.write_batch(batch).await?;
        for record in &records {
            self.queue_notices(record);
            self.state.apply(record)?;
        }
        self.last_at = at;
        Ok(())
    }

    fn batch(
        &self,
        at: UnixMillis,
        records: Vec<Record>,
        payloads: Vec<(Hash, Vec<u8>)>,
    ) -> JournalBatch {
        let mut head = self.head;
        let entries = records.into_iter().map(|record| head.append(at, record));
        JournalBatch {
            first: self.head.records,
            entries: entries.collect(),
            payloads,
            head,
        }
    }

    async fn write_batch(&mut self, batch: JournalBatch) -> Result<(), RoundRunnerError> {
        let (store, head) = (Arc::clone(&self.store), batch.head);
        tokio::task::spawn_blocking(move || store.append(&batch)).await??;
        self.head = head;
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
        Record::Revealed { payload, .. }
        | Record::Missed {
            miss: MissReason::Rejected(RejectedPayload { payload, .. }),
            ..
        } => Some(*payload),
        _ => None,
    }
}
