//! Factors of variance by hour of the day and kind of day.

use std::f64::consts::PI;

use foretell_core::time::Millis;

use super::cumulative_sums::cumulative_sums;
use crate::historical_market::HistoricalMarket;

/// Slots a day.
const SLOTS: usize = 288;
const DAY_MS: i64 = 86_400_000;

/// Factors of variance, of mean 1, by slot of 5 minutes, apart for weekdays, Saturdays and Sundays.
#[derive(Debug)]
pub(super) struct SeasonalFactors {
    /// By kind of day and slot; `None`: all are 1.
    factors: Option<Vec<f64>>,
}

impl SeasonalFactors {
    pub(super) const fn flat() -> Self {
        Self { factors: None }
    }

    /// Factors from the year before bar `now`: mean ratios of a bar's variance to that of the week around it, the
    /// largest cut off, smoothed over neighbouring slots.
    pub(super) fn estimate(market: &HistoricalMarket, now: usize) -> Self {
        let week = market.bars_in(Millis::days(7));
        let first = now.saturating_sub(market.bars_in(Millis::days(365)));
        let sums = cumulative_sums((first..now).map(|bar| market.blended_variance(bar)));
        let mut ratios: Vec<(usize, f64)> = (first..now)
            .map(|bar| {
                let from = (bar - first).saturating_sub(week / 2);
                let to = (bar - first + week / 2).min(now - first);
                let level = (sums[to] - sums[from]) / (to - from) as f64;
                let ratio = if level > 0.0 {
                    market.blended_variance(bar) / level
                } else {
                    1.0
                };
                (slot(market, bar), ratio)
            })
            .collect();
        let mut sorted: Vec<f64> = ratios.iter().map(|(_, ratio)| *ratio).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let cut = sorted
            .get(sorted.len() * 995 / 1000)
            .copied()
            .unwrap_or(1.0);
        let (mut totals, mut counts) = (vec![2.0; 3 * SLOTS], vec![2.0; 3 * SLOTS]);
        for (slot, ratio) in &mut ratios {
            totals[*slot] += ratio.min(cut);
            counts[*slot] += 1.0;
        }
        let means: Vec<f64> = totals.iter().zip(&counts).map(|(t, n)| t / n).collect();
        let mut factors: Vec<f64> = means
            .chunks(SLOTS)
            .zip([2, 9, 9])
            .flat_map(|(day, width)| smooth(day, width))
            .collect();
        let weighted: f64 = factors.iter().zip(&counts).map(|(f, n)| f * n).sum();
        let mean = weighted / counts.iter().sum::<f64>();
        for factor in &mut factors {
            *factor = (*factor / mean).max(0.05);
        }
        Self {
            factors: Some(factors),
        }
    }

    pub(super) fn factor(&self, market: &HistoricalMarket, bar: usize) -> f64 {
        let factors = self.factors.as_ref();
        factors.map_or(1.0, |factors| factors[slot(market, bar)])
    }
}

/// The slot of a bar, kinds of day one after the other: weekdays, Saturday, Sunday.
fn slot(market: &HistoricalMarket, bar: usize) -> usize {
    let opened = market.open_time(bar).get();
    // 1970-01-01 was a Thursday; 0 is Monday.
    let weekday = (opened.div_euclid(DAY_MS) + 3).rem_euclid(7);
    let kind = usize::try_from(weekday - 4).unwrap_or(0);
    let within = opened.rem_euclid(DAY_MS) * SLOTS as i64 / DAY_MS;
    kind * SLOTS + usize::try_from(within).unwrap_or(0)
}

/// Hann-weighted means of `width` neighbours on each side; the day's end neighbours its start.
fn smooth(day: &[f64], width: usize) -> Vec<f64> {
    let weight = |offset: usize| 0.5 * (1.0 + libm::cos(PI * offset as f64 / (width + 1) as f64));
    (0..day.len())
        .map(|slot| {
            let (mut sum, mut total) = (0.0, 0.0);
            for offset in 0..=width {
                for at in [slot + offset, slot + day.len() - offset] {
                    let half = if offset == 0 { 0.5 } else { 1.0 };
                    sum += half * weight(offset) * day[at % day.len()];
                    total += half * weight(offset);
                }
            }
            sum / total
        })
        .collect()
}
