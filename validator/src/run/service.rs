//! The service, turn by turn: rounds, weights, and one attempt at a time to learn prices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use foretell_chain::chain::Chain;
use foretell_chain::metagraph::BLOCK_TIME;
use foretell_core::book::Book;
use foretell_core::rules::MinuteRules;
use foretell_core::time::UnixMillis;
use tokio::task::{JoinError, JoinSet};

use super::agenda::Agenda;
use super::listeners::{CrossCheck, Listeners};
use super::source::{Answer, Learnt, Source};
use super::status::{Heard, Status};
use crate::moment;
use crate::rounds::miners::Miners;
use crate::rounds::patience::Patience;
use crate::rounds::weights::Standing;
use crate::rounds::{Rounds, RoundsError};
use crate::store::Store;

/// How long the chain is waited for before a round goes by the subnet as it was, and how long for weights.
const FOR_A_ROUND: Duration = Duration::from_secs(4);
const FOR_WEIGHTS: Duration = Duration::from_secs(20);
/// However near the next round is.
const FOR_WEIGHTS_AT_LEAST: Duration = Duration::from_secs(2);

/// A validator for one series. It reads no clock: only how long a node is waited for is wall time.
#[derive(Debug)]
pub struct Service<S, C, M> {
    rounds: Rounds<S, C, M>,
    source: Arc<Source>,
    chain: Arc<C>,
    rules: MinuteRules,
    agenda: Agenda,
    /// The attempt under way, if any: it ends with the service.
    attempt: JoinSet<Attempt>,
    trouble: Option<String>,
    /// How it stands with weights, or what the chain is in trouble with; told when it changes.
    weights: Option<String>,
    /// Whether that changes with the next blocks.
    watching_blocks: bool,
    listeners: Listeners,
    cross_check: Option<CrossCheck>,
}

/// What a service works with.
#[derive(Debug)]
pub struct Surroundings<S, C, M> {
    /// The rounds, resumed from their journal, whose prices are this journal's.
    pub rounds: Rounds<S, C, M>,
    /// Where prices are learnt.
    pub source: Arc<Source>,
    /// Where weights are set.
    pub chain: Arc<C>,
    /// The exchanges' trades, to show and to check prices by.
    pub listeners: Listeners,
}

/// What came of asking for the prices of some instants.
#[derive(Debug)]
pub struct Attempt {
    instants: Vec<UnixMillis>,
    answer: Answer,
}

impl<S: Store, C: Chain, M: Miners> Service<S, C, M> {
    /// A service that has had no turn yet.
    pub fn new(surroundings: Surroundings<S, C, M>) -> Self {
        let Surroundings {
            rounds,
            source,
            chain,
            listeners,
        } = surroundings;
        Self {
            rules: rounds.book().charter().rules.rules().minute,
            rounds,
            source,
            chain,
            agenda: Agenda::default(),
            attempt: JoinSet::new(),
            trouble: None,
            weights: None,
            watching_blocks: false,
            listeners,
            cross_check: None,
        }
    }

    /// Does everything that is due at `now`, and starts asking for the prices that are; when it wants the next turn.
    ///
    /// Trouble with the chain is told and tried again; trouble with the store ends the service, which can't go on
    /// without its journal.
    pub async fn turn(&mut self, now: UnixMillis) -> Result<UnixMillis, RoundsError> {
        let before = Tally::of(self.rounds.book());
        self.rounds.void_neglected(now).await?;
        self.recovering(now).await?;
        Tally::of(self.rounds.book()).tell_since(&before);
        let rounds_next = self.rounds.book().next_instant(now);
        let next_block = now + BLOCK_TIME;
        let chain_next = self.watching_blocks.then_some(next_block);
        let rounds_next = match (rounds_next, chain_next) {
            (Some(rounds), Some(chain)) => Some(rounds.min(chain)),
            (rounds, chain) => rounds.or(chain),
        };
        let Some(prices) = self.rounds.book().prices() else {
            return Ok(rounds_next.unwrap_or(now));
        };
        let due = self.agenda.due(prices, now, &self.rules);
        if !due.instants.is_empty() && self.attempt.is_empty() {
            let source = Arc::clone(&self.source);
            self.attempt.spawn(async move {
                let answer = source.ask(&due.instants, now).await;
                let instants = due.instants;
                Attempt { instants, answer }
            });
        }
        Ok(rounds_next.map_or(due.next, |next| next.min(due.next)))
    }

    /// The end of the attempt under way; never, if there is none.
    ///
    /// # Errors
    /// It, or a task that listens to an exchange, broke down.
    pub async fn attempted(&mut self) -> Result<Attempt, JoinError> {
        let attempt = async {
            match self.attempt.join_next().await {
                Some(attempt) => attempt,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            attempt = attempt => attempt,
            broken = self.listeners.broken() => match broken {
                Err(error) => Err(error),
                Ok(()) => std::future::pending().await,
            },
        }
    }

    /// Whether an attempt is under way.
    pub fn is_asking(&self) -> bool {
        !self.attempt.is_empty()
    }

    /// Takes in what came of an attempt.
    pub async fn take(&mut self, now: UnixMillis, attempt: Attempt) -> Result<(), RoundsError> {
        let Attempt { instants, answer } = attempt;
        let is_last = |instant| Agenda::is_last(instant, now, &self.rules);
        match answer.learnt(&instants, is_last, &self.rules) {
            Ok(Learnt { decided, trouble }) => {
                for gap in decided.iter().filter(|decided| decided.price.is_none()) {
                    let at = moment::text(gap.instant);
                    tracing::warn!(%at, "no price, and no further attempt: a gap");
                }
                self.note_trouble(trouble);
                for decided in &decided {
                    let check = self.listeners.cross_check(decided, &self.rules);
                    self.cross_check = check.or(self.cross_check);
                }
                self.agenda.tried(&instants, now);
                self.rounds.take_prices(now, decided).await
            }
            Err(offline) => {
                self.agenda.was_offline(now);
                self.note_trouble(Some(format!("{offline}; trying again every minute")));
                Ok(())
            }
        }
    }

    /// The state of all rounds.
    pub const fn rounds(&self) -> &Rounds<S, C, M> {
        &self.rounds
    }

    /// Where its prices come from, for people.
    pub fn source_words(&self) -> String {
        self.source.words()
    }

    /// What it is doing.
    pub fn status(&self, now: UnixMillis) -> Status {
        let heard = Heard {
            live_price: self.listeners.live_price(now, &self.rules),
            cross_check: self.cross_check,
            venues: self.listeners.venues(),
        };
        let mut status = Status::of(self.rounds.book(), heard, self.trouble.clone(), now);
        status.weights.clone_from(&self.weights);
        status
    }

    /// Ends the attempt under way, and closes every connection.
    pub async fn stop(&mut self) -> Result<(), JoinError> {
        self.attempt.shutdown().await;
        self.listeners.stop().await
    }

    /// Tells of trouble when it begins, changes and ends; the status says it all the time.
    fn note_trouble(&mut self, trouble: Option<String>) {
        if trouble != self.trouble {
            match &trouble {
                Some(trouble) => tracing::warn!("{trouble}"),
                None => tracing::info!("prices are complete again"),
            }
            self.trouble = trouble;
        }
    }

    /// Rounds and weights; what the chain is in trouble with is told, and tried again at the next turn.
    async fn recovering(&mut self, now: UnixMillis) -> Result<(), RoundsError> {
        let begun = Instant::now();
        self.rounds.wait_for_chain(Patience::of(FOR_A_ROUND));
        let worked = match self.rounds.work(now).await {
            Ok(()) => self.set_weights(now, begun).await,
            Err(error) => Err(error),
        };
        match worked {
            Ok(standing) => {
                self.watching_blocks = standing.is_urgent();
                let words = standing.to_string();
                if self.weights.as_ref() != Some(&words) {
                    match standing {
                        Standing::Refused { .. } | Standing::NothingToSet => {
                            tracing::warn!("weights: {words}");
                        }
                        Standing::DueAt(_) | Standing::Sent { .. } => {
                            tracing::info!("weights: {words}");
                        }
                    }
                    self.weights = Some(words);
                }
                Ok(())
            }
            Err(error @ (RoundsError::Chain(_) | RoundsError::NotRegistered(_))) => {
                self.watching_blocks = true;
                let words = format!("{:#}", anyhow::Error::from(error));
                if self.weights.as_ref() != Some(&words) {
                    tracing::warn!("weights: {words}; tried again every block");
                    self.weights = Some(words);
                }
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// Weights can wait, rounds can't: the chain is given no more time than there is until rounds want something again.
    /// It was `now` when the turn had `begun`.
    async fn set_weights(
        &mut self,
        now: UnixMillis,
        begun: Instant,
    ) -> Result<Standing, RoundsError> {
        let next = self.rounds.book().next_instant(now);
        let left = next.map_or(FOR_WEIGHTS, |next| {
            let until_next = (next - now).0.try_into().unwrap_or(0);
            Duration::from_millis(until_next).saturating_sub(begun.elapsed())
        });
        let patience = Patience::of(left.clamp(FOR_WEIGHTS_AT_LEAST, FOR_WEIGHTS));
        self.rounds.wait_for_chain(patience);
        let block = patience.wait(self.chain.block()).await?;
        let rules = patience.wait(self.chain.hyperparameters()).await?;
        let interval = u64::from(rules.tempo.get()).max(rules.weights_rate_limit);
        self.rounds.set_weights(now, block, interval).await
    }
}

/// How many rounds there have been of each kind, to tell what a turn did.
struct Tally {
    open: usize,
    scored: usize,
    void: usize,
    weighed: usize,
}

impl Tally {
    fn of(book: &Book) -> Self {
        Self {
            open: book.open_rounds().len(),
            scored: book.reference_track().rounds(),
            void: book.voided().len(),
            weighed: book.times_weighed(),
        }
    }

    fn tell_since(&self, before: &Self) {
        let Self {
            open,
            scored,
            void,
            weighed,
        } = self;
        if scored > &before.scored {
            tracing::info!(scored, open, void, "scored {}", scored - before.scored);
        }
        if void > &before.void {
            tracing::warn!(scored, open, void, "void: {}", void - before.void);
        }
        if open > &before.open {
            tracing::info!(open, "a round was opened");
        }
        if weighed > &before.weighed {
            tracing::info!("weights are on chain");
        }
    }
}
