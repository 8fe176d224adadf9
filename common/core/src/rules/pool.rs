//! Who is eligible, what the consensus is made of, and how much of the emission is paid.

use crate::time::Millis;

/// Constants of the evidence that a miner beats the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvidenceRules {
    /// Half-life of a round's weight.
    pub half_life: Millis,
    /// z: this many standard errors are subtracted from the mean advantage.
    pub standard_errors: f64,
    /// Subtracted from what is left of the mean advantage.
    pub margin: f64,
    /// With fewer scored rounds than this the evidence is 0.
    pub min_rounds: usize,
}

/// Constants of the consensus's fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitRules {
    /// Half-life of a round's weight.
    pub half_life: Millis,
    /// Deviations are scaled by at least this, and by at most 1.
    pub smallest_scale: f64,
    /// ρ: how strongly shares are evened, in units of the mean curvature.
    pub ridge: f64,
    /// κ: how strongly the shares of similar forecasters are drawn together, in the same units.
    pub similarity_penalty: f64,
    /// Normalised Gram above which forecasters count as similar.
    pub similarity_threshold: f64,
    /// Coldkeys whose normalised Gram is above 1 − this are one forecaster.
    pub merge_tolerance: f64,
}

/// Constants of the consensus's recalibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecalibrationRules {
    /// Half-life of a round's weight in the choice of a width.
    pub half_life: Millis,
    /// A width is used while its mean gain out of sample is more than this many standard errors.
    pub standard_errors: f64,
    /// With fewer rounds than this no other width is used.
    pub min_rounds: usize,
}

/// Constants of the payout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PayRules {
    /// Half-life of a credit's weight.
    pub half_life: Millis,
    /// Gain of the consensus (mean − standard error) at which all of the emission is paid.
    pub full_pay_gain: f64,
}
