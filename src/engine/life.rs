//! The engine's life, from the loaded page to its end, and what the person orders in between.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use b4_protocol::identity::{RevocationList, TrustAnchor, VerifiedCertificate};
use b4_protocol::node::{self, Input};

use super::driver::{Driver, Start};
use super::files::{DeskReach, FileDesk};
use super::{Action, EngineHandle, newcomer, upkeep};
use crate::platform::files::Files;
use crate::platform::recovery::RecoveryFile;
use crate::platform::store::{Database, Rows, StoredIdentity, load_identity};
use crate::platform::{self, CloseGuard, GiveUp, Lifecycle, PageFact, Pause, PlatformError, TabLock, TabLocks, UpdateListener, spawn};
use crate::state::{EnrolStep, Event, Phase, Recovery};

/// Name of the database, of the lock of the profile and of the channel between tabs.
const NAME: &str = "b4";

/// How long a page takes to load again, at most. Guess.
const RELOAD_MS: u32 = 2_000;

/// The engine of one page.
pub struct Engine {
    tell: Box<dyn Fn(Event)>,
    stage: RefCell<Stage>,
    /// Goes up whenever the stage changes, so that work begun before knows that it is late.
    turn: Cell<u64>,
    /// Who looks after the identity: the last that began to.
    upkeep: Cell<u64>,
    database: RefCell<Option<Rc<Database>>>,
    locks: RefCell<Option<Rc<TabLocks>>>,
    lock: RefCell<Option<TabLock>>,
    recovery: RefCell<Option<RecoveryFile>>,
    desk: Rc<FileDesk>,
    close_guard: RefCell<Option<CloseGuard>>,
    listeners: RefCell<Option<(Lifecycle, UpdateListener)>>,
}

/// Where the engine is.
enum Stage {
    /// Opening, or at its end.
    Idle,
    /// Another tab runs; this one queues for the lock.
    Queued(GiveUp),
    /// No identity.
    Nobody,
    /// Making or restoring one.
    Enrolling,
    /// The node runs.
    Running(Rc<Driver>),
}

impl Engine {
    /// Starts the engine. `tell` hears everything that changes the screen, the first thing after this has returned.
    pub fn start(tell: impl Fn(Event) + 'static) -> EngineHandle {
        let engine = Rc::new_cyclic(|engine: &Weak<Self>| Self {
            desk: FileDesk::new(engine.clone()),
            tell: Box::new(tell),
            stage: RefCell::new(Stage::Idle),
            turn: Cell::new(0),
            upkeep: Cell::new(0),
            database: RefCell::default(),
            locks: RefCell::default(),
            lock: RefCell::default(),
            recovery: RefCell::default(),
            close_guard: RefCell::default(),
            listeners: RefCell::default(),
        });
        platform::mark("b4-booted");
        spawn(Rc::clone(&engine).boot());
        EngineHandle::new(move |action| engine.act(action))
    }

    async fn boot(self: Rc<Self>) {
        if let Err(why) = self.open().await {
            return self.broken(why.to_string());
        }
        self.take_lock().await;
    }

    async fn open(self: &Rc<Self>) -> Result<(), PlatformError> {
        let engine = Rc::downgrade(self);
        let update = platform::listen_for_update(move || {
            if let Some(engine) = engine.upgrade() {
                (engine.tell)(Event::UpdateReady);
            }
        });
        let engine = Rc::downgrade(self);
        let page = Lifecycle::listen(move |fact| {
            if let Some(engine) = engine.upgrade() {
                engine.page(fact);
            }
        })?;
        self.listeners.replace(Some((page, update)));
        let engine = Rc::downgrade(self);
        let lost = move || {
            if let Some(engine) = engine.upgrade() {
                engine.broken("the store was closed: a newer version runs in another tab".to_owned());
            }
        };
        self.locks.replace(Some(Rc::new(TabLocks::new(NAME)?)));
        self.database.replace(Some(Database::open(NAME, lost).await?));
        Ok(())
    }

    /// Goes on with the lock, or queues for it.
    async fn take_lock(self: &Rc<Self>) {
        let Some(locks) = self.locks.borrow().clone() else { return };
        match locks.try_take(self.on_lock_lost()).await {
            Ok(Some(lock)) => self.begin(lock).await,
            Ok(None) => self.queue(&locks),
            Err(why) => self.broken(why.to_string()),
        }
    }

    fn queue(self: &Rc<Self>, locks: &Rc<TabLocks>) {
        let give_up = match GiveUp::new() {
            Ok(give_up) => give_up,
            Err(why) => return self.broken(why.to_string()),
        };
        self.enter(Stage::Queued(give_up.clone()));
        self.phase(Phase::SecondTab);
        let (engine, locks) = (Rc::clone(self), Rc::clone(locks));
        spawn(async move {
            // An abort means that this tab robs the lock instead of waiting for it.
            if let Ok(Some(lock)) = locks.wait(&give_up, engine.on_lock_lost()).await {
                engine.begin_in_turn(lock).await;
            }
        });
    }

    /// The lock came by itself. A tab that reloads lets go of it, too, and it is where the person looks: one that nobody looks at
    /// waits a moment whether the lock is taken again.
    async fn begin_in_turn(self: &Rc<Self>, lock: TabLock) {
        if platform::screen::is_visible() {
            return self.begin(lock).await;
        }
        drop(lock);
        let turn = self.turn();
        Pause::for_ms(RELOAD_MS).await;
        if self.turn() == turn {
            self.take_lock().await;
        }
    }

    async fn take_over(self: Rc<Self>) {
        let Some(locks) = self.locks.borrow().clone() else { return };
        locks.ask_for_it().await;
        // By now the queue may have brought the lock.
        match &*self.stage.borrow() {
            Stage::Queued(give_up) => give_up.give_up(),
            _ => return,
        }
        match locks.rob(self.on_lock_lost()).await {
            Ok(Some(lock)) => self.begin(lock).await,
            Ok(None) => {}
            Err(why) => self.broken(why.to_string()),
        }
    }

    fn on_lock_lost(self: &Rc<Self>) -> impl Fn() + 'static {
        let engine = Rc::downgrade(self);
        move || {
            if let Some(engine) = engine.upgrade() {
                let is_at_end = engine.database().is_none();
                engine.stop();
                engine.lock.replace(None);
                // Behind the tab that asked, unless this one is at its end.
                if let Some(locks) = engine.locks.borrow().clone().filter(|_| !is_at_end) {
                    engine.queue(&locks);
                }
            }
        }
    }

    async fn begin(self: &Rc<Self>, lock: TabLock) {
        self.lock.replace(Some(lock));
        self.enter(Stage::Idle);
        self.phase(Phase::Starting);
        Rc::clone(self).look_for_identity().await;
    }

    async fn look_for_identity(self: Rc<Self>) {
        let Some(database) = self.database() else { return };
        match load_identity(&database).await {
            Ok(Some(identity)) => self.run(identity).await,
            Ok(None) => self.nobody(),
            Err(why) => self.broken(why.to_string()),
        }
    }

    /// The next step of somebody's becoming somebody.
    pub(super) fn enrolling(&self, step: EnrolStep) {
        if self.is_enrolling() {
            self.phase(Phase::Enrolling(step));
        }
    }

    /// Whether what a newcomer began still counts: another tab may have taken over meanwhile.
    pub(super) fn is_enrolling(&self) -> bool {
        matches!(&*self.stage.borrow(), Stage::Enrolling)
    }

    /// Nobody is here (any more).
    pub(super) fn nobody(&self) {
        self.enter(Stage::Nobody);
        self.phase(match platform::remembered_name() {
            Some(name) => Phase::Wiped { name },
            None => Phase::Welcome,
        });
    }

    /// Runs a node for this identity, over one that runs already.
    pub(super) async fn run(self: &Rc<Self>, identity: StoredIdentity) {
        self.stop();
        let turn = self.turn();
        match self.prepare(&identity).await {
            Ok(start) if self.turn() == turn => self.run_node(identity, start),
            Ok(_) => {}
            Err(why) => self.broken(why.to_string()),
        }
    }

    async fn prepare(&self, identity: &StoredIdentity) -> Result<Start, PlatformError> {
        let damaged = PlatformError::Unexpected("the stored identity");
        let database = self.database().ok_or(PlatformError::Missing("open store"))?;
        let anchor = TrustAnchor::from_pem(&identity.authority).map_err(|_| damaged.clone())?;
        let certificate = own_certificate(&anchor, identity).ok_or(damaged)?;
        let revoked = identity.revoked.as_ref().and_then(|list| RevocationList::decode_verified(list, &anchor, None).ok());
        let rows = Rows::at_start(&database).await?;
        Ok(Start { certificate, anchor, revoked, keys: identity.keys.clone(), database, rows })
    }

    fn run_node(self: &Rc<Self>, identity: StoredIdentity, start: Start) {
        let certificate = start.certificate.clone();
        let (me, node) = (certificate.user_id().clone(), *certificate.node_id());
        if self.recovery.borrow().is_none() && platform::recovery_was_saved(me.as_str()) {
            (self.tell)(Event::Recovery(Recovery::Saved));
        }
        // Before the node's first events, which belong to this phase.
        self.phase(Phase::Running { me, node });
        let engine = Rc::downgrade(self);
        let on_event = move |event: node::Event| {
            if let Some(engine) = engine.upgrade() {
                engine.hear(event);
            }
        };
        match Driver::start(start, on_event) {
            Ok(driver) => {
                self.hear_of_files(&driver);
                self.enter(Stage::Running(driver));
            }
            Err(why) => return self.broken(why.to_string()),
        }
        platform::mark("b4-running");
        spawn(upkeep::look_after(Rc::clone(self), identity, certificate));
        spawn(upkeep::watch_room(Rc::clone(self)));
    }

    fn hear_of_files(self: &Rc<Self>, driver: &Driver) {
        let desk = Rc::clone(&self.desk);
        if let Some(files) = driver.files() {
            files.on_delete(move |slot| desk.deleted(slot));
        }
    }

    fn hear(self: &Rc<Self>, event: node::Event) {
        let engine = Rc::clone(self);
        // Later: the driver is still at work.
        match event {
            node::Event::Superseded => spawn(async move { engine.end(Phase::Superseded) }),
            // The authority may be another by now, the certificate may be renewed, the list may be had.
            node::Event::CertificateRefused | node::Event::RevocationsBehind => spawn(engine.look_again()),
            _ => {}
        }
        (self.tell)(Event::Node(event));
    }

    /// Looks at the authority and its list now, not at the next round.
    async fn look_again(self: Rc<Self>) {
        let Some(database) = self.database() else { return };
        let Ok(Some(identity)) = load_identity(&database).await else { return };
        let anchor = TrustAnchor::from_pem(&identity.authority).ok();
        if let Some(certificate) = anchor.and_then(|anchor| own_certificate(&anchor, &identity)) {
            upkeep::look_after(self, identity, certificate).await;
        }
    }

    fn act(self: &Rc<Self>, action: Action) {
        match action {
            Action::Node(command) => self.push(Input::Command(command)),
            Action::CheckName(name) => spawn(newcomer::check_name(Rc::clone(self), name)),
            Action::Enrol(name) => self.newcomer(|engine| spawn(newcomer::enrol(engine, name, None))),
            Action::EnrolInvited { name, invite } => {
                self.newcomer(|engine| spawn(newcomer::enrol(engine, name, Some(invite))));
            }
            Action::Restore(file) => self.newcomer(|engine| spawn(newcomer::restore(engine, file))),
            Action::SaveRecovery => self.save_recovery(),
            Action::DismissRecovery => {
                if self.recovery.borrow().is_some() {
                    self.say_recovery(Recovery::Later);
                }
            }
            Action::TakeOver => {
                if matches!(&*self.stage.borrow(), Stage::Queued(_)) {
                    spawn(Rc::clone(self).take_over());
                } else if self.database().is_none() {
                    // At its end: another life begins with another page.
                    platform::reload();
                }
            }
            Action::TryNow => self.push(Input::Resumed),
            Action::SendFiles { to, files } => self.desk.send(&to, files),
            Action::CancelPreparing(number) => self.desk.cancel(number),
            Action::SaveFile { slot, name, size } => spawn(Rc::clone(&self.desk).save(slot, name, size)),
            Action::PreviewFile { slot, size } => spawn(Rc::clone(&self.desk).look(slot, size)),
            Action::ApplyUpdate => platform::dispatch_update(),
        }
    }

    /// One at a time, and only where nobody is.
    fn newcomer(self: &Rc<Self>, begin: impl FnOnce(Rc<Self>)) {
        if matches!(&*self.stage.borrow(), Stage::Nobody) {
            self.enter(Stage::Enrolling);
            begin(Rc::clone(self));
        }
    }

    /// Gives the file to the browser, which may ask the person and does not say what they answered: so it is kept for another time.
    fn save_recovery(&self) {
        if let Some(file) = &*self.recovery.borrow()
            && platform::download(&RecoveryFile::file_name(&file.user), &file.to_text()).is_ok()
        {
            platform::remember_recovery_saved(file.user.as_str());
            self.say_recovery(Recovery::Given);
        }
    }

    /// Keeps the recovery file for the person until the page closes.
    pub(super) fn offer_recovery(&self, file: RecoveryFile) {
        self.recovery.replace(Some(file));
        self.say_recovery(Recovery::Offered);
    }

    /// While it is offered and not answered, the browser asks before the page closes.
    fn say_recovery(&self, recovery: Recovery) {
        self.close_guard.replace((recovery == Recovery::Offered).then(CloseGuard::listen));
        (self.tell)(Event::Recovery(recovery));
    }

    fn page(self: &Rc<Self>, fact: PageFact) {
        match fact {
            PageFact::Resumed => self.push(Input::Resumed),
            PageFact::Hiding => self.push(Input::Hiding),
            PageFact::Leaving => self.push(Input::Command(node::Command::Leave)),
            // A node that has left has left for good: here comes another.
            PageFact::Restored => {
                if matches!(&*self.stage.borrow(), Stage::Running(_)) {
                    spawn(Rc::clone(self).look_for_identity());
                }
            }
        }
    }

    pub(super) fn push(&self, input: Input) {
        if let Some(driver) = self.driver() {
            driver.push(input);
        }
    }

    /// A clone, so that the node's events may move the stage.
    fn driver(&self) -> Option<Rc<Driver>> {
        match &*self.stage.borrow() {
            Stage::Running(driver) => Some(Rc::clone(driver)),
            _ => None,
        }
    }


    /// Stops the node, if one runs.
    fn stop(&self) {
        let before = self.enter(Stage::Idle);
        if let Stage::Running(driver) = before {
            driver.stop();
        }
    }

    /// Stops everything for good: only loading the page again leads on. The lock is kept, so that no other tab of this browser goes
    /// on by itself where this one was told to stop; it can still be asked to.
    pub(super) fn end(&self, phase: Phase) {
        self.stop();
        self.database.replace(None);
        self.close_guard.replace(None);
        self.phase(phase);
    }

    /// Stops for what concerns this tab alone: another may do better.
    fn broken(&self, detail: String) {
        self.end(Phase::Broken { detail });
        self.lock.replace(None);
    }

    fn enter(&self, stage: Stage) -> Stage {
        self.turn.set(self.turn.get() + 1);
        self.stage.replace(stage)
    }

    /// The number of the stage; another one means that work begun before is late.
    pub(super) fn turn(&self) -> u64 {
        self.turn.get()
    }

    /// The number of whoever looks after the identity now.
    pub(super) fn upkeep(&self) -> u64 {
        self.upkeep.get()
    }

    /// Draws the next such number: the one before is at its end.
    pub(super) fn begin_upkeep(&self) -> u64 {
        self.upkeep.set(self.upkeep.get() + 1);
        self.upkeep.get()
    }

    pub(super) fn tell(&self, event: Event) {
        (self.tell)(event);
    }

    pub(super) fn phase(&self, phase: Phase) {
        (self.tell)(Event::Phase(phase));
    }

    pub(super) fn database(&self) -> Option<Rc<Database>> {
        self.database.borrow().clone()
    }
}

impl DeskReach for Weak<Engine> {
    fn tell(&self, event: Event) {
        if let Some(engine) = self.upgrade() {
            engine.tell(event);
        }
    }

    fn push(&self, input: Input) {
        if let Some(engine) = self.upgrade() {
            engine.push(input);
        }
    }

    fn files(&self) -> Option<Files> {
        self.upgrade()?.driver()?.files()
    }
}

/// This device's own certificate. One that is expired by now is still ours: the node starts with it, reads its history, and
/// upkeep renews it. It is judged by the time at which it came.
fn own_certificate(anchor: &TrustAnchor, identity: &StoredIdentity) -> Option<VerifiedCertificate> {
    let now_ms = platform::wall_ms();
    let now = anchor.verify(&identity.certificate, now_ms, None);
    now.or_else(|_| anchor.verify(&identity.certificate, identity.certified_ms, None)).ok()
}
