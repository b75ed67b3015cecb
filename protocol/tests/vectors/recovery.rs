//! The recovery file (PROTOCOL.md#recovery). It is the app's, which reads and writes the same file in a browser (`tests/keys.rs`); here
//! it is made from the text of PROTOCOL.md alone.

use b4_protocol::crypto::AeadKey;
use zeroize::Zeroizing;

use crate::file::{compare, hex};
use crate::{cast, lp};

const SECRET: [u8; 32] = [0x5e; 32];

#[test]
fn a_recovery_file() {
    let cast = cast();
    let keys = &cast.anna.keys;
    let parts = [
        include_bytes!("../keys/sign-00.der").to_vec(),
        include_bytes!("../keys/unwrap-00.der").to_vec(),
        keys.signing.spki_der(),
        keys.unwrapping.spki_der(),
    ];
    let associated = b"B4/v1/recoveryanna";
    let mut sealed = [&associated[..], &parts.map(|part| lp(&part)).concat()].concat();
    AeadKey::new(&Zeroizing::new(SECRET)).seal_in_place(&[0; 12], &mut sealed, associated.len());
    let fields = [
        ("authority", &cast.authority.anchor().pin()[..]),
        ("certificate", cast.anna.certificate.der()),
        ("secret", &SECRET),
        ("keys", &sealed[associated.len()..]),
    ];
    let lines: Vec<String> = fields.iter().map(|(name, bytes)| format!("  \"{name}\": \"{}\"", hex(bytes))).collect();
    let text = format!("{{\n  \"b4-recovery\": 1,\n  \"name\": \"anna\",\n{}\n}}\n", lines.join(",\n"));
    compare("b4-recovery-anna.json", &text);
}
