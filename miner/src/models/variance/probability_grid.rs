//! The probabilities at which the distribution of |z| is kept.

/// Intervals of equal probability below the tail. At K = 99 every quantile stands on their borders.
const BODY_INTERVALS: usize = 50;
/// Probabilities of |z| in the tail, out to the last quantile of K = 1000.
const TAIL_PROBABILITIES: [f64; 6] = [0.9925, 0.9945, 0.9965, 0.998, 0.999, 0.9995];

/// Number of probabilities at which |z| is kept.
pub const PROBABILITY_COUNT: usize = BODY_INTERVALS + TAIL_PROBABILITIES.len();

/// The probabilities P(|z| ≤ ·): 2j/99 for j = 0..50, then the tail.
pub fn probability_grid() -> [f64; PROBABILITY_COUNT] {
    std::array::from_fn(|j| match j.checked_sub(BODY_INTERVALS) {
        None => 2.0 * j as f64 / (2 * BODY_INTERVALS - 1) as f64,
        Some(tail) => TAIL_PROBABILITIES[tail],
    })
}
