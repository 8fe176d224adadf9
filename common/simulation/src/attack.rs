//! What an attacker does instead of forecasting honestly.

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};

use crate::attacker_view::AttackerView;
use crate::counter_rng::{SeedStream, normal, uniform};

/// An attack, with how many hotkeys, and among which others.
#[derive(Debug, Clone, PartialEq)]
pub struct Attack {
    /// What each hotkey does.
    pub kind: AttackKind,
    /// Number of hotkeys that do it.
    pub hotkeys: usize,
    /// Whether one coldkey owns them all.
    pub one_coldkey: bool,
    /// How many good forecasters there are beside the attacker; all of the population's if `None`.
    pub peers: Option<usize>,
}

/// What an attacker's hotkey does in each round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AttackKind {
    /// Forecasts honestly; the gain of every other attack is measured against it.
    Honest,
    /// Multiplies every deviation from the reference by this.
    Exaggerate(f64),
    /// Adds noise to the honest forecast, its energy this multiple of that of the forecast's deviation; each hotkey its
    /// own.
    Noisy(f64),
    /// Like [`Noisy`](Self::Noisy), in pairs of hotkeys with opposite noise.
    Antithetic(f64),
    /// Sends the consensus of the last round that has settled; where a policy has none, the mean of the population's
    /// fans.
    CopyConsensus,
    /// Bets on one side with a point forecast, the same side for 16 rounds.
    Gamble,
    /// Moves the reference by a guess of each hotkey's own, anew every day: no skill, and some luck.
    Guess,
    /// Is honest, and silent where its forecast is far from the reference.
    SilentWhenUnsure,
    /// Is honest, and reveals only if the first step's move was not far out.
    RevealSelectively,
    /// Answers too late, which is a miss.
    Late,
    /// Forecasts 1e300.
    Absurd,
    /// Forecasts NaN, which is a miss.
    NotANumber,
    /// Is honest, from day 10 on.
    JoinLate,
}

impl Attack {
    /// Every attack; the first is [`Honest`](AttackKind::Honest).
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

    /// Whether it is the honest behaviour that attacks are compared with.
    pub fn is_honest(&self) -> bool {
        self.kind == AttackKind::Honest
    }

    /// The name in tables, by which it is also chosen.
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
    /// The fan of the attacker's hotkey number `hotkey`, from 0, in one round; `None` is a miss.
    pub(crate) fn fan(self, view: &AttackerView<'_>, hotkey: usize) -> Option<QuantileForecast> {
        let round = view.round_index as u64;
        match self {
            Self::Honest => Some(view.honest.clone()),
            Self::Exaggerate(by) => Some(view.deviating(|d, _, _| by * d)),
            Self::Noisy(0.0) => Some(view.honest.clone()),
            Self::Noisy(energy) => {
                let hotkey = hotkey as u64;
                let shift = SeedStream::NoisyShift { hotkey };
                let widening = SeedStream::NoisyWidening { hotkey };
                Some(view.with_noise(energy, (shift, widening), 1.0))
            }
            Self::Antithetic(energy) => {
                let sign = if hotkey.is_multiple_of(2) { 1.0 } else { -1.0 };
                let pair = hotkey as u64 / 2;
                let shift = SeedStream::AntitheticShift { pair };
                let widening = SeedStream::AntitheticWidening { pair };
                Some(view.with_noise(energy, (shift, widening), sign))
            }
            Self::CopyConsensus => view.public_consensus.map(|public| {
                let at = |step: usize, k: usize| public[step * POOL_LEVELS + k];
                view.deviating(|_, step, k| at(step, k))
            }),
            Self::Gamble => {
                let up = uniform(view.seed, SeedStream::GambleSide, round / 16) < 0.5;
                let bet = if up { 0.3 } else { -0.3 };
                let horizon = view.honest.rows().len();
                let moves = (1..=horizon).map(|i| bet * view.unit(i));
                Some(QuantileForecast::from_moves(1, moves.collect()))
            }
            Self::Guess => {
                let day = (view.round_index / view.rounds_per_day.max(1)) as u64;
                let hotkey = hotkey as u64;
                let stream = SeedStream::GuessedDirection { hotkey };
                let shift = 0.05 * normal(view.seed, stream, day);
                Some(view.on_reference(|q| q + shift))
            }
            Self::SilentWhenUnsure => (view.energy < 0.01).then(|| view.honest.clone()),
            Self::RevealSelectively => {
                // After a large first move the whole fan is off centre.
                let limit = 1.5 * view.unit(1);
                let against = view.first_move.is_some_and(|first| first.abs() > limit);
                (!against).then(|| view.honest.clone())
            }
            Self::Late | Self::NotANumber => None,
            Self::Absurd => {
                let horizon = view.honest.rows().len();
                // ln 1e300 less a price's logarithm, in bps.
                Some(QuantileForecast::from_moves(1, vec![6.8e6; horizon]))
            }
            Self::JoinLate => {
                (view.round_index >= 10 * view.rounds_per_day).then(|| view.honest.clone())
            }
        }
    }
}
