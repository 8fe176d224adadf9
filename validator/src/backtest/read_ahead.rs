//! Decodes rounds on a thread of its own, ahead of the evaluation.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use anyhow::Result;
use foretell_data::forecasts::{ForecastFileError, ForecastRounds, RoundForecasts};

/// Rounds of a batch, at most.
const BATCH_ROUNDS: usize = 8;
/// A batch that has so many values (16 MB) gets no more rounds.
const BATCH_VALUES: usize = 2 << 20;
/// Decoded batches that wait to be evaluated, at most.
const BATCHES_AHEAD: usize = 1;

/// Gives `take` all rounds in order, a batch at a time, until it breaks. An error of the files comes after the rounds
/// before it; what follows the break isn't read, so an error there is none.
pub(super) fn read_batches(
    mut rounds: ForecastRounds,
    mut take: impl FnMut(Vec<RoundForecasts>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(BATCHES_AHEAD);
        let reader = scope.spawn(move || {
            loop {
                let (batch, read) = next_batch(&mut rounds);
                // Nobody wants more, or there is no more.
                if batch.is_empty() || send.send(batch).is_err() || read.is_err() {
                    break read;
                }
            }
        });
        let mut broken = false;
        for batch in receive {
            broken = take(batch)?.is_break();
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
fn next_batch(rounds: &mut ForecastRounds) -> (Vec<RoundForecasts>, Result<(), ForecastFileError>) {
    let (mut batch, mut values) = (Vec::new(), 0);
    while batch.len() < BATCH_ROUNDS && values < BATCH_VALUES {
        match rounds.next_round() {
            Ok(Some(round)) => {
                values += round.value_count();
                batch.push(round);
            }
            Ok(None) => break,
            Err(why) => return (batch, Err(why)),
        }
    }
    (batch, Ok(()))
}
