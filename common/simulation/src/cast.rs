//! Who plays: the population, and every hotkey of every attack. A hotkey does the same in all worlds it appears in.

use foretell_core::hotkey::Hotkey;

use crate::attack::{Act, Attack};
use crate::population::POPULATION;

/// Every hotkey that appears in any world of a plan.
#[derive(Debug)]
pub struct Cast {
    /// The population's, in its order.
    pub honest: Vec<Hotkey>,
    /// The attackers', with what they do, and as which of the attacker's hotkeys.
    pub attackers: Vec<(Hotkey, Act, usize)>,
}

impl Cast {
    /// The cast of these attacks.
    pub fn of(attacks: &[Attack]) -> Self {
        let mut attackers: Vec<(Hotkey, Act, usize)> = Vec::new();
        for attack in attacks {
            for hotkey in 0..attack.hotkeys {
                let known = |(_, act, number): &(Hotkey, Act, usize)| {
                    *act == attack.act && *number == hotkey
                };
                if !attackers.iter().any(known) {
                    let key = key(POPULATION.len() + attackers.len());
                    attackers.push((key, attack.act, hotkey));
                }
            }
        }
        Self {
            honest: (0..POPULATION.len()).map(key).collect(),
            attackers,
        }
    }

    /// The attacker's hotkeys in an attack of the plan.
    pub fn attackers_in(&self, attack: &Attack) -> Vec<Hotkey> {
        let own = self.attackers.iter();
        own.filter(|(_, act, number)| *act == attack.act && *number < attack.hotkeys)
            .map(|(key, _, _)| *key)
            .collect()
    }
}

fn key(n: usize) -> Hotkey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(n as u64 + 1).to_be_bytes());
    Hotkey(bytes)
}
