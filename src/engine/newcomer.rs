//! From nobody to somebody: asking for a name, enrolling, restoring.

use std::rc::Rc;

use b4_protocol::identity::{TrustAnchor, UserId, VerifiedCertificate};

use super::life::Engine;
use crate::platform::enrol::{self, EnrolError, NameState, PublicKeys, Refusal};
use crate::platform::keys::{DeviceKeys, KeyMaterial};
use crate::platform::recovery::{RecoveryError, RecoveryFile, SealedKeys};
use crate::platform::store::{StoredIdentity, save_identity};
use crate::platform::{PlatformError, persist_storage, remember_name, remember_recovery_saved, spawn, wall_ms};
use crate::state::{EnrolFailure, EnrolStep, Event, NameVerdict, Recovery, RestoreFailure};

/// Answers `Action::CheckName`.
pub(super) async fn check_name(engine: Rc<Engine>, name: String) {
    let verdict = match UserId::parse(&name) {
        Err(why) => NameVerdict::NotAName(why),
        Ok(user) => match enrol::name_state(&user).await {
            Ok(NameState::Free) => NameVerdict::Free,
            Ok(NameState::Taken) => NameVerdict::Taken,
            Ok(NameState::Reserved) | Err(EnrolError::Refused(Refusal::Reserved)) => NameVerdict::Reserved,
            Err(_) => NameVerdict::CannotTell,
        },
    };
    engine.tell(Event::NameChecked { name, verdict });
}

/// Answers `Action::Enrol`.
pub(super) async fn enrol(engine: Rc<Engine>, name: String, invite: Option<String>) {
    let made = make(&engine, &name, invite.as_deref()).await;
    if !engine.is_enrolling() {
        // What was made is in the store, where whoever took over finds it.
        return;
    }
    match made {
        Ok((identity, file)) => {
            engine.offer_recovery(file);
            engine.run(identity).await;
        }
        Err(why) => {
            engine.nobody();
            engine.tell(Event::EnrolFailed(why));
        }
    }
}

/// Answers `Action::Restore`.
pub(super) async fn restore(engine: Rc<Engine>, file: Vec<u8>) {
    let brought = bring_back(&engine, &file).await;
    if !engine.is_enrolling() {
        return;
    }
    match brought {
        Ok((identity, user)) => {
            remember_recovery_saved(user.as_str());
            engine.tell(Event::Recovery(Recovery::Saved));
            engine.run(identity).await;
        }
        Err(why) => {
            engine.nobody();
            engine.tell(Event::RestoreFailed(why));
        }
    }
}

async fn make(
    engine: &Engine,
    name: &str,
    invite: Option<&str>,
) -> Result<(StoredIdentity, RecoveryFile), EnrolFailure> {
    let user = UserId::parse(name).map_err(EnrolFailure::NotAName)?;
    engine.enrolling(EnrolStep::MakingKeys);
    // No keys for a name that cannot be had. Without an answer enrolling finds out.
    match enrol::name_state(&user).await {
        Ok(NameState::Taken) => return Err(EnrolFailure::Taken),
        Ok(NameState::Reserved) => return Err(EnrolFailure::Reserved),
        _ => {}
    }
    let material = KeyMaterial::generate().await?;
    let sealed = SealedKeys::seal(&user, &material)?;
    let keys = DeviceKeys::import(&material).await?;
    let KeyMaterial { signing_spki, unwrapping_spki, .. } = material;
    engine.enrolling(EnrolStep::AskingAuthority);
    let public = PublicKeys { signing: &signing_spki, unwrapping: &unwrapping_spki };
    let (pem, anchor) = authority().await?;
    let certificate = certify(&anchor, &user, &keys, public, invite).await?;
    engine.enrolling(EnrolStep::Storing);
    let file = RecoveryFile { user, authority: anchor.pin(), certificate: certificate.der().to_vec(), keys: sealed };
    let identity = keep(engine, keys, &certificate, pem).await?;
    Ok((identity, file))
}

async fn bring_back(engine: &Engine, file: &[u8]) -> Result<(StoredIdentity, UserId), RestoreFailure> {
    let file = RecoveryFile::from_bytes(file)?;
    let material = file.keys.open(&file.user)?;
    engine.enrolling(EnrolStep::AskingAuthority);
    let (pem, anchor) = authority().await?;
    if anchor.pin() != file.authority {
        return Err(RestoreFailure::OtherAuthority);
    }
    let keys = DeviceKeys::import(&material).await?;
    let public = PublicKeys { signing: &material.signing_spki, unwrapping: &material.unwrapping_spki };
    let certificate = certify(&anchor, &file.user, &keys, public, None).await?;
    engine.enrolling(EnrolStep::Storing);
    let identity = keep(engine, keys, &certificate, pem).await?;
    Ok((identity, file.user))
}

async fn authority() -> Result<(String, TrustAnchor), EnrolError> {
    let pem = enrol::authority().await?;
    let anchor = TrustAnchor::from_pem(&pem).map_err(|_| EnrolError::Nonsense("authority"))?;
    Ok((pem, anchor))
}

/// Asks for a certificate and believes it only when it is the authority's, for this name and these keys. The authority knows a key
/// that it has seen: then this is a renewal.
pub(super) async fn certify(
    anchor: &TrustAnchor,
    user: &UserId,
    keys: &DeviceKeys,
    public: PublicKeys<'_>,
    invite: Option<&str>,
) -> Result<VerifiedCertificate, EnrolError> {
    let der = enrol::enrol(user, keys, public, invite).await?;
    let certificate = anchor.verify(&der, wall_ms(), None).map_err(|_| EnrolError::Nonsense("certificate"))?;
    let ours = certificate.user_id() == user
        && certificate.signing_key().spki_der() == public.signing
        && certificate.wrapping_key().spki_der() == public.unwrapping;
    if ours { Ok(certificate) } else { Err(EnrolError::Nonsense("certificate of another")) }
}

async fn keep(
    engine: &Engine,
    keys: DeviceKeys,
    certificate: &VerifiedCertificate,
    authority: String,
) -> Result<StoredIdentity, PlatformError> {
    let database = engine.database().ok_or(PlatformError::Missing("open store"))?;
    let certificate_der = certificate.der().to_vec();
    let identity = StoredIdentity { keys, certificate: certificate_der, certified_ms: wall_ms(), authority, revoked: None };
    save_identity(&database, &identity).await?;
    remember_name(certificate.user_id().as_str());
    // Not waited for: some browsers ask the person.
    spawn(persist_storage());
    Ok(identity)
}

impl From<PlatformError> for EnrolFailure {
    fn from(why: PlatformError) -> Self {
        Self::Failed { detail: why.to_string() }
    }
}

impl From<EnrolError> for EnrolFailure {
    fn from(why: EnrolError) -> Self {
        match why {
            EnrolError::Unreachable(_) => Self::Unreachable,
            EnrolError::Refused(refusal) => refusal.into(),
            EnrolError::Nonsense(_) | EnrolError::Request(_) | EnrolError::Key => Self::Failed { detail: why.to_string() },
        }
    }
}

impl From<Refusal> for EnrolFailure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            // The name was one when we asked: the server has other rules.
            Refusal::BadName => Self::Failed { detail: "the server takes no such name".to_owned() },
            Refusal::Reserved => Self::Reserved,
            Refusal::Taken => Self::Taken,
            Refusal::Revoked => Self::Revoked,
            Refusal::TooMany => Self::TooMany,
            Refusal::NoTicket => Self::TooLate,
            Refusal::InviteRequired => Self::InviteRequired,
            Refusal::BadInvite => Self::BadInvite,
            Refusal::BadRequest
            | Refusal::BadSignature
            | Refusal::BadKey
            | Refusal::BadAnswer
            | Refusal::TooLarge => Self::Rejected,
        }
    }
}

impl From<PlatformError> for RestoreFailure {
    fn from(why: PlatformError) -> Self {
        Self::Failed { detail: why.to_string() }
    }
}

impl From<EnrolError> for RestoreFailure {
    fn from(why: EnrolError) -> Self {
        match why {
            EnrolError::Unreachable(_) => Self::Unreachable,
            EnrolError::Refused(Refusal::Taken) => Self::NameTaken,
            EnrolError::Refused(Refusal::Revoked) => Self::Revoked,
            other => Self::Failed { detail: other.to_string() },
        }
    }
}

impl From<RecoveryError> for RestoreFailure {
    fn from(why: RecoveryError) -> Self {
        match why {
            RecoveryError::NotARecoveryFile => Self::NotARecoveryFile,
            RecoveryError::Damaged => Self::Damaged,
        }
    }
}
