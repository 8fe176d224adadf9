//! Which columns of a forecasts file in CSV hold what.

use super::error::{CSV_COLUMNS, ForecastFileFault};
use crate::excerpt::name_list;

/// Where the columns are, counted from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CsvColumns {
    pub(super) origin: usize,
    pub(super) miner: usize,
    pub(super) step: usize,
    pub(super) owner: Option<usize>,
    /// Those of v1 to vK, in this order.
    pub(super) values: Vec<usize>,
}

impl CsvColumns {
    /// The columns of a file whose columns have these names, in any order among any others.
    pub(super) fn find(names: &[&str]) -> Result<Self, ForecastFileFault> {
        let mut sorted = names.to_vec();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ForecastFileFault::DuplicateColumn(pair[0].to_owned()));
        }
        let position = |column: &str| names.iter().position(|name| *name == column);
        let values = value_columns(names)?;
        let found = (position("origin_ms"), position("miner"), position("step"));
        match found {
            (Some(origin), Some(miner), Some(step)) if !values.is_empty() => Ok(Self {
                origin,
                miner,
                step,
                owner: position("owner"),
                values,
            }),
            _ if matches!(names, [name] if name.contains([';', '\t'])) => {
                Err(ForecastFileFault::Separator)
            }
            _ => {
                let needed = ["origin_ms", "miner", "step", "v1"].into_iter();
                let missing = needed.filter(|column| position(column).is_none());
                Err(ForecastFileFault::MissingColumns {
                    missing: missing.map(str::to_owned).collect(),
                    found: name_list(names.iter().copied()),
                    expected: CSV_COLUMNS,
                })
            }
        }
    }
}

/// Where v1 to vK are. A column that counts otherwise (v0, v01, v5 without v4) would change which quantile is which.
fn value_columns(names: &[&str]) -> Result<Vec<usize>, ForecastFileFault> {
    // A name with a number, and its place.
    let mut numbered: Vec<(&str, usize)> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let digits = name.strip_prefix(['v', 'V']).unwrap_or_default();
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            numbered.push((name, place));
        }
    }
    let mut places = vec![None; numbered.len()];
    for (name, place) in &numbered {
        let number = name
            .strip_prefix('v')
            .filter(|digits| !digits.starts_with('0'));
        let number: Option<usize> = number.and_then(|digits| digits.parse().ok());
        match number.and_then(|number| places.get_mut(number - 1)) {
            Some(free) => *free = Some(*place),
            None => {
                return Err(ForecastFileFault::ValueColumns {
                    found: (*name).to_owned(),
                    columns: numbered.len(),
                });
            }
        }
    }
    Ok(places.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(values: &[&str]) -> Result<Vec<usize>, String> {
        let names = [&["origin_ms", "miner", "step"], values].concat();
        CsvColumns::find(&names)
            .map(|columns| columns.values)
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn values_are_v1_to_vk_wherever_they_stand() {
        assert_eq!(find(&["v1", "v2", "v3"]), Ok(vec![3, 4, 5]));
        assert_eq!(find(&["v2", "volume", "v", "v1", "v1b"]), Ok(vec![6, 3]));
        let columns = CsvColumns::find(&["v1", "owner", "step", "miner", "origin_ms"]).unwrap();
        assert_eq!((columns.origin, columns.owner), (4, Some(1)));
        assert_eq!(columns.values, [0]);
    }

    #[test]
    fn a_column_that_counts_otherwise_is_refused() {
        for (columns, found) in [
            (&["v0", "v1", "v2"][..], "v0"),
            (&["v1", "v3"], "v3"),
            (&["v2", "v3", "v4"], "v4"),
            (&["v1", "v02"], "v02"),
            (&["v1", "V2"], "V2"),
            (
                &["v1", "v99999999999999999999999"],
                "v99999999999999999999999",
            ),
            (&["v01"], "v01"),
        ] {
            let message = find(columns).unwrap_err();
            assert!(
                message.contains(&format!("column {found} ")),
                "{columns:?}: {message}"
            );
            assert!(message.contains("v1 to vK without a hole"), "{message}");
        }
    }
}
