//! Rounds are decoded while those before them are scored.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use anyhow::Result;
use foretell_data::forecasts::{ForecastFileError, RoundForecasts, Rounds};

/// Rounds that wait to be scored. They share their row groups' memory, so files with large row groups aren't held whole.
const AHEAD: usize = 8;

/// Gives `take` every round in order, until it breaks; an error of the files comes after the rounds before it.
pub(super) fn ahead(
    mut rounds: Rounds,
    mut take: impl FnMut(RoundForecasts) -> Result<ControlFlow<()>>,
) -> Result<()> {
    thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(AHEAD);
        let reader = scope.spawn(move || -> Result<(), ForecastFileError> {
            while let Some(round) = rounds.next_round()? {
                if send.send(round).is_err() {
                    // Nobody wants more.
                    break;
                }
            }
            Ok(())
        });
        for round in receive {
            if take(round)?.is_break() {
                break;
            }
        }
        match reader.join() {
            Ok(read) => Ok(read?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
