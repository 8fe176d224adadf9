//! The value of `--unit`: how moves of a series are measured.

use foretell_core::series::Unit;

/// Reads a unit: `price` (moves are logarithms, prices are positive) or `value` (moves are differences).
pub fn parse_unit(text: &str) -> Result<Unit, String> {
    match text {
        "price" | "log_price" => Ok(Unit::LogPrice),
        "value" => Ok(Unit::Value),
        _ => Err("expected price (moves are logarithms) or value (moves are differences)".into()),
    }
}

/// The name by which [`parse_unit`] reads it.
pub const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::LogPrice => "price",
        Unit::Value => "value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_by_name() {
        assert_eq!(parse_unit("price"), Ok(Unit::LogPrice));
        assert_eq!(parse_unit("value"), Ok(Unit::Value));
        for unit in [Unit::LogPrice, Unit::Value] {
            assert_eq!(parse_unit(unit_name(unit)), Ok(unit));
        }
        assert!(parse_unit("bps").unwrap_err().contains("price"));
    }
}
