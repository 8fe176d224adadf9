//! The `validator` program.

fn main() -> std::process::ExitCode {
    foretell_validator::cli::main()
}
