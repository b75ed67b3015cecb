//! One file on its way between this device and one user: what both ends want, and how far it has come.

use super::super::{Direction, FileFailure, FilePause, FileState, Row, Table, Write};
use crate::chat::{FileProgress, MessageId, RowError};
use crate::codec::{Reader, Writer};
use crate::file::{FileId, FileSlot, Incoming, Layout, Manifest, Will, parts};
use crate::identity::UserId;

const VERSION: u8 = 1;
/// Least time over which a rate is measured.
const RATE_MS: u64 = 500;

/// A file on its way, or at its end.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    pub user: UserId,
    pub direction: Direction,
    pub file: FileId,
    pub size: u64,
    /// Where its bytes are, or will be.
    pub slot: Option<FileSlot>,
    /// What this end wants.
    pub here: Will,
    /// What the other end wants, as it said last.
    pub there: Will,
    /// It can lie with others while its receiver is away.
    pub can_lie: bool,
    /// Of one that is received and not whole.
    pub incoming: Option<Incoming>,
    /// Of one's own: bytes that its receiver has, as it said last.
    pub reached: u64,
    /// Of one's own: how often in a row it could not be read.
    pub failures: u8,
    pace: Pace,
}

/// How fast it goes, and when that was told last.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    told_ms: u64,
    since: Option<(u64, u64)>,
    rate: u64,
}

impl Transfer {
    /// One's own, which is offered.
    pub fn sent(user: UserId, manifest: &Manifest, slot: FileSlot) -> Self {
        Self::new(user, Direction::Out, manifest, Some(slot), Will::Going, Will::Waiting)
    }

    /// Of theirs, which is to lie there.
    pub fn received(user: UserId, manifest: Manifest, slot: FileSlot, here: Will) -> Self {
        let transfer = Self::new(user, Direction::In, &manifest, Some(slot), here, Will::Going);
        Self { incoming: Some(Incoming::new(manifest)), ..transfer }
    }

    fn new(user: UserId, direction: Direction, manifest: &Manifest, slot: Option<FileSlot>, here: Will, there: Will) -> Self {
        let (file, size) = (manifest.id(), manifest.layout().size());
        let can_lie = manifest.away().is_some();
        Self { user, direction, file, size, slot, here, there, can_lie, incoming: None, reached: 0, failures: 0, pace: Pace::default() }
    }

    pub fn is_received(&self) -> bool {
        self.direction == Direction::In
    }

    /// Whether something may come of it still.
    pub fn is_open(&self) -> bool {
        !self.here.is_end() && !self.there.is_end()
    }

    /// Whether its receiver has it.
    pub fn is_complete(&self) -> bool {
        let receiver = if self.is_received() { self.here } else { self.there };
        receiver == Will::Complete
    }

    /// Whether its bytes are all on this device.
    pub fn is_whole(&self) -> bool {
        self.slot.is_some() && (!self.is_received() || self.is_complete())
    }

    /// Whether a session would move it.
    pub fn wants_session(&self) -> bool {
        self.here == Will::Going && self.there == Will::Going
    }

    /// Whether its author has a reason to look whether its receiver is there, or who keeps it for them.
    pub fn awaits(&self) -> bool {
        let is_to_lie = !self.is_received() && self.can_lie && self.there == Will::Waiting;
        self.here == Will::Going && (self.there == Will::Going || is_to_lie)
    }

    /// What the other end may say: nobody but the receiver has it complete, or is asked.
    pub fn may_be_told(&self, will: Will) -> bool {
        match will {
            Will::Waiting | Will::Complete | Will::NoRoom | Will::TooMany | Will::Differs => !self.is_received(),
            Will::Gone => self.is_received(),
            Will::Going | Will::Paused | Will::Cancelled => true,
        }
    }

    pub fn parts(&self) -> u32 {
        parts(Layout::of(self.size))
    }

    pub fn pages(&self) -> u32 {
        Layout::of(self.size).pages()
    }

    /// Bytes that are still to be stored here.
    pub fn missing_bytes(&self) -> u64 {
        self.incoming.as_ref().map_or(0, |incoming| self.size - incoming.bytes())
    }

    /// The session is over.
    pub fn interrupted(&mut self) {
        if let Some(incoming) = &mut self.incoming {
            incoming.interrupted();
        }
        self.pace = Pace::default();
    }

    /// Bytes have moved. Whether it is time to tell.
    pub fn moved(&mut self, now_ms: u64, view_ms: u64) -> bool {
        let bytes = self.bytes();
        let (since_ms, from) = *self.pace.since.get_or_insert((now_ms, bytes));
        let passed = now_ms - since_ms;
        if passed >= RATE_MS {
            let lately = bytes.saturating_sub(from).saturating_mul(1_000) / passed;
            self.pace.rate = if self.pace.rate == 0 { lately } else { (self.pace.rate * 2 + lately) / 3 };
            self.pace.since = Some((now_ms, bytes));
        }
        let is_due = now_ms >= self.pace.told_ms + view_ms;
        if is_due {
            self.pace.told_ms = now_ms;
        }
        is_due
    }

    fn bytes(&self) -> u64 {
        match &self.incoming {
            _ if self.is_complete() => self.size,
            Some(incoming) => incoming.bytes(),
            None => self.reached,
        }
    }

    pub fn progress(&self, is_linked: bool) -> FileProgress {
        let state = self.state(is_linked);
        let rate = if state == FileState::Moving { self.pace.rate } else { 0 };
        FileProgress { state, bytes: self.bytes(), rate, slot: self.slot.filter(|_| self.is_whole()) }
    }

    fn state(&self, is_linked: bool) -> FileState {
        match (self.here, self.there) {
            _ if self.is_complete() => FileState::Complete,
            (Will::Cancelled, _) => FileState::Cancelled(true),
            (_, Will::Cancelled) => FileState::Cancelled(false),
            (Will::Gone, _) | (_, Will::Gone) => FileState::Failed(FileFailure::Gone),
            (Will::Differs, _) | (_, Will::Differs) => FileState::Failed(FileFailure::Differs),
            (Will::TooMany, _) | (_, Will::TooMany) => FileState::Failed(FileFailure::TooMany),
            (Will::Paused, _) => FileState::Paused(FilePause::Here),
            (Will::NoRoom, _) => FileState::Paused(FilePause::NoRoomHere),
            (Will::Waiting, _) => FileState::Offered,
            (_, Will::Paused) => FileState::Paused(FilePause::There),
            (_, Will::NoRoom) => FileState::Paused(FilePause::NoRoomThere),
            (_, Will::Waiting) => FileState::Offered,
            _ if !is_linked => FileState::Paused(FilePause::Apart),
            _ => FileState::Moving,
        }
    }

    /// version | direction(1) | here(1) | there(1) | can lie(1) | slot(0 or 1; 8) | size(8) | file id(32) | lp8(user id) | row of what is received, if any
    pub fn row(&self, id: MessageId) -> Write {
        let head = Writer::new().u8(VERSION).u8(u8::from(self.is_received())).u8(self.here as u8).u8(self.there as u8).u8(u8::from(self.can_lie));
        let head = head.u8(u8::from(self.slot.is_some())).u64(self.slot.map_or(0, |slot| slot.0)).u64(self.size);
        let incoming = self.incoming.as_ref().map_or(Vec::new(), Incoming::row);
        let value = head.raw(&self.file.0).lp8(self.user.as_str().as_bytes()).raw(&incoming).into_bytes();
        Write { table: Table::Files, key: id.0.to_vec(), value: Some(value) }
    }

    /// Reads a row.
    ///
    /// # Errors
    /// `RowError` for a damaged one.
    pub fn restore(row: &Row) -> Result<(MessageId, Self), RowError> {
        let id = MessageId(row.key.as_slice().try_into().map_err(|_| RowError)?);
        let mut reader = Reader::new(&row.value);
        if reader.u8()? != VERSION {
            return Err(RowError);
        }
        let direction = if reader.u8()? == 1 { Direction::In } else { Direction::Out };
        let (here, there) = (Will::read(reader.u8()?)?, Will::read(reader.u8()?)?);
        let can_lie = reader.u8()? == 1;
        let has_slot = reader.u8()? == 1;
        let (slot, size, file) = (reader.u64()?, reader.u64()?, FileId(reader.array()?));
        let user = std::str::from_utf8(reader.lp8()?).ok().and_then(|user| UserId::parse(user).ok()).ok_or(RowError)?;
        let rest = reader.rest();
        let incoming = if rest.is_empty() { None } else { Some(Incoming::restore(rest)?) };
        let slot = has_slot.then_some(FileSlot(slot));
        let mut transfer = Self { user, direction, file, size, slot, here, there, can_lie, incoming, reached: 0, failures: 0, pace: Pace::default() };
        // Its last part was written down, and the page ended before that was: nothing more would come.
        if transfer.is_open() && transfer.incoming.as_ref().is_some_and(Incoming::is_complete) {
            transfer.here = Will::Complete;
            transfer.incoming = None;
        }
        // One that is received needs what says which parts are here.
        if transfer.is_received() && transfer.is_open() && transfer.incoming.is_none() {
            return Err(RowError);
        }
        Ok((id, transfer))
    }
}
