//! Price and forecasts files: CSV as text, and whole files of any format, compressed or not.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, process, thread};

use foretell_core::time::Millis;
use foretell_data::forecasts::ForecastFiles;
use foretell_data::prices;
use foretell_service::run::value_source::parse_values;

/// What a file may be called; the first byte of an input chooses.
const EXTENSIONS: [&str; 6] = ["csv", "parquet", "csv.gz", "csv.zst", "parquet.gz", "table"];

/// A price file in CSV reads the same once it is written again, and has no more bars than bytes.
pub fn price_csv(bytes: &[u8]) {
    let name = Path::new("prices.csv");
    let series = match prices::parse_csv(name, bytes, None) {
        Ok(series) => series,
        Err(error) => {
            assert!(error.to_string().len() <= 2048, "{error}");
            return;
        }
    };
    assert!(series.bars().len() <= bytes.len());
    let mut printed = "open_time_ms,open,high,low,close,volume\n".to_owned();
    for bar in series.bars() {
        let (time, volume) = (bar.open_time, bar.volume);
        let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close];
        writeln!(printed, "{time},{open},{high},{low},{close},{volume}").expect("memory is there");
    }
    let again = prices::parse_csv(name, printed.as_bytes(), Some(series.unit()));
    assert_eq!(again.expect("our own file is one").bars(), series.bars());
}

/// A table of values, a row a minute.
pub fn value_table(bytes: &[u8]) {
    if let Ok(values) = parse_values(Path::new("values.csv"), bytes, Millis::minutes(1)) {
        assert!(values.len() <= bytes.len());
    }
}

/// A price file of any format.
pub fn price_file(bytes: &[u8]) {
    if let Some(file) = ScratchFile::of(bytes) {
        match prices::read(&file.0, None) {
            Ok(series) => assert!(!series.bars().is_empty()),
            Err(error) => assert!(error.to_string().len() <= 2048, "{error}"),
        }
    }
}

/// A forecasts file of any format, read to its end or its first fault.
pub fn forecast_file(bytes: &[u8]) {
    let Some(file) = ScratchFile::of(bytes) else {
        return;
    };
    let Ok(files) = ForecastFiles::open(std::slice::from_ref(&file.0), &[]) else {
        return;
    };
    let origins = files.origins();
    let Ok(mut rounds) = files.rounds() else {
        return;
    };
    let mut last = None;
    loop {
        match rounds.next_round() {
            Ok(Some(round)) => {
                assert!(last < Some(round.origin), "{:?}", round.origin);
                last = Some(round.origin);
                for forecast in &round.forecasts {
                    assert!(!forecast.miner().is_empty());
                    let _ = (forecast.owner(), forecast.k(), forecast.position());
                    let _ = forecast.values();
                }
            }
            Ok(None) => break,
            Err(error) => {
                assert!(error.to_string().len() <= 2048, "{error}");
                return;
            }
        }
    }
    let origins = origins.expect("a file that can be read has origins");
    assert_eq!(origins.last().copied(), last);
}

/// A file of this thread's, whose name is chosen by the first byte; it is gone once it is dropped.
struct ScratchFile(PathBuf);

impl ScratchFile {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (first, content) = bytes.split_first()?;
        let extension = EXTENSIONS[usize::from(*first) % EXTENSIONS.len()];
        let (process, thread) = (process::id(), thread::current().id());
        let name = format!("foretell-fuzz-{process}-{thread:?}.{extension}");
        let file = Self(env::temp_dir().join(name));
        fs::write(&file.0, content).expect("the folder of temporary files can be written");
        Some(file)
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // What is left behind is overwritten or harmless.
        let _ = fs::remove_file(&self.0);
    }
}
