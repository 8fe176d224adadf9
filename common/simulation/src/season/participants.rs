//! Who takes part in one scenario.

use foretell_core::hotkey::Hotkey;

use crate::attack::Attack;
use crate::forecasters::{HONEST_FORECASTERS, SkillClass};
use crate::population::Population;

/// Who takes part in one scenario.
#[derive(Debug, Clone)]
pub struct Participants {
    /// The whole population, whether or not all of it takes part.
    pub honest: Vec<Hotkey>,
    /// The attacker's hotkeys, in order.
    pub attackers: Vec<Hotkey>,
    /// All that take part: the population's first, then the attacker's.
    pub asked: Vec<Hotkey>,
}

impl Participants {
    /// The participants of one attack's scenario: of the good forecasters only the first [`peers`](Attack::peers).
    pub fn new(attack: &Attack, population: &Population) -> Self {
        let mut good_so_far = 0;
        let present = population
            .honest
            .iter()
            .zip(HONEST_FORECASTERS)
            .filter(|(_, forecaster)| {
                let is_good = forecaster.class == SkillClass::Good;
                good_so_far += usize::from(is_good);
                !is_good || attack.peers.is_none_or(|peers| good_so_far <= peers)
            });
        let attackers = population.attackers_in(attack);
        Self {
            asked: present
                .map(|(key, _)| *key)
                .chain(attackers.iter().copied())
                .collect(),
            honest: population.honest.clone(),
            attackers,
        }
    }
}
