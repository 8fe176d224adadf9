//! One venue, its side and the feed's: what it would send, what it does send while something is wrong, and what was received.

use std::collections::{BTreeMap, BTreeSet};

use foretell_core::settle::{QuoteCurrency, VenueCandles};
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::connection::{
    ConnectionAction, ConnectionEvent, ConnectionInput, DisconnectReason, SocketId, Timeouts,
    VenueConnection,
};
use foretell_feed::event::VenueEvent;
use foretell_feed::retry_after::RetryAfter;
use foretell_feed::stream::FeedEvent;
use foretell_feed::venue::{self, Pair, Venue, VenueLimits};
use foretell_testkit::{CandleTexts, ExchangeProtocol};
use rand::RngExt;
use rand::rngs::StdRng;

use super::market_candles::{MarketCandles, multiply_prices};
use super::times::{MINUTE, START};
use super::venue_faults::{FaultPeriod, VenueFault};

/// Minutes before the newest that are asked for again, when nothing was missed: each is received twice.
const REPEATED_MINUTES: i64 = 1;
/// Minutes before a minute that its price may depend on, and after it that show that it is final.
const SETTLEMENT_WINDOW_MIN: (i64, i64) = (41, 61);

/// A venue and the feed's view of it.
pub struct SimulatedVenue {
    pub venue: &'static dyn Venue,
    pub quote: QuoteCurrency,
    pub day_volume: f64,
    pub fault_period: Option<FaultPeriod>,
    pub price: MarketCandles,
    /// USDT in dollars; empty where that isn't traded.
    pub usdt: MarketCandles,
    /// Minutes whose candles are wrong and stay so.
    uncorrected_minutes: BTreeSet<i64>,
    protocol: ExchangeProtocol,
    connection: VenueConnection,
    /// Open sockets, and whether they are subscribed.
    sockets: BTreeMap<u64, bool>,
    /// First minute of its last fault period, and of health after it.
    faulty_since: i64,
    pub healthy_since: i64,
    /// Whether its candles haven't counted since.
    pub awaits_reentry: bool,
    pub socket_counts: SocketCounts,
}

/// What came over its sockets.
#[derive(Debug, Default, Clone, Copy)]
pub struct SocketCounts {
    pub trades: u64,
    pub duplicates: u64,
    pub sockets: u64,
    pub losses: u64,
}

impl SimulatedVenue {
    pub fn new(name: &str, quote: QuoteCurrency, day_volume: f64, seed: u64) -> Self {
        let venue = venue::by_name(name).unwrap();
        let symbol = venue.symbol(&Pair::new("BTC", &venue.default_quote().to_string()));
        // A venue's trades come every 30 s here, and not every venue has heartbeats.
        let limits = VenueLimits {
            byte_timeout: Millis::seconds(90),
            message_timeout: Millis::seconds(90),
            ..venue.limits()
        };
        let protocol = ExchangeProtocol::new(venue, std::slice::from_ref(&symbol));
        Self {
            venue,
            quote,
            day_volume,
            fault_period: None,
            price: MarketCandles::default(),
            usdt: MarketCandles::default(),
            uncorrected_minutes: BTreeSet::new(),
            protocol,
            connection: VenueConnection::new(
                venue,
                limits,
                Timeouts::default(),
                vec![symbol],
                seed,
            ),
            sockets: BTreeMap::new(),
            faulty_since: 0,
            healthy_since: 0,
            awaits_reentry: false,
            socket_counts: SocketCounts::default(),
        }
    }

    fn fault(&self) -> Option<VenueFault> {
        self.fault_period.map(|fault_period| fault_period.fault)
    }

    /// Whether its candles of minute `m`, and of those before that matter to it, are right.
    pub fn is_honest_about(&self, m: i64) -> bool {
        let window = m - SETTLEMENT_WINDOW_MIN.0 * MINUTE..=m + MINUTE;
        self.fault_period.is_none() && self.uncorrected_minutes.range(window).next().is_none()
    }

    pub fn is_live(&self) -> bool {
        self.connection.is_live()
    }

    /// A fault period begins with minute `start`.
    pub fn start_fault(&mut self, fault_period: FaultPeriod, start: i64) {
        self.fault_period = Some(fault_period);
        self.faulty_since = start;
        if fault_period.fault.disconnects() {
            for id in std::mem::take(&mut self.sockets).into_keys() {
                self.input(
                    start,
                    ConnectionInput::Closed(SocketId(id), DisconnectReason::Broken("cut".into())),
                );
            }
        }
    }

    /// Its fault period, if it is over by minute `number`, ends before minute `start`.
    pub fn end_fault_if_over(&mut self, number: i64, start: i64) {
        let Some(fault_period) = self
            .fault_period
            .filter(|fault_period| fault_period.until <= number)
        else {
            return;
        };
        self.fault_period = None;
        self.healthy_since = start;
        self.awaits_reentry = true;
        if fault_period.fault.price_factor() != 1.0 && !fault_period.corrected {
            for market in [&mut self.price, &mut self.usdt] {
                let minutes = market.candles.range_mut(self.faulty_since..start);
                minutes.for_each(|(_, minute)| {
                    multiply_prices(minute, fault_period.fault.price_factor());
                });
            }
            let minutes = (self.faulty_since..start).step_by(MINUTE as usize);
            self.uncorrected_minutes.extend(minutes);
        }
    }

    /// The venue trades through minute `start` at this price, and USDT at this rate where that is traded.
    pub fn trade(&mut self, start: i64, price: f64, rate: Option<f64>) {
        self.price.add_minute(start, Some(price), 2);
        self.usdt.add_minute(start, rate, 5);
    }

    /// The newest candles are asked for at the end of minute `start`; after an outage, all that were missed, too.
    pub fn poll(&mut self, start: i64, chance: &mut StdRng) {
        let recovered = start - self.healthy_since < 3 * MINUTE && self.healthy_since > 0;
        let missed = match recovered {
            true => (start - self.faulty_since) / MINUTE,
            false => 0,
        };
        let from = start - (REPEATED_MINUTES + missed) * MINUTE;
        for is_price in [true, false] {
            let Some(body) = self.answer(is_price, from, start, chance) else {
                continue;
            };
            // What can't be read is nothing.
            let candles = self
                .venue
                .parse_candles(body.as_bytes())
                .unwrap_or_default();
            let received = candles.iter().map(|c| (c.bar.open_time.get(), c.bar));
            let market = match is_price {
                true => &mut self.price,
                false => &mut self.usdt,
            };
            market.received.extend(received);
        }
    }

    /// What the venue answers at the end of minute `now` about the candles from `from` to `to`, both included.
    fn answer(&self, is_price: bool, from: i64, to: i64, chance: &mut StdRng) -> Option<String> {
        let market = match is_price {
            true => &self.price,
            false => &self.usdt,
        };
        let fault = self.fault();
        let to = match fault {
            Some(fault) if fault.is_stale() => to.min(self.faulty_since - MINUTE),
            _ => to,
        };
        let later = match fault {
            Some(VenueFault::OldTimestamps) => 60 * MINUTE,
            _ => 0,
        };
        if market.candles.is_empty() || from > to {
            return None;
        }
        let range = market.candles.range(from + later..=to + later);
        let mut minutes: Vec<CandleTexts> = range.map(|(_, minute)| minute.clone()).collect();
        match fault {
            Some(VenueFault::CutShort) => {
                let body = self.protocol.candles(&minutes);
                return Some(body[..body.len() / 2].to_owned());
            }
            Some(fault) if fault.is_unresponsive() => return None,
            Some(VenueFault::Duplicate) => {
                minutes = minutes
                    .iter()
                    .flat_map(|m| [m.clone(), m.clone()])
                    .collect();
            }
            Some(VenueFault::Reorder) if !minutes.is_empty() => {
                let by = chance.random_range(0..minutes.len());
                minutes.rotate_left(by);
            }
            Some(VenueFault::OldTimestamps) => minutes.iter_mut().for_each(|m| m.0 -= later),
            Some(fault @ (VenueFault::TooHigh | VenueFault::TooLow)) => {
                minutes
                    .iter_mut()
                    .for_each(|m| multiply_prices(m, fault.price_factor()));
            }
            _ => {}
        }
        Some(self.protocol.candles(&minutes))
    }

    /// The candles of one of its markets, as an attempt at `now` (the start of the forming minute) to settle minute `m` would
    /// get them. An honest venue is not asked again each time for what was received before: it would send the same.
    pub fn candles_at(
        &self,
        is_price: bool,
        m: i64,
        now: i64,
        chance: &mut StdRng,
    ) -> VenueCandles {
        let market = match is_price {
            true => &self.price,
            false => &self.usdt,
        };
        let (from, to) = (
            m - SETTLEMENT_WINDOW_MIN.0 * MINUTE,
            (m + SETTLEMENT_WINDOW_MIN.1 * MINUTE).min(now),
        );
        match self.fault() {
            Some(fault) if fault.is_unresponsive() => VenueCandles::default(),
            Some(fault) if fault.is_false() => {
                let body = self.answer(is_price, from, to, chance);
                let read = body.map(|body| self.venue.parse_candles(body.as_bytes()).unwrap());
                read.unwrap_or_default().iter().map(|c| c.bar).collect()
            }
            _ => market
                .received
                .range(from..=to)
                .map(|(_, bar)| *bar)
                .collect(),
        }
    }

    /// Hands an input to the connection, and answers what it asks for.
    pub fn input(&mut self, now: i64, input: ConnectionInput<'_>) {
        let counts = &mut self.socket_counts;
        let mut on_event = |event: ConnectionEvent<'_>| match event {
            ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Trade(_))) => counts.trades += 1,
            ConnectionEvent::Feed(FeedEvent::Duplicate(_)) => counts.duplicates += 1,
            ConnectionEvent::Disconnected(..) => counts.losses += 1,
            _ => {}
        };
        let actions = self
            .connection
            .handle(Millis::literal(now - START), input, &mut on_event);
        for action in actions {
            self.perform(now, action);
        }
    }

    fn perform(&mut self, now: i64, action: ConnectionAction) {
        let is_silent = matches!(self.fault(), Some(VenueFault::Stall | VenueFault::CutShort));
        match action {
            ConnectionAction::Open(id) => {
                self.socket_counts.sockets += 1;
                let refused = |status, seconds: Option<&str>| DisconnectReason::HttpStatus {
                    status,
                    retry_after: RetryAfter::from_headers(seconds.map(str::as_bytes), None),
                };
                let loss = match self.fault() {
                    Some(VenueFault::HalfOpen) => return,
                    Some(VenueFault::Disconnected) => DisconnectReason::Broken("refused".into()),
                    Some(VenueFault::TooManyRequests) => refused(429, Some("120")),
                    Some(VenueFault::RegionBlocked) => refused(451, None),
                    _ => {
                        self.sockets.insert(id.0, false);
                        return self.input(now, ConnectionInput::Opened(id));
                    }
                };
                self.input(now, ConnectionInput::Closed(id, loss));
            }
            ConnectionAction::Send(id, text) => {
                if is_silent || !self.sockets.contains_key(&id.0) {
                    return;
                }
                if let Some(pong) = self.protocol.pong(&text) {
                    self.deliver(now, id, &pong);
                } else if self.fault() != Some(VenueFault::IgnoredSubscription) {
                    self.sockets.insert(id.0, true);
                    for answer in self.protocol.acknowledgement(&text) {
                        self.deliver(now, id, &answer);
                    }
                }
            }
            ConnectionAction::Ping(id) => {
                if !is_silent && self.sockets.contains_key(&id.0) {
                    self.input(now, ConnectionInput::Control(id));
                }
            }
            ConnectionAction::Close(id) => {
                self.sockets.remove(&id.0);
            }
        }
    }

    fn deliver(&mut self, now: i64, id: SocketId, text: &str) {
        self.input(
            now,
            ConnectionInput::Text(id, text, UnixMillis::literal(now)),
        );
    }

    /// The clocks of the connection run from `from` to `until`.
    pub fn tick(&mut self, from: i64, until: i64) {
        let mut now = from;
        loop {
            let next = self
                .connection
                .next_tick(Millis::literal(now - START))
                .get()
                + START;
            if next > until {
                return;
            }
            now = next.max(now + 1);
            self.input(now, ConnectionInput::Tick);
        }
    }

    /// A trade happens at `time`; the venue streams it as far as it does.
    pub fn stream(&mut self, time: i64, price: f64) {
        let price = price * self.fault().map_or(1.0, VenueFault::price_factor);
        let price = &format!("{price:.2}");
        let id = 1 + time.div_euclid(10_000) as u64;
        let subscribed = self.sockets.iter().filter(|(_, subscribed)| **subscribed);
        let subscribed: Vec<SocketId> = subscribed.map(|(id, _)| SocketId(*id)).collect();
        for socket in subscribed {
            let protocol = &mut self.protocol;
            let frames = match self.fault_period.map(|fault_period| fault_period.fault) {
                Some(VenueFault::Stall | VenueFault::Disconnected | VenueFault::HalfOpen) => {
                    Vec::new()
                }
                Some(VenueFault::HeartbeatOnly) => protocol.heartbeat(time).into_iter().collect(),
                Some(VenueFault::OldTimestamps) => protocol.trade(id, price, time - 60 * MINUTE),
                Some(VenueFault::Duplicate) => [
                    protocol.trade(id, price, time),
                    protocol.trade(id, price, time),
                ]
                .concat(),
                Some(VenueFault::Reorder) => [
                    protocol.trade(id + 1, price, time),
                    protocol.trade(id, price, time),
                ]
                .concat(),
                Some(VenueFault::RestartNotice)
                    if time.rem_euclid(10 * MINUTE) == 10_000 && has_notice(self.venue) =>
                {
                    vec![protocol.restart_notice()]
                }
                Some(VenueFault::CutShort) => {
                    self.input(time, ConnectionInput::Bytes(socket));
                    Vec::new()
                }
                _ => protocol.trade(id, price, time),
            };
            for frame in frames {
                self.deliver(time, socket, &frame);
            }
        }
    }
}

fn has_notice(venue: &dyn Venue) -> bool {
    ["binance", "bitfinex", "bitstamp", "okx"].contains(&venue.name())
}
