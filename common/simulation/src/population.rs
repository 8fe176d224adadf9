//! The hotkeys of a plan: the population's, and those of every attack. A hotkey does the same in all its scenarios.

use foretell_core::hotkey::Hotkey;

use crate::attack::{Attack, AttackKind};
use crate::forecasters::HONEST_FORECASTERS;

/// Every hotkey that appears in any scenario of a plan.
#[derive(Debug)]
pub struct Population {
    /// The population's, in the order of [`HONEST_FORECASTERS`].
    pub honest: Vec<Hotkey>,
    /// The attackers', each with what it does and its number among its attacker's hotkeys, from 0.
    pub attackers: Vec<(Hotkey, AttackKind, usize)>,
}

impl Population {
    /// The hotkeys of these attacks and of the population. Attacks of one kind share hotkeys.
    pub fn new(attacks: &[Attack]) -> Self {
        let mut attackers: Vec<(Hotkey, AttackKind, usize)> = Vec::new();
        for attack in attacks {
            for hotkey in 0..attack.hotkeys {
                let known = |(_, kind, number): &(Hotkey, AttackKind, usize)| {
                    *kind == attack.kind && *number == hotkey
                };
                if !attackers.iter().any(known) {
                    let key = key(HONEST_FORECASTERS.len() + attackers.len());
                    attackers.push((key, attack.kind, hotkey));
                }
            }
        }
        Self {
            honest: (0..HONEST_FORECASTERS.len()).map(key).collect(),
            attackers,
        }
    }

    /// The attacker's hotkeys in an attack of the plan, in order.
    pub fn attackers_in(&self, attack: &Attack) -> Vec<Hotkey> {
        let own = self.attackers.iter();
        own.filter(|(_, kind, number)| *kind == attack.kind && *number < attack.hotkeys)
            .map(|(key, _, _)| *key)
            .collect()
    }
}

/// The hotkey number `n`: keys are in the order of their numbers.
fn key(n: usize) -> Hotkey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(n as u64 + 1).to_be_bytes());
    Hotkey(bytes)
}
