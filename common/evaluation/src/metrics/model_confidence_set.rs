//! The model confidence set: the models that are not significantly worse than the best one.

use foretell_kernels::sums::{SUM_LANES, sum_lanes};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, Normal};
use wide::f64x8;

use crate::mean_inference::RoundDependence;

/// α of the reported set, whose confidence is 1 − α.
pub const ALPHA: f64 = 0.10;
/// Number of bootstrap samples.
const DRAWS: usize = 1_000;
/// Length of the shortest sample that is tested, in blocks.
const MIN_BLOCKS: usize = 10;
/// Number of models whose losses over a year fit a processor's cache.
const MODELS_AT_ONCE: usize = 8;
/// Seed of the draws, which are the same every time.
const SEED: u64 = 0;

/// p-values of models, in the order in which their losses were given.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfidenceSet {
    /// The largest p-value of any set that a model was dropped from; 1 for the last one standing.
    pub p_values: Vec<f64>,
}

impl ModelConfidenceSet {
    /// The set of models with these losses: one row a model, all of one length, in order of time.
    ///
    /// Hansen, Lunde & Nason (2011) with T_max. Of the models left, with mean losses L̄_i and their mean L̄, the
    /// statistic is `max_i t_i`, `t_i = (L̄_i − L̄)/√v_i`, v_i the mean square of `(L̄*_i − L̄_i) − (L̄* − L̄)`
    /// over bootstrap draws; its p-value is the share of draws whose own maximum is larger. The model with the
    /// largest t leaves; a model's p-value is the largest so far. `draws` holds for each draw how often
    /// each round is in it.
    pub fn new(losses: &[Vec<f64>], draws: &[Vec<u32>]) -> Self {
        Self::with_widths(losses, draws, &vec![1.0; draws.len()])
    }

    /// As [`Self::new`], the maximum of each draw times its width.
    fn with_widths(losses: &[Vec<f64>], draws: &[Vec<u32>], widths: &[f64]) -> Self {
        let means: Vec<f64> = losses.iter().map(|l| mean(l)).collect();
        // Errors of the bootstrapped means, one row a model, one column a draw.
        let mut errors: Vec<Vec<f64>> = vec![Vec::with_capacity(draws.len()); losses.len()];
        let models = losses.iter().zip(&means);
        let mut models: Vec<_> = models.zip(&mut errors).collect();
        // A draw's counts are read once for several models, whose losses stay in the cache meanwhile.
        for models in models.chunks_mut(MODELS_AT_ONCE) {
            for counts in draws {
                for ((losses, mean), errors) in &mut *models {
                    errors.push(resampled_mean(losses, counts) - **mean);
                }
            }
        }
        let mut left: Vec<usize> = (0..losses.len()).collect();
        let mut p_values = vec![1.0; losses.len()];
        let mut largest = 0.0_f64;
        while left.len() > 1 {
            let Some(EliminationTest { p, worst }) =
                EliminationTest::new(&left, &means, &errors, widths)
            else {
                break;
            };
            largest = largest.max(p);
            for &model in &worst {
                p_values[model] = largest;
            }
            left.retain(|model| !worst.contains(model));
        }
        Self { p_values }
    }

    /// Whether each model is in the set of confidence 1 − `alpha`.
    pub fn members(&self, alpha: f64) -> Vec<bool> {
        self.p_values.iter().map(|p| *p > alpha).collect()
    }
}

/// One test of the models left.
struct EliminationTest {
    p: f64,
    worst: Vec<usize>,
}

impl EliminationTest {
    /// `None` where the models left don't differ.
    fn new(left: &[usize], means: &[f64], errors: &[Vec<f64>], widths: &[f64]) -> Option<Self> {
        let draws = widths.len();
        let count = left.len() as f64;
        let grand: Vec<f64> = (0..draws)
            .map(|draw| left.iter().map(|&m| errors[m][draw]).sum::<f64>() / count)
            .collect();
        let deviation = |m: usize, draw: usize| errors[m][draw] - grand[draw];
        let spreads: Vec<f64> = left
            .iter()
            .map(|&m| {
                let squares: f64 = (0..draws).map(|draw| deviation(m, draw).powi(2)).sum();
                f64::sqrt(squares / draws as f64)
            })
            .collect();
        // Copies of one model differ by rounding alone.
        let scale = left
            .iter()
            .flat_map(|&m| &errors[m])
            .fold(0.0, |a: f64, e| a.max(e.abs()));
        if spreads.iter().all(|spread| *spread <= 1e-12 * scale) {
            return None;
        }
        let average = left.iter().map(|&m| means[m]).sum::<f64>() / count;
        let statistic = |(&m, &spread): (&usize, &f64)| (means[m] - average) / spread;
        let statistics: Vec<f64> = left.iter().zip(&spreads).map(statistic).collect();
        let largest = statistics.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !largest.is_finite() {
            return None;
        }
        let exceeding = (0..draws).filter(|&draw| {
            let simulated = left
                .iter()
                .zip(&spreads)
                .map(|(&m, spread)| deviation(m, draw) / spread);
            widths[draw] * simulated.fold(f64::NEG_INFINITY, f64::max) > largest
        });
        let worst = left.iter().zip(&statistics);
        Some(Self {
            p: exceeding.count() as f64 / draws as f64,
            worst: worst
                .filter(|(_, t)| **t == largest)
                .map(|(m, _)| *m)
                .collect(),
        })
    }
}

/// The circular block bootstrap of a model confidence set, with what it takes for the size of its tests to be right.
#[derive(Debug, Clone, Copy)]
pub struct BlockBootstrap {
    block: usize,
    overlap: usize,
}

impl BlockBootstrap {
    /// Blocks of the lags up to which rounds depend on each other: max(2h, 48 h).
    pub const fn new(dependence: RoundDependence) -> Self {
        Self {
            block: dependence.lags(),
            overlap: dependence.overlap(),
        }
    }

    /// Fewest rounds of which anything is said: ten blocks.
    pub const fn min_rounds(self) -> usize {
        MIN_BLOCKS * self.block
    }

    /// The set of models with these losses: one row a model, all of one length, in order of time.
    ///
    /// Ten blocks are few: left alone, their tests drop the best of twelve like models in 25 % of all cases (independent
    /// losses) to 36 % (overlapping ones, in blocks of 2h) instead of 10 %. So each draw's maximum is widened by
    /// [`Self::widths`]; then it is 7 to 14 %.
    pub fn confidence_set(self, losses: &[Vec<f64>]) -> ModelConfidenceSet {
        let rounds = losses.first().map_or(0, Vec::len);
        let draws = circular_block_bootstrap(rounds, self.block);
        ModelConfidenceSet::with_widths(losses, &draws, &self.widths(rounds, draws.len()))
    }

    /// One factor a draw: √(ν/χ²_ν)/√((1 − b)·(1 − h/3l)), b = l/n the part of the sample that a block of l rounds is.
    ///
    /// The bootstrap's variance is a Bartlett sum over l lags (Politis & Romano 1992). It has the spread of a χ² of ν = 3/(2b)
    /// degrees of freedom, misses the share b because the mean is estimated (Kiefer & Vogelsang 2005), and the share h/3l of
    /// what sums of h rounds have. The χ² are its quantiles, by Wilson & Hilferty (1931), which ν ≥ 15 is far enough for.
    fn widths(self, rounds: usize, draws: usize) -> Vec<f64> {
        let (block, rounds) = (self.block as f64, rounds as f64);
        let freedom = 1.5 * rounds / block;
        let bias = (1.0 - block / rounds) * (1.0 - self.overlap as f64 / (3.0 * block));
        let spread = 2.0 / (9.0 * freedom);
        let width = |draw: usize| {
            let level = (draw as f64 + 0.5) / draws as f64;
            let cube_root = 1.0 - spread + Normal::standard().inverse_cdf(level) * spread.sqrt();
            1.0 / (cube_root.powi(3) * bias).sqrt()
        };
        (0..draws).map(width).collect()
    }
}

/// [`DRAWS`] circular block bootstrap samples (Politis & Romano 1992) of `n` rounds, as the number of times that each
/// round is in each. The same for the same `n` and `block`.
fn circular_block_bootstrap(n: usize, block: usize) -> Vec<Vec<u32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    (0..DRAWS)
        .map(|_| {
            let mut counts = vec![0; n];
            let mut drawn = 0;
            while drawn < n {
                let start = rng.random_range(0..n as u64) as usize;
                for i in 0..block.min(n - drawn) {
                    counts[(start + i) % n] += 1;
                }
                drawn += block.max(1);
            }
            counts
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Summed in eight lanes, so that a processor adds several values at once.
fn resampled_mean(values: &[f64], counts: &[u32]) -> f64 {
    // Counts are far below 2³¹, and signed ones become doubles several at once.
    let times = |value: f64, count: u32| value * f64::from(count.cast_signed());
    let (blocks, rest) = values.as_chunks::<SUM_LANES>();
    let (block_counts, rest_counts) = counts.as_chunks::<SUM_LANES>();
    let mut lanes = [0.0; SUM_LANES];
    for (values, counts) in blocks.iter().zip(block_counts) {
        for ((sum, value), count) in lanes.iter_mut().zip(values).zip(counts) {
            *sum += times(*value, *count);
        }
    }
    let rest: f64 = rest
        .iter()
        .zip(rest_counts)
        .map(|(v, c)| times(*v, *c))
        .sum();
    (sum_lanes(f64x8::new(lanes)) + rest) / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wavy(n: usize, shift: f64, phase: usize) -> Vec<f64> {
        (0..n)
            .map(|i| shift + ((i * 37 + phase * 11) % 23) as f64 / 23.0)
            .collect()
    }

    #[test]
    fn a_clearly_worse_model_leaves_and_like_ones_stay() {
        let losses = [wavy(400, 0.0, 0), wavy(400, 0.001, 5), wavy(400, 2.0, 3)];
        let set = ModelConfidenceSet::new(&losses, &circular_block_bootstrap(400, 20));
        assert_eq!(set.members(ALPHA), [true, true, false]);
        assert_eq!(set.p_values[2], 0.0);
    }

    #[test]
    fn equal_models_stay_together() {
        let losses = vec![wavy(100, 0.0, 0); 3];
        let set = ModelConfidenceSet::new(&losses, &circular_block_bootstrap(100, 5));
        assert_eq!(set.members(ALPHA), [true; 3]);
        let one = ModelConfidenceSet::new(&losses[..1], &circular_block_bootstrap(100, 5));
        assert_eq!(one.p_values, [1.0]);
    }

    #[test]
    fn the_order_of_models_does_not_matter() {
        let losses = [wavy(200, 0.0, 0), wavy(200, 0.02, 5), wavy(200, 0.5, 3)];
        let turned = [losses[2].clone(), losses[0].clone(), losses[1].clone()];
        let draws = circular_block_bootstrap(200, 10);
        let (a, b) = (
            ModelConfidenceSet::new(&losses, &draws).members(ALPHA),
            ModelConfidenceSet::new(&turned, &draws).members(ALPHA),
        );
        assert_eq!([a[2], a[0], a[1]], b[..]);
    }

    /// Six like models over ten blocks: each test is at 10 %, so in as many cases one of them is dropped.
    #[test]
    fn like_models_are_dropped_as_often_as_the_level_says() {
        let dependence = RoundDependence::new(2, 4);
        let bootstrap = BlockBootstrap::new(dependence);
        let rounds = bootstrap.min_rounds();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        // Sums of twelve uniform values are nearly normal.
        let mut noise = || (0..12).map(|_| rng.random_range(-0.5..0.5)).sum::<f64>();
        for overlap in [1, 2] {
            let dropping = (0..250).filter(|_| {
                let losses: Vec<Vec<f64>> = (0..6)
                    .map(|_| {
                        let terms: Vec<f64> = (0..rounds + overlap).map(|_| noise()).collect();
                        let sums = terms.windows(overlap).take(rounds);
                        sums.map(|window| window.iter().sum()).collect()
                    })
                    .collect();
                let members = bootstrap.confidence_set(&losses).members(ALPHA);
                members.contains(&false)
            });
            let share = dropping.count() as f64 / 250.0;
            assert!((0.04..0.17).contains(&share), "overlap {overlap}: {share}");
        }
    }

    #[test]
    fn draws_hold_as_many_rounds_as_there_are() {
        for counts in circular_block_bootstrap(103, 10) {
            assert_eq!(counts.iter().sum::<u32>(), 103);
        }
    }
}
