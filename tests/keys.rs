//! WebCrypto's private keys against the core's public ones, and the recovery file.
#![cfg(target_arch = "wasm32")]

use b4::platform::keys::{DeviceKeys, KeyMaterial};
use b4::platform::recovery::{RecoveryError, RecoveryFile, SealedKeys};
use b4_protocol::crypto::{KeyOp, Rng, VerifyKey, WrapKey};
use b4_protocol::identity::UserId;
use js_sys::{Function, Object, Reflect, global};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const LABEL: &str = "B4/v1/test";

#[wasm_bindgen_test]
async fn what_webcrypto_signs_the_core_verifies() {
    let (material, keys) = device().await;
    let key = VerifyKey::from_spki_der(&material.signing_spki).expect("WebCrypto's export is canonical");
    let signature = keys.sign(b"B4/v1/test of a message".to_vec()).await.expect("it signs");
    key.verify(b"B4/v1/test of a message", &signature).expect("it verifies");
    key.verify(b"B4/v1/test of a massage", &signature).expect_err("another message does not");
}

#[wasm_bindgen_test]
async fn what_the_core_wraps_webcrypto_unwraps_and_only_under_its_label() {
    let (material, keys) = device().await;
    let key = WrapKey::from_spki_der(&material.unwrapping_spki).expect("WebCrypto's export is canonical");
    let ciphertext = key.wrap(&mut Rng::from_seed([1; 32]), LABEL, b"thirty-two bytes of some secret.").expect("it is short");
    let unwrap = |label, ciphertext: &[u8]| KeyOp::Unwrap { label, ciphertext: ciphertext.to_vec() };
    let opened = keys.perform(&unwrap(LABEL, &ciphertext)).await.expect("it opens");
    assert_eq!(opened.as_slice(), b"thirty-two bytes of some secret.");
    keys.perform(&unwrap("B4/v1/other", &ciphertext)).await.expect_err("another label does not open it");
    keys.perform(&unwrap(LABEL, &ciphertext[1..])).await.expect_err("a cut one does not open");
}

#[wasm_bindgen_test]
async fn workers_of_the_page_do_the_same_and_many_at_once() {
    let made = Workers::of(include_str!("../www/keys.js"));
    let (material, keys) = device().await;
    let key = WrapKey::from_spki_der(&material.unwrapping_spki).expect("WebCrypto's export is canonical");
    let mut rng = Rng::from_seed([1; 32]);
    let ops: Vec<KeyOp> = (0..32_u8)
        .map(|number| KeyOp::Unwrap { label: LABEL, ciphertext: key.wrap(&mut rng, LABEL, &[number; 32]).expect("it is short") })
        .collect();
    let opened = futures_util::future::join_all(ops.iter().map(|op| keys.perform(op))).await;
    for (number, opened) in (0..).zip(opened) {
        assert_eq!(opened.expect("it opens").as_slice(), [number; 32]);
    }
    let signature = keys.sign(b"B4/v1/test".to_vec()).await.expect("it signs");
    let verify = VerifyKey::from_spki_der(&material.signing_spki).expect("WebCrypto's export is canonical");
    verify.verify(b"B4/v1/test", &signature).expect("it verifies");
    keys.perform(&KeyOp::Unwrap { label: "B4/v1/other", ciphertext: vec![1; 384] }).await.expect_err("refused there as here");
    assert!(made.count() >= 1, "a worker did it");
}

#[wasm_bindgen_test]
async fn where_workers_break_the_page_does_it_itself() {
    for script in ["this is no script", "onmessage = () => { throw new Error('broken'); }"] {
        let made = Workers::of(script);
        let (material, keys) = device().await;
        let key = VerifyKey::from_spki_der(&material.signing_spki).expect("WebCrypto's export is canonical");
        for _ in 0..2 {
            let signature = keys.sign(b"B4/v1/test".to_vec()).await.expect("it signs");
            key.verify(b"B4/v1/test", &signature).expect("it verifies");
        }
        assert_eq!(made.count(), 1, "and none is tried again");
    }
}

#[wasm_bindgen_test]
async fn the_device_s_keys_cannot_be_exported() {
    let (_, keys) = device().await;
    assert!(keys.export_is_refused().await);
}

#[wasm_bindgen_test]
async fn a_recovery_file_brings_the_same_keys_back() {
    let (material, _) = device().await;
    let text = file(&material).to_text();
    let read = RecoveryFile::from_bytes(text.as_bytes()).expect("it can be read");
    assert_eq!((read.user.as_str(), read.authority, read.certificate.as_slice()), ("asha", [7; 32], &[1, 2, 3][..]));
    let opened = read.keys.open(&read.user).expect("it opens");
    let keys = DeviceKeys::import(&opened).await.expect("the keys are keys");
    assert!(keys.export_is_refused().await);
    let key = VerifyKey::from_spki_der(&material.signing_spki).expect("a key");
    let signature = keys.sign(b"B4/v1/back".to_vec()).await.expect("it signs");
    key.verify(b"B4/v1/back", &signature).expect("the same key as before");
    assert_eq!(opened.unwrapping_spki, material.unwrapping_spki);
}

/// The file of the golden vectors, made from the text of PROTOCOL.md alone.
#[wasm_bindgen_test]
async fn a_recovery_file_is_what_the_protocol_says() {
    let golden = include_str!("../protocol/tests/vectors/b4-recovery-anna.json");
    let read = RecoveryFile::from_bytes(golden.as_bytes()).expect("it can be read");
    let opened = read.keys.open(&read.user).expect("it opens");
    assert_eq!(opened.signing.as_slice(), include_bytes!("../protocol/tests/keys/sign-00.der"));
    assert_eq!(opened.unwrapping.as_slice(), include_bytes!("../protocol/tests/keys/unwrap-00.der"));
    let keys = DeviceKeys::import(&opened).await.expect("the keys are keys");
    let signature = keys.sign(b"B4/v1/golden".to_vec()).await.expect("it signs");
    VerifyKey::from_spki_der(&opened.signing_spki).expect("a key").verify(b"B4/v1/golden", &signature).expect("the third part fits the first");
    assert_eq!(read.to_text().as_str(), golden, "and it is written as it was read");
    // Sealing puts the four parts in the same order: what it seals is as long and opens to the same.
    let again = SealedKeys::seal(&read.user, &opened).expect("there is randomness");
    let again = again.open(&read.user).expect("it opens");
    assert_eq!((&again.signing, &again.unwrapping_spki), (&opened.signing, &opened.unwrapping_spki));
}

#[wasm_bindgen_test]
async fn a_changed_or_foreign_file_is_told_from_a_recovery_file() {
    let (material, _) = device().await;
    let text = file(&material).to_text();
    for foreign in ["", "{}", "null", "[1]", "hello", "{\"name\": \"asha\"}"] {
        assert_eq!(refusal(foreign), Some(RecoveryError::NotARecoveryFile), "{foreign}");
    }
    assert_eq!(refusal(&text.replace("\"b4-recovery\": 1", "\"b4-recovery\": 2")), Some(RecoveryError::NotARecoveryFile));
    assert_eq!(refusal(&text.replace("\"secret\": \"", "\"secret\": \"zz")), Some(RecoveryError::Damaged));
    assert_eq!(refusal("{\"b4-recovery\": 1}"), Some(RecoveryError::Damaged));
    assert_eq!(refusal(&text[..text.len() / 2]), Some(RecoveryError::Damaged), "its end is missing");
    assert_eq!(refusal(&text.replace("asha", "asho")), Some(RecoveryError::Damaged), "another name does not open it");
    let at = text.find("\"keys\": \"").expect("the field is there") + 40;
    let mut flipped = text.to_string();
    let other = if &flipped[at..=at] == "0" { "1" } else { "0" };
    flipped.replace_range(at..=at, other);
    assert_eq!(refusal(&flipped), Some(RecoveryError::Damaged));
    assert_eq!(refusal(&text), None);
}

fn refusal(text: &str) -> Option<RecoveryError> {
    match RecoveryFile::from_bytes(text.as_bytes()) {
        Ok(file) => file.keys.open(&file.user).err(),
        Err(why) => Some(why),
    }
}

fn file(material: &KeyMaterial) -> RecoveryFile {
    let user = UserId::parse("asha").expect("a name");
    let keys = SealedKeys::seal(&user, material).expect("there is randomness");
    RecoveryFile { user, authority: [7; 32], certificate: vec![1, 2, 3], keys }
}

async fn device() -> (KeyMaterial, DeviceKeys) {
    let material = KeyMaterial::generate().await.expect("WebCrypto makes keys");
    let keys = DeviceKeys::import(&material).await.expect("its own keys can be imported");
    (material, keys)
}

/// Stands in for boot.js while it lives: it alone may make workers, of this script here.
struct Workers;

impl Workers {
    fn of(script: &str) -> Self {
        let maker = "globalThis.keyWorkersMade = 0;
            const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
            globalThis.b4KeyWorker = () => { globalThis.keyWorkersMade += 1; return new Worker(url); };";
        Function::new_with_args("script", maker).call1(&global(), &script.into()).expect("the page takes it");
        Self
    }

    fn count(&self) -> u32 {
        Reflect::get(&global(), &"keyWorkersMade".into()).ok().and_then(|made| made.as_f64()).unwrap_or_default() as u32
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        Reflect::delete_property(global().unchecked_ref::<Object>(), &"b4KeyWorker".into()).expect("it was there");
    }
}
