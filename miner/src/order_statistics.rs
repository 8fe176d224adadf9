//! Order statistics of many values, of which only few are asked for: the rest isn't sorted.

/// Buckets at most: their counts fit into a processor's nearest memory.
const MAX_BUCKETS: u32 = 1 << 13;

/// Some order statistics of values that aren't negative and no NaN.
///
/// What isn't negative is in the order of its bits (IEEE 754), so that leading bits tell small from large as digits do:
/// values are counted in buckets of leading bits, and those in the buckets that hold a requested rank are sorted.
#[derive(Debug, Clone)]
pub struct OrderStatistics {
    count: usize,
    /// Bits of the values in requested buckets, in order.
    kept: Vec<u64>,
    /// For each requested bucket: its first rank, the rank after its last, and where it starts among those kept.
    buckets: Vec<(usize, usize, usize)>,
}

impl OrderStatistics {
    /// The order statistics of these ranks, in whatever order values and ranks are.
    pub fn new(values: &[f64], ranks: impl Iterator<Item = usize>) -> Self {
        let lowest = values.iter().fold(u64::MAX, |low, x| low.min(x.to_bits()));
        let highest = values.iter().fold(0, |high, x| x.to_bits().max(high));
        let span = highest.saturating_sub(lowest);
        let shift = (u64::BITS - span.leading_zeros()).saturating_sub(MAX_BUCKETS.ilog2());
        let bucket = |value: &f64| ((value.to_bits() - lowest) >> shift) as usize;
        let mut ends = vec![0_u32; (span >> shift) as usize + 1];
        for value in values {
            ends[bucket(value)] += 1;
        }
        let mut end = 0;
        for position in &mut ends {
            end += *position;
            *position = end;
        }
        let mut requested = vec![false; ends.len()];
        for rank in ranks.filter(|rank| *rank < values.len()) {
            requested[ends.partition_point(|end| *end as usize <= rank)] = true;
        }
        let mut held = 0;
        let mut buckets = Vec::new();
        for (at, requested) in requested.iter().enumerate() {
            if *requested {
                let start = at.checked_sub(1).map_or(0, |before| ends[before]) as usize;
                let end = ends[at] as usize;
                buckets.push((start, end, held));
                held += end - start;
            }
        }
        // Each is written where the next that is kept will overwrite it if it isn't: few are, at no regular distance.
        let mut kept = vec![0; held + 1];
        let mut position = 0;
        for value in values {
            kept[position] = value.to_bits();
            position += usize::from(requested[bucket(value)]);
        }
        kept.truncate(held);
        kept.sort_unstable();
        Self {
            count: values.len(),
            kept,
            buckets,
        }
    }

    /// Number of values, kept or not.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// The value with `rank` smaller ones before it; `None` if there aren't as many, or it is in no bucket of a requested rank.
    pub fn get(&self, rank: usize) -> Option<f64> {
        let at = self.buckets.partition_point(|(_, end, _)| *end <= rank);
        let (start, _, position) = self.buckets.get(at)?;
        let bits = self.kept.get(position + rank.checked_sub(*start)?)?;
        Some(f64::from_bits(*bits))
    }
}

/// The order statistic at `level` (0 to 1), 0 of no values. The values are reordered.
pub fn quantile(values: &mut [f64], level: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else {
        return 0.0;
    };
    let rank = ((level * values.len() as f64) as usize).min(last);
    *values.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// Cuts every value above the quantile at `level` down to it.
pub fn winsorise(values: &mut [f64], level: f64) {
    let cap = quantile(&mut values.to_vec(), level);
    for value in values {
        *value = value.min(cap);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_no_values_there_is_none() {
        let order_statistics = OrderStatistics::new(&[], [0, 1].into_iter());
        assert_eq!((order_statistics.len(), order_statistics.get(0)), (0, None));
    }

    #[test]
    fn quantiles_are_order_statistics() {
        let mut values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(quantile(&mut values, 0.0), 1.0);
        assert_eq!(quantile(&mut values, 0.6), 4.0);
        assert_eq!(quantile(&mut values, 1.0), 5.0);
        assert_eq!(quantile(&mut [], 0.5), 0.0);
    }

    #[test]
    fn winsorising_cuts_the_largest_only() {
        let mut values = [9.0, 1.0, 2.0, 3.0];
        winsorise(&mut values, 0.7);
        assert_eq!(values, [3.0, 1.0, 2.0, 3.0]);
    }

    proptest! {
        #[test]
        fn every_requested_rank_is_that_of_the_sorted_values(
            values in prop::collection::vec(
                prop_oneof![8 => 0.0_f64..5.0, 1 => Just(0.0), 1 => Just(1.0), 1 => 0.0..1e300], 1..300,
            ),
            ranks in prop::collection::vec(0_usize..310, 0..20),
        ) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let order_statistics = OrderStatistics::new(&values, ranks.iter().copied());
            prop_assert_eq!(order_statistics.len(), values.len());
            for rank in ranks {
                prop_assert_eq!(order_statistics.get(rank), sorted.get(rank).copied());
            }
        }
    }
}
