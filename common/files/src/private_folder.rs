//! Folders for what is nobody else's business: keys, forecasts before their time, journals.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Owner's access alone.
const PRIVATE_MODE: u32 = 0o700;
/// The bits by which a group or everybody may read, write or enter.
const OTHERS: u32 = 0o077;
/// In such a folder everybody may have files, and remove only their own.
const STICKY: u32 = 0o1000;

/// Makes a folder, and those above it that are missing, with mode 700 whatever the process's umask; durable on return. Folders
/// that are there stay as they are.
///
/// # Errors
/// What the system says; [`io::ErrorKind::NotADirectory`] if something else is in its place.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let parent = match folder.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    };
    create_private_folder(parent)?;
    match DirBuilder::new().mode(PRIVATE_MODE).create(folder) {
        // Another process made it a moment ago, or a link that leads nowhere is there.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::metadata(folder)?.is_dir() {
                return Ok(());
            }
            return Err(io::ErrorKind::NotADirectory.into());
        }
        created => created?,
    }
    fs::set_permissions(folder, Permissions::from_mode(PRIVATE_MODE))?;
    File::open(parent)?.sync_all()
}

/// Takes a folder from everybody but its owner, if others may enter it; says whether they could. A folder that is for many
/// users, such as /tmp, has the sticky bit, and stays as it is.
///
/// # Errors
/// What the system says: the folder isn't there, or is another user's.
pub fn close_to_others(folder: &Path) -> io::Result<bool> {
    let mode = fs::metadata(folder)?.permissions().mode();
    let open = mode & OTHERS != 0 && mode & STICKY == 0;
    if open {
        fs::set_permissions(folder, Permissions::from_mode(mode & 0o7777 & !OTHERS))?;
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn each_folder_that_was_missing_is_private_and_others_stay_as_they_are() {
        let home = tempfile::tempdir().unwrap();
        let shared = home.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(0o755)).unwrap();
        let deep = shared.join("wallets/mine/hotkeys");
        create_private_folder(&deep).unwrap();
        create_private_folder(&deep).unwrap();
        assert_eq!(mode(&shared), 0o755);
        for folder in ["wallets", "wallets/mine", "wallets/mine/hotkeys"] {
            assert_eq!(mode(&shared.join(folder)), 0o700, "{folder}");
        }
        assert!(close_to_others(&shared).unwrap());
        assert_eq!(mode(&shared), 0o700);
        assert!(!close_to_others(&shared).unwrap());
        fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
        assert!(!close_to_others(&shared).unwrap());
        assert_eq!(mode(&shared), 0o777);
    }

    #[test]
    fn a_file_in_its_place_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "kept").unwrap();
        let kind = |path: &Path| create_private_folder(path).unwrap_err().kind();
        assert_eq!(kind(&file), io::ErrorKind::NotADirectory);
        assert_eq!(kind(&file.join("folder")), io::ErrorKind::NotADirectory);
        let nowhere = home.path().join("link");
        std::os::unix::fs::symlink(home.path().join("nowhere"), &nowhere).unwrap();
        assert!(create_private_folder(&nowhere).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"kept");
    }
}
