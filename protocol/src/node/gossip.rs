//! The revocation list passed on from peer to peer, so that it reaches those who cannot reach the authority.
//!
//! Each end of a new session says which list it has, by its sequence; who has a newer one sends it. A list that is learned is verified,
//! kept on disk, heeded, and announced to everybody linked.

use super::journal::Purpose;
use super::{Node, Row, Table};
use crate::identity::{RevocationList, TrustAnchor, UserId};
use crate::limits::GOSSIP_BYTES_MAX;
use crate::session::Content;
use crate::store::Write;
use crate::time::Now;

/// Key of the row in `Table::Meta`.
const ROW_KEY: &[u8] = b"revoked";

/// The newer of the list that the engine has and the one that was learned from peers.
pub(super) fn newest(rows: &[Row], known: Option<RevocationList>, anchor: &TrustAnchor) -> Option<RevocationList> {
    let row = rows.iter().find(|row| row.table == Table::Meta && row.key == ROW_KEY);
    let learned = row.and_then(|row| RevocationList::decode_verified(&row.value, anchor, None).ok());
    match (known, learned) {
        (Some(known), Some(learned)) if learned.sequence() <= known.sequence() => Some(known),
        (known, learned) => learned.or(known),
    }
}

impl Node {
    /// Says to `user` which list is known here.
    pub(super) fn tell_revoked(&mut self, user: &UserId, now: Now) {
        let sequence = self.revoked_sequence().to_be_bytes();
        self.send_body(user, Content::Revoked, &sequence, now);
    }

    /// Tells everybody linked which list is known here: it is new.
    pub(super) fn announce_revoked(&mut self, now: Now) {
        for user in self.links.users_up() {
            self.tell_revoked(&user, now);
        }
    }

    /// A peer says which list it has, or sends one. False when it breaks the rules.
    pub(super) fn revoked_by_peer(&mut self, user: &UserId, body: &[u8], now: Now) -> bool {
        let mine = self.revoked_sequence();
        if let Ok(theirs) = body.try_into().map(u64::from_be_bytes) {
            let bytes = self.revoked.as_ref().filter(|_| mine > theirs).map(|list| list.bytes().to_vec());
            if let Some(bytes) = bytes.filter(|bytes| bytes.len() <= GOSSIP_BYTES_MAX) {
                self.send_body(user, Content::Revoked, &bytes, now);
            } else if mine < theirs {
                // They learn that it is wanted.
                self.tell_revoked(user, now);
            }
            return true;
        }
        let Ok(list) = RevocationList::decode_verified(body, &self.anchor, None) else { return false };
        if list.sequence() > mine {
            let row = Write { table: Table::Meta, key: ROW_KEY.to_vec(), value: Some(body.to_vec()) };
            self.store(vec![row], Purpose::Quiet);
            self.revocations(list, now);
        }
        true
    }

    fn revoked_sequence(&self) -> u64 {
        self.revoked.as_ref().map_or(0, RevocationList::sequence)
    }
}
