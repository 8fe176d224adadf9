//! Arithmetic on four doubles at once: in one register where the processor has AVX2, in two elsewhere.
//!
//! Each operation is that of a single double, so results are the same wherever they are computed.

use wide::f64x4;

/// How many doubles a [`Simd::Vector`] holds.
pub const SIMD_WIDTH: usize = 4;

/// Operations on vectors of four doubles, in one kind of registers.
pub trait Simd: Copy {
    /// Four doubles in registers.
    type Vector: Copy;

    /// A vector of these four doubles.
    fn load(self, values: [f64; SIMD_WIDTH]) -> Self::Vector;
    /// The four doubles of a vector.
    fn store(self, values: Self::Vector) -> [f64; SIMD_WIDTH];
    /// a + b of each lane.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a − b of each lane.
    fn subtract(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a·b of each lane.
    fn multiply(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Of each lane `a` where it is below `b`, else `b`; neither is NaN.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Of each lane `a` where it is above `b`, else `b`; neither is NaN.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The same double four times.
    #[inline(always)]
    fn splat(self, value: f64) -> Self::Vector {
        self.load([value; SIMD_WIDTH])
    }
}

/// A computation that is written once for all kinds of registers.
///
/// `run` and all it calls are to be `inline(always)`: only then are they compiled for the instructions of `simd`.
pub trait Kernel {
    /// The result.
    type Output;

    /// The computation, with operations on these registers.
    fn run(self, simd: impl Simd) -> Self::Output;
}

/// Runs a kernel in the widest registers that the processor has.
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = pulp::x86::V3::try_new() {
        return avx2.vectorize(avx2::Avx2(avx2, kernel));
    }
    kernel.run(Baseline)
}

/// The registers that every processor of the target architecture has.
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

#[cfg(test)]
mod tests {
    use proptest::array::uniform4;
    use proptest::prelude::*;

    use super::*;

    /// The results of all operations, one after the other.
    struct AllOperations {
        a: [f64; SIMD_WIDTH],
        b: [f64; SIMD_WIDTH],
    }

    impl AllOperations {
        /// The same, one double at a time.
        fn scalar(&self) -> [[f64; SIMD_WIDTH]; 6] {
            let operations: [fn(f64, f64) -> f64; 6] = [
                |a, b| a + b,
                |a, b| a - b,
                |a, b| a * b,
                |a, b| if a < b { a } else { b },
                |a, b| if a > b { a } else { b },
                |a, _| a,
            ];
            operations
                .map(|operation| std::array::from_fn(|lane| operation(self.a[lane], self.b[lane])))
        }
    }

    impl Kernel for &AllOperations {
        type Output = [[f64; SIMD_WIDTH]; 6];

        #[inline(always)]
        fn run(self, simd: impl Simd) -> Self::Output {
            let (a, b) = (simd.load(self.a), simd.load(self.b));
            let vectors = [
                simd.add(a, b),
                simd.subtract(a, b),
                simd.multiply(a, b),
                simd.min(a, b),
                simd.max(a, b),
                a,
            ];
            vectors.map(|vector| simd.store(vector))
        }
    }

    fn bits(results: [[f64; SIMD_WIDTH]; 6]) -> [[u64; SIMD_WIDTH]; 6] {
        results.map(|lanes| lanes.map(f64::to_bits))
    }

    proptest! {
        #[test]
        fn operations_have_the_bits_of_their_scalar_twins_in_all_registers(
            a in uniform4(-1e200..1e200_f64),
            b in uniform4(-1e-3..1e3_f64),
        ) {
            for (a, b) in [(a, b), (b, a), (a, a)] {
                let operations = AllOperations { a, b };
                let scalar = bits(operations.scalar());
                prop_assert_eq!(bits(dispatch(&operations)), scalar);
                prop_assert_eq!(bits((&operations).run(Baseline)), scalar);
            }
        }

        #[test]
        fn a_splat_has_one_value_in_all_lanes(value in -1e200..1e200_f64) {
            prop_assert_eq!(Baseline.store(Baseline.splat(value)), [value; SIMD_WIDTH]);
        }
    }
}
