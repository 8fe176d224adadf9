//! What each hotkey added to the consensus in one round.

use std::collections::BTreeMap;

use foretell_kernels::sums::dot;

use super::deviations::{Consensus, Deviations, RealisedMoves, levels};
use super::forecaster::Forecaster;
use crate::forecast::POOL_LEVELS;
use crate::hotkey::Hotkey;

/// Aumann-Shapley credits: the gain `S(q_ref) − S(q_u)` on the common levels, split between the hotkeys of
/// `forecasters`.
///
/// `credit_m = ∫₀¹ −u_m·∂S(q_{θu})/∂u_m dθ = Σ v·u_m·d_m·(τ − φ)`, φ being the share of θ in [0, 1] with y < q_{θu},
/// which is linear in θ (Aumann & Shapley 1974, on the score along the ray from the reference to the consensus).
/// Credits sum to the gain. A missing fan is the reference, and earns nothing. A forecaster's credit is split by its
/// parts.
pub fn credits(
    deviations: &Deviations,
    consensus: &Consensus,
    forecasters: &[Forecaster],
    realised: &RealisedMoves,
) -> BTreeMap<Hotkey, f64> {
    let mut credits = BTreeMap::new();
    if forecasters.is_empty() {
        return credits;
    }
    let gradients = gradients(deviations, consensus, realised);
    for forecaster in forecasters {
        // The forecaster's fan is the mean of its members'.
        let credit_of_mean: f64 = forecaster
            .members
            .iter()
            .filter_map(|(miner, part)| Some(part * dot(deviations.get(miner)?, &gradients)))
            .sum();
        let parts = forecaster.members.iter();
        credits
            .extend(parts.map(|(miner, part)| (*miner, forecaster.share * part * credit_of_mean)));
    }
    credits
}

/// v·(τ − φ) at every step and level; 0 at a gap.
fn gradients(deviations: &Deviations, consensus: &Consensus, realised: &RealisedMoves) -> Vec<f64> {
    let v = 2.0 / POOL_LEVELS as f64 / realised.steps().max(1) as f64;
    let reference = deviations.reference();
    let taus: Vec<f64> = levels().collect();
    let mut gradients = Vec::with_capacity(consensus.0.len());
    for (row, y) in consensus.0.chunks_exact(POOL_LEVELS).zip(&realised.0) {
        let Some(y) = *y else {
            gradients.extend(row.iter().map(|_| 0.0));
            continue;
        };
        let points = row.iter().zip(reference).zip(&taus);
        gradients.extend(points.map(|((deviation, reference), tau)| {
            v * (tau - share_above(y - reference, *deviation))
        }));
    }
    gradients
}

/// The share of θ in [0, 1] with `distance < θ·deviation`.
fn share_above(distance: f64, deviation: f64) -> f64 {
    // Not used where the deviation is 0; without a branch the compiler divides several at once.
    let ratio = (distance / deviation).clamp(0.0, 1.0);
    if deviation > 0.0 {
        1.0 - ratio
    } else if deviation < 0.0 {
        ratio
    } else if distance < 0.0 {
        1.0
    } else {
        0.0
    }
}
