//! What the forecasts of a round come to. Every round is judged on its own, on whichever thread.

use std::collections::BTreeMap;

use foretell_core::forecast::{Fan, Forecast, Rejection};
use foretell_core::hotkey::Hotkey;
use foretell_core::metrics::Calibration;
use foretell_core::policy::SettledRound;
use foretell_core::price::Price;
use foretell_core::replay::ReplayedPrices;
use foretell_core::rules::Rules;
use foretell_core::score::{Judged, Reference, Tally, Yardstick};
use foretell_core::series::Series;
use foretell_core::settle::{Settlement, VoidReason};
use foretell_core::time::UnixMillis;
use foretell_data::forecasts::{Entry, RoundForecasts};
use rayon::prelude::*;

use super::scoreboard::Measured;

/// Entries of a round that are worth another thread.
const ENTRIES_A_THREAD: usize = 64;

/// What all rounds are judged by.
#[derive(Debug)]
pub struct Court {
    /// What is foreseen.
    pub series: Series,
    /// By which rules.
    pub rules: Rules,
    /// What happened.
    pub prices: ReplayedPrices,
    /// What everybody is compared with.
    pub reference: Reference,
}

/// A round whose forecasters have keys.
#[derive(Debug)]
pub struct KnownRound {
    /// As they stand in the files.
    pub forecasts: RoundForecasts,
    /// One an entry.
    pub keys: Vec<Hotkey>,
    /// Coldkeys of those whose the files name.
    pub owners: Vec<(Hotkey, Hotkey)>,
}

/// A round and all that there is to say of it without the rounds before it.
#[derive(Debug)]
pub struct JudgedRound {
    /// The round.
    pub origin: UnixMillis,
    /// Its prices.
    pub settlement: Settlement,
    /// What its forecasts were judged by, or why it is void.
    pub yardstick: Result<Yardstick, VoidReason>,
    /// Coldkeys of those whose the files name.
    pub owners: Vec<(Hotkey, Hotkey)>,
    /// Those that are valid.
    pub forecasts: BTreeMap<Hotkey, Forecast>,
    /// Their fans and scores; none of a void round.
    pub judged: BTreeMap<Hotkey, Judged>,
    /// One a valid forecast, in the files' order.
    pub measured: Vec<Measured>,
    /// Entries that are no forecasts, and why.
    pub rejected: Vec<(Entry, Rejection)>,
}

impl Court {
    /// The round, judged.
    pub fn judge(&self, round: KnownRound) -> JudgedRound {
        let RoundForecasts { origin, entries } = round.forecasts;
        let settlement = self.prices.settlement(origin);
        let yardstick = Yardstick::of(&self.series, &settlement, &self.reference, &self.rules);
        let happened = Happened {
            series: &self.series,
            anchor: settlement.anchor.map(Price::get),
            moves: settlement
                .moves(self.series.unit, &self.rules.settlement)
                .ok(),
            yardstick: yardstick.as_ref().ok(),
        };
        let answers: Vec<Result<Answer, Rejection>> = round
            .keys
            .par_iter()
            .zip(&entries)
            .with_min_len(ENTRIES_A_THREAD)
            .map(|(key, entry)| happened.answer(*key, entry))
            .collect();
        let (mut forecasts, mut judged) = (Vec::new(), Vec::new());
        let (mut measured, mut rejected) = (Vec::with_capacity(answers.len()), Vec::new());
        for (answer, entry) in answers.into_iter().zip(entries) {
            match answer {
                Ok(answer) => {
                    let key = answer.measured.key;
                    forecasts.push((key, answer.forecast));
                    judged.extend(answer.judged.map(|judged| (key, judged)));
                    measured.push(answer.measured);
                }
                Err(why) => rejected.push((entry, why)),
            }
        }
        JudgedRound {
            origin,
            settlement,
            yardstick,
            owners: round.owners,
            forecasts: forecasts.into_iter().collect(),
            judged: judged.into_iter().collect(),
            measured,
            rejected,
        }
    }
}

impl JudgedRound {
    /// What policies look at.
    pub fn settled<'a>(&'a self, owners: &'a BTreeMap<Hotkey, Hotkey>) -> SettledRound<'a> {
        SettledRound {
            origin: self.origin,
            settlement: &self.settlement,
            yardstick: self.yardstick.as_ref(),
            forecasts: &self.forecasts,
            judged: &self.judged,
            owners,
        }
    }
}

/// What happened in a round: all that a forecast is judged by.
struct Happened<'a> {
    series: &'a Series,
    anchor: Option<f64>,
    /// `None` where the round is void whatever its volatility.
    moves: Option<Vec<Option<f64>>>,
    yardstick: Option<&'a Yardstick>,
}

/// A valid forecast and what its round says of it.
struct Answer {
    forecast: Forecast,
    judged: Option<Judged>,
    measured: Measured,
}

impl Happened<'_> {
    /// The forecast of an entry, judged as far as the round allows, or why it is none.
    fn answer(&self, key: Hotkey, entry: &Entry) -> Result<Answer, Rejection> {
        let Series { grid, unit, .. } = *self.series;
        let values = entry.values().to_vec();
        let forecast = Forecast::new(entry.kind(), unit, grid.horizon, entry.k(), values)?;
        let judged = self.yardstick.map(|yardstick| yardstick.judge(&forecast));
        let mut measured = Measured {
            key,
            unscaled: None,
            calibration: None,
        };
        if let (Some(moves), Some(anchor)) = (&self.moves, self.anchor) {
            let calibration = match &judged {
                Some(judged) => Calibration::of(&judged.fan, moves),
                None => {
                    let fan = Fan::of(&forecast, anchor, unit);
                    measured.unscaled = Some(Box::new(Tally::of(&fan, moves)));
                    Calibration::of(&fan, moves)
                }
            };
            measured.calibration = calibration.map(Box::new);
        }
        Ok(Answer {
            forecast,
            judged,
            measured,
        })
    }
}
