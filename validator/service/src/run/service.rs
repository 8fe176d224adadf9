//! The service, turn by turn: rounds, weights, and one attempt at a time to get prices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use foretell_chain::block::BLOCK_TIME;
use foretell_chain::chain::Chain;
use foretell_cli::trouble_log::TroubleLog;
use foretell_core::rules::MinuteRules;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::collector::VenueOutages;
use tokio::task::{JoinError, JoinSet};

use super::chain_trouble::{ChainTrouble, ChainTroubleLog};
use super::clock_guard::{ClockGuard, GuardedTime};
use super::clock_sources::ClockSources;
use super::cross_check::CrossCheck;
use super::gap_log::GapLog;
use super::round_totals::RoundTotals;
use super::settlement_schedule::SettlementSchedule;
use super::settlement_source::SettlementSource;
use super::source_response::{DecidedPrices, SourceResponse};
use super::status::{LiveMarketStatus, ValidatorStatus};
use super::venue_monitor::VenueMonitor;
use super::waiting::what_rounds_wait_for;
use crate::rounds::chain_deadline::ChainDeadline;
use crate::rounds::miners::Miners;
use crate::rounds::weights::WeightsStatus;
use crate::rounds::{RoundRunner, RoundRunnerError};
use crate::store::JournalStore;

/// Trouble that changes all the time is told this often.
const QUIET: Millis = Millis::minutes(10);
/// How long rounds wait for the chain before they go by the last metagraph, if it is no older than
/// [`MAX_STALE_BLOCKS`](crate::rounds::chain_deadline::MAX_STALE_BLOCKS).
const ROUND_CHAIN_TIMEOUT: Duration = Duration::from_secs(4);
/// How long the chain is waited for to set weights, at most.
const WEIGHTS_CHAIN_TIMEOUT: Duration = Duration::from_secs(20);
/// The same at least, however near the next round is.
const MIN_WEIGHTS_CHAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// A validator for one series. It reads no clock: only how long a node is waited for is wall time.
#[derive(Debug)]
pub struct ValidatorService<S, C, M> {
    runner: RoundRunner<S, C, M>,
    source: Arc<SettlementSource>,
    chain: Arc<C>,
    rules: MinuteRules,
    schedule: SettlementSchedule,
    /// The attempt under way, at most one; it is aborted when the service is dropped.
    attempt: JoinSet<PriceAttempt>,
    /// What is wrong with the price source.
    source_trouble: Option<String>,
    /// Why the newest price isn't there; which venues are away is told apart.
    price_trouble: TroubleLog,
    /// What rounds wait for.
    round_trouble: TroubleLog,
    /// Why no weights are set.
    weights_trouble: TroubleLog,
    /// What settled prices differ from.
    cross_check_trouble: TroubleLog,
    gap_log: GapLog,
    /// Which venues are away.
    venue_outages: VenueOutages,
    /// Where the setting of weights stands; logged when it changes.
    weights: Option<String>,
    clock_guard: ClockGuard<C>,
    /// What is wrong with the chain.
    chain_trouble: ChainTroubleLog,
    /// Whether that may change with every block.
    watching_blocks: bool,
    venue_monitor: VenueMonitor,
    cross_check: Option<CrossCheck>,
}

/// What a service works with.
#[derive(Debug)]
pub struct ServiceDependencies<S, C, M> {
    /// The rounds, resumed, with [`RoundPrices::Journal`](crate::rounds::RoundPrices::Journal).
    pub runner: RoundRunner<S, C, M>,
    /// Which venues, file or URL prices are asked from.
    pub source: Arc<SettlementSource>,
    /// The same chain as the rounds', asked for its block and hyperparameters.
    pub chain: Arc<C>,
    /// The exchanges' trades, which are shown and which settled prices are checked against.
    pub venue_monitor: VenueMonitor,
}

/// The prices that were asked for, and the response.
#[derive(Debug)]
pub struct PriceAttempt {
    instants: Vec<UnixMillis>,
    response: SourceResponse,
}

impl<S: JournalStore, C: Chain + 'static, M: Miners> ValidatorService<S, C, M> {
    /// A service before its first turn.
    pub fn new(dependencies: ServiceDependencies<S, C, M>) -> Self {
        let ServiceDependencies {
            runner,
            source,
            chain,
            venue_monitor,
        } = dependencies;
        Self {
            rules: runner.state().genesis().rules.rules().minute,
            runner,
            source,
            chain,
            schedule: SettlementSchedule::default(),
            attempt: JoinSet::new(),
            source_trouble: None,
            price_trouble: TroubleLog::new("prices", QUIET),
            round_trouble: TroubleLog::new("rounds", QUIET),
            weights_trouble: TroubleLog::new("weights", QUIET),
            cross_check_trouble: TroubleLog::new("cross-check", QUIET),
            gap_log: GapLog::default(),
            venue_outages: VenueOutages::default(),
            weights: None,
            clock_guard: ClockGuard::new(ClockSources::none()),
            chain_trouble: ChainTroubleLog::default(),
            watching_blocks: false,
            venue_monitor,
            cross_check: None,
        }
    }

    /// The same service, whose machine's clock is compared with others'.
    #[must_use]
    pub fn with_clock_guard(mut self, clock_guard: ClockGuard<C>) -> Self {
        self.clock_guard = clock_guard;
        self
    }

    /// The time by the machine's clock, if it can be believed: for whoever gives the service its turns.
    pub fn time(&mut self) -> GuardedTime {
        // The first record is of the first round's time, which is to come.
        let has_records = self.runner.head().records > 1;
        self.clock_guard
            .read(has_records.then(|| self.runner.last_at()))
    }

    /// Waits until a clock that isn't believed is worth another look.
    ///
    /// # Errors
    /// The task that asks others for the time panicked.
    pub async fn clock_changed(&mut self) -> Result<(), JoinError> {
        self.clock_guard.changed().await
    }

    /// One turn: does everything that is due at `now`, starts asking for the prices that are due, and returns when the next
    /// turn is due.
    ///
    /// # Errors
    /// The store or a replay failed: the service can't go on without its journal. An error of the chain is logged, and tried
    /// again at the next turn.
    pub async fn run_once(&mut self, now: UnixMillis) -> Result<UnixMillis, RoundRunnerError> {
        let before = RoundTotals::from_state(self.runner.state());
        self.runner.void_missed_rounds(now).await?;
        self.run_rounds_and_weights(now).await?;
        RoundTotals::from_state(self.runner.state()).log_changes_since(&before);
        let waiting = what_rounds_wait_for(self.runner.state(), now);
        self.round_trouble.log(waiting.as_deref(), now);
        let rounds_next = self.runner.state().next_action_time(now);
        let next_block = now + BLOCK_TIME;
        let chain_next = self.watching_blocks.then_some(next_block);
        let rounds_next = match (rounds_next, chain_next) {
            (Some(rounds), Some(chain)) => Some(rounds.min(chain)),
            (rounds, chain) => rounds.or(chain),
        };
        let Some(prices) = self.runner.state().prices() else {
            return Ok(rounds_next.unwrap_or(now));
        };
        let due = self.schedule.due(prices, now, &self.rules);
        if let Some(gaps) = self.gap_log.due(now, !due.instants.is_empty()) {
            tracing::warn!("{gaps}");
        }
        if !due.instants.is_empty() && self.attempt.is_empty() {
            let source = Arc::clone(&self.source);
            self.attempt.spawn(async move {
                let response = source.ask(&due.instants, now).await;
                let instants = due.instants;
                PriceAttempt { instants, response }
            });
        }
        Ok(rounds_next.map_or(due.next, |next| next.min(due.next)))
    }

    /// Waits for the end of the attempt under way; without end, if there is none.
    ///
    /// # Errors
    /// The attempt's task, one that listens to an exchange or one that asks for the time panicked.
    pub async fn attempt_finished(&mut self) -> Result<PriceAttempt, JoinError> {
        let attempt = async {
            match self.attempt.join_next().await {
                Some(attempt) => attempt,
                None => std::future::pending().await,
            }
        };
        let clock = async {
            loop {
                if let Err(error) = self.clock_guard.answered().await {
                    return error;
                }
            }
        };
        tokio::select! {
            attempt = attempt => attempt,
            error = clock => Err(error),
            broken = self.venue_monitor.broken() => match broken {
                Err(error) => Err(error),
                Ok(()) => std::future::pending().await,
            },
        }
    }

    /// Whether an attempt is under way.
    pub fn is_asking(&self) -> bool {
        !self.attempt.is_empty()
    }

    /// Journals the prices and gaps that an attempt decides; what it doesn't decide is tried again later.
    pub async fn apply_attempt(
        &mut self,
        now: UnixMillis,
        attempt: PriceAttempt,
    ) -> Result<(), RoundRunnerError> {
        let PriceAttempt { instants, response } = attempt;
        if let SourceResponse::Venues(collected) = &response {
            self.venue_outages
                .observe(now - UnixMillis::EPOCH, collected);
        }
        let is_last = |instant| SettlementSchedule::is_last(instant, now, &self.rules);
        match response.decide(&instants, is_last, &self.rules) {
            Ok(DecidedPrices {
                decided,
                trouble,
                waiting,
            }) => {
                for gap in decided.iter().filter(|decided| decided.price.is_none()) {
                    self.gap_log.note(gap.instant);
                }
                self.price_trouble.log(waiting.as_deref(), now);
                self.source_trouble = trouble;
                for decided in &decided {
                    let check = self.venue_monitor.cross_check(decided, &self.rules);
                    self.cross_check = check.or(self.cross_check);
                }
                let differs = self.cross_check.filter(CrossCheck::differs);
                let differs = differs.map(|check| check.to_string());
                self.cross_check_trouble.log(differs.as_deref(), now);
                self.schedule.note_attempt(&instants, now);
                self.runner.record_prices(now, decided).await
            }
            Err(offline) => {
                self.schedule.note_offline(now);
                let trouble = format!("{offline}; trying again every minute");
                self.price_trouble.log(Some(&trouble), now);
                self.source_trouble = Some(trouble);
                Ok(())
            }
        }
    }

    /// The rounds, their state and their journal.
    pub const fn runner(&self) -> &RoundRunner<S, C, M> {
        &self.runner
    }

    /// The price source, for people.
    pub fn source_text(&self) -> String {
        self.source.to_string()
    }

    /// What the service is doing at `now`.
    pub fn status(&self, now: UnixMillis) -> ValidatorStatus {
        let market = LiveMarketStatus {
            live_price: self.venue_monitor.live_price(now, &self.rules),
            cross_check: self.cross_check,
            venues: self.venue_monitor.venues(),
        };
        let clock_trouble = self.clock_guard.doubt().map(|doubt| doubt.to_string());
        let price_trouble = self.source_trouble.clone();
        ValidatorStatus {
            weights: self.weights.clone(),
            chain: self.chain_trouble.current(),
            waiting: what_rounds_wait_for(self.runner.state(), now),
            trouble: clock_trouble.or(price_trouble),
            ..ValidatorStatus::new(self.runner.state(), market, now)
        }
    }

    /// Ends the attempt under way, and closes every connection.
    pub async fn stop(&mut self) -> Result<(), JoinError> {
        self.attempt.shutdown().await;
        self.venue_monitor.stop().await
    }

    /// Rounds, then weights. An error of the chain is logged when it changes, and tried again at the next turn.
    async fn run_rounds_and_weights(&mut self, now: UnixMillis) -> Result<(), RoundRunnerError> {
        let begun = Instant::now();
        self.runner
            .set_chain_deadline(ChainDeadline::after(ROUND_CHAIN_TIMEOUT));
        let worked = match self.runner.run_due_actions(now).await {
            Ok(()) => self.set_weights(now, begun).await,
            Err(error) => Err(error),
        };
        let stale = self.runner.stale_metagraph();
        let trouble = ChainTrouble::of_turn(worked.as_ref().err(), stale);
        let is_chain_trouble = trouble.is_some();
        self.chain_trouble.log(trouble, now);
        match worked {
            Ok(status) => {
                self.watching_blocks = status.is_urgent();
                let text = status.to_string();
                let is_trouble = match status {
                    WeightsStatus::Refused { .. } | WeightsStatus::NothingToSet => true,
                    WeightsStatus::DueAt(_) | WeightsStatus::Sent { .. } => false,
                };
                let trouble = is_trouble.then_some(text.as_str());
                self.weights_trouble.log(trouble, now);
                if !is_trouble && self.weights.as_ref() != Some(&text) {
                    tracing::info!("weights: {text}");
                }
                self.weights = Some(text);
                Ok(())
            }
            Err(_) if is_chain_trouble => {
                self.watching_blocks = true;
                Ok(())
            }
            Err(error @ (RoundRunnerError::Chain(_) | RoundRunnerError::NotRegistered(_))) => {
                self.watching_blocks = true;
                let text = format!("{:#}", anyhow::Error::from(error));
                let trouble = format!("{text}; tried again every block");
                self.weights_trouble.log(Some(&trouble), now);
                self.weights = Some(text);
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// Weights can wait, rounds can't: the chain is given no more time than there is until a round's next action.
    /// It was `now` when the turn had `begun`.
    async fn set_weights(
        &mut self,
        now: UnixMillis,
        begun: Instant,
    ) -> Result<WeightsStatus, RoundRunnerError> {
        let next = self.runner.state().next_action_time(now);
        let left = next.map_or(WEIGHTS_CHAIN_TIMEOUT, |next| {
            let until_next = (next - now).get().try_into().unwrap_or(0);
            Duration::from_millis(until_next).saturating_sub(begun.elapsed())
        });
        let chain_deadline =
            ChainDeadline::after(left.clamp(MIN_WEIGHTS_CHAIN_TIMEOUT, WEIGHTS_CHAIN_TIMEOUT));
        self.runner.set_chain_deadline(chain_deadline);
        let block = chain_deadline.wait(self.chain.block()).await?;
        let rules = chain_deadline.wait(self.chain.hyperparameters()).await?;
        let interval = u64::from(rules.tempo.get()).max(rules.weights_rate_limit);
        self.runner.set_weights(now, block, interval).await
    }
}
