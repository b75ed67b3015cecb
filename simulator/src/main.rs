//! The program of the simulator: `cargo run --release -p b4-simulator -- --help`. Nothing is measured here.

mod cli;

use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
