//! How files are named, announced, asked for and sent (PROTOCOL.md#files, PROTOCOL.md#bulk).

use b4_protocol::crypto::{AeadKey, hmac_sha256, sha256};
use b4_protocol::file::{Away, BulkRecord, FileMessage, Layout, Manifest, Page, PageHash, PartKey, Will};
use b4_protocol::chat::{MessageBody, MessageId};
use b4_protocol::identity::testing::NOW_MS;
use b4_protocol::mailbox::{BlobIndex, BlobKey, CollectMessage, EnvelopeId, blob_id};
use b4_protocol::message::Said;
use zeroize::Zeroizing;

use crate::file::{Vector, read};

/// A file of two blocks: 65,536 times `a`, then `b` seven times.
fn blocks() -> [Vec<u8>; 2] {
    [vec![b'a'; 65_536], vec![b'b'; 7]]
}

fn manifest() -> (Manifest, Page) {
    let page = Page::of(blocks().iter().map(|block| sha256(&[block])).collect());
    let manifest = Manifest::new("letters.txt", "text/plain", 65_543, vec![page.hash()]).expect("as it should be");
    (manifest.with_away(Away { key: [0x71; 32], index: [0x72; 32] }), page)
}

#[test]
fn a_file_its_page_and_its_manifest() {
    let (manifest, page) = manifest();
    let [first, second] = blocks().map(|block| sha256(&[&block]));
    let page_hash = sha256(&[b"B4/v1/file-page", &first, &second]);
    let size = 65_543_u64.to_be_bytes();
    let id = sha256(&[b"B4/v1/file", &size, &page_hash]);
    assert_eq!((page.hash(), manifest.id().0), (PageHash(page_hash), id), "the formulas");
    assert_eq!(Layout::of(65_543).id(&[PageHash(page_hash)]).0, id);
    let fields: &[(&str, &[u8])] = &[
        ("size", &size),
        ("type: length", &[10]),
        ("type", b"text/plain"),
        ("name: length", &[0, 11]),
        ("name", b"letters.txt"),
        ("away: length", &[64]),
        ("away: key", &[0x71; 32]),
        ("away: index", &[0x72; 32]),
        ("page hash", &page_hash),
    ];
    let values: &[(&str, &[u8])] = &[("hash of block 0", &first), ("hash of block 1", &second), ("page hash", &page_hash), ("file id", &id)];
    let bytes = manifest.encode();
    let said = Said::File(Box::new(manifest.clone()));
    let body = MessageBody { id: MessageId([0xa1; 16]), sent_ms: NOW_MS, seq: 1, prev: [0; 32], said };
    let body_fields: &[(&str, &[u8])] =
        &[("mid", &[0xa1; 16]), ("sent", &NOW_MS.to_be_bytes()), ("seq", &1_u64.to_be_bytes()), ("prev", &[0; 32]), ("type", &[3]), ("manifest", &bytes)];
    let about = "65,536 times the letter a, then 7 times b: how that file is named and announced (PROTOCOL.md#files).";
    Vector::new("file", about).values("hashes", values).message("manifest", fields, &bytes).message("body", body_fields, &body.encode()).check();
    assert_eq!(Manifest::decode(&read("file")["manifest"]), Ok(manifest));
    assert_eq!(MessageBody::decode(&read("file")["body"]), Ok(body));
}

#[test]
fn a_part_and_its_key() {
    let (manifest, _) = manifest();
    let drawn = [0x81; 32];
    let key = PartKey::of(&drawn, manifest.id(), 0);
    assert_eq!(*key.0, hmac_sha256(&drawn, &[b"B4/v1/file-part", &manifest.id().0, &0_u32.to_be_bytes()]), "the formula");
    let piece = &blocks()[1];
    let record = BulkRecord { number: 5, offset: 65_536 };
    let bytes = key.seal(record, piece);
    let fields: &[(&str, &[u8])] =
        &[("type", &[0x11]), ("number", &[0, 0, 0, 5]), ("offset", &[0, 1, 0, 0]), ("ciphertext", &bytes[9..16]), ("tag", &bytes[16..])];
    let mut nonce = [0; 12];
    nonce[8..].copy_from_slice(&65_536_u32.to_be_bytes());
    let values: &[(&str, &[u8])] = &[("drawn", &drawn), ("file id", &manifest.id().0), ("key", key.0.as_slice()), ("nonce", &nonce), ("piece", piece)];
    let about = "The second block of the file of file.txt, in part 0, as answer to fetch 5 (PROTOCOL.md#bulk).";
    Vector::new("bulk-record", about).values("inputs", values).message("record", fields, &bytes).check();
    let bytes = &read("bulk-record")["record"];
    assert_eq!((BulkRecord::read(bytes), key.open(bytes).as_ref()), (Ok(record), Ok(piece)));
}

#[test]
fn what_both_ends_say() {
    let (_, page) = manifest();
    let mid = [0xa1; 16];
    let drawn = [0x81; 32];
    let message = |name: &'static str, about: &str, message: &FileMessage, fields: &[(&str, &[u8])]| {
        let bytes = message.encode();
        Vector::new(name, &format!("{about}, on the channel file (PROTOCOL.md#transfer).")).message("message", fields, &bytes).check();
        assert_eq!(FileMessage::decode(&read(name)["message"]).as_ref(), Ok(message));
    };
    let ask = FileMessage::Ask { offer: mid, page: 2 };
    message("file-ask", "A page of hashes is asked for", &ask, &[("type", &[1]), ("mid", &mid), ("page", &[0, 0, 0, 2])]);
    let answer = FileMessage::Page { offer: mid, page: 0, hashes: page.bytes().to_vec() };
    message("file-page", "The page of file.txt", &answer, &[("type", &[2]), ("mid", &mid), ("page", &[0; 4]), ("hashes", page.bytes())]);
    let fetch = FileMessage::Fetch { offer: mid, part: 1, number: 5, drawn, here: 1 };
    let fields: &[(&str, &[u8])] = &[("type", &[3]), ("mid", &mid), ("part", &[0, 0, 0, 1]), ("number", &[0, 0, 0, 5]), ("drawn", &drawn), ("here", &[0, 0, 0, 1])];
    message("file-fetch", "A part is asked for", &fetch, fields);
    message("file-no-part", "A fetch is not answered", &FileMessage::NoPart { number: 5 }, &[("type", &[4]), ("number", &[0, 0, 0, 5])]);
    let will = FileMessage::Will { offer: mid, will: Will::Paused };
    message("file-will", "An end does not want the file now", &will, &[("type", &[5]), ("mid", &mid), ("will: paused", &[2])]);
}

#[test]
fn a_file_as_it_lies_with_others() {
    let (drawn, expiry_h) = ([0x71; 32], 480_000_u32);
    let key = BlobKey::new(drawn);
    let token = hmac_sha256(&drawn, &[b"B4/v1/shelf", &0_u32.to_be_bytes()]);
    let shelf = sha256(&[&token]);
    assert_eq!((key.token(0), key.shelf(0)), (token, shelf), "the formulas");
    let content = &blocks()[1];
    let blob = key.block_seal(1, expiry_h).seal(content);
    let mut nonce = [0; 12];
    nonce[11] = 2;
    let mut again = [b"B4B1".as_slice(), &shelf, &expiry_h.to_be_bytes(), content].concat();
    AeadKey::new(&Zeroizing::new(drawn)).seal_in_place(&nonce, &mut again, 40);
    assert_eq!(blob, again, "the formula");
    let fields: &[(&str, &[u8])] =
        &[("magic", b"B4B1"), ("shelf", &shelf), ("expiry", &expiry_h.to_be_bytes()), ("ciphertext", &blob[40..47]), ("tag", &blob[47..])];
    let first = blob_id(&key.block_seal(0, expiry_h).seal(&blocks()[0]));
    let second = blob_id(&blob);
    let index = BlobIndex { hashes: blocks().iter().map(|block| sha256(&[block])).collect(), blobs: vec![first, second] };
    let bytes = index.encode();
    let index_fields: &[(&str, &[u8])] =
        &[("hash of block 0", &index.hashes[0]), ("hash of block 1", &index.hashes[1]), ("blob of block 0", &first.0), ("blob of block 1", &second.0)];
    let index_id = blob_id(&key.seal_index(&index, expiry_h));
    let values: &[(&str, &[u8])] = &[("key", &drawn), ("token of shelf 0", &token), ("nonce", &nonce), ("id", &second.0), ("id of the index", &index_id.0)];
    let about = "The second block of the file of file.txt as it lies with others, and the index (PROTOCOL.md#blobs).";
    Vector::new("blob", about).values("derived", values).message("blob", fields, &blob).message("index", index_fields, &bytes).check();
    assert_eq!(key.open_block(1, &read("blob")["blob"]).as_ref(), Ok(content));
    assert_eq!(BlobIndex::decode(&read("blob")["index"], 2), Ok(index));
}

#[test]
fn blobs_are_asked_for_given_and_cleared() {
    let (shelf, ids) = ([0x52; 32], [EnvelopeId([0x61; 32]), EnvelopeId([0x62; 32])]);
    let message = |name: &'static str, about: &str, message: &CollectMessage, fields: &[(&str, &[u8])]| {
        let bytes = message.encode();
        Vector::new(name, &format!("{about}, on the channel collect (PROTOCOL.md#deposits).")).message("message", fields, &bytes).check();
        assert_eq!(CollectMessage::decode(&read(name)["message"]).as_ref(), Ok(message));
    };
    let fetch = CollectMessage::FetchBlobs { shelf, ids: ids.to_vec() };
    message("collect-blobs", "Two blobs are asked for", &fetch, &[("type", &[7]), ("shelf", &shelf), ("count", &[2]), ("id 1", &ids[0].0), ("id 2", &ids[1].0)]);
    let blob = read("blob")["blob"].clone();
    message("collect-blob", "The blob of blob.txt", &CollectMessage::Blob(blob.clone()), &[("type", &[8]), ("blob", &blob)]);
    message("collect-shelf", "A shelf is cleared", &CollectMessage::ClearShelf([0x81; 32]), &[("type", &[9]), ("token", &[0x81; 32])]);
}
