//! Values of flags that several commands share.

use foretell_core::forecast::ForecastKind;

/// Steps of a forecast, H: 1 to 1000.
pub(super) fn parse_horizon(text: &str) -> Result<usize, String> {
    parse_up_to_1000(text, "steps")
}

/// Quantiles per step, K: 1 to 1000.
pub(super) fn parse_k(text: &str) -> Result<usize, String> {
    parse_up_to_1000(text, "quantiles")
}

/// The form of forecasts, by name.
pub(super) fn parse_kind(text: &str) -> Result<ForecastKind, String> {
    match text {
        "quantiles" => Ok(ForecastKind::Quantiles),
        "paths" => Ok(ForecastKind::Paths),
        _ => Err("expected quantiles or paths".into()),
    }
}

fn parse_up_to_1000(text: &str, what: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=1000).contains(n));
    number.ok_or_else(|| format!("expected 1 to 1000 {what}"))
}
