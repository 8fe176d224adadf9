//! Student's t, matched to a sample of |z| at two points.

use std::sync::LazyLock;

use statrs::function::beta::inv_beta_reg;

use super::probability_grid::{PROBABILITY_COUNT, probability_grid};
use crate::order_statistics::OrderStatistics;

/// Degrees of freedom that are tabulated; between them, tables are interpolated.
const DEGREES_OF_FREEDOM: [f64; 16] = [
    2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 9.0, 13.0, 30.0,
];
/// Probabilities of |z| at which sample and t are matched.
const LOW_PROBABILITY: f64 = 0.60;
const HIGH_PROBABILITY: f64 = 0.95;
/// Smallest scale of a fitted t.
const MIN_SCALE: f64 = 0.05;

/// |t| at the [`probability_grid`], and at the two points, for each of [`DEGREES_OF_FREEDOM`].
static TABLES: LazyLock<Vec<QuantileTable>> = LazyLock::new(|| {
    DEGREES_OF_FREEDOM
        .into_iter()
        .map(QuantileTable::new)
        .collect()
});

struct QuantileTable {
    magnitudes: [f64; PROBABILITY_COUNT],
    low: f64,
    high: f64,
}

/// Quantiles of Student's t by degrees of freedom, from which a t is fitted without evaluating its inverse again.
#[derive(Debug, Clone, Copy)]
pub struct StudentTables {
    tables: &'static [QuantileTable],
}

impl std::fmt::Debug for QuantileTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuantileTable").finish_non_exhaustive()
    }
}

impl QuantileTable {
    fn new(dof: f64) -> Self {
        Self {
            magnitudes: probability_grid().map(|p| abs_t_quantile(dof, p)),
            low: abs_t_quantile(dof, LOW_PROBABILITY),
            high: abs_t_quantile(dof, HIGH_PROBABILITY),
        }
    }

    /// Log ratio of the two points: it falls as the degrees of freedom rise.
    fn ratio(&self) -> f64 {
        (self.high / self.low).ln()
    }
}

impl StudentTables {
    /// The tables, computed once a process.
    pub fn new() -> Self {
        Self { tables: &TABLES }
    }

    /// The ranks that [`fit`](Self::fit) looks at in a sample of this size.
    pub fn ranks(count: usize) -> [usize; 2] {
        [LOW_PROBABILITY, HIGH_PROBABILITY].map(|p| (p * count as f64) as usize)
    }

    /// |z| at the [`probability_grid`] of the t that these |z| suggest: degrees of freedom by the ratio of the two
    /// points, scale by both. Returns that were mostly zero have the heaviest tail.
    pub fn fit(&self, magnitudes: &OrderStatistics) -> [f64; PROBABILITY_COUNT] {
        let [low, high] =
            Self::ranks(magnitudes.len()).map(|rank| magnitudes.get(rank).unwrap_or(0.0));
        if high <= 0.0 {
            return self.interpolate(DEGREES_OF_FREEDOM.len() - 1, 0.0).0;
        }
        let target = if low > 0.0 {
            (high / low).ln()
        } else {
            f64::MAX
        };
        // The last table whose ratio is at least the target's, and the way to the next.
        let index = self.tables.partition_point(|table| table.ratio() >= target);
        let (index, fraction) = match index.checked_sub(1) {
            None => (0, 0.0),
            Some(index) if index + 1 == self.tables.len() => (index, 0.0),
            Some(index) => {
                let (above, below) = (self.tables[index].ratio(), self.tables[index + 1].ratio());
                (index, (above - target) / (above - below))
            }
        };
        let (mut magnitudes, t_low, t_high) = self.interpolate(index, fraction);
        let scale = if low > 0.0 {
            ((low / t_low) * (high / t_high)).sqrt()
        } else {
            high / t_high
        };
        for magnitude in &mut magnitudes {
            *magnitude *= scale.max(MIN_SCALE);
        }
        magnitudes
    }

    /// The table `fraction` from one table to the next, with its two points.
    fn interpolate(&self, index: usize, fraction: f64) -> ([f64; PROBABILITY_COUNT], f64, f64) {
        let table = &self.tables[index];
        let next = self.tables.get(index + 1).unwrap_or(table);
        let mix = |a: f64, b: f64| a + fraction * (b - a);
        let magnitudes = std::array::from_fn(|j| mix(table.magnitudes[j], next.magnitudes[j]));
        (
            magnitudes,
            mix(table.low, next.low),
            mix(table.high, next.high),
        )
    }
}

/// |t| at probability `p`: with y = I⁻¹(1 − p; ν/2, ½) it is √(ν·(1 − y)/y).
fn abs_t_quantile(dof: f64, p: f64) -> f64 {
    let y = inv_beta_reg(0.5 * dof, 0.5, 1.0 - p);
    (dof * (1.0 - y) / y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_statistics(magnitudes: &[f64]) -> OrderStatistics {
        OrderStatistics::new(
            magnitudes,
            StudentTables::ranks(magnitudes.len()).into_iter(),
        )
    }

    #[test]
    fn quantiles_agree_with_printed_tables() {
        // Two-sided tables of Student's t.
        for (dof, p, expected) in [
            (3.0, 0.6, 0.978_472),
            (4.0, 0.95, 2.776_445),
            (30.0, 0.95, 2.042_272),
            (5.0, 0.999, 6.868_827),
            (5.0, 0.0, 0.0),
        ] {
            assert!((abs_t_quantile(dof, p) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn every_table_is_in_order_and_finite() {
        for table in TABLES.iter() {
            assert!(table.magnitudes.is_sorted() && table.magnitudes.iter().all(|q| q.is_finite()));
        }
        assert!(TABLES.is_sorted_by(|a, b| a.ratio() > b.ratio()));
    }

    #[test]
    fn a_known_t_is_found_again() {
        for dof in [2.6, 3.0, 4.2, 8.0, 30.0] {
            let count = 20_000;
            let magnitudes: Vec<f64> = (0..count)
                .map(|i| 0.7 * abs_t_quantile(dof, (f64::from(i) + 0.5) / f64::from(count)))
                .collect();
            let found = StudentTables::new().fit(&order_statistics(&magnitudes));
            for (found, p) in found.into_iter().zip(probability_grid()).skip(1) {
                let expected = 0.7 * abs_t_quantile(dof, p);
                assert!((found / expected - 1.0).abs() < 0.02, "{dof} {p}");
            }
        }
    }

    #[test]
    fn returns_of_zero_have_a_distribution_too() {
        let student_tables = StudentTables::new();
        let nothing = student_tables.fit(&order_statistics(&[0.0; 50]));
        assert!((nothing[PROBABILITY_COUNT - 1] - abs_t_quantile(30.0, 0.9995)).abs() < 1e-9);
        let mut mostly_zero = [0.0; 50];
        mostly_zero[40..].fill(2.0);
        let distribution = student_tables.fit(&order_statistics(&mostly_zero));
        assert!(distribution.is_sorted() && distribution[PROBABILITY_COUNT - 1] > 2.0);
    }
}
