//! `deposits`: letters for people who are away.

use std::io;

use b4_simulator::experiments::{self, Deposits as Experiment, Setup};
use b4_simulator::overlay::MailConfig;
use clap::Args;

use super::keys::Keys;
use super::{Common, Output, minutes, over_seeds, part, within};

const EXPLAINED: &str = "\
Every node has the product's holder, depositor and collector beside its ring. Letters are left for receivers who are away, all for one
receiver at once, by a node that goes a minute later. Nodes live exponentially distributed sessions and crash; new ones take their places, or
they come back with their disk (--return). Then the receiver comes, collects for two minutes, and comes once more three minutes later.

  deposited    letters that three holders (or --copies, if fewer) had signed for when their author went; not_left: the others
  delivered    collected within 2 s after the receiver was in its place in the ring
  late         collected after that
  unavailable  not collected then, though somebody has it who runs or will return
  lost         nobody has it
  duplicates   letters opened once more after they had been seen
  falls_to_N   how often a departure left N running nodes with a letter, a letter's mean: how rare the next fall is shows how rare losses are
  repair_bytes_ratio  bytes of letters that holders gave to holders, to one copy for each departure of one of the first five

A letter's risk is that of its five holders, which letters for keys nearby share: what is independent is one per node, not one per letter.
An interval over the seeds takes that into account; --receivers beyond --nodes tells little more.";

#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(super) struct Deposits {
    #[command(flatten)]
    common: Common,
    /// Links as browsers have them (see churn --help).
    #[arg(long)]
    webrtc: bool,
    #[command(flatten)]
    keys: Keys,
    /// Copies that are wanted; the product wants five. With 1, a letter is lost when that one node goes: the nearest rival.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=12))]
    copies: u8,
    /// Mean session in minutes; sessions are distributed exponentially.
    #[arg(long, default_value_t = 60.0, value_parser = minutes)]
    session_minutes: f64,
    /// From the author's going to the receiver's return.
    #[arg(long, default_value_t = 24.0, value_parser = hours)]
    away_hours: f64,
    /// Letters, over all receivers.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Receivers; as many as nodes, unless this is given, and never more than letters.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    receivers: Option<u32>,
    /// Part of the nodes that come back with their disk, 0 to 1.
    #[arg(long = "return", default_value_t = 0.0, value_parser = part)]
    returning: f64,
    /// Mean absence of those that come back, in minutes; exponential.
    #[arg(long, default_value_t = 60.0, value_parser = minutes)]
    absence_minutes: f64,
    /// Instead of churn: half of the nodes crash at once when everything is left. Where nobody has a letter any more, one of its holders
    /// or its sender comes back for three minutes; then all collect.
    #[arg(long)]
    crash_half: bool,
    /// Instead of churn: half of the letters are left before the network falls into two halves for so many minutes, the others meanwhile. From
    /// two minutes after it is whole on (or when the ring is one again, if that takes longer: healed_s) all collect.
    #[arg(long, conflicts_with = "crash_half", value_parser = minutes)]
    split_minutes: Option<f64>,
    /// A receiver does not look up who keeps its mail: they hear of its presence.
    #[arg(long)]
    no_asking: bool,
    /// Links that the ring has no use for are closed at once, though mail may be about to come over them.
    #[arg(long)]
    no_mail_links: bool,
    /// Write what happened to lost letters on the error output: the first letter of each receiver.
    #[arg(long)]
    history: bool,
}

fn hours(text: &str) -> Result<f64, String> {
    within(text, 24.0 * 29.0)
}

impl Deposits {
    pub fn run(&self) -> io::Result<()> {
        let reports = over_seeds(&self.common, |seed| {
            let experiment = self.experiment(seed);
            match self.split_minutes {
                Some(minutes) => experiments::deposits_split(&experiment, minutes),
                None if self.crash_half => experiments::deposits_crash_half(&experiment),
                None => experiments::deposits(&experiment),
            }
        });
        Output::new(self.common.json).experiment(&reports)
    }

    fn experiment(&self, seed: u64) -> Experiment {
        let Common { nodes, links, .. } = self.common;
        let receivers = self.receivers.unwrap_or(nodes).min(self.count) as usize;
        let trust = self.keys.trust(&self.common, seed, nodes as usize + receivers);
        Experiment {
            setup: Setup { nodes: nodes as usize, links: links as usize, seed, is_webrtc: self.webrtc, lookups: 0, trust },
            mail: MailConfig {
                copies: usize::from(self.copies),
                asks_for_holders: !self.no_asking,
                keeps_links: !self.no_mail_links,
                has_history: self.history,
                ..MailConfig::default()
            },
            count: self.count as usize,
            receivers,
            session_minutes: self.session_minutes,
            away_hours: self.away_hours,
            returning: self.returning,
            absence_minutes: self.absence_minutes,
        }
    }
}
