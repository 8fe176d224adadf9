//! Settles a pair minute by minute beside the recording of its trades, and hands over every answer that this took.

use std::time::Duration;

use anyhow::Result;
use foretell_core::rules::RulesVersion;
use foretell_core::settle::{MINUTE, SettledPrices};
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::collector::Collector;
use foretell_feed::config::Settling;
use foretell_feed::outbox::Delivery;
use foretell_feed::recording::{Attempt, MarketName, settled};
use foretell_feed::rest::{Answers, RestClient};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::writing::Item;
use crate::clock::system_now;
use crate::run::agenda::{Agenda, Due};

/// Deadline of one request.
const DEADLINE: Duration = Duration::from_secs(10);
/// The minutes before the beginning that are settled, too: so it shows at once whether it works.
const BEFORE: Millis = Millis::minutes(10);
/// Nobody asks for what is older.
const KEPT: Millis = Millis::hours(25);

/// Settles one pair.
pub struct Settler {
    attempt: Attempt,
    collector: Collector,
    answers: Answers,
    prices: SettledPrices,
    agenda: Agenda,
    silences: Vec<String>,
}

impl Settler {
    /// A settler of this pair on these markets, from now on.
    pub fn new(pair: String, markets: Settling, rules: RulesVersion) -> Result<Self> {
        let answers = Answers::default();
        let rest = RestClient::new(DEADLINE)?.keeping(&answers);
        let session = system_now();
        let venues = markets.venues.iter();
        let attempt = Attempt {
            pair,
            rules,
            session,
            venues: venues
                .map(|(market, quote)| (MarketName::of(market), *quote))
                .collect(),
            usdt_usd: markets.usdt_usd.iter().map(MarketName::of).collect(),
            minutes: Vec::new(),
            now: session,
        };
        let minute = UnixMillis(session.0 - session.0.rem_euclid(MINUTE.0));
        Ok(Self {
            attempt,
            collector: Collector::new(rest, rules.rules().minute, markets.venues, markets.usdt_usd),
            answers,
            prices: SettledPrices::new(minute - BEFORE, MINUTE),
            agenda: Agenda::default(),
            silences: Vec::new(),
        })
    }

    /// Makes every attempt when it is due, until it is told to stop or nobody listens.
    pub async fn run(mut self, out: &mpsc::Sender<Delivery<Item>>, stop: &CancellationToken) {
        let rules = self.attempt.rules.rules().minute;
        loop {
            let now = system_now();
            self.prices.forget_before(now - KEPT);
            let Due { instants, next } = self.agenda.due(&self.prices, now, &rules);
            let attempted = async {
                match (instants.first(), instants.last()) {
                    (Some(first), Some(last)) => {
                        let (first, last) = (*first - MINUTE, *last - MINUTE);
                        Some(self.collector.collect(first, last, now).await)
                    }
                    _ => {
                        let wait = (next - now).0.max(1).unsigned_abs();
                        tokio::time::sleep(Duration::from_millis(wait)).await;
                        None
                    }
                }
            };
            let attempted = tokio::select! {
                () = stop.cancelled() => return,
                attempted = attempted => attempted,
            };
            let Some(collected) = attempted else { continue };
            let answers = self.answers.take();
            self.tell(collected.silences());
            if !collected.reached_anybody() {
                self.agenda.was_offline(now);
                continue;
            }
            self.attempt.minutes = instants.iter().map(|instant| *instant - MINUTE).collect();
            self.attempt.now = now;
            let settled = settled(&self.attempt, &collected);
            for minute in &settled {
                self.prices.take(minute.time_ms + MINUTE, minute.settled);
            }
            self.agenda.tried(&instants, now);
            let attempt = self.attempt.clone();
            let item = Item::Attempt {
                attempt,
                answers,
                settled,
            };
            if out.send(Delivery::Item(item)).await.is_err() {
                return;
            }
        }
    }

    /// Tells who says nothing, whenever that changes.
    fn tell(&mut self, silences: Vec<String>) {
        if silences != self.silences && !silences.is_empty() {
            tracing::warn!(pair = self.attempt.pair, "{}", silences.join("; "));
        }
        self.silences = silences;
    }
}
