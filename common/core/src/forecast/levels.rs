//! The levels at which a row's values stand, and the values between them.

/// Number of common levels, (2k − 1)/198, at which forecasts of different K are pooled.
pub const POOL_LEVELS: usize = 99;

/// Level of value `index` (from 0) among `k`: (2·index + 1)/2k.
pub fn quantile_level(index: usize, k: usize) -> f64 {
    (2 * index + 1) as f64 / (2 * k) as f64
}

/// The value of an ascending row at `level`: linear between its levels, flat outside them.
pub fn quantile(row: &[f64], level: f64) -> f64 {
    LevelPosition::new(level, row.len()).value(row)
}

/// Where a level stands in rows of one K, for all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelPosition {
    below: usize,
    above: usize,
    /// Share of the way from the value below to the value above, 0 to 1.
    fraction: f64,
}

impl LevelPosition {
    /// The position of `level` among `k` values.
    pub(crate) fn new(level: f64, k: usize) -> Self {
        // Position in units of "index", where value 0 stands at level 1/2K.
        let position = (level * k as f64 - 0.5).clamp(0.0, (k - 1) as f64);
        let below = position as usize;
        Self {
            below,
            above: (below + 1).min(k - 1),
            fraction: position - below as f64,
        }
    }

    /// The value at this position of an ascending row of the same K.
    pub(crate) fn value(&self, row: &[f64]) -> f64 {
        let below = row[self.below];
        below + self.fraction * (row[self.above] - below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_levels_and_flat_outside() {
        // K = 2: levels 0.25 and 0.75.
        let row = [10.0, 20.0];
        assert_eq!(quantile(&row, 0.25), 10.0);
        assert_eq!(quantile(&row, 0.5), 15.0);
        assert_eq!(quantile(&row, 0.1), 10.0);
        assert_eq!(quantile(&row, 0.9), 20.0);
        assert_eq!(quantile(&[7.0], 0.3), 7.0);
    }
}
