//! The `miner` program.

fn main() -> std::process::ExitCode {
    foretell_miner::cli::main()
}
