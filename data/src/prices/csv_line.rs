//! A bar as a line of CSV: what price files hold and what digests are taken of.

use std::fmt::Write;

use foretell_core::bar::Bar;

/// The columns of [`push_line`], as the first line of a file.
pub(super) const HEADER: &str = "open_time_ms,open,high,low,close,volume\n";

/// Appends a bar as a line of CSV, numbers in the shortest decimals that read back as the very same doubles.
pub(super) fn push_line(line: &mut String, bar: &Bar) {
    let Bar {
        open_time,
        open,
        high,
        low,
        close,
        volume,
    } = bar;
    // Writing to a string can't fail.
    let _ = write!(line, "{open_time}");
    for number in [open.get(), high.get(), low.get(), close.get(), *volume] {
        line.push(',');
        push_number(line, number);
    }
    line.push('\n');
}

/// Appends decimals as short as those of `Display`, at a fifth of its cost: every bar of a history is written for its digest.
fn push_number(line: &mut String, number: f64) {
    let mut shortest = zmij::Buffer::new();
    let text = shortest.format(number);
    if number.is_finite() && !text.contains('e') {
        line.push_str(text.strip_suffix(".0").unwrap_or(text));
    } else {
        line.push_str(&number.to_string());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_written_in_the_shortest_decimals_that_read_back(
            number in proptest::num::f64::ANY,
            cents in 0..100_000_000_u32,
        ) {
            for number in [number, f64::from(cents) / 100.0, f64::from(cents), 1.0 / f64::from(cents)] {
                let mut written = String::new();
                push_number(&mut written, number);
                // Of two that are as short and as near, `Display` may take the other: -1394736705550.1562 or …1563.
                let display = number.to_string();
                prop_assert_eq!(written.len(), display.len(), "{} {}", written, display);
                let (read, expected): (f64, f64) = (written.parse().unwrap(), display.parse().unwrap());
                prop_assert_eq!(read.to_bits(), expected.to_bits());
            }
        }
    }
}
