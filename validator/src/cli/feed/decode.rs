//! `validator feed decode`.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use foretell_cli::output::StdoutError;
use foretell_feed::decode::{DecodedLine, Decoder, unsupported_line};
use foretell_feed::venue::{self, Venue};

use super::message_reader::{InputMessages, ReadMessage};

/// Recorded messages in, one JSON line per trade, candle, status, ignored message or error out.
///
/// Each message goes through the parser that live connections go through; trades that come twice count once.
/// A malformed message is an `error` line; the exit code is 1 only if the file can't be read.
///
/// Examples: validator feed decode --venue kraken frames.jsonl,
/// zcat frames.jsonl.gz | validator feed decode --venue kraken -
#[derive(Debug, Args)]
pub struct FeedDecodeArgs {
    /// The venue whose messages these are, such as kraken or coinbase_exchange.
    #[arg(long, value_name = "NAME", value_parser = known_venue)]
    venue: DecodeSource,
    /// .jsonl (a message a line, plain or wrapped as {dir,t,raw}, {recv_ns,raw} or {path,body}), or .json (one
    /// message), either of them perhaps compressed as .gz or .zst; - reads lines from standard input.
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
    let opened = InputMessages::open(&arguments.file);
    let messages = opened.with_context(|| format!("can't read {}", arguments.file.display()))?;
    let read = match arguments.venue {
        DecodeSource::Venue(venue) => {
            let mut decoder = Decoder::new(venue);
            messages.for_each(&mut |message| match message {
                ReadMessage::Whole(message) => decoder.decode_line(message, &mut print),
                ReadMessage::TooLong => decoder.skip_line(&mut print),
            })
        }
        DecodeSource::Pyth => {
            let mut number = 0;
            messages.for_each(&mut |_| {
                number += 1;
                print(&unsupported_line("pyth", number));
            })
        }
    };
    written.and_then(|()| out.flush()).map_err(StdoutError)?;
    read.with_context(|| {
        let file = arguments.file.display();
        format!("can't read {file} to its end; what was read is printed")
    })
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
