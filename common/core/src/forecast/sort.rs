//! Rows of simulated paths in ascending order.

use wide::f64x8;

use crate::lanes::blocks;

/// Rows shorter than this aren't worth buckets, longer ones than `LONG` don't fit them.
const SHORT: usize = 64;
const LONG: usize = 1024;
/// Pairs that are compared before it is asked whether they are in order.
const PIECE: usize = 32;
/// Buckets of the longest rows: two a value. Bits of a bucket's number.
const BUCKETS: usize = 1 << BITS;
const BITS: u32 = 11;
/// Buckets whose counts are summed at once, as the bytes of a word.
const GROUP: usize = 8;
/// A fuller bucket is a sign of values that buckets don't separate; `GROUP` times as many fit a byte.
const CROWD: u8 = 31;
/// How many places to the left a value goes without a comparison sort's branches.
const WINDOW: usize = 3;
/// Adding it leaves a small number's nearest integer in the lowest bits of a double.
const TO_INTEGER: f64 = (1u64 << 52) as f64;

/// Sorts each row of `k` finite values.
///
/// Members of an ensemble are spread smoothly enough that equal buckets between the smallest and the largest hold one or
/// two each, so that every value lands within a few places of its own (flash sort, Neubert 1998): linear. A processor
/// loses more by a branch that it can't foretell than by all the rest, so the places are put right without any: each
/// value passes the largest three before it by minimum and maximum. Only rows with fuller buckets need insertion after that,
/// and rows that buckets don't separate (ties, a far outlier) are left to a comparison sort.
pub(crate) fn sort_rows(k: usize, values: &mut [f64]) {
    if k == 1 || values.chunks_exact(k).all(ascends) {
        return;
    }
    let mut buckets = Buckets::new();
    for row in values.chunks_exact_mut(k) {
        if !ascends(row) && !buckets.sort(row) {
            row.sort_unstable_by(f64::total_cmp);
        }
    }
}

/// Whether no value is below the one before it.
///
/// A piece is looked through to its end, which vector units can follow; what isn't in order shows in the first.
pub(super) fn ascends(row: &[f64]) -> bool {
    let after = row.get(1..).unwrap_or_default();
    let mut pieces = row.chunks(PIECE).zip(after.chunks(PIECE));
    pieces.all(|(before, after)| {
        let pairs = before.iter().zip(after);
        pairs.fold(true, |all, (a, b)| all & (a <= b))
    })
}

/// Room that rows share.
struct Buckets {
    /// A value's bucket, and above it how many values of that bucket came before.
    tickets: [u16; LONG],
    /// How many values a bucket holds, then how many the buckets of its group before it do.
    counts: [u8; BUCKETS],
    /// How many values the groups before it hold.
    before: [u16; BUCKETS / GROUP],
    scattered: [f64; LONG],
}

impl Buckets {
    fn new() -> Self {
        Self {
            tickets: [0; LONG],
            counts: [0; BUCKETS],
            before: [0; BUCKETS / GROUP],
            scattered: [0.0; LONG],
        }
    }

    /// Sorts a row, or leaves it as it is and says `false`.
    fn sort(&mut self, row: &mut [f64]) -> bool {
        if !(SHORT..=LONG).contains(&row.len()) {
            return false;
        }
        let buckets = (2 * row.len()).next_power_of_two();
        let (lowest, highest) = extremes(row);
        let scale = (buckets - 1) as f64 / (highest - lowest);
        if !scale.is_finite() {
            return false;
        }
        for (ticket, value) in self.tickets.iter_mut().zip(&*row) {
            *ticket = ((value - lowest) * scale + TO_INTEGER).to_bits() as u16;
        }
        let fullest = self.count(row.len(), buckets);
        if fullest > CROWD {
            return false;
        }
        self.add_up(buckets);
        self.scatter(row);
        pass_three(&self.scattered[..row.len()], row);
        if usize::from(fullest) > WINDOW + 1 {
            insert(row);
        }
        true
    }

    /// Counts the buckets' values, numbers the values of each, and returns the most that one holds.
    fn count(&mut self, values: usize, buckets: usize) -> u8 {
        let counts = &mut self.counts;
        counts[..buckets].fill(0);
        let mut fullest = 0;
        let mut number = |ticket: u16| {
            let count = &mut counts[usize::from(ticket) % BUCKETS];
            let came_before = *count;
            *count = came_before.wrapping_add(1);
            fullest = fullest.max(came_before);
            ticket | u16::from(came_before) << BITS
        };
        // Four at a time: a processor then waits less for what it has just written.
        let (chunks, rest) = self.tickets[..values].as_chunks_mut::<4>();
        for chunk in chunks {
            *chunk = chunk.map(&mut number);
        }
        for ticket in rest {
            *ticket = number(*ticket);
        }
        fullest.saturating_add(1)
    }

    /// From counts to sums, eight at once: in the product of a word of bytes and one of ones, each byte is the sum of
    /// those up to it.
    fn add_up(&mut self, buckets: usize) {
        const ONES: u64 = u64::from_le_bytes([1; GROUP]);
        let (groups, _) = self.counts[..buckets].as_chunks_mut::<GROUP>();
        let mut sum = 0;
        for (group, before) in groups.iter_mut().zip(&mut self.before) {
            let sums = u64::from_le_bytes(*group).wrapping_mul(ONES);
            *before = sum;
            sum += (sums >> 56) as u16;
            *group = (sums << 8).to_le_bytes();
        }
    }

    /// Writes each value to its bucket's place.
    fn scatter(&mut self, row: &[f64]) {
        let place = |ticket: u16| {
            let bucket = usize::from(ticket) % BUCKETS;
            let in_group = u16::from(self.counts[bucket]) + (ticket >> BITS);
            usize::from(self.before[bucket / GROUP] + in_group) % LONG
        };
        let (tickets, more_tickets) = self.tickets[..row.len()].as_chunks::<4>();
        let (values, more_values) = row.as_chunks::<4>();
        for (tickets, values) in tickets.iter().zip(values) {
            for (place, value) in tickets.map(place).into_iter().zip(*values) {
                self.scattered[place] = value;
            }
        }
        for (ticket, value) in more_tickets.iter().zip(more_values) {
            self.scattered[place(*ticket)] = *value;
        }
    }
}

/// Writes `from` to `row`, each value as far left as it belongs, but at most `WINDOW` places.
fn pass_three(from: &[f64], row: &mut [f64]) {
    // The largest so far, ascending; what a value pushes out at the bottom is next in order.
    let mut largest = [f64::NEG_INFINITY; WINDOW];
    let mut push = |mut value: f64| {
        for large in largest.iter_mut().rev() {
            let (less, more) = if value < *large {
                (value, *large)
            } else {
                (*large, value)
            };
            (value, *large) = (less, more);
        }
        value
    };
    let (first, rest) = from.split_at(WINDOW);
    for value in first {
        push(*value);
    }
    for (place, value) in row.iter_mut().zip(rest) {
        *place = push(*value);
    }
    row[rest.len()..].copy_from_slice(&largest);
}

/// Insertion sort, for rows that are nearly in order.
fn insert(row: &mut [f64]) {
    for i in 1..row.len() {
        let value = row[i];
        let mut place = i;
        while place > 0 && row[place - 1] > value {
            row[place] = row[place - 1];
            place -= 1;
        }
        row[place] = value;
    }
}

/// The smallest and the largest value.
fn extremes(row: &[f64]) -> (f64, f64) {
    let (blocks, rest) = blocks(row);
    let mut low = f64x8::splat(f64::INFINITY);
    let mut high = f64x8::splat(f64::NEG_INFINITY);
    for block in blocks {
        low = low.fast_min(block);
        high = high.fast_max(block);
    }
    let values = |lanes: f64x8| lanes.to_array().into_iter().chain(rest.iter().copied());
    (
        values(low).fold(f64::INFINITY, f64::min),
        values(high).fold(f64::NEG_INFINITY, f64::max),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(mut values: Vec<f64>) -> Vec<f64> {
        values.sort_by(f64::total_cmp);
        values
    }

    fn ours(mut values: Vec<f64>) -> Vec<f64> {
        sort_rows(values.len().max(1), &mut values);
        values
    }

    proptest! {
        #[test]
        fn rows_of_all_shapes_are_sorted(
            smooth in prop::collection::vec(-1e3..1e3f64, 1..1100),
            tied in prop::collection::vec(-3i8..3, 1..400),
            crowded in prop::collection::vec(prop_oneof![99 => -1.0..1.0f64, 1 => -20.0..20.0f64], 1..1100),
            wild in prop::collection::vec(prop_oneof![9 => -1.0..1.0f64, 1 => -1e100..1e100f64], 1..400),
        ) {
            prop_assert_eq!(ours(smooth.clone()), sorted(smooth));
            let tied: Vec<f64> = tied.into_iter().map(f64::from).collect();
            prop_assert_eq!(ours(tied.clone()), sorted(tied));
            prop_assert_eq!(ours(crowded.clone()), sorted(crowded));
            prop_assert_eq!(ours(wild.clone()), sorted(wild));
        }
    }

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
            assert_eq!(Buckets::new().sort(&mut ours), fits, "{in_each}");
            assert_eq!(ours.is_sorted(), fits);
        }
    }

    #[test]
    fn a_row_ascends_if_no_neighbours_are_out_of_order() {
        let mut row: Vec<f64> = (0..100).map(|i| f64::from(i / 2)).collect();
        for length in 0..100 {
            assert!(ascends(&row[..length]));
        }
        for place in 1..100 {
            let kept = std::mem::replace(&mut row[place], -1.0);
            assert!(!ascends(&row), "{place}");
            row[place] = kept;
        }
    }

    #[test]
    fn each_row_is_sorted_on_its_own() {
        let mut values: Vec<f64> = (0..300).map(|i| f64::from(i * 7 % 100)).collect();
        sort_rows(100, &mut values);
        for row in values.chunks_exact(100) {
            assert!(row.is_sorted() && row[0] == 0.0 && row[99] == 99.0);
        }
    }
}
