//! Seeking contacts: who is to be reached now, and what is tried next. Lookups, dials and waits, never two at once.

use super::directory::Why;
use super::links::DownReason;
use super::relay::Asked;
use super::{Event, Node, Presence, Standing};
use crate::chat::Conversation;
use crate::identity::{UserId, VerifiedCertificate};
use crate::limits::{CHAT_LINKS_MAX, REDIAL_MAX_MS, REDIAL_MIN_MS, RING_UNCONNECTABLE_MS, RING_WATCH_MS, SESSION_SETTLED_MS, WATCH_MS};
use crate::ring::{RingId, Standing as RingStanding};
use crate::session::Content;
use crate::signal::relay::{self as frames, FoundDevice};
use crate::time::Now;

/// Waits double up to this many times.
const DOUBLINGS_MAX: u32 = 6;
/// After a goodbye nobody is asked for so long, whether it was the page that closed or a session of which the other end had no use.
const GOODBYE_MS: u64 = 500;
/// Dials without a path in a row after which the waits double further, up to `RING_UNCONNECTABLE_MS`. By then the usual longest is reached.
const PATHLESS_MAX: u32 = 6;

/// What is being done about one contact.
#[derive(Clone, Debug, Default)]
pub(super) struct Seeking {
    step: Step,
    /// Tries in a row without a session that was of use.
    failures: u32,
    /// Of these, dials that were answered and came to nothing: no path leads to them, and each costs a connection of the few that a page has.
    pathless: u32,
    /// When the session in use, or the last one, began.
    up_ms: u64,
    /// A message was taken in it, either way.
    is_useful: bool,
    /// What was found out last. It stands while the same is asked again.
    found: Found,
}

/// What was found out last about somebody who is sought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    /// Nothing.
    #[default]
    Nothing,
    /// The session with them is over. Whoever dies is said to be there for a while.
    Lost,
    /// They are away.
    Away,
    /// They are there, and could not be connected to.
    There,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Step {
    /// Nothing.
    #[default]
    Idle,
    /// The relay was asked.
    Asking,
    /// They are away; the relay tells when they come. Asked again before it forgets.
    Watching { until_ms: u64 },
    /// Being dialled.
    Dialling,
    /// A session is up.
    Up,
    /// It failed; tried again then.
    Waiting { until_ms: u64 },
}

impl Seeking {
    pub fn deadline(&self) -> Option<u64> {
        match self.step {
            Step::Watching { until_ms } | Step::Waiting { until_ms } => Some(until_ms),
            _ => None,
        }
    }

    /// As the screen shows it. `now_ms` is monotonic.
    pub fn presence(&self, now_ms: u64) -> Presence {
        let was_up = self.found == Found::Lost;
        match (&self.step, self.found) {
            (Step::Idle, _) | (Step::Asking | Step::Waiting { .. }, Found::Nothing) => Presence::Unknown,
            (Step::Watching { .. }, _) | (Step::Asking | Step::Waiting { .. }, Found::Away) => Presence::Away,
            (Step::Up, _) => Presence::Online,
            (Step::Waiting { until_ms }, _) => Presence::Unreachable { retry_ms: until_ms.saturating_sub(now_ms), was_up },
            (Step::Asking, _) | (Step::Dialling, Found::Lost) => Presence::Unreachable { retry_ms: 0, was_up },
            (Step::Dialling, _) => Presence::Connecting,
        }
    }
}

impl Node {
    /// Seeks a contact if there is a reason and nothing is under way.
    pub(super) fn seek(&mut self, user: &UserId, now: Now) {
        let is_wanted = self.is_wanted(user);
        let is_idle = self.seeking.get(user).is_none_or(|seeking| seeking.step == Step::Idle);
        if !is_wanted || !is_idle || !self.can_look() {
            if is_idle && let Some(seeking) = self.seeking.get_mut(user) {
                seeking.found = Found::Nothing;
            }
            return;
        }
        self.step(user, Step::Asking);
        if self.ring.standing() == RingStanding::Alone {
            self.relay_input(now, |relay| relay.lookup(user.clone(), Asked::Reach, now.mono));
        } else {
            self.look_up(user, Why::Reach, 0, now);
        }
    }

    /// Whether anybody can be asked who and where somebody is.
    fn can_look(&self) -> bool {
        self.relay.is_up() || self.ring.standing() != RingStanding::Alone
    }

    /// The ring does not know where a contact is. The relay may: somebody who has just come, or cannot link to anybody of the ring.
    pub(super) fn ask_relay_to_reach(&mut self, user: &UserId, now: Now) {
        if self.relay.is_up() {
            self.relay_input(now, |relay| relay.lookup(user.clone(), Asked::Reach, now.mono));
        } else if self.is_looking(user) {
            self.step(user, Step::Watching { until_ms: now.mono + RING_WATCH_MS });
            self.leave_mail(user, now);
        }
    }

    /// Whether a contact is away, or could not be reached the last time: nothing waits for the end of one dial more.
    pub(super) fn is_absent(&self, user: &UserId) -> bool {
        self.seeking.get(user).is_some_and(|seeking| match seeking.step {
            Step::Watching { .. } | Step::Waiting { .. } => true,
            Step::Asking | Step::Dialling => seeking.failures > 0,
            Step::Idle | Step::Up => false,
        })
    }

    /// The ring says where a contact is.
    pub(super) fn reach(&mut self, peer: VerifiedCertificate, now: Now) {
        if self.is_looking(peer.user_id()) {
            self.links.familiar(*peer.node_id());
            self.dial(peer, now);
        }
    }

    fn is_looking(&self, user: &UserId) -> bool {
        matches!(self.seeking.get(user).map(|seeking| &seeking.step), Some(Step::Asking | Step::Watching { .. }))
    }

    /// Seeks everybody there is a reason for, waits cut short: the network or the page has come back.
    pub(super) fn seek_all_now(&mut self, now: Now) {
        // There may be a path now.
        self.seeking.iter_mut().for_each(|(_, seeking)| seeking.pathless = 0);
        for user in self.chats.keys().cloned().collect::<Vec<_>>() {
            self.stop_waiting(&user);
            self.seek(&user, now);
        }
    }

    /// Waits that are over.
    pub(super) fn seek_due(&mut self, now: Now) {
        let due: Vec<UserId> = self
            .seeking
            .iter()
            .filter(|(_, seeking)| seeking.deadline().is_some_and(|at| at <= now.mono))
            .map(|(user, _)| user.clone())
            .collect();
        for user in due {
            self.step(&user, Step::Idle);
            self.seek(&user, now);
        }
    }

    /// A message was taken in the session with `user`, either way.
    pub(super) fn session_useful(&mut self, user: &UserId) {
        if let Some(seeking) = self.seeking.get_mut(user) {
            seeking.is_useful = true;
            seeking.failures = 0;
            seeking.pathless = 0;
        }
    }

    /// The relay answered who and where a contact is.
    pub(super) fn sought(&mut self, user: &UserId, presence: frames::Presence, devices: &[FoundDevice], now: Now) {
        if !self.is_looking(user) {
            return;
        }
        let online = devices.iter().filter(|device| device.online);
        let peer = online.filter_map(|device| self.verified(user, &device.certificate, now)).next();
        if let Some(peer) = &peer {
            self.links.familiar(*peer.node_id());
        }
        let device = devices.iter().find_map(|device| self.verified(user, &device.certificate, now));
        if let Some(device) = device {
            self.mail_found_device(user, &device, now);
        }
        match (presence, peer) {
            (frames::Presence::Online, Some(peer)) => self.dial(peer, now),
            (frames::Presence::Online, None) => {
                self.found_there(user);
                self.wait(user, now);
            }
            // The relay tells when they come; the ring does not, and is asked again.
            _ => {
                let wait_ms = if self.ring.standing() == RingStanding::Alone { WATCH_MS } else { RING_WATCH_MS };
                self.step(user, Step::Watching { until_ms: now.mono + wait_ms });
                self.leave_mail(user, now);
            }
        }
    }

    /// The relay did not answer, or is gone.
    pub(super) fn not_found_out(&mut self, user: &UserId, now: Now) {
        if self.can_look() {
            self.wait(user, now);
        } else if !self.links.is_up(user) {
            self.step(user, Step::Idle);
        }
    }

    /// `was_answered`: they are there, and no path leads to them.
    pub(super) fn dial_failed(&mut self, user: &UserId, was_answered: bool, now: Now) {
        // A handshake that they began and that nobody here counted on may fail without a wait.
        if let Some(seeking) = self.seeking.get_mut(user).filter(|seeking| seeking.step == Step::Dialling) {
            seeking.pathless = if was_answered { seeking.pathless + 1 } else { 0 };
            self.wait(user, now);
        }
    }

    /// A session is up: send what waits, and how far one has read.
    pub(super) fn session_up(&mut self, peer: &VerifiedCertificate, now: Now) {
        let user = peer.user_id().clone();
        if !self.key_is_known(peer) {
            self.link_input(now, |links, _, _| links.hang_up(&user, now));
            self.ring.avoid(RingId::of_node(peer.node_id()), now.mono);
            self.step(&user, Step::Idle);
            return;
        }
        if self.chats.contains_key(&user) {
            self.links.familiar(*peer.node_id());
            self.seeking_up(&user, now);
        }
        self.flush(&user, now);
        self.send_read(&user, now);
    }

    /// Notes that a session with a contact began.
    pub(super) fn seeking_up(&mut self, user: &UserId, now: Now) {
        let seeking = self.seeking.entry(user.clone()).or_default();
        seeking.up_ms = now.mono;
        seeking.is_useful = false;
        self.step(user, Step::Up);
    }

    /// A session is over.
    pub(super) fn lost(&mut self, user: &UserId, reason: DownReason, now: Now) {
        let is_up = |seeking: &&mut Seeking| seeking.step == Step::Up;
        // Without an entry it was a stranger's, who said nothing.
        let Some(seeking) = self.seeking.get_mut(user).filter(is_up) else { return };
        let was_of_use = seeking.is_useful || now.mono >= seeking.up_ms + SESSION_SETTLED_MS;
        if was_of_use {
            seeking.failures = 0;
            seeking.pathless = 0;
        }
        // Who says goodbye is away, as far as anybody here knows.
        seeking.found = if reason == DownReason::Left { Found::Away } else { Found::Lost };
        match reason {
            // The newer session reports itself.
            DownReason::Replaced => {}
            // Whoever is asked where they are knows it a moment later.
            DownReason::Left if was_of_use && self.is_wanted(user) => {
                self.step(user, Step::Waiting { until_ms: now.mono + GOODBYE_MS });
            }
            // Who hangs up at once, again and again, does not want us now: no storm of dials.
            DownReason::Left | DownReason::Closed if was_of_use || !self.is_wanted(user) => {
                self.step(user, Step::Idle);
                self.seek(user, now);
            }
            _ => self.wait(user, now),
        }
    }

    /// Forgets a wait, for a reason to try at once.
    pub(super) fn stop_waiting(&mut self, user: &UserId) {
        if self.seeking.get(user).is_some_and(|seeking| matches!(seeking.step, Step::Waiting { .. })) {
            self.step(user, Step::Idle);
        }
    }

    /// Nothing more is wanted of them.
    pub(super) fn stop_seeking(&mut self, user: &UserId) {
        self.seeking.remove(user);
        self.changed.insert(user.clone());
    }

    fn is_wanted(&self, user: &UserId) -> bool {
        self.chats.get(user).is_some_and(|chat| self.wants(chat))
    }

    fn wants(&self, chat: &Conversation) -> bool {
        let is_open = self.on_screen.as_ref() == Some(chat.user()) && chat.standing == Standing::Accepted;
        let may = chat.standing != Standing::Blocked && chat.key.changed.is_none();
        may && (chat.has_waiting() || is_open || self.files.awaits(chat.user()))
    }

    fn dial(&mut self, peer: VerifiedCertificate, now: Now) {
        let user = peer.user_id().clone();
        if !self.key_is_known(&peer) {
            self.step(&user, Step::Idle);
            return;
        }
        self.found_there(&user);
        self.step(&user, Step::Dialling);
        self.link_input(now, |links, _, ice| links.dial(peer, ice, now));
    }

    /// They are said to be there. After a session that was lost that may be what somebody has not noticed yet.
    fn found_there(&mut self, user: &UserId) {
        let seeking = self.seeking.entry(user.clone()).or_default();
        if seeking.found != Found::Lost {
            seeking.found = Found::There;
        }
    }

    fn wait(&mut self, user: &UserId, now: Now) {
        if !self.chats.contains_key(user) {
            self.seeking.remove(user);
            return;
        }
        let jitter = self.rng.below(REDIAL_MIN_MS / 2 + 1);
        let seeking = self.seeking.entry(user.clone()).or_default();
        let further = seeking.pathless.saturating_sub(PATHLESS_MAX).min(DOUBLINGS_MAX);
        let longest = (REDIAL_MAX_MS << further).min(RING_UNCONNECTABLE_MS);
        let wait = (REDIAL_MIN_MS << seeking.failures.min(DOUBLINGS_MAX + further)).min(longest);
        seeking.failures += 1;
        let until_ms = now.mono + wait + jitter;
        self.step(user, Step::Waiting { until_ms });
        self.leave_mail(user, now);
    }

    fn step(&mut self, user: &UserId, step: Step) {
        if !self.chats.contains_key(user) {
            // Strangers come and go: nothing is kept of those who say nothing.
            self.seeking.remove(user);
            return;
        }
        let seeking = self.seeking.entry(user.clone()).or_default();
        match step {
            Step::Watching { .. } => seeking.found = Found::Away,
            Step::Up => seeking.found = Found::Nothing,
            _ => {}
        }
        seeking.step = step;
        self.changed.insert(user.clone());
    }

    /// A certificate that the relay gave for `user`, if it is to be believed and theirs.
    pub(super) fn verified(&self, user: &UserId, der: &[u8], now: Now) -> Option<VerifiedCertificate> {
        let certificate = self.anchor.verify(der, now.wall, self.revoked.as_ref()).ok()?;
        (certificate.user_id() == user && certificate.node_id() != self.own.node_id()).then_some(certificate)
    }

    /// Pins a key at first sight; a different one later blocks the contact until the person has looked.
    pub(super) fn key_is_known(&mut self, peer: &VerifiedCertificate) -> bool {
        let Some(chat) = self.chats.get_mut(peer.user_id()) else { return true };
        let seen = peer.key_hash();
        match chat.key.pinned {
            Some(pinned) if pinned == seen => true,
            Some(_) => {
                if chat.key.changed != Some(seen) {
                    chat.key.changed = Some(seen);
                    let row = chat.row();
                    self.store(vec![row], super::journal::Purpose::Quiet);
                    self.changed.insert(peer.user_id().clone());
                }
                false
            }
            None => {
                chat.key.pinned = Some(seen);
                let row = chat.row();
                self.store(vec![row], super::journal::Purpose::Quiet);
                self.changed.insert(peer.user_id().clone());
                true
            }
        }
    }

    /// Closes the sessions used least lately when there are more than a page should have beside those of the ring and of the mail. One in
    /// which something is on its way stays.
    pub(super) fn make_room(&mut self, newest: &UserId, now: Now) {
        let is_chat = |user: &UserId| !self.is_of_the_ring(user) && !self.is_of_the_mail(user);
        let chats: Vec<UserId> = self.links.users_up().into_iter().filter(is_chat).collect();
        let excess = chats.len().saturating_sub(CHAT_LINKS_MAX);
        let is_spare = |user: &UserId| {
            user != newest && self.on_screen.as_ref() != Some(user) && !self.files.wants(user) && self.chats.get(user).is_none_or(|chat| !chat.has_waiting())
        };
        let spare: Vec<UserId> = chats.into_iter().filter(is_spare).take(excess).collect();
        for user in spare {
            self.link_input(now, |links, _, _| links.hang_up(&user, now));
        }
    }

    pub(super) fn send_read(&mut self, user: &UserId, now: Now) {
        let Some(chat) = self.chats.get(user).filter(|chat| chat.standing == Standing::Accepted && chat.my_read() > 0) else {
            return;
        };
        let seq = chat.my_read().to_be_bytes();
        self.send_body(user, Content::Read, &seq, now);
    }

    pub(super) fn read_by_peer(&mut self, user: &UserId, seq: u64) {
        let Some(write) = self.chats.get_mut(user).and_then(|chat| chat.read_by_peer(seq)) else { return };
        let seq = self.chats[user].peer_read();
        self.store(vec![write], super::journal::Purpose::Quiet);
        self.notify(Event::ReadUpTo { with: user.clone(), seq });
        self.changed.insert(user.clone());
    }
}
