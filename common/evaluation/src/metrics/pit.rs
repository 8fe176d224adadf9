//! The probability integral transform: where in its forecast each outcome fell.

use serde::Serialize;

/// Number of equal bins of a [`PitHistogram`].
pub const PIT_BINS: usize = 20;
/// Below this K there is no histogram: ranks would be wider than bins.
pub(super) const MIN_K: usize = 20;

/// Mass of the transform in [`PIT_BINS`] equal bins of [0, 1]; a calibrated forecast fills them evenly.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct PitHistogram {
    mass: [f64; PIT_BINS],
}

impl PitHistogram {
    /// Takes in the outcome `y` of a step with ascending values `row`; nothing below K = 20.
    ///
    /// Non-randomised (Czado, Gneiting & Held 2009): of the K + 1 ranks that `y` can have among K values, those it
    /// shares with tied values are a = #{x < y} to b = #{x ≤ y}; its unit mass is spread evenly over
    /// [a/(K + 1), (b + 1)/(K + 1)].
    pub fn add(&mut self, row: &[f64], y: f64) {
        if row.len() < MIN_K {
            return;
        }
        let below = row.partition_point(|x| *x < y);
        let not_above = row.partition_point(|x| *x <= y);
        let ranks = (row.len() + 1) as f64;
        let from = below as f64 / ranks * PIT_BINS as f64;
        let to = (not_above + 1) as f64 / ranks * PIT_BINS as f64;
        let (first, last) = (from as usize, (to as usize).min(PIT_BINS - 1));
        for (bin, mass) in (first..).zip(&mut self.mass[first..=last]) {
            let (left, right) = (bin as f64, (bin + 1) as f64);
            *mass += (to.min(right) - from.max(left)).max(0.0) / (to - from);
        }
    }

    /// Takes in another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (mass, more) in self.mass.iter_mut().zip(other.mass) {
            *mass += more;
        }
    }

    /// Share of the mass in each bin, or `None` where nothing with K ≥ 20 was taken in.
    pub fn shares(&self) -> Option<[f64; PIT_BINS]> {
        let total: f64 = self.mass.iter().sum();
        (total > 0.0).then(|| self.mass.map(|mass| mass / total))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(row: &[f64], y: f64) -> PitHistogram {
        let mut histogram = PitHistogram::default();
        histogram.add(row, y);
        histogram
    }

    /// K = 39: 40 ranks, two a bin. Above all values: the last rank, half of the last bin, so all mass is there.
    #[test]
    fn an_outcome_without_ties_falls_into_the_bin_of_its_rank() {
        let row: Vec<f64> = (0..39).map(f64::from).collect();
        assert_eq!(of(&row, 100.0).mass[19], 1.0);
        assert_eq!(of(&row, -1.0).mass[0], 1.0);
        assert_eq!(of(&row, 9.5).mass[5], 1.0);
    }

    /// 39 equal values: the outcome may have any of the 40 ranks.
    #[test]
    fn a_tie_is_spread_evenly_over_all_ranks_it_may_have() {
        for mass in of(&[3.0; 39], 3.0).mass {
            assert!((mass - 0.05).abs() < 1e-12);
        }
    }

    #[test]
    fn coarse_forecasts_have_none() {
        assert_eq!(of(&[1.0; 19], 1.0).shares(), None);
        assert!(of(&[1.0; 20], 1.0).shares().is_some());
    }

    proptest! {
        #[test]
        fn every_outcome_has_unit_mass(
            mut row in prop::collection::vec(-5i32..5, 20..60),
            y in -6i32..6,
        ) {
            row.sort_unstable();
            let row: Vec<f64> = row.into_iter().map(f64::from).collect();
            let mass: f64 = of(&row, f64::from(y)).mass.iter().sum();
            prop_assert!((mass - 1.0).abs() < 1e-12);
        }
    }
}
