//! Beside the running node: is the authority still the pinned one, who is revoked, is the certificate to be renewed.

use std::rc::Rc;

use b4_protocol::identity::{RevocationList, TrustAnchor, VerifiedCertificate};
use b4_protocol::node::{self, Input};
use b4_protocol::time::DAY_MS;

use super::life::Engine;
use super::newcomer::certify;
use crate::platform::enrol::{self, EnrolError, PublicKeys, Refusal};
use crate::platform::store::{StoredIdentity, save_identity};
use crate::platform::{Pause, free_storage, hex, wall_ms};
use crate::state::{Event, Phase};

/// Between two rounds that succeeded.
const ROUND_MS: u32 = 24 * 60 * 60 * 1_000;
/// After a round in which the authority did not answer. Guess.
const RETRY_MS: u32 = 60 * 1_000;
/// Between two looks at how much more may be stored. Guess.
const ROOM_MS: u32 = 5 * 60 * 1_000;
/// Age of a certificate from which it is renewed (PROTOCOL.md#enrolment).
const RENEW_AFTER_MS: u64 = 60 * DAY_MS;

/// What a round found.
enum Round {
    /// All is well.
    Done,
    /// The identity has a new certificate: the node is started again with it.
    Renewed,
    /// The authority is another.
    Changed { pinned: [u8; 32], shown: [u8; 32] },
}

/// Looks after this identity, at once and then daily, until the stage changes or another begins to.
pub(super) async fn look_after(engine: Rc<Engine>, mut identity: StoredIdentity, certificate: VerifiedCertificate) {
    let turn = (engine.turn(), engine.begin_upkeep());
    let is_current = |engine: &Engine| (engine.turn(), engine.upkeep()) == turn;
    while is_current(&engine) {
        let round = round(&engine, &mut identity, &certificate).await;
        if !is_current(&engine) {
            return;
        }
        match round {
            Ok(Round::Done) => Pause::for_ms(ROUND_MS).await,
            Ok(Round::Renewed) => return engine.run(identity).await,
            Ok(Round::Changed { pinned, shown }) => {
                return engine.end(Phase::AuthorityChanged { pinned: hex(&pinned), shown: hex(&shown) });
            }
            // For good: asking again changes nothing.
            Err(EnrolError::Refused(Refusal::Revoked)) => return engine.tell(Event::Node(node::Event::CertificateRefused)),
            Err(_) => Pause::for_ms(RETRY_MS).await,
        }
    }
}

/// Tells the node again and again how much more the browser lets it store, until the stage changes.
pub(super) async fn watch_room(engine: Rc<Engine>) {
    let turn = engine.turn();
    while engine.turn() == turn {
        if let Some(bytes) = free_storage().await {
            engine.push(Input::RoomLeft(bytes));
        }
        Pause::for_ms(ROOM_MS).await;
    }
}

async fn round(
    engine: &Engine,
    identity: &mut StoredIdentity,
    certificate: &VerifiedCertificate,
) -> Result<Round, EnrolError> {
    let nonsense = EnrolError::Nonsense("authority");
    let pinned = TrustAnchor::from_pem(&identity.authority).map_err(|_| nonsense.clone())?;
    let shown = TrustAnchor::from_pem(&enrol::authority().await?).map_err(|_| nonsense)?;
    if shown.pin() != pinned.pin() {
        return Ok(Round::Changed { pinned: pinned.pin(), shown: shown.pin() });
    }
    look_at_revoked(engine, identity, &pinned).await?;
    if wall_ms() < certificate.not_before_ms() + RENEW_AFTER_MS {
        return Ok(Round::Done);
    }
    let public = PublicKeys {
        signing: certificate.signing_key().spki_der(),
        unwrapping: certificate.wrapping_key().spki_der(),
    };
    let renewed = certify(&pinned, certificate.user_id(), &identity.keys, public, None).await?;
    if renewed == *certificate {
        return Ok(Round::Done);
    }
    identity.certificate = renewed.der().to_vec();
    identity.certified_ms = wall_ms();
    save(engine, identity).await;
    Ok(Round::Renewed)
}

/// Keeps the newest list for the next start, and hands it to the running node.
async fn look_at_revoked(engine: &Engine, identity: &mut StoredIdentity, anchor: &TrustAnchor) -> Result<(), EnrolError> {
    let bytes = enrol::revoked().await?;
    let known = identity.revoked.as_ref().and_then(|list| RevocationList::decode_verified(list, anchor, None).ok());
    let seen = known.map(|list| list.sequence());
    let list = RevocationList::decode_verified(&bytes, anchor, seen).map_err(|_| EnrolError::Nonsense("revocations"))?;
    if seen != Some(list.sequence()) {
        identity.revoked = Some(bytes);
        save(engine, identity).await;
    }
    // Whoever is on it loses an open chat now, not at the next start.
    engine.push(Input::Revocations(list));
    Ok(())
}

/// A store that does not take it costs nothing but asking again at the next start.
async fn save(engine: &Engine, identity: &StoredIdentity) {
    if let Some(database) = engine.database() {
        let _ = save_identity(&database, identity).await;
    }
}
