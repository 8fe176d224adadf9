//! Writing a file whole: readers, and a start after a crash, find the old contents or the new, never a part of either.
//!
//! The contents go to a file of an unused name in the same folder, which then takes the place of the old one. A full disk, a
//! fault on the way, or two writers at once thus leave a whole file; only a process that is killed leaves an unfinished file
//! beside it, whose name begins with [`UNFINISHED_PREFIX`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod atomic_file;

pub use atomic_file::{
    AtomicFile, FileAccess, UNFINISHED_PREFIX, create_file, remove_unfinished, replace_file,
    write_file,
};
