//! Rounds are decoded while those before them are judged.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use anyhow::Result;
use foretell_data::forecasts::{ForecastFileError, RoundForecasts, Rounds};

/// Rounds of a bunch.
const ROUNDS: usize = 8;
/// A bunch that has so many values (16 MB) gets no more rounds.
const VALUES: usize = 2 << 20;
/// Bunches that wait to be judged.
const AHEAD: usize = 1;

/// Gives `take` all rounds in order, some at once, until it breaks. An error of the files comes after the rounds
/// before it; whatever is wrong behind the break isn't asked for.
pub(super) fn ahead(
    mut rounds: Rounds,
    mut take: impl FnMut(Vec<RoundForecasts>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(AHEAD);
        let reader = scope.spawn(move || {
            loop {
                let (bunch, read) = bunch(&mut rounds);
                // Nobody wants more, or there is no more.
                if bunch.is_empty() || send.send(bunch).is_err() || read.is_err() {
                    break read;
                }
            }
        });
        let mut broken = false;
        for bunch in receive {
            broken = take(bunch)?.is_break();
            if broken {
                break;
            }
        }
        match reader.join() {
            Ok(_) if broken => Ok(()),
            Ok(read) => Ok(read?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The next rounds, none at the end, and why there aren't more.
fn bunch(rounds: &mut Rounds) -> (Vec<RoundForecasts>, Result<(), ForecastFileError>) {
    let (mut bunch, mut values) = (Vec::new(), 0);
    while bunch.len() < ROUNDS && values < VALUES {
        match rounds.next_round() {
            Ok(Some(round)) => {
                values += round.values();
                bunch.push(round);
            }
            Ok(None) => break,
            Err(why) => return (bunch, Err(why)),
        }
    }
    (bunch, Ok(()))
}
