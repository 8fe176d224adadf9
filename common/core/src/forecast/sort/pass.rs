//! Rows that are nearly in order, put in order.

use crate::fours::{FOUR, Fours};

/// How many places to the left a value goes without a comparison sort's branches.
pub(super) const WINDOW: usize = 4;

/// Writes what is scattered to `row`, each value as far left as it belongs, but at most `WINDOW` places.
///
/// One value waits for the result of the one before it, so four quarters of the row go at once. Each begins `early`
/// places before its own, enough to meet the `WINDOW` largest values of all that come before it; `scattered` begins as
/// early, and goes on for `WINDOW` places after the row.
#[inline(always)]
pub(super) fn pass(fours: impl Fours, scattered: &[f64], early: usize, row: &mut [f64]) {
    // The largest so far, ascending; what a value pushes out at the bottom is next in order.
    let mut largest = [fours.splat(f64::NEG_INFINITY); WINDOW];
    let mut push = |values: [f64; FOUR]| {
        let mut value = fours.load(values);
        for large in largest.iter_mut().rev() {
            (value, *large) = (fours.less(value, *large), fours.more(*large, value));
        }
        fours.store(value)
    };
    let quarter = row.len() / FOUR;
    let from = |i: usize| scattered[i * quarter..].split_at(early + WINDOW);
    let [(a0, a), (b0, b), (c0, c), (d0, d)] = [0, 1, 2, 3].map(from);
    for (((a, b), c), d) in a0.iter().zip(b0).zip(c0).zip(d0) {
        push([*a, *b, *c, *d]);
    }
    let (row, rest) = row.split_at_mut(FOUR * quarter);
    let (left, right) = row.split_at_mut(2 * quarter);
    let ((a1, b1), (c1, d1)) = (left.split_at_mut(quarter), right.split_at_mut(quarter));
    let from = a.iter().zip(b).zip(c).zip(d);
    let to = a1.iter_mut().zip(b1).zip(c1).zip(d1);
    for ((((a, b), c), d), (((a1, b1), c1), d1)) in from.zip(to) {
        [*a1, *b1, *c1, *d1] = push([*a, *b, *c, *d]);
    }
    for place in rest {
        *place = push([f64::INFINITY; FOUR])[FOUR - 1];
    }
}

/// Insertion sort, for rows that are nearly in order.
pub(super) fn insert(row: &mut [f64]) {
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
