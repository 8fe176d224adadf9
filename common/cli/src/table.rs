//! Tables of numbers on a terminal, and the leaderboard as one.

use comfy_table::{Cell, CellAlignment, Table, presets};
use foretell_evaluation::leaderboard::LeaderboardRow;

/// The leaderboard; an undefined number is a dash.
pub fn leaderboard(rows: &[LeaderboardRow]) -> Table {
    let mut table = new_table(&[
        "#",
        "miner",
        "weight",
        "advantage",
        "± se",
        "skill",
        "score",
        "CRPS bps",
        "RMSE bps",
        "in 80 %",
        "rounds",
        "missed",
    ]);
    for row in rows {
        table.add_row([
            number(&row.rank),
            Cell::new(&row.miner),
            percent(row.weight, 1),
            decimal(row.advantage, 4),
            decimal(row.advantage_se, 4),
            percent(row.skill, 2),
            decimal(row.score, 4),
            decimal(row.crps_bps, 2),
            decimal(row.rmse_bps, 2),
            percent(row.coverage_80, 1),
            number(&row.rounds),
            number(&row.missed),
        ]);
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
    right_aligned(value.map_or_else(|| "–".into(), |v| format!("{v:.places$}")))
}

/// A cell of a share (0 to 1) in percent, with so many decimals; a dash if it is undefined.
pub fn percent(value: Option<f64>, places: usize) -> Cell {
    right_aligned(value.map_or_else(|| "–".into(), |v| format!("{:.places$} %", 100.0 * v)))
}
