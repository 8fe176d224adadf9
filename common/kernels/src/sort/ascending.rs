//! Whether a row is in order.

/// Pairs that are compared before it is asked whether they are in order.
const CHUNK: usize = 32;

/// Whether no value is below the one before it.
///
/// Each chunk is compared to its end, so that the loop is vectorised; rows out of order mostly fail in the first chunk.
#[inline(always)]
pub fn is_ascending(row: &[f64]) -> bool {
    let after = row.get(1..).unwrap_or_default();
    let mut chunks = row.chunks(CHUNK).zip(after.chunks(CHUNK));
    chunks.all(|(before, after)| {
        let pairs = before.iter().zip(after);
        pairs.fold(true, |all, (a, b)| all & (a <= b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_ascending_if_no_neighbours_are_out_of_order() {
        let mut row: Vec<f64> = (0..100).map(|i| f64::from(i / 2)).collect();
        for length in 0..100 {
            assert!(is_ascending(&row[..length]));
        }
        for place in 1..100 {
            let kept = std::mem::replace(&mut row[place], -1.0);
            assert!(!is_ascending(&row), "{place}");
            row[place] = kept;
        }
    }
}
