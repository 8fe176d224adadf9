//! One file or URL of values: the prices of a series that no exchange trades.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use foretell_core::price::Price;
use foretell_core::series::Unit;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::RestClient;
use tokio::io::AsyncReadExt;

/// Longest file of values: ten years of them every five minutes have some 30 MB.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A table `open_time_ms,value` in a file or at a URL, that grows by a row a step.
#[derive(Debug)]
pub struct ValueSource {
    location: ValueLocation,
    step: Millis,
    unit: Unit,
}

#[derive(Debug)]
enum ValueLocation {
    File(PathBuf),
    Url(RestClient, String),
}

impl ValueSource {
    /// The table in this file, a row every `step`, of values that this unit admits.
    pub const fn from_file(path: PathBuf, step: Millis, unit: Unit) -> Self {
        Self {
            location: ValueLocation::File(path),
            step,
            unit,
        }
    }

    /// The table at this address, asked for by `rest`, a row every `step`, of values that this unit admits.
    pub const fn from_url(rest: RestClient, url: String, step: Millis, unit: Unit) -> Self {
        Self {
            location: ValueLocation::Url(rest, url),
            step,
            unit,
        }
    }

    /// All values that it has, by the end of their step.
    ///
    /// # Errors
    /// It can't be read, is no such table, has another step, or holds a value that the unit doesn't admit.
    pub async fn read(&self) -> Result<BTreeMap<UnixMillis, Price>> {
        let (name, text) = match &self.location {
            ValueLocation::File(path) => (path.clone(), read_file(path).await?),
            ValueLocation::Url(rest, url) => (
                PathBuf::from(url),
                rest.get_bytes("the source of values", url).await?,
            ),
        };
        let values = parse_values(&name, &text, self.step)?;
        check_unit(&name, &text, &values, self.step, self.unit)?;
        Ok(values)
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

/// The bytes of a file of values.
async fn read_file(path: &Path) -> Result<Vec<u8>> {
    let unreadable = || format!("can't read {}", path.display());
    let file = tokio::fs::File::open(path).await.with_context(unreadable)?;
    let mut text = Vec::new();
    let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text).await;
    read.with_context(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        bail!(
            "{} has more than {MAX_FILE_BYTES} bytes; keep the last years only",
            path.display()
        );
    }
    Ok(text)
}

/// The values in a table of `open_time_ms,value`, which errors call `name`, by the end of their step.
///
/// # Errors
/// It is no such table, or has another step.
pub fn parse_values(name: &Path, text: &[u8], step: Millis) -> Result<BTreeMap<UnixMillis, Price>> {
    let series = foretell_data::prices::parse_csv(name, text, Some(Unit::Value))?;
    if series.step() != step {
        bail!(
            "{} has a value every {}, but series.step_ms is {}: set it to the file's step",
            name.display(),
            seconds(series.step()),
            step.get()
        );
    }
    let values = series
        .bars()
        .iter()
        .map(|bar| (bar.close_time(step), bar.close));
    Ok(values.collect())
}

/// A span in seconds, or in milliseconds where it is shorter.
fn seconds(span: Millis) -> String {
    match span.get() % 1000 {
        0 => format!("{} s", span.get() / 1000),
        _ => span.to_string(),
    }
}

/// An error at the first value that has no move in this unit.
fn check_unit(
    name: &Path,
    text: &[u8],
    values: &BTreeMap<UnixMillis, Price>,
    step: Millis,
    unit: Unit,
) -> Result<()> {
    let Some((end, value)) = values.iter().find(|(_, value)| !unit.admits(value.get())) else {
        return Ok(());
    };
    let time = *end - step;
    let place = line_of(text, time).map_or_else(String::new, |line| format!(", line {line}"));
    bail!(
        "{}{place}, open_time_ms {time}: found {value}, but series.unit is log_price, whose values are above 0; \
         leave the row out (a missing row is a gap), or set series.unit to value",
        name.display()
    )
}

/// The number of the line that has this open time in a cell.
fn line_of(text: &[u8], time: UnixMillis) -> Option<usize> {
    let time = time.to_string();
    let has_time = |line: &[u8]| {
        let mut cells = line.split(|byte| *byte == b',');
        cells.any(|cell| cell.trim_ascii() == time.as_bytes())
    };
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.position(has_time).map(|before| before + 1)
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

    /// The error of a table of values, an hour apart, of a series of prices.
    async fn error_of(rows: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, format!("open_time_ms,value\n{rows}")).unwrap();
        let source = ValueSource::from_file(path, Millis::hours(1), Unit::LogPrice);
        let error = source.read().await.unwrap_err();
        format!("{error:#}").replace(&folder.path().display().to_string(), "")
    }

    #[tokio::test]
    async fn rows_that_cannot_be_meant_are_refused_with_their_line_and_the_cure() {
        let first = "1704067200000,1\n1704070800000,2\n";
        for (rows, parts) in [
            (
                format!("{first}1704074400000,0\n"),
                ["t.csv, line 4", "found 0", "leave the row out"],
            ),
            (
                format!("{first}\r\n1704074400000, -3.5\r\n"),
                ["t.csv, line 5", "found -3.5", "set series.unit to value"],
            ),
            (
                format!("{first}1704074400000,NaN\n"),
                ["t.csv, line 4", "not finite", "leave the whole row out"],
            ),
            (
                format!("{first}1704074400000,inf\n"),
                ["t.csv, line 4", "not finite", "leave the whole row out"],
            ),
            (
                format!("{first}1704070800000,3\n"),
                ["t.csv, line 4", "is there twice", "remove one"],
            ),
            (
                format!("1704074400000,3\n{first}"),
                ["t.csv, line 3", "which is later", "sort the rows"],
            ),
            (
                "1704067200,1\n1704070800,2\n".into(),
                [
                    "t.csv, line 2",
                    "looks like seconds",
                    "write unix milliseconds",
                ],
            ),
            (
                "1704067200000000,1\n1704070800000000,2\n".into(),
                [
                    "t.csv, line 2",
                    "looks like microseconds",
                    "write unix milliseconds",
                ],
            ),
        ] {
            let error = error_of(&rows).await;
            for part in parts {
                assert!(error.contains(part), "{rows:?}: {error}");
            }
        }
    }

    #[tokio::test]
    async fn values_below_zero_are_fine_where_the_unit_admits_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(
            &path,
            "open_time_ms,value\n1704067200000,-1\n1704070800000,0\n",
        )
        .unwrap();
        let source = ValueSource::from_file(path, Millis::hours(1), Unit::Value);
        assert_eq!(source.read().await.unwrap().len(), 2);
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
