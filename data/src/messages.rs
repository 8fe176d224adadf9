//! What people read about bad files, all of it in one place: a snapshot for each kind of file.
//!
//! `INSTA_UPDATE=always cargo test --package foretell-data messages` accepts what has changed; read it as a newcomer would.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::write::GzEncoder;
use polars::prelude::{Column, DataFrame, IntoSeries, ListChunked, NamedFrom, Series};
use polars_io::prelude::ParquetWriter;
use tempfile::TempDir;

use crate::forecasts::ForecastFiles;
use crate::prices;

const T: i64 = 1_704_067_200_000;
const BARS: &str = "open_time_ms,open,high,low,close,volume";
const VALUES: &str = "open_time_ms,value";
const FORECASTS: &str = "origin_ms,miner,step,v1,v2";

/// Files in a folder, and what is said of them.
struct Messages {
    folder: TempDir,
    text: String,
    count: usize,
}

impl Messages {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            text: String::new(),
            count: 0,
        }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn parquet(&self, name: &str, columns: Vec<Column>) -> PathBuf {
        let path = self.folder.path().join(name);
        let mut frame = DataFrame::new_infer_height(columns).unwrap();
        ParquetWriter::new(fs::File::create(&path).unwrap())
            .finish(&mut frame)
            .unwrap();
        path
    }

    /// Adds what an error and its sources say, as a command prints them; a source that says again what stands there fails.
    fn add(&mut self, case: &str, error: &dyn Error) {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let more = cause.to_string();
            assert!(
                !message.contains(&more),
                "said twice: {message:?}, {more:?}"
            );
            message = format!("{message}: {more}");
            source = cause.source();
        }
        let folder = format!("{}/", self.folder.path().display());
        let message = message
            .replace(&folder, "")
            .replace(self.folder.path().to_str().unwrap(), "FOLDER");
        assert!(!message.chars().any(char::is_control), "{message:?}");
        self.text += &format!("{case}\n  {message}\n");
        self.count += 1;
    }

    fn prices(&mut self, case: &str, files: &[PathBuf]) {
        match prices::read_all(files, None) {
            Ok(_) => panic!("{case}: no error"),
            Err(error) => self.add(case, &error),
        }
    }

    fn price_csv(&mut self, case: &str, bytes: impl AsRef<[u8]>) {
        let file = self.write("p.csv", bytes);
        self.prices(case, &[file]);
    }

    fn price_parquet(&mut self, case: &str, columns: Vec<Column>) {
        let file = self.parquet("p.parquet", columns);
        self.prices(case, &[file]);
    }

    fn forecasts(&mut self, case: &str, files: &[PathBuf]) {
        let read = || -> Result<(), crate::forecasts::ForecastFileError> {
            let files = ForecastFiles::open(files, &[])?;
            files.origins()?;
            let mut rounds = files.rounds()?;
            while rounds.next_round()?.is_some() {}
            Ok(())
        };
        match read() {
            Ok(()) => panic!("{case}: no error"),
            Err(error) => self.add(case, &error),
        }
    }

    fn forecast_csv(&mut self, case: &str, bytes: impl AsRef<[u8]>) {
        let file = self.write("f.csv", bytes);
        self.forecasts(case, &[file]);
    }

    fn forecast_parquet(&mut self, case: &str, columns: Vec<Column>) {
        let file = self.parquet("f.parquet", columns);
        self.forecasts(case, &[file]);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn column(series: Series, name: &str) -> Column {
    series.with_name(name.into()).into()
}

/// Times and values of a price file, in columns of any type.
fn value_columns(times: Series, values: Series) -> Vec<Column> {
    vec![column(times, "open_time_ms"), column(values, "value")]
}

fn times() -> Series {
    Series::new("".into(), [T, T + 300_000])
}

/// The columns of a forecasts file of one row.
fn forecast_columns(origin: Series, miner: &str, kind: &str, k: Series) -> Vec<Column> {
    let values: ListChunked = [Some(Series::new("".into(), [1.0, 2.0]))]
        .into_iter()
        .collect();
    vec![
        column(origin, "origin_ms"),
        column(Series::new("".into(), [miner]), "miner"),
        column(Series::new("".into(), [kind]), "kind"),
        column(k, "k"),
        column(values.into_series(), "values"),
    ]
}

#[test]
fn messages_of_price_files() {
    let mut m = Messages::new();
    let bar = |time: i64, rest: &str| format!("{BARS}\n{T},2,3,1,2,5\n{time},{rest}\n");
    let next = T + 300_000;
    let value = |time: &str, cell: &str| format!("{VALUES}\n{T},1\n{time},{cell}\n");

    m.prices("no file", &[]);
    let (missing, folder) = (m.folder.path().join("none.csv"), m.folder.path().to_owned());
    m.prices("a path without a file", &[missing]);
    m.prices("a folder", &[folder]);
    m.prices(
        "standard input twice",
        &[PathBuf::from("-"), PathBuf::from("-")],
    );
    let other = m.write("p.txt", "open_time_ms,value\n");
    m.prices("another extension", &[other]);
    let spreadsheet = m.write("p.xlsx", b"PK\x03\x04");
    m.prices("a spreadsheet", &[spreadsheet]);
    m.price_csv("JSON", "[{\"open_time_ms\": 1}]");
    m.price_csv("an empty file", "");
    m.price_csv("a header without rows", format!("{VALUES}\n"));
    m.price_csv("one row", format!("{VALUES}\n{T},1\n"));
    m.price_csv("no header", format!("{T},1\n{next},2\n"));
    m.price_csv("semicolons", format!("open_time_ms;value\n{T};1\n"));
    m.price_csv(
        "capitals",
        format!("Open_Time,Open,High,Low,Close,Volume\n{T},1,1,1,1,1\n"),
    );
    m.price_csv("a column twice", "open_time_ms,value,value\n");
    m.price_csv(
        "a hundred other columns",
        (0..100).map(|i| format!("c{i},")).collect::<String>(),
    );
    m.price_csv("UTF-16", [0xff, 0xfe, b'o', 0]);
    m.price_csv(
        "bytes that are no text",
        b"open_time_ms,value\n1704067200000,\xff\n",
    );
    m.price_csv("a row too long", bar(next, "2,3,1,2,5,6"));
    m.price_csv(
        "a quote that is left open",
        format!("{VALUES}\n{T},\"1\n")
            .into_bytes()
            .into_iter()
            .chain(std::iter::repeat_n(b'\n', 2 << 20))
            .collect::<Vec<u8>>(),
    );
    m.price_csv("an empty cell", value(&next.to_string(), ""));
    m.price_csv("a word", value(&next.to_string(), "n/a"));
    m.price_csv("terminal codes", value(&next.to_string(), "\u{1b}[2J1"));
    m.price_csv("a decimal comma", value(&next.to_string(), "\"42397,23\""));
    m.price_csv("NaN", value(&next.to_string(), "NaN"));
    m.price_csv("beyond any double", value(&next.to_string(), "1e309"));
    m.price_csv("a date", value("2024-01-01", "1"));
    m.price_csv("seconds", value("1704067500", "1"));
    m.price_csv("microseconds", value("1704067500000000", "1"));
    m.price_csv("nanoseconds", value("1704067500000000000", "1"));
    m.price_csv("days", value("19723", "1"));
    m.price_csv("digits of a date", value("20240101", "1"));
    m.price_csv("the year 3000", value("32503680000000", "1"));
    m.price_csv(
        "rows in CRLF, out of order",
        format!("{VALUES}\r\n\r\n{next},1\r\n{T},1\r\n"),
    );
    m.price_csv("a row twice", value(&T.to_string(), "1"));
    m.price_csv(
        "off the grid",
        format!(
            "{VALUES}\n{T},1\n{next},2\n{},3\n{},4\n",
            next + 300_000,
            next + 300_001
        ),
    );
    m.price_csv("a price of zero", bar(next, "2,3,0,2,5"));
    m.price_csv("a low above the close", bar(next, "2,3,2,1,5"));
    m.price_csv("a high below the open", bar(next, "2,1,1,1,5"));
    m.price_csv("a negative volume", bar(next, "2,3,1,2,-5"));
    m.price_csv("one volume of many missing", bar(next, "2,3,1,2,"));
    let rows: String = (0..5000)
        .map(|i| format!("{},{i}\n", T + i * 300_000))
        .collect();
    let packed = gzip(format!("{VALUES}\n{rows}").as_bytes());
    let cut = m.write("cut.csv.gz", &packed[..packed.len() - 100]);
    m.prices("gzip that is cut", &[cut]);

    let not_parquet = m.write("not.parquet", "open_time_ms,value\n");
    m.prices("CSV called Parquet", &[not_parquet]);
    m.price_parquet(
        "Parquet: text for numbers",
        value_columns(times(), Series::new("".into(), ["1", "2"])),
    );
    m.price_parquet(
        "Parquet: floats for times",
        value_columns(Series::new("".into(), [1.0, 2.0]), times()),
    );
    m.price_parquet(
        "Parquet: a null",
        value_columns(times(), Series::new("".into(), [Some(1.0), None])),
    );
    m.price_parquet(
        "Parquet: seconds",
        value_columns(Series::new("".into(), [T / 1000, T / 1000 + 300]), times()),
    );
    m.price_parquet(
        "Parquet: an integer that no double holds",
        value_columns(times(), Series::new("".into(), [1_i64, (1 << 53) + 1])),
    );

    let first = m.write("a.csv", format!("{VALUES}\n{T},1\n{next},2\n"));
    let second = m.write(
        "b.csv",
        format!("{VALUES}\n{next},2.5\n{},3\n", next + 300_000),
    );
    m.prices("files that disagree", &[first.clone(), second]);
    let hourly = m.write("h.csv", format!("{VALUES}\n{T},1\n{},2\n", T + 3_600_000));
    m.prices("files of two steps", &[first.clone(), hourly]);
    let shifted = m.write(
        "s.csv",
        format!("{VALUES}\n{},1\n{},2\n", T + 60_000, T + 360_000),
    );
    m.prices("files of two phases", &[first.clone(), shifted]);
    let bars = m.write("p.csv", bar(next, "2,3,1,2,5"));
    m.prices("prices beside values", &[first, bars]);

    insta::assert_snapshot!("price_files", m.text);
    assert!(m.count >= 50, "{}", m.count);
}

#[test]
fn messages_of_forecasts_files() {
    let mut m = Messages::new();
    let one = |line: &str| format!("{FORECASTS}\n{line}\n");
    let origin = || Series::new("".into(), [T]);
    let k = || Series::new("".into(), [2_u32]);

    let (missing, folder) = (
        m.folder.path().join("none.parquet"),
        m.folder.path().to_owned(),
    );
    m.forecasts("a path without a file", &[missing]);
    m.forecasts("a folder", &[folder]);
    m.forecast_csv("an empty file", "");
    m.forecast_csv("a header without rows", format!("{FORECASTS}\n"));
    m.forecast_csv(
        "tabs",
        format!("origin_ms\tminer\tstep\tv1\n{T}\ta\t1\t5\n"),
    );
    m.forecast_csv("columns that are missing", "origin,miner,v1\n");
    m.forecast_csv("a column twice", "origin_ms,miner,step,v1,v1\n");
    m.forecast_csv("values from v0", "origin_ms,miner,step,v0,v1,v2\n");
    m.forecast_csv("values with a hole", "origin_ms,miner,step,v1,v3\n");
    m.forecast_csv("values in two digits", "origin_ms,miner,step,v01\n");
    m.forecast_csv("no values", "origin_ms,miner,step,q1\n");
    m.forecast_csv("a row too short", one(&format!("{T},a,1,5")));
    m.forecast_csv("an origin in words", one("today,a,1,5,6"));
    m.forecast_csv(
        "an origin in seconds",
        one(&format!("{},a,1,5,6", T / 1000)),
    );
    m.forecast_csv(
        "an origin in microseconds",
        one(&format!("{},a,1,5,6", T * 1000)),
    );
    m.forecast_csv("a step in words", one(&format!("{T},a,first,5,6")));
    m.forecast_csv("step 0", one(&format!("{T},a,0,5,6")));
    m.forecast_csv("step 2 first", one(&format!("{T},a,2,5,6")));
    m.forecast_csv("a step twice", one(&format!("{T},a,1,5,6\n{T},a,1,5,6")));
    m.forecast_csv(
        "a word for a value",
        format!("{FORECASTS}\r\n\r\n{T},a,1,5,abc\r\n"),
    );
    m.forecast_csv("a hole among the values", one(&format!("{T},a,1,,6")));
    m.forecast_csv("no name", one(&format!("{T},,1,5,6")));
    m.forecast_csv("a row of our own", one(&format!("{T},reference,1,5,6")));
    m.forecast_csv(
        "terminal codes for a name",
        one(&format!("{T},a\u{1b}[2J,1,5,6")),
    );
    m.forecast_csv(
        "a long name",
        one(&format!("{T},{},1,5,6", "x".repeat(101))),
    );
    m.forecast_csv(
        "a forecast twice",
        one(&format!("{T},a,1,5,6\n{T},b,1,5,6\n{T},a,1,5,6")),
    );
    m.forecast_csv(
        "origins out of order",
        one(&format!("{T},a,1,5,6\n{},a,1,5,6", T - 300_000)),
    );
    let again = m.write("again.csv", one(&format!("{T},a,1,5,6")));
    m.forecasts("a forecast in two files", &[again.clone(), again]);

    let not_parquet = m.write("not.parquet", "PAR1 and nothing more");
    m.forecasts("Parquet that is cut", &[not_parquet]);
    let mut fewer = forecast_columns(origin(), "a", "paths", k());
    fewer.remove(3);
    m.forecast_parquet("Parquet: a column that is missing", fewer);
    m.forecast_parquet(
        "Parquet: floats for origins",
        forecast_columns(Series::new("".into(), [T as f64]), "a", "paths", k()),
    );
    m.forecast_parquet(
        "Parquet: an origin in nanoseconds",
        forecast_columns(Series::new("".into(), [T * 1_000_000]), "a", "paths", k()),
    );
    m.forecast_parquet(
        "Parquet: a null for an origin",
        forecast_columns(Series::new("".into(), [None::<i64>]), "a", "paths", k()),
    );
    m.forecast_parquet(
        "Parquet: a negative k",
        forecast_columns(origin(), "a", "paths", Series::new("".into(), [-2])),
    );
    m.forecast_parquet(
        "Parquet: another kind",
        forecast_columns(origin(), "a", "intervals", k()),
    );
    m.forecast_parquet(
        "Parquet: a row of our own",
        forecast_columns(origin(), "consensus", "paths", k()),
    );
    let mut owned = forecast_columns(origin(), "a", "paths", k());
    owned.push(column(Series::new("".into(), [7_i64]), "owner"));
    m.forecast_parquet("Parquet: numbers for owners", owned);
    let mut scalar = forecast_columns(origin(), "a", "paths", k());
    scalar[4] = column(Series::new("".into(), [1.0]), "values");
    m.forecast_parquet("Parquet: one value for a list", scalar);

    insta::assert_snapshot!("forecasts_files", m.text);
    assert!(m.count >= 35, "{}", m.count);
}

/// What a message shows of a file is short, whatever the file.
#[test]
fn messages_stay_short() {
    let mut m = Messages::new();
    m.price_csv(
        "a long cell",
        format!("{VALUES}\n{T},{}\n", "x".repeat(100_000)),
    );
    m.forecast_csv("a long header", format!("{}\n", "name,".repeat(100_000)));
    m.forecast_csv(
        "a long column",
        format!("origin_ms,miner,step,v0{}\n", "0".repeat(100_000)),
    );
    assert!(m.text.len() < 1500, "{}", m.text.len());
}
