//! Names of the folders and files of a recording.

/// The folder of the attempts to settle.
pub const SETTLEMENT_FOLDER: &str = "settlement";
/// What a recording's files end with.
pub(super) const FILE_SUFFIX: &str = ".jsonl.zst";
