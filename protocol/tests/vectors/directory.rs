//! User records, prekeys and presence (PROTOCOL.md#records-and-presence).

use b4_protocol::crypto::{KeyOp, PrekeySecret, Rng};
use b4_protocol::directory::{DeviceEntry, Draft, Prekey, Prekeys, Presence, UserRecord};
use b4_protocol::identity::VerifiedCertificate;
use b4_protocol::identity::testing::{NOW_MS, TestDevice};
use b4_protocol::store::Table;
use b4_protocol::time::SECOND_MS;

use crate::file::{Vector, read};
use crate::{cast, h, length, lp};

const SEQUENCE: u64 = NOW_MS << 8 | 7;
const SEED: [u8; 32] = [0x21; 32];
/// Bytes of a signature of RSA-3072.
const SIGNATURE_BYTES: usize = 384;

fn sign(device: &TestDevice, op: &KeyOp) -> Vec<u8> {
    device.keys.perform(&mut Rng::from_seed([8; 32]), op).expect("a signature").to_vec()
}

fn signed(device: &TestDevice, draft: Draft) -> Vec<u8> {
    let signature = sign(device, &draft.key_op());
    draft.finish(&signature)
}

/// The first prekey that a device with this seed makes.
pub fn prekey() -> (Prekey, Vec<u8>, Vec<u8>) {
    let tended = Prekeys::default().tend(NOW_MS, Some(&mut Rng::from_seed(SEED)));
    let row = tended.writes.into_iter().next().expect("its row");
    assert_eq!(row.table, Table::Meta);
    (tended.made.expect("a prekey"), row.key, row.value.expect("a row"))
}

fn created() -> [u8; 4] {
    u32::try_from(NOW_MS / SECOND_MS).expect("before 2106").to_be_bytes()
}

fn check_record(name: &'static str, about: &str, record: &[u8], entries: &[(&str, &[u8])], count: u8) {
    let sequence = SEQUENCE.to_be_bytes();
    let signature = &record[record.len() - SIGNATURE_BYTES..];
    let (count, signature_length) = ([count], length(signature));
    let mut fields: Vec<(&str, &[u8])> = vec![("magic", &b"B4U1"[..]), ("sequence", &sequence), ("count", &count)];
    fields.extend(entries);
    fields.extend([("length of signature", &signature_length[..]), ("signature", signature)]);
    Vector::new(name, &format!("{about} (PROTOCOL.md#records-and-presence).")).message("record", &fields, record).check();
    let file = read(name);
    let body = &file["record"][..file["record"].len() - SIGNATURE_BYTES - 2];
    let cast = cast();
    cast.anna.certificate.signing_key().verify(&[b"B4/v1/user", body].concat(), &file["record.signature"]).expect("anna's signature");
}

fn read_record(name: &str) -> UserRecord {
    UserRecord::verify(&read(name)["record"], cast().authority.anchor(), None, NOW_MS).expect("the record of the file")
}

#[test]
fn a_user_record() {
    let cast = cast();
    let anna: &VerifiedCertificate = &cast.anna.certificate;
    let bare = signed(&cast.anna, UserRecord::draft(SEQUENCE, &[anna]));
    let certificate_length = length(anna.der());
    let certificate: [(&str, &[u8]); 2] = [("length of certificate 1", &certificate_length), ("certificate 1", anna.der())];
    let none: [(&str, &[u8]); 1] = [("prekey 1", &[0])];
    let entries = [&certificate[..], &none].concat();
    check_record("user-record-without-prekey", "A user record of one device that has no prekey", &bare, &entries, 1);
    assert_eq!(read_record("user-record-without-prekey").prekey(anna.node_id(), NOW_MS), None);

    let (prekey, _, _) = prekey();
    let entry = DeviceEntry { certificate: anna, prekey: Some((prekey, &[])) };
    let record = signed(&cast.anna, UserRecord::draft_with_prekeys(SEQUENCE, &[entry]));
    let created = created();
    let named: [(&str, &[u8]); 3] = [("prekey 1", &[1]), ("public 1", &prekey.public), ("created 1", &created)];
    check_record("user-record", "A user record of one device, with the prekey of prekey-row.txt", &record, &[&certificate[..], &named].concat(), 1);
    assert_eq!(read_record("user-record").prekey(anna.node_id(), NOW_MS), Some(prekey));
}

#[test]
fn a_user_record_of_two_devices() {
    let mut cast = cast();
    let second = cast.authority.issue("anna", NOW_MS);
    let (first, other) = (&cast.anna.certificate, &second.certificate);
    let (prekey, _, _) = prekey();
    let theirs = Prekey { public: [0x33; 32], created_s: prekey.created_s };
    let signature = sign(&second, &theirs.key_op(other));
    let entries = [
        DeviceEntry { certificate: first, prekey: Some((prekey, &[])) },
        DeviceEntry { certificate: other, prekey: Some((theirs, &signature)) },
    ];
    let record = signed(&cast.anna, UserRecord::draft_with_prekeys(SEQUENCE, &entries));
    let (lengths, created) = ([length(first.der()), length(other.der()), length(&signature)], created());
    let fields: &[(&str, &[u8])] = &[
        ("length of certificate 1", &lengths[0]),
        ("certificate 1", first.der()),
        ("prekey 1", &[1]),
        ("public 1", &prekey.public),
        ("created 1", &created),
        ("length of certificate 2", &lengths[1]),
        ("certificate 2", other.der()),
        ("prekey 2", &[2]),
        ("public 2", &[0x33; 32]),
        ("created 2", &created),
        ("length of signature 2", &lengths[2]),
        ("signature 2", &signature),
    ];
    check_record("user-record-of-two", "A user record of two devices, each with its prekey", &record, fields, 2);
    let read_back = read_record("user-record-of-two");
    assert_eq!(read_back.prekey(other.node_id(), NOW_MS), Some(theirs));
    let message = [b"B4/v1/prekey", &h(&[other.der()])[..], &theirs.public, &created].concat();
    other.signing_key().verify(&message, &read("user-record-of-two")["record.signature 2"]).expect("its own signature");
}

#[test]
fn a_row_of_a_prekey() {
    let (prekey, key, value) = prekey();
    let secret = PrekeySecret::draw(&mut Rng::from_seed(SEED)).to_bytes();
    let created = created();
    let row: &[(&str, &[u8])] = &[("version", &[1]), ("created", &created), ("private", secret.as_slice())];
    Vector::new("prekey-row", "The row that keeps a prekey; it never leaves its device (PROTOCOL.md#records-and-presence).")
        .message("key", &[("prefix", b"p"), ("public", &prekey.public)], &key)
        .message("value", row, &value)
        .check();
    let file = read("prekey-row");
    let private: [u8; 32] = file["value.private"].clone().try_into().expect("32 bytes");
    assert_eq!(file["key.public"], PrekeySecret::from_bytes(&private).public());
}

#[test]
fn a_presence() {
    let cast = cast();
    let (user, node) = (cast.anna.certificate.user_id().mailbox(), *cast.anna.certificate.node_id());
    let until = u32::try_from(NOW_MS / SECOND_MS + 600).expect("before 2106").to_be_bytes();
    let record = read_record("user-record");
    for (name, about, nodes) in [("presence", "One device of anna is up", &[node][..]), ("presence-withdrawn", "None is any more", &[])] {
        let presence = signed(&cast.anna, Presence::draft(user, SEQUENCE, nodes, NOW_MS));
        let (sequence, count) = (SEQUENCE.to_be_bytes(), [u8::try_from(nodes.len()).expect("few")]);
        let signature = &presence[presence.len() - SIGNATURE_BYTES..];
        let signature_length = length(signature);
        let mut fields: Vec<(&str, &[u8])> =
            vec![("magic", &b"B4P1"[..]), ("H(user id)", &user), ("sequence", &sequence), ("until", &until), ("count", &count)];
        fields.extend(nodes.iter().map(|node| ("node id 1", &node.0[..])));
        fields.extend([("length of signature", &signature_length[..]), ("signature", signature)]);
        let about = format!("A presence: {about} (PROTOCOL.md#records-and-presence).");
        Vector::new(name, &about).message("presence", &fields, &presence).check();
        let file = read(name);
        let read_back = Presence::verify(&file["presence"], &record, &h(&[b"anna"]), NOW_MS).expect("a good presence");
        assert_eq!(read_back.nodes(), nodes);
        let body = &file["presence"][..file["presence"].len() - lp(signature).len()];
        let key = cast.anna.certificate.signing_key();
        key.verify(&[b"B4/v1/presence", body].concat(), &file["presence.signature"]).expect("anna's signature");
    }
}
