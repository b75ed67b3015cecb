//! `fuzz`: small worlds, until the time is over or one fails.

use std::io;
use std::time::{Duration, Instant};

use b4_simulator::experiments::{RingDemand, fuzz_world};
use clap::Args;

#[derive(Args)]
pub(super) struct Fuzz {
    /// Minutes of the wall clock.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// The first seed; each world takes the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// No more worlds than these.
    #[arg(long, default_value_t = u64::MAX)]
    seeds: u64,
    /// Demand that all members make one ring at every moment, newcomers that are not in their place yet, too.
    #[arg(long)]
    members: bool,
}

impl Fuzz {
    pub fn run(&self) -> io::Result<()> {
        let began = Instant::now();
        let span = Duration::from_secs_f64(self.minutes.clamp(0.0, 1e6) * 60.0);
        let demand = if self.members { RingDemand::Members } else { RingDemand::Placed };
        let option = if self.members { " --members" } else { "" };
        let mut worlds = 0;
        while worlds < self.seeds && began.elapsed() < span {
            let seed = self.seed.wrapping_add(worlds);
            if let Err(failure) = fuzz_world(seed, demand) {
                let what = format!("seed {seed}: {}\nreplay: b4-simulator fuzz --seed {seed} --seeds 1{option}", failure.what);
                return Err(io::Error::other(what));
            }
            worlds += 1;
        }
        println!("{worlds} worlds from seed {} on: everything held", self.seed);
        Ok(())
    }
}
