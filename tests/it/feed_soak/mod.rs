//! Thirty simulated days of a feed whose venues misbehave at random, up to half of them at a time.
//!
//! Everything between the venues' messages and the settled price is the product's: connections, parsers, settlement. Sockets
//! and clocks are not: frames and answers are handed over in memory, at simulated times. Venues trade around one price
//! series and agree within 0.4 bps when they are honest, so that what the honest ones alone would settle is a price within a
//! basis point.

mod market_candles;
mod simulated_venue;
mod times;
mod venue_faults;

use std::collections::{BTreeMap, BTreeSet};

use foretell_core::rules::{MinuteRules, RulesVersion};
use foretell_core::settle::attempts::next_attempt;
use foretell_core::settle::{
    GapReason, MinuteDecision, MinuteInputs, QuoteCurrency, UsdtMarketCloses, VenueExclusion,
    VenueObservation, settle_minute,
};
use foretell_core::time::UnixMillis;
use foretell_feed::connection::ConnectionInput;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use self::simulated_venue::SimulatedVenue;
use self::times::{MINUTE, START};
use self::venue_faults::VenueFault;

const DAYS: i64 = 30;
/// Minutes without trouble, so that there is a past to judge by.
const WARM_UP_MIN: i64 = 60;

/// The venues, what they quote in, and what they traded the day before.
const VENUES: [(&str, QuoteCurrency, f64); 8] = [
    ("binance", QuoteCurrency::Usdt, 20_000.0),
    ("bitfinex", QuoteCurrency::Usd, 1_500.0),
    ("bitstamp", QuoteCurrency::Usd, 2_500.0),
    ("bybit", QuoteCurrency::Usdt, 9_000.0),
    ("coinbase_exchange", QuoteCurrency::Usd, 11_000.0),
    ("gemini", QuoteCurrency::Usd, 900.0),
    ("kraken", QuoteCurrency::Usd, 4_000.0),
    ("okx", QuoteCurrency::Usdt, 8_000.0),
];
/// Those where USDT is traded for dollars.
const USDT_USD_VENUES: [&str; 3] = ["bitstamp", "coinbase_exchange", "kraken"];
/// Dollars for a USDT.
const USDT_USD_RATE: f64 = 0.9996;
/// A venue that behaves again is live within this many minutes: the longest wait after a refusal, and a little.
const MAX_RECONNECT_MIN: i64 = 25;
/// And its candles count again within this many: three minutes near the others, and a little.
const MAX_REENTRY_MIN: i64 = 8;

#[derive(Debug, Default)]
struct SoakCounts {
    minutes: u64,
    settled_at_once: u64,
    settled_late: u64,
    gaps: BTreeMap<String, u64>,
    scale_in_doubt: u64,
    too_many_wrong: u64,
    settled_wrong: u64,
    honest_quorum: u64,
    worst_bps: f64,
    worst_off_truth_bps: f64,
    fault_periods: BTreeMap<VenueFault, u64>,
    exclusions: BTreeMap<String, u64>,
    recoveries: u64,
    slowest_reconnect_min: i64,
    slowest_reentry_min: i64,
}

/// A minute that has no price yet.
#[derive(Debug)]
struct UnsettledMinute {
    tried: Option<UnixMillis>,
    truth: f64,
    why: Option<GapReason>,
}

/// Everything that decides minute `m`, as an attempt at `now` would get it.
fn inputs(
    venues: &[SimulatedVenue],
    m: i64,
    now: i64,
    rules: &MinuteRules,
    chance: &mut StdRng,
) -> MinuteInputs {
    let minute = UnixMillis::literal(m);
    let mut inputs = MinuteInputs {
        minute,
        venues: Vec::new(),
        usdt_usd: Vec::new(),
    };
    for venue in venues {
        let name = venue.venue.name();
        let candles = venue.candles_at(true, m, now, chance);
        let observation =
            VenueObservation::new(name, venue.quote, venue.day_volume, &candles, minute, rules);
        inputs.venues.push(observation);
        if USDT_USD_VENUES.contains(&name) {
            let candles = venue.candles_at(false, m, now, chance);
            let closes = UsdtMarketCloses::new(name, &candles, minute, rules);
            inputs.usdt_usd.push(closes);
        }
    }
    inputs
}

/// The same, of these venues alone.
fn restricted_to(inputs: &MinuteInputs, names: &BTreeSet<&str>) -> MinuteInputs {
    let mut restricted = inputs.clone();
    restricted
        .venues
        .retain(|observation| names.contains(observation.venue.as_str()));
    restricted
        .usdt_usd
        .retain(|market| names.contains(market.market.as_str()));
    restricted
}

#[test]
fn thirty_days_of_venue_faults_settle_as_the_honest_venues_alone_would() {
    let rules = RulesVersion::V1.rules().minute;
    let mut chance = StdRng::seed_from_u64(30);
    let mut counts = SoakCounts::default();
    let mut venues: Vec<SimulatedVenue> = VENUES
        .iter()
        .zip(1..)
        .map(|((name, quote, volume), seed)| SimulatedVenue::new(name, *quote, *volume, seed))
        .collect();
    let mut truth = 60_000.0_f64;
    let mut waiting: BTreeMap<i64, UnsettledMinute> = BTreeMap::new();
    for number in 0..DAYS * 24 * 60 {
        let start = START + number * MINUTE;
        truth *= 1.0 + 0.0006 * (chance.random::<f64>() - 0.5);
        change_fault_periods(&mut venues, number, &mut chance, &mut counts);
        for venue in &mut venues {
            simulate_minute(venue, start, truth, &mut chance);
        }
        // The minute before is due two minutes after its start, when this one, which is over, shows that it is final.
        let previous = waiting.keys().next_back().copied();
        waiting.insert(
            start,
            UnsettledMinute {
                tried: None,
                truth,
                why: None,
            },
        );
        counts.minutes += 1;
        let excluded_by_own_fault = settle_due(
            &venues,
            start,
            &mut waiting,
            &rules,
            &mut chance,
            &mut counts,
        );
        if let Some(previous) = previous {
            check_recoveries(
                &mut venues,
                previous,
                start,
                &excluded_by_own_fault,
                &mut counts,
            );
        }
    }
    for minute in waiting.into_values() {
        counts.gap(minute.why.as_ref());
    }
    print_counts(&counts, &venues);
    let gaps: u64 = counts.gaps.values().sum();
    assert_eq!(
        counts.settled_at_once + counts.settled_late + gaps,
        counts.minutes
    );
    assert!(counts.settled_at_once * 10 > counts.minutes * 6);
    assert!(gaps > 0 && counts.settled_late > 0, "nothing went wrong");
    assert_eq!(counts.fault_periods.len(), venue_faults::ALL.len());
}

/// Ends fault periods that are over and begins others.
fn change_fault_periods(
    venues: &mut [SimulatedVenue],
    number: i64,
    chance: &mut StdRng,
    counts: &mut SoakCounts,
) {
    let start = START + number * MINUTE;
    for venue in venues.iter_mut() {
        venue.end_fault_if_over(number, start);
    }
    if number < WARM_UP_MIN {
        return;
    }
    // A venue that was wrong and didn't put it right is wrong about minutes that still matter.
    let healthy: Vec<bool> = venues
        .iter()
        .map(|venue| venue.is_honest_about(start))
        .collect();
    for (venue, fault_period) in venue_faults::start_some(&healthy, number, chance) {
        venues[venue].start_fault(fault_period, start);
        *counts.fault_periods.entry(fault_period.fault).or_default() += 1;
    }
}

/// A venue trades and streams through the minute that begins at `start`, then is polled.
fn simulate_minute(venue: &mut SimulatedVenue, start: i64, truth: f64, chance: &mut StdRng) {
    let price = truth * (1.0 + 0.00004 * (chance.random::<f64>() - 0.5));
    let quoted = match venue.quote {
        QuoteCurrency::Usd => price,
        QuoteCurrency::Usdt => price / USDT_USD_RATE,
    };
    let trades_usdt = USDT_USD_VENUES.contains(&venue.venue.name());
    venue.trade(start, quoted, trades_usdt.then_some(USDT_USD_RATE));
    if start == START {
        venue.input(start, ConnectionInput::Tick);
    }
    for second in [20, 50] {
        let now = start + second * 1000;
        venue.tick(now - 30_000, now);
        venue.stream(now, quoted);
    }
    venue.poll(start, chance);
}

/// Tries every minute whose time has come by the end of minute `now`, and compares with what the honest venues alone
/// would settle. Gives the venues whose candle of the newest one doesn't count by a fault of their own, though it may be right.
fn settle_due(
    venues: &[SimulatedVenue],
    now: i64,
    waiting: &mut BTreeMap<i64, UnsettledMinute>,
    rules: &MinuteRules,
    chance: &mut StdRng,
    counts: &mut SoakCounts,
) -> BTreeSet<String> {
    let mut excluded_by_own_fault = BTreeSet::new();
    let mut over = Vec::new();
    let clock = UnixMillis::literal(now + MINUTE);
    for (m, minute) in waiting.iter_mut() {
        let attempt = next_attempt(UnixMillis::literal(*m), minute.tried, rules);
        let Some(attempt) = attempt else {
            counts.gap(minute.why.as_ref());
            over.push(*m);
            continue;
        };
        if attempt > clock {
            continue;
        }
        let is_first = minute.tried.replace(clock).is_none();
        let inputs = inputs(venues, *m, now, rules, chance);
        let MinuteDecision { price, excluded } = settle_minute(&inputs, rules);
        if is_first {
            for why in excluded.values() {
                let text = why.to_string();
                let kind = text.split(" % ").last().unwrap_or_default();
                *counts.exclusions.entry(kind.to_owned()).or_default() += 1;
            }
        }
        let settled = match price {
            Ok(settled) => settled,
            Err(why) => {
                let in_doubt = matches!(why, GapReason::ScaleInDoubt { .. });
                counts.scale_in_doubt += u64::from(in_doubt);
                minute.why = Some(why);
                continue;
            }
        };
        over.push(*m);
        let price = settled.price.get();
        if is_first {
            counts.settled_at_once += 1;
            let own_fault = |why: &VenueExclusion| {
                matches!(
                    why,
                    VenueExclusion::NoCandle
                        | VenueExclusion::NotFinal
                        | VenueExclusion::OnProbation
                )
            };
            let out = excluded.into_iter().filter(|(_, why)| own_fault(why));
            excluded_by_own_fault = out.map(|(venue, _)| venue).collect();
        } else {
            counts.settled_late += 1;
        }
        let honest = venues.iter().filter(|venue| venue.is_honest_about(*m));
        let honest: BTreeSet<&str> = honest.map(|venue| venue.venue.name()).collect();
        // Some that were wrong then and others that are wrong now may be too many together.
        if 2 * honest.len() < venues.len() {
            counts.too_many_wrong += 1;
            counts.settled_wrong += u64::from(bps_apart(price, minute.truth) > 1.0);
            continue;
        }
        let off_truth = bps_apart(price, minute.truth);
        counts.worst_off_truth_bps = counts.worst_off_truth_bps.max(off_truth);
        assert!(
            off_truth <= 1.0,
            "{m}: {price} is {off_truth} bps off the truth, honest: {honest:?}"
        );
        if honest.len() == venues.len() {
            counts.honest_quorum += 1;
        } else if let Ok(honest_only) = settle_minute(&restricted_to(&inputs, &honest), rules).price
        {
            counts.honest_quorum += 1;
            let apart = bps_apart(price, honest_only.price.get());
            counts.worst_bps = counts.worst_bps.max(apart);
            assert!(
                apart <= 1.0,
                "{m}: {price} instead of {}",
                honest_only.price
            );
        }
    }
    waiting.retain(|m, _| !over.contains(m));
    excluded_by_own_fault
}

fn bps_apart(a: f64, b: f64) -> f64 {
    1e4 * (a / b - 1.0).abs()
}

/// Venues that behave again are live again, and count again in the price of minute `m`, by themselves and in time.
fn check_recoveries(
    venues: &mut [SimulatedVenue],
    m: i64,
    now: i64,
    excluded_by_own_fault: &BTreeSet<String>,
    counts: &mut SoakCounts,
) {
    let healthy =
        |venue: &&mut SimulatedVenue| venue.fault_period.is_none() && venue.healthy_since > 0;
    for venue in venues.iter_mut().filter(healthy) {
        let name = venue.venue.name();
        let healthy_for = (now - venue.healthy_since) / MINUTE;
        counts.recoveries += u64::from(healthy_for == 0);
        if !venue.is_live() {
            counts.slowest_reconnect_min = counts.slowest_reconnect_min.max(healthy_for);
            assert!(
                healthy_for <= MAX_RECONNECT_MIN,
                "{name} is not live {healthy_for} min after its trouble"
            );
        }
        if !venue.is_honest_about(m) || !excluded_by_own_fault.contains(name) {
            venue.awaits_reentry = false;
        }
        if venue.awaits_reentry {
            counts.slowest_reentry_min = counts.slowest_reentry_min.max(healthy_for);
            assert!(
                healthy_for <= MAX_REENTRY_MIN,
                "{name} does not count {healthy_for} min after its trouble"
            );
        }
    }
}

impl SoakCounts {
    fn gap(&mut self, why: Option<&GapReason>) {
        let why = match why {
            Some(GapReason::TooFewVenues { .. }) => "too few venues",
            Some(GapReason::TooFewUsdVenues { .. }) => "too few USD venues",
            Some(GapReason::TooLittleWeight { .. }) => "too little weight",
            Some(GapReason::ScaleInDoubt { .. }) => "scale in doubt",
            None => "not tried yet at the end",
        };
        *self.gaps.entry(why.to_owned()).or_default() += 1;
    }
}

fn print_counts(counts: &SoakCounts, venues: &[SimulatedVenue]) {
    eprintln!(
        "{} minutes: {} settled at once, {} later; gaps: {:?}; {} prices refused because their scale was in doubt",
        counts.minutes,
        counts.settled_at_once,
        counts.settled_late,
        counts.gaps,
        counts.scale_in_doubt
    );
    eprintln!(
        "{} settled when more than half of the venues were wrong about them, some then and others now: {} of these are off \
         the truth",
        counts.too_many_wrong, counts.settled_wrong
    );
    eprintln!(
        "{} times the honest venues alone had a quorum: never more than {:.3} bps from their price; never more than {:.3} \
         bps from the truth",
        counts.honest_quorum, counts.worst_bps, counts.worst_off_truth_bps
    );
    eprintln!("faults: {:?}", counts.fault_periods);
    eprintln!("excluded at the first attempt: {:#?}", counts.exclusions);
    for venue in venues {
        eprintln!("{:<18} {:?}", venue.venue.name(), venue.socket_counts);
    }
    eprintln!(
        "{} recoveries; live again after {} min at most, counted in the price again after {} min at most",
        counts.recoveries, counts.slowest_reconnect_min, counts.slowest_reentry_min
    );
}
