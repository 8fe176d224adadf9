//! The shape of a standardised move at one step: how large |z| is at each probability.

use serde::{Deserialize, Serialize};

use super::student::Ladder;
use crate::ranked::Ranked;

/// Intervals of equal probability below the tail. At K = 99 every quantile stands on their borders.
const BODY: usize = 50;
/// Probabilities of |z| in the tail, out to the last quantile of K = 1000.
const TAIL: [f64; 6] = [0.9925, 0.9945, 0.9965, 0.998, 0.999, 0.9995];

/// The sample's own quantiles are at least this share of Student's t.
const THINNEST: f64 = 0.25;

/// Number of probabilities at which |z| is kept.
pub const POINTS: usize = BODY + TAIL.len();

/// |z| at each of the [`probabilities`], ascending; z is symmetric about 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(pub Vec<f64>);

/// How shapes are learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shaping {
    /// Weight of the sample's own quantiles; the rest is Student's t.
    pub empirical: f64,
    /// Steps on either side over which shapes are averaged.
    pub smoothing: usize,
}

/// Where the K quantiles of a forecast stand among the [`probabilities`].
#[derive(Debug, Clone)]
pub struct Levels {
    k: usize,
    /// For each quantile above the median: the point below it, and the way to the next.
    upper: Vec<(usize, f64)>,
}

/// The probabilities P(|z| ≤ ·): 2j/99 for j = 0..50, then the tail.
pub fn probabilities() -> [f64; POINTS] {
    std::array::from_fn(|j| match j.checked_sub(BODY) {
        None => 2.0 * j as f64 / (2 * BODY - 1) as f64,
        Some(tail) => TAIL[tail],
    })
}

impl Shaping {
    /// The shape of these |z|.
    pub fn fit(&self, sizes: &[f64], ladder: &Ladder) -> Shape {
        let places = probabilities().map(|p| Place::of(p, sizes.len()));
        let ranks = places.iter().flat_map(|place| [place.below, place.above]);
        let ranked = Ranked::of(sizes, ranks.chain(Ladder::ranks(sizes.len())));
        let student = ladder.fit(&ranked);
        let blended = places.iter().zip(student).map(|(place, t)| {
            // Moves that were mostly zero leave a sliver, not nothing.
            let own = place.quantile(&ranked).max(THINNEST * t);
            self.empirical * own + (1.0 - self.empirical) * t
        });
        Shape(blended.collect())
    }

    /// Shapes of neighbouring steps averaged.
    pub fn smooth(&self, shapes: Vec<Shape>) -> Vec<Shape> {
        if self.smoothing == 0 {
            return shapes;
        }
        let around = |step: usize| {
            // As many on either side, so that the first and the last step lean neither way.
            let reach = self.smoothing.min(step).min(shapes.len() - 1 - step);
            &shapes[step - reach..=step + reach]
        };
        let mean = |neighbours: &[Shape]| {
            let count = neighbours.len() as f64;
            let at = |j: usize| neighbours.iter().map(|shape| shape.0[j]).sum::<f64>() / count;
            Shape((0..POINTS).map(at).collect())
        };
        (0..shapes.len()).map(|step| mean(around(step))).collect()
    }
}

impl Levels {
    /// The places of K quantiles.
    pub fn new(k: usize) -> Self {
        let points = probabilities();
        let upper = (k.div_ceil(2)..k).map(|index| {
            // P(|z| ≤ q) of the quantile at level (2·index + 1)/2K.
            let p = (2 * index + 1) as f64 / k as f64 - 1.0;
            let above = points.partition_point(|point| *point <= p).min(POINTS - 1);
            let (low, high) = (points[above - 1], points[above]);
            (above - 1, ((p - low) / (high - low)).min(1.0))
        });
        Self {
            k,
            upper: upper.collect(),
        }
    }

    /// The K quantiles of a shape, ascending.
    pub fn quantiles(&self, shape: &Shape) -> Vec<f64> {
        let sizes = &shape.0;
        let mut quantiles = vec![0.0; self.k];
        let (lower, upper) = quantiles.split_at_mut(self.k.div_ceil(2));
        for (quantile, (point, way)) in upper.iter_mut().zip(&self.upper) {
            *quantile = sizes[*point] + way * (sizes[point + 1] - sizes[*point]);
        }
        // Where K is odd, the median stays 0.
        for (quantile, mirrored) in lower.iter_mut().zip(upper.iter().rev()) {
            *quantile = -mirrored;
        }
        quantiles
    }
}

/// Where a quantile stands in a sample: between two order statistics, on a straight line.
#[derive(Debug, Clone, Copy)]
struct Place {
    below: usize,
    above: usize,
    /// From the one to the other.
    way: f64,
}

impl Place {
    /// The place of probability `p` in a sample of this size.
    fn of(p: f64, count: usize) -> Self {
        let last = count.saturating_sub(1);
        let position = (p * count as f64 - 0.5).clamp(0.0, last as f64);
        let below = position as usize;
        Self {
            below,
            above: (below + 1).min(last),
            way: position - below as f64,
        }
    }

    /// The quantile, 0 of no sample.
    fn quantile(&self, sample: &Ranked) -> f64 {
        let [below, above] = [self.below, self.above].map(|rank| sample.get(rank).unwrap_or(0.0));
        below + self.way * (above - below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// |z| uniform on [0, 1]: its quantiles are the probabilities themselves.
    fn uniform() -> Vec<f64> {
        (0..20_000)
            .map(|i| (f64::from(i) + 0.5) / 20_000.0)
            .collect()
    }

    #[test]
    fn the_samples_own_shape_is_its_quantiles() {
        let shaping = Shaping {
            empirical: 1.0,
            smoothing: 0,
        };
        let shape = shaping.fit(&uniform(), &Ladder::new());
        for (size, p) in shape.0.iter().zip(probabilities()) {
            assert!((size - p).abs() < 1e-4);
        }
        // K = 4: levels ⅛, ⅜, ⅝, ⅞, |z| at probabilities ¼ and ¾.
        let quantiles = Levels::new(4).quantiles(&shape);
        for (quantile, expected) in quantiles.iter().zip([-0.75, -0.25, 0.25, 0.75]) {
            assert!((quantile - expected).abs() < 1e-4);
        }
    }

    #[test]
    fn quantiles_of_any_k_are_in_order_and_symmetric() {
        let shape = Shape(probabilities().map(|p| p * p).to_vec());
        for k in [1, 2, 3, 99, 100, 1000] {
            let quantiles = Levels::new(k).quantiles(&shape);
            assert_eq!(quantiles.len(), k);
            assert!(quantiles.is_sorted());
            assert_eq!(quantiles[0], -quantiles[k - 1]);
        }
        assert_eq!(Levels::new(1).quantiles(&shape), [0.0]);
    }

    #[test]
    fn smoothing_keeps_the_ends_and_averages_between() {
        let shapes = [0.0, 3.0, 6.0, 30.0].map(|size| Shape(vec![size; POINTS]));
        let shaping = Shaping {
            empirical: 1.0,
            smoothing: 1,
        };
        let smooth = shaping.smooth(shapes.to_vec());
        let sizes: Vec<f64> = smooth.iter().map(|shape| shape.0[0]).collect();
        assert_eq!(sizes, [0.0, 3.0, 13.0, 30.0]);
    }
}
