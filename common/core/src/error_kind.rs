//! What an error says of trying again.

/// Whether an error passes by itself. It is set where the error arises, by what went wrong there; nobody guesses it later from
/// a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It may be over at the next try: a connection that broke, a full disk, a limit that time lifts.
    Transient,
    /// It stays until somebody does something about it: another program, another configuration, another node.
    Permanent,
}
