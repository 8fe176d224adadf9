//! Everybody's record of the scored rounds, whatever the policy: what metrics are made of.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::metrics::Calibration;
use foretell_core::policy::SettledRound;
use foretell_core::score::Tally;
use foretell_core::track::TrackRecord;
use foretell_core::weigh::evidence;

/// Records by miner.
#[derive(Debug)]
pub struct Scoreboard {
    /// The reference's.
    pub reference: TrackRecord,
    /// Each miner's.
    pub miners: BTreeMap<Hotkey, TrackRecord>,
    /// Where outcomes fell in each miner's fans.
    pub calibration: BTreeMap<Hotkey, Calibration>,
    window: evidence::Window,
}

/// What a forecaster did in a round, made by whichever thread.
#[derive(Debug)]
pub struct Measured {
    /// Who.
    pub key: Hotkey,
    /// Sums in bps, where the round has no volatility to be scored by.
    pub unscaled: Option<Tally>,
    /// Where outcomes fell.
    pub calibration: Calibration,
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
            let calibration = self.calibration.entry(measured.key).or_default();
            calibration.merge(&measured.calibration);
            let track = self.miners.entry(measured.key);
            let track = track.or_insert_with(|| TrackRecord::new(self.window));
            if let Some(tally) = &measured.unscaled {
                track.unscaled(tally);
            }
        }
        let Ok(yardstick) = round.yardstick else {
            return;
        };
        self.reference
            .answered(round.origin, &yardstick.reference, &yardstick.reference);
        for (key, judged) in round.judged {
            let track = self.miners.entry(*key);
            let track = track.or_insert_with(|| TrackRecord::new(self.window));
            track.started.get_or_insert(round.origin);
            track.answered(round.origin, &judged.score, &yardstick.reference);
        }
        for (key, track) in &mut self.miners {
            if !round.judged.contains_key(key) {
                track.missed(round.origin, miss_advantage);
            }
        }
    }
}
