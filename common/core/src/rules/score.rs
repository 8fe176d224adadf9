//! How a forecast is scored, and what it has to beat.

use crate::time::Millis;

/// Constants of the score and of the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRules {
    /// Half-life of the volatility's moving average.
    pub volatility_half_life: Millis,
    /// Lowest volatility per step, in bps (or the series' unit).
    pub volatility_floor: f64,
    /// Number of one-step returns without which there is no volatility.
    pub volatility_min_returns: usize,
    /// Moves are clamped to ± this many σ_T·√i.
    pub clamp: f64,
    /// The reference is Student-t (ν = 3) × this × σ_T·√i.
    pub reference_scale: f64,
    /// K of the reference, the number of its quantiles at each step.
    pub reference_k: usize,
    /// Advantage that a miss counts as.
    pub miss_advantage: f64,
}
