//! The rule of a minute as a whole, beyond what the golden cases of [`case`](super::case) reach.

use proptest::prelude::*;

use super::*;
use crate::bar::Bar;
use crate::price::Price;
use crate::rules::{MinuteRules, RulesVersion};
use crate::testing::MONDAY;
use crate::time::UnixMillis;

fn rules() -> MinuteRules {
    RulesVersion::V1.rules().minute
}

/// A venue with a price and a weight, like all others before.
fn venue(name: &str, quote: QuoteCurrency, price: f64, day_volume: f64) -> VenueObservation {
    let price = Price::new(price).unwrap();
    VenueObservation {
        venue: name.into(),
        quote,
        day_volume,
        candle: Some(Bar {
            volume: 1.0,
            ..Bar::from_value(MONDAY, price)
        }),
        is_final: true,
        prior_closes: vec![Some(price); 30],
    }
}

fn usd(name: &str, price: f64, day_volume: f64) -> VenueObservation {
    venue(name, QuoteCurrency::Usd, price, day_volume)
}

fn decision(venues: Vec<VenueObservation>) -> MinuteDecision {
    let inputs = MinuteInputs {
        minute: MONDAY,
        venues,
        usdt_usd: Vec::new(),
    };
    settle_minute(&inputs, &rules())
}

fn price(decision: &MinuteDecision) -> f64 {
    decision.price.as_ref().unwrap().price.get()
}

/// Five venues of equal weight around 100.
fn five() -> Vec<VenueObservation> {
    let prices = [99.8, 99.9, 100.0, 100.1, 100.2];
    let venues = prices.iter().zip(["a", "b", "c", "d", "e"]);
    venues.map(|(price, name)| usd(name, *price, 1.0)).collect()
}

#[test]
fn a_candle_without_a_later_one_or_volume_or_on_another_grid_is_excluded_with_its_reason() {
    let mut venues = five();
    venues[0].is_final = false;
    venues[1].candle.as_mut().unwrap().volume = 0.0;
    let two_out = decision(venues.clone());
    assert_eq!(two_out.excluded["a"], VenueExclusion::NotFinal);
    assert_eq!(two_out.excluded["b"], VenueExclusion::NoVolume);
    assert_eq!(price(&two_out), 100.1);
    venues[0] = usd("a", 99.8, 1.0);
    venues[0].candle.as_mut().unwrap().open_time = UnixMillis::literal(MONDAY.get() + 1);
    venues[1] = usd("b", 99.9, 1.0);
    venues[1].candle.as_mut().unwrap().high = Price::new(99.0).unwrap();
    let two_out = decision(venues.clone());
    assert_eq!(two_out.excluded["a"], VenueExclusion::OffTheMinute);
    assert_eq!(two_out.excluded["b"], VenueExclusion::Inconsistent);
    venues[0].candle = None;
    venues[1] = usd("b", 99.9, 0.0);
    let two_out = decision(venues);
    assert_eq!(two_out.excluded["a"], VenueExclusion::NoCandle);
    assert_eq!(two_out.excluded["b"], VenueExclusion::NoDayVolume);
}

#[test]
fn two_percent_off_counts_and_more_is_excluded() {
    let mut venues = five();
    venues[4] = usd("e", 102.0, 1.0);
    assert!(decision(venues.clone()).excluded.is_empty());
    venues[4] = usd("e", 102.001, 1.0);
    let out = decision(venues);
    assert!(
        matches!(out.excluded["e"], VenueExclusion::Outlier { off_percent } if off_percent > 2.0)
    );
}

#[test]
fn a_venue_that_was_far_off_comes_back_after_three_minutes_near() {
    let far = Price::new(103.0).ok();
    // Far off `ago` minutes before, near ever since.
    let with_spike = |ago: usize| {
        let mut venues = five();
        venues[2].prior_closes[ago - 1] = far;
        decision(venues)
    };
    for ago in 1..=3 {
        assert_eq!(
            with_spike(ago).excluded["c"],
            VenueExclusion::OnProbation,
            "{ago}"
        );
    }
    assert!(with_spike(4).excluded.is_empty());

    // Far off 30 minutes before and without a candle since: still out; 31 minutes before: forgotten.
    let mut venues = five();
    venues[2].prior_closes = vec![None; 30];
    venues[2].prior_closes[29] = far;
    assert_eq!(
        decision(venues.clone()).excluded["c"],
        VenueExclusion::OnProbation
    );
    venues[2].prior_closes[29] = None;
    venues[2].prior_closes.push(far);
    assert!(decision(venues).excluded.is_empty());
}

#[test]
fn usdt_venues_are_compared_at_the_rate_of_the_minute_in_question() {
    let closes = |rate_before: f64| {
        let mut closes = vec![Price::new(rate_before).ok(); 41];
        closes[0] = Price::new(1.0).ok();
        closes
    };
    let mut venues = five();
    let mut usdt_venue = venue("t", QuoteCurrency::Usdt, 100.0, 1.0);
    // Three minutes before, a USDT was worth 0.9 USD and the venue's price was right for that.
    usdt_venue.prior_closes = vec![Price::new(100.0 / 0.9).ok(); 30];
    venues.push(usdt_venue);
    let market = |name: &str, rate| UsdtMarketCloses {
        market: name.into(),
        closes: closes(rate),
    };
    let excluded = |rate| {
        let inputs = MinuteInputs {
            minute: MONDAY,
            venues: venues.clone(),
            usdt_usd: vec![market("x", rate), market("y", rate)],
        };
        settle_minute(&inputs, &rules()).excluded
    };
    assert!(excluded(0.9).is_empty());
    assert_eq!(excluded(1.0)["t"], VenueExclusion::OnProbation);
}

/// The cap of a, and of b that the excess lifts above it, decide: 40, 15, 8, 4 weigh 0.35, 0.35, 0.20, 0.10.
#[test]
fn the_cap_moves_the_median() {
    let venues = vec![
        usd("a", 99.0, 40.0),
        usd("b", 102.0, 15.0),
        usd("c", 101.0, 8.0),
        usd("d", 100.5, 4.0),
    ];
    let settled = decision(venues);
    // Cumulative: 99 has 0.35, 100.5 has 0.45, 101 has 0.65. Without the cap it would be 99.
    assert_eq!(price(&settled), 101.0);
    let used = &settled.price.as_ref().unwrap().constituents;
    let weights = ["a", "b", "c", "d"].map(|name| used[name].weight);
    for (weight, expected) in weights.iter().zip([0.35, 0.35, 0.20, 0.10]) {
        assert!((weight - expected).abs() < 1e-12, "{weights:?}");
    }
}

#[test]
fn at_exactly_half_it_is_the_mean_of_the_neighbours() {
    let mut venues = five();
    venues.pop();
    assert_eq!(price(&decision(venues)), 99.95);
}

#[test]
fn equal_prices_are_no_obstacle() {
    let venues = ["a", "b", "c"].map(|name| usd(name, 100.0, 1.0)).to_vec();
    let settled = decision(venues).price.unwrap();
    assert_eq!((settled.price.get(), settled.dispersion_bps), (100.0, 0.0));
}

#[test]
fn without_a_quorum_it_is_a_gap_with_its_reason() {
    let few = decision(five()[..2].to_vec()).price.unwrap_err();
    assert_eq!(
        few,
        GapReason::TooFewVenues {
            venues: 2,
            needed: 3
        }
    );

    let market = |name: &str| UsdtMarketCloses {
        market: name.into(),
        closes: vec![Price::new(1.0).ok(); 41],
    };
    let mut venues = vec![usd("a", 100.0, 1.0)];
    venues.extend(["b", "c", "d"].map(|name| venue(name, QuoteCurrency::Usdt, 100.0, 1.0)));
    let inputs = MinuteInputs {
        minute: MONDAY,
        venues,
        usdt_usd: vec![market("x"), market("y")],
    };
    let few = settle_minute(&inputs, &rules()).price.unwrap_err();
    assert_eq!(
        few,
        GapReason::TooFewUsdVenues {
            venues: 1,
            needed: 2
        }
    );
}

/// Three of five exchanges divide all their prices by a hundred, those of USDT too. Nobody can convert USDT then; but
/// what the USDT-quoted venues say shows that the majority's scale is wrong.
#[test]
fn a_scale_error_that_most_usd_venues_share_is_a_gap() {
    let scaled = |by: f64| {
        let mut venues = ["a", "b", "c"]
            .map(|name| usd(name, 100.0 * by, 10.0))
            .to_vec();
        venues.extend(["d", "e"].map(|name| usd(name, 100.0, 1.0)));
        venues.extend(["f", "g", "h"].map(|name| venue(name, QuoteCurrency::Usdt, 100.0, 10.0)));
        let market = |name: &str| UsdtMarketCloses {
            market: name.into(),
            closes: vec![Price::new(0.9995 * by).ok(); 41],
        };
        let inputs = MinuteInputs {
            minute: MONDAY,
            venues,
            usdt_usd: ["a", "b", "c"].map(market).to_vec(),
        };
        settle_minute(&inputs, &rules())
    };
    assert_eq!(price(&scaled(1.0)), 100.0);
    let wrong = scaled(0.01);
    assert_eq!(wrong.excluded["f"], VenueExclusion::NoRate);
    let reason = wrong.price.unwrap_err();
    assert!(
        matches!(reason, GapReason::ScaleInDoubt { in_usdt: 100.0, .. }),
        "{reason}"
    );
    assert!(reason.to_string().contains("scale is wrong"), "{reason}");
}

#[test]
fn half_of_the_configured_weight_is_enough_and_less_is_not() {
    let mut venues = five();
    venues.push(usd("big", 100.0, 5.0));
    venues[5].candle = None;
    assert!(decision(venues.clone()).price.is_ok());
    venues[5].day_volume = 5.1;
    let little = decision(venues).price.unwrap_err();
    assert!(
        matches!(little, GapReason::TooLittleWeight { weight, .. } if weight < 0.5),
        "{little}"
    );
    assert!(
        little
            .to_string()
            .contains("49.5 % of the configured weight"),
        "{little}"
    );
}

/// Venues around 100, some of them in USDT, some of them absent.
fn any_venues() -> impl Strategy<Value = Vec<VenueObservation>> {
    let one = (
        0.97..1.03_f64,
        0.01..100.0_f64,
        any::<bool>(),
        prop::bool::weighted(0.9),
    );
    prop::collection::vec(one, 3..10).prop_map(|venues| {
        let named = venues.into_iter().enumerate();
        named
            .map(|(n, (price, volume, is_usdt, is_there))| {
                let quote = if is_usdt {
                    QuoteCurrency::Usdt
                } else {
                    QuoteCurrency::Usd
                };
                let mut venue = venue(&format!("v{n}"), quote, 100.0 * price, volume);
                venue.candle = venue.candle.filter(|_| is_there);
                venue
            })
            .collect()
    })
}

fn inputs_of(venues: Vec<VenueObservation>) -> MinuteInputs {
    let market = |name: &str, rate| UsdtMarketCloses {
        market: name.into(),
        closes: vec![Price::new(rate).ok(); 41],
    };
    MinuteInputs {
        minute: MONDAY,
        venues,
        usdt_usd: vec![market("x", 1.0), market("y", 1.001)],
    }
}

proptest! {
    #[test]
    fn the_order_of_venues_makes_no_difference(venues in any_venues(), turn in 0_usize..10) {
        let decision = settle_minute(&inputs_of(venues.clone()), &rules());
        let mut turned = venues;
        let turn = turn % turned.len();
        turned.rotate_left(turn);
        let other = settle_minute(&inputs_of(turned), &rules());
        prop_assert_eq!(&decision.excluded, &other.excluded);
        match (decision.price, other.price) {
            (Ok(a), Ok(b)) => prop_assert!((a.price.get() - b.price.get()).abs() < 1e-9),
            // Sums of weights depend on the order in their last digits.
            (Err(a), Err(b)) => prop_assert_eq!(std::mem::discriminant(&a), std::mem::discriminant(&b)),
            (a, b) => prop_assert!(false, "{:?} and {:?}", a, b),
        }
    }

    #[test]
    fn the_price_lies_among_those_used_and_they_weigh_one(venues in any_venues()) {
        let decision = settle_minute(&inputs_of(venues.clone()), &rules());
        if let Ok(settled) = decision.price {
            let low = settled.constituents.values().map(|v| v.price).fold(f64::INFINITY, f64::min);
            let high = settled.constituents.values().map(|v| v.price).fold(0.0, f64::max);
            prop_assert!(low <= settled.price.get() && settled.price.get() <= high);
            let weight: f64 = settled.constituents.values().map(|v| v.weight).sum();
            prop_assert!((weight - 1.0).abs() < 1e-9, "{}", weight);
            prop_assert!(settled.constituents.values().all(|v| v.weight <= 0.35 + 1e-12));
            prop_assert_eq!(settled.constituents.len() + decision.excluded.len(), venues.len());
        }
    }

    /// No venue holds more than 0.35, so a liar can push the price to another venue's, and no further.
    #[test]
    fn one_liar_cannot_leave_the_range_of_the_others(venues in any_venues(), lie in 0.1..10.0_f64) {
        let mut venues = venues;
        venues[0] = usd("v0", 100.0 * lie, venues[0].day_volume);
        let decision = settle_minute(&inputs_of(venues), &rules());
        if let Ok(settled) = decision.price {
            let others = settled.constituents.iter().filter(|(name, _)| *name != "v0").map(|(_, v)| v.price);
            let (low, high) = others.fold((f64::INFINITY, 0.0_f64), |(l, h), p| (l.min(p), h.max(p)));
            prop_assert!(low - 1e-9 <= settled.price.get() && settled.price.get() <= high + 1e-9);
        }
    }

    #[test]
    fn nothing_panics_on_absurd_candles(
        numbers in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 0..6),
    ) {
        let venues = numbers.iter().enumerate().map(|(n, (a, b, volume))| {
            let mut venue = usd(&format!("v{n}"), 100.0, *volume);
            if let (Some(candle), Ok(high), Ok(low)) = (venue.candle.as_mut(), Price::new(*a), Price::new(*b)) {
                candle.high = high;
                candle.low = low;
                candle.close = high;
                candle.volume = *volume;
            }
            venue
        });
        let inputs = inputs_of(venues.collect());
        if let Ok(settled) = settle_minute(&inputs, &rules()).price {
            prop_assert!(settled.price.get() > 0.0);
        }
    }
}
