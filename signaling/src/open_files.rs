//! How many files and sockets this process may have open. Many systems allow 1,024 at first and far more when asked.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Open files other than connections: the registry, the app's files being served, logs. Guess, generous.
const OTHERS: usize = 256;

/// Asks the system for as many open files as `connections` need, and says so in the log where it does not give them.
pub fn allow(connections: usize) {
    let wanted = u64::try_from(connections + OTHERS).unwrap_or(u64::MAX);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft >= wanted {
        return;
    }
    let given = wanted.min(hard);
    let raised = setrlimit(Resource::RLIMIT_NOFILE, given, hard).is_ok();
    if !raised || given < wanted {
        let allowed = if raised { given } else { soft };
        tracing::warn!(allowed, wanted, "too few open files for --peers-max: raise the limit (ulimit -n, LimitNOFILE) or lower it");
    }
}
