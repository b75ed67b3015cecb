//! AES-256-GCM as the core has it, of a crate compiled to WebAssembly, and as the browser does: byte for byte the same, and from which size on
//! which one is faster. `cargo xtask bench ciphers` shows the times of the module as it is built for the page.
#![cfg(target_arch = "wasm32")]

use b4_protocol::mailbox::{BlobKey, BlobSeal};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{CryptoKey, SubtleCrypto};

wasm_bindgen_test_configure!(run_in_browser);

/// Bytes that are sealed in one go, from the shortest text to a block.
const SIZES: [usize; 8] = [64, 256, 1_024, 2_048, 4_096, 16_384, 32_768, 65_536];
/// Bytes that are sealed of each size, so that the clock's grain does not count.
const BYTES: usize = 4 * 1024 * 1024;
const TIMES_MAX: usize = 1_000;

fn subtle() -> SubtleCrypto {
    web_sys::window().expect("a page").crypto().expect("it is there").subtle()
}

async fn settled(promise: js_sys::Promise) -> JsValue {
    JsFuture::from(promise).await.expect("the browser does it")
}

fn algorithm(entries: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in entries {
        Reflect::set(&object, &(*name).into(), value).expect("a plain object");
    }
    object
}

async fn imported(seal: &BlobSeal) -> CryptoKey {
    let key = Uint8Array::from(seal.key.0.as_slice());
    let method = algorithm(&[("name", "AES-GCM".into())]);
    let usages = Array::of1(&"encrypt".into());
    settled(subtle().import_key_with_object("raw", &key, &method, false, &usages).expect("a key")).await.unchecked_into()
}

async fn by_the_browser(seal: &BlobSeal, key: &CryptoKey, bytes: &Uint8Array) -> JsValue {
    let mut nonce = [0; 12];
    nonce[8..].copy_from_slice(&seal.number.to_be_bytes());
    let (nonce, head) = (Uint8Array::from(nonce.as_slice()), Uint8Array::from(seal.head.as_slice()));
    let method = algorithm(&[("name", "AES-GCM".into()), ("iv", nonce.into()), ("additionalData", head.into())]);
    settled(subtle().encrypt_with_object_and_buffer_source(&method, key, bytes).expect("it begins")).await
}

#[wasm_bindgen_test]
async fn both_seal_the_same_and_the_faster_of_the_two_is_known_for_each_size() {
    let seal = BlobKey::new([7; 32]).block_seal(3, 480_000);
    let key = imported(&seal).await;
    let now = || web_sys::window().expect("a page").performance().expect("a clock").now();
    for size in SIZES {
        let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
        let given = Uint8Array::from(bytes.as_slice());
        let sealed = Uint8Array::new(&by_the_browser(&seal, &key, &given).await).to_vec();
        assert!(seal.seal(&bytes)[seal.head.len()..] == sealed, "{size}");
        let times = (BYTES / size).min(TIMES_MAX);
        let begun = now();
        for _ in 0..times {
            std::hint::black_box(seal.seal(std::hint::black_box(&bytes)));
        }
        let by_crate = (now() - begun) * 1_000.0 / times as f64;
        let begun = now();
        for _ in 0..times {
            by_the_browser(&seal, &key, &given).await;
        }
        let by_browser = (now() - begun) * 1_000.0 / times as f64;
        console_log!("{size} B: crate {by_crate:.0} µs, WebCrypto {by_browser:.0} µs");
    }
}
