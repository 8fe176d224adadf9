//! One round as all scenarios see it: what everybody sent, and what each forecast is worth. Made once for all of them.

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

/// A settled round.
#[derive(Debug)]
pub struct SimulatedRound<'a> {
    /// Its origin.
    pub origin: UnixMillis,
    /// What happened.
    pub outcome: &'a Outcome,
    /// The reference's score.
    pub reference_score: f64,
    /// What happened, in the pool's units.
    pub realised: RealisedMoves,
    /// Everybody's fans.
    pub deviations: Deviations,
    /// Advantages of everybody whose record has begun.
    pub advantages: BTreeMap<Hotkey, Advantage>,
    /// What an attacker saw when the round was asked, public consensus apart.
    pub attacker_view: AttackerView<'a>,
    /// Somebody who sent the attacker's honest fan, so that it is judged once.
    pub(super) honest_sender: Option<Hotkey>,
    /// What older policies make of it; `None` if nobody plays by them.
    pub legacy_scores: Option<LegacyRoundScores>,
}

impl SimulatedRound<'_> {
    /// What a fan, or none, is worth in this round.
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
