//! Prices of record in the journal: taken in once, waited for, forgotten when no round needs them.

use super::*;
use crate::settle::Provenance;

/// A book whose journal decides prices from an hour before the first round on.
fn live_book() -> Book {
    let mut charter = book(1000).charter;
    charter.prices = PriceOrigin::Venues {
        since: T - Millis::hours(1),
    };
    Book::new(charter)
}

fn priced(instant: UnixMillis, price: Option<f64>) -> Record {
    Record::Priced {
        instant,
        price: price.and_then(|price| Price::new(price).ok()),
        provenance: Provenance::Source,
    }
}

fn price_minutes(book: &mut Book, minutes: std::ops::RangeInclusive<i64>) {
    for minute in minutes {
        let record = priced(T + MINUTE.times(minute), Some((minute * minute) as f64));
        book.apply(&record).unwrap();
    }
}

#[test]
fn a_round_settles_once_all_its_prices_are_decided() {
    let mut book = live_book();
    open(&mut book, 0);
    price_minutes(&mut book, -59..=4);
    assert_eq!(book.settlement(T), None);
    price_minutes(&mut book, 5..=5);
    let settlement = book.settlement(T).unwrap();
    assert_eq!(settlement.anchor, Price::new(0.0).ok());
    assert_eq!(settlement.closes, [Price::new(25.0).ok()]);
    // An hour is twelve bars, eleven moves: one too few.
    assert_eq!(settlement.volatility, None);
}

#[test]
fn a_price_is_decided_once() {
    let mut book = live_book();
    price_minutes(&mut book, -59..=-59);
    let again = priced(T - MINUTE.times(59), None);
    assert_eq!(
        book.apply(&again),
        Err(BookError::Price(T - MINUTE.times(59)))
    );
    let mut replay = super::book(1);
    assert_eq!(
        replay.apply(&again),
        Err(BookError::Price(T - MINUTE.times(59)))
    );
}

#[test]
fn a_replay_has_no_prices_in_its_journal() {
    assert!(book(1).prices().is_none());
    assert_eq!(book(1).settlement(T), None);
}

#[test]
fn the_book_says_when_it_wants_to_be_looked_at() {
    let timing = RulesVersion::V1.rules().timing;
    let mut book = live_book();
    let opens = T - timing.commit_opens_before;
    assert_eq!(book.next_instant(T - Millis::hours(1)), Some(opens));
    open(&mut book, 0);
    assert_eq!(
        book.next_instant(opens),
        Some(T + timing.reveal_opens_after)
    );
    let settles = T + Millis::minutes(5) + timing.settles_after;
    assert_eq!(book.next_instant(T + Millis::minutes(1)), Some(settles));
    assert_eq!(
        book.next_instant(settles),
        Some(origin(1) - timing.commit_opens_before)
    );
}

#[test]
fn prices_that_no_round_needs_are_forgotten() {
    let mut book = live_book();
    open(&mut book, 0);
    let days = |days: i64| T + Millis::days(days);
    price_minutes(&mut book, -59..=10);
    book.apply(&priced(days(5), None)).unwrap();
    assert!(
        book.prices().unwrap().price(T).is_some(),
        "the first round needs it"
    );
    // Rounds of six days, all void: the next to open is that of day 6.
    for n in 0..6 * 48 {
        book.apply(&void(n)).unwrap();
    }
    book.apply(&priced(days(6), None)).unwrap();
    let prices = book.prices().unwrap();
    assert_eq!(prices.price(T), None);
    assert_eq!(prices.since(), days(3));
}
