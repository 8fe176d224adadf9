//! Reads a recording back, all venues merged in the order in which they were heard.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use zstd::Decoder;

use super::writer::io as io_error;
use super::{Line, Record, RecordingError, SETTLEMENT, SUFFIX};
use crate::venue;

/// The records of one venue, file after file.
struct Records {
    venue: String,
    files: VecDeque<PathBuf>,
    open: Option<OpenFile>,
    next: Option<Record>,
}

struct OpenFile {
    path: PathBuf,
    lines: BufReader<Decoder<'static, BufReader<File>>>,
    line: u64,
}

/// Hands every record of the recording in `folder` to `on`, in the order in which they were heard. A file whose end is
/// missing, because its recorder was killed, is read as far as it goes.
pub fn frames(
    folder: &Path,
    on: &mut dyn FnMut(Record) -> Result<(), RecordingError>,
) -> Result<(), RecordingError> {
    let mut venues = Vec::new();
    for name in names(folder)? {
        let path = folder.join(&name);
        if !path.is_dir() {
            continue;
        }
        if name != SETTLEMENT {
            venue::by_name(&name).map_err(|source| RecordingError::Venue {
                path: path.clone(),
                source,
            })?;
        }
        let files = names(&path)?
            .into_iter()
            .filter(|name| name.ends_with(SUFFIX));
        let mut records = Records {
            venue: name,
            files: files.map(|file| path.join(file)).collect(),
            open: None,
            next: None,
        };
        records.advance()?;
        venues.push(records);
    }
    if venues.iter().all(|records| records.next.is_none()) {
        return Err(RecordingError::Empty(folder.to_owned()));
    }
    loop {
        let heard = |records: &&mut Records| records.next.as_ref().map_or(i64::MAX, |r| r.recv_ns);
        let Some(earliest) = venues.iter_mut().min_by_key(heard) else {
            return Ok(());
        };
        let Some(record) = earliest.next.take() else {
            return Ok(());
        };
        earliest.advance()?;
        on(record)?;
    }
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Result<Vec<String>, RecordingError> {
    let entries = fs::read_dir(folder).map_err(io_error("read the folder", folder))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names
        .collect::<io::Result<_>>()
        .map_err(io_error("read the folder", folder))?;
    names.sort_unstable();
    Ok(names)
}

impl Records {
    /// Reads the next record, if there is one.
    fn advance(&mut self) -> Result<(), RecordingError> {
        loop {
            let file = match &mut self.open {
                Some(file) => file,
                None => {
                    let Some(path) = self.files.pop_front() else {
                        return Ok(());
                    };
                    let opened = File::open(&path).and_then(Decoder::new);
                    let decoder = opened.map_err(io_error("read", &path))?;
                    self.open.insert(OpenFile {
                        path,
                        lines: BufReader::new(decoder),
                        line: 0,
                    })
                }
            };
            match file.next(&self.venue)? {
                Some(record) => {
                    self.next = Some(record);
                    return Ok(());
                }
                None => self.open = None,
            }
        }
    }
}

impl OpenFile {
    fn next(&mut self, venue: &str) -> Result<Option<Record>, RecordingError> {
        let mut text = String::new();
        match self.lines.read_line(&mut text) {
            // A last line without an end, or a frame of zstd without one: the recorder was killed.
            Ok(_) if !text.ends_with('\n') => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(io_error("read", &self.path)(error)),
        }
        self.line += 1;
        let bad = |why: String| RecordingError::Line {
            path: self.path.clone(),
            line: self.line,
            why,
        };
        let line: Line<'_> = serde_json::from_str(&text).map_err(|_| {
            bad("neither a frame, an answer, an attempt nor a mark of lost ones".into())
        })?;
        Ok(Some(line.into_record(venue)))
    }
}
