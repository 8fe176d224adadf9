//! Reads a recording back, all venues merged in the order of arrival.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use zstd::Decoder;

use super::entry::RecordingEntry;
use super::error::{RecordingError, io_error};
use super::layout::{FILE_SUFFIX, SETTLEMENT_FOLDER};
use crate::bounded_lines::{LineRead, MAX_LINE_BYTES, read_line};
use crate::venue;

/// The entries of one venue, file after file.
struct VenueReader {
    venue: String,
    files: VecDeque<PathBuf>,
    open: Option<OpenFile>,
    next: Option<RecordingEntry>,
}

struct OpenFile {
    path: PathBuf,
    lines: BufReader<Decoder<'static, BufReader<File>>>,
    line: u64,
}

/// Hands every entry of the recording in `folder` to `on`, in the order of arrival. A file whose end is missing, because
/// its recorder was killed, is read as far as it goes.
pub fn read_recording(
    folder: &Path,
    on: &mut dyn FnMut(RecordingEntry) -> Result<(), RecordingError>,
) -> Result<(), RecordingError> {
    let mut readers = Vec::new();
    for name in sorted_names(folder)? {
        let path = folder.join(&name);
        if !path.is_dir() {
            continue;
        }
        if name != SETTLEMENT_FOLDER {
            venue::by_name(&name).map_err(|source| RecordingError::Venue {
                path: path.clone(),
                source,
            })?;
        }
        let files = sorted_names(&path)?
            .into_iter()
            .filter(|name| name.ends_with(FILE_SUFFIX));
        let mut reader = VenueReader {
            venue: name,
            files: files.map(|file| path.join(file)).collect(),
            open: None,
            next: None,
        };
        reader.advance()?;
        readers.push(reader);
    }
    if readers.iter().all(|reader| reader.next.is_none()) {
        return Err(RecordingError::Empty(folder.to_owned()));
    }
    loop {
        let received_at =
            |reader: &&mut VenueReader| reader.next.as_ref().map_or(i64::MAX, |r| r.recv_ns);
        let Some(earliest) = readers.iter_mut().min_by_key(received_at) else {
            return Ok(());
        };
        let Some(entry) = earliest.next.take() else {
            return Ok(());
        };
        earliest.advance()?;
        on(entry)?;
    }
}

/// The names in a folder, in order.
fn sorted_names(folder: &Path) -> Result<Vec<String>, RecordingError> {
    let entries = fs::read_dir(folder).map_err(io_error("read the folder", folder))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names
        .collect::<io::Result<_>>()
        .map_err(io_error("read the folder", folder))?;
    names.sort_unstable();
    Ok(names)
}

impl VenueReader {
    /// Reads the next entry, if there is one.
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
                Some(entry) => {
                    self.next = Some(entry);
                    return Ok(());
                }
                None => self.open = None,
            }
        }
    }
}

impl OpenFile {
    fn next(&mut self, venue: &str) -> Result<Option<RecordingEntry>, RecordingError> {
        let mut text = Vec::new();
        let too_long = match read_line(&mut self.lines, &mut text) {
            Ok(LineRead::TooLong) => true,
            // A last line without an end, or a frame of zstd without one: the recorder was killed.
            Ok(_) if !text.ends_with(b"\n") => return Ok(None),
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(io_error("read", &self.path)(error)),
        };
        self.line += 1;
        let line_error = |why: String| RecordingError::Line {
            path: self.path.clone(),
            line: self.line,
            why,
        };
        if too_long {
            return Err(line_error(format!("more than {MAX_LINE_BYTES} bytes")));
        }
        let text = str::from_utf8(&text).map_err(|error| line_error(error.to_string()))?;
        RecordingEntry::from_line(venue, text)
            .map(Some)
            .map_err(line_error)
    }
}
