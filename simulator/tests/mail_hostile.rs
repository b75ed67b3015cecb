//! Enemies with a certificate among those who keep mail, leave it, and ask for it: what they forge is not believed, what they withhold
//! comes from others, and what they fill has its bounds.

mod letters;
mod people;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use b4_protocol::crypto::{KeyOp, Rng, sha256};
use b4_protocol::identity::testing::TestDevice;
use b4_protocol::limits::{COPIES, DEPOSITOR_BYTES_MAX, OFFER_MAX, PAIR_BYTES_MAX};
use b4_protocol::mailbox::{Arrived, Bucket, CollectMessage, DepositMessage, EnvelopeId, KeyId, Mailbox, Offered, Receipt, Sealed, Tombstone, Verdict};
use b4_protocol::message::MessageId;
use b4_protocol::node::{MessageState, Table};
use b4_protocol::ring::RingId;
use b4_protocol::session::{COLLECT, Content, DEPOSIT, LIVE};
use b4_protocol::time::{DAY_MS, HOUR_MS};
use b4_simulator::{MailHeard, NodeIndex, World, honest_hello};
use letters::{Stage, all_there};
use people::place;

/// How an enemy that keeps mail, or says so, goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trick {
    /// It lists what it keeps and sends nothing.
    Withhold,
    Alter,
    Cut,
    /// It sends another letter than the one that was asked for.
    Exchange,
    /// It sends everything twenty times, and lists it again whenever it is told that it has come.
    Replay,
    Gone,
    /// It names thousands that there are not.
    MakeUp,
    /// It says that it is full.
    Full,
    /// It signs without keeping anything: for another holder, for another envelope, for another time; and says that it keeps it.
    ForgeReceipts,
    /// It says that its receiver has it, without a tombstone.
    ClaimCleared,
    /// It asks for the same again and again.
    WantForEver,
}

fn sign(device: &TestDevice, op: &KeyOp) -> Vec<u8> {
    device.keys.perform(&mut Rng::from_seed([3; 32]), op).expect("keys sign").to_vec()
}

fn made_up(number: usize) -> EnvelopeId {
    EnvelopeId(sha256(&[&number.to_be_bytes()]))
}

/// What an enemy answers as a holder, who tells `bela` alone what it has.
fn tricky(trick: Trick, bela: NodeIndex) -> impl FnMut(&TestDevice, NodeIndex, &MailHeard) -> Vec<MailHeard> {
    let mut kept: BTreeMap<EnvelopeId, Sealed> = BTreeMap::new();
    move |device, from, heard| match heard {
        MailHeard::Deposit(DepositMessage::Offer { mailbox, items, .. }) => offered(trick, device, *mailbox, items),
        MailHeard::Deposit(DepositMessage::Item(bytes)) => {
            let Ok(sealed) = Sealed::read(bytes.clone()) else { return Vec::new() };
            let (id, mailbox) = (sealed.id(), sealed.header().mailbox);
            let receipt = Receipt::of(*device.certificate.node_id(), &sealed);
            let signed = receipt.finish(&sign(device, &receipt.key_op()));
            kept.insert(id, sealed);
            match trick {
                Trick::WantForEver => vec![MailHeard::Deposit(DepositMessage::Verdicts { mailbox, items: vec![(id, Verdict::Want)] })],
                _ => vec![MailHeard::Deposit(DepositMessage::Receipt(signed))],
            }
        }
        MailHeard::Collect(CollectMessage::Ask { .. } | CollectMessage::Clear(_)) if from == bela => {
            let mut items: Vec<_> = kept.iter().map(|(id, sealed)| (*id, sealed.header().id)).collect();
            if trick == Trick::MakeUp {
                items.extend((0..500).map(|number| (made_up(number), MessageId([9; 16]))));
                items.sort();
            }
            vec![MailHeard::Collect(CollectMessage::List { is_more: trick == Trick::MakeUp, items, elsewhere: Vec::new() })]
        }
        MailHeard::Collect(CollectMessage::Fetch(ids)) => ids.iter().flat_map(|id| fetched(trick, &kept, *id)).map(MailHeard::Collect).collect(),
        _ => Vec::new(),
    }
}

fn offered(trick: Trick, device: &TestDevice, mailbox: Mailbox, items: &[Offered]) -> Vec<MailHeard> {
    let verdict = match trick {
        Trick::Full => Verdict::Full,
        Trick::ClaimCleared => Verdict::Cleared,
        Trick::ForgeReceipts => Verdict::Kept,
        _ => Verdict::Want,
    };
    let said = DepositMessage::Verdicts { mailbox, items: items.iter().map(|item| (item.id, verdict)).collect() };
    let mut answers = vec![MailHeard::Deposit(said)];
    if trick == Trick::ForgeReceipts {
        let me = *device.certificate.node_id();
        let true_one = Receipt { holder: me, mailbox, envelope: items[0].id, expiry_h: 498_000 };
        let others = b4_protocol::identity::NodeId([7; 32]);
        let forgeries = [
            Receipt { holder: others, ..true_one },
            Receipt { mailbox: [1; 32], ..true_one },
            Receipt { envelope: EnvelopeId([1; 32]), ..true_one },
            Receipt { expiry_h: 1, ..true_one },
        ];
        let mut signed: Vec<Vec<u8>> = forgeries.iter().map(|receipt| receipt.finish(&sign(device, &receipt.key_op()))).collect();
        signed.push(true_one.finish(&[5; 384]));
        answers.extend(signed.into_iter().map(|bytes| MailHeard::Deposit(DepositMessage::Receipt(bytes))));
    }
    answers
}

fn fetched(trick: Trick, kept: &BTreeMap<EnvelopeId, Sealed>, id: EnvelopeId) -> Vec<CollectMessage> {
    let Some(bytes) = kept.get(&id).map(|sealed| sealed.bytes().to_vec()) else { return Vec::new() };
    let last = bytes.len() - 1;
    match trick {
        Trick::Withhold | Trick::MakeUp => Vec::new(),
        Trick::Alter => vec![CollectMessage::Letter([&bytes[..last], &[bytes[last] ^ 1]].concat())],
        Trick::Cut => vec![CollectMessage::Letter(bytes[..last].to_vec())],
        Trick::Exchange => {
            let other = kept.iter().find(|(of, _)| **of != id).map(|(_, sealed)| sealed.bytes().to_vec());
            other.into_iter().map(CollectMessage::Letter).collect()
        }
        Trick::Gone => vec![CollectMessage::Gone(id)],
        Trick::Replay => vec![CollectMessage::Letter(bytes); 20],
        _ => vec![CollectMessage::Letter(bytes)],
    }
}

/// Eight people, bela among them for the moment, and an enemy that stands third among those who are to keep her mail.
fn with_enemy(seed: u64) -> (Stage, NodeIndex) {
    let mut stage = all_there(seed, 0);
    let places: Vec<RingId> = [stage.anna, stage.bela].iter().chain(&stage.others).map(|node| place(&stage.world, *node)).collect();
    let key = RingId::of_user(&stage.world.user(stage.bela));
    let way = |node: RingId| key.clockwise_to(node);
    let [second, third] = [1, 2].map(|rank| way(place(&stage.world, stage.others[rank])));
    // Nobody can choose a place; a test can have another certificate.
    let device = (0..100).map(|number| stage.world.insider(&format!("mallory{number}"))).find(|device| {
        let way = way(RingId::of_node(device.certificate.node_id()));
        second < way && way < third
    });
    let device = device.unwrap_or_else(|| panic!("one of a hundred stands there, seed {seed}"));
    let enemy = stage.world.hostile(device.clone(), honest_hello(RingId::of_node(device.certificate.node_id()), &places));
    for node in [stage.anna, stage.bela].into_iter().chain(stage.others.clone()) {
        stage.world.hostile_dials(enemy, node);
        stage.world.run_for(500);
    }
    stage.world.run_for(5_000);
    assert!(stage.others.iter().all(|node| stage.world.is_hostile_up(enemy, *node)), "taken for one of them");
    (stage, enemy)
}

/// Bela is away, anna has said so much, and the enemy does its trick.
fn tricked(seed: u64, trick: Trick, count: usize) -> (Stage, NodeIndex) {
    let (mut stage, enemy) = with_enemy(seed);
    stage.world.hostile_mailman(enemy, Box::new(tricky(trick, stage.bela)));
    stage.leaves(stage.bela);
    stage.world.run_for(2_000);
    stage.says(count);
    (stage, enemy)
}

fn fetches(world: &World, enemy: NodeIndex) -> usize {
    world.hostile_mail(enemy).iter().filter(|(_, heard)| matches!(heard, MailHeard::Collect(CollectMessage::Fetch(_)))).count()
}

/// Bela has it all once, whatever the enemy does. Whether she asked the enemy: she asks whoever she meets first, and perhaps it is not.
fn has_it_all_once(seed: u64, trick: Trick) -> bool {
    let (mut stage, enemy) = tricked(seed, trick, 4);
    stage.is_held(4, COPIES, 60_000);
    stage.world.kill(stage.anna);
    stage.world.start(stage.bela);
    stage.world.run_for(300);
    stage.world.hostile_dials(enemy, stage.bela);
    stage.bela_has(4, 25_000);
    stage.world.run_for(60_000);
    stage.check();
    let is_asked = fetches(&stage.world, enemy) > 0;
    let told = stage.world.hostile_mail(enemy).iter().filter(|(_, heard)| matches!(heard, MailHeard::Collect(CollectMessage::Clear(_)))).count();
    assert!(told < 20, "{trick:?}: it is not told for ever: {told}");
    assert!(stage.world.hostile_mail(enemy).len() < 300, "{trick:?}: nothing goes round for ever");
    stage.anna_comes();
    stage.anna_knows(60_000);
    assert_eq!(stage.kept(), 0, "{trick:?}: the others are cleared");
    is_asked
}

#[test]
fn what_one_holder_withholds_alters_exchanges_or_makes_up_comes_from_another_once() {
    let tricks = [Trick::Withhold, Trick::Alter, Trick::Cut, Trick::Exchange, Trick::Replay, Trick::Gone, Trick::MakeUp];
    for (first, trick) in (1..).zip(tricks) {
        let mut seeds = (first..).step_by(tricks.len()).take(6);
        assert!(seeds.any(|seed| has_it_all_once(seed, trick)), "{trick:?}: it was asked");
    }
}

#[test]
fn whoever_keeps_nothing_is_not_counted_whatever_they_sign() {
    for (seed, trick) in (20..).zip([Trick::Full, Trick::ForgeReceipts, Trick::ClaimCleared, Trick::WantForEver]) {
        let (mut stage, enemy) = tricked(seed, trick, 3);
        stage.is_held(3, COPIES, 60_000);
        stage.world.run_for(60_000);
        let user = stage.world.user(stage.bela);
        let it = *stage.world.device(enemy).certificate.node_id();
        assert!(stage.world.seen(stage.anna).messages[&user].values().all(|message| !message.holders.contains(&it)), "{trick:?}");
        assert_eq!(stage.states(), [MessageState::Held; 3], "{trick:?}");
        let offers = stage.world.hostile_mail(enemy).iter().filter(|(_, heard)| matches!(heard, MailHeard::Deposit(DepositMessage::Offer { .. }))).count();
        assert!((1..30).contains(&offers), "{trick:?}: {offers} offers");
        let given = stage.world.hostile_mail(enemy).iter().filter(|(_, heard)| matches!(heard, MailHeard::Deposit(DepositMessage::Item(_)))).count();
        assert!(given < 60, "{trick:?}: {given} items");
        stage.world.kill(stage.anna);
        stage.bela_comes_and_has(3, 30_000);
        stage.check();
    }
}

/// Something of the form of an envelope, as many as one likes.
fn garbage(mailbox: Mailbox, number: u32, expiry_h: u32) -> Vec<u8> {
    let bucket = Bucket::ALL[3];
    let head = [b"B4E1".as_slice(), &[1], &mailbox, &[4; 16], &[5; 12], &number.to_be_bytes(), &expiry_h.to_be_bytes(), &[bucket.number()], &[0; 64]].concat();
    [&head[..], &384_u16.to_be_bytes(), &[6; 384], &[7; 32], &vec![8; bucket.bytes() + 16]].concat()
}

#[test]
fn ten_thousand_deposits_of_one_certificate_fill_no_more_than_their_share_and_honest_mail_arrives() {
    let (mut stage, enemy) = with_enemy(40);
    stage.leaves(stage.bela);
    let (bela, flooded) = (stage.world.user(stage.bela).mailbox(), stage.others[0]);
    let expiry_h = u32::try_from((stage.world.now().wall + 10 * DAY_MS) / HOUR_MS).expect("hours");
    let sizes = Rc::new(RefCell::new((0_usize, 0_usize)));
    let mailboxes: Vec<Mailbox> = (0..40).map(|number| if number == 0 { bela } else { [number; 32] }).collect();
    let bytes_of: Rc<dyn Fn(u32) -> Vec<u8>> = Rc::new(move |number| garbage(mailboxes[number as usize / OFFER_MAX], number, expiry_h));
    let by_id: BTreeMap<EnvelopeId, u32> = (0..10_000).map(|number| (EnvelopeId(sha256(&[&bytes_of(number)])), number)).collect();
    let (count, make, names) = (Rc::clone(&sizes), Rc::clone(&bytes_of), by_id.clone());
    let flood = move |_: &TestDevice, _: NodeIndex, heard: &MailHeard| match heard {
        MailHeard::Deposit(DepositMessage::Verdicts { items, .. }) => {
            let wanted: Vec<u32> = items.iter().filter(|(_, verdict)| *verdict == Verdict::Want).filter_map(|(id, _)| names.get(id).copied()).collect();
            count.borrow_mut().0 += wanted.len();
            count.borrow_mut().1 += items.iter().filter(|(_, verdict)| *verdict == Verdict::Full).count();
            wanted.into_iter().map(|number| MailHeard::Deposit(DepositMessage::Item(make(number)))).collect()
        }
        _ => Vec::new(),
    };
    stage.world.hostile_mailman(enemy, Box::new(flood));
    let mut offers: BTreeMap<u32, Vec<Offered>> = BTreeMap::new();
    by_id.iter().for_each(|(id, number)| offers.entry(number / OFFER_MAX as u32).or_default().push(Offered { id: *id, bucket: Some(Bucket::ALL[3]) }));
    for items in offers.into_values() {
        let number = by_id[&items[0].id];
        let mailbox = Sealed::read(bytes_of(number)).expect("it has the form").header().mailbox;
        stage.world.hostile_posts(enemy, flooded, &MailHeard::Deposit(DepositMessage::Offer { is_first_hand: true, mailbox, items }));
        stage.world.run_for(1_000);
    }
    let (wanted, full) = *sizes.borrow();
    assert!(full > 9_000 && wanted > 500, "{wanted} were wanted, {full} refused");
    let on_disk = |stage: &Stage, mailbox: &[u8]| -> usize {
        stage.world.disk(flooded).rows(Table::Envelopes).filter(|(key, _)| key.starts_with(mailbox)).map(|(_, value)| value.len()).sum()
    };
    assert!(on_disk(&stage, &[]) as u64 <= DEPOSITOR_BYTES_MAX, "{}", on_disk(&stage, &[]));
    assert!(on_disk(&stage, &bela) as u64 <= PAIR_BYTES_MAX);
    // What it sends unasked is not taken either.
    for number in 9_000..9_050 {
        stage.world.hostile_posts(enemy, flooded, &MailHeard::Deposit(DepositMessage::Item(bytes_of(number))));
    }
    stage.world.hostile_mailman(enemy, Box::new(tricky(Trick::Full, stage.bela)));
    stage.says_and_it_is_held(4);
    let holder = *stage.world.device(flooded).certificate.node_id();
    let user = stage.world.user(stage.bela);
    assert!(stage.world.seen(stage.anna).messages[&user].values().all(|message| message.holders.contains(&holder)), "the flooded one has room for others");
    assert!(on_disk(&stage, &[]) as u64 <= DEPOSITOR_BYTES_MAX + 4 * 4_096);
    stage.world.kill(stage.anna);
    stage.bela_comes_and_has(4, 60_000);
    stage.check();
}

#[test]
fn what_has_not_the_form_of_mail_costs_the_link_and_nothing_else() {
    let (mut stage, enemy) = with_enemy(50);
    let victim = stage.others[0];
    let bela = stage.world.user(stage.bela).mailbox();
    let offer = |count: u16, items: usize| [&[1, 1][..], &bela, &count.to_be_bytes(), &vec![1; 33 * items]].concat();
    let rows = [
        ("nothing to leave", DEPOSIT, Content::Deposit, Vec::new()),
        ("nothing to collect", COLLECT, Content::Collect, Vec::new()),
        ("an unknown type", DEPOSIT, Content::Deposit, vec![9]),
        ("an offer of nothing", DEPOSIT, Content::Deposit, offer(0, 0)),
        ("too long an offer", DEPOSIT, Content::Deposit, offer(257, 257)),
        ("an offer that ends too soon", DEPOSIT, Content::Deposit, offer(2, 1)),
        ("a giant that is no envelope", DEPOSIT, Content::Deposit, [&[3][..], &vec![7; 72 * 1_024 - 1]].concat()),
        ("an envelope cut short", DEPOSIT, Content::Deposit, [&[3][..], &garbage(bela, 1, 500_000)[..900]].concat()),
        ("half a tombstone", DEPOSIT, Content::Deposit, b"\x03B4T1half".to_vec()),
        ("half a tombstone of a receiver", COLLECT, Content::Collect, b"\x06B4T1half".to_vec()),
        ("too many asked for", COLLECT, Content::Collect, [&[3, 65][..], &[0; 65 * 32]].concat()),
        ("mail on the channel of what is live", LIVE, Content::Deposit, vec![1]),
        ("what is live on the channel of mail", COLLECT, Content::Ping, vec![0; 8]),
    ];
    for (what, channel, content, bytes) in rows {
        stage.world.hostile_sends(enemy, victim, channel, content, &bytes);
        stage.world.run_for(2_000);
        assert!(!stage.world.is_hostile_up(enemy, victim), "{what} ends the session");
        assert!(stage.world.is_hostile_up(enemy, stage.others[1]), "{what}: of nobody else");
        assert_eq!(stage.world.links_between(victim, stage.anna).len(), 1, "{what}");
        stage.world.run_for(20_000);
        stage.world.hostile_dials(enemy, victim);
        stage.world.run_for(3_000);
        assert!(stage.world.is_hostile_up(enemy, victim), "it comes again after {what}");
    }
    stage.check();
}

/// What an enemy that collects was answered.
fn answers(stage: &mut Stage, enemy: NodeIndex, of: NodeIndex, asks: &[CollectMessage]) -> Vec<Vec<u8>> {
    let before = stage.world.hostile_mail(enemy).len();
    for ask in asks {
        stage.world.hostile_posts(enemy, of, &MailHeard::Collect(ask.clone()));
        stage.world.run_for(500);
    }
    let heard = stage.world.hostile_mail(enemy)[before..].iter().filter(|(by, _)| *by == of);
    let collected = heard.filter_map(|(_, heard)| match heard {
        MailHeard::Collect(message @ (CollectMessage::List { .. } | CollectMessage::Letter(_) | CollectMessage::Gone(_))) => Some(message.encode()),
        _ => None,
    });
    collected.collect()
}

#[test]
fn who_asks_for_anothers_mail_is_answered_the_same_whether_there_is_any() {
    let (mut stage, enemy) = with_enemy(60);
    stage.world.hostile_mailman(enemy, Box::new(tricky(Trick::Full, stage.bela)));
    stage.leaves(stage.bela);
    stage.world.run_for(2_000);
    stage.says_and_it_is_held(3);
    let (full, empty) = (stage.others[0], stage.anna);
    let mut ids: Vec<EnvelopeId> = stage.world.disk(full).rows(Table::Envelopes).map(|(key, _)| EnvelopeId(key[32..].try_into().expect("an id"))).collect();
    assert_eq!(ids.len(), 3);
    ids.sort();
    let asks = [CollectMessage::Ask { after: EnvelopeId([0; 32]) }, CollectMessage::Ask { after: ids[0] }, CollectMessage::Fetch(ids.clone())];
    let [of_full, of_empty] = [full, empty].map(|node| answers(&mut stage, enemy, node, &asks));
    assert_eq!(of_full, of_empty, "there is no telling");
    let nothing = CollectMessage::List { is_more: false, items: Vec::new(), elsewhere: Vec::new() }.encode();
    let gone = ids.iter().map(|id| CollectMessage::Gone(*id).encode());
    assert_eq!(of_full, [nothing.clone(), nothing].into_iter().chain(gone).collect::<Vec<_>>());
    stage.check();
}

#[test]
fn nobody_else_says_what_has_arrived() {
    let (mut stage, enemy) = with_enemy(70);
    stage.world.hostile_mailman(enemy, Box::new(tricky(Trick::Full, stage.bela)));
    stage.leaves(stage.bela);
    stage.world.run_for(2_000);
    stage.says_and_it_is_held(3);
    let (anna, mallory) = (stage.world.device(stage.anna).clone(), stage.world.device(enemy).clone());
    let bela = stage.world.device(stage.bela).clone();
    let holder = stage.others[0];
    let arrived: Vec<Arrived> = stage.world.disk(holder).rows(Table::Envelopes).map(|(key, value)| {
        let sealed = Sealed::read(value.to_vec()).expect("an envelope");
        Arrived { id: sealed.header().id, envelope: EnvelopeId(key[32..].try_into().expect("an id")) }
    }).collect();
    let said = Tombstone { mailbox: bela.certificate.user_id().mailbox(), author: KeyId::of(&anna.certificate), arrived, time_ms: stage.world.now().wall };
    let signature = sign(&mallory, &said.key_op());
    let forged = [said.finish(&mallory.certificate, &signature), said.finish(&bela.certificate, &signature)];
    for (tombstone, node) in forged.iter().flat_map(|tombstone| [holder, stage.anna].map(|node| (tombstone.clone(), node))) {
        for message in [MailHeard::Collect(CollectMessage::Clear(tombstone.clone())), MailHeard::Deposit(DepositMessage::Item(tombstone.clone()))] {
            stage.world.hostile_posts(enemy, node, &message);
            stage.world.run_for(2_000);
            assert!(!stage.world.is_hostile_up(enemy, node), "it costs the link");
            stage.world.run_for(20_000);
            stage.world.hostile_dials(enemy, node);
            stage.world.run_for(3_000);
            assert!(stage.world.is_hostile_up(enemy, node));
        }
    }
    assert_eq!(stage.world.disk(holder).count(Table::Envelopes), 3);
    assert_eq!(stage.states(), [MessageState::Held; 3]);
    stage.world.kill(stage.anna);
    stage.bela_comes_and_has(3, 30_000);
    stage.check();
}

#[test]
fn what_the_receiver_has_does_not_come_back_when_an_enemy_brings_it_again() {
    let (mut stage, enemy) = tricked(80, Trick::Withhold, 3);
    stage.is_held(3, COPIES, 60_000);
    let copies: Vec<Vec<u8>> = stage.world.hostile_mail(enemy).iter().filter_map(|(_, heard)| match heard {
        MailHeard::Deposit(DepositMessage::Item(bytes)) => Some(bytes.clone()),
        _ => None,
    }).collect();
    assert_eq!(copies.len(), 3);
    stage.bela_comes_and_has(3, 30_000);
    stage.anna_knows(30_000);
    stage.world.run_for(60_000);
    assert_eq!(stage.kept(), 0);
    stage.leaves(stage.bela);
    let mailbox = stage.world.user(stage.bela).mailbox();
    for is_first_hand in [true, false] {
        let items: Vec<Offered> = copies.iter().map(|bytes| Offered { id: EnvelopeId(sha256(&[bytes])), bucket: Some(Bucket::ALL[1]) }).collect();
        stage.world.hostile_posts(enemy, stage.others[0], &MailHeard::Deposit(DepositMessage::Offer { is_first_hand, mailbox, items }));
        stage.world.run_for(1_000);
        for bytes in &copies {
            stage.world.hostile_posts(enemy, stage.others[0], &MailHeard::Deposit(DepositMessage::Item(bytes.clone())));
        }
        stage.world.run_for(5_000);
    }
    assert_eq!(stage.kept(), 0);
    stage.world.start(stage.bela);
    stage.world.run_for(30_000);
    assert_eq!(stage.shown(), Vec::<String>::new());
    stage.check();
}
