//! Replacing a file whole: a reader, and a start after a crash, find the old contents or the new, never a part.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use serde::Serialize;
use tempfile::NamedTempFile;

/// Writes `value` as pretty JSON, and returns once that survives a power cut.
///
/// The file can be read by its owner only.
pub fn write_json_atomically(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut file = NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Replaces a file that is written often: it isn't synced, so after a power cut it may be an older one.
///
/// The contents are first written beside it, to a file with the extension `new`.
pub fn replace_file(path: &Path, contents: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    fs::write(&unfinished, contents)?;
    fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        write_json_atomically(&path, &[1, 2]).unwrap();
        write_json_atomically(&path, &[3]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"[\n  3\n]");
        replace_file(&path, b"[4]").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"[4]");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
