//! The shell around the round: carries out what the [book](Book) wants, and journals what comes of it.
//!
//! ```text
//!   Book ──wants──▶ ask miners · settle · score ──▶ records ──▶ Store (durable) ──▶ Book
//! ```
//!
//! A record is durable before its effect leaves the process: before a receipt is handed out, before weights
//! are submitted.

pub mod live;
pub mod miners;
mod outcomes;
pub mod patience;
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
use foretell_core::attest::{Hash, receipt_text};
use foretell_core::book::{Book, BookError, Task};
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Charter, Head, Record};
use foretell_core::round::{Event, Miss, Receipt, RejectedPayload, Want};
use foretell_core::settle::Settlement;
use foretell_core::time::UnixMillis;
use foretell_core::weigh::PoolEntry;
use foretell_wire::keypair::Keypair;
use foretell_wire::messages::{CommitRequest, RevealRequest};
use futures_util::future::join_all;
use thiserror::Error;

pub use self::prices::{Decided, Prices};

use self::miners::{Arrived, Miners, NoAnswer};
use self::outcomes::Untold;
use self::patience::Patience;
use crate::store::{Batch, Store, StoreError};

/// Rounds of one series, on some store, chain and miners.
#[derive(Debug)]
pub struct Rounds<S, C, M> {
    book: Book,
    head: Head,
    last_at: UnixMillis,
    key: Keypair,
    store: Arc<S>,
    chain: Arc<C>,
    miners: M,
    prices: Prices,
    /// The subnet when the chain could last be asked.
    seen: Option<Metagraph>,
    untold: Untold,
    patience: Patience,
    /// Signed weights that the chain will never have, of which that was told.
    lost: Option<Hash>,
}

/// Why rounds can't go on.
#[derive(Debug, Error)]
pub enum RoundsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A record that does not fit.
    #[error(transparent)]
    Book(#[from] BookError),
    /// A miner that broke a replay.
    #[error(transparent)]
    Miner(#[from] NoAnswer),
    /// The journal is about something else.
    #[error("the journal in this directory is about other rounds")]
    OtherCharter,
    /// Stored weights that can't be read back.
    #[error("the journal's signed weights can't be read back")]
    Extrinsic(#[from] serde_json::Error),
    /// The validator has no uid.
    #[error("validator {0} is not registered on this subnet: register it first")]
    NotRegistered(Hotkey),
    /// A blocking task of ours panicked.
    #[error("a task of the validator panicked")]
    Task(#[from] tokio::task::JoinError),
}

/// What rounds work with.
#[derive(Debug)]
pub struct Surroundings<S, C, M> {
    /// Signs receipts and weights.
    pub key: Keypair,
    /// Where the journal is kept.
    pub store: Arc<S>,
    /// Where weights are set.
    pub chain: Arc<C>,
    /// Who is asked.
    pub miners: M,
    /// What happened.
    pub prices: Prices,
}

/// What a journal amounts to.
struct Journalled {
    book: Book,
    head: Head,
    last_at: UnixMillis,
}

impl Journalled {
    /// Follows the journal in `store`, one entry at a time: months of them are more than a memory should hold.
    fn of(store: &impl Store, charter: &Charter) -> Result<Self, RoundsError> {
        let mut journalled = Self {
            book: Book::new(charter.clone()),
            head: Head::EMPTY,
            last_at: charter.first,
        };
        let mut followed = Ok(());
        store.read_entries(&mut |bytes| {
            followed = journalled.follow(bytes, charter);
            match followed {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        followed.map(|()| journalled)
    }

    fn follow(&mut self, bytes: &[u8], charter: &Charter) -> Result<(), RoundsError> {
        let entry = self.head.follow(bytes).map_err(StoreError::from)?;
        match &entry.record {
            Record::Began(began) if entry.seq == 0 && began == charter => {}
            _ if entry.seq == 0 => return Err(RoundsError::OtherCharter),
            record => self.book.apply(record)?,
        }
        self.last_at = entry.at;
        Ok(())
    }
}

impl<S: Store, C: Chain, M: Miners> Rounds<S, C, M> {
    /// Takes up the journal where it ends, or begins it.
    pub async fn resume(
        charter: Charter,
        surroundings: Surroundings<S, C, M>,
    ) -> Result<Self, RoundsError> {
        let Surroundings {
            key,
            store,
            chain,
            miners,
            prices,
        } = surroundings;
        let (journal, wanted) = (Arc::clone(&store), charter.clone());
        let follow = move || Journalled::of(journal.as_ref(), &wanted);
        let Journalled {
            book,
            head,
            last_at,
        } = tokio::task::spawn_blocking(follow).await??;
        let mut rounds = Self {
            book,
            head,
            last_at,
            key,
            store,
            chain,
            miners,
            prices,
            seen: None,
            untold: Untold::new(),
            patience: Patience::default(),
            lost: None,
        };
        if let Some(hash) = rounds.book.missing_fit() {
            let store = Arc::clone(&rounds.store);
            let bytes = tokio::task::spawn_blocking(move || store.payload(&hash)).await??;
            rounds.book.restore_fit(&bytes)?;
        }
        if rounds.head == Head::EMPTY {
            let first = charter.first;
            let batch = rounds.batch(first, vec![Record::Began(charter)], Vec::new());
            rounds.write(batch).await?;
        }
        Ok(rounds)
    }

    /// The state of all rounds.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The end of the journal.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Round time of the journal's last record: everything before it is done.
    pub const fn last_at(&self) -> UnixMillis {
        self.last_at
    }

    /// Until when the chain is waited for from now on.
    pub fn wait_for_chain(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Voids the rounds whose windows this validator didn't serve: it was down, or not in time.
    ///
    /// In a replay, where time stands still while nobody is there, there are none.
    pub async fn void_neglected(&mut self, now: UnixMillis) -> Result<(), RoundsError> {
        let voids = self.book.voids_on_start(now);
        if voids.is_empty() {
            return Ok(());
        }
        self.journal(now, voids, Vec::new()).await
    }

    /// Does everything that is wanted and can be done at `now`, and tells miners what came of it.
    pub async fn work(&mut self, now: UnixMillis) -> Result<(), RoundsError> {
        let mut without_prices = BTreeSet::new();
        loop {
            let waits = |task: &Task| match task {
                Task::Round(origin, Want::Settlement) => without_prices.contains(origin),
                _ => false,
            };
            let Some(task) = self.book.wants(now).into_iter().find(|task| !waits(task)) else {
                return self.tell_outcomes().await;
            };
            match task {
                Task::Open(origin) => self.open(origin, now).await?,
                Task::Round(origin, Want::Commitments { from, deadline }) => {
                    self.collect_commitments(origin, from, deadline, now)
                        .await?;
                }
                Task::Round(origin, Want::Reveals { from, deadline }) => {
                    self.collect_reveals(origin, from, deadline, now).await?;
                }
                Task::Round(origin, Want::Settlement) => match self.settlement(origin) {
                    Some(settlement) => {
                        let record = self.book.decide(origin, Event::Settled(settlement))?;
                        self.journal(now, vec![record], Vec::new()).await?;
                    }
                    None => {
                        without_prices.insert(origin);
                    }
                },
                Task::Round(
                    origin,
                    Want::Scores {
                        settlement,
                        forecasts,
                        pool,
                        missed,
                    },
                ) => {
                    let record = self
                        .score(origin, &settlement, &forecasts, &pool, missed)
                        .await?;
                    let state = kept_state(&record).into_iter().collect();
                    self.journal(now, vec![record], state).await?;
                }
            }
        }
    }

    /// Opens a round to every axon on the metagraph, and to everybody who has ever answered.
    async fn open(&mut self, origin: UnixMillis, now: UnixMillis) -> Result<(), RoundsError> {
        let metagraph = self.metagraph().await?;
        let own = self.key.hotkey();
        let known = self.book.tracks();
        let asked: BTreeSet<Hotkey> = metagraph
            .neurons
            .iter()
            .filter(|n| n.hotkey != own && (n.axon.is_some() || known.contains_key(&n.hotkey)))
            .map(|n| n.hotkey)
            .collect();
        let owners = metagraph.neurons.iter();
        let owners = owners.map(|n| (n.hotkey, n.coldkey)).collect();
        let asked = asked.into_iter().collect();
        let record = self.book.open(origin, asked, &owners)?;
        self.journal(now, vec![record], Vec::new()).await
    }

    async fn collect_commitments(
        &mut self,
        origin: UnixMillis,
        from: Vec<Hotkey>,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), RoundsError> {
        let axons = self.axons().await?;
        let series = &self.book.charter().series;
        let request = CommitRequest::new(series, origin, deadline, now);
        let asked = from.iter().map(|miner| {
            let (miners, request) = (&self.miners, &request);
            let axon = axons.get(miner).copied();
            async move {
                match axon {
                    Some(axon) => miners.commitment(miner, axon, request).await,
                    None => Err(NoAnswer::Miss(Miss::NotServing)),
                }
            }
        });
        let answers = join_all(asked).await;
        let mut records = Vec::with_capacity(from.len());
        for (miner, answer) in from.into_iter().zip(answers) {
            let event = match answer {
                Ok(Arrived { answer, at }) => {
                    let text = receipt_text(&request.round, &miner, &answer.commitment, at);
                    Event::Commitment {
                        miner,
                        commitment: answer.commitment,
                        arrival: at,
                        signature: answer.signature,
                        receipt: self.key.sign(text.as_bytes()),
                    }
                }
                Err(NoAnswer::Miss(miss)) => Event::Failed { miner, miss },
                Err(broken) => return Err(broken.into()),
            };
            records.push(self.book.decide(origin, event)?);
        }
        self.journal(now, records, Vec::new()).await
    }

    async fn collect_reveals(
        &mut self,
        origin: UnixMillis,
        from: Vec<(Hotkey, Receipt)>,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), RoundsError> {
        let axons = self.axons().await?;
        let round = self.book.charter().series.round(origin);
        let asked = from.iter().map(|(miner, receipt)| {
            let (miners, axon) = (&self.miners, axons.get(miner).copied());
            let request = RevealRequest {
                round: round.clone(),
                receipt: *receipt,
            };
            async move {
                match axon {
                    Some(axon) => miners.reveal(miner, axon, &request, deadline, now).await,
                    None => Err(NoAnswer::Miss(Miss::NotServing)),
                }
            }
        });
        let answers = join_all(asked).await;
        let mut records = Vec::with_capacity(from.len());
        let mut payloads = Vec::new();
        for ((miner, _), answer) in from.into_iter().zip(answers) {
            let (record, payload) = match answer {
                Ok(Arrived { answer, at }) => {
                    let payload = answer.payload.into_bytes();
                    let event = Event::Reveal {
                        miner,
                        arrival: at,
                        nonce: answer.nonce,
                        payload: &payload,
                        signature: answer.signature,
                    };
                    (self.book.decide(origin, event)?, payload)
                }
                Err(NoAnswer::Miss(miss)) => {
                    let event = Event::Failed { miner, miss };
                    (self.book.decide(origin, event)?, Vec::new())
                }
                Err(broken) => return Err(broken.into()),
            };
            payloads.extend(named_payload(&record).map(|hash| (hash, payload)));
            records.push(record);
        }
        self.journal(now, records, payloads).await
    }

    async fn score(
        &self,
        origin: UnixMillis,
        settlement: &Settlement,
        forecasts: &[(Hotkey, Hash)],
        pool: &[PoolEntry],
        missed: Vec<Hotkey>,
    ) -> Result<Record, RoundsError> {
        let (store, wanted) = (Arc::clone(&self.store), forecasts.to_vec());
        let payloads = tokio::task::spawn_blocking(move || {
            let read = wanted
                .iter()
                .map(|(miner, hash)| Ok((*miner, store.payload(hash)?)));
            read.collect::<Result<BTreeMap<Hotkey, Vec<u8>>, StoreError>>()
        })
        .await??;
        let record = self
            .book
            .score(origin, settlement, &payloads, pool, missed)?;
        Ok(record)
    }

    /// The subnet now; where its node can't be asked, as it was when it last could: a round doesn't wait for a chain.
    async fn metagraph(&mut self) -> Result<Metagraph, RoundsError> {
        let now = self.patience.wait(self.chain.metagraph()).await;
        match (now, &self.seen) {
            (Ok(now), _) => {
                self.seen = Some(now.clone());
                Ok(now)
            }
            (Err(error @ (ChainError::Node(_) | ChainError::Slow(_))), Some(seen)) => {
                let block = seen.block;
                tracing::warn!(%block, "{error}; the round goes by the subnet as it was at this block");
                Ok(seen.clone())
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    async fn axons(&mut self) -> Result<BTreeMap<Hotkey, SocketAddr>, RoundsError> {
        let metagraph = self.metagraph().await?;
        let serving = metagraph.neurons.iter();
        Ok(serving
            .filter_map(|neuron| Some((neuron.hotkey, neuron.axon?)))
            .collect())
    }

    /// Makes records durable, then takes them in.
    async fn journal(
        &mut self,
        at: UnixMillis,
        records: Vec<Record>,
        payloads: Vec<(Hash, Vec<u8>)>,
    ) -> Result<(), RoundsError> {
        let batch = self.batch(at, records.clone(), payloads);
        self.write(batch).await?;
        for record in &records {
            self.note_outcomes(record);
            self.book.apply(record)?;
        }
        self.last_at = at;
        Ok(())
    }

    fn batch(&self, at: UnixMillis, records: Vec<Record>, payloads: Vec<(Hash, Vec<u8>)>) -> Batch {
        let mut head = self.head;
        let entries = records.into_iter().map(|record| head.append(at, record));
        Batch {
            first: self.head.records,
            entries: entries.collect(),
            payloads,
            head,
        }
    }

    async fn write(&mut self, batch: Batch) -> Result<(), RoundsError> {
        let (store, head) = (Arc::clone(&self.store), batch.head);
        tokio::task::spawn_blocking(move || store.append(&batch)).await??;
        self.head = head;
        Ok(())
    }
}

/// The state of the fit that a new record names, kept like a payload.
fn kept_state(record: &Record) -> Option<(Hash, Vec<u8>)> {
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
            miss: Miss::Rejected(RejectedPayload { payload, .. }),
            ..
        } => Some(*payload),
        _ => None,
    }
}
