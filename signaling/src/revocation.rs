//! The current revocation list: signed at first, anew each day, and whenever somebody is revoked.

use std::sync::{Mutex, PoisonError};

use b4_protocol::crypto::Rng;
use b4_protocol::identity::{Issuer, RevocationList};

use crate::limits::RESIGN_AFTER_MS;
use crate::registry::{Registry, RegistryError};

/// The newest list, as bytes for `GET /revoked` and as a value for the relay.
pub struct CurrentList {
    newest: Mutex<(Vec<u8>, RevocationList)>,
}

impl CurrentList {
    /// Takes up the list kept in the registry, or signs one.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn open(registry: &Registry, issuer: &Issuer, rng: &mut Rng, now_ms: u64) -> Result<Self, RegistryError> {
        let kept = registry.complete_list()?;
        let read = kept.and_then(|bytes| RevocationList::decode_verified(&bytes, issuer.anchor(), None).ok().map(|list| (bytes, list)));
        let newest = match read {
            Some((bytes, list)) if !is_due(&list, now_ms) => (bytes, list),
            _ => sign(registry, issuer, rng, now_ms)?,
        };
        Ok(Self { newest: Mutex::new(newest) })
    }

    /// Signs a new list if somebody was revoked or the newest is a day old, and returns it.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub fn refresh(
        &self,
        registry: &Registry,
        issuer: &Issuer,
        rng: &mut Rng,
        now_ms: u64,
    ) -> Result<Option<RevocationList>, RegistryError> {
        if registry.complete_list()?.is_some() && !is_due(&self.list(), now_ms) {
            return Ok(None);
        }
        let newest = sign(registry, issuer, rng, now_ms)?;
        let list = newest.1.clone();
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = newest;
        Ok(Some(list))
    }

    /// The newest list.
    pub fn list(&self) -> RevocationList {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The newest list's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

fn is_due(list: &RevocationList, now_ms: u64) -> bool {
    // A list from the future was signed by a wrong clock: it is replaced too.
    now_ms.abs_diff(list.this_update_ms()) >= RESIGN_AFTER_MS
}

fn sign(
    registry: &Registry,
    issuer: &Issuer,
    rng: &mut Rng,
    now_ms: u64,
) -> Result<(Vec<u8>, RevocationList), RegistryError> {
    let sign = |sequence, serials: &_| issuer.sign_revocations(rng, sequence, now_ms, serials);
    let bytes = registry.sign_list(now_ms, sign)?;
    let list = RevocationList::decode_verified(&bytes, issuer.anchor(), None);
    Ok((bytes, list.expect("the anchor accepts what its issuer signs")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use b4_protocol::identity::testing::{NOW_MS, TestAuthority};
    use b4_protocol::time::{HOUR_MS, SECOND_MS};

    #[test]
    fn a_list_is_kept_over_a_restart_and_signed_anew_before_its_next_update() {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let registry = Registry::open(&temporary.path().join("registry.redb")).expect("made");
        let (authority, mut rng) = (TestAuthority::new([1; 32]), Rng::from_seed([2; 32]));
        let first = CurrentList::open(&registry, authority.issuer(), &mut rng, NOW_MS).expect("signed");
        let again = CurrentList::open(&registry, authority.issuer(), &mut rng, NOW_MS + 1).expect("kept");
        assert_eq!((again.bytes(), again.list().sequence()), (first.bytes(), NOW_MS / SECOND_MS));
        let due = NOW_MS + RESIGN_AFTER_MS;
        let mut refresh = |now| first.refresh(&registry, authority.issuer(), &mut rng, now).expect("readable");
        assert_eq!(refresh(due - 1), None);
        let next = refresh(due).expect("a new list");
        assert_eq!((next.sequence(), next.this_update_ms()), (due / SECOND_MS, due));
        assert!(due < NOW_MS + 24 * HOUR_MS);
        let back = NOW_MS - RESIGN_AFTER_MS;
        let wound_back = refresh(back).expect("a list from the future is replaced");
        assert_eq!((wound_back.sequence(), wound_back.this_update_ms()), (next.sequence() + 1, back));
        let later = CurrentList::open(&registry, authority.issuer(), &mut rng, due).expect("signed");
        assert_eq!(later.list().sequence(), wound_back.sequence() + 1);
    }

    #[test]
    fn after_the_registry_was_lost_the_list_goes_on_above_what_pages_have_seen() {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let (authority, mut rng) = (TestAuthority::new([1; 32]), Rng::from_seed([2; 32]));
        let mut open = |file: &str, now| {
            let registry = Registry::open(&temporary.path().join(file)).expect("made");
            CurrentList::open(&registry, authority.issuer(), &mut rng, now).expect("signed")
        };
        let seen = open("lost.redb", NOW_MS).list().sequence();
        let bytes = open("new.redb", NOW_MS + SECOND_MS).bytes();
        let list = RevocationList::decode_verified(&bytes, authority.anchor(), Some(seen)).expect("not older");
        assert!(list.sequence() > seen);
    }
}
