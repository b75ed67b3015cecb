//! `fuzz`: small worlds, until the time is over or one fails.

use std::io;
use std::time::{Duration, Instant};

use b4_simulator::experiments::{
    Fuzz as World, FuzzFailure, PeopleFuzz, RingDemand, arrangements, fuzz_people, fuzz_world, scripted_world, scripts,
};
use b4_simulator::overlay::Trust;
use b4_simulator::report::Report;
use clap::Args;

use super::Output;

const EXPLAINED: &str = "\
Each world draws from its seed which faults it has and how often: joins, leaves, crashes, sleep, timers that come late, splits; in some, links as
in browsers, in some pairs that can never connect. After everything that happens it is looked at: lists in order, links mutual, nobody
who ended long ago is named, and the members' best successors make one ring (Zave 2017). Four minutes after the last fault everybody is to be in
its place, and everybody's questions are answered by the right ones.

With --people the worlds are of whole nodes: people who talk, with certificates, conversations, mail for the absent and disks, and the relay of the
product. Beside crashes, goodbyes, reloads and splits there are disks that fail, links that one end alone believes in or over which nothing comes one
way, pages that compute or are hidden, pairs without a path for a while, a relay that ends and starts again, and an enemy with a certificate. At every
moment nothing is claimed that the others' disks do not bear out, nothing is shown twice, nobody reads what is not for them; and in the end, when
everything works again, whatever an author's screen has ever shown is with its reader, once and in order; and when the relay is then killed for
good, everybody finds somebody whom they did not know and says something that arrives.

The first that does not hold ends the program, with the command that runs that world again.";

#[derive(Args)]
#[command(after_help = EXPLAINED)]
pub(super) struct Fuzz {
    /// Minutes of the wall clock.
    #[arg(long, default_value_t = 1.0, value_parser = super::minutes)]
    minutes: f64,
    /// Nodes at once at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=200))]
    nodes: u32,
    /// Overlay links that a node keeps.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(4..=64))]
    links: u32,
    /// The first seed; each world takes the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// No more worlds than these.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    seeds: u64,
    /// Demand that all members make one ring at every moment, newcomers that are not in their place yet, too.
    #[arg(long)]
    members: bool,
    /// Demand what no world keeps, that nobody ever has a place: to see what is said then.
    #[arg(long, hide = true, conflicts_with = "members")]
    nobody: bool,
    /// Instead: every order of so many joins, leaves and crashes that up to five nodes can have, at every order of their places round the circle,
    /// one world after the other. Ten are all that there can be, and take half a minute; 8 leave two nodes at least.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=10))]
    orders: Option<u8>,
    /// Give the nodes keys and certificates: a world then takes seconds, and the same course.
    #[arg(long)]
    keys: bool,
    /// Instead: worlds of so many people at most, who talk. Takes a second or more for each world.
    #[arg(long, value_parser = clap::value_parser!(u8).range(3..=PeopleFuzz::PEOPLE_MAX as i64), conflicts_with_all = ["orders", "keys", "members", "nobody"])]
    people: Option<u8>,
    /// Print JSON, one object a world as it ends.
    #[arg(long)]
    json: bool,
}

impl Fuzz {
    pub fn run(&self) -> io::Result<()> {
        if let Some(deeds) = self.orders {
            return self.run_orders(usize::from(deeds));
        }
        let began = Instant::now();
        let span = Duration::from_secs_f64(self.minutes * 60.0);
        let output = Output::new(self.json);
        let mut worlds = 0;
        while worlds < self.seeds && began.elapsed() < span {
            output.json_line_only(&self.run_world(self.seed.wrapping_add(worlds))?)?;
            worlds += 1;
        }
        output.text(&format!("{worlds} worlds from seed {} on: everything held", self.seed))
    }

    fn run_world(&self, seed: u64) -> io::Result<Report> {
        let complain = |failure: FuzzFailure, replay: String| {
            let FuzzFailure { seed, what } = failure;
            io::Error::other(format!("seed {seed}: {what}\nreplay: {replay}"))
        };
        if let Some(people) = self.people {
            let world = PeopleFuzz { seed, people: usize::from(people) };
            return fuzz_people(&world).map(|fuzzed| fuzzed.report(&world)).map_err(|failure| complain(failure, replay_people(&world)));
        }
        let world = self.world(seed);
        fuzz_world(&world).map(|fuzzed| fuzzed.report).map_err(|failure| complain(failure, replay(&world)))
    }

    /// The deeds are 200 ms apart: while a newcomer asks for its place.
    fn run_orders(&self, deeds: usize) -> io::Result<()> {
        let mut worlds = 0;
        for script in scripts(deeds) {
            for places in arrangements(&script) {
                scripted_world(worlds, &script, &places, 200, RingDemand::Placed).map_err(|failure| io::Error::other(failure.what))?;
                worlds += 1;
            }
        }
        Output::new(self.json).text(&format!("{worlds} worlds, every order of {deeds} deeds: everything held"))
    }

    fn world(&self, seed: u64) -> World {
        let demand = match (self.members, self.nobody) {
            (true, _) => RingDemand::Members,
            (false, true) => RingDemand::Nobody,
            (false, false) => RingDemand::Placed,
        };
        let trust = if self.keys { Trust::Certificates } else { Trust::Word };
        World { seed, nodes: self.nodes as usize, links: self.links as usize, demand, trust }
    }
}

/// What both replay commands begin with.
const AGAIN: &str = "cargo run --profile native -p b4-simulator -- fuzz";

fn replay_people(world: &PeopleFuzz) -> String {
    format!("{AGAIN} --people {} --seed {} --seeds 1", world.people, world.seed)
}

/// The command that runs a world again, as it is pasted into a shell.
fn replay(world: &World) -> String {
    let World { seed, nodes, links, demand, trust } = world;
    let members = match demand {
        RingDemand::Members => " --members",
        RingDemand::Nobody => " --nobody",
        RingDemand::None | RingDemand::Placed => "",
    };
    let keys = if *trust == Trust::Certificates { " --keys" } else { "" };
    format!("{AGAIN} --nodes {nodes} --links {links} --seed {seed} --seeds 1{members}{keys}")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn what_is_printed_to_run_a_world_again_runs_that_world() {
        for line in ["fuzz --members --seed 5", "fuzz --nobody --seed 6", "fuzz --nodes 7 --links 8 --seed 9 --seeds 3 --keys"] {
            let parsed = |line: &str| match Cli::parse_from(line.split(' ')).command {
                Command::Fuzz(fuzz) => (fuzz.seeds, fuzz.world(fuzz.seed)),
                _ => unreachable!("each line is of fuzz"),
            };
            let (_, world) = parsed(&format!("b4-simulator {line}"));
            let replay = replay(&world);
            let (seeds, again) = parsed(replay.split_once(" -- ").map(|(_, line)| format!("b4-simulator {line}")).as_deref().unwrap());
            assert_eq!((seeds, format!("{again:?}")), (1, format!("{world:?}")));
        }
        let replay = replay_people(&PeopleFuzz { seed: 12, people: 5 });
        let parsed = Cli::parse_from(format!("b4-simulator {}", replay.split_once(" -- ").unwrap().1).split(' '));
        assert!(matches!(parsed.command, Command::Fuzz(Fuzz { people: Some(5), seed: 12, seeds: 1, .. })));
    }
}
