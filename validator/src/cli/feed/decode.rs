//! `validator feed decode`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use foretell_cli::output::StdoutError;
use foretell_feed::decode::{DecodedLine, Decoder, unsupported_line};
use foretell_feed::venue::{self, Venue};

/// Recorded messages in, one JSON line per trade, candle, status, ignored message or error out.
///
/// Each message goes through the parser that live connections go through; trades that come twice count once.
/// A malformed message is an `error` line; the exit code is 1 only if the file can't be read.
///
/// Example: validator feed decode --venue kraken frames.jsonl
#[derive(Debug, Args)]
pub struct FeedDecodeArgs {
    /// The venue whose messages these are, such as kraken or coinbase_exchange.
    #[arg(long, value_name = "NAME", value_parser = known_venue)]
    venue: DecodeSource,
    /// .jsonl (a message a line, plain or wrapped as {dir,t,raw}, {recv_ns,raw} or {path,body}), or .json (one
    /// message).
    file: PathBuf,
}

/// The source of a file's messages.
#[derive(Debug, Clone, Copy)]
enum DecodeSource {
    Venue(&'static dyn Venue),
    /// A source whose messages aren't decoded: its feed needs a key since August 2026.
    Pyth,
}

/// Prints a line for each trade, candle or other event of the file.
pub fn run(arguments: &FeedDecodeArgs) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let mut print = |line: &DecodedLine<'_>| {
        if written.is_ok() {
            written = serde_json::to_writer(&mut out, line)
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n"));
        }
    };
    let read = match arguments.venue {
        DecodeSource::Venue(venue) => {
            let mut decoder = Decoder::new(venue);
            each_message(&arguments.file, &mut |message| {
                decoder.decode_line(message, &mut print);
            })
        }
        DecodeSource::Pyth => {
            let mut number = 0;
            each_message(&arguments.file, &mut |_| {
                number += 1;
                print(&unsupported_line("pyth", number));
            })
        }
    };
    read.with_context(|| format!("can't read {}", arguments.file.display()))?;
    Ok(written.and_then(|()| out.flush()).map_err(StdoutError)?)
}

fn known_venue(name: &str) -> Result<DecodeSource, String> {
    match name {
        "pyth" => Ok(DecodeSource::Pyth),
        name => match venue::by_name(name) {
            Ok(venue) => Ok(DecodeSource::Venue(venue)),
            Err(error) => Err(error.to_string()),
        },
    }
}

/// Hands each message of a file to `on`: the whole file if its name says that it is one message, else its lines.
fn each_message(file: &Path, on: &mut dyn FnMut(&[u8])) -> std::io::Result<()> {
    let mut reader = BufReader::new(File::open(file)?);
    let mut message = Vec::new();
    if file
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        reader.read_to_end(&mut message)?;
        on(&message);
        return Ok(());
    }
    while reader.read_until(b'\n', &mut message)? > 0 {
        on(&message);
        message.clear();
    }
    Ok(())
}
