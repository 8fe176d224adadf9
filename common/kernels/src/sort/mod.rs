//! Rows of simulated paths in ascending order.

mod ascending;
mod buckets;
mod insertion;

pub use ascending::is_ascending;

use crate::simd::{Kernel, Simd, dispatch};
use buckets::{Buckets, MAX_ROW_LEN};

/// Rows shorter than this aren't worth buckets.
const MIN_ROW_LEN: usize = 64;

/// Sorts each row of `k` finite values.
///
/// Members of an ensemble are spread smoothly enough that equal buckets between the smallest and the largest hold one or
/// two each, so that every value lands within a few places of its own (flash sort, Neubert 1998): linear. A processor
/// loses more by a branch that it can't foretell than by all the rest, so the places are put right without any: each
/// value passes the largest four before it by minimum and maximum. Only rows with fuller buckets need insertion after
/// that, and rows that buckets don't separate (ties, a far outlier) are left to a comparison sort. 0 and −0 count as
/// equal, and may stand in either order.
pub fn sort_rows(k: usize, values: &mut [f64]) {
    if k == 1 || values.chunks_exact(k).all(is_ascending) {
        return;
    }
    if (MIN_ROW_LEN..=MAX_ROW_LEN).contains(&k) {
        dispatch(Sort { k, values });
    } else {
        for row in values.chunks_exact_mut(k) {
            if !is_ascending(row) {
                row.sort_unstable_by(f64::total_cmp);
            }
        }
    }
}

/// Sorts rows of `MIN_ROW_LEN` to `MAX_ROW_LEN` values.
struct Sort<'a> {
    k: usize,
    values: &'a mut [f64],
}

impl Kernel for Sort<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, simd: impl Simd) {
        let mut buckets = Buckets::new();
        for row in self.values.chunks_exact_mut(self.k) {
            if !is_ascending(row) && !buckets.sort(simd, row) {
                row.sort_unstable_by(f64::total_cmp);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::Baseline;

    fn sorted(values: &[f64]) -> Vec<f64> {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The rows sorted in the widest registers, which are those sorted in baseline registers.
    fn ours(k: usize, values: &[f64]) -> Vec<f64> {
        let (mut widest, mut baseline) = (values.to_vec(), values.to_vec());
        sort_rows(k, &mut widest);
        if (MIN_ROW_LEN..=MAX_ROW_LEN).contains(&k) {
            let values = &mut baseline;
            Sort { k, values }.run(Baseline);
            assert_eq!(bits(&widest), bits(&baseline));
        }
        widest
    }

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn rows_of_all_shapes_have_the_bits_of_a_comparison_sort(
            smooth in prop::collection::vec(-1e3..1e3f64, 1..1100),
            tied in prop::collection::vec(-3i8..3, 1..400),
            crowded in prop::collection::vec(prop_oneof![99 => -1.0..1.0f64, 1 => -20.0..20.0f64], 1..1100),
            wild in prop::collection::vec(prop_oneof![9 => -1.0..1.0f64, 1 => -1e100..1e100f64], 1..400),
        ) {
            let tied: Vec<f64> = tied.into_iter().map(f64::from).collect();
            for values in [smooth, tied, crowded, wild] {
                let ours = ours(values.len(), &values);
                prop_assert_eq!(bits(&ours), bits(&sorted(&values)));
            }
        }

        #[test]
        fn rows_of_different_shapes_are_sorted_together(
            rows in (1..300usize).prop_flat_map(|k| {
                let crowded = prop_oneof![9 => -1.0..1.0f64, 1 => -20.0..20.0f64];
                let row = prop_oneof![
                    prop::collection::vec(-1e3..1e3f64, k),
                    prop::collection::vec(crowded, k),
                    prop::collection::vec((-3i8..3).prop_map(f64::from), k),
                    prop::collection::vec(-f64::MAX..f64::MAX, k),
                    Just((0..k as i32).map(f64::from).collect()),
                ];
                prop::collection::vec(row, 1..10)
            }),
        ) {
            let expected: Vec<f64> = rows.iter().flat_map(|row| sorted(row)).collect();
            prop_assert_eq!(bits(&ours(rows[0].len(), &rows.concat())), bits(&expected));
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
