//! Arithmetic on four doubles at once: in one register where the processor has AVX2, in two elsewhere.
//!
//! Each operation is that of a single double, so results are the same wherever they are computed.

use wide::{f64x4, f64x8};

/// How many doubles a [`Simd::Vector`] holds.
pub(crate) const SIMD_WIDTH: usize = 4;

/// Operations of one kind of registers.
pub(crate) trait Simd: Copy {
    /// Four doubles.
    type Vector: Copy;

    fn load(self, values: [f64; SIMD_WIDTH]) -> Self::Vector;
    fn store(self, values: Self::Vector) -> [f64; SIMD_WIDTH];
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn subtract(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn multiply(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a` where it is below `b`, else `b`.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a` where it is above `b`, else `b`.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    #[inline(always)]
    fn splat(self, value: f64) -> Self::Vector {
        self.load([value; SIMD_WIDTH])
    }
}

/// What can be computed in any kind of registers.
///
/// `run` and all it calls are to be `inline(always)`: only then are they compiled for the instructions of `simd`.
pub(crate) trait Kernel {
    type Output;

    fn run(self, simd: impl Simd) -> Self::Output;
}

/// Computes it in the widest registers that there are.
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = pulp::x86::V3::try_new() {
        return avx2.vectorize(avx2::Avx2(avx2, kernel));
    }
    kernel.run(Baseline)
}

/// Registers that every processor of a kind has.
#[derive(Clone, Copy)]
pub(crate) struct Baseline;

impl Simd for Baseline {
    type Vector = f64x4;

    #[inline(always)]
    fn load(self, values: [f64; SIMD_WIDTH]) -> f64x4 {
        f64x4::new(values)
    }

    #[inline(always)]
    fn store(self, values: f64x4) -> [f64; SIMD_WIDTH] {
        values.to_array()
    }

    #[inline(always)]
    fn add(self, a: f64x4, b: f64x4) -> f64x4 {
        a + b
    }

    #[inline(always)]
    fn subtract(self, a: f64x4, b: f64x4) -> f64x4 {
        a - b
    }

    #[inline(always)]
    fn multiply(self, a: f64x4, b: f64x4) -> f64x4 {
        a * b
    }

    #[inline(always)]
    fn min(self, a: f64x4, b: f64x4) -> f64x4 {
        a.fast_min(b)
    }

    #[inline(always)]
    fn max(self, a: f64x4, b: f64x4) -> f64x4 {
        a.fast_max(b)
    }
}

/// Values that are summed side by side, in an order of addition that is the same on every machine.
pub(crate) const SUM_LANES: usize = 8;

/// The sum of lanes, by halves.
pub(crate) fn sum_lanes(lanes: f64x8) -> f64 {
    let [a, b, c, d, e, f, g, h] = lanes.to_array();
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Values in blocks of [`SUM_LANES`], and the fewer that are left.
pub(crate) fn blocks(values: &[f64]) -> (impl ExactSizeIterator<Item = f64x8>, &[f64]) {
    let (blocks, rest) = values.as_chunks::<SUM_LANES>();
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

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256d;

    use pulp::x86::V3;
    use pulp::{NullaryFnOnce, cast};

    use super::{Kernel, SIMD_WIDTH, Simd};

    pub(super) struct Avx2<K>(pub(super) V3, pub(super) K);

    impl<K: Kernel> NullaryFnOnce for Avx2<K> {
        type Output = K::Output;

        #[inline(always)]
        fn call(self) -> K::Output {
            self.1.run(self.0)
        }
    }

    impl Simd for V3 {
        type Vector = __m256d;

        #[inline(always)]
        fn load(self, values: [f64; SIMD_WIDTH]) -> __m256d {
            cast(values)
        }

        #[inline(always)]
        fn store(self, values: __m256d) -> [f64; SIMD_WIDTH] {
            cast(values)
        }

        #[inline(always)]
        fn add(self, a: __m256d, b: __m256d) -> __m256d {
            self.avx._mm256_add_pd(a, b)
        }

        #[inline(always)]
        fn subtract(self, a: __m256d, b: __m256d) -> __m256d {
            self.avx._mm256_sub_pd(a, b)
        }

        #[inline(always)]
        fn multiply(self, a: __m256d, b: __m256d) -> __m256d {
            self.avx._mm256_mul_pd(a, b)
        }

        #[inline(always)]
        fn min(self, a: __m256d, b: __m256d) -> __m256d {
            self.avx._mm256_min_pd(a, b)
        }

        #[inline(always)]
        fn max(self, a: __m256d, b: __m256d) -> __m256d {
            self.avx._mm256_max_pd(a, b)
        }
    }
}
