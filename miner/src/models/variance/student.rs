//! Student's t, matched to a sample of |z| at two points.

use std::sync::LazyLock;

use statrs::function::beta::inv_beta_reg;

use super::shape::{POINTS, probabilities};
use crate::ranked::Ranked;

/// Degrees of freedom that are tabulated; between them, tables are interpolated.
const FREEDOMS: [f64; 16] = [
    2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 9.0, 13.0, 30.0,
];
/// Points of |z| that are matched.
const LOW_POINT: f64 = 0.60;
const HIGH_POINT: f64 = 0.95;
/// Smallest scale.
const SMALLEST_SCALE: f64 = 0.05;

/// |t| at the [`probabilities`], and at the two points, for each of [`FREEDOMS`].
static TABLES: LazyLock<Vec<Table>> =
    LazyLock::new(|| FREEDOMS.into_iter().map(Table::of).collect());

struct Table {
    sizes: [f64; POINTS],
    low: f64,
    high: f64,
}

/// Fits Student's t.
#[derive(Debug, Clone, Copy)]
pub struct Ladder {
    tables: &'static [Table],
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

impl Table {
    fn of(freedom: f64) -> Self {
        Self {
            sizes: probabilities().map(|p| size(freedom, p)),
            low: size(freedom, LOW_POINT),
            high: size(freedom, HIGH_POINT),
        }
    }

    /// Log ratio of the two points: it falls as the degrees of freedom rise.
    fn ratio(&self) -> f64 {
        (self.high / self.low).ln()
    }
}

impl Ladder {
    /// The tables, computed once a process.
    pub fn new() -> Self {
        Self { tables: &TABLES }
    }

    /// The ranks that [`fit`](Self::fit) looks at in a sample of this size.
    pub fn ranks(count: usize) -> [usize; 2] {
        [LOW_POINT, HIGH_POINT].map(|p| (p * count as f64) as usize)
    }

    /// |z| at the [`probabilities`] of the t that these |z| suggest: degrees of freedom by the ratio of the two
    /// points, scale by both. Moves that were mostly zero have the heaviest tail.
    pub fn fit(&self, sizes: &Ranked) -> [f64; POINTS] {
        let [low, high] = Self::ranks(sizes.len()).map(|rank| sizes.get(rank).unwrap_or(0.0));
        if high <= 0.0 {
            return self.between(FREEDOMS.len() - 1, 0.0).0;
        }
        let target = if low > 0.0 {
            (high / low).ln()
        } else {
            f64::MAX
        };
        // The last rung whose ratio is at least the target's, and the way to the next.
        let rung = self.tables.partition_point(|table| table.ratio() >= target);
        let (rung, way) = match rung.checked_sub(1) {
            None => (0, 0.0),
            Some(rung) if rung + 1 == self.tables.len() => (rung, 0.0),
            Some(rung) => {
                let (above, below) = (self.tables[rung].ratio(), self.tables[rung + 1].ratio());
                (rung, (above - target) / (above - below))
            }
        };
        let (mut sizes, t_low, t_high) = self.between(rung, way);
        let scale = if low > 0.0 {
            ((low / t_low) * (high / t_high)).sqrt()
        } else {
            high / t_high
        };
        for size in &mut sizes {
            *size *= scale.max(SMALLEST_SCALE);
        }
        sizes
    }

    /// The table `way` from a rung to the next, with its two points.
    fn between(&self, rung: usize, way: f64) -> ([f64; POINTS], f64, f64) {
        let table = &self.tables[rung];
        let next = self.tables.get(rung + 1).unwrap_or(table);
        let mix = |a: f64, b: f64| a + way * (b - a);
        let sizes = std::array::from_fn(|j| mix(table.sizes[j], next.sizes[j]));
        (sizes, mix(table.low, next.low), mix(table.high, next.high))
    }
}

/// |t| at probability `p`: with y = I⁻¹(1 − p; ν/2, ½) it is √(ν·(1 − y)/y).
fn size(freedom: f64, p: f64) -> f64 {
    let y = inv_beta_reg(0.5 * freedom, 0.5, 1.0 - p);
    (freedom * (1.0 - y) / y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(sizes: &[f64]) -> Ranked {
        Ranked::of(sizes, Ladder::ranks(sizes.len()).into_iter())
    }

    #[test]
    fn sizes_agree_with_printed_tables() {
        // Two-sided tables of Student's t.
        for (freedom, p, expected) in [
            (3.0, 0.6, 0.978_472),
            (4.0, 0.95, 2.776_445),
            (30.0, 0.95, 2.042_272),
            (5.0, 0.999, 6.868_827),
            (5.0, 0.0, 0.0),
        ] {
            assert!((size(freedom, p) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn every_table_is_in_order_and_finite() {
        for table in TABLES.iter() {
            assert!(table.sizes.is_sorted() && table.sizes.iter().all(|q| q.is_finite()));
        }
        assert!(TABLES.is_sorted_by(|a, b| a.ratio() > b.ratio()));
    }

    #[test]
    fn a_known_t_is_found_again() {
        for freedom in [2.6, 3.0, 4.2, 8.0, 30.0] {
            let count = 20_000;
            let sizes: Vec<f64> = (0..count)
                .map(|i| 0.7 * size(freedom, (f64::from(i) + 0.5) / f64::from(count)))
                .collect();
            let found = Ladder::new().fit(&ranked(&sizes));
            for (found, p) in found.into_iter().zip(probabilities()).skip(1) {
                let expected = 0.7 * size(freedom, p);
                assert!((found / expected - 1.0).abs() < 0.02, "{freedom} {p}");
            }
        }
    }

    #[test]
    fn moves_of_zero_have_a_shape_too() {
        let ladder = Ladder::new();
        let nothing = ladder.fit(&ranked(&[0.0; 50]));
        assert!((nothing[POINTS - 1] - size(30.0, 0.9995)).abs() < 1e-9);
        let mut mostly_zero = [0.0; 50];
        mostly_zero[40..].fill(2.0);
        let shape = ladder.fit(&ranked(&mostly_zero));
        assert!(shape.is_sorted() && shape[POINTS - 1] > 2.0);
    }
}
