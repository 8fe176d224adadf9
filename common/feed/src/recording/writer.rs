//! Writes frames and answers to hourly files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use foretell_core::time::UnixMillis;
use zstd::Encoder;

use super::entry::{RecordingContent, RecordingEntry};
use super::error::{RecordingError, io_error};
use super::layout::FILE_SUFFIX;
use super::line::RecordingLine;

const NS_PER_MS: i64 = 1_000_000;
const NS_PER_HOUR: i64 = 3_600_000 * NS_PER_MS;
/// The longest that an entry stays unflushed while more entries come.
const FLUSH_EVERY_NS: i64 = 10_000 * NS_PER_MS;
/// Text compresses to about an eighth at this level, at some 200 MB/s.
const COMPRESSION_LEVEL: i32 = 3;

/// Writes a recording: one open file per venue, flushed every ten seconds at the latest while entries come.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    files: BTreeMap<String, HourFile>,
    last_ns: i64,
}

/// The file of a venue's hour.
struct HourFile {
    hour_number: i64,
    path: PathBuf,
    encoder: Encoder<'static, File>,
    flushed_ns: i64,
}

impl Recorder {
    /// A recording in this folder, which is made if need be. Files that are there already are kept.
    pub fn new(folder: &Path) -> Result<Self, RecordingError> {
        fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            files: BTreeMap::new(),
            last_ns: i64::MIN,
        })
    }

    /// Writes what came from a venue at `received`, and returns the entry as a replay will give it.
    pub fn write(
        &mut self,
        venue: &str,
        received: UnixMillis,
        content: RecordingContent,
    ) -> Result<RecordingEntry, RecordingError> {
        let recv_ns =
            (received.get().saturating_mul(NS_PER_MS)).max(self.last_ns.saturating_add(1));
        self.last_ns = recv_ns;
        let hour_number = recv_ns.div_euclid(NS_PER_HOUR);
        if self
            .files
            .get(venue)
            .is_none_or(|hour| hour.hour_number != hour_number)
        {
            if let Some(finished_hour) = self.files.remove(venue) {
                finished_hour.finish()?;
            }
            let hour = HourFile::create(&self.folder.join(venue), hour_number, recv_ns)?;
            self.files.insert(venue.to_owned(), hour);
        }
        if let Some(file) = self.files.get_mut(venue) {
            file.write_line(recv_ns, &content)?;
        }
        Ok(RecordingEntry {
            venue: venue.to_owned(),
            recv_ns,
            content,
        })
    }

    /// Completes and closes every file.
    pub fn finish(self) -> Result<(), RecordingError> {
        self.files.into_values().try_for_each(HourFile::finish)
    }
}

impl HourFile {
    /// A new file for this hour; a recorder that was stopped within the hour has left others.
    fn create(folder: &Path, hour_number: i64, recv_ns: i64) -> Result<Self, RecordingError> {
        fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
        let start = jiff::Timestamp::from_second(hour_number.saturating_mul(3600));
        let start = start.map_or_else(
            |_| "unknown".into(),
            |t| t.strftime("%Y-%m-%dT%H").to_string(),
        );
        let mut part = 0;
        loop {
            let path = folder.join(format!("{start}.{part:03}{FILE_SUFFIX}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let encoder =
                        Encoder::new(file, COMPRESSION_LEVEL).map_err(io_error("write", &path))?;
                    return Ok(Self {
                        hour_number,
                        path,
                        encoder,
                        flushed_ns: recv_ns,
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => part += 1,
                Err(error) => return Err(io_error("make", &path)(error)),
            }
        }
    }

    fn write_line(
        &mut self,
        recv_ns: i64,
        content: &RecordingContent,
    ) -> Result<(), RecordingError> {
        let line = RecordingLine::from_content(recv_ns, content);
        let Self { path, encoder, .. } = self;
        let write = |encoder: &mut Encoder<'_, File>| {
            serde_json::to_writer(&mut *encoder, &line)?;
            encoder.write_all(b"\n")
        };
        write(encoder).map_err(io_error("write", path))?;
        if recv_ns.saturating_sub(self.flushed_ns) >= FLUSH_EVERY_NS {
            self.flushed_ns = recv_ns;
            encoder.flush().map_err(io_error("write", path))?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), RecordingError> {
        let Self { path, encoder, .. } = self;
        encoder.finish().map(drop).map_err(io_error("write", &path))
    }
}

impl std::fmt::Debug for HourFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HourFile").field(&self.path).finish()
    }
}
