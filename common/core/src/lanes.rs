//! Eight values at a time, in an order of addition that is the same on every machine.

use wide::f64x8;

/// Values that are worked on at once.
pub(crate) const LANES: usize = 8;

/// The sum of lanes, by halves.
pub(crate) fn total(lanes: f64x8) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes.to_array();
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Values in blocks of [`LANES`], and the fewer that are left.
pub(crate) fn blocks(values: &[f64]) -> (impl ExactSizeIterator<Item = f64x8>, &[f64]) {
    let (blocks, rest) = values.as_chunks::<LANES>();
    (blocks.iter().map(|block| f64x8::new(*block)), rest)
}

/// Σ a·b over the shorter length: eight interleaved sums, those four apart added first.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    let (a_blocks, a_rest) = blocks(&a[..length]);
    let (b_blocks, b_rest) = blocks(&b[..length]);
    let mut sums = f64x8::ZERO;
    for (a, b) in a_blocks.zip(b_blocks) {
        sums += a * b;
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums.to_array();
    ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7)) + rest
}
