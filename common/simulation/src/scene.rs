//! One round as all worlds see it: what everybody sent, and what each forecast is worth. Made once for all of them.

use std::collections::{BTreeMap, VecDeque};

use foretell_core::forecast::{Fan, Forecast, Kind};
use foretell_core::hotkey::Hotkey;
use foretell_core::policy::{increments, taoshi};
use foretell_core::price::Price;
use foretell_core::rules::{EvidenceRules, Rules};
use foretell_core::score::{Outcome, Score};
use foretell_core::series::Unit;
use foretell_core::settle::Settlement;
use foretell_core::time::UnixMillis;
use foretell_core::weigh::deviations::{Consensus, Deviations, Realised};
use foretell_core::weigh::evidence::{Sums, Window};
use foretell_core::weigh::{Advantage, Evidence, PoolEntry};

use crate::attack::Sight;
use crate::cast::Cast;
use crate::paths::Paths;

/// A settled round.
#[derive(Debug)]
pub struct Scene<'a> {
    /// Its origin.
    pub origin: UnixMillis,
    /// What happened.
    pub outcome: &'a Outcome,
    /// The reference's score.
    pub reference_score: f64,
    /// What happened, in the pool's units.
    pub realised: Realised,
    /// Everybody's fans.
    pub deviations: Deviations,
    /// Advantages of everybody whose record has begun.
    pub advantages: BTreeMap<Hotkey, Advantage>,
    /// What an attacker saw when the round was asked, public consensus apart.
    pub sight: Sight<'a>,
    /// Somebody who sent the attacker's honest fan, so that it is judged once.
    honest: Option<Hotkey>,
    /// What older policies make of it; `None` if nobody plays by them.
    pub prompt: Option<Prompt>,
}

/// What the older policies see of a round.
#[derive(Debug)]
pub struct Prompt {
    /// Realised closes, if there are no gaps.
    pub closes: Option<Vec<f64>>,
    /// Weighted RMSEs by `taoshi`.
    pub errors: BTreeMap<Hotkey, f64>,
    /// Sums of CRPS by `increments`.
    pub sums: BTreeMap<Hotkey, f64>,
}

/// Everybody's records so far.
#[derive(Debug)]
pub struct Records {
    window: Window,
    paths: Paths,
    sums: BTreeMap<Hotkey, Sums>,
    /// The mean of the population's fans, round by round, until it is public.
    means: VecDeque<Consensus>,
}

/// What is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judges<'a> {
    /// Rules of the score.
    pub rules: &'a Rules,
    /// Who plays.
    pub cast: &'a Cast,
    /// Whether older policies play along.
    pub older: bool,
    /// Rounds between an origin and the first one that opens with its prices settled.
    pub behind: usize,
}

impl Records {
    /// Nobody's.
    pub fn new(window: Window, paths: Paths) -> Self {
        Self {
            window,
            paths,
            sums: BTreeMap::new(),
            means: VecDeque::new(),
        }
    }

    /// The evidence of one hotkey; `None` before its first answer.
    pub fn evidence(&self, key: &Hotkey, rules: &EvidenceRules) -> Option<Evidence> {
        self.sums.get(key)?.evidence(rules)
    }

    /// Plays a round: `honest` are the population's fans, `sight` is the attacker's.
    pub fn play<'a>(
        &mut self,
        judges: &Judges<'_>,
        (origin, outcome, settlement): (UnixMillis, &'a Outcome, &Settlement),
        reference_score: f64,
        honest: &[Fan],
        sight: Sight<'a>,
        empty: &Deviations,
    ) -> Scene<'a> {
        let Judges { rules, cast, .. } = judges;
        let mut scene = Scene {
            origin,
            outcome,
            reference_score,
            realised: Realised::of(outcome, &rules.score),
            deviations: empty.clone(),
            advantages: BTreeMap::new(),
            sight,
            honest: None,
            prompt: judges.older.then(|| Prompt {
                closes: taoshi::closes(settlement).ok(),
                errors: BTreeMap::new(),
                sums: BTreeMap::new(),
            }),
        };
        for (key, fan) in cast.honest.iter().zip(honest) {
            self.take(&mut scene, *key, Some(fan), settlement, rules);
        }
        // What was public when this round was asked: the means of rounds that had settled by then.
        let public = (self.means.len() >= judges.behind).then(|| self.means.pop_front());
        let public = public.flatten();
        let sight = Sight {
            public: public.as_ref().map(Consensus::values),
            ..scene.sight
        };
        for (key, act, hotkey) in &cast.attackers {
            let fan = act.fan(&sight, *hotkey);
            self.take(&mut scene, *key, fan.as_ref(), settlement, rules);
        }
        self.means
            .push_back(scene.deviations.consensus(&mean_of(&cast.honest)));
        scene
    }

    fn take(
        &mut self,
        scene: &mut Scene<'_>,
        key: Hotkey,
        fan: Option<&Fan>,
        settlement: &Settlement,
        rules: &Rules,
    ) {
        let (origin, outcome) = (scene.origin, scene.outcome);
        if let Some(fan) = fan {
            scene
                .deviations
                .insert(key, fan, outcome.volatility, &rules.score);
            if let Some(prompt) = &mut scene.prompt {
                let alike = scene.honest.filter(|_| fan == scene.sight.honest);
                prompt.take(key, fan, alike, settlement, &self.paths);
                if fan == scene.sight.honest {
                    scene.honest = Some(key);
                }
            }
        }
        // A record starts at the first answer.
        if fan.is_some() || self.sums.contains_key(&key) {
            let advantage = scene.advantage(fan, rules);
            debug_assert_eq!(advantage.origin, origin);
            scene.advantages.insert(key, advantage);
            let sums = self.sums.entry(key);
            sums.or_insert_with(|| Sums::new(self.window))
                .add(&advantage);
        }
    }
}

impl Scene<'_> {
    /// What a fan, or none, is worth in this round.
    pub fn advantage(&self, fan: Option<&Fan>, rules: &Rules) -> Advantage {
        let score = fan.and_then(|fan| Score::scaled_crps(fan, self.outcome, &rules.score));
        Advantage {
            origin: self.origin,
            value: score.map_or(rules.score.miss_advantage, |score| {
                self.reference_score - score
            }),
        }
    }
}

impl Prompt {
    /// Judges a fan, which is the same as that of `alike`.
    fn take(
        &mut self,
        key: Hotkey,
        fan: &Fan,
        alike: Option<Hotkey>,
        settlement: &Settlement,
        paths: &Paths,
    ) {
        if let Some(alike) = alike {
            for judged in [&mut self.errors, &mut self.sums] {
                if let Some(value) = judged.get(&alike).copied() {
                    judged.insert(key, value);
                }
            }
            return;
        }
        let Some(anchor) = settlement.anchor.map(Price::get) else {
            return;
        };
        let horizon = settlement.closes.len();
        let (k, moves) = paths.of(fan);
        let prices = moves
            .into_iter()
            .map(|change| anchor * libm::exp(1e-4 * change));
        let forecast = Forecast::new(Kind::Paths, Unit::LogPrice, horizon, k, prices.collect());
        let Ok(forecast) = forecast else { return };
        if let Some(closes) = &self.closes {
            let errors = taoshi::Errors::new(&taoshi::Configuration::default(), horizon);
            self.errors.insert(key, errors.of(&forecast, closes));
        }
        let rule = increments::Configuration::default();
        if let Some(sum) = increments::sum_of_crps(&forecast, settlement, &rule) {
            self.sums.insert(key, sum);
        }
    }
}

/// A pool in which all have the same share.
fn mean_of(keys: &[Hotkey]) -> Vec<PoolEntry> {
    let share = 1.0 / keys.len().max(1) as f64;
    let entry = |key: &Hotkey| PoolEntry {
        share,
        members: BTreeMap::from([(*key, 1.0)]),
    };
    keys.iter().map(entry).collect()
}
