//! What depositors, holders and readers say to each other (PROTOCOL.md#deposits).

use b4_protocol::mailbox::{Bucket, CollectMessage, DepositMessage, EnvelopeId, Offered, Verdict};
use b4_protocol::message::MessageId;
use b4_protocol::ring::RingId;

use crate::file::{Vector, read};

const MAILBOX: [u8; 32] = [0x51; 32];
const IDS: [EnvelopeId; 2] = [EnvelopeId([0x61; 32]), EnvelopeId([0x62; 32])];

fn deposit(name: &'static str, about: &str, message: &DepositMessage, fields: &[(&str, &[u8])]) {
    let bytes = message.encode();
    Vector::new(name, &format!("{about}, on the channel deposit (PROTOCOL.md#deposits).")).message("message", fields, &bytes).check();
    assert_eq!(DepositMessage::decode(&read(name)["message"]).as_ref(), Ok(message));
}

fn collect(name: &'static str, about: &str, message: &CollectMessage, fields: &[(&str, &[u8])]) {
    let bytes = message.encode();
    Vector::new(name, &format!("{about}, on the channel collect (PROTOCOL.md#deposits).")).message("message", fields, &bytes).check();
    assert_eq!(CollectMessage::decode(&read(name)["message"]).as_ref(), Ok(message));
}

#[test]
fn an_offer_and_its_verdicts() {
    let [first, second] = IDS.map(|id| id.0);
    let items = vec![Offered { id: IDS[0], bucket: Some(Bucket::ALL[1]) }, Offered { id: IDS[1], bucket: None }];
    let offer = DepositMessage::Offer { is_first_hand: true, mailbox: MAILBOX, items };
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x01]),
        ("first hand", &[1]),
        ("mailbox", &MAILBOX),
        ("count", &[0, 2]),
        ("id 1", &first),
        ("bucket 1: an envelope of 4 KiB", &[2]),
        ("id 2", &second),
        ("bucket 2: a tombstone", &[0]),
    ];
    deposit("deposit-offer", "An envelope and a tombstone are offered", &offer, fields);
    let said = DepositMessage::Verdicts { mailbox: MAILBOX, items: vec![(IDS[0], Verdict::Want), (IDS[1], Verdict::Cleared)] };
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x02]),
        ("mailbox", &MAILBOX),
        ("count", &[0, 2]),
        ("id 1", &first),
        ("verdict 1: want", &[0]),
        ("id 2", &second),
        ("verdict 2: cleared", &[4]),
    ];
    deposit("deposit-verdicts", "What a holder thinks of what was offered", &said, fields);
}

#[test]
fn an_item_and_a_receipt() {
    let envelope = read("envelope")["envelope"].clone();
    deposit("deposit-item", "The envelope of envelope.txt", &DepositMessage::Item(envelope.clone()), &[("type", &[0x03]), ("item", &envelope)]);
    let receipt = read("receipt")["receipt"].clone();
    deposit("deposit-receipt", "The receipt of receipt.txt", &DepositMessage::Receipt(receipt.clone()), &[("type", &[0x04]), ("receipt", &receipt)]);
}

#[test]
fn a_list_is_asked_for_and_fetched_from() {
    let [first, second] = IDS.map(|id| id.0);
    collect("collect-ask", "What is there behind an id", &CollectMessage::Ask { after: IDS[0] }, &[("type", &[0x01]), ("id", &first)]);
    let items = vec![(IDS[0], MessageId([0xa1; 16])), (IDS[1], MessageId([0xa2; 16]))];
    let elsewhere = vec![RingId(0x33 << 120)];
    let fields: &[(&str, &[u8])] = &[
        ("type", &[0x02]),
        ("more", &[1]),
        ("count", &[0, 2]),
        ("id 1", &first),
        ("mid 1", &[0xa1; 16]),
        ("id 2", &second),
        ("mid 2", &[0xa2; 16]),
        ("places", &[1]),
        ("place 1", &elsewhere[0].0.to_be_bytes()),
    ];
    collect("collect-list", "What is there, and who else keeps", &CollectMessage::List { is_more: true, items, elsewhere }, fields);
    let fields: &[(&str, &[u8])] = &[("type", &[0x03]), ("count", &[2]), ("id 1", &first), ("id 2", &second)];
    collect("collect-fetch", "Two are fetched", &CollectMessage::Fetch(IDS.to_vec()), fields);
    collect("collect-gone", "One is not there", &CollectMessage::Gone(IDS[1]), &[("type", &[0x05]), ("id", &second)]);
}

#[test]
fn a_letter_and_the_word_that_it_has_come() {
    let envelope = read("envelope")["envelope"].clone();
    collect("collect-letter", "The envelope of envelope.txt", &CollectMessage::Letter(envelope.clone()), &[("type", &[0x04]), ("envelope", &envelope)]);
    let tombstone = read("tombstone")["tombstone"].clone();
    collect("collect-clear", "The tombstone of tombstone.txt", &CollectMessage::Clear(tombstone.clone()), &[("type", &[0x06]), ("tombstone", &tombstone)]);
}
