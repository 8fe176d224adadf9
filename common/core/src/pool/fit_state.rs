//! What the past says of every combination of fans: the pool's score, expanded to second order.
//!
//! With D = Σ u_m·d_m the consensus's deviation from the reference and D⁰ that of the round as it was,
//! `S(q_ref + D) ≈ const − cᵀu + ½·uᵀG·u`, where a round adds
//!
//! ```text
//!   G = Σ v·f·d·dᵀ        c = Σ v·d·(τ − 1{y < q⁰} + f·D⁰)        v = (2/K)/n
//! ```
//!
//! over n steps and K levels, f being the density of q⁰ = q_ref + D⁰ from the spacing of its levels. So two arrays
//! hold all that a fit needs, however long the past is. Steps and levels are thinned to a lattice, which costs no
//! measurable gain and makes a round of 256 miners a matter of milliseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::deviations::{Consensus, Deviations, RealisedMoves, levels};
use super::forecasters::Forecaster;
use crate::forecast::POOL_LEVELS;
use crate::hash::{Hash, sha256};
use crate::hotkey::Hotkey;
use crate::rules::FitRules;
use crate::time::UnixMillis;
use foretell_kernels::sums::dot;

/// Steps of the lattice, at most.
const LATTICE_STEPS: usize = 25;
/// The lattice's levels are the common levels number 1, 9, 17 … 97 (from 0): symmetric about the median.
const LEVEL_FIRST: usize = 1;
const LEVEL_STRIDE: usize = 8;
const LATTICE_LEVELS: usize = (POOL_LEVELS - LEVEL_FIRST).div_ceil(LEVEL_STRIDE);
/// The consensus's levels count as at least this share of the reference's spacing apart: density stays finite.
const LEAST_SPACING: f64 = 0.1;
/// First bytes of a stored state.
const MAGIC: &[u8; 16] = b"foretell/fit/1\n\0";

/// G and c of every hotkey that is asked, exponentially weighted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FitState {
    /// Origin that weighs 1.
    latest: Option<UnixMillis>,
    /// In order.
    miners: Vec<Hotkey>,
    /// c, a value a miner.
    slope: Vec<f64>,
    /// G, rows of all miners.
    curvature: Vec<f64>,
}

/// Bytes that are no stored state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the stored state of the fit is damaged")]
pub struct DamagedFitState;

/// A state as a record names it: by its hash. The store keeps the bytes beside the record.
#[derive(Debug, Clone)]
pub struct FitSnapshot {
    hash: Hash,
    state: Option<Arc<FitState>>,
}

impl FitState {
    /// Takes in a settled round whose consensus was `consensus`. Miners who are not in `asked` are forgotten;
    /// who was asked and has no fan counts as the reference, who has a fan and was not asked as absent.
    pub fn add(
        &mut self,
        origin: UnixMillis,
        round: (&Deviations, &Consensus, &RealisedMoves),
        asked: &[Hotkey],
        rules: &FitRules,
    ) {
        let (deviations, consensus, realised) = round;
        let asked: BTreeSet<&Hotkey> = asked.iter().collect();
        self.retain(|miner| asked.contains(miner));
        let new: Vec<Hotkey> = deviations
            .miners()
            .filter(|miner| asked.contains(miner) && self.miners.binary_search(miner).is_err())
            .copied()
            .collect();
        self.insert_miners(&new);
        let weight = self.advance_to(origin, rules);
        let lattice = Lattice::new(deviations, consensus, realised);
        let present: Vec<(usize, Vec<f64>)> = self
            .miners
            .iter()
            .enumerate()
            .filter_map(|(m, miner)| Some((m, lattice.subsample(deviations.get(miner)?))))
            .collect();
        let n = self.miners.len();
        for (m, points) in &present {
            self.slope[*m] += weight * dot(points, &lattice.gradient);
        }
        let scaled_points: Vec<(usize, Vec<f64>)> = present
            .into_iter()
            .map(|(m, points)| {
                let scaled = points.iter().zip(&lattice.sqrt_curvature);
                (
                    m,
                    scaled
                        .map(|(d, sqrt_curvature)| d * sqrt_curvature)
                        .collect(),
                )
            })
            .collect();
        for (at, (m, left)) in scaled_points.iter().enumerate() {
            for (j, right) in &scaled_points[at..] {
                let add = weight * dot(left, right);
                self.curvature[m * n + j] += add;
                if m != j {
                    self.curvature[j * n + m] += add;
                }
            }
        }
    }

    /// G and c of forecasters: those of the means of their members.
    pub fn curvature_and_slope(&self, forecasters: &[Forecaster]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let n = self.miners.len();
        let members: Vec<Vec<(usize, f64)>> = forecasters
            .iter()
            .map(|forecaster| {
                let known = forecaster.members.iter();
                known
                    .filter_map(|(miner, part)| {
                        Some((self.miners.binary_search(miner).ok()?, *part))
                    })
                    .collect()
            })
            .collect();
        let mut curvature = vec![vec![0.0; members.len()]; members.len()];
        for at in 0..members.len() {
            // Of this forecaster's mean with every hotkey.
            let mut row = vec![0.0; n];
            for (m, part) in &members[at] {
                for (sum, g) in row.iter_mut().zip(&self.curvature[m * n..][..n]) {
                    *sum += part * g;
                }
            }
            for other in at..members.len() {
                let of = members[other].iter();
                let sum: f64 = of.map(|(j, part)| part * row[*j]).sum();
                curvature[at][other] = sum;
                curvature[other][at] = sum;
            }
        }
        let slope = members.iter().map(|forecaster| {
            forecaster
                .iter()
                .map(|(m, part)| part * self.slope[*m])
                .sum()
        });
        (curvature, slope.collect())
    }

    /// The state's bytes: header, latest origin, number of miners, hotkeys, c, upper triangle of G; little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let n = self.miners.len();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(
            self.latest
                .map_or(i64::MIN, |latest| latest.0)
                .to_le_bytes(),
        );
        bytes.extend((n as u64).to_le_bytes());
        bytes.extend(self.miners.iter().flat_map(|miner| miner.0));
        let triangle = (0..n).flat_map(|m| &self.curvature[m * n + m..(m + 1) * n]);
        let numbers = self.slope.iter().chain(triangle);
        bytes.extend(numbers.flat_map(|x| x.to_le_bytes()));
        bytes
    }

    /// The state of these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedFitState> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(DamagedFitState)?;
        let latest = i64::from_le_bytes(read_array(&mut rest)?);
        let n = usize::try_from(u64::from_le_bytes(read_array(&mut rest)?))
            .map_err(|_| DamagedFitState)?;
        let numbers = n
            .checked_add(1)
            .and_then(|m| n.checked_mul(m))
            .and_then(|twice| (twice / 2).checked_add(n))
            .ok_or(DamagedFitState)?;
        let expected = numbers.checked_mul(8).zip(n.checked_mul(32));
        if expected.and_then(|(a, b)| a.checked_add(b)) != Some(rest.len()) {
            return Err(DamagedFitState);
        }
        let mut state = Self {
            latest: (latest != i64::MIN).then_some(UnixMillis(latest)),
            miners: Vec::with_capacity(n),
            slope: Vec::with_capacity(n),
            curvature: vec![0.0; n * n],
        };
        for _ in 0..n {
            state.miners.push(Hotkey(read_array(&mut rest)?));
        }
        for _ in 0..n {
            state.slope.push(f64::from_le_bytes(read_array(&mut rest)?));
        }
        for m in 0..n {
            for j in m..n {
                let x = f64::from_le_bytes(read_array(&mut rest)?);
                state.curvature[m * n + j] = x;
                state.curvature[j * n + m] = x;
            }
        }
        Ok(state)
    }

    /// Makes `origin` the latest, or finds how much an older round weighs.
    fn advance_to(&mut self, origin: UnixMillis, rules: &FitRules) -> f64 {
        let latest = self.latest.unwrap_or(origin);
        let half_lives = (origin - latest).0 as f64 / rules.half_life.0 as f64;
        if half_lives <= 0.0 {
            self.latest = Some(latest);
            return libm::exp2(half_lives);
        }
        let fade = libm::exp2(-half_lives);
        for x in self.slope.iter_mut().chain(&mut self.curvature) {
            *x *= fade;
        }
        self.latest = Some(origin);
        1.0
    }

    fn retain(&mut self, stays: impl Fn(&Hotkey) -> bool) {
        let kept: Vec<usize> = (0..self.miners.len())
            .filter(|m| stays(&self.miners[*m]))
            .collect();
        if kept.len() < self.miners.len() {
            let old_positions: Vec<Option<usize>> = kept.into_iter().map(Some).collect();
            let miners = old_positions
                .iter()
                .flatten()
                .map(|m| self.miners[*m])
                .collect();
            self.reorder(miners, &old_positions);
        }
    }

    fn insert_miners(&mut self, new: &[Hotkey]) {
        if new.is_empty() {
            return;
        }
        let old: BTreeMap<Hotkey, usize> = self.miners.iter().copied().zip(0..).collect();
        let mut miners: Vec<Hotkey> = self.miners.iter().chain(new).copied().collect();
        miners.sort_unstable();
        let old_positions: Vec<Option<usize>> =
            miners.iter().map(|miner| old.get(miner).copied()).collect();
        self.reorder(miners, &old_positions);
    }

    /// Orders everything like `miners`, each of which had the place in `old_positions`, or none.
    fn reorder(&mut self, miners: Vec<Hotkey>, old_positions: &[Option<usize>]) {
        let n = self.miners.len();
        let slope = old_positions
            .iter()
            .map(|m| m.map_or(0.0, |m| self.slope[m]));
        let pairs = old_positions
            .iter()
            .flat_map(|m| old_positions.iter().map(move |j| m.zip(*j)));
        let curvature = pairs.map(|pair| pair.map_or(0.0, |(m, j)| self.curvature[m * n + j]));
        (self.slope, self.curvature) = (slope.collect(), curvature.collect());
        self.miners = miners;
    }
}

/// The points of a round that enter the state.
struct Lattice {
    /// Positions in a miner's deviations.
    at: Vec<usize>,
    /// √(v·f).
    sqrt_curvature: Vec<f64>,
    /// v·(τ − 1{y < q⁰} + f·D⁰).
    gradient: Vec<f64>,
}

impl Lattice {
    fn new(deviations: &Deviations, consensus: &Consensus, realised: &RealisedMoves) -> Self {
        let horizon = realised.0.len();
        let stride = horizon.div_ceil(LATTICE_STEPS).max(1);
        // From the last step back, so that it is always there.
        let settled: Vec<(usize, f64)> = (0..horizon)
            .rev()
            .step_by(stride)
            .filter_map(|step| Some((step, realised.0[step]?)))
            .collect();
        let v = 2.0 / LATTICE_LEVELS as f64 / settled.len().max(1) as f64;
        let reference = deviations.reference();
        let taus: Vec<f64> = levels().collect();
        let mut lattice = Self {
            at: Vec::new(),
            sqrt_curvature: Vec::new(),
            gradient: Vec::new(),
        };
        for (step, y) in settled {
            let own = &consensus.0[step * POOL_LEVELS..][..POOL_LEVELS];
            for k in (LEVEL_FIRST..POOL_LEVELS).step_by(LEVEL_STRIDE) {
                let apart = reference[k + 1] - reference[k - 1];
                let spacing = (apart + own[k + 1] - own[k - 1]).max(LEAST_SPACING * apart);
                let density = 2.0 / POOL_LEVELS as f64 / spacing;
                let below = if y < reference[k] + own[k] { 1.0 } else { 0.0 };
                lattice.at.push(step * POOL_LEVELS + k);
                lattice.sqrt_curvature.push(f64::sqrt(v * density));
                lattice
                    .gradient
                    .push(v * (taus[k] - below + density * own[k]));
            }
        }
        lattice
    }

    fn subsample(&self, deviations: &[f64]) -> Vec<f64> {
        self.at.iter().map(|at| deviations[*at]).collect()
    }
}

fn read_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], DamagedFitState> {
    let (first, after) = rest.split_first_chunk::<N>().ok_or(DamagedFitState)?;
    *rest = after;
    Ok(*first)
}

impl FitSnapshot {
    /// The snapshot of a state.
    pub fn new(state: FitState) -> Self {
        Self {
            hash: sha256(&state.to_bytes()),
            state: Some(Arc::new(state)),
        }
    }

    /// SHA-256 of the state's bytes.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The state; `None` if the record came from a journal and the state has not been read yet.
    pub fn state(&self) -> Option<&FitState> {
        self.state.as_deref()
    }

    /// The snapshot with its state read from `bytes`, if these are the bytes that it names.
    pub fn restored(&self, bytes: &[u8]) -> Result<Self, DamagedFitState> {
        if sha256(bytes) != self.hash {
            return Err(DamagedFitState);
        }
        Ok(Self {
            hash: self.hash,
            state: Some(Arc::new(FitState::from_bytes(bytes)?)),
        })
    }
}

impl Default for FitSnapshot {
    /// Of the state before the first round.
    fn default() -> Self {
        Self::new(FitState::default())
    }
}

impl PartialEq for FitSnapshot {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Serialize for FitSnapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.hash.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FitSnapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hash = Hash::deserialize(deserializer)?;
        Ok(Self { hash, state: None })
    }
}
