//! Outliers and probation: a venue that was far from the others stays excluded until it has been near them for long
//! enough.

use std::collections::BTreeMap;

use super::median::median;
use crate::rules::MinuteRules;

/// How far each venue's price is from the plain median of all, as a share of it.
pub fn deviations<'a>(prices: &BTreeMap<&'a str, f64>) -> BTreeMap<&'a str, f64> {
    let Some(middle) = median(prices.values().copied()) else {
        return BTreeMap::new();
    };
    let deviation = |price: &f64| (price - middle).abs() / middle;
    prices
        .iter()
        .map(|(venue, price)| (*venue, deviation(price)))
        .collect()
}

/// Whether a venue is still excluded after minutes with these deviations, oldest first (`None`: it had no price): it
/// was beyond the limit, and hasn't since been near the others for enough minutes in a row.
pub fn is_on_probation(
    deviations: impl IntoIterator<Item = Option<f64>>,
    rules: &MinuteRules,
) -> bool {
    let mut excluded = false;
    let mut near_in_a_row = 0;
    for deviation in deviations {
        match deviation {
            Some(deviation) if deviation > rules.exclude_beyond => {
                excluded = true;
                near_in_a_row = 0;
            }
            Some(deviation) if deviation <= rules.readmit_within => near_in_a_row += 1,
            _ => near_in_a_row = 0,
        }
        if near_in_a_row >= rules.readmit_after {
            excluded = false;
        }
    }
    excluded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;

    const FAR: Option<f64> = Some(0.021);
    const MIDDLING: Option<f64> = Some(0.015);
    const NEAR: Option<f64> = Some(0.01);

    fn excluded(deviations: &[Option<f64>]) -> bool {
        let rules = RulesVersion::V1.rules().minute;
        is_on_probation(deviations.iter().copied(), &rules)
    }

    #[test]
    fn a_venue_comes_back_after_three_minutes_near_the_others() {
        assert!(!excluded(&[]));
        assert!(excluded(&[FAR]));
        assert!(excluded(&[FAR, NEAR, NEAR]));
        assert!(!excluded(&[FAR, NEAR, NEAR, NEAR]));
        assert!(!excluded(&[FAR, NEAR, NEAR, NEAR, MIDDLING]));
    }

    #[test]
    fn the_three_minutes_are_consecutive() {
        assert!(excluded(&[FAR, NEAR, NEAR, MIDDLING, NEAR]));
        assert!(excluded(&[FAR, NEAR, NEAR, None, NEAR]));
        assert!(excluded(&[FAR, NEAR, NEAR, FAR, NEAR, NEAR]));
    }

    #[test]
    fn three_minutes_from_before_do_not_count() {
        assert!(excluded(&[NEAR, NEAR, NEAR, FAR]));
        assert!(excluded(&[NEAR, NEAR, FAR, NEAR]));
    }

    #[test]
    fn two_percent_itself_is_not_excluded() {
        assert!(!excluded(&[Some(0.02)]));
        assert!(!excluded(&[MIDDLING, None, MIDDLING]));
    }

    #[test]
    fn deviations_are_from_the_plain_median() {
        let prices = BTreeMap::from([("a", 98.0), ("b", 100.0), ("c", 103.0)]);
        let off = deviations(&prices);
        assert_eq!(off["b"], 0.0);
        assert!((off["a"] - 0.02).abs() < 1e-15 && (off["c"] - 0.03).abs() < 1e-15);
        assert!(deviations(&BTreeMap::new()).is_empty());
    }
}
