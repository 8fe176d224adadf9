//! The arguments of `validator simulate-policy`.

use std::path::PathBuf;

use clap::Args;
use foretell_cli::time_text;
use foretell_core::time::UnixMillis;
use foretell_evaluation::policy::PolicyName;

use crate::cli::policy_arg::policy_name;

/// Try the pay rule on a population of real forecasters, with one attacker at a time.
///
/// Sixteen forecasters (5 good, 2 middling, 2 that only fatten tails, 7 without skill) learn from the prices and answer
/// every round of a season; a seventeenth is honest in one world and attacks in another. The rule is the one that pays
/// live, and so is its code. Seasons start evenly over the span, from 90 days after the first price at the earliest.
///
/// Example: validator simulate-policy --prices BTCUSD_5m_2023.parquet BTCUSD_5m_2024.parquet --starts 12 --seeds 10
#[derive(Debug, Args)]
pub struct SimulatePolicyArgs {
    /// Price files (.csv or .parquet), one after the other in time.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(super) prices: Vec<PathBuf>,
    /// First season starts here: RFC 3339 or unix milliseconds [default: 90 days after the first price].
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    pub(super) from: Option<UnixMillis>,
    /// Last season ends by then [default: the last price].
    #[arg(long, value_name = "T", value_parser = time_text::parse_time)]
    pub(super) to: Option<UnixMillis>,
    /// Number of starts.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) starts: u16,
    /// Seeds of chance for each start.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) seeds: u16,
    /// Length of a season in days.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(6..))]
    pub(super) days: u16,
    /// Only these attacks, by the names that the table gives them [default: all].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) attack: Vec<String>,
    /// Pay by these policies, side by side.
    #[arg(long, value_name = "POLICY", value_delimiter = ',', value_parser = policy_name(), default_values = ["evidence", "taoshi", "increments"])]
    pub(super) policy: Vec<PolicyName>,
    /// Other numbers of standard errors that a mean advantage counts less, z; several are set side by side [default:
    /// the rules'].
    #[arg(long, value_name = "Z", value_delimiter = ',', value_parser = parse_strength)]
    pub(super) standard_errors: Vec<f64>,
    /// Other strengths of evening everybody, ρ; several are set side by side [default: the rules'].
    #[arg(long, value_name = "RHO", value_delimiter = ',', value_parser = parse_strength)]
    pub(super) ridge: Vec<f64>,
    /// Other strengths of evening those alike, κ; several are set side by side [default: the rules'].
    #[arg(long, value_name = "KAPPA", value_delimiter = ',', value_parser = parse_strength)]
    pub(super) kin: Vec<f64>,
    /// Instead of seasons: how often those whose true advantage is zero are eligible.
    #[arg(long, conflicts_with_all = ["starts", "seeds", "days", "attack", "policy", "ridge", "kin"])]
    pub(super) luck: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Parses the strength of a term of the fit: finite, and not negative.
fn parse_strength(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err("expected a finite number, 0 or more".to_owned())
    }
}
