//! Logarithms of ratios near 1, and the way back: bit for bit those of `libm`, in a form that compilers vectorise.
//!
//! Near 1 (and near 0 for the exponential) no power of two is taken out, so `libm`'s steps (FreeBSD's `e_log.c` and
//! `e_exp.c`) are a polynomial and a division. Prices of one day lie there; for other values `libm` itself is called.

#![allow(
    clippy::excessive_precision,
    reason = "coefficients stand as they were published"
)]

use std::ops::Range;

use crate::simd::{Kernel, Simd, dispatch};

/// Well inside [√½, √2), where nothing is taken out of a logarithm's argument.
const NEAR_ONE: Range<f64> = 0.75..1.4;
/// Well inside ½·ln 2, up to which nothing is taken out of an exponential's.
const NEAR_ZERO: f64 = 0.34;
/// Nearer to 0 than this, 2⁻²⁸·(1 + 2⁻²⁰), `libm` takes eˣ to be 1 + x.
const NEXT_TO_ZERO: f64 = f64::from_bits(0x3e30_0001_0000_0000);

/// `ln(1 + f) = 2s + s·R(s²)`, `s = f/(2 + f)`: R's coefficients at even and at odd powers of s⁴.
const LOG_EVEN: [f64; 4] = [
    6.666_666_666_666_735_13e-1,
    2.857_142_874_366_239_149e-1,
    1.818_357_216_161_805_012e-1,
    1.479_819_860_511_658_591e-1,
];
const LOG_ODD: [f64; 3] = [
    3.999_999_999_940_941_908e-1,
    2.222_219_843_214_978_396e-1,
    1.531_383_769_920_937_332e-1,
];
/// `x·(eˣ + 1)/(eˣ − 1) = 2 + P(x²)`: P's coefficients.
const EXP: [f64; 5] = [
    1.666_666_666_666_660_190_37e-1,
    -2.777_777_777_701_559_338_42e-3,
    6.613_756_321_437_934_361_17e-5,
    -1.653_390_220_546_525_153_9e-6,
    4.138_136_797_057_238_460_39e-8,
];

/// Number of values that are computed by one function together.
const CHUNK: usize = 64;

/// Natural logarithm, with the bits of `libm::log`.
#[inline]
pub fn log(x: f64) -> f64 {
    if is_near_one(x) {
        log_near_one(x)
    } else {
        libm::log(x)
    }
}

/// Replaces each value by its natural logarithm, with the bits of `libm::log`.
pub fn log_in_place(values: &mut [f64]) {
    dispatch(MapEach {
        values,
        is_near: is_near_one,
        near: log_near_one,
        any: log,
    });
}

/// Replaces each value by e to its power, with the bits of `libm::exp`.
pub fn exp_in_place(values: &mut [f64]) {
    dispatch(MapEach {
        values,
        is_near: is_near_zero,
        near: exp_near_zero,
        any: libm::exp,
    });
}

/// Replaces each value of a chunk by `near` of it where all are near, else by `any` of it.
struct MapEach<'a, I, N, A> {
    values: &'a mut [f64],
    is_near: I,
    near: N,
    any: A,
}

impl<I, N, A> Kernel for MapEach<'_, I, N, A>
where
    I: Fn(f64) -> bool,
    N: Fn(f64) -> f64,
    A: Fn(f64) -> f64,
{
    type Output = ();

    #[inline(always)]
    fn run(self, _: impl Simd) {
        for values in self.values.chunks_mut(CHUNK) {
            // Without an early end, so that the loop is vectorised.
            let mut all = true;
            for value in &*values {
                all &= (self.is_near)(*value);
            }
            if all {
                for value in values {
                    *value = (self.near)(*value);
                }
            } else {
                for value in values {
                    *value = (self.any)(*value);
                }
            }
        }
    }
}

#[expect(
    clippy::manual_range_contains,
    reason = "both ends are compared, whatever the first says: no branch"
)]
#[inline(always)]
fn is_near_one(x: f64) -> bool {
    (NEAR_ONE.start <= x) & (x < NEAR_ONE.end)
}

#[inline(always)]
fn is_near_zero(x: f64) -> bool {
    x.abs() <= NEAR_ZERO
}

#[inline(always)]
fn log_near_one(x: f64) -> f64 {
    let f = x - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let odd = w * (LOG_ODD[0] + w * (LOG_ODD[1] + w * LOG_ODD[2]));
    let even = z * (LOG_EVEN[0] + w * (LOG_EVEN[1] + w * (LOG_EVEN[2] + w * LOG_EVEN[3])));
    s * (half_square + (even + odd)) - half_square + f
}

#[inline(always)]
fn exp_near_zero(x: f64) -> f64 {
    let z = x * x;
    let c = x - z * (EXP[0] + z * (EXP[1] + z * (EXP[2] + z * (EXP[3] + z * EXP[4]))));
    let beyond_x = x * c / (2.0 - c);
    // Either way both are worked out: no branch.
    1.0 + if x.abs() < NEXT_TO_ZERO {
        x
    } else {
        beyond_x + x
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(ours: f64, theirs: f64) -> bool {
        ours.to_bits() == theirs.to_bits()
    }

    fn apply_to_one(function: impl Fn(&mut [f64]), x: f64) -> f64 {
        let mut value = [x];
        function(&mut value);
        value[0]
    }

    #[test]
    fn the_borders_and_the_ends_of_a_doubles_range_are_libms() {
        for x in [
            0.0,
            f64::MIN_POSITIVE,
            0.7,
            NEAR_ONE.start,
            1.0 - f64::EPSILON,
            1.0,
            1.0 + f64::EPSILON,
            NEAR_ONE.end,
            1.5,
            f64::MAX,
            f64::INFINITY,
        ] {
            assert!(same(log(x), libm::log(x)), "log {x}");
        }
        for x in [
            -1e3,
            -1.0,
            -NEAR_ZERO,
            -1e-9,
            -0.0,
            0.0,
            1e-300,
            1e-9,
            // Where `libm` answers 1 + x and its polynomial would be one bit off.
            2.685_215_715_395_027e-9,
            NEXT_TO_ZERO,
            NEAR_ZERO,
            0.35,
            1.0,
            1e3,
        ] {
            assert!(same(apply_to_one(exp_in_place, x), libm::exp(x)), "exp {x}");
        }
        assert!(log(-1.0).is_nan() && apply_to_one(exp_in_place, f64::NAN).is_nan());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn logarithms_are_libms_to_the_bit(near in 0.7_f64..1.45, tiny in -1e-6_f64..1e-6, any in 0.0_f64..1e9) {
            for x in [near, 1.0 + tiny, any] {
                prop_assert!(same(log(x), libm::log(x)), "{x}");
            }
        }

        #[test]
        fn exponentials_are_libms_to_the_bit(near in -0.4_f64..0.4, tiny in -1e-8_f64..1e-8, any in -1e3_f64..1e3) {
            for x in [near, tiny, any] {
                prop_assert!(same(apply_to_one(exp_in_place, x), libm::exp(x)), "{x}");
            }
        }

        #[test]
        fn many_at_once_are_as_apply_to_one(
            mut values in prop::collection::vec(prop_oneof![0.9_f64..1.1, 0.1_f64..3.0], 0..200),
        ) {
            let expected: Vec<f64> = values.iter().map(|x| libm::log(*x)).collect();
            log_in_place(&mut values);
            prop_assert!(values.iter().zip(&expected).all(|(a, b)| same(*a, *b)));
            let expected: Vec<f64> = values.iter().map(|x| libm::exp(*x)).collect();
            exp_in_place(&mut values);
            prop_assert!(values.iter().zip(&expected).all(|(a, b)| same(*a, *b)));
        }
    }
}
