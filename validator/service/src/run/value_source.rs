//! One file or URL of values: the prices of a series that no exchange trades.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use foretell_core::price::Price;
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::RestClient;

/// A table `open_time_ms,value` in a file or at a URL, that grows by a row a step.
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

impl ValueSource {
    /// The table in this file, a row every `step`.
    pub const fn from_file(path: PathBuf, step: Millis) -> Self {
        Self {
            location: ValueLocation::File(path),
            step,
        }
    }

    /// The table at this address, asked for by `rest`, a row every `step`.
    pub const fn from_url(rest: RestClient, url: String, step: Millis) -> Self {
        Self {
            location: ValueLocation::Url(rest, url),
            step,
        }
    }

    /// All values that it has, by the end of their step.
    ///
    /// # Errors
    /// It can't be read, is no such table, or has another step.
    pub async fn read(&self) -> Result<BTreeMap<UnixMillis, Price>> {
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
        parse_values(&name, &text, self.step)
    }
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            ValueLocation::File(path) => path.display().fmt(f),
            ValueLocation::Url(_, url) => f.write_str(url),
        }
    }
}

/// The values in a table of `open_time_ms,value`, by the end of their step.
fn parse_values(name: &Path, text: &[u8], step: Millis) -> Result<BTreeMap<UnixMillis, Price>> {
    let series = foretell_data::prices::parse_csv(name, text, Some(Unit::Value))?;
    if series.step() != step {
        anyhow::bail!(
            "{} has a value every {} s, but series.step_ms is {}: set it to the file's step",
            name.display(),
            series.step().get() / 1000,
            step.get()
        );
    }
    let values = series
        .bars()
        .iter()
        .map(|bar| (bar.close_time(step), bar.close));
    Ok(values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_keyed_by_the_end_of_their_step() {
        let text = b"open_time_ms,value\n1704067200000,-3.5\n1704070800000,2\n";
        let values = parse_values(Path::new("t.csv"), text, Millis::hours(1)).unwrap();
        assert_eq!(values[&UnixMillis::literal(1_704_070_800_000)].get(), -3.5);
        assert_eq!(values[&UnixMillis::literal(1_704_074_400_000)].get(), 2.0);
    }

    #[test]
    fn another_step_than_configured_is_an_error() {
        let text = b"open_time_ms,value\n1704067200000,1\n1704070800000,2\n";
        let error = parse_values(Path::new("t.csv"), text, Millis::minutes(30)).unwrap_err();
        assert!(
            error.to_string().contains("t.csv has a value every 3600 s"),
            "{error}"
        );
    }
}
