//! What is kept for others.

use super::*;
use crate::limits::GIVES_MAX;
use crate::mailbox::{HolderOrder, Offered};
use crate::session::{COLLECT, DEPOSIT};

#[test]
fn so_many_items_are_read_for_others_at_once() {
    let mut stage = Stage::new();
    let give = HolderOrder::Give;
    let gives = |stage: &mut Stage| {
        stage.node.hold(START, |_, _, out| out.extend((0..2 * GIVES_MAX).map(|_| give(RingId(1), [1; 32], EnvelopeId([2; 32])))));
        let loads: Vec<_> = std::mem::take(&mut stage.node.effects);
        loads.into_iter().filter_map(|effect| if let Effect::Load { ticket, .. } = effect { Some(ticket) } else { None }).collect::<Vec<_>>()
    };
    let tickets = gives(&mut stage);
    assert_eq!(tickets.len(), GIVES_MAX);
    assert_eq!(gives(&mut stage), []);
    let _ = stage.node.handle(Input::Loaded { ticket: tickets[0], rows: None }, START);
    assert_eq!(gives(&mut stage).len(), 1);
}

#[test]
fn what_the_disk_has_damaged_is_given_to_nobody_and_kept_no_more() {
    let bela = TestAuthority::new([2; 32]).issue("bela", NOW_MS).certificate.user_id().mailbox();
    let value = [&[1][..], &2_000_u32.to_be_bytes(), &(NOW_MS + DAY_MS).to_be_bytes(), &[0], &[0], &[6; 16]].concat();
    let id = EnvelopeId([9; 32]);
    let mut stage = Stage::with_rows(vec![Row { table: Table::Held, key: row_key(&bela, id), value }]);
    let row = Row { table: Table::Envelopes, key: row_key(&bela, id), value: b"damaged".to_vec() };
    stage.node.mail_read(Reading { to: RingId(1), mailbox: bela, id, what: ReadingOf::Letter }, Some(vec![row]), START);
    assert!(!stage.node.mail.holder.has(&bela, id));
}

#[test]
fn a_holder_whose_disk_fails_says_that_it_is_full() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela", START);
    let (mailbox, id) = ([3; 32], EnvelopeId([9; 32]));
    let item = Offered { id, bucket: Some(crate::mailbox::Bucket::ALL[0]) };
    stage.node.journal.failed(START.mono);
    told(&mut stage, DEPOSIT);
    stage.node.offered(place(&bela), true, mailbox, &[item], START);
    let said: Vec<_> = told(&mut stage, DEPOSIT).iter().filter_map(|body| DepositMessage::decode(body).ok()).collect();
    assert_eq!(said, [DepositMessage::Verdicts { mailbox, items: vec![(id, Verdict::Full)] }]);
}

#[test]
fn whoever_is_said_to_be_there_is_told_what_is_kept_for_them() {
    let mailbox = UserId::parse("bela").expect("a name").mailbox();
    let id = EnvelopeId([9; 32]);
    let value = [&[1][..], &2_000_u32.to_be_bytes(), &(NOW_MS + DAY_MS).to_be_bytes(), &[0], &[0], &[6; 16]].concat();
    let mut stage = Stage::with_rows(vec![Row { table: Table::Held, key: row_key(&mailbox, id), value }]);
    let bela = stage.meets("bela", START);
    // What it was asked when the session began, and then what the session brings by itself.
    told(&mut stage, COLLECT);
    for (of, expected) in [([1; 32], 0), (mailbox, 1)] {
        stage.node.mail_presence(&of, &[*bela.certificate.node_id()], START);
        let lists = told(&mut stage, COLLECT);
        let names = |body: &Vec<u8>| matches!(CollectMessage::decode(body), Ok(CollectMessage::List { items, .. }) if items.first().is_some_and(|(of, _)| *of == id));
        assert_eq!((lists.len(), lists.iter().all(names)), (expected, true));
    }
}

/// A ring in which this node and the next are to keep all mail.
struct Two(RingId, RingId);

impl Neighbourhood for Two {
    fn arc(&self, _: &Mailbox) -> Vec<RingId> {
        vec![self.0, self.1]
    }

    fn is_in_arc(&self, _: &Mailbox) -> bool {
        true
    }

    fn is_linked(&self, _: RingId) -> bool {
        true
    }
}

#[test]
fn a_receiver_is_told_who_keeps_what_this_node_had_no_room_for() {
    let mut stage = Stage::new();
    let bela = stage.meets("bela", START);
    let (mailbox, keeper) = (bela.certificate.user_id().mailbox(), RingId(5));
    let around = Two(stage.node.ring.me(), keeper);
    let items = [Offered { id: EnvelopeId([9; 32]), bucket: Some(crate::mailbox::Bucket::ALL[0]) }];
    stage.node.mail.holder.lend(0, START);
    stage.node.mail.holder.offered(keeper, (false, mailbox, &items), &around, START, &mut Vec::new());
    told(&mut stage, COLLECT);
    stage.node.tell_list(place(&bela), &mailbox, EnvelopeId([0; 32]), START);
    let lists = told(&mut stage, COLLECT);
    let elsewhere = lists.iter().find_map(|body| match CollectMessage::decode(body) {
        Ok(CollectMessage::List { elsewhere, .. }) => Some(elsewhere),
        _ => None,
    });
    assert_eq!(elsewhere, Some(vec![keeper]));
}
