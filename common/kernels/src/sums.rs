//! Sums of many doubles, in an order of addition that is the same on every machine.

use wide::f64x8;

/// Number of interleaved sums: value i of a slice belongs to sum i modulo this.
pub const SUM_LANES: usize = 8;

/// The sum of eight lanes, by halves: ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
#[inline]
pub fn sum_lanes(lanes: f64x8) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes.to_array();
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Values in blocks of [`SUM_LANES`], and the fewer that are left.
#[inline]
pub fn blocks(values: &[f64]) -> (impl ExactSizeIterator<Item = f64x8>, &[f64]) {
    let (blocks, rest) = values.as_chunks::<SUM_LANES>();
    (blocks.iter().map(|block| f64x8::new(*block)), rest)
}

/// Σ a·b over the shorter length: eight interleaved sums, of which those four apart are added first.
#[inline]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The documented order of addition, one double at a time.
    fn dot_one_by_one(a: &[f64], b: &[f64]) -> f64 {
        let length = a.len().min(b.len());
        let whole = length - length % SUM_LANES;
        let mut lanes = [0.0; SUM_LANES];
        for i in 0..whole {
            lanes[i % SUM_LANES] += a[i] * b[i];
        }
        let rest: f64 = (whole..length).map(|i| a[i] * b[i]).sum();
        let [s0, s1, s2, s3, s4, s5, s6, s7] = lanes;
        ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7)) + rest
    }

    proptest! {
        #[test]
        fn a_dot_product_has_the_bits_of_its_scalar_twin(
            a in prop::collection::vec(-1e6..1e6_f64, 0..70),
            b in prop::collection::vec(-1e6..1e6_f64, 0..70),
        ) {
            prop_assert_eq!(dot(&a, &b).to_bits(), dot_one_by_one(&a, &b).to_bits());
        }

        #[test]
        fn lanes_are_summed_by_halves(lanes in prop::array::uniform8(-1e6..1e6_f64)) {
            let [a, b, c, d, e, f, g, h] = lanes;
            let expected = ((a + b) + (c + d)) + ((e + f) + (g + h));
            prop_assert_eq!(sum_lanes(f64x8::new(lanes)).to_bits(), expected.to_bits());
        }
    }
}
