//! The experiments on our own ring: their options.

use std::io;

use b4_simulator::experiments::{self, Churn, Setup};
use b4_simulator::report::Report;
use clap::Args;

use super::keys::Keys;
use super::{Common, Output, over_seeds};

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
    #[arg(long, default_value_t = 60.0)]
    session_minutes: f64,
    /// Hours that are measured, after the ring has grown and churned for a while.
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// Part of the nodes that say goodbye instead of crashing, 0 to 0.9.
    #[arg(long, default_value_t = 0.0, value_parser = super::fraction)]
    graceful: f64,
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
    #[arg(long, default_value_t = 10)]
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
