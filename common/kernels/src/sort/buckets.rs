//! Sorting by equal buckets between the smallest and the largest value.

use wide::{u8x16, u16x8};

use super::ascending::is_ascending;
use super::insertion::{WINDOW, insertion_sort, windowed_insertion_sort};
use crate::simd::{SIMD_WIDTH, Simd};

/// Length of the longest rows that are sorted here.
pub(super) const MAX_ROW_LEN: usize = 1024;
/// Buckets of the longest rows: two a value.
const BUCKETS: usize = 2 * MAX_ROW_LEN;
/// Buckets whose counts are summed at once, as the bytes of a word.
const GROUP: usize = 8;
/// A fuller bucket is a sign of values that buckets don't separate; `GROUP` times as many fit a byte.
const MAX_BUCKET_LEN: u8 = 31;
/// Room ahead of a row's offsets, at least what a full bucket and `WINDOW` take.
const PADDING: usize = MAX_BUCKET_LEN as usize + WINDOW;
/// Adding it leaves a small number's nearest integer in the lowest bits of a double.
const TO_INTEGER: f64 = (1u64 << 52) as f64;

/// Buffers that rows share, one row after the other.
pub(super) struct Buckets {
    /// Number of values in each bucket.
    counts: [u8; BUCKETS],
    /// Position of the next value of each bucket.
    offsets: [u16; BUCKETS],
    scattered: [f64; PADDING + MAX_ROW_LEN + WINDOW],
}

impl Buckets {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            counts: [0; BUCKETS],
            offsets: [0; BUCKETS],
            scattered: [f64::NEG_INFINITY; PADDING + MAX_ROW_LEN + WINDOW],
        }
    }

    /// Sorts a row, or leaves it as it is and says `false`.
    #[inline(always)]
    pub(super) fn sort(&mut self, simd: impl Simd, row: &mut [f64]) -> bool {
        let buckets = (2 * row.len()).next_power_of_two();
        let (lowest, highest) = extremes(simd, row);
        let scale = (buckets - 1) as f64 / (highest - lowest);
        if !scale.is_normal() {
            return false;
        }
        let index = BucketIndex { lowest, scale };
        self.counts[..buckets].fill(0);
        index.for_each(simd, row, |bucket, _| {
            let count = &mut self.counts[bucket];
            *count = count.wrapping_add(1);
        });
        let Some(fullest) = self.prefix_sums(buckets, row.len()) else {
            return false;
        };
        index.for_each(simd, row, |bucket, value| {
            let offset = self.offsets[bucket] % MAX_ROW_LEN as u16;
            self.scattered[PADDING + usize::from(offset)] = value;
            self.offsets[bucket] = offset + 1;
        });
        self.scattered[PADDING + row.len()..][..WINDOW].fill(f64::INFINITY);
        windowed_insertion_sort(
            simd,
            &self.scattered[PADDING - fullest - WINDOW..],
            fullest + WINDOW,
            row,
        );
        if !is_ascending(row) {
            insertion_sort(row);
        }
        true
    }

    /// From counts to offsets. Returns an upper bound of the counts, or `None` where a bucket is too full.
    ///
    /// Eight are summed at once: in the product of a word of bytes and one of ones, each byte is the sum of those up to it.
    #[inline(always)]
    fn prefix_sums(&mut self, buckets: usize, values: usize) -> Option<usize> {
        const ONES: u64 = u64::from_le_bytes([1; GROUP]);
        let (groups, _) = self.counts[..buckets].as_chunks::<GROUP>();
        let (offsets, _) = self.offsets.as_chunks_mut::<GROUP>();
        let (mut bits, mut before) = (0, 0u16);
        for (group, offsets) in groups.iter().zip(offsets) {
            let counts = u64::from_le_bytes(*group);
            let sums = counts.wrapping_mul(ONES);
            let in_group = u8x16::new(u128::from(sums << 8).to_le_bytes());
            *offsets = (u16x8::from_u8x16_low(in_group) + u16x8::splat(before)).to_array();
            bits |= counts;
            before = before.wrapping_add((sums >> 56) as u16);
        }
        let fullest = bits
            .to_le_bytes()
            .into_iter()
            .fold(0, |all, bits| all | bits);
        // A count above 255 has wrapped, and the sum is short of the values.
        (fullest <= MAX_BUCKET_LEN && usize::from(before) == values).then_some(usize::from(fullest))
    }
}

/// From a value to its bucket.
struct BucketIndex {
    lowest: f64,
    scale: f64,
}

impl BucketIndex {
    /// Calls `visit` with each value's bucket and the value.
    #[inline(always)]
    fn for_each(&self, simd: impl Simd, row: &[f64], mut visit: impl FnMut(usize, f64)) {
        let [lowest, scale, to_integer] =
            [self.lowest, self.scale, TO_INTEGER].map(|value| simd.splat(value));
        let buckets = |values: [f64; SIMD_WIDTH]| {
            let above = simd.subtract(simd.load(values), lowest);
            let indices = simd.add(simd.multiply(above, scale), to_integer);
            simd.store(indices)
                .map(|index| index.to_bits() as usize % BUCKETS)
        };
        let (blocks, rest) = row.as_chunks::<SIMD_WIDTH>();
        for block in blocks {
            for (bucket, value) in buckets(*block).into_iter().zip(*block) {
                visit(bucket, value);
            }
        }
        for value in rest {
            visit(buckets([*value; SIMD_WIDTH])[0], *value);
        }
    }
}

/// The smallest and the largest value.
#[inline(always)]
fn extremes(simd: impl Simd, row: &[f64]) -> (f64, f64) {
    let (blocks, rest) = row.as_chunks::<{ 2 * SIMD_WIDTH }>();
    let mut low = [simd.splat(f64::INFINITY); 2];
    let mut high = [simd.splat(f64::NEG_INFINITY); 2];
    for block in blocks {
        let (halves, _) = block.as_chunks::<SIMD_WIDTH>();
        for (half, (low, high)) in halves.iter().zip(low.iter_mut().zip(&mut high)) {
            let half = simd.load(*half);
            *low = simd.min(half, *low);
            *high = simd.max(half, *high);
        }
    }
    let [low, high] = [simd.min(low[0], low[1]), simd.max(high[0], high[1])];
    let values = |four| simd.store(four).into_iter().chain(rest.iter().copied());
    (
        values(low).fold(f64::INFINITY, f64::min),
        values(high).fold(f64::NEG_INFINITY, f64::max),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Baseline;

    /// The most that buckets take: every bucket of a group full, and one value more.
    #[test]
    fn full_buckets_are_sorted_and_a_fuller_one_is_refused() {
        // Bucket b holds what rounds to b; buckets 8 to 15 are a group.
        let row = |in_each: usize| {
            let crowd = (0..GROUP * in_each).map(|i| 8.0 + (i % GROUP) as f64);
            let others = (0..700).rev().map(|i| 16.0 + f64::from(i) * 2.9);
            let row = others.chain(crowd).chain([0.0, 2047.0]);
            row.collect::<Vec<_>>()
        };
        for (in_each, fits) in [(1, true), (31, true), (32, false)] {
            let mut ours = row(in_each);
            assert_eq!(Buckets::new().sort(Baseline, &mut ours), fits, "{in_each}");
            assert_eq!(ours.is_sorted(), fits);
        }
    }
}
