//! Prices of record in the journal: taken in once, waited for, forgotten when no round needs them.

use super::*;
use crate::price::Price;
use crate::settle::PriceProvenance;

/// A state whose journal decides prices from an hour before the first round on.
fn live_state() -> SeriesState {
    let mut genesis = genesis(1000);
    genesis.prices = PriceOrigin::Venues {
        since: MONDAY - Millis::hours(1),
    };
    SeriesState::new(genesis)
}

fn priced(instant: UnixMillis, price: Option<f64>) -> Record {
    Record::Priced {
        instant,
        price: price.and_then(|price| Price::new(price).ok()),
        provenance: PriceProvenance::Source,
    }
}

fn price_minutes(state: &mut SeriesState, minutes: std::ops::RangeInclusive<i64>) {
    for minute in minutes {
        let record = priced(
            MONDAY + MINUTE.times(minute),
            Some((minute * minute) as f64),
        );
        state.apply(&record).unwrap();
    }
}

#[test]
fn a_round_settles_once_all_its_prices_are_decided() {
    let mut state = live_state();
    open(&mut state, 0);
    price_minutes(&mut state, -59..=4);
    assert_eq!(state.settlement(MONDAY), None);
    price_minutes(&mut state, 5..=5);
    let settlement = state.settlement(MONDAY).unwrap();
    assert_eq!(settlement.anchor, Price::new(0.0).ok());
    assert_eq!(settlement.closes, [Price::new(25.0).ok()]);
    // An hour is twelve bars, eleven moves: one too few.
    assert_eq!(settlement.volatility, None);
}

#[test]
fn a_price_is_decided_once() {
    let mut state = live_state();
    price_minutes(&mut state, -59..=-59);
    let again = priced(MONDAY - MINUTE.times(59), None);
    assert_eq!(
        state.apply(&again),
        Err(StateError::UnexpectedPrice(MONDAY - MINUTE.times(59)))
    );
    let mut replay = super::state(1);
    assert_eq!(
        replay.apply(&again),
        Err(StateError::UnexpectedPrice(MONDAY - MINUTE.times(59)))
    );
}

#[test]
fn a_replay_has_no_prices_in_its_journal() {
    assert!(state(1).prices().is_none());
    assert_eq!(state(1).settlement(MONDAY), None);
}

#[test]
fn the_state_knows_its_next_action_time() {
    let timing = RulesVersion::V1.rules().timing;
    let mut state = live_state();
    let opens = MONDAY - timing.commit_opens_before;
    assert_eq!(
        state.next_action_time(MONDAY - Millis::hours(1)),
        Some(opens)
    );
    open(&mut state, 0);
    assert_eq!(
        state.next_action_time(opens),
        Some(MONDAY + timing.reveal_opens_after)
    );
    let settles = MONDAY + Millis::minutes(5) + timing.settles_after;
    assert_eq!(
        state.next_action_time(MONDAY + Millis::minutes(1)),
        Some(settles)
    );
    assert_eq!(
        state.next_action_time(settles),
        Some(origin(1) - timing.commit_opens_before)
    );
}

#[test]
fn prices_that_no_round_needs_are_forgotten() {
    let mut state = live_state();
    open(&mut state, 0);
    let days = |days: i64| MONDAY + Millis::days(days);
    price_minutes(&mut state, -59..=10);
    state.apply(&priced(days(5), None)).unwrap();
    assert!(
        state.prices().unwrap().price(MONDAY).is_some(),
        "the first round needs it"
    );
    // Rounds of six days, all void: the next to open is that of day 6.
    for n in 0..6 * 48 {
        state.apply(&void(n)).unwrap();
    }
    state.apply(&priced(days(6), None)).unwrap();
    let prices = state.prices().unwrap();
    assert_eq!(prices.price(MONDAY), None);
    assert_eq!(prices.since(), days(3));
}
