//! What happened in a round: the realised moves that forecasts are scored against.

/// What happened after T, as moves from the anchor: one entry a step, `None` for a gap.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// σ_T: volatility per step at T, in the moves' unit.
    pub volatility: f64,
    /// Realised moves of steps 1 ..= H from the anchor, in bps (log prices) or the series' unit (values).
    pub moves: Vec<Option<f64>>,
}

impl Outcome {
    /// σ_T·√i of each step, the unit of its errors.
    pub(crate) fn scales(&self) -> Vec<f64> {
        let steps = 1..=self.moves.len();
        steps
            .map(|i| self.volatility * f64::sqrt(i as f64))
            .collect()
    }
}
