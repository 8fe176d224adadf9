//! JSON in the plain form in which venues write it: no spaces, no escapes, few levels. Read in one pass, everything
//! borrowed. Nearly every frame is plain, and reading one as such takes less than half of `serde_json`'s time; texts
//! that aren't plain, or aren't what is expected, are read by `serde_json`, or rejected with its message.
//!
//! ```text
//! frame ──▶ json_fast::read ── Some ──▶ value
//!               └─ None ──▶ serde_json ──▶ value or error
//! ```

mod deserializer;
mod parser;

#[cfg(test)]
mod tests;

use serde::Deserialize;

use parser::FastParser;

/// `text` as a `T`: what `serde_json` would read, or `None`.
#[inline]
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let mut parser = FastParser::new(text);
    let value = T::deserialize(&mut parser).ok()?;
    parser.is_at_end().then_some(value)
}
