//! The commands of the README: run, test, bench, build, screenshots, tidy.
//!
//! `cargo xtask COMMAND` does all set-up that the command needs, says what it does while it does it, and skips what is there.

mod bench;
mod machine;
mod page;
mod process;
mod relay;
mod ring;
mod screenshots;
mod serve;
mod setup;
mod test;
mod tidy;
mod tools;
mod trunk;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use workspace::Workspace;

/// The commands of B4.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Order,
}

#[derive(Subcommand)]
enum Order {
    /// Build the app (release) and serve it on this machine
    Run(serve::Run),
    /// Pass every test, or one part
    Test {
        /// The part; all if left out
        part: Option<test::Part>,
    },
    /// Measure; results go to target/bench
    Bench {
        /// The benchmark; all if left out
        name: Option<String>,
        #[command(flatten)]
        ring: ring::Options,
        #[command(flatten)]
        files: bench::Files,
    },
    /// Long worlds: fuzz, then churn
    Sim {
        /// Minutes of fuzz of rings, and as many of people
        #[arg(long, default_value_t = 10)]
        minutes: u32,
        /// The first seed: others than last time find what was not found
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Build the page into target/page and the relay
    Build,
    /// Retake docs/screenshots
    Screenshots,
    /// Hold the house rules that a machine can hold
    Tidy,
    /// Build wasm-bindgen's command line and test runner into target/tools (`trunk serve` wants them on the PATH)
    Tools,
    /// See whether Trunk builds a page that starts
    CheckTrunk,
}

fn main() -> ExitCode {
    process::start_clock();
    match carry_out(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(order: Order) -> anyhow::Result<()> {
    let workspace = Workspace::find();
    match order {
        Order::Run(options) => serve::run(&workspace, &options),
        Order::Test { part } => test::test(&workspace, part),
        Order::Bench { name, ring, files } => bench::bench(&workspace, name.as_deref(), &ring, &files),
        Order::Sim { minutes, seed } => ring::long_worlds(&workspace, minutes, seed),
        Order::Build => {
            page::build(&workspace)?;
            relay::build(&workspace).map(drop)
        }
        Order::Screenshots => screenshots::retake(&workspace),
        Order::Tidy => tidy::tidy(&workspace),
        Order::Tools => {
            tools::install(&workspace)?;
            println!("export PATH=\"{}:$PATH\"", workspace.tools().display());
            Ok(())
        }
        Order::CheckTrunk => trunk::check(&workspace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_that_the_documents_name_is_there() {
        let root = Workspace::find().root;
        for document in ["README.md", "CONTRIBUTING.md", "docs/testing.md"] {
            let text = std::fs::read_to_string(root.join(document)).expect("it is there");
            for words in text.split("`cargo xtask ").skip(1).filter_map(|rest| rest.split(['`', '[']).next()) {
                let line = std::iter::once("xtask").chain(words.split_whitespace());
                assert!(Cli::try_parse_from(line).is_ok(), "{document}: cargo xtask {words}");
            }
        }
    }
}
