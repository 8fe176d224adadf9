//! Arithmetic on four doubles at once: in one register where the processor has AVX2, in two elsewhere.
//!
//! Each operation is that of a single double, so results are the same wherever they are computed.

use wide::f64x4;

/// How many doubles a [`Fours::Four`] holds.
pub(crate) const FOUR: usize = 4;

/// Operations of one kind of registers.
pub(crate) trait Fours: Copy {
    /// Four doubles.
    type Four: Copy;

    fn load(self, values: [f64; FOUR]) -> Self::Four;
    fn store(self, values: Self::Four) -> [f64; FOUR];
    fn add(self, a: Self::Four, b: Self::Four) -> Self::Four;
    fn subtract(self, a: Self::Four, b: Self::Four) -> Self::Four;
    fn multiply(self, a: Self::Four, b: Self::Four) -> Self::Four;
    /// `a` where it is below `b`, else `b`.
    fn less(self, a: Self::Four, b: Self::Four) -> Self::Four;
    /// `a` where it is above `b`, else `b`.
    fn more(self, a: Self::Four, b: Self::Four) -> Self::Four;

    #[inline(always)]
    fn splat(self, value: f64) -> Self::Four {
        self.load([value; FOUR])
    }
}

/// What can be computed in any kind of registers.
///
/// `compute` and all it calls are to be `inline(always)`: only then are they compiled for the instructions of `fours`.
pub(crate) trait Kernel {
    type Output;

    fn compute(self, fours: impl Fours) -> Self::Output;
}

/// Computes it in the widest registers that there are.
pub(crate) fn compute<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = pulp::x86::V3::try_new() {
        return avx2.vectorize(avx2::WithAvx2(avx2, kernel));
    }
    kernel.compute(Everywhere)
}

/// Registers that every processor of a kind has.
#[derive(Clone, Copy)]
pub(crate) struct Everywhere;

impl Fours for Everywhere {
    type Four = f64x4;

    #[inline(always)]
    fn load(self, values: [f64; FOUR]) -> f64x4 {
        f64x4::new(values)
    }

    #[inline(always)]
    fn store(self, values: f64x4) -> [f64; FOUR] {
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
    fn less(self, a: f64x4, b: f64x4) -> f64x4 {
        a.fast_min(b)
    }

    #[inline(always)]
    fn more(self, a: f64x4, b: f64x4) -> f64x4 {
        a.fast_max(b)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256d;

    use pulp::x86::V3;
    use pulp::{NullaryFnOnce, cast};

    use super::{FOUR, Fours, Kernel};

    pub(super) struct WithAvx2<K>(pub(super) V3, pub(super) K);

    impl<K: Kernel> NullaryFnOnce for WithAvx2<K> {
        type Output = K::Output;

        #[inline(always)]
        fn call(self) -> K::Output {
            self.1.compute(self.0)
        }
    }

    impl Fours for V3 {
        type Four = __m256d;

        #[inline(always)]
        fn load(self, values: [f64; FOUR]) -> __m256d {
            cast(values)
        }

        #[inline(always)]
        fn store(self, values: __m256d) -> [f64; FOUR] {
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
        fn less(self, a: __m256d, b: __m256d) -> __m256d {
            self.avx._mm256_min_pd(a, b)
        }

        #[inline(always)]
        fn more(self, a: __m256d, b: __m256d) -> __m256d {
            self.avx._mm256_max_pd(a, b)
        }
    }
}
