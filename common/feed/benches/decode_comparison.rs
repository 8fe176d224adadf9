//! Decoding a trade side by side in one run: the feed (frame to event, and the whole stream, which also counts each trade
//! once), `serde_json` into a generic value, and Python's `json.loads` with `float` of price and size, on the same
//! frames. Instructions per message come from valgrind, as the difference of two runs. What isn't installed shows as a dash.
//!
//! `cargo bench --package foretell-feed --bench decode_comparison`

#![allow(clippy::print_stdout, reason = "it prints a table")]

mod frames;

use std::hint::black_box;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use foretell_feed::stream::{SocketNumbering, VenueStream};
use foretell_feed::venue::{self, ALL, ChannelMap, Venue};

const FRAMES: u64 = 1_000;
/// Each repetition runs every method once, so that the load of a shared machine hits all alike. Times are the least over
/// the repetitions, ratios the median.
const REPETITIONS: usize = 100;

const PYTHON: &str = r#"
import json, sys, time
name = sys.argv[1]
frames = [sys.stdin.readline() for _ in range(int(sys.argv[2]))]
def pick(m):
    if name.startswith("binance") or name == "gemini": return m["p"], m["q"]
    if name == "bitfinex": return m[2][3], m[2][2]
    if name == "bitstamp": return m["data"]["price_str"], m["data"]["amount_str"]
    if name == "bybit": return m["data"][0]["p"], m["data"][0]["v"]
    if name == "coinbase_advanced":
        t = m["events"][0]["trades"][0]
        return t["price"], t["size"]
    if name == "coinbase_exchange": return m["price"], m["size"]
    if name == "kraken": return m["data"][0]["price"], m["data"][0]["qty"]
    return m["data"][0]["px"], m["data"][0]["sz"]
for line in sys.stdin:
    start = time.perf_counter()
    for frame in frames:
        price, size = pick(json.loads(frame))
        float(price), float(size)
    print((time.perf_counter() - start) / len(frames) * 1e9, flush=True)
"#;

#[derive(Clone, Copy)]
enum DecodeMethod {
    Feed,
    Stream,
    Value,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `decode_comparison --count VENUE METHOD TIMES` is what runs under valgrind.
    if let [_, flag, name, method, times, ..] = arguments.as_slice()
        && flag == "--count"
    {
        let method = match method.as_str() {
            "feed" => DecodeMethod::Feed,
            "stream" => DecodeMethod::Stream,
            _ => DecodeMethod::Value,
        };
        let venue = venue::by_name(name).unwrap_or_else(|error| panic!("{error}"));
        let frames = frames::frames(venue, FRAMES);
        for _ in 0..times.parse().unwrap_or(1) {
            decode(venue, &frames, method);
        }
        return;
    }
    println!(
        "{:<18} {:>9} {:>9} {:>9} {:>9} | {:>7} {:>7} | {:>8} {:>8} {:>8}",
        "ns per message",
        "feed",
        "stream",
        "value",
        "python",
        "×value",
        "×python",
        "Ir feed",
        "stream",
        "value"
    );
    for venue in ALL {
        let frames = frames::frames(venue, FRAMES);
        let mut python = Python::start(venue, &frames);
        let [mut feed, mut stream, mut value, mut python_times] = [const { Vec::new() }; 4];
        for _ in 0..REPETITIONS {
            feed.push(measure_pass(venue, &frames, DecodeMethod::Feed));
            python_times.extend(python.as_mut().and_then(Python::measure_pass));
            stream.push(measure_pass(venue, &frames, DecodeMethod::Stream));
            value.push(measure_pass(venue, &frames, DecodeMethod::Value));
        }
        let counts = ["feed", "stream", "value"].map(|method| instructions(venue, method));
        let has_python = python_times.len() == REPETITIONS;
        let number = |number: Option<f64>| number.map_or("–".into(), |n| format!("{n:.0}"));
        println!(
            "{:<18} {:>9.0} {:>9.0} {:>9.0} {:>9} | {:>7.1} {:>7} | {:>8} {:>8} {:>8}",
            venue.name(),
            minimum(&feed),
            minimum(&stream),
            minimum(&value),
            number(has_python.then(|| minimum(&python_times))),
            ratio(&value, &feed),
            if has_python {
                format!("{:.1}", ratio(&python_times, &feed))
            } else {
                "–".into()
            },
            number(counts[0]),
            number(counts[1]),
            number(counts[2]),
        );
    }
}

fn decode(venue: &'static dyn Venue, frames: &[String], method: DecodeMethod) {
    let channels = ChannelMap::default();
    let mut stream = VenueStream::new(venue);
    let mut numbering = SocketNumbering::default();
    if let Some(opening) = opening(venue) {
        let _ = stream.process_frame(&mut numbering, opening, &mut |_| {});
    }
    for frame in frames {
        match method {
            DecodeMethod::Feed => {
                let _ = black_box(venue.read_frame(frame, &channels, &mut |event| {
                    black_box(&event);
                }));
            }
            DecodeMethod::Stream => {
                let _ = black_box(stream.process_frame(&mut numbering, frame, &mut |event| {
                    black_box(&event);
                }));
            }
            DecodeMethod::Value => {
                let _ = black_box(serde_json::from_str::<serde_json::Value>(frame));
            }
        }
    }
}

/// A frame that must come before the others, for venues that need one.
fn opening(venue: &dyn Venue) -> Option<&'static str> {
    (venue.name() == "bitfinex").then_some(
        r#"{"event":"subscribed","channel":"trades","chanId":420191,"symbol":"tBTCUSD","pair":"BTCUSD"}"#,
    )
}

/// Nanoseconds per message of one pass over the frames.
fn measure_pass(venue: &'static dyn Venue, frames: &[String], method: DecodeMethod) -> f64 {
    let start = Instant::now();
    decode(venue, frames, method);
    start.elapsed().as_secs_f64() / FRAMES as f64 * 1e9
}

/// A Python process that makes a pass over the frames for each line that it gets.
struct Python {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Python {
    /// Starts it and sends it the frames; `None` if there is no Python.
    fn start(venue: &dyn Venue, frames: &[String]) -> Option<Self> {
        let mut child = Command::new("python3")
            .args(["-c", PYTHON, venue.name(), &frames.len().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let output = BufReader::new(child.stdout.take()?).lines();
        let frames = frames.join("\n") + "\n";
        child.stdin.as_mut()?.write_all(frames.as_bytes()).ok()?;
        Some(Self { child, output })
    }

    /// Nanoseconds per message of one pass over the frames.
    fn measure_pass(&mut self) -> Option<f64> {
        self.child.stdin.as_mut()?.write_all(b"\n").ok()?;
        self.output.next()?.ok()?.parse().ok()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn minimum(passes: &[f64]) -> f64 {
    passes.iter().copied().fold(f64::MAX, f64::min)
}

/// The median over the repetitions of how many times longer `other` took than `ours`.
fn ratio(other: &[f64], ours: &[f64]) -> f64 {
    let mut ratios: Vec<f64> = other.iter().zip(ours).map(|(a, b)| a / b).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// Instructions per message, if valgrind is installed.
fn instructions(venue: &dyn Venue, method: &str) -> Option<f64> {
    let one = run_instructions(venue, method, 1)?;
    let three = run_instructions(venue, method, 3)?;
    Some((three - one) / 2.0 / FRAMES as f64)
}

/// Instructions of a whole run that decodes the frames this many times.
fn run_instructions(venue: &dyn Venue, method: &str, times: usize) -> Option<f64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(std::env::current_exe().ok()?)
        .args(["--count", venue.name(), method, &times.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text
        .lines()
        .find(|line| line.contains("I   refs:") || line.contains("I refs:"))?;
    let digits: String = line
        .rsplit(':')
        .next()?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}
