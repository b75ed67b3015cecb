//! The channel `bulk` of each link. It is made when a file first goes over the link, and handed over to whoever carries files; where the
//! browser cannot do that, its records pass as the browser has them, without a copy.
//!
//! Deliberately absent: what is in them, and how many may be on their way.

use std::rc::{Rc, Weak};

use b4_protocol::file::{BLOCK_BYTES, BULK_OVERHEAD_BYTES};
use b4_protocol::node::{LinkEnd, LinkId};
use js_sys::ArrayBuffer;
use web_sys::RtcDataChannel;

use super::link::Link;
use super::{Links, Table};

/// What happens on the channel `bulk` of a link.
pub enum BulkFact {
    /// A record came on a channel that was not handed over.
    Came(ArrayBuffer),
    /// Such a channel opened, or what it has buffered fell to the low-water mark.
    Low,
    /// The link is gone; nothing more happens on it.
    Gone,
}

/// How a page's channels `bulk` are reached. Cheap to clone; without links once they are dropped.
#[derive(Clone)]
pub struct Bulk {
    table: Weak<Table>,
}

impl Links {
    /// All channels `bulk` of these links.
    pub fn bulk(&self) -> Bulk {
        Bulk { table: Rc::downgrade(&self.table) }
    }
}

impl Bulk {
    /// Hears everything from now on, in the place of whoever did before.
    pub fn listen(&self, heard: impl Fn(LinkId, BulkFact) + 'static) {
        if let Some(table) = self.table.upgrade() {
            table.bulk.replace(Some(Rc::new(heard)));
        }
    }

    /// Makes the channel of a link unless there is one, and offers it to `take` before anything else happens. True where it was taken, now
    /// or before; `None` where there is no such link, or no such channel on it.
    pub fn make(&self, id: LinkId, take: impl FnOnce(&RtcDataChannel) -> bool) -> Option<bool> {
        let made = self.link(id)?.make_bulk(take);
        if made.is_err() {
            self.end(id);
        }
        made.ok()
    }

    /// Sends a record. A channel that does not take it ends the link.
    pub fn send(&self, id: LinkId, record: &ArrayBuffer) {
        if self.link(id).is_some_and(|link| link.send_bulk(record).is_err()) {
            self.end(id);
        }
    }

    /// Bytes that were sent and have not left yet. `None` where there is no such link, or its channel is not open or not here.
    pub fn buffered(&self, id: LinkId) -> Option<u32> {
        Some(self.link(id)?.bulk_channel()?.buffered_amount())
    }

    /// How long the pieces of a block may be that are sent to the other end. `None` where there is no such link.
    pub fn piece_bytes(&self, id: LinkId) -> Option<u32> {
        Some(piece_bytes(self.link(id)?.message_bytes_max()))
    }

    /// Ends a link whose other end keeps no rules.
    pub fn end(&self, id: LinkId) {
        if let Some(table) = self.table.upgrade() {
            table.end(id, LinkEnd::Closed);
        }
    }

    fn link(&self, id: LinkId) -> Option<Rc<Link>> {
        self.table.upgrade()?.links.borrow().get(&id).cloned()
    }
}

/// Bytes of a piece where messages have `message_bytes_max` at most: a block's, or the most whole KiB that fit with what a record adds.
pub fn piece_bytes(message_bytes_max: f64) -> u32 {
    const KIB: u32 = 1024;
    let kib = (message_bytes_max - BULK_OVERHEAD_BYTES as f64) / f64::from(KIB);
    // Rounded down; what is no number, or too large for one, becomes the nearest.
    (kib as u32).clamp(1, BLOCK_BYTES as u32 / KIB) * KIB
}
