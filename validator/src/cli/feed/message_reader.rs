//! The messages of a file or of standard input, compressed or not, one after the other in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use foretell_feed::bounded_lines::{LineRead, MAX_LINE_BYTES, read_line};

/// How a gzip file begins.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// How a zstd file begins.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The messages of a file: its lines, or the whole of it.
pub struct InputMessages {
    reader: Box<dyn BufRead>,
    /// The file is one message, perhaps over several lines.
    is_one: bool,
}

/// A message, or what is there of it.
pub enum ReadMessage<'a> {
    /// All of its bytes.
    Whole(&'a [u8]),
    /// It has more than [`MAX_LINE_BYTES`].
    TooLong,
}

impl InputMessages {
    /// The messages of this file, or of standard input if it is called `-`. What is compressed is told by its first bytes,
    /// and one message from many by the name.
    pub fn open(file: &Path) -> io::Result<Self> {
        let plain: Box<dyn BufRead> = if file.as_os_str() == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::new(File::open(file)?))
        };
        let name = file.to_string_lossy();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        Ok(Self {
            reader: decompressed(plain)?,
            is_one: name.ends_with(".json"),
        })
    }

    /// Hands each message to `on`.
    pub fn for_each(mut self, on: &mut dyn FnMut(ReadMessage<'_>)) -> io::Result<()> {
        let mut message = Vec::new();
        if self.is_one {
            let limit = MAX_LINE_BYTES as u64 + 1;
            self.reader.take(limit).read_to_end(&mut message)?;
            on(if message.len() > MAX_LINE_BYTES {
                ReadMessage::TooLong
            } else {
                ReadMessage::Whole(&message)
            });
            return Ok(());
        }
        loop {
            match read_line(&mut self.reader, &mut message)? {
                LineRead::Line => on(ReadMessage::Whole(&message)),
                LineRead::TooLong => on(ReadMessage::TooLong),
                LineRead::End => return Ok(()),
            }
        }
    }
}

/// What a reader's bytes stand for.
fn decompressed(mut plain: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
    let begins_with = |start: &[u8], magic: &[u8]| start.starts_with(magic);
    let start = plain.fill_buf()?;
    let (is_gzip, is_zstd) = (begins_with(start, GZIP), begins_with(start, ZSTD));
    Ok(if is_gzip {
        Box::new(BufReader::new(MultiGzDecoder::new(plain)))
    } else if is_zstd {
        Box::new(BufReader::new(zstd::Decoder::with_buffer(plain)?))
    } else {
        plain
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn messages(name: &str, bytes: &[u8]) -> io::Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let mut messages = Vec::new();
        InputMessages::open(&file)?.for_each(&mut |message| {
            messages.push(match message {
                ReadMessage::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                ReadMessage::TooLong => "too long".into(),
            });
        })?;
        Ok(messages)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compressed_files_have_the_messages_of_plain_ones() {
        let text = b"{\"a\":1}\n\n{\"b\":2}";
        let lines = ["{\"a\":1}\n", "\n", "{\"b\":2}"];
        let zstd = zstd::encode_all(&text[..], 1).unwrap();
        let twice = [gzip(b"x\n"), gzip(b"y\n")].concat();
        assert_eq!(messages("f.jsonl", text).unwrap(), lines);
        assert_eq!(messages("f.jsonl.gz", &gzip(text)).unwrap(), lines);
        assert_eq!(messages("f.jsonl.zst", &zstd).unwrap(), lines);
        assert_eq!(messages("misnamed.jsonl", &zstd).unwrap(), lines);
        assert_eq!(messages("f.jsonl.gz", &twice).unwrap(), ["x\n", "y\n"]);
        let whole = [std::str::from_utf8(text).unwrap()];
        assert_eq!(messages("f.json.gz", &gzip(text)).unwrap(), whole);
        assert_eq!(messages("f.jsonl", b"").unwrap(), [""; 0]);
    }

    #[test]
    fn a_cut_file_is_an_error_and_one_that_explodes_is_not_held() {
        let whole = gzip(&b"{\"a\":1}\n".repeat(1000));
        assert!(messages("f.jsonl.gz", &whole[..whole.len() - 9]).is_err());
        let bomb = gzip(&vec![b' '; MAX_LINE_BYTES + 2]);
        assert!(bomb.len() < 100_000);
        assert_eq!(messages("f.jsonl.gz", &bomb).unwrap(), ["too long"]);
        assert_eq!(messages("f.json.gz", &bomb).unwrap(), ["too long"]);
    }
}
