//! What a price file holds, before it is known to be a series.

use foretell_core::bar::Bar;
use foretell_core::series::Unit;

use crate::file_position::RowPosition;

/// The bars of a file, in the file's order, each cell checked.
#[derive(Debug, PartialEq)]
pub(crate) struct PriceRows {
    pub(crate) bars: Vec<Bar>,
    pub(crate) positions: RowPositions,
    /// What the columns say it is.
    pub(crate) unit: Unit,
}

/// Where each row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowPositions {
    /// One after the other, from row 1 on.
    Rows,
    /// On these lines.
    Lines(Vec<u64>),
}

impl RowPositions {
    /// The place of a row, counted from 0.
    pub(crate) fn get(&self, row: usize) -> RowPosition {
        match self {
            Self::Rows => RowPosition::Row(row + 1),
            Self::Lines(lines) => {
                let line = lines.get(row).copied();
                line.map_or(RowPosition::Row(row + 1), RowPosition::Line)
            }
        }
    }
}
