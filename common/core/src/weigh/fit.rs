//! From the quadratic of the past to each entry's share of the consensus.

use crate::rules::FitRules;

/// Sweeps of coordinate descent at most; it stops once no share moves by more than [`STILL`].
const SWEEPS: usize = 500;
/// A change that is none.
const STILL: f64 = 1e-12;
/// Trials of the price of a sum above 1.
const PRICE_TRIALS: usize = 24;

/// The shares u of entries with curvature G (rows) and slope c, both of one order.
///
/// 1. `b_m = clip(c_m/G_mm, smallest, 1)` undoes exaggeration; nothing is stretched.
/// 2. `ũ = argmin ½·ũᵀG̃ũ − c̃ᵀũ + ½·g·(ρ·Σ ũ_m² + κ·Σ_{m<j} a_mj·(ũ_m − ũ_j)²)`, `ũ ≥ 0`, `Σũ ≤ 1`, with G̃ and c̃
///    scaled by b, `g = mean(G̃_mm)`, and likeness `a_mj` rising from 0 to 1 as the normalised Gram rises from `alike`
///    to 1: those whom the past can't tell apart get about equal shares, and who is alone isn't shrunk for it.
/// 3. `u = s·b∘ũ`, s best on the past in (0, 1/Σu].
///
/// An entry without past or without gain has share 0. The order of sums is that of the entries, so the same entries
/// give the same bits.
pub fn shares(curvature: &[Vec<f64>], slope: &[f64], rules: &FitRules) -> Vec<f64> {
    let n = slope.len();
    // Who never left the reference has nothing to share in.
    let known: Vec<usize> = (0..n).filter(|m| curvature[*m][*m] > 0.0).collect();
    let scales: Vec<f64> = known
        .iter()
        .map(|m| (slope[*m] / curvature[*m][*m]).clamp(rules.smallest_scale, 1.0))
        .collect();
    let g = |i: usize, j: usize| scales[i] * scales[j] * curvature[known[i]][known[j]];
    let problem = Problem::new(
        (0..known.len())
            .map(|i| (0..known.len()).map(|j| g(i, j)).collect())
            .collect(),
        (0..known.len())
            .map(|i| scales[i] * slope[known[i]])
            .collect(),
        rules,
    );
    let even = problem.within_one();
    let direction: Vec<f64> = even.iter().zip(&scales).map(|(u, b)| u * b).collect();
    let sum: f64 = direction.iter().sum();
    let mut shares = vec![0.0; n];
    if sum <= 0.0 {
        return shares;
    }
    let gain: f64 = known
        .iter()
        .zip(&direction)
        .map(|(m, u)| slope[*m] * u)
        .sum();
    let bend: f64 = known
        .iter()
        .zip(&direction)
        .map(|(m, u)| {
            let row = known.iter().zip(&direction);
            u * row.map(|(j, w)| curvature[*m][*j] * w).sum::<f64>()
        })
        .sum();
    // Positive definite along a direction that gains, or nothing is shared.
    let stretch = if gain > 0.0 && bend > 0.0 {
        (gain / bend).min(1.0 / sum)
    } else {
        0.0
    };
    for (m, u) in known.iter().zip(&direction) {
        shares[*m] = stretch * u;
    }
    shares
}

/// How alike two entries are: 0 up to the rules' threshold of the normalised Gram, 1 for the same forecast.
fn likeness(g: &[Vec<f64>], m: usize, j: usize, rules: &FitRules) -> f64 {
    if m == j {
        return 0.0;
    }
    let gram = g[m][j] / f64::sqrt(g[m][m] * g[j][j]);
    ((gram - rules.alike) / (1.0 - rules.alike)).clamp(0.0, 1.0)
}

/// Minimise ½·uᵀAu − cᵀu over u ≥ 0, Σu ≤ 1; A holds ridge and likeness.
struct Problem {
    a: Vec<Vec<f64>>,
    c: Vec<f64>,
}

impl Problem {
    fn new(mut g: Vec<Vec<f64>>, c: Vec<f64>, rules: &FitRules) -> Self {
        let n = c.len();
        let mean = (0..n).map(|m| g[m][m]).sum::<f64>() / n.max(1) as f64;
        let pulls: Vec<Vec<f64>> = (0..n)
            .map(|m| {
                (0..n)
                    .map(|j| rules.kin * mean * likeness(&g, m, j, rules))
                    .collect()
            })
            .collect();
        for (m, (row, pulls)) in g.iter_mut().zip(&pulls).enumerate() {
            row[m] += rules.ridge * mean + pulls.iter().sum::<f64>();
            for (a, pull) in row.iter_mut().zip(pulls) {
                *a -= pull;
            }
        }
        Self { a: g, c }
    }

    /// The solution. A sum above 1 has a price, found by regula falsi (Illinois): Σu falls as the price rises.
    fn within_one(&self) -> Vec<f64> {
        let mut u = vec![0.0; self.c.len()];
        let mut excess = self.descend(&mut u, 0.0);
        if excess <= 0.0 {
            return u;
        }
        let (mut low, mut low_excess) = (0.0, excess);
        let mut high = self.c.iter().copied().fold(0.0, f64::max);
        // At the highest slope nobody has a share.
        let mut high_excess = -1.0;
        for _ in 0..PRICE_TRIALS {
            let price = (low * high_excess - high * low_excess) / (high_excess - low_excess);
            excess = self.descend(&mut u, price);
            if excess.abs() < STILL {
                break;
            }
            if excess > 0.0 {
                (low, low_excess) = (price, excess);
                high_excess *= 0.5;
            } else {
                (high, high_excess) = (price, excess);
                low_excess *= 0.5;
            }
        }
        u
    }

    /// Cyclic coordinate descent from `u` at this price; returns Σu − 1.
    fn descend(&self, u: &mut [f64], price: f64) -> f64 {
        // Au, kept up to date.
        let mut bent: Vec<f64> = self
            .a
            .iter()
            .map(|row| row.iter().zip(&*u).map(|(a, u)| a * u).sum())
            .collect();
        for _ in 0..SWEEPS {
            let mut moved = 0.0_f64;
            for m in 0..u.len() {
                let step = (self.c[m] - price - bent[m]) / self.a[m][m];
                let to = (u[m] + step).max(0.0);
                let change = to - u[m];
                if change != 0.0 {
                    u[m] = to;
                    moved = moved.max(change.abs());
                    for (bent, a) in bent.iter_mut().zip(&self.a[m]) {
                        *bent += a * change;
                    }
                }
            }
            if moved < STILL {
                break;
            }
        }
        u.iter().sum::<f64>() - 1.0
    }
}
