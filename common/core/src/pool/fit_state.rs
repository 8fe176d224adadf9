//! The past score of every combination of fans, expanded to second order.
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

use foretell_kernels::sums::dot;

use super::deviations::{Consensus, Deviations, RealisedMoves};
use super::forecaster::Forecaster;
use super::lattice::Lattice;
use crate::hotkey::Hotkey;
use crate::rules::FitRules;
use crate::time::UnixMillis;

/// G and c of every hotkey that is asked for forecasts, exponentially weighted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FitState {
    /// The latest origin, whose round weighs 1.
    pub(super) latest: Option<UnixMillis>,
    /// In ascending order, which is that of `slope` and of the rows and columns of `curvature`.
    pub(super) miners: Vec<Hotkey>,
    /// c, one value for each miner.
    pub(super) slope: Vec<f64>,
    /// G, row by row.
    pub(super) curvature: Vec<f64>,
}

impl FitState {
    /// Adds a settled round: its deviations, consensus and realised moves. Miners that are not in `asked` are
    /// forgotten; a miner that was asked and has no fan counts as the reference, and the fan of one that wasn't asked
    /// is ignored.
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

    /// G (rows) and c of `forecasters`, in their order: those of the means of their members.
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
            // The products of this forecaster's mean with every hotkey.
            let mut row = vec![0.0; n];
            for (m, part) in &members[at] {
                for (sum, g) in row.iter_mut().zip(&self.curvature[m * n..][..n]) {
                    *sum += part * g;
                }
            }
            for other in at..members.len() {
                let others = members[other].iter();
                let sum: f64 = others.map(|(j, part)| part * row[*j]).sum();
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

    /// Makes `origin` the latest if it is; returns the weight of its round.
    fn advance_to(&mut self, origin: UnixMillis, rules: &FitRules) -> f64 {
        let latest = self.latest.unwrap_or(origin);
        let half_lives = (origin - latest).get() as f64 / rules.half_life.get() as f64;
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

    /// Puts everything in the order of `miners`, whose old positions are given; a new miner has none.
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
