//! What the system may do with a process that holds secrets.

use std::io;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Keeps this process out of core dumps, and out of the reach of other processes' debuggers.
pub fn disable() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    #[test]
    fn once_disabled_the_kernel_makes_no_dumps() {
        disable().unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
