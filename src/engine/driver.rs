//! The loop: one input, both clocks, `Node::handle`, the effects in order, the timer.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use b4_protocol::identity::{RevocationList, TrustAnchor, VerifiedCertificate};
use b4_protocol::node::{Command, Effect, Event, Input, Node, NodeConfig, PageFacts, Row};

use super::effects::Hands;
use crate::platform::files::Files;
use crate::platform::keys::DeviceKeys;
use crate::platform::store::Database;
use crate::platform::rtc::connections_made;
use crate::platform::{Clock, Inputs, PlatformError, Wake, is_handheld, origin, random};

/// What a node is started with.
pub(super) struct Start {
    /// This device's certificate.
    pub(super) certificate: VerifiedCertificate,
    /// The pinned authority.
    pub(super) anchor: TrustAnchor,
    /// The newest revocation list known.
    pub(super) revoked: Option<RevocationList>,
    /// This device's keys.
    pub(super) keys: DeviceKeys,
    /// The open store.
    pub(super) database: Rc<Database>,
    /// Every row of the tables that the node wants at its start.
    pub(super) rows: Vec<Row>,
}

/// A running node. Inputs may come at any time, also from within an effect: then they wait for their turn.
///
/// The inbox has no bound of its own: every input answers an effect, of which the core bounds how many are unanswered, or comes
/// from a callback of the browser, which is handled to its end before the next is called.
pub(super) struct Driver {
    clock: Clock,
    inbox: RefCell<VecDeque<Input>>,
    handling: Cell<bool>,
    running: RefCell<Option<Running>>,
}

/// The node and its hands; gone once stopped.
struct Running {
    node: Node,
    hands: Rc<Hands>,
    wake: Wake,
}

impl Driver {
    /// Starts a node; `on_event` hears everything that it tells the person.
    ///
    /// # Errors
    /// When the browser has no clock or no random source.
    pub(super) fn start(start: Start, on_event: impl Fn(Event) + 'static) -> Result<Rc<Self>, PlatformError> {
        let clock = Clock::new()?;
        let seed = *random::<32>()?;
        let config = NodeConfig {
            certificate: start.certificate,
            anchor: start.anchor,
            revoked: start.revoked,
            origin: origin(),
            page: PageFacts { connections_made: connections_made(), is_handheld: is_handheld() },
            seed,
            rows: start.rows,
        };
        let (node, first) = Node::new(config, clock.now());
        let driver = Rc::new_cyclic(|driver: &Weak<Self>| {
            let driver = driver.clone();
            let inputs = Inputs::new(move |input| {
                if let Some(driver) = driver.upgrade() {
                    driver.push(input);
                }
            });
            let hands = Rc::new(Hands::new(start.keys, start.database, inputs.clone(), on_event));
            let running = Running { node, hands, wake: Wake::new(inputs) };
            Self { clock, inbox: RefCell::default(), handling: Cell::new(true), running: RefCell::new(Some(running)) }
        });
        driver.run(first);
        driver.handle_all();
        Ok(driver)
    }

    /// Takes one input, now if nothing is being handled.
    pub(super) fn push(&self, input: Input) {
        self.inbox.borrow_mut().push_back(input);
        if !self.handling.replace(true) {
            self.handle_all();
        }
    }

    /// Says goodbye on every session, closes everything, and is deaf from now on. Must not be called from within an effect.
    pub(super) fn stop(&self) {
        self.push(Input::Command(Command::Leave));
        self.running.replace(None);
        self.inbox.borrow_mut().clear();
    }

    /// The bytes of files, while it runs.
    pub(super) fn files(&self) -> Option<Files> {
        self.running.borrow().as_ref().map(|running| running.hands.files().clone())
    }

    fn handle_all(&self) {
        loop {
            let Some(input) = self.inbox.borrow_mut().pop_front() else { break };
            let Some(effects) = self.handle(input) else { break };
            self.run(effects);
        }
        if let Some(running) = &*self.running.borrow() {
            running.wake.arm(running.node.next_wake(), self.clock.now());
        }
        self.handling.set(false);
    }

    fn handle(&self, input: Input) -> Option<Vec<Effect>> {
        let now = self.clock.now();
        self.running.borrow_mut().as_mut().map(|running| running.node.handle(input, now))
    }

    fn run(&self, effects: Vec<Effect>) {
        // A clone, so that an effect may look at this driver.
        let hands = self.running.borrow().as_ref().map(|running| Rc::clone(&running.hands));
        if let Some(hands) = hands {
            effects.into_iter().for_each(|effect| hands.carry_out(effect));
        }
    }
}
