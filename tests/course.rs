//! The same seed takes the same course in the browser as natively: the core's arithmetic is the same on both.
#![cfg(target_arch = "wasm32")]

use b4_simulator::experiments::{COURSE, course};
use b4_simulator::overlay::Trust;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Its twin is in `simulator/tests/ring.rs`.
#[wasm_bindgen_test]
fn a_ring_takes_the_same_course_in_the_browser_as_natively() {
    assert_eq!(course(Trust::Word), COURSE);
}
