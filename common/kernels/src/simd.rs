//! Arithmetic on four doubles at once: in one register where the processor has AVX2, in two elsewhere.
//!
//! Each operation is that of a single double, so results are the same wherever they are computed.

use wide::f64x4;

/// How many doubles a [`Simd::Vector`] holds.
pub const SIMD_WIDTH: usize = 4;

/// Operations of one kind of registers.
pub trait Simd: Copy {
    /// Four doubles.
    type Vector: Copy;

    /// Four doubles into a register.
    fn load(self, values: [f64; SIMD_WIDTH]) -> Self::Vector;
    /// And back.
    fn store(self, values: Self::Vector) -> [f64; SIMD_WIDTH];
    /// a + b.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a − b.
    fn subtract(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a·b.
    fn multiply(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a` where it is below `b`, else `b`.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a` where it is above `b`, else `b`.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The same double four times.
    #[inline(always)]
    fn splat(self, value: f64) -> Self::Vector {
        self.load([value; SIMD_WIDTH])
    }
}

/// What can be computed in any kind of registers.
///
/// `run` and all it calls are to be `inline(always)`: only then are they compiled for the instructions of `simd`.
pub trait Kernel {
    /// What comes out.
    type Output;

    /// Computes it with operations on these registers.
    fn run(self, simd: impl Simd) -> Self::Output;
}

/// Computes it in the widest registers that there are.
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = pulp::x86::V3::try_new() {
        return avx2.vectorize(avx2::Avx2(avx2, kernel));
    }
    kernel.run(Baseline)
}

/// Registers that every processor of a kind has.
#[derive(Clone, Copy)]
pub struct Baseline;

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
