//! How often luck alone is eligible for pay: fans whose true advantage is zero, over many seasons.
//!
//! Nobody knows the true advantage of a fan, but over years its mean is near it. So each strategy's advantages are
//! taken less their own mean over all rounds, which removes skill and keeps their distribution and dependence.

mod null_strategy;

pub use null_strategy::NullStrategy;

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};
use foretell_core::outcome::Outcome;
use foretell_core::pool::Advantage;
use foretell_core::pool::deviations::Deviations;
use foretell_core::pool::evidence::{self, EvidenceSums, EvidenceWindow};
use foretell_core::rules::{EvidenceRules, Rules};
use foretell_core::score::{Reference, Score};
use foretell_core::time::{Millis, UnixMillis};
use serde::Serialize;

use crate::historical_market::HistoricalMarket;
use crate::season::REPORT_DAYS;

/// Time between two rounds.
const ROUND_EVERY: Millis = Millis::minutes(30);

/// How often one strategy without skill is eligible under one z.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NullStudy {
    /// The strategy, in words.
    #[serde(rename = "habit")]
    pub strategy: &'static str,
    /// Number of standard errors that its mean advantage counts less, z.
    pub standard_errors: f64,
    /// Number of rounds that could be scored.
    pub rounds: usize,
    /// Number of seasons; one starts every day.
    pub seasons: usize,
    /// Days since the start, and the share of seasons in which the strategy is eligible after them.
    pub eligible: Vec<(usize, f64)>,
}

impl NullStudy {
    /// Rounds of a study from `first` to `last`, scored or not.
    pub const fn rounds_in(first: UnixMillis, last: UnixMillis) -> usize {
        ((last.get() - first.get()) / ROUND_EVERY.get()) as usize
    }

    /// The study of one strategy under each of `standard_errors`, in rounds every half hour from `first` to `last`, all
    /// of which have bars before them; `on_round` is called after each.
    pub fn run(
        strategy: NullStrategy,
        market: &HistoricalMarket,
        (first, last): (UnixMillis, UnixMillis),
        rules: &Rules,
        standard_errors: &[f64],
        on_round: &dyn Fn(),
    ) -> Vec<Self> {
        let every = ROUND_EVERY;
        let window = EvidenceWindow {
            lags: evidence::lags(market.series.grid.span(), every),
            half_life: rules.evidence.half_life,
        };
        let raw = advantages(strategy, market, (first, last), rules, on_round);
        let mean = raw.iter().map(|a| a.value).sum::<f64>() / raw.len() as f64;
        let centred: Vec<Advantage> = raw
            .iter()
            .map(|advantage| Advantage {
                value: advantage.value - mean,
                ..*advantage
            })
            .collect();
        let longest = Millis::days(REPORT_DAYS[REPORT_DAYS.len() - 1] as i64);
        let seasons = (last - first - longest).get() / Millis::days(1).get() + 1;
        let starts = (0..seasons).map(|day| first + Millis::days(1).times(day));
        // By start, report day and z.
        let seasons: Vec<Vec<Vec<bool>>> = starts
            .map(|start| {
                let begin = centred.partition_point(|advantage| advantage.origin < start);
                season_eligibility(
                    &centred[begin..],
                    start,
                    market,
                    window,
                    rules,
                    standard_errors,
                )
            })
            .collect();
        let share = |at: usize, z: usize| {
            let eligible = seasons.iter().filter(|season| season[at][z]).count();
            eligible as f64 / seasons.len() as f64
        };
        let of_z = |(z, standard_errors): (usize, &f64)| Self {
            strategy: strategy.name(),
            standard_errors: *standard_errors,
            rounds: centred.len(),
            seasons: seasons.len(),
            eligible: REPORT_DAYS
                .iter()
                .enumerate()
                .map(|(at, days)| (*days, share(at, z)))
                .collect(),
        };
        standard_errors.iter().enumerate().map(of_z).collect()
    }
}

/// Whether these advantages are eligible at each report day of a season, under each z, by rounds that have settled.
fn season_eligibility(
    centred: &[Advantage],
    start: UnixMillis,
    market: &HistoricalMarket,
    window: EvidenceWindow,
    rules: &Rules,
    standard_errors: &[f64],
) -> Vec<Vec<bool>> {
    let mut sums = EvidenceSums::new(window);
    let mut rounds = centred.iter().peekable();
    REPORT_DAYS
        .iter()
        .map(|days| {
            let settled = start + Millis::days(*days as i64) - market.series.grid.span();
            while let Some(advantage) = rounds.next_if(|advantage| advantage.origin <= settled) {
                sums.add(advantage);
            }
            let eligible = |z: &f64| {
                let rules = EvidenceRules {
                    standard_errors: *z,
                    ..rules.evidence
                };
                let evidence = sums.evidence(&rules);
                evidence.is_some_and(|evidence| evidence.value > 0.0)
            };
            standard_errors.iter().map(eligible).collect()
        })
        .collect()
}

/// The strategy's advantage in every round with an outcome.
fn advantages(
    strategy: NullStrategy,
    market: &HistoricalMarket,
    (first, last): (UnixMillis, UnixMillis),
    rules: &Rules,
    on_round: &dyn Fn(),
) -> Vec<Advantage> {
    let horizon = market.series.grid.horizon;
    let reference = Reference::new(&rules.score);
    let levels = Deviations::new(&reference, horizon).reference().to_vec();
    let rounds = 0..NullStudy::rounds_in(first, last) as i64;
    rounds
        .inspect(|_| on_round())
        .filter_map(|round| {
            let origin = first + ROUND_EVERY.times(round);
            let outcome = market.outcome(&market.settlement(origin))?;
            let known = market.known_at(origin);
            let (width, shift) =
                strategy.width_and_shift(market, known, outcome.volatility, round as u64);
            let fan = fan(&levels, width, shift, &outcome);
            let score = |fan: &QuantileForecast| Score::scaled_crps(fan, &outcome, &rules.score);
            let value = score(&self::fan(&levels, 1.0, 0.0, &outcome))? - score(&fan)?;
            Some(Advantage { origin, value })
        })
        .collect()
}

/// The reference's quantiles (`levels`, in units of σ_T·√i), widened by a factor and moved by `shift` of these units.
fn fan(levels: &[f64], width: f64, shift: f64, outcome: &Outcome) -> QuantileForecast {
    let row = |step: usize| {
        let unit = outcome.volatility * libm::sqrt(step as f64);
        levels.iter().map(move |q| unit * (width * q + shift))
    };
    let moves = (1..=outcome.moves.len()).flat_map(row);
    QuantileForecast::from_moves(POOL_LEVELS, moves.collect())
}
