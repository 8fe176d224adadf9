//! What became of a season in one world.

use foretell_core::hotkey::Hotkey;

use crate::attack::Attack;
use crate::cast::Cast;
use crate::population::{Class, POPULATION};

/// Who takes part in one world.
#[derive(Debug, Clone)]
pub struct Players {
    /// The whole population, whether or not all of it takes part.
    pub honest: Vec<Hotkey>,
    /// The attacker's hotkeys.
    pub attackers: Vec<Hotkey>,
    /// All who take part, in order.
    pub asked: Vec<Hotkey>,
}

/// An instant at which everybody is paid.
#[derive(Debug, Clone, Copy)]
pub struct Payday {
    /// Rounds' emissions that are paid.
    pub rounds: f64,
    /// Whether it is looked at how things stand.
    pub checkpoint: bool,
}

/// How a season ended in one world.
#[derive(Debug, Clone)]
pub struct Played {
    /// Shares of the emission by forecaster of the population, at the checkpoints.
    pub weights: Vec<Vec<f64>>,
    /// The attacker's, at the checkpoints.
    pub attacker: Vec<f64>,
    /// What burned, at the checkpoints.
    pub burned: Vec<f64>,
    /// Who of the population was eligible, at the checkpoints.
    pub eligible: Vec<Vec<bool>>,
    /// All that was paid to each of the population over the season, in rounds' emissions.
    pub paid: Vec<f64>,
    /// All that was paid to the attacker.
    pub attacker_paid: f64,
    /// Mean gain of the consensus over the reference, where there is one.
    pub consensus_gain: Option<f64>,
    /// Of the season's last part: sums of the scores of the consensus, and of each of the population.
    pub mature: Option<(f64, Vec<f64>)>,
}

impl Players {
    /// Those in the world of one attack.
    pub fn of(attack: &Attack, cast: &Cast) -> Self {
        let mut good = 0;
        let present = cast
            .honest
            .iter()
            .zip(POPULATION)
            .filter(|(_, forecaster)| {
                let is_good = forecaster.class == Class::Good;
                good += usize::from(is_good);
                !is_good || attack.peers.is_none_or(|peers| good <= peers)
            });
        let attackers = cast.attackers_in(attack);
        Self {
            asked: present
                .map(|(key, _)| *key)
                .chain(attackers.iter().copied())
                .collect(),
            honest: cast.honest.clone(),
            attackers,
        }
    }
}

impl Played {
    /// Of a season that has not begun.
    pub fn nothing() -> Self {
        Self {
            weights: Vec::new(),
            attacker: Vec::new(),
            burned: Vec::new(),
            eligible: Vec::new(),
            paid: vec![0.0; POPULATION.len()],
            attacker_paid: 0.0,
            consensus_gain: None,
            mature: None,
        }
    }

    /// Pays everybody its share.
    pub fn pay(
        &mut self,
        players: &Players,
        payday: &Payday,
        share: impl Fn(&Hotkey) -> f64,
        eligible: impl Fn(&Hotkey) -> bool,
    ) {
        let honest: Vec<f64> = players.honest.iter().map(&share).collect();
        let attacker: f64 = players.attackers.iter().map(&share).sum();
        for (paid, share) in self.paid.iter_mut().zip(&honest) {
            *paid += payday.rounds * share;
        }
        self.attacker_paid += payday.rounds * attacker;
        if payday.checkpoint {
            self.burned
                .push(1.0 - attacker - honest.iter().sum::<f64>());
            self.eligible
                .push(players.honest.iter().map(eligible).collect());
            self.weights.push(honest);
            self.attacker.push(attacker);
        }
    }

    /// Adds a round to the comparison of the consensus with the members.
    pub fn compare(&mut self, consensus: f64, members: impl Iterator<Item = f64>) {
        let nobody = || (0.0, vec![0.0; POPULATION.len()]);
        let (sum, sums) = self.mature.get_or_insert_with(nobody);
        *sum += consensus;
        for (sum, member) in sums.iter_mut().zip(members) {
            *sum += member;
        }
    }
}
