//! WebSockets on one side, the relay machine on the other: reads frames into inputs, carries commands out. Decides nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use b4_protocol::identity::TrustAnchor;
use b4_protocol::signal::relay::CLIENT_FRAME_BYTES_MAX;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};

use crate::clock::Clock;
use crate::limits::WRITE_MS;
use crate::registry::Registry;
use crate::relay::{Command, ConnectionId, Counters, Input, Proof, Relay, Verdict};

/// Time for a client to answer our close before its socket is dropped.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);

/// The relay and the sockets it commands.
pub(crate) struct RelayHost {
    inner: Mutex<Inner>,
    serving: AtomicUsize,
    /// Whose certificates let in.
    anchor: TrustAnchor,
    /// Turns to verify a proof.
    verifying: Semaphore,
    registry: Arc<Registry>,
    clock: Clock,
}

struct Inner {
    relay: Relay,
    outboxes: BTreeMap<ConnectionId, UnboundedSender<Order>>,
    next: u64,
}

/// What the relay orders of one socket. The queue is unbounded here because the relay counts what waits in it.
enum Order {
    Send(Vec<u8>),
    Verify(Proof),
    Ping,
    Pause(Duration),
    Close(u16),
}

impl RelayHost {
    pub(crate) fn new(relay: Relay, anchor: TrustAnchor, registry: Arc<Registry>, clock: Clock) -> Self {
        let inner = Mutex::new(Inner { relay, outboxes: BTreeMap::new(), next: 0 });
        let verifying = Semaphore::new(std::thread::available_parallelism().map_or(1, NonZero::get));
        Self { inner, serving: AtomicUsize::new(0), anchor, verifying, registry, clock }
    }

    /// Gives the relay an input and hands its commands to the sockets.
    pub(crate) fn feed(&self, input: Input) {
        let mut inner = self.inner();
        self.feed_locked(&mut inner, input);
    }

    /// Counters and how many connections, peers and watches there are.
    pub(crate) fn status(&self) -> (Counters, usize, usize, usize) {
        let inner = self.inner();
        let relay = &inner.relay;
        (relay.counters().clone(), relay.connections(), relay.peers(), relay.watches())
    }

    /// Sockets being served, those under closing included.
    pub(crate) fn sockets(&self) -> usize {
        self.serving.load(Ordering::Relaxed)
    }

    /// Looks at the relay's deadlines for as long as the server lives.
    pub(crate) async fn tick_forever(&self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut inner = self.inner();
            if inner.relay.next_wake_ms().is_some_and(|at| at <= self.clock.now().mono) {
                self.feed_locked(&mut inner, Input::Tick);
            }
        }
    }

    /// Serves one socket until it ends.
    pub(crate) async fn serve(&self, mut socket: WebSocket, address: IpAddr, origin: String) {
        self.serving.fetch_add(1, Ordering::Relaxed);
        let (connection, outbox) = self.connect(address, origin);
        let end = self.exchange(&mut socket, connection, outbox).await;
        self.inner().outboxes.remove(&connection);
        self.feed(Input::Closed { connection });
        self.serving.fetch_sub(1, Ordering::Relaxed);
        tracing::debug!(connection = connection.0, ?end, "socket ended");
    }

    fn connect(&self, address: IpAddr, origin: String) -> (ConnectionId, UnboundedReceiver<Order>) {
        let (sender, receiver) = unbounded_channel();
        let mut inner = self.inner();
        inner.next += 1;
        let connection = ConnectionId(inner.next);
        inner.outboxes.insert(connection, sender);
        self.feed_locked(&mut inner, Input::Connected { connection, address, origin });
        (connection, receiver)
    }

    async fn exchange(&self, socket: &mut WebSocket, connection: ConnectionId, mut outbox: UnboundedReceiver<Order>) -> End {
        let mut read_from = Instant::now();
        loop {
            let reading = read_from <= Instant::now();
            tokio::select! {
                biased;
                order = outbox.recv() => match order {
                    Some(Order::Send(bytes)) => {
                        let count = bytes.len();
                        if !write(socket, Message::Binary(bytes.into())).await {
                            return End::Unwritable;
                        }
                        self.feed(Input::Flushed { connection, bytes: count });
                    }
                    Some(Order::Verify(proof)) => {
                        let Some(verdict) = self.verify(proof).await else { return End::ByRelay };
                        self.feed(Input::Verified { connection, verdict });
                    }
                    Some(Order::Ping) => {
                        if !write(socket, Message::Ping(axum::body::Bytes::new())).await {
                            return End::Unwritable;
                        }
                    }
                    Some(Order::Pause(wait)) => read_from = Instant::now() + wait,
                    Some(Order::Close(code)) => return close(socket, code).await,
                    None => return End::Unwritable,
                },
                message = socket.recv(), if reading => match message {
                    Some(Ok(message)) => match input_of(connection, message) {
                        Some(input) => self.feed(input),
                        None => return End::ByPeer,
                    },
                    Some(Err(error)) => {
                        tracing::debug!(connection = connection.0, %error, "socket failed");
                        return End::Unreadable;
                    }
                    None => return End::ByPeer,
                },
                () = sleep_until(read_from), if !reading => {}
            }
        }
    }

    /// Verifies a proof off the async threads, so many at once as there are processors: those who have joined go on meanwhile.
    async fn verify(&self, proof: Proof) -> Option<Verdict> {
        let _turn = self.verifying.acquire().await.ok()?;
        let anchor = self.anchor.clone();
        tokio::task::spawn_blocking(move || proof.verify(&anchor)).await.ok()
    }

    fn feed_locked(&self, inner: &mut Inner, input: Input) {
        for command in inner.relay.handle(input, self.clock.now(), &*self.registry) {
            let (connection, order) = match command {
                Command::Send { connection, bytes } => (connection, Order::Send(bytes)),
                Command::Verify { connection, proof } => (connection, Order::Verify(proof)),
                Command::Ping { connection } => (connection, Order::Ping),
                Command::Pause { connection, for_ms } => (connection, Order::Pause(Duration::from_millis(for_ms))),
                Command::Close { connection, code } => (connection, Order::Close(code)),
            };
            let closes = matches!(order, Order::Close(_));
            if let Some(outbox) = inner.outboxes.get(&connection) {
                // A socket that has just ended has dropped its end: the order is moot.
                let _ = outbox.send(order);
            }
            if closes {
                inner.outboxes.remove(&connection);
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a socket ended, for the log.
#[derive(Debug)]
enum End {
    ByPeer,
    ByRelay,
    Unreadable,
    Unwritable,
}

fn input_of(connection: ConnectionId, message: Message) -> Option<Input> {
    match message {
        Message::Binary(bytes) if bytes.len() > CLIENT_FRAME_BYTES_MAX => Some(Input::TooLarge { connection }),
        Message::Binary(bytes) => Some(Input::Frame { connection, bytes: bytes.into() }),
        Message::Text(_) => Some(Input::Text { connection }),
        Message::Ping(_) | Message::Pong(_) => Some(Input::Heard { connection }),
        Message::Close(_) => None,
    }
}

async fn write(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(Duration::from_millis(WRITE_MS), socket.send(message)).await, Ok(Ok(())))
}

/// Says why, then reads on for a moment: a socket dropped with bytes unread would be reset, and the reason lost.
async fn close(socket: &mut WebSocket, code: u16) -> End {
    let frame = CloseFrame { code, reason: "".into() };
    if write(socket, Message::Close(Some(frame))).await {
        let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
        let _ = timeout(CLOSE_WAIT, answered).await;
    }
    End::ByRelay
}
