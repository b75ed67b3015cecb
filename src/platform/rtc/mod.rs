//! Links: peer connections, each with its data channels, as the core orders them.
//!
//! A link begins with `offer` or `answer`; its description and candidates go out as inputs; with `accept` and `candidate` it takes
//! the other end's. Its asynchronous steps run one after the other ([`link`]). It ends by `close`, silently, or by itself
//! with one `Input::LinkClosed`, after which nothing comes from it any more. What goes over the channel `bulk` is not for the core ([`bulk`]).

mod bulk;
mod config;
mod link;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use b4_protocol::node::{Input, LinkEnd, LinkId};
use b4_protocol::ordered::OrderedMap;
use b4_protocol::signal::relay::IceServer;

pub use self::bulk::{Bulk, BulkFact, piece_bytes};
pub(super) use self::config::BULK_LOW_WATER_BYTES;
use self::link::{Link, Step};
use super::Inputs;

/// All links of this page.
pub struct Links {
    table: Rc<Table>,
}

/// What the links themselves reach: where to put inputs, and how to leave.
struct Table {
    inputs: Inputs,
    links: RefCell<OrderedMap<LinkId, Rc<Link>>>,
    /// Who hears of the channels `bulk`.
    bulk: RefCell<Option<Rc<BulkListener>>>,
}

type BulkListener = dyn Fn(LinkId, BulkFact);

thread_local! {
    static MADE: Cell<u32> = const { Cell::new(0) };
}

/// Peer connections made since the page was loaded: browsers allow a page some hundreds in its life.
pub fn connections_made() -> u32 {
    MADE.get()
}

impl Links {
    /// No links yet.
    pub fn new(inputs: Inputs) -> Self {
        Self { table: Rc::new(Table { inputs, links: RefCell::new(OrderedMap::new()), bulk: RefCell::default() }) }
    }

    /// Makes a connection and its offer.
    pub fn offer(&self, id: LinkId, ice: &[IceServer]) {
        self.begin(id, ice, Step::Offer);
    }

    /// Makes a connection and its answer to the remote offer `sdp`.
    pub fn answer(&self, id: LinkId, sdp: String, ice: &[IceServer]) {
        self.begin(id, ice, Step::Answer(sdp));
    }

    /// Takes the remote answer.
    pub fn accept(&self, id: LinkId, sdp: String) {
        self.step(id, Step::Accept(sdp));
    }

    /// Takes a remote candidate.
    pub fn candidate(&self, id: LinkId, candidate: String) {
        self.step(id, Step::Candidate(candidate));
    }

    /// Sends one message over the channel of this number. A channel that does not take it ends the link.
    pub fn send(&self, id: LinkId, channel: u16, frame: &[u8]) {
        let sent = match self.table.links.borrow().get(&id) {
            Some(link) => link.send(channel, frame),
            None => return,
        };
        if sent.is_err() {
            self.table.end(id, LinkEnd::Closed);
        }
    }

    /// Closes a link without a word.
    pub fn close(&self, id: LinkId) {
        self.table.remove(id);
    }

    fn begin(&self, id: LinkId, ice: &[IceServer], first: Step) {
        MADE.set(MADE.get() + 1);
        match Link::new(id, ice, &self.table) {
            Ok(link) => {
                self.table.links.borrow_mut().insert(id, Rc::clone(&link));
                link.enqueue(first);
            }
            Err(_) => self.table.inputs.send(Input::LinkClosed { link: id, end: LinkEnd::Refused }),
        }
    }

    fn step(&self, id: LinkId, step: Step) {
        let link = self.table.links.borrow().get(&id).cloned();
        if let Some(link) = link {
            link.enqueue(step);
        }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        // Taken out first: a link that closes looks into the table.
        let links = std::mem::take(&mut *self.table.links.borrow_mut());
        links.values().for_each(|link| link.close());
    }
}

impl Table {
    /// Takes the link out and closes it; true when it was there.
    fn remove(&self, id: LinkId) -> bool {
        let link = self.links.borrow_mut().remove(&id);
        match link {
            Some(link) => {
                link.close();
                self.bulk_fact(id, BulkFact::Gone);
                true
            }
            None => false,
        }
    }

    fn bulk_fact(&self, id: LinkId, fact: BulkFact) {
        let heard = self.bulk.borrow().clone();
        if let Some(heard) = heard {
            heard(id, fact);
        }
    }

    /// A link ended by itself: said once.
    fn end(&self, id: LinkId, end: LinkEnd) {
        if self.remove(id) {
            self.inputs.send(Input::LinkClosed { link: id, end });
        }
    }
}

/// How a link reaches the table without keeping it alive.
#[derive(Clone)]
struct Home {
    table: Weak<Table>,
    id: LinkId,
}

impl Home {
    fn send(&self, input: Input) {
        if let Some(table) = self.table.upgrade() {
            table.inputs.send(input);
        }
    }

    fn bulk(&self, fact: BulkFact) {
        if let Some(table) = self.table.upgrade() {
            table.bulk_fact(self.id, fact);
        }
    }

    fn end(&self, end: LinkEnd) {
        if let Some(table) = self.table.upgrade() {
            table.end(self.id, end);
        }
    }
}
