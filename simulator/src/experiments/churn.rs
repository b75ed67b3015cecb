//! Nodes come and go all the time: as one ends, another joins, so that their number stays. Lookups at a steady rate.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Setup;
use super::tally::{Tally, random_key};
use crate::draws::Draws;
use crate::overlay::{NodeIndex, Overlay};
use crate::report::Report;

/// What churns.
#[derive(Clone, Copy, Debug)]
pub struct Churn {
    /// The world; its lookups are spread over the hours.
    pub setup: Setup,
    /// Mean of the exponentially distributed sessions, in minutes.
    pub session_minutes: f64,
    /// How long is measured.
    pub hours: f64,
    /// Part of the nodes that say goodbye.
    pub graceful: f64,
}

/// Churn before anything is measured, in mean sessions at most this long.
const WARM_UP_MS: u64 = 900_000;
/// By then every lookup is answered or given up.
const ALL_DONE_MS: u64 = 15_000;

/// Runs it.
pub fn churn(churn: &Churn) -> Report {
    let setup = &churn.setup;
    let mut world = setup.grown(2);
    let mut draws = setup.draws();
    let mut ends = Ends::new(churn, &mut world);
    let warm_up_ms = world.now_ms() + WARM_UP_MS.min((churn.session_minutes * 60_000.0) as u64);
    ends.run_until(warm_up_ms, &mut world);
    let mut tally = Tally::begin(&mut world);
    let span_ms = (churn.hours * 3_600_000.0) as u64;
    let began_ms = world.now_ms();
    for number in 0..setup.lookups {
        ends.run_until(began_ms + span_ms * number / setup.lookups, &mut world);
        if let Some(node) = world.draw_member() {
            world.lookup(node, random_key(&mut draws));
        }
    }
    ends.run_until(began_ms + span_ms + ALL_DONE_MS, &mut world);
    tally.take(&mut world);
    let graceful = if churn.graceful > 0.0 { format!(" graceful {}", churn.graceful) } else { String::new() };
    tally.report(&mut world, setup, &format!("churn {} min{graceful}", churn.session_minutes))
}

/// When which node ends.
struct Ends {
    due: BinaryHeap<Reverse<(u64, NodeIndex)>>,
    session_ms: u64,
    graceful: f64,
    draws: Draws,
}

impl Ends {
    fn new(churn: &Churn, world: &mut Overlay) -> Self {
        let session_ms = (churn.session_minutes * 60_000.0) as u64;
        let draws = Draws::from_seed(churn.setup.seed, "churn");
        let mut ends = Self { due: BinaryHeap::new(), session_ms, graceful: churn.graceful, draws };
        for node in world.running() {
            ends.set(node, world.now_ms());
        }
        ends
    }

    fn set(&mut self, node: NodeIndex, now_ms: u64) {
        let at_ms = now_ms + 1 + self.draws.exponential_ms(self.session_ms);
        self.due.push(Reverse((at_ms, node)));
    }

    /// Lets time pass; whoever ends meanwhile is followed by a new node.
    fn run_until(&mut self, until_ms: u64, world: &mut Overlay) {
        while let Some(Reverse((at_ms, node))) = self.due.peek().copied().filter(|Reverse((at_ms, _))| *at_ms <= until_ms) {
            self.due.pop();
            world.run_until(at_ms);
            if self.draws.chance(self.graceful) {
                world.leave(node);
            } else {
                world.crash(node);
            }
            let new = world.join();
            self.set(new, at_ms);
        }
        world.run_until(until_ms);
    }
}
