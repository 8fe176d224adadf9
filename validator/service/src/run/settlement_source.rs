//! Where a series' prices are learnt: a quorum of venues, or one file or URL of values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use foretell_core::price::Price;
use foretell_core::rules::MinuteRules;
use foretell_core::settle::{MINUTE, PriceProvenance, settle_minute};
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::collector::{CandleCollector, CollectedCandles};
use foretell_feed::rest::RestClient;

use super::config::{PriceSourceConfig, ValidatorConfig};
use crate::rounds::PriceDecision;

/// Deadline of one request.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where prices are learnt.
#[derive(Debug)]
pub enum SettlementSource {
    /// Venues' candles, minute by minute.
    Venues(Box<CandleCollector>),
    /// Values, step by step.
    Values(ValueSource),
}

/// A file or a URL of `open_time_ms,value`.
#[derive(Debug)]
pub struct ValueSource {
    location: ValueLocation,
    step: Millis,
}

#[derive(Debug)]
enum ValueLocation {
    File(PathBuf),
    Url(RestClient, String),
}

/// What a source said.
#[derive(Debug)]
pub enum SourceResponse {
    /// Venues' candles.
    Venues(CollectedCandles),
    /// Values by the end of their step, or why there are none.
    Values(Result<BTreeMap<UnixMillis, Price>, String>),
}

/// What came of asking.
#[derive(Debug)]
pub struct DecidedPrices {
    /// Prices, and gaps.
    pub decided: Vec<PriceDecision>,
    /// What is wrong, in a line.
    pub trouble: Option<String>,
}

impl SettlementSource {
    /// The source that this configuration names.
    pub fn of(config: &ValidatorConfig) -> Result<Self> {
        let rest = RestClient::new(DEADLINE)?;
        let step = config.series.grid.step;
        Ok(match &config.prices {
            PriceSourceConfig::Venues(_) => {
                let markets = config.markets()?;
                let rules = config.rules().rules().minute;
                let collector = CandleCollector::new(rest, rules, markets.venues, markets.usdt_usd);
                Self::Venues(Box::new(collector))
            }
            PriceSourceConfig::File { path } => Self::Values(ValueSource {
                location: ValueLocation::File(path.clone()),
                step,
            }),
            PriceSourceConfig::Url { url } => Self::Values(ValueSource {
                location: ValueLocation::Url(rest, url.clone()),
                step,
            }),
        })
    }

    /// What it says of these instants, oldest first, at `now`.
    pub async fn ask(&self, instants: &[UnixMillis], now: UnixMillis) -> SourceResponse {
        match self {
            Self::Venues(collector) => {
                let first = instants.first().map_or(now, |instant| *instant - MINUTE);
                let last = instants.last().map_or(now, |instant| *instant - MINUTE);
                SourceResponse::Venues(collector.collect(first, last, now).await)
            }
            Self::Values(values) => {
                let read = values.read().await;
                SourceResponse::Values(read.map_err(|error| format!("{error:#}")))
            }
        }
    }

    /// What it is, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Venues(collector) => collector.market_names().join(", "),
            Self::Values(ValueSource { location, .. }) => match location {
                ValueLocation::File(path) => path.display().to_string(),
                ValueLocation::Url(_, url) => url.clone(),
            },
        }
    }
}

impl ValueSource {
    /// All values that it has, by the end of their step.
    async fn read(&self) -> Result<BTreeMap<UnixMillis, Price>> {
        let (name, text) = match &self.location {
            ValueLocation::File(path) => {
                let text = tokio::fs::read(path).await;
                let text = text.with_context(|| format!("can't read {}", path.display()))?;
                (path.clone(), text)
            }
            ValueLocation::Url(rest, url) => (
                PathBuf::from(url),
                rest.get_bytes("the source of values", url).await?,
            ),
        };
        values(&name, &text, self.step)
    }
}

/// The values in a table of `open_time_ms,value`, by the end of their step.
fn values(name: &Path, text: &[u8], step: Millis) -> Result<BTreeMap<UnixMillis, Price>> {
    let series = foretell_data::prices::parse_csv(name, text)?;
    if series.step() != step {
        anyhow::bail!(
            "{} has a value every {} s, but series.step_ms is {}: set it to the file's step",
            name.display(),
            series.step().0 / 1000,
            step.0
        );
    }
    let values = series
        .bars()
        .iter()
        .map(|bar| (bar.close_time(step), bar.close));
    Ok(values.collect())
}

impl SourceResponse {
    /// What this response decides of these instants: prices, and gaps where the attempt was the last. What it doesn't
    /// decide is tried again.
    ///
    /// # Errors
    /// Nobody could be reached, so that nothing was learnt; in words.
    pub fn decide(
        &self,
        instants: &[UnixMillis],
        is_last: impl Fn(UnixMillis) -> bool,
        rules: &MinuteRules,
    ) -> Result<DecidedPrices, String> {
        let found: Vec<PriceDecision> = match self {
            Self::Venues(collected) if !collected.reached_any_venue() => {
                return Err("no exchange can be reached: check the network".into());
            }
            Self::Values(Err(why)) => return Err(why.clone()),
            Self::Venues(collected) => instants
                .iter()
                .map(|instant| {
                    let inputs = collected.inputs(*instant - MINUTE);
                    let decision = settle_minute(&inputs, rules);
                    PriceDecision::from_venues(*instant, &inputs, decision)
                })
                .collect(),
            Self::Values(Ok(values)) => instants
                .iter()
                .map(|instant| PriceDecision::from_source(*instant, values.get(instant).copied()))
                .collect(),
        };
        let is_final =
            |decided: &PriceDecision| decided.price.is_some() || is_last(decided.instant);
        let (decided, waiting): (Vec<_>, Vec<_>) = found.into_iter().partition(is_final);
        let mut troubles = match self {
            Self::Venues(collected) => collected.failures(),
            Self::Values(_) => Vec::new(),
        };
        troubles.extend(waiting.last().map(why_waiting));
        let trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
        Ok(DecidedPrices { decided, trouble })
    }
}

/// Why the newest price is not there yet.
fn why_waiting(waiting: &PriceDecision) -> String {
    match &waiting.provenance {
        PriceProvenance::Venues { gap: Some(gap), .. } => format!("no price yet: {gap}"),
        PriceProvenance::Venues { .. } | PriceProvenance::Source => {
            "the newest value isn't there yet".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_end_of_their_step() {
        let text = b"open_time_ms,value\n0,-3.5\n3600000,2\n";
        let values = values(Path::new("t.csv"), text, Millis::hours(1)).unwrap();
        assert_eq!(values[&UnixMillis(3_600_000)].get(), -3.5);
        assert_eq!(values[&UnixMillis(7_200_000)].get(), 2.0);
    }

    #[test]
    fn another_step_than_configured_is_said() {
        let text = b"open_time_ms,value\n0,1\n3600000,2\n";
        let error = values(Path::new("t.csv"), text, Millis::minutes(30)).unwrap_err();
        assert!(
            error.to_string().contains("t.csv has a value every 3600 s"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_value_is_a_gap_only_after_the_last_attempt() {
        let known = BTreeMap::from([(UnixMillis(60_000), Price::new(1.0).unwrap())]);
        let response = SourceResponse::Values(Ok(known));
        let rules = foretell_core::rules::RulesVersion::V1.rules().minute;
        let instants = [UnixMillis(60_000), UnixMillis(120_000)];
        let early = response.decide(&instants, |_| false, &rules).unwrap();
        assert_eq!(early.decided.len(), 1);
        assert_eq!(
            early.trouble.as_deref(),
            Some("the newest value isn't there yet")
        );
        let last = response.decide(&instants, |_| true, &rules).unwrap();
        assert_eq!((last.decided[1].price, last.trouble), (None, None));
    }
}
