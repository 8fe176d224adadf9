//! Price files, and the series of bars that one holds.
//!
//! ```text
//!  .csv ─────▶ csv ──────┐ each cell checked        order, step and gaps checked
//!                        ├──────────────────▶ bars ───────────▶ grid ──────────▶ PriceSeries
//!  .parquet ─▶ parquet ──┘ columns by name
//! ```

mod columns;
mod csv;
mod csv_line;
mod error;
mod file;
mod grid;
mod parquet;
mod series;

#[cfg(test)]
mod tests;

pub use error::{BarFault, CellFault, PriceFileError, PriceSeriesError};
pub use file::{parse_csv, read, write_csv};
pub use grid::Gap;
pub use series::PriceSeries;
