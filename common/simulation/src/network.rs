//! One world under `evidence`: a population and one attack, with its own fit, credits and weights.

use std::collections::{BTreeMap, VecDeque};

use foretell_core::hotkey::Hotkey;
use foretell_core::rules::Rules;
use foretell_core::weigh::deviations::Consensus;
use foretell_core::weigh::entries::pool;
use foretell_core::weigh::evidence::{Sums, Window};
use foretell_core::weigh::quadratic::Quadratic;
use foretell_core::weigh::{Credits, Evidence, PoolEntry, Weights, credit};

use crate::attack::{Act, Attack, Sight};
use crate::played::{Payday, Played, Players};
use crate::scene::{Records, Scene};

/// The world.
#[derive(Debug)]
pub struct Network<'a> {
    players: Players,
    rules: &'a Rules,
    owners: BTreeMap<Hotkey, Hotkey>,
    quadratic: Quadratic,
    credits: Credits,
    /// The consensus's record.
    consensus: Sums,
    /// Pools of the rounds that have not settled.
    open: VecDeque<Vec<PoolEntry>>,
    copier: Option<Copier>,
    eligible: Vec<Hotkey>,
    played: Played,
}

/// An attacker who sends what is public of this world's own consensus.
#[derive(Debug)]
struct Copier {
    key: Hotkey,
    record: Sums,
    /// Consensuses of the rounds since the last one that is public.
    public: VecDeque<Consensus>,
}

impl<'a> Network<'a> {
    /// A world in which nothing has happened yet.
    pub fn new(attack: &Attack, players: Players, rules: &'a Rules, window: Window) -> Self {
        let own = &players.attackers;
        let owner = |key: &Hotkey| if attack.one_coldkey { own[0] } else { *key };
        Self {
            owners: own.iter().map(|key| (*key, owner(key))).collect(),
            copier: (attack.act == Act::CopyConsensus).then(|| Copier {
                key: own[0],
                record: Sums::new(window),
                public: VecDeque::new(),
            }),
            played: Played::nothing(),
            players,
            rules,
            quadratic: Quadratic::default(),
            credits: Credits::default(),
            consensus: Sums::new(window),
            open: VecDeque::new(),
            eligible: Vec::new(),
        }
    }

    /// A round has settled; `mature` says whether its consensus is compared with the members.
    pub fn settle(&mut self, scene: &mut Scene<'_>, mature: bool) {
        let pool = self.open.pop_front().unwrap_or_default();
        if let Some(copier) = &mut self.copier {
            copier.answer(scene, self.open.len(), self.rules);
        }
        let deviations = &scene.deviations;
        let consensus = deviations.consensus(&pool);
        let settled = (deviations, &consensus, &scene.realised);
        self.quadratic
            .add(scene.origin, settled, &self.players.asked, &self.rules.fit);
        let mut score = scene.reference_score;
        if !pool.is_empty() {
            let credits = credit::credits(deviations, &consensus, &pool, &scene.realised);
            self.credits
                .add(scene.origin, &credits, self.rules.pay.half_life);
            let fan = deviations.fan(&consensus, scene.outcome.volatility);
            let gained = scene.advantage(Some(&fan), self.rules);
            self.consensus.add(&gained);
            score -= gained.value;
        } else {
            self.credits
                .add(scene.origin, &BTreeMap::new(), self.rules.pay.half_life);
        }
        if mature {
            let members = self.players.honest.iter().map(|key| {
                let advantage = scene.advantages.get(key);
                scene.reference_score - advantage.map_or(0.0, |a| a.value)
            });
            self.played.compare(score, members);
        }
        if let Some(copier) = &mut self.copier {
            copier.public.push_back(consensus);
        }
    }

    /// A void round counts for nobody.
    pub fn void(&mut self) {
        self.open.pop_front();
    }

    /// Pays by what has settled.
    pub fn pay(&mut self, records: &Records, payday: &Payday) {
        let asked = self.players.asked.iter();
        let of = |key: &Hotkey| records.evidence(key, &self.rules.evidence);
        let mut evidence: BTreeMap<Hotkey, Evidence> =
            asked.filter_map(|key| Some((*key, of(key)?))).collect();
        if let Some(copier) = &self.copier {
            evidence.remove(&copier.key);
            let own = copier.record.evidence(&self.rules.evidence);
            evidence.extend(own.map(|own| (copier.key, own)));
        }
        evidence.retain(|_, evidence| evidence.value > 0.0);
        self.eligible = evidence.keys().copied().collect();
        let consensus = self.consensus.evidence(&self.rules.evidence);
        let weights = Weights::of(
            &evidence,
            &self.credits,
            consensus.as_ref(),
            &self.rules.pay,
        );
        self.played.pay(
            &self.players,
            payday,
            |key| weights.share(key),
            |key| evidence.contains_key(key),
        );
        self.played.consensus_gain = consensus.map(|consensus| consensus.mean);
    }

    /// Opens a round.
    pub fn open(&mut self) {
        let rules = &self.rules.fit;
        let pool = pool(&self.eligible, &self.owners, &self.quadratic, rules);
        self.open.push_back(pool);
    }

    /// How it ended.
    pub fn played(self) -> Played {
        self.played
    }
}

impl Copier {
    fn answer(&mut self, scene: &mut Scene<'_>, still_open: usize, rules: &Rules) {
        let public = (self.public.len() > still_open).then(|| self.public.pop_front());
        let public = public.flatten();
        let sight = Sight {
            public: public.as_ref().map(Consensus::values),
            ..scene.sight
        };
        let fan = Act::CopyConsensus.fan(&sight, 0);
        scene.deviations.remove(&self.key);
        if let Some(fan) = &fan {
            let volatility = scene.outcome.volatility;
            scene
                .deviations
                .insert(self.key, fan, volatility, &rules.score);
        }
        if fan.is_some() || self.record.rounds() > 0 {
            let advantage = scene.advantage(fan.as_ref(), rules);
            self.record.add(&advantage);
        }
    }
}
