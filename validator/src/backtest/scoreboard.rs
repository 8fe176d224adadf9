//! Everybody's record of the scored rounds, whatever the policy: what metrics are made of.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::metrics::Calibration;
use foretell_core::policy::SettledRound;
use foretell_core::score::{Judged, Tally};
use foretell_core::track::TrackRecord;
use foretell_core::weigh::evidence;

/// Records by miner.
#[derive(Debug)]
pub struct Scoreboard {
    /// The reference's.
    pub reference: TrackRecord,
    /// Each miner's.
    pub miners: BTreeMap<Hotkey, TrackRecord>,
    /// Where outcomes fell in the fans of each miner whose fans can tell.
    pub calibration: BTreeMap<Hotkey, Calibration>,
    window: evidence::Window,
}

/// What a forecaster did in a round, made by whichever thread.
#[derive(Debug)]
pub struct Measured {
    /// Who.
    pub key: Hotkey,
    /// Sums in bps, where the round has no volatility to be scored by.
    pub unscaled: Option<Box<Tally>>,
    /// Where outcomes fell; `None` of a void round and of a fan too coarse to tell.
    pub calibration: Option<Box<Calibration>>,
}

impl Scoreboard {
    /// Nobody's records yet.
    pub fn new(window: evidence::Window) -> Self {
        Self {
            reference: TrackRecord::new(window),
            miners: BTreeMap::new(),
            calibration: BTreeMap::new(),
            window,
        }
    }

    /// Takes in a round.
    pub fn take(&mut self, round: &SettledRound<'_>, measured: &[Measured], miss_advantage: f64) {
        for measured in measured {
            if let Some(more) = &measured.calibration {
                let calibration = self.calibration.entry(measured.key).or_default();
                calibration.merge(more);
            }
        }
        let Ok(yardstick) = round.yardstick else {
            for measured in measured {
                let track = self.miners.entry(measured.key);
                let track = track.or_insert_with(|| TrackRecord::new(self.window));
                if let Some(tally) = &measured.unscaled {
                    track.unscaled(tally);
                }
            }
            return;
        };
        let reference = &yardstick.reference;
        self.reference.answered(round.origin, reference, reference);
        let answered = |track: &mut TrackRecord, judged: &Judged| {
            track.started.get_or_insert(round.origin);
            track.answered(round.origin, &judged.score, reference);
        };
        // Both in order of key, side by side.
        let mut judged = round.judged.iter().peekable();
        let mut newcomers = Vec::new();
        for (key, track) in &mut self.miners {
            while let Some(newcomer) = judged.next_if(|(other, _)| *other < key) {
                newcomers.push(newcomer);
            }
            match judged.next_if(|(other, _)| *other == key) {
                Some((_, judged)) => answered(track, judged),
                None => track.missed(round.origin, miss_advantage),
            }
        }
        for (key, judged) in newcomers.into_iter().chain(judged) {
            let mut track = TrackRecord::new(self.window);
            answered(&mut track, judged);
            self.miners.insert(*key, track);
        }
    }
}
