//! The settled price of one minute: every step of the rule, in order.

use std::collections::BTreeMap;

use super::candle::{InvalidCandle, valid_close};
use super::median::{median, weighted_median};
use super::minute_decision::{
    Constituent, GapReason, MinuteDecision, SettledMinute, VenueExclusion,
};
use super::minute_inputs::{MinuteInputs, VenueObservation};
use super::probation::{deviations, is_on_probation};
use super::quote_currency::QuoteCurrency;
use super::usdt_rate::{is_plausible, usdt_usd_rate};
use super::venue_weights;
use crate::price::Price;
use crate::rules::MinuteRules;

/// The price of a minute, or why it is a gap: a function of its inputs and the rules, of nothing else.
pub fn settle_minute(inputs: &MinuteInputs, rules: &MinuteRules) -> MinuteDecision {
    let usdt_usd = usdt_usd_rate(&inputs.usdt_usd, 0, rules);
    let mut excluded = BTreeMap::new();
    let mut prices = BTreeMap::new();
    for observation in &inputs.venues {
        match usd_close(observation, usdt_usd) {
            Ok(price) => drop(prices.insert(observation.venue.as_str(), price)),
            Err(exclusion) => drop(excluded.insert(observation.venue.clone(), exclusion)),
        }
    }
    let past = past_deviations(inputs, rules);
    for (venue, deviation) in deviations(&prices) {
        let before = past.iter().map(|minute| minute.get(venue).copied());
        let exclusion = if deviation > rules.exclude_beyond {
            let off_percent = 100.0 * deviation;
            VenueExclusion::Outlier { off_percent }
        } else if is_on_probation(before, rules) {
            VenueExclusion::OnProbation
        } else {
            continue;
        };
        prices.remove(venue);
        excluded.insert(venue.to_owned(), exclusion);
    }
    let price = check_quorum(inputs, &prices, rules)
        .and_then(|()| weighted_price(inputs, &prices, usdt_usd, rules))
        .and_then(|settled| {
            check_scale(&settled, inputs, &excluded, rules)?;
            Ok(settled)
        });
    MinuteDecision { price, excluded }
}

/// A venue's close of the minute in USD.
fn usd_close(observation: &VenueObservation, usdt_usd: Option<f64>) -> Result<f64, VenueExclusion> {
    let candle = observation
        .candle
        .as_ref()
        .ok_or(VenueExclusion::NoCandle)?;
    let close = valid_close(candle).map_err(|invalid| match invalid {
        InvalidCandle::OffTheMinute => VenueExclusion::OffTheMinute,
        InvalidCandle::NoVolume => VenueExclusion::NoVolume,
        InvalidCandle::Inconsistent => VenueExclusion::Inconsistent,
    })?;
    if !observation.is_final {
        return Err(VenueExclusion::NotFinal);
    }
    if observation.day_volume.is_nan() || observation.day_volume <= 0.0 {
        return Err(VenueExclusion::NoDayVolume);
    }
    in_usd(observation.quote, close, usdt_usd).ok_or(VenueExclusion::NoRate)
}

/// Refuses a price that the venues without a rate contradict by more than any rate could explain: nothing else shows
/// that most USD-quoted venues have the same wrong scale.
fn check_scale(
    settled: &SettledMinute,
    inputs: &MinuteInputs,
    excluded: &BTreeMap<String, VenueExclusion>,
    rules: &MinuteRules,
) -> Result<(), GapReason> {
    let unconverted = inputs
        .venues
        .iter()
        .filter(|observation| excluded.get(&observation.venue) == Some(&VenueExclusion::NoRate));
    let closes =
        unconverted.filter_map(|observation| Some(observation.candle.as_ref()?.close.get()));
    match median(closes) {
        Some(in_usdt) if !is_plausible(settled.price.get() / in_usdt, rules) => {
            let price = settled.price;
            Err(GapReason::ScaleInDoubt { price, in_usdt })
        }
        _ => Ok(()),
    }
}

fn in_usd(quote: QuoteCurrency, close: Price, usdt_usd: Option<f64>) -> Option<f64> {
    match quote {
        QuoteCurrency::Usd => Some(close.get()),
        QuoteCurrency::Usdt => Some(close.get() * usdt_usd?),
    }
}

/// Each venue's deviation from the plain median in the minutes before, oldest first.
fn past_deviations<'a>(
    inputs: &'a MinuteInputs,
    rules: &MinuteRules,
) -> Vec<BTreeMap<&'a str, f64>> {
    (1..=rules.probation_lookback)
        .rev()
        .map(|ago| {
            let usdt_usd = usdt_usd_rate(&inputs.usdt_usd, ago, rules);
            let prices = inputs.venues.iter().filter_map(|observation| {
                let close = (*observation.prior_closes.get(ago - 1)?)?;
                let price = in_usd(observation.quote, close, usdt_usd)?;
                Some((observation.venue.as_str(), price))
            });
            deviations(&prices.collect())
        })
        .collect()
}

/// Refuses a price of too few venues, or of venues with too little of the weight.
fn check_quorum(
    inputs: &MinuteInputs,
    prices: &BTreeMap<&str, f64>,
    rules: &MinuteRules,
) -> Result<(), GapReason> {
    let is_constituent =
        |observation: &&VenueObservation| prices.contains_key(observation.venue.as_str());
    let (venues, needed) = (prices.len(), rules.min_venues);
    if venues < needed {
        return Err(GapReason::TooFewVenues { venues, needed });
    }
    let constituents = inputs.venues.iter().filter(is_constituent);
    let venues = constituents
        .filter(|observation| observation.quote == QuoteCurrency::Usd)
        .count();
    let needed = rules.min_usd_venues;
    if venues < needed {
        return Err(GapReason::TooFewUsdVenues { venues, needed });
    }
    let all: Vec<(QuoteCurrency, f64)> = inputs.venues.iter().map(quote_and_volume).collect();
    let configured = venue_weights::by_volume(&all, rules);
    let weighted = inputs.venues.iter().zip(configured);
    let weight: f64 = weighted
        .filter(|(observation, _)| is_constituent(observation))
        .map(|(_, weight)| weight)
        .sum();
    let needed = rules.min_total_weight;
    // Shares that are exactly a half add up with rounding.
    if weight < needed - 1e-12 {
        return Err(GapReason::TooLittleWeight { weight, needed });
    }
    Ok(())
}

/// The price of the venues in `prices`, which have one in USD each.
fn weighted_price(
    inputs: &MinuteInputs,
    prices: &BTreeMap<&str, f64>,
    usdt_usd: Option<f64>,
    rules: &MinuteRules,
) -> Result<SettledMinute, GapReason> {
    let constituents: Vec<(&VenueObservation, f64)> = inputs
        .venues
        .iter()
        .filter_map(|observation| Some((observation, *prices.get(observation.venue.as_str())?)))
        .collect();
    let volumes: Vec<(QuoteCurrency, f64)> = constituents
        .iter()
        .map(|(observation, _)| quote_and_volume(observation))
        .collect();
    let weights = venue_weights::capped(
        &venue_weights::by_volume(&volumes, rules),
        rules.max_venue_weight,
    );
    let items: Vec<(f64, f64)> = constituents
        .iter()
        .zip(&weights)
        .map(|((_, price), weight)| (*price, *weight))
        .collect();
    let none = GapReason::TooFewVenues {
        venues: 0,
        needed: rules.min_venues,
    };
    let settled = weighted_median(&items)
        .and_then(|price| Price::new(price).ok())
        .ok_or(none)?;
    let low = items
        .iter()
        .map(|(price, _)| *price)
        .fold(f64::INFINITY, f64::min);
    let high = items
        .iter()
        .map(|(price, _)| *price)
        .fold(f64::NEG_INFINITY, f64::max);
    let by_venue = constituents
        .iter()
        .zip(&weights)
        .map(|((observation, price), weight)| {
            let constituent = Constituent {
                price: *price,
                weight: *weight,
            };
            (observation.venue.clone(), constituent)
        });
    Ok(SettledMinute {
        price: settled,
        dispersion_bps: 1e4 * (high - low) / settled.get(),
        usdt_usd,
        constituents: by_venue.collect(),
    })
}

fn quote_and_volume(observation: &VenueObservation) -> (QuoteCurrency, f64) {
    (observation.quote, observation.day_volume.max(0.0))
}
