//! The two calls of an enrolment (PROTOCOL.md#enrolment): request to challenge, answer to certificate. Blocking: it signs
//! and writes to disk.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use b4_protocol::crypto::Rng;
use b4_protocol::identity::{Challenge, EnrolmentRequest, Issuer, UserId, UserIdError};
use b4_protocol::time::Now;

use crate::authority::{Policy, Refusal, Standing, issue, standing};
use crate::limits::{ADDRESSES_MAX, Limits, TICKET_MS, TICKETS_MAX, TICKETS_PER_ADDRESS};
use crate::operator::invite_hash;
use crate::pace::{Book, TooFast, network};
use crate::registry::{ClaimError, Registry};

/// Number of an enrolment under way.
pub type TicketId = [u8; 16];

/// Takes enrolments.
pub struct Enrolment {
    policy: Policy,
    state: Mutex<State>,
}

struct State {
    tickets: BTreeMap<TicketId, Pending>,
    tickets_max: usize,
    enrolling: Book<IpAddr>,
    asking: Book<IpAddr>,
    rng: Rng,
}

/// A request whose second key has yet to prove itself.
struct Pending {
    request: EnrolmentRequest,
    challenge: Challenge,
    invite: Option<[u8; 32]>,
    address: IpAddr,
    until_ms: u64,
}

/// What is to be known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameState {
    /// Nobody has it.
    Free,
    /// Somebody has it.
    Taken,
    /// Nobody gets it.
    Reserved,
}

impl From<TooFast> for Refusal {
    fn from(TooFast { retry_after_ms }: TooFast) -> Self {
        Self::TooMany { retry_after_ms }
    }
}

impl Enrolment {
    /// A desk without tickets.
    pub fn new(policy: Policy, limits: &Limits, rng: Rng) -> Self {
        let state = State {
            tickets: BTreeMap::new(),
            tickets_max: TICKETS_MAX,
            enrolling: Book::new(limits.enrol_pace(), ADDRESSES_MAX),
            asking: Book::new(limits.name_pace(), ADDRESSES_MAX),
            rng,
        };
        Self { policy, state: Mutex::new(state) }
    }

    /// Whether a name is free.
    ///
    /// # Errors
    /// `BadName`, `TooMany`, or the registry's failure.
    pub fn name_state(&self, registry: &Registry, name: &str, address: IpAddr, now: Now) -> Result<NameState, ClaimError> {
        self.state().asking.take(network(address), now.mono).map_err(Refusal::from)?;
        match UserId::parse(name) {
            Err(UserIdError::Reserved) => Ok(NameState::Reserved),
            Err(error) => Err(Refusal::from(error).into()),
            Ok(user) => Ok(if registry.name(&user)?.is_some() { NameState::Taken } else { NameState::Free }),
        }
    }

    /// Takes a request, and challenges the decryption key.
    ///
    /// # Errors
    /// Any refusal but those of an answer, or the registry's failure.
    pub fn begin(
        &self,
        registry: &Registry,
        csr: &[u8],
        invite: Option<&str>,
        address: IpAddr,
        now: Now,
    ) -> Result<(TicketId, Vec<u8>), ClaimError> {
        self.state().enrolling.take(network(address), now.mono).map_err(Refusal::from)?;
        let request = EnrolmentRequest::parse(csr).map_err(Refusal::from)?;
        let known = registry.name(request.user_id())?;
        let is_new = standing(&request, known.as_ref(), now.wall)? == Standing::New;
        let invite = if is_new { self.check_invite(registry, invite)? } else { None };
        let address = network(address);
        let mut state = self.state();
        state.make_room(address, now.mono)?;
        let (challenge, wrapped) = Challenge::new(&mut state.rng, &request);
        let ticket = state.rng.array();
        state.tickets.insert(ticket, Pending { request, challenge, invite, address, until_ms: now.mono + TICKET_MS });
        Ok((ticket, wrapped))
    }

    /// Takes the answer to a challenge, and issues the certificate. The ticket is used up, whatever the answer is.
    ///
    /// # Errors
    /// `NoTicket`, `BadAnswer`, `Taken` when somebody else was faster, `BadInvite` likewise, or the registry's failure.
    pub fn complete(
        &self,
        registry: &Registry,
        issuer: &Issuer,
        ticket: &TicketId,
        answer: &[u8],
        now: Now,
    ) -> Result<Vec<u8>, ClaimError> {
        let (pending, mut rng) = {
            let mut state = self.state();
            let pending = state.tickets.remove(ticket).filter(|pending| pending.until_ms > now.mono);
            (pending.ok_or(Refusal::NoTicket)?, state.rng.fork("issue"))
        };
        let answer: &[u8; 32] = answer.try_into().map_err(|_| Refusal::BadAnswer)?;
        if !pending.challenge.is_answered_by(answer) {
            return Err(Refusal::BadAnswer.into());
        }
        let request = &pending.request;
        registry.claim(request.user_id(), pending.invite.as_ref(), |known| {
            issue(issuer, &mut rng, request, known, now.wall)
        })
    }

    fn check_invite(&self, registry: &Registry, invite: Option<&str>) -> Result<Option<[u8; 32]>, ClaimError> {
        match (self.policy, invite) {
            (Policy::FirstCome, _) => Ok(None),
            (Policy::Invites, None) => Err(Refusal::InviteRequired.into()),
            (Policy::Invites, Some(invite)) => {
                let hash = invite_hash(invite).ok_or(Refusal::BadInvite)?;
                if registry.has_invite(&hash)? { Ok(Some(hash)) } else { Err(Refusal::BadInvite.into()) }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets tickets that are over, and the oldest where there are too many in all; refuses an address that has too many.
    fn make_room(&mut self, address: IpAddr, now_ms: u64) -> Result<(), Refusal> {
        let from_there = |state: &Self| state.tickets.values().filter(|pending| pending.address == address).count();
        if self.tickets.len() >= self.tickets_max || from_there(self) >= TICKETS_PER_ADDRESS {
            self.tickets.retain(|_, pending| pending.until_ms > now_ms);
        }
        if from_there(self) >= TICKETS_PER_ADDRESS {
            return Err(Refusal::TooMany { retry_after_ms: TICKET_MS });
        }
        if self.tickets.len() >= self.tickets_max {
            let oldest = self.tickets.iter().min_by_key(|(_, pending)| pending.until_ms).map(|(ticket, _)| *ticket);
            oldest.and_then(|ticket| self.tickets.remove(&ticket));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use b4_protocol::identity::testing::{NOW_MS, TestAuthority, device_keys, request_of};
    use b4_protocol::identity::{ENROL_LABEL, answer_challenge};

    struct Desk {
        _dir: tempfile::TempDir,
        registry: Registry,
        authority: TestAuthority,
        enrolment: Enrolment,
        rng: Rng,
        now: Now,
    }

    impl Desk {
        fn new(policy: Policy, limits: Limits) -> Self {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let registry = Registry::open(&dir.path().join("registry.redb")).expect("made");
            let enrolment = Enrolment::new(policy, &limits, Rng::from_seed([1; 32]));
            let (authority, rng) = (TestAuthority::new([1; 32]), Rng::from_seed([2; 32]));
            Self { _dir: dir, registry, authority, enrolment, rng, now: Now { mono: 0, wall: NOW_MS } }
        }

        fn begin(&mut self, name: &str, keys: usize, invite: Option<&str>) -> Result<(TicketId, [u8; 32]), ClaimError> {
            let keys = device_keys(keys);
            let csr = request_of(name, &keys, &mut self.rng);
            let address = IpAddr::from([10, 0, 0, 1]);
            let (ticket, wrapped) = self.enrolment.begin(&self.registry, &csr, invite, address, self.now)?;
            let opened = keys.unwrapping.unwrap(&mut self.rng, ENROL_LABEL, &wrapped).expect("our own key");
            Ok((ticket, answer_challenge(&opened, &csr).expect("our own request")))
        }

        fn complete(&self, ticket: &TicketId, answer: &[u8]) -> Result<Vec<u8>, ClaimError> {
            self.enrolment.complete(&self.registry, self.authority.issuer(), ticket, answer, self.now)
        }
    }

    fn refusal<T>(result: Result<T, ClaimError>) -> Option<Refusal> {
        match result {
            Err(ClaimError::Refused(refusal)) => Some(refusal),
            Err(ClaimError::Registry(error)) => panic!("{error}"),
            Ok(_) => None,
        }
    }

    #[test]
    fn of_two_who_ask_at_once_the_first_to_complete_has_the_name() {
        let mut desk = Desk::new(Policy::FirstCome, Limits::default());
        let (slow, fast) = (desk.begin("anna", 0, None).expect("free"), desk.begin("anna", 1, None).expect("free"));
        let der = desk.complete(&fast.0, &fast.1).expect("the first");
        assert!(desk.authority.anchor().verify(&der, NOW_MS, None).is_ok());
        assert_eq!(refusal(desk.complete(&slow.0, &slow.1)), Some(Refusal::Taken));
        assert_eq!(refusal(desk.begin("anna", 0, None)), Some(Refusal::Taken));
        let again = desk.begin("anna", 1, None).expect("the owner");
        assert_eq!(desk.complete(&again.0, &again.1).expect("the owner"), der);
    }

    #[test]
    fn a_ticket_serves_once_and_for_two_minutes() {
        let mut desk = Desk::new(Policy::FirstCome, Limits::default());
        let (ticket, answer) = desk.begin("anna", 0, None).expect("free");
        assert_eq!(refusal(desk.complete(&ticket, &[0; 32])), Some(Refusal::BadAnswer));
        assert_eq!(refusal(desk.complete(&ticket, &answer)), Some(Refusal::NoTicket));
        let (ticket, answer) = desk.begin("anna", 0, None).expect("free");
        assert_eq!(refusal(desk.complete(&ticket, &answer[..31])), Some(Refusal::BadAnswer));
        let (ticket, answer) = desk.begin("anna", 0, None).expect("free");
        desk.now.mono += TICKET_MS;
        assert_eq!(refusal(desk.complete(&ticket, &answer)), Some(Refusal::NoTicket));
        assert_eq!(refusal(desk.complete(&[0; 16], &answer)), Some(Refusal::NoTicket));
    }

    #[test]
    fn a_flood_of_tickets_drops_the_oldest_and_serves_who_answers_at_once() {
        let mut desk = Desk::new(Policy::FirstCome, Limits::default());
        desk.enrolment.state().tickets_max = 3;
        let first = desk.begin("anna", 0, None).expect("free");
        desk.now.mono += 1;
        let second = desk.begin("bert", 1, None).expect("free");
        for _ in 0..2 {
            desk.now.mono += 1;
            assert!(desk.begin("cleo", 2, None).is_ok());
        }
        assert_eq!(refusal(desk.complete(&first.0, &first.1)), Some(Refusal::NoTicket));
        assert!(desk.complete(&second.0, &second.1).is_ok());
    }

    #[test]
    fn with_invites_a_new_name_takes_one_and_only_then_is_it_used_up() {
        let mut desk = Desk::new(Policy::Invites, Limits::default());
        let invite = crate::operator::new_invite(&mut desk.rng);
        assert_eq!(refusal(desk.begin("anna", 0, None)), Some(Refusal::InviteRequired));
        assert_eq!(refusal(desk.begin("anna", 0, Some(&invite))), Some(Refusal::BadInvite));
        desk.registry.add_invite(&invite_hash(&invite).expect("an invite"), NOW_MS).expect("kept");
        let (anna, bert) = (desk.begin("anna", 0, Some(&invite)), desk.begin("bert", 1, Some(&invite)));
        let (anna, bert) = (anna.expect("unused"), bert.expect("unused as yet"));
        assert!(desk.complete(&anna.0, &anna.1).is_ok());
        assert_eq!(refusal(desk.complete(&bert.0, &bert.1)), Some(Refusal::BadInvite));
        assert!(desk.begin("anna", 0, None).is_ok(), "the owner needs no invite");
    }

    #[test]
    fn tickets_requests_and_questions_of_one_address_are_bounded() {
        let address = IpAddr::from([10, 0, 0, 1]);
        let mut desk = Desk::new(Policy::FirstCome, Limits { names_per_hour: 2, ..Limits::default() });
        for _ in 0..TICKETS_PER_ADDRESS {
            assert!(desk.begin("anna", 0, None).is_ok());
        }
        assert!(matches!(refusal(desk.begin("anna", 0, None)), Some(Refusal::TooMany { .. })));
        desk.now.mono += TICKET_MS;
        assert!(desk.begin("anna", 0, None).is_ok());
        let ask = |name| desk.enrolment.name_state(&desk.registry, name, address, desk.now);
        assert_eq!(ask("admin").ok(), Some(NameState::Reserved));
        assert_eq!(ask("anna").ok(), Some(NameState::Free));
        assert!(matches!(refusal(ask("anna")), Some(Refusal::TooMany { .. })));
        let mut desk = Desk::new(Policy::FirstCome, Limits { enrolments_per_hour: 1, ..Limits::default() });
        assert!(desk.begin("anna", 0, None).is_ok());
        assert!(matches!(refusal(desk.begin("anna", 0, None)), Some(Refusal::TooMany { .. })));
        assert_eq!(refusal(desk.enrolment.begin(&desk.registry, &[0; 4_097], None, [10, 0, 0, 2].into(), desk.now)),
            Some(Refusal::TooLarge));
    }
}
