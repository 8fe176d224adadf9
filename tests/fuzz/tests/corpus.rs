//! Every target over its corpus and its regressions, and over mutations of both: what was found once stays found.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use foretell_feed::venue::{self, CandleSource};
use foretell_fuzz::{TARGETS, Target};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Mutations that each target is given. `cargo fuzz` gives it millions; these are for whoever changes a parser.
const MUTATIONS: usize = 200;
/// Longest that a target may take for one input, in any build on any machine.
const LONGEST: Duration = Duration::from_secs(10);
/// Longest input that a mutation makes.
const MAX_BYTES: usize = 16 << 10;
/// What numbers are replaced by.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "255",
    "65536",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e-400",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999",
];
/// Bytes that mean something in one format or another.
const BYTES: &[u8] = b"\"{}[]:,.-+eE0 \\/\n\r\t\0@=#_x\xff\x80\xc3$";

/// An input, with the name that a failure is told by.
struct Input {
    name: String,
    bytes: Vec<u8>,
}

/// Says which input a target failed for, if it does.
struct Running<'a> {
    target: &'a str,
    input: &'a Input,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { target, input } = self;
            let (name, bytes) = (&input.name, input.bytes.escape_ascii());
            eprintln!("target {target} fails for {name}: b\"{bytes}\"");
        }
    }
}

fn run(target: &str, run: Target, input: &Input) {
    let running = Running { target, input };
    let began = Instant::now();
    run(&input.bytes);
    let took = began.elapsed();
    assert!(took < LONGEST, "it took {took:?}");
    drop(running);
}

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(kind)
}

/// The corpus and the regressions of a target, in the order of their names.
fn inputs(target: &str) -> Vec<Input> {
    let mut inputs = Vec::new();
    for kind in ["corpus", "regressions"] {
        let Ok(files) = fs::read_dir(folder(kind).join(target)) else {
            continue;
        };
        for file in files {
            let path = file.unwrap().path();
            inputs.push(Input {
                name: path.display().to_string(),
                bytes: fs::read(&path).unwrap(),
            });
        }
    }
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    inputs
}

#[test]
fn whatever_is_known_holds() {
    for (target, function) in TARGETS {
        let inputs = inputs(target);
        assert!(
            !inputs.is_empty(),
            "target {target} has no corpus: put something that it reads into tests/fuzz/corpus/{target}"
        );
        for input in &inputs {
            run(target, *function, input);
        }
        let empty = Input {
            name: "nothing".into(),
            bytes: Vec::new(),
        };
        run(target, *function, &empty);
    }
}

#[test]
fn mutations_of_what_is_known_hold() {
    for ((target, function), seed) in TARGETS.iter().zip(0..) {
        let inputs = inputs(target);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for number in 0..MUTATIONS {
            let input = Input {
                name: format!("mutation {number}"),
                bytes: mutated(&inputs, &mut random),
            };
            run(target, *function, &input);
        }
    }
}

/// One of these inputs, changed in one to four places.
fn mutated(inputs: &[Input], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = inputs.choose(random).unwrap().bytes.clone();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=bytes.len());
        let end = (at + random.random_range(0..16)).min(bytes.len());
        match random.random_range(0..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = *BYTES.choose(random).unwrap(),
            2 => bytes.insert(at, *BYTES.choose(random).unwrap()),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            5 => {
                let other = &inputs.choose(random).unwrap().bytes;
                let from = random.random_range(0..=other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
            6 => bytes.truncate(at),
            _ => {
                let digits = |byte: &u8| byte.is_ascii_digit();
                if let Some(start) = bytes[at..].iter().position(digits) {
                    let start = at + start;
                    let length = bytes[start..]
                        .iter()
                        .take_while(|byte| digits(byte))
                        .count();
                    let number = NUMBERS.choose(random).unwrap().bytes();
                    bytes.splice(start..start + length, number);
                }
            }
        }
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

#[test]
fn every_folder_of_inputs_is_a_target_s() {
    let names: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), TARGETS.len(), "two targets have one name");
    for kind in ["corpus", "regressions"] {
        // There may have been no regression yet.
        for entry in fs::read_dir(folder(kind)).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                names.contains(name.as_str()),
                "no target reads {kind}/{name}"
            );
        }
    }
}

#[test]
fn every_venue_has_its_targets() {
    let names: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    for name in venue::ALL.map(CandleSource::name) {
        for target in [format!("frames_{name}"), format!("candles_{name}")] {
            assert!(names.contains(target.as_str()), "there is no {target}");
        }
    }
}
