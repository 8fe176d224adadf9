//! What a local network is to do, resolved from arguments and prices.

use std::collections::BTreeSet;

use foretell_cli::time_text;
use foretell_cli::unit_flag::unit_name;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::rules::RulesVersion;
use foretell_core::series::{Grid, Series, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::PriceSeries;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::args::LocalnetArgs;
use crate::external_miner::ExternalMiner;
use crate::population::participants;
use crate::price_summary::PriceDataSummary;

/// Everything that decides the result: what the arguments leave out is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalnetPlan {
    /// The series, with its grid and unit.
    pub series: Series,
    /// First origin, a multiple of `round_every`.
    pub first: UnixMillis,
    /// End of the origins, exclusive.
    pub end: UnixMillis,
    /// Interval between origins, a multiple of the step.
    pub round_every: Millis,
    /// Number of reference miners, 1 to 256.
    pub miners: usize,
    /// Miners of the caller's own, in the order they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_miners: Vec<ExternalMiner>,
    /// Whether adversaries take part.
    pub adversaries: bool,
    /// Seed that all keys and the signing randomness are derived from.
    pub seed: u64,
    /// The prices that the network is played on.
    pub prices: PriceDataSummary,
}

/// Why arguments and prices make no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// `--round-every` is no multiple of the step.
    #[error("--round-every {} is not a multiple of the prices' step, {} s: use a multiple", time_text::format_duration(*every), step.get() / 1000)]
    OffGrid { every: Millis, step: Millis },
    /// The bars do not start on multiples of their step.
    #[error("the prices' bars open {} s off multiples of their step, {} s: rounds need bars on the grid", off.get() / 1000, step.get() / 1000)]
    Misaligned { off: Millis, step: Millis },
    /// There is no origin between the bounds and inside the prices.
    #[error(
        "no round lies between {} and {}: the prices run from {} to {}, and a round needs {} of them after its \
         origin to settle; choose --from and --to inside, a shorter --horizon or a longer file",
        time_text::format_time(*first), time_text::format_time(*end), time_text::format_time(*from), time_text::format_time(*to), time_text::format_duration(*span)
    )]
    NoRounds {
        first: UnixMillis,
        end: UnixMillis,
        from: UnixMillis,
        to: UnixMillis,
        span: Millis,
    },
    /// The prices are too short for a single round.
    #[error(
        "the prices cover {}, and a round needs {} of them: one step before its origin and {horizon} after it; use a \
         longer file or a shorter --horizon",
        time_text::format_duration(*covered), time_text::format_duration(*needed)
    )]
    TooShort {
        covered: Millis,
        needed: Millis,
        horizon: usize,
    },
    /// A number is out of its range.
    #[error("{what} {value} is out of range: {cure}")]
    Range {
        what: &'static str,
        value: usize,
        cure: &'static str,
    },
    /// Two participants have the same name.
    #[error("two miners are named {0}: give each --guest a name of its own")]
    Name(String),
}

impl LocalnetPlan {
    /// The plan that these arguments make on these prices, which `summary` describes.
    pub fn new(
        args: &LocalnetArgs,
        prices: &PriceSeries,
        summary: PriceDataSummary,
    ) -> Result<Self, PlanError> {
        let step = prices.step();
        let horizon = args.horizon.unwrap_or(100);
        if !(1..=1000).contains(&horizon) {
            let cure = "use 1 to 1000 steps";
            return Err(out_of_range("--horizon", horizon, cure));
        }
        let miners = args.miner_count();
        if !(1..=256).contains(&miners) {
            return Err(out_of_range("--miners", miners, "use 1 to 256 miners"));
        }
        let mut names = BTreeSet::new();
        for participant in participants(miners, &args.external_miners, true) {
            if !names.insert(participant.name.clone()) {
                return Err(PlanError::Name(participant.name));
            }
        }
        let round_every = args.round_every.unwrap_or(step.max(Millis::minutes(30)));
        if round_every <= Millis::ZERO || round_every.get() % step.get() != 0 {
            let every = round_every;
            return Err(PlanError::OffGrid { every, step });
        }
        let off = prices.first_open().past_step(step);
        if off != Millis::ZERO {
            return Err(PlanError::Misaligned { off, step });
        }
        let grid = Grid { step, horizon };
        let (first, end) = args.bounds(prices, &grid, round_every);
        let covered = prices.last_close() - prices.first_open();
        let needed = grid.span() + step;
        if first >= end && covered < needed {
            return Err(PlanError::TooShort {
                covered,
                needed,
                horizon,
            });
        }
        if first >= end {
            return Err(PlanError::NoRounds {
                first,
                end,
                from: prices.first_open(),
                to: prices.last_close(),
                span: grid.span(),
            });
        }
        Ok(Self {
            series: Series {
                id: args.series.clone().unwrap_or_else(SeriesId::btc_usd),
                grid,
                unit: prices.unit(),
            },
            first,
            end,
            round_every,
            miners,
            external_miners: args.external_miners.clone(),
            adversaries: args.adversaries,
            seed: args.seed.unwrap_or(0),
            prices: summary,
        })
    }

    /// The plan of a live network with this genesis, whose origins are before `end`; its prices aren't known yet.
    pub fn live(genesis: &Genesis, args: &LocalnetArgs, end: UnixMillis) -> Self {
        Self {
            series: genesis.series.clone(),
            first: genesis.first_origin,
            end,
            round_every: genesis.round_every,
            miners: args.miner_count(),
            external_miners: args.external_miners.clone(),
            adversaries: args.adversaries,
            seed: args.seed.unwrap_or(0),
            prices: PriceDataSummary::none(),
        }
    }

    /// The plan of a live network as it was carried out: its origins end at `now` at the latest, and its prices are known.
    #[must_use]
    pub fn ended_at(self, prices: PriceDataSummary, now: UnixMillis) -> Self {
        let end = self.end.min(now);
        Self {
            prices,
            end,
            ..self
        }
    }

    /// The genesis that stands in the first record of the journal, which `validator` writes.
    pub fn genesis(&self, validator: Hotkey) -> Genesis {
        Genesis {
            series: self.series.clone(),
            rules: RulesVersion::V1Replay,
            validator,
            first_origin: self.first,
            end_origin: self.end,
            round_every: self.round_every,
            prices: PriceOrigin::Replay {
                sha256: self.prices.sha256,
            },
        }
    }

    /// Flags and values that make this plan of its prices, as they are written on the command line.
    pub fn arguments(&self) -> [(&'static str, String); 10] {
        [
            ("--series", self.series.id.to_string()),
            ("--unit", unit_name(self.series.unit).to_owned()),
            ("--horizon", self.series.grid.horizon.to_string()),
            ("--from", time_text::format_time(self.first)),
            ("--to", time_text::format_time(self.end)),
            (
                "--round-every",
                time_text::format_duration(self.round_every),
            ),
            ("--miners", self.miners.to_string()),
            ("--guest", join_external_miners(&self.external_miners)),
            ("--adversaries", self.adversaries.to_string()),
            ("--seed", self.seed.to_string()),
        ]
    }

    /// The arguments, with this plan's value for each that is left out.
    pub fn complete(&self, args: &LocalnetArgs) -> LocalnetArgs {
        let from = match args.days {
            Some(_) => args.from,
            None => Some(args.from.unwrap_or(self.first)),
        };
        LocalnetArgs {
            series: Some(
                args.series
                    .clone()
                    .unwrap_or_else(|| self.series.id.clone()),
            ),
            horizon: Some(args.horizon.unwrap_or(self.series.grid.horizon)),
            from,
            to: Some(args.to.unwrap_or(self.end)),
            days: args.days,
            miners: Some(args.miners.unwrap_or(self.miners)),
            external_miners: if args.external_miners.is_empty() {
                self.external_miners.clone()
            } else {
                args.external_miners.clone()
            },
            adversaries: args.adversaries || self.adversaries,
            round_every: Some(args.round_every.unwrap_or(self.round_every)),
            seed: Some(args.seed.unwrap_or(self.seed)),
        }
    }
}

fn join_external_miners(external_miners: &[ExternalMiner]) -> String {
    let external_miners: Vec<String> = external_miners.iter().map(ToString::to_string).collect();
    external_miners.join(" ")
}

const fn out_of_range(what: &'static str, value: usize, cure: &'static str) -> PlanError {
    PlanError::Range { what, value, cure }
}
