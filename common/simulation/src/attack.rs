//! What an attacker does instead of forecasting honestly.

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};

use crate::counter_rng::{normal, uniform};

/// An attack, and whom it is made among.
#[derive(Debug, Clone, PartialEq)]
pub struct Attack {
    /// What is done.
    pub kind: AttackKind,
    /// Hotkeys that do it.
    pub hotkeys: usize,
    /// Whether one coldkey owns them all.
    pub one_coldkey: bool,
    /// How many good forecasters there are beside the attacker; all of the population's if `None`.
    pub peers: Option<usize>,
}

/// What is done in each round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AttackKind {
    /// Nothing: the measure of all others.
    Honest,
    /// Every deviation from the reference times this.
    Exaggerate(f64),
    /// The own forecast with noise of this energy, relative to that of its deviation; each hotkey its own.
    Noisy(f64),
    /// Pairs of hotkeys with opposite noise of this energy.
    Antithetic(f64),
    /// The consensus of the last round that has settled; where a policy has none, the mean of everybody's fans.
    CopyConsensus,
    /// A bet on one side, as a point.
    Gamble,
    /// Each hotkey a guess of its own at where the price goes, anew every day: no skill, and some luck.
    Guess,
    /// Honest, but silent where its forecast is far from the reference.
    SilentWhenUnsure,
    /// Reveals only if the first step has not gone against it.
    RevealSelectively,
    /// Always too late.
    Late,
    /// Forecasts 1e300.
    Absurd,
    /// Forecasts what is no number.
    NotANumber,
    /// Honest, from day 10 on.
    JoinLate,
}

/// What an attacker knows of a round.
#[derive(Debug)]
pub struct AttackerView<'a> {
    /// The fan that it would send honestly.
    pub honest: &'a QuantileForecast,
    /// The reference's row, in units of σ_T·√i.
    pub reference: &'a [f64],
    /// σ_T in bps.
    pub volatility: f64,
    /// See [`energy`].
    pub energy: f64,
    /// The last consensus that was public when the round was asked, as deviations in units of σ_T·√i.
    pub public_consensus: Option<&'a [f64]>,
    /// Move of the first step, in bps.
    pub first_move: Option<f64>,
    /// Number of the round in its season.
    pub round_index: usize,
    /// Rounds a day.
    pub rounds_per_day: usize,
    /// Seed of the season.
    pub seed: u64,
}

impl Attack {
    /// All of them. The first is honesty.
    pub fn all() -> Vec<Self> {
        let single = [
            AttackKind::Honest,
            AttackKind::Exaggerate(1.25),
            AttackKind::Exaggerate(1.5),
            AttackKind::Exaggerate(2.0),
            AttackKind::Noisy(0.2),
            AttackKind::CopyConsensus,
            AttackKind::Gamble,
            AttackKind::SilentWhenUnsure,
            AttackKind::RevealSelectively,
            AttackKind::Late,
            AttackKind::Absurd,
            AttackKind::NotANumber,
            AttackKind::JoinLate,
        ];
        let mut all: Vec<Self> = single.into_iter().map(|kind| Self::new(kind, 1)).collect();
        for hotkeys in [2_usize, 5, 10] {
            for energy in [0.0, 0.05, 0.2, 0.5] {
                all.push(Self::new(AttackKind::Noisy(energy), hotkeys));
            }
            if hotkeys.is_multiple_of(2) {
                all.push(Self::new(AttackKind::Antithetic(0.2), hotkeys));
            }
        }
        all.push(Self::new(AttackKind::Guess, 10));
        for (kind, hotkeys) in [
            (AttackKind::Noisy(0.0), 5),
            (AttackKind::Noisy(0.2), 5),
            (AttackKind::Antithetic(0.2), 2),
        ] {
            all.push(Self {
                one_coldkey: true,
                ..Self::new(kind, hotkeys)
            });
        }
        for peers in [0, 1, 3] {
            for (kind, hotkeys) in [
                (AttackKind::Honest, 1),
                (AttackKind::Noisy(0.0), 2),
                (AttackKind::Noisy(0.05), 2),
                (AttackKind::Noisy(0.2), 2),
                (AttackKind::Noisy(0.05), 5),
                (AttackKind::Noisy(0.2), 5),
            ] {
                all.push(Self {
                    peers: Some(peers),
                    ..Self::new(kind, hotkeys)
                });
            }
        }
        all
    }

    const fn new(kind: AttackKind, hotkeys: usize) -> Self {
        Self {
            kind,
            hotkeys,
            one_coldkey: false,
            peers: None,
        }
    }

    /// Whether it is what the others are measured by.
    pub fn is_honest(&self) -> bool {
        self.kind == AttackKind::Honest
    }

    /// Its name in tables and for choosing it.
    pub fn name(&self) -> String {
        let kind = match self.kind {
            AttackKind::Honest => "honest".to_owned(),
            AttackKind::Exaggerate(by) => format!("exaggerate-{by}"),
            AttackKind::Noisy(0.0) => "exact".to_owned(),
            AttackKind::Noisy(energy) => format!("noisy-{energy}"),
            AttackKind::Antithetic(energy) => format!("antithetic-{energy}"),
            AttackKind::CopyConsensus => "copy-consensus".to_owned(),
            AttackKind::Gamble => "gamble".to_owned(),
            AttackKind::Guess => "guess".to_owned(),
            AttackKind::SilentWhenUnsure => "silent-when-unsure".to_owned(),
            AttackKind::RevealSelectively => "reveal-selectively".to_owned(),
            AttackKind::Late => "late".to_owned(),
            AttackKind::Absurd => "1e300".to_owned(),
            AttackKind::NotANumber => "nan".to_owned(),
            AttackKind::JoinLate => "join-late".to_owned(),
        };
        let copies = if self.hotkeys > 1 {
            format!("-x{}", self.hotkeys)
        } else {
            String::new()
        };
        let coldkey = if self.one_coldkey { "-one-coldkey" } else { "" };
        let peers = self
            .peers
            .map_or_else(String::new, |peers| format!("-among-{peers}"));
        format!("{kind}{copies}{coldkey}{peers}")
    }
}

impl AttackKind {
    /// The fan of the attacker's hotkey number `hotkey` in one round; `None` is a miss.
    pub fn fan(self, attacker_view: &AttackerView<'_>, hotkey: usize) -> Option<QuantileForecast> {
        let round = attacker_view.round_index as u64;
        match self {
            Self::Honest => Some(attacker_view.honest.clone()),
            Self::Exaggerate(by) => Some(attacker_view.deviating(|d, _, _| by * d)),
            Self::Noisy(0.0) => Some(attacker_view.honest.clone()),
            Self::Noisy(energy) => {
                let stream = 50_000 + 2 * hotkey as u64;
                Some(attacker_view.with_noise(energy, stream, 1.0))
            }
            Self::Antithetic(energy) => {
                let sign = if hotkey.is_multiple_of(2) { 1.0 } else { -1.0 };
                Some(attacker_view.with_noise(energy, 60_000 + 2 * (hotkey as u64 / 2), sign))
            }
            Self::CopyConsensus => attacker_view.public_consensus.map(|public| {
                let at = |step: usize, k: usize| public[step * POOL_LEVELS + k];
                attacker_view.deviating(|_, step, k| at(step, k))
            }),
            Self::Gamble => {
                let up = uniform(attacker_view.seed, 70_000, round / 16) < 0.5;
                let bet = if up { 0.3 } else { -0.3 };
                let horizon = attacker_view.honest.rows().len();
                let moves = (1..=horizon).map(|i| bet * attacker_view.unit(i));
                Some(QuantileForecast::from_moves(1, moves.collect()))
            }
            Self::Guess => {
                let day = (attacker_view.round_index / attacker_view.rounds_per_day.max(1)) as u64;
                let shift = 0.05 * normal(attacker_view.seed, 90_000 + hotkey as u64, day);
                Some(attacker_view.on_reference(|q| q + shift))
            }
            Self::SilentWhenUnsure => {
                (attacker_view.energy < 0.01).then(|| attacker_view.honest.clone())
            }
            Self::RevealSelectively => {
                // Far out on the first step means that the whole fan starts off centre.
                let limit = 1.5 * attacker_view.unit(1);
                let against = attacker_view
                    .first_move
                    .is_some_and(|first| first.abs() > limit);
                (!against).then(|| attacker_view.honest.clone())
            }
            Self::Late | Self::NotANumber => None,
            Self::Absurd => {
                let horizon = attacker_view.honest.rows().len();
                // ln 1e300 less a price's logarithm, in bps.
                Some(QuantileForecast::from_moves(1, vec![6.8e6; horizon]))
            }
            Self::JoinLate => (attacker_view.round_index >= 10 * attacker_view.rounds_per_day)
                .then(|| attacker_view.honest.clone()),
        }
    }
}

/// Mean squared deviation of a fan from the reference's row, in units of σ_T·√i.
pub fn energy(fan: &QuantileForecast, reference: &[f64], volatility: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for (row, i) in fan.rows().zip(1..) {
        let unit = volatility * libm::sqrt(f64::from(i));
        for (value, reference) in row.iter().zip(reference) {
            let d = value / unit - reference;
            sum += d * d;
            count += 1;
        }
    }
    sum / f64::from(count)
}

impl AttackerView<'_> {
    fn unit(&self, step: usize) -> f64 {
        self.volatility * libm::sqrt(step as f64)
    }

    /// The fan whose deviation from the reference is a function of the honest one's, of step and level.
    fn deviating(&self, deviation: impl Fn(f64, usize, usize) -> f64) -> QuantileForecast {
        let mut moves = Vec::with_capacity(self.honest.rows().len() * POOL_LEVELS);
        for (step, row) in self.honest.rows().enumerate() {
            let unit = self.unit(step + 1);
            let points = row.iter().zip(self.reference).enumerate();
            moves.extend(points.map(|(k, (value, reference))| {
                unit * (reference + deviation(value / unit - reference, step, k))
            }));
        }
        QuantileForecast::from_moves(POOL_LEVELS, moves)
    }

    /// A function of the reference's row.
    fn on_reference(&self, value: impl Fn(f64) -> f64) -> QuantileForecast {
        let moves = (1..=self.honest.rows().len()).flat_map(|step| {
            let unit = self.unit(step);
            let row = self.reference.iter();
            row.map(|q| unit * value(*q)).collect::<Vec<_>>()
        });
        QuantileForecast::from_moves(POOL_LEVELS, moves.collect())
    }

    /// The honest fan, moved and widened by chance, both alike in energy.
    fn with_noise(&self, energy: f64, stream: u64, sign: f64) -> QuantileForecast {
        let round = self.round_index as u64;
        let size = sign * libm::sqrt(0.5 * energy * self.energy);
        let shift = size * normal(self.seed, stream, round);
        let spread =
            self.reference.iter().map(|q| q * q).sum::<f64>() / self.reference.len() as f64;
        let widening = size * normal(self.seed, stream + 1, round) / libm::sqrt(spread);
        self.deviating(|d, _, k| d + shift + widening * self.reference[k])
    }
}
