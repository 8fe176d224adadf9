//! Order statistics of many sizes, of which only few are asked for: the rest isn't sorted.

/// Buckets at most: their counts fit into a processor's nearest memory.
const MOST_BUCKETS: u32 = 1 << 13;

/// Some order statistics of sizes that aren't negative and no NaN.
///
/// What isn't negative is in the order of its bits (IEEE 754), so that leading bits tell small from large as digits do:
/// sizes are counted in buckets of leading bits, and those in the buckets that hold a wanted rank are sorted.
#[derive(Debug, Clone)]
pub struct Ranked {
    count: usize,
    /// Bits of the sizes in wanted buckets, in order.
    kept: Vec<u64>,
    /// For each wanted bucket: its first rank, the rank after its last, and where it starts among those kept.
    buckets: Vec<(usize, usize, usize)>,
}

impl Ranked {
    /// The order statistics of these ranks, in whatever order sizes and ranks are.
    pub fn of(sizes: &[f64], ranks: impl Iterator<Item = usize>) -> Self {
        let lowest = sizes.iter().fold(u64::MAX, |low, x| low.min(x.to_bits()));
        let highest = sizes.iter().fold(0, |high, x| x.to_bits().max(high));
        let span = highest.saturating_sub(lowest);
        let shift = (u64::BITS - span.leading_zeros()).saturating_sub(MOST_BUCKETS.ilog2());
        let bucket = |size: &f64| ((size.to_bits() - lowest) >> shift) as usize;
        let mut ends = vec![0_u32; (span >> shift) as usize + 1];
        for size in sizes {
            ends[bucket(size)] += 1;
        }
        let mut end = 0;
        for place in &mut ends {
            end += *place;
            *place = end;
        }
        let mut wanted = vec![false; ends.len()];
        for rank in ranks.filter(|rank| *rank < sizes.len()) {
            wanted[ends.partition_point(|end| *end as usize <= rank)] = true;
        }
        let mut held = 0;
        let mut buckets = Vec::new();
        for (at, wanted) in wanted.iter().enumerate() {
            if *wanted {
                let start = at.checked_sub(1).map_or(0, |before| ends[before]) as usize;
                let end = ends[at] as usize;
                buckets.push((start, end, held));
                held += end - start;
            }
        }
        // Each is written where the next that is kept will overwrite it if it isn't: few are, at no regular distance.
        let mut kept = vec![0; held + 1];
        let mut place = 0;
        for size in sizes {
            kept[place] = size.to_bits();
            place += usize::from(wanted[bucket(size)]);
        }
        kept.truncate(held);
        kept.sort_unstable();
        Self {
            count: sizes.len(),
            kept,
            buckets,
        }
    }

    /// How many sizes there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// The size with `rank` smaller ones before it; `None` if there aren't as many, or nobody wanted its neighbourhood.
    pub fn get(&self, rank: usize) -> Option<f64> {
        let at = self.buckets.partition_point(|(_, end, _)| *end <= rank);
        let (start, _, place) = self.buckets.get(at)?;
        let bits = self.kept.get(place + rank.checked_sub(*start)?)?;
        Some(f64::from_bits(*bits))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_no_sizes_there_is_none() {
        let ranked = Ranked::of(&[], [0, 1].into_iter());
        assert_eq!((ranked.len(), ranked.get(0)), (0, None));
    }

    proptest! {
        #[test]
        fn every_wanted_rank_is_that_of_the_sorted_sizes(
            sizes in prop::collection::vec(
                prop_oneof![8 => 0.0_f64..5.0, 1 => Just(0.0), 1 => Just(1.0), 1 => 0.0..1e300], 1..300,
            ),
            ranks in prop::collection::vec(0_usize..310, 0..20),
        ) {
            let mut sorted = sizes.clone();
            sorted.sort_by(f64::total_cmp);
            let ranked = Ranked::of(&sizes, ranks.iter().copied());
            prop_assert_eq!(ranked.len(), sizes.len());
            for rank in ranks {
                prop_assert_eq!(ranked.get(rank), sorted.get(rank).copied());
            }
        }
    }
}
