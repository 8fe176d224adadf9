//! The USDT/USD rate, minute by minute. It is never assumed to be 1.

use super::median::median;
use super::minute_inputs::UsdtMarketCloses;
use crate::price::Price;
use crate::rules::MinuteRules;

/// The USDT/USD rate of the minute `ago` minutes before the inputs' own: the median of the markets' newest closes, if
/// enough are fresh, possible and agree.
///
/// A rate must be possible: else a few exchanges whose prices are all off by one factor would put every USDT-quoted
/// venue off by it.
pub fn usdt_usd_rate(markets: &[UsdtMarketCloses], ago: usize, rules: &MinuteRules) -> Option<f64> {
    let fresh: Vec<f64> = markets
        .iter()
        .filter_map(|market| newest_close(market, ago, rules.usdt_rate_max_age))
        .filter(|rate| is_plausible(*rate, rules))
        .collect();
    let middle = median(fresh.iter().copied())?;
    let agreeing: Vec<f64> = fresh
        .into_iter()
        .filter(|rate| (rate - middle).abs() <= rules.usdt_rate_band * middle)
        .collect();
    if agreeing.len() < rules.usdt_rate_quorum {
        return None;
    }
    median(agreeing)
}

/// Whether a USDT can be worth so many dollars.
pub fn is_plausible(rate: f64, rules: &MinuteRules) -> bool {
    (rules.usdt_rate_min..=rules.usdt_rate_max).contains(&rate)
}

/// The newest close that is at most `max_age` minutes old.
fn newest_close(market: &UsdtMarketCloses, ago: usize, max_age: usize) -> Option<f64> {
    let window = market.closes.iter().skip(ago).take(max_age + 1);
    window.flatten().next().map(|price: &Price| price.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RulesVersion;

    /// Closes of a market by minutes ago.
    fn market(closes: &[(usize, f64)]) -> UsdtMarketCloses {
        let mut all = vec![None; 41];
        for (ago, close) in closes {
            all[*ago] = Price::new(*close).ok();
        }
        UsdtMarketCloses {
            market: "any".into(),
            closes: all,
        }
    }

    fn rate_of(markets: &[UsdtMarketCloses], ago: usize) -> Option<f64> {
        usdt_usd_rate(markets, ago, &RulesVersion::V1.rules().minute)
    }

    #[test]
    fn it_is_the_median_of_those_that_agree() {
        let markets = [0.9990, 0.9994, 0.9996].map(|close| market(&[(0, close)]));
        assert_eq!(rate_of(&markets, 0), Some(0.9994));
        // 0.97 is more than 0.5 % off the median of all three and leaves.
        let markets = [0.9990, 0.9994, 0.97].map(|close| market(&[(0, close)]));
        assert_eq!(rate_of(&markets, 0), Some(0.9992));
    }

    #[test]
    fn one_rate_is_none() {
        assert_eq!(rate_of(&[market(&[(0, 0.9995)])], 0), None);
        assert_eq!(rate_of(&[], 0), None);
        // Two that disagree are both off their median.
        let markets = [market(&[(0, 0.9995)]), market(&[(0, 0.98)])];
        assert_eq!(rate_of(&markets, 0), None);
    }

    #[test]
    fn a_rate_that_cannot_be_is_none() {
        let scaled = [0.009_996, 0.009_994, 0.9995].map(|close| market(&[(0, close)]));
        assert_eq!(rate_of(&scaled, 0), None);
        let scaled = [99.96, 0.9994, 0.9995].map(|close| market(&[(0, close)]));
        assert_eq!(rate_of(&scaled, 0), Some(0.99945));
        // An impossible newest close isn't replaced by an older one of its market.
        let scaled = [market(&[(0, 0.0099), (1, 0.99)]), market(&[(0, 0.99)])];
        assert_eq!(rate_of(&scaled, 0), None);
        let edges = [0.9, 0.9001, 1.1001].map(|close| market(&[(0, close)]));
        assert_eq!(rate_of(&edges, 0), Some(0.90005));
    }

    #[test]
    fn a_close_counts_for_ten_minutes() {
        let markets = [market(&[(10, 0.9990)]), market(&[(10, 0.9992), (12, 0.5)])];
        assert_eq!(rate_of(&markets, 0), Some(0.9991));
        let markets = [market(&[(10, 0.9990)]), market(&[(11, 0.9992)])];
        assert_eq!(rate_of(&markets, 0), None);
    }

    #[test]
    fn an_earlier_minute_sees_no_later_close() {
        let markets = [
            market(&[(0, 0.95), (5, 0.9990)]),
            market(&[(3, 0.95), (6, 0.9992)]),
        ];
        assert_eq!(rate_of(&markets, 5), Some(0.9991));
    }
}
