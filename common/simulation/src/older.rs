//! One world under an older policy: the same forecasts, other shares.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::policy::{Increments, Policy, Taoshi, increments, taoshi};

use crate::played::{Payday, Played, Players};
use crate::scene::Scene;

/// The world.
#[derive(Debug)]
pub struct OlderNetwork {
    players: Players,
    rule: Rule,
    played: Played,
}

#[derive(Debug)]
enum Rule {
    Taoshi(Taoshi),
    Increments(Increments),
}

impl OlderNetwork {
    /// A world under `taoshi`.
    pub fn taoshi(players: Players) -> Self {
        Self::new(
            players,
            Rule::Taoshi(Taoshi::new(taoshi::Configuration::default(), false)),
        )
    }

    /// A world under `increments`.
    pub fn increments(players: Players) -> Self {
        let rule = Increments::new(increments::Configuration::default());
        Self::new(players, Rule::Increments(rule))
    }

    fn new(players: Players, rule: Rule) -> Self {
        Self {
            players,
            rule,
            played: Played::nothing(),
        }
    }

    /// A round has settled.
    pub fn settle(&mut self, scene: &Scene<'_>) {
        let Some(prompt) = &scene.prompt else { return };
        let asked = self.players.asked.iter();
        match &mut self.rule {
            Rule::Taoshi(policy) => {
                let Some(closes) = &prompt.closes else { return };
                let errors: Vec<(Hotkey, f64)> = asked
                    .filter_map(|key| Some((*key, *prompt.errors.get(key)?)))
                    .collect();
                // A refused round counts for nobody.
                let _: Result<(), taoshi::Refusal> = policy.score(scene.origin, closes, &errors);
            }
            Rule::Increments(policy) => {
                let sums: BTreeMap<Hotkey, f64> = asked
                    .filter_map(|key| Some((*key, *prompt.sums.get(key)?)))
                    .collect();
                policy.score(scene.origin, sums);
            }
        }
    }

    /// Pays by what has settled.
    pub fn pay(&mut self, payday: &Payday) {
        let standings = match &self.rule {
            Rule::Taoshi(policy) => policy.standings(),
            Rule::Increments(policy) => policy.standings(),
        };
        let share = |key: &Hotkey| standings.get(key).map_or(0.0, |standing| standing.share);
        self.played
            .pay(&self.players, payday, share, |key| share(key) > 0.0);
    }

    /// How it ended.
    pub fn played(self) -> Played {
        self.played
    }
}
