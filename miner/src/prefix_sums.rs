//! Prefix sums: the sum over any span of rows by two look-ups.

/// The running sums of a column of values.
#[derive(Debug, Clone)]
pub struct PrefixSums(Vec<f64>);

impl PrefixSums {
    /// Adds up `values` in their order.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let mut sums = vec![0.0];
        sums.extend(values.into_iter().map(|value| {
            sum += value;
            sum
        }));
        Self(sums)
    }

    /// The values again, as differences of the sums: exact to rounding only.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.0.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Sum of the rows `start..end`; rows that don't exist count 0.
    pub fn sum(&self, start: usize, end: usize) -> f64 {
        let last = self.0.len() - 1;
        self.0[end.min(last)] - self.0[start.min(last)]
    }

    /// Mean of the rows `start..end`, 0 of none.
    pub fn mean(&self, start: usize, end: usize) -> f64 {
        let end = end.min(self.0.len() - 1);
        if start < end {
            self.sum(start, end) / (end - start) as f64
        } else {
            0.0
        }
    }

    /// Mean of all rows, 0 of none.
    pub fn overall_mean(&self) -> f64 {
        self.mean(0, self.0.len() - 1)
    }

    /// Mean of the `window` rows that end with `row`, fewer at the start.
    pub fn trailing_mean(&self, row: usize, window: usize) -> f64 {
        self.mean((row + 1).saturating_sub(window), row + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_means_over_spans() {
        let sums = PrefixSums::new([1.0, 2.0, 3.0, 4.0]);
        assert_eq!(sums.sum(1, 3), 5.0);
        assert_eq!(sums.mean(1, 3), 2.5);
        assert_eq!(sums.mean(2, 9), 3.5);
        assert_eq!(sums.mean(3, 3), 0.0);
        assert_eq!(sums.trailing_mean(2, 2), 2.5);
        assert_eq!(sums.trailing_mean(1, 9), 1.5);
    }
}
