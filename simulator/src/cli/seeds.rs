//! One experiment over several seeds, on threads; the reports come back in the order of the seeds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use b4_simulator::report::Report;

use super::Common;

/// Runs `experiment` once a seed.
pub(crate) fn over_seeds(common: &Common, experiment: impl Fn(u64) -> Report + Sync) -> Vec<Report> {
    let next = AtomicU64::new(0);
    let reports = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..common.threads.min(common.seeds) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= common.seeds {
                        return;
                    }
                    let report = experiment(common.seed.wrapping_add(index));
                    reports.lock().expect("no thread panics while it holds the list").push((index, report));
                }
            });
        }
    });
    let mut reports = reports.into_inner().expect("no thread panics while it holds the list");
    reports.sort_by_key(|(index, _)| *index);
    reports.into_iter().map(|(_, report)| report).collect()
}
