//! Chance that depends on what it is for, not on when it is asked: any order and any thread sees the same.

/// A standard normal number for a seed, a stream and an index (Box & Muller 1958).
pub fn normal(seed: u64, stream: u64, index: u64) -> f64 {
    let (a, b) = (
        uniform(seed, stream, 2 * index),
        uniform(seed, stream, 2 * index + 1),
    );
    libm::sqrt(-2.0 * libm::log(a)) * libm::cos(2.0 * std::f64::consts::PI * b)
}

/// A number in (0, 1): SplitMix64's finaliser (Steele, Lea & Flood 2014) over the three.
pub fn uniform(seed: u64, stream: u64, index: u64) -> f64 {
    let mixed = splitmix64(splitmix64(splitmix64(seed) ^ stream) ^ index);
    ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

const fn splitmix64(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
