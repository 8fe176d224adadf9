//! One settled round as all scenarios see it: everybody's forecasts and advantages, computed once.

use std::collections::BTreeMap;

use foretell_core::forecast::QuantileForecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::outcome::Outcome;
use foretell_core::pool::Advantage;
use foretell_core::pool::deviations::{Deviations, RealisedMoves};
use foretell_core::rules::Rules;
use foretell_core::score::Score;
use foretell_core::time::UnixMillis;

use super::legacy_round_scores::LegacyRoundScores;
use crate::attacker_view::AttackerView;

/// A settled round with everybody's forecasts.
#[derive(Debug)]
pub struct SimulatedRound<'a> {
    /// Origin T.
    pub origin: UnixMillis,
    /// Realised moves and σ_T.
    pub outcome: &'a Outcome,
    /// Scaled CRPS of the reference, S_ref.
    pub reference_score: f64,
    /// Realised moves in units of σ_T·√i.
    pub realised: RealisedMoves,
    /// Everybody's fans, as deviations from the reference.
    pub deviations: Deviations,
    /// Advantage of each hotkey whose record has begun.
    pub advantages: BTreeMap<Hotkey, Advantage>,
    /// What an attacker saw when the round was asked, without the public consensus, which is the scenario's own.
    pub attacker_view: AttackerView<'a>,
    /// A hotkey that sent the attacker's honest fan, whose scores the next one with that fan copies.
    pub(super) honest_sender: Option<Hotkey>,
    /// Scores by the older policies; `None` if no variant needs them.
    pub legacy_scores: Option<LegacyRoundScores>,
}

impl SimulatedRound<'_> {
    /// The advantage of a fan, or of a miss, in this round.
    pub fn advantage(&self, fan: Option<&QuantileForecast>, rules: &Rules) -> Advantage {
        let score = fan.and_then(|fan| Score::scaled_crps(fan, self.outcome, &rules.score));
        Advantage {
            origin: self.origin,
            value: score.map_or(rules.score.miss_advantage, |score| {
                self.reference_score - score
            }),
        }
    }
}
