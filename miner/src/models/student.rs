//! The shape of a standardised move: Student's t, matched at two points.

use statrs::function::beta::inv_beta_reg;

use super::spread::symmetric_quantiles;
use crate::sample;

/// Degrees of freedom to choose from. Few, so that steps share their tables of quantiles.
const FREEDOMS: [f64; 16] = [
    2.25, 2.5, 2.75, 3.0, 3.25, 3.5, 3.75, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 9.0, 13.0, 30.0,
];
/// Points of |z| that are matched.
const LOW_POINT: f64 = 0.60;
const HIGH_POINT: f64 = 0.95;
/// Smallest scale.
const SMALLEST_SCALE: f64 = 0.05;

/// `scale` times Student's t with one of [`FREEDOMS`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Which of [`FREEDOMS`].
    rung: usize,
    /// Scale of a move whose predicted variance is 1.
    pub scale: f64,
}

/// Chooses shapes.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// Of each of [`FREEDOMS`]: the quantiles of |t| at the two points.
    points: [(f64, f64); FREEDOMS.len()],
}

/// The quantiles that a forecast's shapes need.
#[derive(Debug, Clone)]
pub struct Tables(Vec<Vec<f64>>);

impl Ladder {
    /// Computes the points to match.
    pub fn new() -> Self {
        // |t| is below its p-quantile where t is below its (1 + p)/2-quantile.
        let point = |freedom, p: f64| quantile(freedom, 0.5 * (1.0 + p));
        Self {
            points: FREEDOMS.map(|freedom| (point(freedom, LOW_POINT), point(freedom, HIGH_POINT))),
        }
    }

    /// The shape of these |z| (reordered): degrees of freedom by the ratio of the two points, scale by both. Moves
    /// that were mostly zero have the heaviest tail.
    pub fn fit(&self, sizes: &mut [f64]) -> Shape {
        let low = sample::quantile(sizes, LOW_POINT);
        let high = sample::quantile(sizes, HIGH_POINT);
        if high <= 0.0 {
            return Shape {
                rung: FREEDOMS.len() - 1,
                scale: 1.0,
            };
        }
        let target = (high / low).ln();
        let distance = |(t_low, t_high): (f64, f64)| (target - (t_high / t_low).ln()).abs();
        let rungs = self.points.iter().enumerate();
        let nearest = rungs.min_by(|(_, a), (_, b)| distance(**a).total_cmp(&distance(**b)));
        let (rung, (t_low, t_high)) =
            nearest.map_or((0, (1.0, 1.0)), |(rung, point)| (rung, *point));
        let scale = if low > 0.0 {
            ((low / t_low) * (high / t_high)).sqrt()
        } else {
            high / t_high
        };
        Shape {
            rung,
            scale: scale.max(SMALLEST_SCALE),
        }
    }
}

impl Tables {
    /// The quantiles at levels (2k − 1)/2K of every shape among `shapes`.
    pub fn of(shapes: &[Shape], k: usize) -> Self {
        let tables = FREEDOMS.iter().enumerate().map(|(rung, freedom)| {
            if shapes.iter().any(|shape| shape.rung == rung) {
                symmetric_quantiles(k, |level| quantile(*freedom, level))
            } else {
                Vec::new()
            }
        });
        Self(tables.collect())
    }

    /// The standard quantiles of a shape that was among those given.
    pub fn quantiles(&self, shape: Shape) -> &[f64] {
        &self.0[shape.rung]
    }
}

/// Student's t at `level` ≥ ½: with y = I⁻¹(2·(1 − level); ν/2, ½) it is √(ν·(1 − y)/y).
fn quantile(freedom: f64, level: f64) -> f64 {
    let y = inv_beta_reg(0.5 * freedom, 0.5, 2.0 * (1.0 - level));
    (freedom * (1.0 - y) / y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_printed_tables() {
        // Two-sided tables of Student's t.
        for (freedom, level, expected) in [
            (3.0, 0.8, 0.978_472),
            (4.0, 0.975, 2.776_445),
            (30.0, 0.975, 2.042_272),
            (5.0, 0.9995, 6.868_827),
        ] {
            assert!((quantile(freedom, level) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn every_table_is_in_order_and_finite() {
        let shapes: Vec<Shape> = (0..FREEDOMS.len())
            .map(|rung| Shape { rung, scale: 1.0 })
            .collect();
        for k in [1, 2, 99, 1000] {
            let tables = Tables::of(&shapes, k);
            for shape in &shapes {
                let quantiles = tables.quantiles(*shape);
                assert_eq!(quantiles.len(), k);
                assert!(quantiles.is_sorted() && quantiles.iter().all(|q| q.is_finite()));
            }
        }
    }

    #[test]
    fn a_known_shape_is_found_again() {
        for (rung, freedom) in FREEDOMS.into_iter().enumerate() {
            let count = 20_000;
            let mut sizes: Vec<f64> = (0..count)
                .map(|i| (f64::from(i) + 0.5) / f64::from(count))
                .map(|p| 0.7 * quantile(freedom, 0.5 * (1.0 + p)))
                .collect();
            let shape = Ladder::new().fit(&mut sizes);
            assert_eq!(shape.rung, rung);
            assert!((shape.scale - 0.7).abs() < 0.005);
        }
    }

    #[test]
    fn moves_of_zero_have_a_shape_too() {
        let ladder = Ladder::new();
        assert_eq!(ladder.fit(&mut [0.0; 50]).scale, 1.0);
        let mut mostly_zero = [0.0; 50];
        mostly_zero[..10].fill(2.0);
        let shape = ladder.fit(&mut mostly_zero);
        assert_eq!(shape.rung, 0);
        assert!(shape.scale > SMALLEST_SCALE && shape.scale < 2.0);
    }
}
