//! What a local network is to do, resolved from arguments and prices, and stamped on its directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::rules::RulesVersion;
use foretell_core::series::{Grid, Series, SeriesId};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::PriceSeries;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::population::{ExternalMiner, participants};
use super::prices::PriceDataSummary;
use foretell_cli::time_text;

/// Version of the directory's layout.
const VERSION: u32 = 1;
/// File that makes a directory one of ours.
const MANIFEST_FILE: &str = "foretell.json";
/// File that holds the prices of the run, written before the manifest.
pub const PRICES_FILE: &str = "foretell-prices.csv";
/// Reference miners, unless told otherwise.
pub const DEFAULT_MINERS: usize = 6;
/// Days of rounds, unless told otherwise.
const DEFAULT_DAYS: u32 = 3;

/// Arguments that decide the result; what is `None` takes its default, or what the directory says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalnetArgs {
    /// Name of the series.
    pub series: Option<SeriesId>,
    /// Steps of a forecast.
    pub horizon: Option<usize>,
    /// First origin.
    pub from: Option<UnixMillis>,
    /// Origins are below this.
    pub to: Option<UnixMillis>,
    /// Days of rounds up to `to`, where `from` is left out.
    pub days: Option<u32>,
    /// Number of reference miners.
    pub miners: Option<usize>,
    /// Miners of the caller's own.
    pub external_miners: Vec<ExternalMiner>,
    /// Whether adversaries take part.
    pub adversaries: bool,
    /// Interval between rounds.
    pub round_every: Option<Millis>,
    /// Gives keys and signing randomness.
    pub seed: Option<u64>,
}

/// Everything that decides the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalnetPlan {
    version: u32,
    kind: String,
    /// The series.
    pub series: Series,
    /// First origin.
    pub first: UnixMillis,
    /// Origins are below this.
    pub end: UnixMillis,
    /// Interval between origins.
    pub round_every: Millis,
    /// Number of reference miners.
    pub miners: usize,
    /// Miners of the caller's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_miners: Vec<ExternalMiner>,
    /// Whether adversaries take part.
    pub adversaries: bool,
    /// Gives keys and signing randomness.
    pub seed: u64,
    /// The prices.
    pub prices: PriceDataSummary,
}

/// Why there is nothing to run.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The interval is off the grid.
    #[error("--round-every {} is not a multiple of the prices' step, {} s: use a multiple", time_text::format_duration(*every), step.0 / 1000)]
    OffGrid {
        /// The interval.
        every: Millis,
        /// The step.
        step: Millis,
    },
    /// The bars do not start on multiples of their step.
    #[error("the prices' bars open {} s off multiples of their step, {} s: rounds need bars on the grid", off.0 / 1000, step.0 / 1000)]
    Misaligned {
        /// By how much.
        off: Millis,
        /// The step.
        step: Millis,
    },
    /// No origin.
    #[error(
        "no round lies between {} and {}: the prices run from {} to {}, and a round needs {} of them after its \
         origin to settle; choose --from and --to inside, a shorter --horizon or a longer file",
        time_text::format_time(*first), time_text::format_time(*end), time_text::format_time(*from), time_text::format_time(*to), time_text::format_duration(*span)
    )]
    NoRounds {
        /// Earliest origin wished for.
        first: UnixMillis,
        /// End of origins.
        end: UnixMillis,
        /// First price.
        from: UnixMillis,
        /// Last price.
        to: UnixMillis,
        /// Span of a round.
        span: Millis,
    },
    /// Prices too short for a single round.
    #[error(
        "the prices cover {}, and a round needs {} of them: one step before its origin and {horizon} after it; use a \
         longer file or a shorter --horizon",
        time_text::format_duration(*covered), time_text::format_duration(*needed)
    )]
    TooShort {
        /// From the first open to the last close.
        covered: Millis,
        /// Horizon and one step.
        needed: Millis,
        /// Steps of a forecast.
        horizon: usize,
    },
    /// A number out of range.
    #[error("{what} {value} is out of range: {cure}")]
    Range {
        /// Which argument.
        what: &'static str,
        /// Its value.
        value: usize,
        /// What to do.
        cure: &'static str,
    },
    /// Two miners of one name.
    #[error("two miners are named {0}: give each --guest a name of its own")]
    Name(String),
    /// The directory belongs to something else.
    #[error(
        "{0} is not empty and was not made by this program (no {MANIFEST_FILE} in it): choose another --data"
    )]
    Foreign(PathBuf),
    /// The manifest can't be read.
    #[error("{path} can't be read: {why}; choose another --data, or move that directory away")]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Another version's directory.
    #[error(
        "{path} was made by another version of this program ({found}, not {VERSION}): choose another --data"
    )]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Other arguments.
    #[error(
        "{path} was begun with other arguments: {what} was {before}, now it is {now}; repeat the first command, or \
         choose another --data"
    )]
    OtherArguments {
        /// The directory.
        path: PathBuf,
        /// The first argument that differs.
        what: &'static str,
        /// Its value then.
        before: String,
        /// Its value now.
        now: String,
    },
    /// The disk.
    #[error("can't access {path}: check --data")]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl LocalnetPlan {
    /// The plan that these args make on these prices.
    pub fn new(
        args: &LocalnetArgs,
        prices: &PriceSeries,
        note: PriceDataSummary,
    ) -> Result<Self, PlanError> {
        let step = prices.step();
        let horizon = args.horizon.unwrap_or(100);
        if !(1..=1000).contains(&horizon) {
            let cure = "use 1 to 1000 steps";
            return Err(range("--horizon", horizon, cure));
        }
        let miners = args.miners.unwrap_or(DEFAULT_MINERS);
        if !(1..=256).contains(&miners) {
            return Err(range("--miners", miners, "use 1 to 256 miners"));
        }
        let mut names = BTreeSet::new();
        for participant in participants(miners, &args.external_miners, true) {
            if !names.insert(participant.name.clone()) {
                return Err(PlanError::Name(participant.name));
            }
        }
        let round_every = args.round_every.unwrap_or(Millis(step.0.max(1_800_000)));
        if round_every.0 <= 0 || round_every.0 % step.0 != 0 {
            let every = round_every;
            return Err(PlanError::OffGrid { every, step });
        }
        let off = Millis(prices.first_open().0.rem_euclid(step.0));
        if off.0 != 0 {
            return Err(PlanError::Misaligned { off, step });
        }
        let grid = Grid { step, horizon };
        let (first, end) = bounds(args, prices, &grid, round_every);
        let covered = prices.last_close() - prices.first_open();
        let needed = Millis(grid.span().0 + step.0);
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
            version: VERSION,
            kind: "localnet".into(),
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
            prices: note,
        })
    }

    /// The plan of a live network with this genesis, whose origins are below `end`.
    pub fn live(genesis: &Genesis, args: &LocalnetArgs, end: UnixMillis) -> Self {
        Self {
            version: VERSION,
            kind: "live".into(),
            series: genesis.series.clone(),
            first: genesis.first_origin,
            end,
            round_every: genesis.round_every,
            miners: args.miners.unwrap_or(DEFAULT_MINERS),
            external_miners: args.external_miners.clone(),
            adversaries: args.adversaries,
            seed: args.seed.unwrap_or(0),
            prices: PriceDataSummary::none(),
        }
    }

    /// The plan as it was carried out until `now`, on these prices.
    #[must_use]
    pub fn ended(self, prices: PriceDataSummary, now: UnixMillis) -> Self {
        let end = self.end.min(now);
        Self {
            prices,
            end,
            ..self
        }
    }

    /// The plan that `folder` was begun with; `None` if it is new or empty.
    pub fn read_from(folder: &Path) -> Result<Option<Self>, PlanError> {
        let path = folder.join(MANIFEST_FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return if is_empty(folder)? {
                    Ok(None)
                } else {
                    Err(PlanError::Foreign(folder.to_owned()))
                };
            }
            Err(source) => return Err(PlanError::Io { path, source }),
        };
        let plan: Self = serde_json::from_slice(&bytes).map_err(|error| PlanError::Unreadable {
            path: path.clone(),
            why: error.to_string(),
        })?;
        if plan.version == VERSION {
            Ok(Some(plan))
        } else {
            let found = plan.version;
            Err(PlanError::Version { path, found })
        }
    }

    /// Stamps `folder` with this plan, last of all that a new directory needs.
    pub fn write_manifest(&self, folder: &Path) -> Result<(), PlanError> {
        let path = folder.join(MANIFEST_FILE);
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(|source| PlanError::Io {
            path: path.clone(),
            source,
        })
    }

    /// Refuses args and prices other than those that the plan was made of; what is left out is taken from it.
    pub fn check_unchanged(
        &self,
        args: &LocalnetArgs,
        prices: &PriceSeries,
        folder: &Path,
    ) -> Result<(), PlanError> {
        let differs = |what, before, now| PlanError::OtherArguments {
            path: folder.to_owned(),
            what,
            before,
            now,
        };
        let note = PriceDataSummary::new(prices, self.prices.source.clone());
        // First, because the span may have no rounds in other prices.
        if note.sha256 != self.prices.sha256 {
            let [before, now] = [self.prices.sha256, note.sha256].map(|hash| hash.to_string());
            return Err(differs("the content of --prices", before, now));
        }
        let again = Self::new(&args.completed_by(self), prices, note)?;
        let changed = self.arguments().into_iter().zip(again.arguments());
        for ((what, before), (_, now)) in changed {
            if before != now {
                return Err(differs(what, before, now));
            }
        }
        Ok(())
    }

    /// The arguments that make this plan of its prices, as they are written.
    fn arguments(&self) -> [(&'static str, String); 9] {
        [
            ("--series", self.series.id.to_string()),
            ("--horizon", self.series.grid.horizon.to_string()),
            ("--from", time_text::format_time(self.first)),
            ("--to", time_text::format_time(self.end)),
            (
                "--round-every",
                time_text::format_duration(self.round_every),
            ),
            ("--miners", self.miners.to_string()),
            ("--guest", joined(&self.external_miners)),
            ("--adversaries", self.adversaries.to_string()),
            ("--seed", self.seed.to_string()),
        ]
    }

    /// What the journal of this plan is about.
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
}

impl LocalnetArgs {
    /// These args, and the plan's where they say nothing.
    fn completed_by(&self, plan: &LocalnetPlan) -> Self {
        let from = match self.days {
            Some(_) => self.from,
            None => Some(self.from.unwrap_or(plan.first)),
        };
        Self {
            series: Some(
                self.series
                    .clone()
                    .unwrap_or_else(|| plan.series.id.clone()),
            ),
            horizon: Some(self.horizon.unwrap_or(plan.series.grid.horizon)),
            from,
            to: Some(self.to.unwrap_or(plan.end)),
            days: self.days,
            miners: Some(self.miners.unwrap_or(plan.miners)),
            external_miners: if self.external_miners.is_empty() {
                plan.external_miners.clone()
            } else {
                self.external_miners.clone()
            },
            adversaries: self.adversaries || plan.adversaries,
            round_every: Some(self.round_every.unwrap_or(plan.round_every)),
            seed: Some(self.seed.unwrap_or(plan.seed)),
        }
    }
}

fn joined(external_miners: &[ExternalMiner]) -> String {
    let external_miners: Vec<String> = external_miners.iter().map(ToString::to_string).collect();
    external_miners.join(" ")
}

/// First origin and end: as wished, or the last days that can settle, inside the prices.
fn bounds(
    args: &LocalnetArgs,
    prices: &PriceSeries,
    grid: &Grid,
    round_every: Millis,
) -> (UnixMillis, UnixMillis) {
    let last_to_settle = prices.last_close() - grid.span();
    let end = args.to.unwrap_or(last_to_settle + Millis(1));
    let days = i64::from(args.days.unwrap_or(DEFAULT_DAYS));
    let from = args.from.unwrap_or(end - Millis::days(days));
    // An origin needs at least one bar behind it, and at least one ahead.
    let first = first_origin(from.max(prices.first_open() + grid.step), round_every);
    (first, end.min(prices.last_close()))
}

/// The first multiple of `every` at or after `t`.
fn first_origin(t: UnixMillis, every: Millis) -> UnixMillis {
    UnixMillis(t.0 + (-t.0).rem_euclid(every.0))
}

/// Names of unfinished files begin with one of these: the manifest's and the prices'.
const UNFINISHED: [&str; 2] = [".tmp", ".prices-"];

/// Whether nothing is in `folder`, or only what we leave there before the manifest.
fn is_empty(folder: &Path) -> Result<bool, PlanError> {
    let io_error = |source| PlanError::Io {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(source) => return Err(io_error(source)),
    };
    for entry in entries {
        let name = entry.map_err(io_error)?.file_name();
        let name = name.to_string_lossy();
        if name != PRICES_FILE && !UNFINISHED.iter().any(|prefix| name.starts_with(prefix)) {
            return Ok(false);
        }
    }
    Ok(true)
}

const fn range(what: &'static str, value: usize, cure: &'static str) -> PlanError {
    PlanError::Range { what, value, cure }
}
