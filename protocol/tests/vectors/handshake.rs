//! The handshake M1 to M4 (PROTOCOL.md#handshake).

use b4_protocol::crypto::{EphemeralSecret, Fingerprint, KeyOp, KeyOpResult, Prk, Rng, hmac_sha256};
use b4_protocol::handshake::{Established, Judge, receive_m1, start};
use b4_protocol::identity::testing::{NOW_MS, TestDevice};

use crate::file::{Vector, read};
use crate::{Cast, cast, extract, h, length, lp, unwrapped};

pub const FP_I: [u8; 32] = [0x11; 32];
pub const FP_R: [u8; 32] = [0x22; 32];
const SEED_I: [u8; 32] = [5; 32];
const SEED_R: [u8; 32] = [6; 32];
/// RSA-3072.
const WRAPPED_BYTES: usize = 384;

/// One whole run between anna, who dials, and bela.
pub struct Run {
    pub m1: Vec<u8>,
    pub m2: Vec<u8>,
    pub m3: Vec<u8>,
    pub m4: Vec<u8>,
    pub at_anna: Established,
    pub at_bela: Established,
}

fn perform(device: &TestDevice, op: &KeyOp) -> KeyOpResult {
    device.keys.perform(&mut Rng::from_seed([9; 32]), op)
}

pub fn run(cast: &Cast) -> Run {
    let (mut rng_i, mut rng_r) = (Rng::from_seed(SEED_I), Rng::from_seed(SEED_R));
    let (anna, bela) = (&cast.anna.certificate, &cast.bela.certificate);
    let judge = |own| Judge { own, anchor: cast.authority.anchor(), revoked: None, now_ms: NOW_MS };
    let (fp_i, fp_r) = (Fingerprint(FP_I), Fingerprint(FP_R));
    let waiting = start(anna, fp_i, &mut rng_i);
    let m1 = waiting.m1().to_vec();
    let received = receive_m1(&m1, anna.node_id(), &judge(bela)).expect("anna's M1");
    let (responder, m2) = received.answer(fp_i, fp_r, bela, &mut rng_r).expect("M2");
    let (initiator, op) = waiting.receive_m2(&m2, fp_r, bela.node_id(), &judge(anna)).expect("bela's M2");
    let (initiator, m3) = initiator.unwrapped(&perform(&cast.anna, &op), &mut rng_i).expect("M3");
    let (responder, op) = responder.receive_m3(&m3).expect("anna's M3");
    let (at_bela, m4) = responder.unwrapped(&perform(&cast.bela, &op), &mut rng_r).expect("anna's proof");
    let at_anna = initiator.receive_m4(&m4).expect("bela's proof");
    Run { m1, m2, m3, m4, at_anna, at_bela }
}

/// All that the messages of a run lead to, computed from the text of PROTOCOL.md with the private keys of both ends.
pub struct Derived {
    pub e_i: [u8; 32],
    pub e_r: [u8; 32],
    pub wrapped_r: Vec<u8>,
    pub wrapped_i: Vec<u8>,
    pub th1: [u8; 32],
    pub th2: [u8; 32],
    pub th3: [u8; 32],
    pub a: Vec<u8>,
    pub b: Vec<u8>,
    pub z: Vec<u8>,
    pub prk: Prk,
}

pub fn derive(cast: &Cast, m1: &[u8], m2: &[u8], m3: &[u8]) -> Derived {
    let (cert_i, cert_r) = (cast.anna.certificate.der(), cast.bela.certificate.der());
    let cb = [b"B4/v1/cb", &FP_I[..], &FP_R].concat();
    let (head, wrapped_r) = m2.split_at(m2.len() - WRAPPED_BYTES - 2);
    let wrapped_r = &wrapped_r[2..];
    let th1 = h(&[b"B4/v1/th1", &cb, &lp(m1), &lp(head)]);
    let plain_r = unwrapped(&cast.anna, "B4/v1/hs/r", wrapped_r);
    let b = plain_r[1..33].to_vec();
    assert_eq!(plain_r, [&[2][..], &b, &h(&[cert_r]), &h(&[cert_i]), &th1].concat());
    let th2 = h(&[b"B4/v1/th2", &th1, wrapped_r]);
    let wrapped_i = &m3[3..3 + WRAPPED_BYTES];
    let plain_i = unwrapped(&cast.bela, "B4/v1/hs/i", wrapped_i);
    let a = plain_i[1..33].to_vec();
    assert_eq!(plain_i, [&[1][..], &a, &h(&[cert_i]), &h(&[cert_r]), &th2].concat());
    let th3 = h(&[b"B4/v1/th3", &th2, wrapped_i]);
    // Each end's first draw is its ephemeral key.
    let secret_i = EphemeralSecret::draw(&mut Rng::from_seed(SEED_I));
    let secret_r = EphemeralSecret::draw(&mut Rng::from_seed(SEED_R));
    let (e_i, e_r) = (secret_i.public(), secret_r.public());
    let z = secret_i.agree(&e_r).expect("an honest key").to_vec();
    let prk = extract(&th3, &[&a, &b, &z]);
    Derived { e_i, e_r, wrapped_r: wrapped_r.to_vec(), wrapped_i: wrapped_i.to_vec(), th1, th2, th3, a, b, z, prk }
}

pub fn proof(prk: &Prk, key: &[u8], label: &[u8], th3: &[u8; 32]) -> [u8; 32] {
    hmac_sha256(prk.expand::<32>(&[b"B4/v1/", key]).as_slice(), &[label, th3])
}

#[test]
fn m1_and_m2() {
    let cast = cast();
    let (run, anna, bela) = (run(&cast), cast.anna.certificate.der(), cast.bela.certificate.der());
    let derived = derive(&cast, &run.m1, &run.m2, &run.m3);
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x01]),
        ("length of versions", &[0, 1]),
        ("versions", &[1]),
        ("length of suites", &[0, 1]),
        ("suites", &[1]),
        ("length of cert_I", &length(anna)),
        ("cert_I", anna),
        ("E_I", &derived.e_i),
    ];
    Vector::new("handshake-m1", "M1, in the offer (PROTOCOL.md#handshake).").message("M1", fields, &run.m1).check();
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x02]),
        ("version", &[1]),
        ("suite", &[1]),
        ("length of cert_R", &length(bela)),
        ("cert_R", bela),
        ("E_R", &derived.e_r),
        ("length of C_R", &length(&derived.wrapped_r)),
        ("C_R", &derived.wrapped_r),
    ];
    let values: &[(&str, &[u8])] = &[("fp_I", &FP_I), ("fp_R", &FP_R), ("th1", &derived.th1), ("B", &derived.b)];
    Vector::new("handshake-m2", "M2, in the answer to handshake-m1.txt (PROTOCOL.md#handshake).")
        .message("M2", fields, &run.m2)
        .values("derived", values)
        .check();
}

#[test]
fn m3_and_m4() {
    let cast = cast();
    let run = run(&cast);
    // From the files, not from this run.
    let (m1, m2) = (read("handshake-m1"), read("handshake-m2"));
    let derived = derive(&cast, &m1["M1"], &m2["M2"], &run.m3);
    let mac_i = proof(&derived.prk, b"conf i", b"B4/v1/I done", &derived.th3);
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x03]),
        ("length of C_I", &length(&derived.wrapped_i)),
        ("C_I", &derived.wrapped_i),
        ("MAC_I", &mac_i),
    ];
    let key = |name: &[u8]| *derived.prk.expand::<32>(&[b"B4/v1/", name]);
    let values: &[(&str, &[u8])] = &[
        ("th2", &derived.th2),
        ("A", &derived.a),
        ("th3", &derived.th3),
        ("Z", &derived.z),
        ("k conf i", &key(b"conf i")),
        ("k conf r", &key(b"conf r")),
        ("k rk", &key(b"rk")),
    ];
    Vector::new("handshake-m3", "M3, the first frame on the channel (PROTOCOL.md#handshake).")
        .message("M3", fields, &run.m3)
        .values("derived", values)
        .check();
    let mac_r = proof(&derived.prk, b"conf r", b"B4/v1/R done", &derived.th3);
    Vector::new("handshake-m4", "M4, the first frame back (PROTOCOL.md#handshake).")
        .message("M4", &[("type", &[0x04]), ("MAC_R", &mac_r)], &run.m4)
        .check();
}

/// T8: with anything left out of the formulas, the proofs of the files are others.
#[test]
fn t8_a_handshake_that_leaves_something_out_proves_something_else() {
    let cast = cast();
    let (m1, m2, m3) = (read("handshake-m1")["M1"].clone(), read("handshake-m2")["M2"].clone(), read("handshake-m3")["M3"].clone());
    let full = derive(&cast, &m1, &m2, &m3);
    let head = &m2[..m2.len() - WRAPPED_BYTES - 2];
    let after = |th1: [u8; 32]| h(&[b"B4/v1/th3", &h(&[b"B4/v1/th2", &th1, &full.wrapped_r]), &full.wrapped_i]);
    let mac = |th3: [u8; 32], material: &[&[u8]], label: &[u8]| proof(&extract(&th3, material), b"conf i", label, &th3);
    let all: &[&[u8]] = &[&full.a, &full.b, &full.z];
    let label = b"B4/v1/I done".as_slice();
    let mutants: &[(&str, [u8; 32])] = &[
        ("fingerprints", mac(after(h(&[b"B4/v1/th1", &lp(&m1), &lp(head)])), all, label)),
        ("one fingerprint", mac(after(h(&[b"B4/v1/th1", b"B4/v1/cb", &FP_I, &lp(&m1), &lp(head)])), all, label)),
        ("M1", mac(after(h(&[b"B4/v1/th1", b"B4/v1/cb", &FP_I, &FP_R, &lp(head)])), all, label)),
        ("M2", mac(after(h(&[b"B4/v1/th1", b"B4/v1/cb", &FP_I, &FP_R, &lp(&m1)])), all, label)),
        ("C_R", mac(h(&[b"B4/v1/th3", &h(&[b"B4/v1/th2", &full.th1]), &full.wrapped_i]), all, label)),
        ("C_I", mac(h(&[b"B4/v1/th3", &full.th2]), all, label)),
        ("ECDH", mac(full.th3, &[&full.a, &full.b], label)),
        ("A", mac(full.th3, &[&full.b, &full.z], label)),
        ("B", mac(full.th3, &[&full.a, &full.z], label)),
        ("the transcript as salt", proof(&extract(&[], all), b"conf i", label, &full.th3)),
        ("the label of the MAC", mac(full.th3, all, b"")),
        ("the label of the key", proof(&full.prk, b"", label, &full.th3)),
    ];
    let right = mac(full.th3, all, label);
    assert_eq!(right, m3[m3.len() - 32..]);
    for (left_out, mac) in mutants {
        assert_ne!(*mac, right, "without {left_out}");
    }
}
