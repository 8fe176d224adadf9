//! How often the tests call nothing something: simulated nulls, by seeds that are fixed.

use foretell_core::pool::Advantage;
use foretell_core::time::{Millis, UnixMillis};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{MeanInference, RoundDependence};

/// How simulated differences depend on each other.
#[derive(Debug, Clone, Copy)]
enum NullSeries {
    Independent,
    /// Sums of h independent terms, as forecasts of one horizon have them whose rounds overlap.
    Overlapping(usize),
    /// Each is this much of the one before.
    Persistent(f64),
}

/// Standard normal values, by the polar method.
struct NormalValues {
    rng: ChaCha8Rng,
    spare: Option<f64>,
}

impl NormalValues {
    fn next(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let [x, y] = [0, 1].map(|_| self.rng.random_range(-1.0..1.0_f64));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }

    fn series(&mut self, kind: NullSeries, rounds: usize) -> Vec<f64> {
        match kind {
            NullSeries::Independent => (0..rounds).map(|_| self.next()).collect(),
            NullSeries::Overlapping(h) => {
                let terms: Vec<f64> = (0..rounds + h).map(|_| self.next()).collect();
                (0..rounds).map(|t| terms[t..t + h].iter().sum()).collect()
            }
            NullSeries::Persistent(rho) => {
                let (mut value, fresh) = (self.next(), (1.0 - rho * rho).sqrt());
                (0..rounds)
                    .map(|_| {
                        value = rho * value + fresh * self.next();
                        value
                    })
                    .collect()
            }
        }
    }
}

/// Per cent of `samples` nulls of this kind that are significant at 5 %.
fn size(
    kind: NullSeries,
    rounds: usize,
    samples: u32,
    infer: impl Fn(&[f64]) -> Option<MeanInference>,
) -> f64 {
    let mut normal = NormalValues {
        rng: ChaCha8Rng::seed_from_u64(7),
        spare: None,
    };
    let significant = (0..samples).filter(|_| {
        let inference = infer(&normal.series(kind, rounds)).unwrap();
        inference.p_value() < 0.05
    });
    100.0 * significant.count() as f64 / f64::from(samples)
}

/// With 4,000 samples the standard error of a size of 5 % is 0.34 %.
#[test]
fn five_per_cent_of_nulls_are_significant() {
    let h = 4;
    let kinds = [
        NullSeries::Independent,
        NullSeries::Overlapping(h),
        // Correlated over half a horizon.
        NullSeries::Persistent((-2.0 / h as f64).exp()),
    ];
    for (lags, rounds) in [(2 * h, 20 * h), (2 * h, 100 * h), (6 * h, 200 * h)] {
        let dependence = RoundDependence::new(h, lags);
        for kind in kinds {
            let size = size(kind, rounds, 4_000, |d| {
                MeanInference::of_rounds(d, dependence)
            });
            assert!((4.0..6.0).contains(&size), "{kind:?}, {rounds}: {size} %");
        }
    }
}

#[test]
fn recent_rounds_weighing_more_changes_nothing_of_that() {
    let (h, every) = (4, Millis::minutes(30));
    let dependence = RoundDependence::new(h, 6 * h);
    // As the rules have it beside a horizon of 8 h 20 min: 10 days, or 28 horizons.
    let half_life = every.times(28 * h as i64);
    let infer = |values: &[f64]| {
        let advantages: Vec<Advantage> = (0..)
            .zip(values)
            .map(|(i, value)| Advantage {
                origin: UnixMillis::literal(0) + every.times(i),
                value: *value,
            })
            .collect();
        MeanInference::of_advantages(&advantages, half_life, dependence)
    };
    for kind in [NullSeries::Independent, NullSeries::Overlapping(h)] {
        for rounds in [dependence.min_rounds(), 100 * h] {
            let size = size(kind, rounds, 3_000, infer);
            assert!((4.0..6.0).contains(&size), "{kind:?}, {rounds}: {size} %");
        }
    }
}

/// The long run behind the figures in docs/mechanism.md: `cargo test --package foretell-evaluation --lib -- --ignored
/// --nocapture sizes`.
#[test]
#[ignore = "takes a minute"]
fn sizes_by_length() {
    for (h, lags) in [(1, 2), (1, 96), (5, 24), (17, 96)] {
        let dependence = RoundDependence::new(h, lags);
        for rounds in [20 * h, 40 * h, 100 * h, 200 * h] {
            let kinds = [
                NullSeries::Independent,
                NullSeries::Overlapping(h),
                NullSeries::Persistent((-2.0 / h as f64).exp()),
                NullSeries::Persistent((-1.0 / h as f64).exp()),
            ];
            let samples = if rounds > 1_000 { 5_000 } else { 20_000 };
            let sizes = kinds.map(|kind| {
                size(kind, rounds, samples, |d| {
                    MeanInference::of_rounds(d, dependence)
                })
            });
            eprintln!("h {h}, lags {lags}, rounds {rounds}: {sizes:.2?}");
        }
    }
}
