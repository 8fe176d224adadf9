//! Settles a pair minute by minute beside the recording of its trades, and sends every response that it used to be recorded.

use std::time::{Duration, Instant};

use anyhow::Result;
use foretell_cli::clock::system_now;
use foretell_core::rules::RulesVersion;
use foretell_core::settle::{MINUTE, SettledPrices};
use foretell_core::time::Millis;
use foretell_feed::collector::{CandleCollector, CollectedCandles, VenueOutages};
use foretell_feed::config::SettlementMarkets;
use foretell_feed::lossy_sender::Delivery;
use foretell_feed::outage::Outage;
use foretell_feed::recording::{MarketName, SettlementAttempt, settle_attempt};
use foretell_feed::rest::{RecordedResponses, RestClient};
use foretell_service::run::settlement_schedule::{DueInstants, SettlementSchedule};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::writer::RecordingItem;

/// Deadline of one request to a venue.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Minutes before the start are settled too, so that it shows at once whether the venues answer.
const SETTLED_BEFORE_START: Millis = Millis::minutes(10);
/// Settled minutes are kept for this long; none older is due again.
const KEPT_SPAN: Millis = Millis::hours(25);

/// The settlement of one pair.
pub struct PairSettler {
    attempt: SettlementAttempt,
    collector: CandleCollector,
    responses: RecordedResponses,
    prices: SettledPrices,
    schedule: SettlementSchedule,
    start: Instant,
    venue_outages: VenueOutages,
    all_outage: Outage,
}

impl PairSettler {
    /// A settler of this pair on these markets, from now on.
    pub fn new(pair: String, markets: SettlementMarkets, rules: RulesVersion) -> Result<Self> {
        let responses = RecordedResponses::default();
        let rest = RestClient::new(REQUEST_TIMEOUT)?.recording_to(&responses);
        let session = system_now();
        let venues = markets.venues.iter();
        let attempt = SettlementAttempt {
            pair,
            rules,
            session,
            venues: venues
                .map(|(market, quote)| (MarketName::from_market(market), *quote))
                .collect(),
            usdt_usd: markets
                .usdt_usd
                .iter()
                .map(MarketName::from_market)
                .collect(),
            minutes: Vec::new(),
            now: session,
        };
        let minute = session.floor(MINUTE);
        Ok(Self {
            attempt,
            collector: CandleCollector::new(
                rest,
                rules.rules().minute,
                markets.venues,
                markets.usdt_usd,
            ),
            responses,
            prices: SettledPrices::new(minute - SETTLED_BEFORE_START, MINUTE),
            schedule: SettlementSchedule::default(),
            start: Instant::now(),
            venue_outages: VenueOutages::default(),
            all_outage: Outage::default(),
        })
    }

    /// Makes every attempt when it is due, until `stop` is cancelled or `out` is closed.
    pub async fn run(
        mut self,
        out: &mpsc::Sender<Delivery<RecordingItem>>,
        stop: &CancellationToken,
    ) {
        let rules = self.attempt.rules.rules().minute;
        loop {
            let now = system_now();
            self.prices.prune_before(now - KEPT_SPAN);
            let DueInstants { instants, next } = self.schedule.due(&self.prices, now, &rules);
            let attempted = async {
                match (instants.first(), instants.last()) {
                    (Some(first), Some(last)) => {
                        let (first, last) = (*first - MINUTE, *last - MINUTE);
                        Some(self.collector.collect(first, last, now).await)
                    }
                    _ => {
                        let wait = (next - now).get().max(1).unsigned_abs();
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
            let responses = self.responses.take();
            self.log_outages(&collected);
            if !collected.reached_any_venue() {
                self.schedule.note_offline(now);
                continue;
            }
            self.attempt.minutes = instants.iter().map(|instant| *instant - MINUTE).collect();
            self.attempt.now = now;
            let settled = settle_attempt(&self.attempt, &collected);
            for minute in &settled {
                self.prices.insert(minute.time_ms + MINUTE, minute.settled);
            }
            self.schedule.note_attempt(&instants, now);
            let attempt = self.attempt.clone();
            let item = RecordingItem::Attempt {
                attempt,
                responses,
                settled,
            };
            if out.send(Delivery::Item(item)).await.is_err() {
                return;
            }
        }
    }

    /// Logs which venues have no candles any more, and which have some again.
    fn log_outages(&mut self, collected: &CollectedCandles) {
        let now = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = Millis::saturating(now);
        self.venue_outages.observe(now, collected);
        let notice = if collected.reached_any_venue() {
            self.all_outage.works(now)
        } else {
            let why = "none can be reached: check the network";
            self.all_outage.failed(now, why)
        };
        if let Some(notice) = notice {
            notice.log("all, over REST");
        }
    }
}
