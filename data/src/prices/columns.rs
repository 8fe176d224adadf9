//! Which columns of a price file hold what: found by name, in any order, among any others.

use std::path::Path;

use foretell_core::series::Unit;

use super::error::PriceFileError;
use crate::excerpt::name_list;

/// The column of a bar's open time.
pub(crate) const OPEN_TIME: &str = "open_time_ms";
/// The columns of a bar's numbers, in the order of [`PriceColumns::Bars`].
pub(crate) const BAR: [&str; 5] = ["open", "high", "low", "close", "volume"];
/// The last of them, the only one that may be unknown.
pub(crate) const VOLUME: &str = "volume";
/// The only other column of a series without trades.
pub(crate) const VALUE: &str = "value";

/// Where the columns of a file are, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PriceColumns {
    /// `open_time_ms,open,high,low,close,volume`.
    Bars {
        open_time: usize,
        /// In the order of [`BAR`].
        numbers: [usize; 5],
    },
    /// `open_time_ms,value`.
    Values { open_time: usize, value: usize },
}

impl PriceColumns {
    /// The columns of a file whose columns have these names; bars win over values where a file has both.
    pub(crate) fn find(file: &Path, names: &[&str]) -> Result<Self, PriceFileError> {
        let position = |column: &'static str| {
            let mut positions = (0..).zip(names).filter(|(_, name)| **name == column);
            match (positions.next(), positions.next()) {
                (_, Some(_)) => Err(PriceFileError::DuplicateColumn {
                    file: file.to_owned(),
                    column: column.to_owned(),
                }),
                (position, None) => Ok(position.map(|(i, _): (usize, _)| i)),
            }
        };
        let [open, high, low, close, volume] = BAR.map(position);
        let positions = (
            position(OPEN_TIME)?,
            [open?, high?, low?, close?, volume?],
            position(VALUE)?,
        );
        match positions {
            (Some(open_time), [Some(o), Some(h), Some(l), Some(c), Some(v)], _) => Ok(Self::Bars {
                open_time,
                numbers: [o, h, l, c, v],
            }),
            (Some(open_time), _, Some(value)) => Ok(Self::Values { open_time, value }),
            _ if matches!(names, [name] if name.contains([';', '\t'])) => {
                Err(PriceFileError::Separator {
                    file: file.to_owned(),
                })
            }
            (_, _, value) => Err(PriceFileError::MissingColumns {
                file: file.to_owned(),
                missing: missing(names, value.is_some()),
                found: name_list(names.iter().copied()),
            }),
        }
    }
}

impl PriceColumns {
    /// The unit of such a file where nobody names another: bars are of prices.
    pub(crate) const fn unit(self) -> Unit {
        match self {
            Self::Bars { .. } => Unit::LogPrice,
            Self::Values { .. } => Unit::Value,
        }
    }
}

/// The columns that `names` lacks: of the form with values if it has values, of bars otherwise.
fn missing(names: &[&str], has_value: bool) -> Vec<&'static str> {
    let numbers: &[&'static str] = if has_value { &[VALUE] } else { &BAR };
    [OPEN_TIME]
        .iter()
        .chain(numbers)
        .copied()
        .filter(|column| !names.contains(column))
        .collect()
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::assert_contains_all;

    use super::*;

    fn find(names: &[&str]) -> Result<PriceColumns, String> {
        PriceColumns::find(Path::new("p.csv"), names).map_err(|e| e.to_string())
    }

    #[test]
    fn order_is_free_and_others_are_ignored() {
        let names = [
            "volume",
            "trades",
            "close",
            "low",
            "high",
            "open",
            "open_time_ms",
        ];
        let expected = PriceColumns::Bars {
            open_time: 6,
            numbers: [5, 4, 3, 2, 0],
        };
        assert_eq!(find(&names), Ok(expected));
        assert_eq!(
            find(&["value", "open_time_ms", "open"]),
            Ok(PriceColumns::Values {
                open_time: 1,
                value: 0
            })
        );
    }

    #[test]
    fn missing_columns_are_listed_beside_those_found() {
        assert_contains_all(
            &find(&["open_time_ms", "open", "high", "Close"]).unwrap_err(),
            &[
                "p.csv",
                "no column low, close, volume",
                "found: open_time_ms, open, high, Close",
                "must name open_time_ms,open",
            ],
        );
        let message = find(&["time", "value"]).unwrap_err();
        assert_contains_all(&message, &["no column open_time_ms ("]);
    }

    #[test]
    fn a_name_taken_twice_is_ambiguous() {
        assert_contains_all(
            &find(&["open_time_ms", "value", "value"]).unwrap_err(),
            &["p.csv: two columns are named value; rename or remove one"],
        );
    }
}
