//! Tables of numbers on a terminal, and the leaderboard as one.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use foretell_evaluation::leaderboard::LeaderboardRow;

/// Columns of a terminal that help and tables fit, unless all of a table is asked for.
pub const TEXT_WIDTH: usize = 80;
/// From here on a number is shown by its first digits and its exponent.
const TOO_LONG: f64 = 1e9;

/// How much of a table is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableColumns {
    /// What fits into [`TEXT_WIDTH`].
    Main,
    /// Everything, however wide.
    All,
}

impl TableColumns {
    /// By the flag `--wide`.
    pub const fn by_flag(wide: bool) -> Self {
        if wide { Self::All } else { Self::Main }
    }
}

/// The leaderboard; an undefined number is a dash.
///
/// What stands behind an advantage's ± holds its true value in 95 % of all cases.
pub fn leaderboard(rows: &[LeaderboardRow], columns: TableColumns) -> Table {
    let mut header = vec![
        "#",
        "miner",
        "weight",
        "advantage",
        "± 95 %",
        "skill",
        "answered",
    ];
    if columns == TableColumns::All {
        header.extend([
            "score",
            "CRPS bps",
            "RMSE bps",
            "MAE bps",
            "in 50 %",
            "in 80 %",
            "in 95 %",
            "direction",
            "DM t",
            "DM p",
            "in MCS",
        ]);
    }
    let mut table = new_table(&header);
    for row in rows {
        let mut cells = vec![
            number(&row.rank),
            Cell::new(&row.miner),
            percent(row.weight, 1),
            decimal(row.advantage, 4),
            decimal(row.advantage_half_width, 4),
            percent(row.skill, 2),
            answered(row),
        ];
        if columns == TableColumns::All {
            let member = row
                .in_mcs
                .map_or("–", |member| if member { "yes" } else { "no" });
            cells.extend([
                decimal(row.score, 4),
                decimal(row.crps_bps, 2),
                decimal(row.rmse_bps, 2),
                decimal(row.mae_bps, 2),
                percent(row.coverage_50, 1),
                percent(row.coverage_80, 1),
                percent(row.coverage_95, 1),
                percent(row.directional_accuracy, 1),
                decimal(row.dm_t, 2),
                decimal(row.dm_p, 3),
                right_aligned(member.to_owned()),
            ]);
        }
        table.add_row(cells);
    }
    fit(table, 1, columns)
}

/// A cell of the rounds that a forecaster answered, of those that count for it.
pub fn answered(row: &LeaderboardRow) -> Cell {
    let answered = row.rounds.saturating_sub(row.missed);
    right_aligned(format!("{answered}/{}", row.rounds))
}

/// A table that is complete, as wide as it may be: the text of the column `wrapped` takes several lines if it has to.
pub fn fit(mut table: Table, wrapped: usize, columns: TableColumns) -> Table {
    if columns == TableColumns::Main {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(TEXT_WIDTH as u16);
        for (index, column) in table.column_iter_mut().enumerate() {
            if index != wrapped {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
    table
}

/// A table with nothing but its header.
pub fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header.iter().map(Cell::new));
    table
}

/// A cell of text, aligned right.
pub fn right_aligned(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// A cell of a whole number.
pub fn number(value: &impl ToString) -> Cell {
    right_aligned(value.to_string())
}

/// A cell of a number with so many decimals; a dash if it is undefined.
pub fn decimal(value: Option<f64>, places: usize) -> Cell {
    right_aligned(value.map_or_else(|| "–".into(), |v| digits(v, places)))
}

/// A cell of a share (0 to 1) in percent, with so many decimals; a dash if it is undefined.
pub fn percent(value: Option<f64>, places: usize) -> Cell {
    right_aligned(value.map_or_else(
        || "–".into(),
        |v| format!("{} %", digits(100.0 * v, places)),
    ))
}

fn digits(value: f64, places: usize) -> String {
    if value.abs() < TOO_LONG {
        format!("{value:.places$}")
    } else {
        format!("{value:.2e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rank: usize, miner: &str, figure: impl Fn(f64) -> Option<f64>) -> LeaderboardRow {
        LeaderboardRow {
            miner: miner.into(),
            rank,
            rounds: 17_520,
            missed: 12,
            score: figure(0.5312),
            skill: figure(-12.3456),
            rmse_bps: figure(112.5),
            mae_bps: figure(81.25),
            crps_bps: figure(1e100),
            directional_accuracy: figure(0.5125),
            coverage_50: figure(0.4875),
            coverage_80: figure(0.8125),
            coverage_95: figure(0.95),
            dm_t: figure(-1.25),
            dm_p: figure(0.25),
            in_mcs: figure(1.0).map(|_| true),
            advantage: figure(-24.4687),
            advantage_se: figure(0.0625),
            advantage_half_width: figure(0.1875),
            weight: figure(1.0),
        }
    }

    fn rows() -> Vec<LeaderboardRow> {
        let hotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        vec![
            row(0, "reference", |_| None),
            row(1, "consensus", Some),
            row(2, hotkey, Some),
            row(3, "two words and more of them", Some),
        ]
    }

    fn widest(table: &Table) -> usize {
        let text = table.to_string();
        text.lines().map(|line| line.chars().count()).max().unwrap()
    }

    #[test]
    fn a_leaderboard_fits_a_terminal() {
        let table = leaderboard(&rows(), TableColumns::Main);
        assert!(widest(&table) <= TEXT_WIDTH, "{table}");
        insta::assert_snapshot!(table);
    }

    #[test]
    fn all_columns_are_as_wide_as_they_are() {
        let table = leaderboard(&rows(), TableColumns::All);
        assert!(widest(&table) > TEXT_WIDTH);
        insta::assert_snapshot!(table);
    }

    #[test]
    fn numbers_are_never_cut() {
        let mut table = new_table(&["figure", "name"]);
        table.add_row([decimal(Some(1.5e300), 2), Cell::new("n".repeat(100))]);
        let table = fit(table, 1, TableColumns::Main);
        assert!(widest(&table) <= TEXT_WIDTH, "{table}");
        assert!(table.to_string().contains("1.50e300"), "{table}");
    }
}
