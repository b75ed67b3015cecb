//! Who waits for whom. A watch fires once, ends with its connection, or after an hour (PROTOCOL.md#relay).

use std::collections::BTreeMap;

use b4_protocol::identity::UserId;

use super::ConnectionId;

/// All watches, by whom they wait for.
#[derive(Default)]
pub(super) struct Watches {
    by_user: BTreeMap<UserId, BTreeMap<ConnectionId, Watch>>,
    count: usize,
}

/// One watch.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    pub(super) ticket: u32,
    /// When it ends by itself, on the monotonic clock.
    pub(super) until_ms: u64,
}

impl Watches {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Sets a watch, in place of an earlier one of the same connection.
    pub(super) fn set(&mut self, user: UserId, connection: ConnectionId, watch: Watch) {
        if self.by_user.entry(user).or_default().insert(connection, watch).is_none() {
            self.count += 1;
        }
    }

    /// Ends a watch.
    pub(super) fn end(&mut self, user: &UserId, connection: ConnectionId) {
        let Some(watchers) = self.by_user.get_mut(user) else { return };
        self.count -= usize::from(watchers.remove(&connection).is_some());
        if watchers.is_empty() {
            self.by_user.remove(user);
        }
    }

    /// Whether a watch has run out.
    pub(super) fn is_over(&self, user: &UserId, connection: ConnectionId, now_ms: u64) -> bool {
        let watch = self.by_user.get(user).and_then(|watchers| watchers.get(&connection));
        watch.is_none_or(|watch| watch.until_ms <= now_ms)
    }

    /// Takes out all that wait for a user.
    pub(super) fn fire(&mut self, user: &UserId) -> Vec<(ConnectionId, Watch)> {
        let watchers = self.by_user.remove(user).unwrap_or_default();
        self.count -= watchers.len();
        watchers.into_iter().collect()
    }
}
