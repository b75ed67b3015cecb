//! The experiments on our own ring: their options.

use std::io;

use b4_simulator::experiments::{self, Alone, Churn, Setup};
use b4_simulator::report::Report;
use clap::Args;

use super::keys::Keys;
use super::{Common, Output, minutes, over_none, over_seeds, part};

/// The options of experiments on our own ring.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct RingOptions {
    #[command(flatten)]
    common: Common,
    /// Links as browsers have them: 15 % of pairs cannot connect, 70 % of crashes are noticed after 5 to 30 s, set-up takes
    /// 0.4 to 2 s and fails in 3 %. Without it, every pair connects and a crash is heard of one latency later.
    #[arg(long)]
    webrtc: bool,
    #[command(flatten)]
    keys: Keys,
    /// Lookups of random keys from random nodes, a seed.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    lookups: u64,
}

#[derive(Args)]
pub(super) struct Hops {
    #[command(flatten)]
    options: RingOptions,
}

#[derive(Args)]
pub(super) struct Crash {
    #[command(flatten)]
    options: RingOptions,
    /// Part of the nodes that crash, 0 to 0.9.
    #[arg(long, default_value_t = 0.5, value_parser = super::fraction)]
    fraction: f64,
}

#[derive(Args)]
pub(super) struct ChurnOptions {
    #[command(flatten)]
    options: RingOptions,
    /// Mean session in minutes; sessions are distributed exponentially.
    #[arg(long, default_value_t = 60.0, value_parser = minutes)]
    session_minutes: f64,
    /// Hours that are measured, after the ring has grown and churned for a while.
    #[arg(long, default_value_t = 1.0, value_parser = hours)]
    hours: f64,
    /// Part of the nodes that say goodbye instead of crashing, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = part)]
    graceful: f64,
}

fn hours(text: &str) -> Result<f64, String> {
    over_none(text, 10_000.0)
}

const ALONE_EXPLAINED: &str = "\
After the relay's death nobody is introduced any more, and no signalling goes through it. When the ring is whole again (healed_s, from the last crash on)
keys are looked up; then random pairs of running nodes without a link open one, as a chat would: the certificate is asked for over the ring, the
sealed offer, answer and candidates are routed, the link is set up. A dial that fails is made again after 1, 2, 4 and 8 seconds. Pairs that can never
connect (--webrtc: 15 %) are not drawn. Per-node figures are of those left.

  pairs            pairs that were to open a link
  reached          those that have; reached_at_once those of them whose first dial led to it
  unreached        the others
  reach_ms_p50     from the order to the open link, the median; reach_ms_p99 the 99th percentile";

#[derive(Args)]
#[command(after_help = ALONE_EXPLAINED)]
pub(super) struct AloneOptions {
    #[command(flatten)]
    options: RingOptions,
    /// Part of the nodes that crash after the relay's death, 0 to 0.9.
    #[arg(long, default_value_t = 0.5, value_parser = super::fraction)]
    fraction: f64,
    /// Minutes over which their crashes are spread.
    #[arg(long, default_value_t = 10.0, value_parser = minutes)]
    minutes: f64,
    /// They all crash in the same moment instead.
    #[arg(long)]
    at_once: bool,
    /// Pairs of nodes that are to open a link, a seed.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pairs: u32,
}

#[derive(Args)]
pub(super) struct Droppers {
    #[command(flatten)]
    options: RingOptions,
    /// Part of the nodes that take requests and drop them, 0 to 0.9.
    #[arg(long, default_value_t = 0.12, value_parser = super::fraction)]
    fraction: f64,
    /// Ways on which a request is tried, each over another first hop.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=8))]
    paths: u8,
    /// They also say that they passed a request on, to each of those who should answer it.
    #[arg(long)]
    lying: bool,
}

#[derive(Args)]
pub(super) struct Split {
    #[command(flatten)]
    options: RingOptions,
    /// How long the network is in two halves.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    minutes: u64,
}

#[derive(Args)]
pub(super) struct Zombies {
    #[command(flatten)]
    options: RingOptions,
    /// Part of the nodes that sleep, 0 to 0.9.
    #[arg(long, default_value_t = 0.2, value_parser = super::fraction)]
    fraction: f64,
}

impl RingOptions {
    fn over_seeds(&self, experiment: impl Fn(&Setup) -> Report + Sync) -> io::Result<()> {
        let reports = over_seeds(&self.common, |seed| {
            experiment(&Setup {
                nodes: self.common.nodes as usize,
                links: self.common.links as usize,
                seed,
                is_webrtc: self.webrtc,
                lookups: self.lookups,
                trust: self.keys.trust(&self.common, seed, self.common.nodes as usize),
            })
        });
        Output::new(self.common.json).experiment(&reports)
    }
}

impl Hops {
    pub fn run(&self) -> io::Result<()> {
        self.options.over_seeds(experiments::hops)
    }
}

impl Crash {
    pub fn run(&self) -> io::Result<()> {
        self.options.over_seeds(|setup| experiments::crash(setup, self.fraction))
    }
}

impl AloneOptions {
    pub fn run(&self) -> io::Result<()> {
        let (fraction, minutes, is_at_once, pairs) = (self.fraction, self.minutes, self.at_once, self.pairs as usize);
        self.options.over_seeds(|setup| experiments::alone(&Alone { setup: *setup, fraction, minutes, is_at_once, pairs }))
    }
}

impl ChurnOptions {
    pub fn run(&self) -> io::Result<()> {
        let (session_minutes, hours, graceful) = (self.session_minutes, self.hours, self.graceful);
        self.options.over_seeds(|setup| experiments::churn(&Churn { setup: *setup, session_minutes, hours, graceful }))
    }
}

impl Droppers {
    pub fn run(&self) -> io::Result<()> {
        self.options.over_seeds(|setup| experiments::droppers(setup, self.fraction, self.paths, self.lying))
    }
}

impl Split {
    pub fn run(&self) -> io::Result<()> {
        self.options.over_seeds(|setup| experiments::split(setup, self.minutes))
    }
}

impl Zombies {
    pub fn run(&self) -> io::Result<()> {
        self.options.over_seeds(|setup| experiments::zombies(setup, self.fraction))
    }
}
