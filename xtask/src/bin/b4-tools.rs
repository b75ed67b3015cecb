//! The command line of `wasm-bindgen` and its test runner, under the names by which Trunk and cargo call them.
//!
//! One program under two names (rustc refuses to build a binary named `wasm-bindgen`): `xtask` copies it into `target/tools`.
//! Deliberately absent: anything of our own. It is built only with the feature `tools`.

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args_os().collect();
    let called_as = arguments.first().and_then(|path| Path::new(path).file_stem()?.to_str()).unwrap_or_default();
    match called_as {
        "wasm-bindgen" => wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(arguments),
        "wasm-bindgen-test-runner" => wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(arguments),
        other => anyhow::bail!("called as `{other}`: call it as `wasm-bindgen` or `wasm-bindgen-test-runner`"),
    }
}
