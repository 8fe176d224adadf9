//! The plain median and the weighted one.

/// Cumulative weights this close to a half are a half: weights add up with rounding.
const HALF_TOLERANCE: f64 = 1e-12;

/// The middle value, or the mean of the two in the middle; `None` without values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.len() / 2;
    let high = *sorted.get(upper)?;
    Some(if sorted.len() % 2 == 1 {
        high
    } else {
        mean(sorted[upper - 1], high)
    })
}

/// The first price at which the cumulative weight passes a half; where it is exactly a half, the mean of that price and
/// the next. Items are (price, weight), weights sum to 1; `None` without items.
pub fn weighted_median(items: &[(f64, f64)]) -> Option<f64> {
    let mut sorted = items.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut cumulative = 0.0;
    let mut rest = sorted.iter().peekable();
    while let Some((price, weight)) = rest.next() {
        cumulative += weight;
        if cumulative > 0.5 + HALF_TOLERANCE {
            return Some(*price);
        }
        if cumulative >= 0.5 - HALF_TOLERANCE {
            return Some(rest.peek().map_or(*price, |(next, _)| mean(*price, *next)));
        }
    }
    sorted.last().map(|(price, _)| *price)
}

fn mean(a: f64, b: f64) -> f64 {
    a + (b - a) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([7.0]), Some(7.0));
        assert_eq!(median([]), None);
    }

    #[test]
    fn the_weighted_median_is_where_half_of_the_weight_is_passed() {
        assert_eq!(
            weighted_median(&[(3.0, 0.2), (1.0, 0.45), (2.0, 0.35)]),
            Some(2.0)
        );
        assert_eq!(weighted_median(&[(1.0, 0.51), (2.0, 0.49)]), Some(1.0));
        assert_eq!(weighted_median(&[]), None);
    }

    #[test]
    fn at_exactly_half_it_is_the_mean_of_the_two_neighbours() {
        assert_eq!(weighted_median(&[(1.0, 0.5), (2.0, 0.5)]), Some(1.5));
        assert_eq!(
            weighted_median(&[(4.0, 0.3), (1.0, 0.2), (2.0, 0.3), (9.0, 0.2)]),
            Some(3.0)
        );
        // 0.1 + 0.2 + 0.2 is not 0.5 in doubles, nor are ten tenths' first five.
        let tenths: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i), 0.1)).collect();
        assert_eq!(weighted_median(&tenths), Some(4.5));
    }

    #[test]
    fn equal_prices_add_their_weights() {
        let tied = [(2.0, 0.2), (2.0, 0.3), (1.0, 0.25), (3.0, 0.25)];
        assert_eq!(weighted_median(&tied), Some(2.0));
        assert_eq!(weighted_median(&[(2.0, 0.5), (2.0, 0.5)]), Some(2.0));
    }
}
