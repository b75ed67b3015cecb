//! What is under way on each link; and, where the browser cannot hand a channel over, records between the worker and it.
//!
//! The worker seals only what it was granted. A grant goes out while the channel has little buffered, for what then fits under the bound:
//! when a part is to be sent, after a record was, and when the browser says that little is left. So what a link costs is bounded, and the
//! channel is never idle while there is something to send. With a channel of its own, the worker keeps the same bound by itself.

use std::rc::Rc;

use b4_protocol::node::{FileTrouble, Input, LinkId};
use js_sys::{Array, ArrayBuffer};

use super::Inner;
use crate::platform::rtc::BulkFact;

/// Bytes of a channel `bulk` that are buffered or granted, at most (`www/files.js` has the same): what a link of 100 MB/s sends in 10 ms.
pub const BUFFERED_BYTES_MAX: u32 = 1024 * 1024;
/// With so much buffered, nothing is granted. The browser's mark for `bufferedamountlow` stands at the same.
const BUFFERED_BYTES_LOW: u32 = crate::platform::rtc::BULK_LOW_WATER_BYTES;
/// The least that is granted at once: some records.
const GRANT_BYTES_MIN: u32 = 256 * 1024;

/// What is under way on a link.
#[derive(Default)]
pub(super) struct Traffic {
    /// Whether the worker has the link's channel.
    pub(super) is_carried: bool,
    /// Bytes that the worker may hand over still.
    granted: u32,
    /// Numbers of the parts that it seals.
    pub(super) sending: Vec<u32>,
    /// Numbers of the parts that it expects.
    pub(super) expected: Vec<u32>,
}

impl Traffic {
    /// False when it was not sent.
    pub(super) fn end_sending(&mut self, number: u32) -> bool {
        remove(&mut self.sending, number)
    }

    /// False when it was not expected.
    pub(super) fn end_expected(&mut self, number: u32) -> bool {
        remove(&mut self.expected, number)
    }
}

impl Inner {
    /// Has a link's channel made before its first part, and the worker take it. False where there is no such link.
    pub(super) fn carry(self: &Rc<Self>, link: LinkId) -> bool {
        if self.traffic.borrow().contains_key(&link) {
            return true;
        }
        self.begin();
        let taken = self.bulk.make(link, |channel| {
            let order = Array::of3(&"carry".into(), &link.0.into(), channel);
            self.worker.borrow().as_ref().is_some_and(|worker| worker.post(&order, Some(&Array::of1(channel))))
        });
        if let Some(is_carried) = taken {
            self.traffic.borrow_mut().insert(link, Traffic { is_carried, ..Traffic::default() });
        }
        taken.is_some()
    }

    /// Notes something of a link that is known.
    pub(super) fn traffic(&self, link: LinkId, note: impl FnOnce(&mut Traffic)) {
        if let Some(traffic) = self.traffic.borrow_mut().get_mut(&link) {
            note(traffic);
        }
    }

    pub(super) fn bulk_fact(self: &Rc<Self>, link: LinkId, fact: BulkFact) {
        match fact {
            BulkFact::Came(record) if self.traffic.borrow().contains_key(&link) => {
                self.post(&Array::of3(&"frame".into(), &link.0.into(), &record), Some(&Array::of1(&record)));
            }
            // Nobody was asked for anything.
            BulkFact::Came(_) => self.bulk.end(link),
            BulkFact::Low => self.grant(link),
            BulkFact::Gone => {
                let is_known = self.traffic.borrow_mut().remove(&link).is_some();
                if is_known {
                    self.post(&Array::of2(&"forget".into(), &link.0.into()), None);
                }
            }
        }
    }

    /// Lets the worker seal as much as fits.
    pub(super) fn grant(self: &Rc<Self>, link: LinkId) {
        let Some(buffered) = self.bulk.buffered(link).filter(|buffered| *buffered <= BUFFERED_BYTES_LOW) else { return };
        let more = match self.traffic.borrow_mut().get_mut(&link) {
            Some(traffic) if !traffic.sending.is_empty() => {
                let more = BUFFERED_BYTES_MAX.saturating_sub(buffered + traffic.granted);
                if more < GRANT_BYTES_MIN {
                    return;
                }
                traffic.granted += more;
                more
            }
            _ => return,
        };
        // Their memory is used again: a browser that is left to collect it lets 64 MiB come together.
        let spent: Array = self.spent.take().into_iter().collect();
        self.post(&Array::of4(&"credit".into(), &link.0.into(), &more.into(), &spent), Some(&spent));
    }

    /// The worker has sealed a record.
    pub(super) fn record(self: &Rc<Self>, link: LinkId, record: &ArrayBuffer) {
        if let Some(traffic) = self.traffic.borrow_mut().get_mut(&link) {
            traffic.granted = traffic.granted.saturating_sub(record.byte_length());
        }
        self.bulk.send(link, record);
        // The channel has a copy.
        self.spent.borrow_mut().push(record.clone());
        self.grant(link);
    }

    pub(super) fn sent(&self, link: LinkId, number: u32, result: Result<(), FileTrouble>) {
        let is_known = self.traffic.borrow_mut().get_mut(&link).is_some_and(|traffic| traffic.end_sending(number));
        if is_known {
            self.inputs.send(Input::FileSent { link, number, result });
        }
    }

    pub(super) fn came(&self, link: LinkId, number: u32, result: Result<(), FileTrouble>) {
        let is_known = self.traffic.borrow_mut().get_mut(&link).is_some_and(|traffic| traffic.end_expected(number));
        if is_known {
            self.inputs.send(Input::FileCame { number, result });
        }
    }
}

fn remove(numbers: &mut Vec<u32>, number: u32) -> bool {
    let place = numbers.iter().position(|known| *known == number);
    place.map(|place| numbers.swap_remove(place)).is_some()
}
