//! The page's entry.

#[cfg(target_arch = "wasm32")]
fn main() {
    b4::mount();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("B4 runs in a browser: cargo xtask run");
}
