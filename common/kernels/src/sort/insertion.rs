//! Insertion sorts, for rows that are nearly in order.

use crate::simd::{SIMD_WIDTH, Simd};

/// How many places to the left a value goes without a comparison sort's branches.
pub(super) const WINDOW: usize = 4;

/// Writes what is scattered to `row`, each value as far left as it belongs, but at most `WINDOW` places.
///
/// One value waits for the result of the one before it, so four quarters of the row go at once. Each begins `lead`
/// places before its own, enough to meet the `WINDOW` largest values of all that come before it; `scattered` begins as
/// lead, and goes on for `WINDOW` places after the row.
#[inline(always)]
pub(super) fn windowed_insertion_sort(
    simd: impl Simd,
    scattered: &[f64],
    lead: usize,
    row: &mut [f64],
) {
    // The largest so far, ascending; what a value pushes out at the bottom is next in order.
    let mut largest = [simd.splat(f64::NEG_INFINITY); WINDOW];
    let mut push = |values: [f64; SIMD_WIDTH]| {
        let mut value = simd.load(values);
        for large in largest.iter_mut().rev() {
            (value, *large) = (simd.min(value, *large), simd.max(*large, value));
        }
        simd.store(value)
    };
    let quarter = row.len() / SIMD_WIDTH;
    let from = |i: usize| scattered[i * quarter..].split_at(lead + WINDOW);
    let [(a0, a), (b0, b), (c0, c), (d0, d)] = [0, 1, 2, 3].map(from);
    for (((a, b), c), d) in a0.iter().zip(b0).zip(c0).zip(d0) {
        push([*a, *b, *c, *d]);
    }
    let (row, rest) = row.split_at_mut(SIMD_WIDTH * quarter);
    let (left, right) = row.split_at_mut(2 * quarter);
    let ((a1, b1), (c1, d1)) = (left.split_at_mut(quarter), right.split_at_mut(quarter));
    let from = a.iter().zip(b).zip(c).zip(d);
    let to = a1.iter_mut().zip(b1).zip(c1).zip(d1);
    for ((((a, b), c), d), (((a1, b1), c1), d1)) in from.zip(to) {
        [*a1, *b1, *c1, *d1] = push([*a, *b, *c, *d]);
    }
    for slot in rest {
        *slot = push([f64::INFINITY; SIMD_WIDTH])[SIMD_WIDTH - 1];
    }
}

/// Insertion sort, for rows that are nearly in order.
pub(super) fn insertion_sort(row: &mut [f64]) {
    for i in 1..row.len() {
        let value = row[i];
        let mut slot = i;
        while slot > 0 && row[slot - 1] > value {
            row[slot] = row[slot - 1];
            slot -= 1;
        }
        row[slot] = value;
    }
}
