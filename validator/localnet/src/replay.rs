//! A local network on replayed prices, in simulated time.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use foretell_cli::run_timing::RunTiming;
use foretell_core::series::{SeriesId, Unit};
use foretell_core::time::UnixMillis;
use foretell_data::prices::{self, PriceSeries};
use foretell_files::create_private_folder;

use crate::args::LocalnetArgs;
use crate::fetch_prices::{FetchedPrices, newest_or_simulated};
use crate::manifest::{self, PRICES_FILE};
use crate::miner_processes::ProgramPaths;
use crate::plan::LocalnetPlan;
use crate::price_summary::{PriceDataSummary, PriceSource, price_warnings};
use crate::progress::LocalnetProgress;
use crate::replay_network::ReplayNetwork;
use crate::report::LocalnetReport;
use crate::result_file;

pub use crate::replay_network::ReplaySpeed;

/// What to replay, and how.
#[derive(Debug)]
pub struct ReplayLocalnetOptions {
    /// The arguments that decide the result.
    pub args: LocalnetArgs,
    /// Programs of miners and adversaries.
    pub programs: ProgramPaths,
    /// Price file; without it, an exchange's newest candles or else simulated prices.
    pub prices: Option<PathBuf>,
    /// How moves of the prices are measured; by what the file's columns say, or what the directory was begun with, if left out.
    pub unit: Option<Unit>,
    /// Directory of the network; a temporary one if left out.
    pub data: Option<PathBuf>,
    /// Address of the replay venue; port 0 takes any free one.
    pub http: SocketAddr,
    /// The highest speed of simulated time; changes no result.
    pub speed: ReplaySpeed,
}

/// Runs a network to its end and gives its result; a directory that was begun before is carried on from where it was.
///
/// `now` only decides which candles are the newest.
pub async fn run(
    options: &ReplayLocalnetOptions,
    now: UnixMillis,
    progress: &mut LocalnetProgress,
) -> Result<LocalnetReport> {
    let started = Instant::now();
    let temporary = match options.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("can't create a temporary directory")?),
    };
    let folder: &Path = match (&options.data, &temporary) {
        (Some(data), _) => data,
        (None, Some(temporary)) => temporary.path(),
        (None, None) => bail!("no directory"),
    };
    let (plan, prices) = match manifest::read_plan(folder)? {
        Some(plan) => {
            let prices = resume(&plan, options, folder)?;
            (plan, prices)
        }
        None => begin(options, folder, now, progress).await?,
    };
    if let Some(mut report) = result_file::read(folder)? {
        progress.println("this run had finished: its result again");
        let loaded = started.elapsed().as_secs_f64();
        report.timing = Some(RunTiming {
            load_s: loaded,
            score_s: 0.0,
            total_s: loaded,
        });
        return Ok(report);
    }
    progress.println(&format!("prices: {}", plan.prices));
    for warning in price_warnings(&prices) {
        progress.println(&format!("warning: {warning}"));
    }
    let mut network =
        ReplayNetwork::start(&plan, &prices, &options.programs, options.http, folder).await?;
    let loaded = started.elapsed();
    let ran = network.run_to_end(&plan, options.speed, progress).await;
    let played = started.elapsed();
    let report = match ran {
        Ok(()) => network.report(&plan).await,
        Err(error) => Err(error),
    };
    network.stop().await?;
    let mut report = report?;
    result_file::write(&report, folder)?;
    report.timing = Some(RunTiming {
        load_s: loaded.as_secs_f64(),
        score_s: (played - loaded).as_secs_f64(),
        total_s: started.elapsed().as_secs_f64(),
    });
    Ok(report)
}

/// Begins a new directory: finds prices, writes them there, and then the manifest.
async fn begin(
    options: &ReplayLocalnetOptions,
    folder: &Path,
    now: UnixMillis,
    progress: &LocalnetProgress,
) -> Result<(LocalnetPlan, PriceSeries)> {
    let args = &options.args;
    let (prices, source) = match &options.prices {
        Some(file) => (prices::read(file, options.unit)?, PriceSource::File),
        None => {
            let series = args.series.clone().unwrap_or_else(SeriesId::btc_usd);
            progress.println("no --prices: asking exchanges for the newest candles");
            let seed = args.seed.unwrap_or(0);
            let FetchedPrices {
                prices,
                source,
                fallback_reason,
            } = newest_or_simulated(&series, seed, now).await?;
            if let Some(fallback_reason) = fallback_reason {
                progress.println(&format!(
                    "no real prices ({fallback_reason}): using the SIMULATED series"
                ));
            }
            (prices, source)
        }
    };
    let summary = PriceDataSummary::new(&prices, source);
    let plan = LocalnetPlan::new(args, &prices, summary)?;
    create_private_folder(folder)
        .with_context(|| format!("can't create directory {}: check --data", folder.display()))?;
    prices::write_csv(&folder.join(PRICES_FILE), &prices)?;
    manifest::write_plan(&plan, folder)?;
    Ok((plan, prices))
}

/// The prices of a directory that was begun before; fails if arguments or prices are not those that it was begun with.
fn resume(
    plan: &LocalnetPlan,
    options: &ReplayLocalnetOptions,
    folder: &Path,
) -> Result<PriceSeries> {
    let file = folder.join(PRICES_FILE);
    let unit = plan.series.unit;
    let kept = prices::read(&file, Some(unit))?;
    if kept.sha256() != plan.prices.sha256 {
        bail!(
            "{} is not what this run was begun with: choose another --data",
            file.display()
        );
    }
    let read_given = |file| prices::read(file, options.unit.or(Some(unit)));
    let given = options.prices.as_deref().map(read_given).transpose()?;
    let given = given.as_ref().unwrap_or(&kept);
    manifest::check_unchanged(plan, &options.args, given, folder)?;
    Ok(kept)
}
