//! Weights that halve with age.

use foretell_core::time::{Millis, UnixMillis};

/// Rows after which a weight that grows by a factor is computed anew.
const RECOMPUTE_EVERY: usize = 64;

/// 0.5^(age / half-life) of each of these ascending times, the last one's age being 0.
pub fn decay_weights(times: &[UnixMillis], half_life: Millis) -> impl Iterator<Item = f64> {
    let newest = times.last().copied().unwrap_or_default();
    let decay = move |span: Millis| 0.5_f64.powf(span.get() as f64 / half_life.get() as f64);
    let (mut before, mut spacing, mut growth) = (newest, Millis::ZERO, 1.0);
    let mut weight = 1.0;
    times.iter().enumerate().map(move |(row, time)| {
        // A power is a call. Steps of one length grow by one factor, whose error is begun anew before it adds up.
        let passed = *time - before;
        if row % RECOMPUTE_EVERY == 0 {
            weight = decay(newest - *time);
        } else {
            if passed != spacing {
                (spacing, growth) = (passed, decay(-passed));
            }
            weight *= growth;
        }
        before = *time;
        weight
    })
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::STEP;

    use super::*;

    #[test]
    fn weights_halve_with_every_half_life() {
        let times: Vec<UnixMillis> = (0..500)
            .map(|index| UnixMillis::literal(STEP.times(index + index / 100 * 7).get()))
            .collect();
        let newest = times[499];
        for (weight, time) in decay_weights(&times, Millis::hours(5)).zip(&times) {
            let age = (newest - *time).get() as f64 / Millis::hours(5).get() as f64;
            let expected = 0.5_f64.powf(age);
            assert!((weight / expected - 1.0).abs() < 1e-13);
        }
    }
}
