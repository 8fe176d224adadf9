//! What the sources must be like, whatever they do: read from the files themselves.

mod crate_imports;
mod demo_build;
mod docs;
mod error_messages;
mod import_cycles;
mod public_types;
mod sources;
