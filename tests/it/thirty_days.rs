//! Thirty simulated days of a feed whose venues misbehave at random, up to half of them at a time.
//!
//! Everything between the venues' words and the settled price is the real thing: connections, parsers, settlement. Sockets
//! and clocks are not: frames and answers are handed over in memory, at simulated times.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foretell_core::bar::Bar;
use foretell_core::rules::{MinuteRules, RulesVersion};
use foretell_core::settle::attempts::next_attempt;
use foretell_core::settle::{MarketCloses, MinuteInputs, Quote, Tape, Witness, settle_minute};
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::connection::{Action, Connection, Input, Loss, Patience, SocketId};
use foretell_feed::venue::{self, Pair, Terms, Venue};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::exchange::{Minute, Voice};

const MINUTE: i64 = 60_000;
const DAYS: i64 = 30;
const START: i64 = 1_767_225_600_000;
/// Candles in one answer.
const ANSWER: usize = 4;
/// Minutes of candles that the feed keeps.
const KEPT: usize = 48;

/// The venues, what they quote in, and what they traded the day before.
const VENUES: [(&str, Quote, f64); 8] = [
    ("binance", Quote::Usdt, 20_000.0),
    ("bitfinex", Quote::Usd, 1_500.0),
    ("bitstamp", Quote::Usd, 2_500.0),
    ("bybit", Quote::Usdt, 9_000.0),
    ("coinbase_exchange", Quote::Usd, 11_000.0),
    ("gemini", Quote::Usd, 900.0),
    ("kraken", Quote::Usd, 4_000.0),
    ("okx", Quote::Usdt, 8_000.0),
];
/// Those where USDT is traded for dollars.
const TETHER: [&str; 3] = ["bitstamp", "coinbase_exchange", "kraken"];
/// Dollars for a USDT.
const RATE: f64 = 0.9996;

/// What a venue does wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    /// Neither streams nor answers; connections are cut and refused.
    Cut,
    /// Connections stay open and silent; answers are old ones.
    Stall,
    /// Heartbeats, and neither trades nor new candles.
    HeartbeatOnly,
    /// Every trade and every row twice.
    Duplicate,
    /// Trades and rows in any order.
    Reorder,
    /// Prices a hundred times too high.
    TooHigh,
    /// Prices a hundred times too low.
    TooLow,
    /// Trades and candles of an hour ago.
    OldTimestamps,
    /// Connections that never open; no answers.
    HalfOpen,
    /// 429 with a wait.
    TooManyRequests,
    /// 451.
    Region,
    /// Subscriptions are never acknowledged; candles are fine.
    IgnoredSubscription,
    /// Restart notices, over and over; candles are fine.
    RestartNotice,
    /// Answers that are cut short, and frames that are.
    SlowDrip,
}

const WRONGS: [Wrong; 14] = [
    Wrong::Cut,
    Wrong::Stall,
    Wrong::HeartbeatOnly,
    Wrong::Duplicate,
    Wrong::Reorder,
    Wrong::TooHigh,
    Wrong::TooLow,
    Wrong::OldTimestamps,
    Wrong::HalfOpen,
    Wrong::TooManyRequests,
    Wrong::Region,
    Wrong::IgnoredSubscription,
    Wrong::RestartNotice,
    Wrong::SlowDrip,
];

/// A venue and the feed's view of it.
struct Sim {
    venue: &'static dyn Venue,
    quote: Quote,
    volume: f64,
    voice: Voice,
    connection: Connection,
    /// Open sockets, and whether they are subscribed.
    sockets: BTreeMap<u64, bool>,
    spell: Option<(Wrong, i64)>,
    /// Minutes since the last spell ended.
    healthy: i64,
    /// Whether it hasn't been live since.
    recovering: bool,
    /// What the venue would answer: its own candles.
    truth: VecDeque<Minute>,
    tether: VecDeque<Minute>,
    /// What the feed knows.
    known: BTreeMap<i64, Bar>,
    known_tether: BTreeMap<i64, Bar>,
    trades: u64,
}

#[derive(Debug, Default)]
struct Counts {
    minutes: u64,
    settled_at_once: u64,
    settled_late: u64,
    gaps: u64,
    honest_quorum: u64,
    worst_bps: f64,
    spells: BTreeMap<Wrong, u64>,
    exclusions: BTreeMap<String, u64>,
    sockets: u64,
    losses: u64,
    trades: u64,
    recoveries: u64,
    slowest_recovery_min: i64,
}

impl Sim {
    fn new(name: &str, quote: Quote, volume: f64, seed: u64) -> Self {
        let venue = venue::by_name(name).unwrap();
        let symbol = venue.symbol(&Pair::new("BTC", &venue.quote().to_string()));
        let terms = Terms {
            silence: Millis::seconds(90),
            heartbeat: Millis::seconds(90),
            ..venue.terms()
        };
        let symbols = vec![symbol.clone()];
        Self {
            venue,
            quote,
            volume,
            voice: Voice::new(venue, &symbol),
            connection: Connection::new(venue, terms, Patience::default(), symbols, seed),
            sockets: BTreeMap::new(),
            spell: None,
            healthy: i64::MAX / 2,
            recovering: false,
            truth: VecDeque::new(),
            tether: VecDeque::new(),
            known: BTreeMap::new(),
            known_tether: BTreeMap::new(),
            trades: 0,
        }
    }

    fn wrong(&self) -> Option<Wrong> {
        self.spell.map(|(wrong, _)| wrong)
    }

    /// Hands an input to the connection, and answers what it asks for.
    fn input(&mut self, now: i64, input: Input<'_>, counts: &mut Counts) {
        let mut heard = 0;
        let mut lost = 0;
        let actions = self
            .connection
            .handle(Millis(now - START), input, &mut |note| match note {
                foretell_feed::connection::Note::Heard(foretell_feed::stream::Heard::Event(
                    foretell_feed::event::Event::Trade(_),
                )) => heard += 1,
                foretell_feed::connection::Note::Lost(..) => lost += 1,
                _ => {}
            });
        self.trades += heard;
        counts.trades += heard;
        counts.losses += lost;
        for action in actions {
            self.act(now, action, counts);
        }
    }

    fn act(&mut self, now: i64, action: Action, counts: &mut Counts) {
        match action {
            Action::Open(id) => {
                counts.sockets += 1;
                let refused = |status, seconds: Option<i64>| Loss::Status {
                    status,
                    retry_after: seconds.map(Millis::seconds),
                };
                match self.wrong() {
                    Some(Wrong::HalfOpen) => {}
                    Some(Wrong::Cut) => {
                        self.input(now, Input::Gone(id, Loss::Broken("refused".into())), counts);
                    }
                    Some(Wrong::TooManyRequests) => {
                        self.input(now, Input::Gone(id, refused(429, Some(120))), counts);
                    }
                    Some(Wrong::Region) => {
                        self.input(now, Input::Gone(id, refused(451, None)), counts);
                    }
                    _ => {
                        self.sockets.insert(id.0, false);
                        self.input(now, Input::Opened(id), counts);
                    }
                }
            }
            Action::Send(id, text) => {
                let silent = matches!(self.wrong(), Some(Wrong::Stall | Wrong::SlowDrip));
                if silent || !self.sockets.contains_key(&id.0) {
                    return;
                }
                if let Some(pong) = self.voice.pong(&text) {
                    self.text(now, id, &pong, counts);
                } else if self.wrong() != Some(Wrong::IgnoredSubscription) {
                    self.sockets.insert(id.0, true);
                    for answer in self.voice.acknowledge(&text) {
                        self.text(now, id, &answer, counts);
                    }
                }
            }
            Action::Ping(id) => {
                let silent = matches!(self.wrong(), Some(Wrong::Stall | Wrong::SlowDrip));
                if !silent && self.sockets.contains_key(&id.0) {
                    self.input(now, Input::Control(id), counts);
                }
            }
            Action::Close(id) => {
                self.sockets.remove(&id.0);
            }
        }
    }

    fn text(&mut self, now: i64, id: SocketId, text: &str, counts: &mut Counts) {
        self.input(now, Input::Text(id, text, UnixMillis(now)), counts);
    }

    /// The clocks of the connection run up to `until`.
    fn tick(&mut self, from: i64, until: i64, counts: &mut Counts) {
        let mut now = from;
        loop {
            let next = self.connection.next_tick(Millis(now - START)).0 + START;
            if next > until {
                return;
            }
            now = next.max(now + 1);
            self.input(now, Input::Tick, counts);
        }
    }

    /// Streams a trade at `time`, as far as the venue does.
    fn stream(&mut self, time: i64, price: &str, counts: &mut Counts) {
        let subscribed: Vec<u64> = self
            .sockets
            .iter()
            .filter(|(_, subscribed)| **subscribed)
            .map(|(id, _)| *id)
            .collect();
        let id = 1 + time.div_euclid(10_000) as u64;
        for socket in subscribed {
            let socket = SocketId(socket);
            let frames = match self.wrong() {
                Some(Wrong::Stall | Wrong::Cut | Wrong::HalfOpen) => Vec::new(),
                Some(Wrong::HeartbeatOnly) => self.voice.heartbeat(time).into_iter().collect(),
                Some(Wrong::OldTimestamps) => self.voice.trade(id, price, time - 60 * MINUTE),
                Some(Wrong::Duplicate) => {
                    let mut frames = self.voice.trade(id, price, time);
                    frames.extend(self.voice.trade(id, price, time));
                    frames
                }
                Some(Wrong::Reorder) => {
                    let mut frames = self.voice.trade(id + 1, price, time);
                    frames.extend(self.voice.trade(id, price, time));
                    frames
                }
                Some(Wrong::RestartNotice) if time.rem_euclid(10 * MINUTE) == 10_000 => {
                    // Where the protocol has such a notice.
                    match self.venue.name() {
                        "binance" | "bitfinex" | "bitstamp" | "okx" => vec![self.voice.notice()],
                        _ => Vec::new(),
                    }
                }
                Some(Wrong::SlowDrip) => {
                    self.input(time, Input::Bytes(socket), counts);
                    Vec::new()
                }
                _ => self.voice.trade(id, price, time),
            };
            for frame in frames {
                self.text(time, socket, &frame, counts);
            }
        }
    }

    /// The venue's answer to a request for its newest candles; `None` if there is none.
    fn answer(
        &self,
        truth: &VecDeque<Minute>,
        chance: &mut StdRng,
        wanted: usize,
    ) -> Option<String> {
        let newest = |n: usize| truth.iter().skip(truth.len().saturating_sub(n)).cloned();
        let mut minutes: Vec<Minute> = newest(wanted).collect();
        match self.wrong() {
            Some(Wrong::Cut | Wrong::HalfOpen | Wrong::TooManyRequests | Wrong::Region) => {
                return None;
            }
            Some(Wrong::Stall | Wrong::HeartbeatOnly) => {
                // What was there long ago.
                minutes = truth.iter().take(2).cloned().collect();
            }
            Some(Wrong::Duplicate) => {
                minutes = minutes
                    .iter()
                    .flat_map(|m| [m.clone(), m.clone()])
                    .collect();
            }
            Some(Wrong::Reorder) => {
                let i = chance.random_range(0..minutes.len().max(1));
                minutes.rotate_left(i);
            }
            Some(Wrong::TooHigh) => minutes.iter_mut().for_each(|m| scale(m, 100.0)),
            Some(Wrong::TooLow) => minutes.iter_mut().for_each(|m| scale(m, 0.01)),
            Some(Wrong::OldTimestamps) => minutes.iter_mut().for_each(|m| m.0 -= 60 * MINUTE),
            Some(Wrong::SlowDrip) => {
                let body = self.voice.candles(&minutes);
                return Some(body[..body.len() / 2].to_owned());
            }
            _ => {}
        }
        Some(self.voice.candles(&minutes))
    }

    /// Asks for candles and keeps what is said.
    fn poll(&mut self, chance: &mut StdRng, wanted: usize) {
        let answers = [
            self.answer(&self.truth, chance, wanted),
            self.answer(&self.tether, chance, wanted),
        ];
        let known = [&mut self.known, &mut self.known_tether];
        for (answer, known) in answers.into_iter().zip(known) {
            let Some(body) = answer else { continue };
            let Ok(candles) = self.venue.parse_candles(body.as_bytes()) else {
                continue;
            };
            for candle in candles {
                known.insert(candle.bar.open_time.0, candle.bar);
            }
            while known.len() > KEPT {
                known.pop_first();
            }
        }
    }

    fn tape(known: &BTreeMap<i64, Bar>) -> Tape {
        known.values().copied().collect()
    }
}

fn scale(minute: &mut Minute, by: f64) {
    for price in &mut minute.1[..4] {
        *price = format!("{:.4}", price.parse::<f64>().unwrap() * by);
    }
}

/// The candle of a minute at this price.
fn candle(start: i64, price: f64, digits: usize) -> Minute {
    let text = |value: f64| format!("{value:.digits$}");
    let tick = 10_f64.powi(-(digits as i32));
    let prices = [price, price + tick, price - tick, price].map(text);
    let [open, high, low, close] = prices;
    (start, [open, high, low, close, "3.5".to_owned()])
}

/// Everything that decides minute `m`, as these venues say it.
fn inputs(
    sims: &[Sim],
    m: i64,
    rules: &MinuteRules,
    venues: impl Fn(&Sim) -> bool,
) -> MinuteInputs {
    let m = UnixMillis(m);
    let witness = |sim: &Sim| {
        Witness::of(
            sim.venue.name(),
            sim.quote,
            sim.volume,
            &Sim::tape(&sim.known),
            m,
            rules,
        )
    };
    let market =
        |sim: &Sim| MarketCloses::of(sim.venue.name(), &Sim::tape(&sim.known_tether), m, rules);
    let tether = |sim: &&Sim| TETHER.contains(&sim.venue.name());
    MinuteInputs {
        minute: m,
        venues: sims.iter().filter(|sim| venues(sim)).map(witness).collect(),
        usdt_usd: sims
            .iter()
            .filter(|sim| venues(sim))
            .filter(tether)
            .map(market)
            .collect(),
    }
}

#[test]
fn thirty_days_of_misbehaviour_settle_as_the_honest_venues_alone_would() {
    let rules = RulesVersion::V1.rules().minute;
    let mut chance = StdRng::seed_from_u64(30);
    let mut counts = Counts::default();
    let mut sims: Vec<Sim> = VENUES
        .iter()
        .zip(1..)
        .map(|((name, quote, volume), seed)| Sim::new(name, *quote, *volume, seed))
        .collect();
    let mut truth = 60_000.0_f64;
    // Minutes that have no price yet, and when they were tried last.
    let mut waiting: BTreeMap<i64, Option<UnixMillis>> = BTreeMap::new();
    for i in 0..DAYS * 24 * 60 {
        let start = START + i * MINUTE;
        truth *= 1.0 + 0.0006 * (chance.random::<f64>() - 0.5);
        spells(&mut sims, &mut chance, &mut counts, i);
        for sim in &mut sims {
            // Honest venues agree within 0.4 bps.
            let price = truth * (1.0 + 0.00004 * (chance.random::<f64>() - 0.5));
            let quoted = match sim.quote {
                Quote::Usd => price,
                Quote::Usdt => price / RATE,
            };
            sim.truth.push_back(candle(start, quoted, 2));
            sim.tether.push_back(candle(start, RATE, 5));
            for candles in [&mut sim.truth, &mut sim.tether] {
                while candles.len() > KEPT {
                    candles.pop_front();
                }
            }
            if i == 0 {
                sim.input(start, Input::Tick, &mut counts);
            }
            let text = format!("{quoted:.2}");
            for second in [10, 30, 50] {
                let now = start + second * 1000;
                sim.tick(now - 20_000, now, &mut counts);
                sim.stream(now, &text, &mut counts);
            }
        }
        // At the end of minute i, minute i − 1 is due: two minutes after its start, with minute i forming.
        let now = start + MINUTE;
        for sim in &mut sims {
            // After an outage, what was missed is asked for again.
            let wanted = if sim.healthy < 3 { KEPT } else { ANSWER };
            sim.poll(&mut chance, wanted);
        }
        if i == 0 {
            continue;
        }
        waiting.insert(start - MINUTE, None);
        counts.minutes += 1;
        settle_due(&sims, now, &mut waiting, &rules, &mut counts);
        for sim in &mut sims {
            recovery(sim, &mut counts);
        }
    }
    counts.gaps += waiting.len() as u64;
    report(&counts);
    assert!(counts.settled_at_once + counts.settled_late + counts.gaps == counts.minutes);
    assert!(
        counts.settled_at_once * 10 > counts.minutes * 7,
        "half of the venues are always honest"
    );
    assert!(
        counts.gaps > 0 || counts.settled_late > 0,
        "nothing went wrong: this tests nothing"
    );
    assert!(
        WRONGS.iter().all(|wrong| counts.spells.contains_key(wrong)),
        "{:?}",
        counts.spells
    );
}

/// Begins and ends spells of misbehaviour: at most half of the venues at a time.
fn spells(sims: &mut [Sim], chance: &mut StdRng, counts: &mut Counts, minute: i64) {
    for sim in sims.iter_mut() {
        match &mut sim.spell {
            Some((_, left)) if *left > 0 => *left -= 1,
            Some(_) => {
                sim.spell = None;
                sim.healthy = 0;
                sim.recovering = true;
            }
            None => sim.healthy = sim.healthy.saturating_add(1),
        }
    }
    let wrong = sims.iter().filter(|sim| sim.spell.is_some()).count();
    // The first hour is quiet, so that there is a past to judge by.
    if minute < 60 || wrong >= sims.len() / 2 || chance.random::<f64>() > 0.06 {
        return;
    }
    let i = chance.random_range(0..sims.len());
    let sim = &mut sims[i];
    if sim.spell.is_some() {
        return;
    }
    let kind = WRONGS[chance.random_range(0..WRONGS.len())];
    sim.spell = Some((kind, chance.random_range(1..=90)));
    *counts.spells.entry(kind).or_default() += 1;
    if matches!(kind, Wrong::Cut) {
        let open: Vec<u64> = std::mem::take(&mut sim.sockets).into_keys().collect();
        for id in open {
            let loss = Loss::Broken("cut".into());
            sim.input(
                START + minute * MINUTE,
                Input::Gone(SocketId(id), loss),
                counts,
            );
        }
    }
}

/// Tries every minute whose time has come, and compares with what the honest venues alone would settle.
fn settle_due(
    sims: &[Sim],
    now: i64,
    waiting: &mut BTreeMap<i64, Option<UnixMillis>>,
    rules: &MinuteRules,
    counts: &mut Counts,
) {
    let mut over = BTreeSet::new();
    for (m, tried) in waiting.iter_mut() {
        // The feed keeps some minutes only; the rest of a day's attempts find nothing new here.
        if now - *m > (KEPT as i64 - 2) * MINUTE {
            counts.gaps += 1;
            over.insert(*m);
            continue;
        }
        match next_attempt(UnixMillis(*m), *tried, rules) {
            Some(attempt) if attempt.0 <= now => {}
            _ => continue,
        }
        let first = tried.is_none();
        *tried = Some(UnixMillis(now));
        let verdict = settle_minute(&inputs(sims, *m, rules, |_| true), rules);
        for why in verdict.excluded.values() {
            let text = why.to_string();
            let kind = text.split(" % ").last().unwrap_or_default().to_owned();
            *counts.exclusions.entry(kind).or_default() += 1;
        }
        let Ok(settled) = verdict.price else { continue };
        over.insert(*m);
        if first {
            counts.settled_at_once += 1;
        } else {
            counts.settled_late += 1;
        }
        // Honest: nothing wrong now, nor in any minute that the rules look back to.
        let honest = |sim: &Sim| sim.spell.is_none() && sim.healthy > rules.lookback as i64 + 12;
        if let Ok(alone) = settle_minute(&inputs(sims, *m, rules, honest), rules).price {
            counts.honest_quorum += 1;
            let apart = 1e4 * (settled.price.get() / alone.price.get() - 1.0).abs();
            counts.worst_bps = counts.worst_bps.max(apart);
            assert!(
                apart <= 1.0,
                "minute {m}: {} instead of {}, {apart:.2} bps off",
                settled.price,
                alone.price
            );
        } else {
            let closes = sims
                .iter()
                .filter(|sim| sim.quote == Quote::Usd)
                .filter_map(|sim| {
                    let minute = sim.truth.iter().find(|(start, _)| start == m)?;
                    minute.1[3].parse::<f64>().ok()
                });
            let apart = closes
                .map(|close| 1e4 * (settled.price.get() / close - 1.0).abs())
                .fold(f64::MAX, f64::min);
            assert!(
                apart <= 1.0,
                "minute {m}: {}, {apart:.2} bps off the truth",
                settled.price
            );
        }
    }
    waiting.retain(|m, _| !over.contains(m));
}

/// A venue that behaves again is live again by itself: within the longest wait after a refusal, and a little.
fn recovery(sim: &mut Sim, counts: &mut Counts) {
    if sim.spell.is_some() || !sim.recovering {
        return;
    }
    let name = sim.venue.name();
    let waited = sim.healthy;
    if sim.connection.is_live() {
        sim.recovering = false;
        counts.recoveries += 1;
        counts.slowest_recovery_min = counts.slowest_recovery_min.max(waited);
    }
    assert!(
        waited < 25,
        "{name} is not live {waited} min after its trouble"
    );
}

fn report(counts: &Counts) {
    eprintln!(
        "{} minutes: {} settled at once, {} later, {} gaps; {} times the honest venues alone had a quorum, and the \
         settled price was within {:.3} bps of theirs",
        counts.minutes,
        counts.settled_at_once,
        counts.settled_late,
        counts.gaps,
        counts.honest_quorum,
        counts.worst_bps
    );
    eprintln!("spells: {:?}", counts.spells);
    eprintln!("exclusions: {:#?}", counts.exclusions);
    eprintln!(
        "{} trades heard over {} sockets, {} of which were lost; {} recoveries, the slowest after {} min",
        counts.trades,
        counts.sockets,
        counts.losses,
        counts.recoveries,
        counts.slowest_recovery_min
    );
}
