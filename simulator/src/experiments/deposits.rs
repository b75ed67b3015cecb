//! Letters for people who are away: left by authors who go, kept by nodes that come and go, collected when their receivers return.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use b4_protocol::ring::RingId;

use super::tally::{Tally, random_key};
use super::{SETTLE_MS, Setup, grow};
use crate::draws::Draws;
use crate::overlay::{Fate, LetterFacts, MailConfig, MailCounted, NodeIndex, Overlay};
use crate::report::{self, Report};

/// What is left, and what happens until it is collected.
#[derive(Clone, Copy, Debug)]
pub struct Deposits {
    /// The world; nothing is looked up in it.
    pub setup: Setup,
    /// The machines of the mail.
    pub mail: MailConfig,
    /// Letters.
    pub count: usize,
    /// Receivers, who get as many letters each.
    pub receivers: usize,
    /// Mean of the exponentially distributed sessions, in minutes.
    pub session_minutes: f64,
    /// From the author's going to the receiver's return.
    pub away_hours: f64,
    /// Part of the nodes that come back with their disk, and after what time on the average.
    pub returning: f64,
    /// Minutes.
    pub absence_minutes: f64,
}

/// A node of the harness: which, and which of those that had its place.
type Node = (NodeIndex, u32);

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// A session is over.
    End(Node),
    /// A node comes back with its disk.
    Back(RingId),
    /// Somebody leaves the letters for a receiver, by number.
    Deposit(usize),
    /// The author goes.
    AuthorGoes(usize, Node),
    /// A receiver returns: for the first time, or once more.
    Return(usize, bool),
    /// A receiver goes.
    ReceiverGoes(usize, Node, bool),
}

/// Churn before the first deposit, at most this long.
const WARM_UP_MS: u64 = 900_000;
/// Deposits are spread over so long, and so are returns.
const SPREAD_MS: u64 = 1_800_000;
/// How long an author stays.
const AUTHOR_STAYS_MS: u64 = 60_000;
/// How long a receiver stays when it has returned, when it comes once more, and for how long: nothing may be opened again then.
const STAY_MS: u64 = 120_000;
const AGAIN_MS: u64 = 180_000;
const STAY_AGAIN_MS: u64 = 60_000;
/// From the crash of half of all to the return of one, how long that one stays, and how long it is gone when the receivers return.
const CRASHED_MS: u64 = 300_000;
const HELPER_STAYS_MS: u64 = 180_000;
const HELPER_GONE_MS: u64 = 60_000;
/// What the ring has to become one after a split: the goal. How long it is given to, and how often it is looked at.
const ONE_RING_MS: u64 = 120_000;
const HEAL_MS: u64 = 600_000;
const LOOK_MS: u64 = 1_000;

/// Runs it.
pub fn deposits(deposits: &Deposits) -> Report {
    let mut course = Course::begin(deposits);
    let away_ms = (deposits.away_hours * 3_600_000.0) as u64;
    let began_ms = course.world.now_ms() + WARM_UP_MS.min((deposits.session_minutes * 60_000.0) as u64);
    for node in course.world.running() {
        course.set_end(node);
    }
    course.run_until(began_ms);
    let tally = Tally::begin(&mut course.world);
    for number in 0..deposits.receivers {
        let at_ms = began_ms + SPREAD_MS * number as u64 / deposits.receivers as u64;
        course.set(at_ms, Act::Deposit(number));
        course.set(at_ms + AUTHOR_STAYS_MS + away_ms, Act::Return(number, false));
    }
    course.run_until(began_ms + AUTHOR_STAYS_MS + away_ms);
    let counted = course.world.mail_counted();
    course.run_until(began_ms + SPREAD_MS + AUTHOR_STAYS_MS + away_ms + STAY_MS + AGAIN_MS + STAY_AGAIN_MS + 1);
    course.report(tally, counted, &format!("deposits {} copies {} min {} h", deposits.mail.copies, deposits.session_minutes, deposits.away_hours))
}

/// After everything is left, half of the nodes crash at once. Of those that had a letter which nobody has any more one comes back, or
/// its sender does, for three minutes; then everybody collects. No node comes or goes beside that.
pub fn deposits_crash_half(deposits: &Deposits) -> Report {
    let mut course = Course::begin(deposits);
    let tally = Tally::begin(&mut course.world);
    let began_ms = course.world.now_ms();
    for number in 0..deposits.receivers {
        course.set(began_ms + SPREAD_MS * number as u64 / deposits.receivers as u64, Act::Deposit(number));
    }
    course.run_until(began_ms + SPREAD_MS + AUTHOR_STAYS_MS + 1);
    let mut order = course.world.running();
    for count in (1..order.len()).rev() {
        order.swap(count, course.draws.index(count + 1));
    }
    order[..deposits.setup.nodes / 2].iter().for_each(|node| course.world.crash(*node));
    let crashed_ms = course.world.now_ms();
    course.run_until(crashed_ms + CRASHED_MS);
    let helpers = course.one_returns_for_each();
    let helped_ms = crashed_ms + CRASHED_MS + HELPER_STAYS_MS;
    course.run_until(helped_ms);
    helpers.into_iter().for_each(|node| course.gone_for_good(node));
    let gone_ms = helped_ms + HELPER_GONE_MS;
    course.run_until(gone_ms);
    let counted = course.world.mail_counted();
    for number in 0..deposits.receivers {
        course.set(gone_ms + SPREAD_MS * number as u64 / deposits.receivers as u64, Act::Return(number, false));
    }
    course.run_until(gone_ms + SPREAD_MS + STAY_MS + AGAIN_MS + STAY_AGAIN_MS + 1);
    course.report(tally, counted, &format!("deposits {} copies, half crash", deposits.mail.copies))
}

/// Half of the letters are left before the network falls into two halves, the others while it is in two. From two minutes after it is one
/// again on, which is what the ring is given to be one, everybody collects. No node comes or goes beside authors' and receivers' own.
pub fn deposits_split(deposits: &Deposits, minutes: f64) -> Report {
    let mut course = Course::begin(deposits);
    let tally = Tally::begin(&mut course.world);
    let split_ms = course.world.now_ms() + SPREAD_MS / 2;
    let span_ms = (minutes * 60_000.0) as u64;
    let before = deposits.receivers / 2;
    for number in 0..before {
        course.set(split_ms - SPREAD_MS / 2 * (number + 1) as u64 / before as u64, Act::Deposit(number));
    }
    for number in before..deposits.receivers {
        course.set(split_ms + span_ms * (number - before) as u64 / (deposits.receivers - before) as u64, Act::Deposit(number));
    }
    course.run_until(split_ms);
    course.world.split();
    course.run_until(split_ms + span_ms);
    course.world.heal();
    let healed_s = course.time_to_heal();
    let return_ms = course.world.now_ms().max(split_ms + span_ms + ONE_RING_MS);
    course.run_until(return_ms);
    let counted = course.world.mail_counted();
    for number in 0..deposits.receivers {
        course.set(return_ms + SPREAD_MS * number as u64 / deposits.receivers as u64, Act::Return(number, false));
    }
    course.run_until(return_ms + SPREAD_MS + STAY_MS + AGAIN_MS + STAY_AGAIN_MS + 1);
    let mut report = course.report(tally, counted, &format!("deposits {} copies, split {minutes} min", deposits.mail.copies));
    report.healed_s = healed_s;
    report
}

struct Course<'a> {
    deposits: &'a Deposits,
    world: Overlay,
    draws: Draws,
    due: BinaryHeap<Reverse<(u64, u64, Act)>>,
    next: u64,
    /// Keys of mailboxes and places of their receivers.
    receivers: Vec<(RingId, RingId)>,
    /// Running nodes that are no receivers.
    ordinary: usize,
}

impl<'a> Course<'a> {
    fn begin(deposits: &'a Deposits) -> Self {
        let mut world = deposits.setup.world(3);
        world.keep_mail(deposits.mail);
        grow(&mut world, deposits.setup.nodes);
        world.run_for(SETTLE_MS);
        let mut draws = Draws::from_seed(deposits.setup.seed, "deposits");
        let receivers: Vec<(RingId, RingId)> = (0..deposits.receivers).map(|_| (random_key(&mut draws), random_key(&mut draws))).collect();
        receivers.iter().for_each(|(key, place)| world.add_mailbox(*key, *place));
        Self { deposits, world, draws, due: BinaryHeap::new(), next: 0, receivers, ordinary: deposits.setup.nodes }
    }

    fn set(&mut self, at_ms: u64, act: Act) {
        self.next += 1;
        self.due.push(Reverse((at_ms, self.next, act)));
    }

    fn set_end(&mut self, node: NodeIndex) {
        let span_ms = 1 + self.draws.exponential_ms((self.deposits.session_minutes * 60_000.0) as u64);
        let act = Act::End((node, self.world.life(node)));
        self.set(self.world.now_ms() + span_ms, act);
    }

    fn run_until(&mut self, until_ms: u64) {
        while let Some(Reverse((at_ms, _, act))) = self.due.peek().copied().filter(|Reverse((at_ms, _, _))| *at_ms <= until_ms) {
            self.due.pop();
            self.world.run_until(at_ms);
            self.happen(act);
        }
        self.world.run_until(until_ms);
    }

    /// Seconds until the ring is whole; none if it is not by then.
    fn time_to_heal(&mut self) -> Option<f64> {
        let began_ms = self.world.now_ms();
        while !self.world.is_whole() && self.world.now_ms() < began_ms + HEAL_MS {
            self.run_until(self.world.now_ms() + LOOK_MS);
        }
        self.world.is_whole().then(|| (self.world.now_ms() - began_ms) as f64 / 1_000.0)
    }

    fn happen(&mut self, act: Act) {
        let now_ms = self.world.now_ms();
        match act {
            Act::End(node) => self.session_over(node),
            Act::Back(place) => {
                let node = self.world.join_at(place);
                self.ordinary += 1;
                self.set_end(node);
            }
            Act::Deposit(number) => {
                let Some(author) = self.draw_author() else { return };
                let count = self.share_of(number);
                self.world.deposit(author, self.receivers[number].0, count);
                self.set(now_ms + AUTHOR_STAYS_MS, Act::AuthorGoes(number, (author, self.world.life(author))));
            }
            Act::AuthorGoes(number, (author, _)) => self.world.author_goes(author, self.receivers[number].0),
            Act::Return(number, is_again) => {
                let (key, place) = self.receivers[number];
                self.world.receiver_returns(key);
                let node = self.world.join_at(place);
                let stay_ms = if is_again { STAY_AGAIN_MS } else { STAY_MS };
                self.set(now_ms + stay_ms, Act::ReceiverGoes(number, (node, self.world.life(node)), is_again));
            }
            Act::ReceiverGoes(number, node, is_again) => {
                if is_again {
                    self.gone_for_good(node);
                } else {
                    self.world.crash(node.0);
                    self.set(now_ms + AGAIN_MS, Act::Return(number, true));
                }
            }
        }
    }

    /// How many letters a receiver gets.
    fn share_of(&self, number: usize) -> usize {
        let Deposits { count, receivers, .. } = *self.deposits;
        count * (number + 1) / receivers - count * number / receivers
    }

    fn draw_author(&mut self) -> Option<NodeIndex> {
        // Most receivers are away.
        for _ in 0..16 {
            let node = self.world.draw_member()?;
            let place = self.world.place_of(node);
            if self.receivers.iter().all(|(_, receiver)| *receiver != place) {
                return Some(node);
            }
        }
        None
    }

    /// A node ends, and is followed by a new one, unless those that returned make up for it.
    fn session_over(&mut self, (node, life): Node) {
        if self.world.life(node) != life {
            return;
        }
        let place = self.world.place_of(node);
        self.world.crash(node);
        self.ordinary -= 1;
        if self.draws.chance(self.deposits.returning) {
            let span_ms = 1 + self.draws.exponential_ms((self.deposits.absence_minutes * 60_000.0) as u64);
            self.set(self.world.now_ms() + span_ms, Act::Back(place));
        } else {
            self.world.forget_disk(place);
        }
        if self.ordinary < self.deposits.setup.nodes {
            let new = self.world.join();
            self.ordinary += 1;
            self.set_end(new);
        }
    }

    fn gone_for_good(&mut self, (node, life): Node) {
        if self.world.life(node) == life {
            let place = self.world.place_of(node);
            self.world.crash(node);
            self.world.forget_disk(place);
        }
    }

    /// For each mailbox of which nobody has anything any more a holder returns, or the sender, by turns. Nobody else ever will.
    fn one_returns_for_each(&mut self) -> Vec<Node> {
        let mut places: Vec<RingId> = Vec::new();
        let mut senders: Vec<(RingId, RingId)> = Vec::new();
        for (key, _) in self.receivers.clone() {
            if !self.world.is_nowhere(key) {
                continue;
            }
            let holders = self.world.disks_with(key);
            let is_helped = holders.iter().any(|place| places.contains(place));
            match self.world.author_of(key).filter(|_| self.draws.chance(0.5)) {
                _ if is_helped => {}
                Some(author) => senders.push((author, key)),
                None if !holders.is_empty() => places.push(holders[self.draws.index(holders.len())]),
                None => {}
            }
        }
        let mut nodes: Vec<Node> = Vec::new();
        let mut come_back = |world: &mut Overlay, place: RingId| match world.node_at(place) {
            Some(node) => node,
            None => {
                let node = world.join_at(place);
                nodes.push((node, world.life(node)));
                node
            }
        };
        places.into_iter().for_each(|place| {
            come_back(&mut self.world, place);
        });
        for (author, key) in senders {
            let node = come_back(&mut self.world, author);
            self.world.deposit_again(node, key);
        }
        self.world.forget_absent();
        nodes
    }

    fn report(mut self, tally: Tally, counted: MailCounted, experiment: &str) -> Report {
        let letters = self.world.letters();
        if self.deposits.mail.has_history {
            self.tell_lost(&letters);
        }
        let mut report = tally.report(&mut self.world, &self.deposits.setup, experiment);
        report.deposits = Some(summed(self.deposits.mail.copies, &letters, counted));
        report
    }

    /// Writes what happened to the letters that are lost on the error output: for whoever looks for the cause.
    fn tell_lost(&self, letters: &[LetterFacts]) {
        for letter in letters.iter().filter(|letter| letter.fate == Fate::Lost) {
            let history = self.world.history(letter.number);
            for (at_ms, what, place) in &history[history.len().saturating_sub(40)..] {
                eprintln!("letter {} at {:>10.3} s {what:<8} {:08x}", letter.number, *at_ms as f64 / 1_000.0, place.head());
            }
        }
    }
}

fn summed(copies: usize, letters: &[LetterFacts], counted: MailCounted) -> report::Deposits {
    let of = |fate: Fate| letters.iter().filter(|letter| letter.fate == fate).count() as u64;
    let left = || letters.iter().filter(|letter| letter.fate != Fate::NotLeft);
    let left_ms = sorted(letters.iter().filter_map(|letter| letter.left_ms));
    let took_ms = sorted(left().filter_map(|letter| letter.took_ms));
    let deposited = left().count() as u64;
    let falls_to = |copies: usize| left().map(|letter| f64::from(letter.falls[copies])).sum::<f64>() / deposited.max(1) as f64;
    let oracle = (counted.oracle_bytes as f64).max(1.0);
    report::Deposits {
        copies,
        deposited,
        not_left: of(Fate::NotLeft),
        delivered: of(Fate::Delivered),
        late: of(Fate::Late),
        unavailable: of(Fate::Unavailable),
        lost: of(Fate::Lost),
        lost_per_million: of(Fate::Lost) as f64 / deposited.max(1) as f64 * 1e6,
        duplicates: letters.iter().map(|letter| u64::from(letter.opened.saturating_sub(1))).sum(),
        falls_to_4: falls_to(4),
        falls_to_3: falls_to(3),
        falls_to_2: falls_to(2),
        falls_to_1: falls_to(1),
        falls_to_0: falls_to(0),
        repair_bytes_ratio: counted.repair_bytes as f64 / oracle,
        repair_all_bytes_ratio: (counted.repair_bytes + counted.repair_word_bytes) as f64 / oracle,
        deposit_ms_p50: percentile(&left_ms, 50),
        deposit_ms_p99: percentile(&left_ms, 99),
        collect_ms_p50: percentile(&took_ms, 50),
        collect_ms_p99: percentile(&took_ms, 99),
    }
}

fn sorted(times_ms: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut times_ms: Vec<u64> = times_ms.collect();
    times_ms.sort_unstable();
    times_ms
}

fn percentile(sorted_ms: &[u64], part: usize) -> Option<f64> {
    sorted_ms.get(sorted_ms.len() * part / 100).map(|ms| *ms as f64)
}
