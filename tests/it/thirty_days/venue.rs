//! One venue, its side and the feed's: what it would say, what it does say while something is wrong, what was heard of it.

use std::collections::{BTreeMap, BTreeSet};

use foretell_core::bar::Bar;
use foretell_core::settle::{Quote, Tape};
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::connection::{Action, Connection, Input, Loss, Note, Patience, SocketId};
use foretell_feed::event::Event;
use foretell_feed::stream::Heard;
use foretell_feed::venue::{self, Pair, Terms, Venue};
use rand::RngExt;
use rand::rngs::StdRng;

use super::misbehaviour::{Spell, Wrong};
use super::{MINUTE, START};
use crate::exchange::{Minute, Voice};

/// Candles of its two markets are kept for so many minutes: longer than any attempt looks back.
const KEPT: usize = 26 * 60;
/// Minutes before the newest that are asked for again, when nothing was missed: each is told twice.
const NEWEST: i64 = 1;
/// Minutes before a minute that its price may depend on, and after it that show that it is final.
const REACH: (i64, i64) = (41, 61);

/// A market of a venue.
#[derive(Default)]
pub struct Market {
    /// The venue's own candles.
    truth: BTreeMap<i64, Minute>,
    /// What it said of them last, as it was read.
    heard: BTreeMap<i64, Bar>,
}

/// A venue and the feed's view of it.
pub struct SimulatedVenue {
    pub venue: &'static dyn Venue,
    pub quote: Quote,
    pub day_volume: f64,
    pub spell: Option<Spell>,
    pub price: Market,
    /// USDT in dollars; empty where that isn't traded.
    pub tether: Market,
    /// Minutes whose candles are wrong and stay so.
    wrong_for_good: BTreeSet<i64>,
    voice: Voice,
    connection: Connection,
    /// Open sockets, and whether they are subscribed.
    sockets: BTreeMap<u64, bool>,
    /// First minute of its last spell, and of health after it.
    ill_since: i64,
    pub well_since: i64,
    /// Whether its candles haven't counted since.
    pub is_unheard: bool,
    pub heard: Tally,
}

/// What came over its sockets.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub trades: u64,
    pub again: u64,
    pub sockets: u64,
    pub losses: u64,
}

impl SimulatedVenue {
    pub fn new(name: &str, quote: Quote, day_volume: f64, seed: u64) -> Self {
        let venue = venue::by_name(name).unwrap();
        let symbol = venue.symbol(&Pair::new("BTC", &venue.quote().to_string()));
        // A venue's trades come every 30 s here, and not every venue has heartbeats.
        let terms = Terms {
            silence: Millis::seconds(90),
            heartbeat: Millis::seconds(90),
            ..venue.terms()
        };
        let voice = Voice::new(venue, std::slice::from_ref(&symbol));
        Self {
            venue,
            quote,
            day_volume,
            spell: None,
            price: Market::default(),
            tether: Market::default(),
            wrong_for_good: BTreeSet::new(),
            voice,
            connection: Connection::new(venue, terms, Patience::default(), vec![symbol], seed),
            sockets: BTreeMap::new(),
            ill_since: 0,
            well_since: 0,
            is_unheard: false,
            heard: Tally::default(),
        }
    }

    fn wrong(&self) -> Option<Wrong> {
        self.spell.map(|spell| spell.wrong)
    }

    /// Whether everything that it says of minute `m` and of those before that matter to it is right.
    pub fn is_honest_about(&self, m: i64) -> bool {
        let reach = m - REACH.0 * MINUTE..=m + MINUTE;
        self.spell.is_none() && self.wrong_for_good.range(reach).next().is_none()
    }

    pub fn is_live(&self) -> bool {
        self.connection.is_live()
    }

    /// A spell begins with minute `start`.
    pub fn begin(&mut self, spell: Spell, start: i64) {
        self.spell = Some(spell);
        self.ill_since = start;
        if spell.wrong.cuts() {
            for id in std::mem::take(&mut self.sockets).into_keys() {
                self.input(start, Input::Gone(SocketId(id), Loss::Broken("cut".into())));
            }
        }
    }

    /// Its spell, if it is over by minute `number`, ends before minute `start`.
    pub fn end_if_over(&mut self, number: i64, start: i64) {
        let Some(spell) = self.spell.filter(|spell| spell.until <= number) else {
            return;
        };
        self.spell = None;
        self.well_since = start;
        self.is_unheard = true;
        if spell.wrong.scale() != 1.0 && !spell.corrected {
            for market in [&mut self.price, &mut self.tether] {
                let wrong = market.truth.range_mut(self.ill_since..start);
                wrong.for_each(|(_, minute)| scale(minute, spell.wrong.scale()));
            }
            let minutes = (self.ill_since..start).step_by(MINUTE as usize);
            self.wrong_for_good.extend(minutes);
        }
    }

    /// A minute goes by: the candles that the venue makes of it.
    pub fn trade(&mut self, start: i64, price: f64, rate: Option<f64>) {
        let markets = [
            (&mut self.price, Some(price), 2),
            (&mut self.tether, rate, 5),
        ];
        for (market, price, digits) in markets {
            let candle = price.map(|price| (start, candle(start, price, digits)));
            market.truth.extend(candle);
            if market.truth.len() > KEPT {
                market.truth.pop_first();
            }
            if market.heard.len() > KEPT {
                market.heard.pop_first();
            }
        }
    }

    /// The newest candles are asked for at the end of minute `start`; after an outage, all that were missed, too.
    pub fn poll(&mut self, start: i64, chance: &mut StdRng) {
        let recovered = start - self.well_since < 3 * MINUTE && self.well_since > 0;
        let missed = match recovered {
            true => (start - self.ill_since) / MINUTE,
            false => 0,
        };
        let from = start - (NEWEST + missed) * MINUTE;
        for is_price in [true, false] {
            let Some(body) = self.answer(is_price, from, start, chance) else {
                continue;
            };
            // What can't be read is nothing.
            let candles = self
                .venue
                .parse_candles(body.as_bytes())
                .unwrap_or_default();
            let heard = candles.iter().map(|c| (c.bar.open_time.0, c.bar));
            let market = match is_price {
                true => &mut self.price,
                false => &mut self.tether,
            };
            market.heard.extend(heard);
        }
    }

    /// What the venue answers at the end of minute `now` about the candles from `from` to `to`, both included.
    fn answer(&self, is_price: bool, from: i64, to: i64, chance: &mut StdRng) -> Option<String> {
        let market = match is_price {
            true => &self.price,
            false => &self.tether,
        };
        let wrong = self.wrong();
        let to = match wrong {
            Some(wrong) if wrong.is_frozen() => to.min(self.ill_since - MINUTE),
            _ => to,
        };
        let later = match wrong {
            Some(Wrong::OldTimestamps) => 60 * MINUTE,
            _ => 0,
        };
        if market.truth.is_empty() || from > to {
            return None;
        }
        let range = market.truth.range(from + later..=to + later);
        let mut minutes: Vec<Minute> = range.map(|(_, minute)| minute.clone()).collect();
        match wrong {
            Some(Wrong::SlowDrip) => {
                let body = self.voice.candles(&minutes);
                return Some(body[..body.len() / 2].to_owned());
            }
            Some(wrong) if wrong.is_dumb() => return None,
            Some(Wrong::Duplicate) => {
                minutes = minutes
                    .iter()
                    .flat_map(|m| [m.clone(), m.clone()])
                    .collect();
            }
            Some(Wrong::Reorder) if !minutes.is_empty() => {
                let by = chance.random_range(0..minutes.len());
                minutes.rotate_left(by);
            }
            Some(Wrong::OldTimestamps) => minutes.iter_mut().for_each(|m| m.0 -= later),
            Some(wrong @ (Wrong::TooHigh | Wrong::TooLow)) => {
                minutes.iter_mut().for_each(|m| scale(m, wrong.scale()));
            }
            _ => {}
        }
        Some(self.voice.candles(&minutes))
    }

    /// What one of its markets is known to have said, as an attempt at `now` (the start of the forming minute) to settle
    /// minute `m` would hear it. Who tells the truth is not asked for all of it again each time: it would say the same.
    pub fn tape(&self, is_price: bool, m: i64, now: i64, chance: &mut StdRng) -> Tape {
        let market = match is_price {
            true => &self.price,
            false => &self.tether,
        };
        let (from, to) = (m - REACH.0 * MINUTE, (m + REACH.1 * MINUTE).min(now));
        match self.wrong() {
            Some(wrong) if wrong.is_dumb() => Tape::default(),
            Some(wrong) if wrong.is_lying() => {
                let body = self.answer(is_price, from, to, chance);
                let read = body.map(|body| self.venue.parse_candles(body.as_bytes()).unwrap());
                read.unwrap_or_default().iter().map(|c| c.bar).collect()
            }
            _ => market.heard.range(from..=to).map(|(_, bar)| *bar).collect(),
        }
    }

    /// Hands an input to the connection, and answers what it asks for.
    pub fn input(&mut self, now: i64, input: Input<'_>) {
        let heard = &mut self.heard;
        let mut note = |note: Note<'_>| match note {
            Note::Heard(Heard::Event(Event::Trade(_))) => heard.trades += 1,
            Note::Heard(Heard::Duplicate(_)) => heard.again += 1,
            Note::Lost(..) => heard.losses += 1,
            _ => {}
        };
        let actions = self
            .connection
            .handle(Millis(now - START), input, &mut note);
        for action in actions {
            self.act(now, action);
        }
    }

    fn act(&mut self, now: i64, action: Action) {
        let is_silent = matches!(self.wrong(), Some(Wrong::Stall | Wrong::SlowDrip));
        match action {
            Action::Open(id) => {
                self.heard.sockets += 1;
                let refused = |status, seconds: Option<i64>| Loss::Status {
                    status,
                    retry_after: seconds.map(Millis::seconds),
                };
                let loss = match self.wrong() {
                    Some(Wrong::HalfOpen) => return,
                    Some(Wrong::Cut) => Loss::Broken("refused".into()),
                    Some(Wrong::TooManyRequests) => refused(429, Some(120)),
                    Some(Wrong::Region) => refused(451, None),
                    _ => {
                        self.sockets.insert(id.0, false);
                        return self.input(now, Input::Opened(id));
                    }
                };
                self.input(now, Input::Gone(id, loss));
            }
            Action::Send(id, text) => {
                if is_silent || !self.sockets.contains_key(&id.0) {
                    return;
                }
                if let Some(pong) = self.voice.pong(&text) {
                    self.say(now, id, &pong);
                } else if self.wrong() != Some(Wrong::IgnoredSubscription) {
                    self.sockets.insert(id.0, true);
                    for answer in self.voice.acknowledge(&text) {
                        self.say(now, id, &answer);
                    }
                }
            }
            Action::Ping(id) => {
                if !is_silent && self.sockets.contains_key(&id.0) {
                    self.input(now, Input::Control(id));
                }
            }
            Action::Close(id) => {
                self.sockets.remove(&id.0);
            }
        }
    }

    fn say(&mut self, now: i64, id: SocketId, text: &str) {
        self.input(now, Input::Text(id, text, UnixMillis(now)));
    }

    /// The clocks of the connection run from `from` to `until`.
    pub fn tick(&mut self, from: i64, until: i64) {
        let mut now = from;
        loop {
            let next = self.connection.next_tick(Millis(now - START)).0 + START;
            if next > until {
                return;
            }
            now = next.max(now + 1);
            self.input(now, Input::Tick);
        }
    }

    /// A trade happens at `time`; the venue streams it as far as it does.
    pub fn stream(&mut self, time: i64, price: f64) {
        let price = price * self.wrong().map_or(1.0, Wrong::scale);
        let price = &format!("{price:.2}");
        let id = 1 + time.div_euclid(10_000) as u64;
        let subscribed = self.sockets.iter().filter(|(_, subscribed)| **subscribed);
        let subscribed: Vec<SocketId> = subscribed.map(|(id, _)| SocketId(*id)).collect();
        for socket in subscribed {
            let voice = &mut self.voice;
            let frames = match self.spell.map(|spell| spell.wrong) {
                Some(Wrong::Stall | Wrong::Cut | Wrong::HalfOpen) => Vec::new(),
                Some(Wrong::HeartbeatOnly) => voice.heartbeat(time).into_iter().collect(),
                Some(Wrong::OldTimestamps) => voice.trade(id, price, time - 60 * MINUTE),
                Some(Wrong::Duplicate) => {
                    [voice.trade(id, price, time), voice.trade(id, price, time)].concat()
                }
                Some(Wrong::Reorder) => [
                    voice.trade(id + 1, price, time),
                    voice.trade(id, price, time),
                ]
                .concat(),
                Some(Wrong::RestartNotice)
                    if time.rem_euclid(10 * MINUTE) == 10_000 && has_notice(self.venue) =>
                {
                    vec![voice.notice()]
                }
                Some(Wrong::SlowDrip) => {
                    self.input(time, Input::Bytes(socket));
                    Vec::new()
                }
                _ => voice.trade(id, price, time),
            };
            for frame in frames {
                self.say(time, socket, &frame);
            }
        }
    }
}

fn has_notice(venue: &dyn Venue) -> bool {
    ["binance", "bitfinex", "bitstamp", "okx"].contains(&venue.name())
}

fn scale(minute: &mut Minute, by: f64) {
    for price in &mut minute.1[..4] {
        *price = format!("{:.7}", price.parse::<f64>().unwrap() * by);
    }
}

/// The candle of a minute at this price.
fn candle(start: i64, price: f64, digits: usize) -> Minute {
    let tick = 10_f64.powi(-(digits as i32));
    let prices = [price, price + tick, price - tick, price];
    let [open, high, low, close] = prices.map(|value| format!("{value:.digits$}"));
    (start, [open, high, low, close, "3.5".to_owned()])
}
