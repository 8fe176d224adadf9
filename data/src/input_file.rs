//! A file as a command names it: on disk, compressed or not, a pipe, or `-` for standard input.
//!
//! Compression is told from the content, never from the name. What can't be read twice or at any place (a pipe, a
//! compressed Parquet file) is copied into an unnamed temporary file first, so that everything above reads files.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use thiserror::Error;
use zstd::stream::read::Decoder as ZstdDecoder;

/// How a command names standard input.
const STDIN: &str = "-";
/// Most bytes that are copied into a temporary file.
const MAX_COPIED: u64 = 16 << 30;
/// Bytes of the content that its format is told from.
const SNIFFED: usize = 512;
/// Largest window that a zstd file may ask memory for, as a power of two: 128 MiB, what `zstd --long` needs.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// An open file. A clone reads the same file, from its own place.
#[derive(Debug, Clone)]
pub(crate) struct InputFile {
    path: PathBuf,
    file: Arc<File>,
    compression: Option<Compression>,
    format: FileFormat,
}

/// How the rows of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Csv,
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
}

/// Why a file can't be opened or read, whatever it should hold; the text ends with the cure.
#[derive(Debug, Error)]
pub enum InputFault {
    /// There is no file of this name.
    #[error("no such file; check the path")]
    NotFound,
    /// The path is a directory.
    #[error("this is a directory; name one file in it")]
    Directory,
    /// Neither the name nor the content says what it is.
    #[error(
        "the format of a file is its extension; name it .csv or .parquet, with .gz or .zst behind it if it is compressed"
    )]
    Extension,
    /// A file of a known kind that is no table.
    #[error("this is {0}; export it as .csv or .parquet")]
    OtherFormat(&'static str),
    /// Standard input is named more than once.
    #[error("standard input can be read only once; give the other files by name")]
    StdinTwice,
    /// The system doesn't let us read it.
    #[error("can't be read ({0}); check its owner and permissions, and the disk")]
    Unreadable(io::Error),
    /// It ends in the middle, or isn't what its first bytes say.
    #[error("damaged {0} data ({1}); fetch or compress it again")]
    Damaged(&'static str, io::Error),
    /// More bytes than are copied into a temporary file.
    #[error("holds more than {} GiB; give it uncompressed, by name", MAX_COPIED >> 30)]
    TooLong,
}

/// Refuses standard input that is named twice: the second reader would find it empty.
pub(crate) fn check_stdin<'a>(
    files: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), InputFault> {
    let stdin = files.into_iter().filter(|file| is_stdin(file)).count();
    if stdin > 1 {
        return Err(InputFault::StdinTwice);
    }
    Ok(())
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == OsStr::new(STDIN)
}

impl InputFile {
    /// Opens a file, a pipe, or standard input (`-`).
    pub(crate) fn open(path: &Path) -> Result<Self, InputFault> {
        if is_stdin(path) {
            let copy = temporary_copy(io::stdin().lock()).map_err(CopyError::of_plain_bytes)?;
            return Self::of_copy(path, copy);
        }
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => InputFault::NotFound,
            _ => InputFault::Unreadable(error),
        })?;
        let kind = file.metadata().map_err(InputFault::Unreadable)?.file_type();
        if kind.is_dir() {
            return Err(InputFault::Directory);
        }
        if !kind.is_file() {
            let copy = temporary_copy(file).map_err(CopyError::of_plain_bytes)?;
            return Self::of_copy(path, copy);
        }
        Self::of_file(path, file, Format::of_name(path))
    }

    /// The content of a pipe, whose name says nothing.
    fn of_copy(path: &Path, copy: File) -> Result<Self, InputFault> {
        Self::of_file(path, copy, Format::Unknown)
    }

    fn of_file(path: &Path, file: File, named: Format) -> Result<Self, InputFault> {
        let mut input = Self {
            path: path.to_owned(),
            file: Arc::new(file),
            compression: None,
            format: FileFormat::Csv,
        };
        input.compression = compression(&input.sniff()?);
        let named = match (named, input.compression) {
            // `prices.gz` says as little as a pipe.
            (Format::Other, Some(_)) => Format::of_stem(path),
            (named, _) => named,
        };
        input.format = format(&input.sniff()?, named)?;
        if input.format == FileFormat::Parquet && input.compression.is_some() {
            let copied = temporary_copy(input.reader()?);
            let copied = copied.map_err(|error| match error {
                CopyError::Read(error) => input.fault(error),
                other => other.of_plain_bytes(),
            })?;
            input.file = Arc::new(copied);
            input.compression = None;
        }
        Ok(input)
    }

    /// Path as the caller gave it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn format(&self) -> FileFormat {
        self.format
    }

    /// The content from its beginning, uncompressed.
    pub(crate) fn reader(&self) -> Result<Box<dyn Read + Send>, InputFault> {
        let raw = BufReader::with_capacity(1 << 16, self.cursor());
        Ok(match self.compression {
            None => Box::new(self.cursor()),
            Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(raw)),
            Some(Compression::Zstd) => {
                let mut decoder = ZstdDecoder::new(raw).map_err(|error| self.fault(error))?;
                decoder
                    .window_log_max(MAX_ZSTD_WINDOW_LOG)
                    .map_err(|error| self.fault(error))?;
                Box::new(decoder)
            }
        })
    }

    /// The file as it lies on disk, from its beginning.
    pub(crate) fn cursor(&self) -> FileCursor {
        FileCursor {
            file: Arc::clone(&self.file),
            position: 0,
        }
    }

    /// The error of a [reader](Self::reader): the system's own, or damage that the decoder found.
    pub(crate) fn fault(&self, error: io::Error) -> InputFault {
        match self.compression {
            Some(compression) if error.raw_os_error().is_none() => {
                InputFault::Damaged(compression.name(), error)
            }
            _ => InputFault::Unreadable(error),
        }
    }

    /// The first bytes of the content, uncompressed as far as the compression is known.
    fn sniff(&self) -> Result<Vec<u8>, InputFault> {
        let mut bytes = Vec::new();
        let mut beginning = self.reader()?.take(SNIFFED as u64);
        beginning
            .read_to_end(&mut bytes)
            .map_err(|error| self.fault(error))?;
        Ok(bytes)
    }
}

/// A place in a file that others read too.
#[derive(Debug, Clone)]
pub(crate) struct FileCursor {
    file: Arc<File>,
    position: u64,
}

impl FileCursor {
    /// Length of the file.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Fills `bytes` from this place of the file on.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }
}

impl Read for FileCursor {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(bytes, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for FileCursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(offset) => (offset, 0),
            SeekFrom::End(offset) => (self.length()?, offset),
            SeekFrom::Current(offset) => (self.position, offset),
        };
        let position = base.checked_add_signed(offset);
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// What a file's name says of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Known(FileFormat),
    /// A name that says nothing: the content decides.
    Unknown,
    /// An extension of something else.
    Other,
}

impl Format {
    fn of_name(path: &Path) -> Self {
        match path.extension().map(OsStr::to_ascii_lowercase) {
            Some(extension) if extension == "csv" => Self::Known(FileFormat::Csv),
            Some(extension) if extension == "parquet" || extension == "pq" => {
                Self::Known(FileFormat::Parquet)
            }
            _ => Self::Other,
        }
    }

    /// The same without the extension of the compression.
    fn of_stem(path: &Path) -> Self {
        let stem = Path::new(path.file_stem().unwrap_or_default());
        match Self::of_name(stem) {
            Self::Other if stem.extension().is_none() => Self::Unknown,
            named => named,
        }
    }
}

impl Compression {
    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

fn compression(beginning: &[u8]) -> Option<Compression> {
    match beginning {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
        _ => None,
    }
}

/// The format of a content that begins so, in a file whose name says `named`.
fn format(beginning: &[u8], named: Format) -> Result<FileFormat, InputFault> {
    if beginning.starts_with(b"PAR1") {
        return Ok(FileFormat::Parquet);
    }
    if named == Format::Known(FileFormat::Parquet) {
        // What is wrong with it, its reader says.
        return Ok(FileFormat::Parquet);
    }
    let other = match beginning {
        [b'P', b'K', 3, 4, ..] => Some("a zip archive or a spreadsheet"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("a spreadsheet"),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Some("an Arrow file"),
        [b'B', b'Z', b'h', ..] => Some("compressed by bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("compressed by xz"),
        [b'{' | b'[', ..] => Some("JSON"),
        _ => None,
    };
    match (other, named) {
        (Some(other), _) => Err(InputFault::OtherFormat(other)),
        (None, Format::Other) => Err(InputFault::Extension),
        (None, _) => Ok(FileFormat::Csv),
    }
}

/// Why a copy wasn't made.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
    TooLong,
}

impl CopyError {
    fn of_plain_bytes(self) -> InputFault {
        match self {
            Self::Read(error) | Self::Write(error) => InputFault::Unreadable(error),
            Self::TooLong => InputFault::TooLong,
        }
    }
}

/// All that is to be read, in a file without a name.
fn temporary_copy(mut from: impl Read) -> Result<File, CopyError> {
    let mut copy = tempfile::tempfile().map_err(CopyError::Write)?;
    let mut buffer = vec![0; 1 << 16];
    let mut copied = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        copied += read as u64;
        if copied > MAX_COPIED {
            return Err(CopyError::TooLong);
        }
        copy.write_all(buffer.get(..read).unwrap_or_default())
            .map_err(CopyError::Write)?;
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use flate2::Compression as Level;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// The content of a file of this name, and its format.
    fn read(name: &str, bytes: &[u8]) -> Result<(Vec<u8>, FileFormat), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let file = InputFile::open(&path).map_err(|fault| fault.to_string())?;
        let mut content = Vec::new();
        let read = file.reader().unwrap().read_to_end(&mut content);
        read.map_err(|error| file.fault(error).to_string())?;
        Ok((content, file.format()))
    }

    #[test]
    fn compression_is_told_from_the_content() {
        let text = b"a,b\n1,2\n".repeat(100);
        let twice = [gzip(&text), gzip(&text)].concat();
        let zstd = zstd::encode_all(text.as_slice(), 1).unwrap();
        for name in ["p.csv", "p.csv.gz", "p.gz", "p.zst", "p.CSV.ZST"] {
            let expected = Ok((text.clone(), FileFormat::Csv));
            assert_eq!(read(name, &gzip(&text)), expected, "{name}");
            assert_eq!(read(name, &zstd), expected, "{name}");
        }
        assert_eq!(read("p.csv", &text).unwrap().0, text);
        assert_eq!(read("p.csv.gz", &twice).unwrap().0, text.repeat(2));
    }

    #[test]
    fn parquet_is_told_from_the_content_and_unpacked() {
        let bytes = b"PAR1 and so on".to_vec();
        for (name, packed) in [
            ("p.parquet", bytes.clone()),
            ("p.csv", bytes.clone()),
            ("p.gz", gzip(&bytes)),
            (
                "p.parquet.zst",
                zstd::encode_all(bytes.as_slice(), 1).unwrap(),
            ),
        ] {
            assert_eq!(
                read(name, &packed),
                Ok((bytes.clone(), FileFormat::Parquet)),
                "{name}"
            );
        }
    }

    #[test]
    fn a_pipe_is_read_like_a_file_and_twice() {
        let (from, mut to) = io::pipe().unwrap();
        to.write_all(&gzip(b"open_time_ms,value\n")).unwrap();
        drop(to);
        let copy = temporary_copy(from).unwrap_or_else(|_| panic!("no copy"));
        let file = InputFile::of_copy(Path::new(STDIN), copy).unwrap();
        for _ in 0..2 {
            let mut text = String::new();
            file.reader().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "open_time_ms,value\n");
        }
        let stdin = [PathBuf::from(STDIN), PathBuf::from(STDIN)];
        assert!(check_stdin(&stdin[..1]).is_ok());
        assert!(matches!(check_stdin(&stdin), Err(InputFault::StdinTwice)));
    }

    #[test]
    fn what_is_cut_or_something_else_is_said() {
        let packed = gzip(&b"a,b\n".repeat(10_000));
        let cut = read("p.csv.gz", &packed[..packed.len() - 12]).unwrap_err();
        assert!(cut.contains("damaged gzip data"), "{cut}");
        for (name, bytes, words) in [
            ("p.xlsx", &b"PK\x03\x04"[..], "spreadsheet"),
            ("p.csv", b"{\"a\": 1}", "JSON"),
            ("p.txt", b"a,b\n", ".csv or .parquet"),
            ("p.txt.gz", b"a,b\n", ".csv or .parquet"),
        ] {
            let fault = read(name, bytes).unwrap_err();
            assert!(fault.contains(words), "{fault}");
        }
        // A directory's and a missing file's are the system's own answers.
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            InputFile::open(folder.path()),
            Err(InputFault::Directory)
        ));
        let none = folder.path().join("none.csv");
        assert!(matches!(InputFile::open(&none), Err(InputFault::NotFound)));
    }
}
