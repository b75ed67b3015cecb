//! Carries the descriptions and candidates of the raw pair: whatever one page sends goes to all others.

use std::net::Ipv4Addr;

use anyhow::Result;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// Frames kept for a page that is slow to take them. A connection has some twenty.
const KEPT_MAX: usize = 1_024;

/// A WebSocket server on loopback. It ends when it is dropped.
pub struct Signals {
    port: u16,
    server: JoinHandle<()>,
}

impl Signals {
    /// Starts one on a free port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (frames, _) = broadcast::channel(KEPT_MAX);
        let server = tokio::spawn(async move {
            let mut number = 0_u64;
            while let Ok((socket, _)) = listener.accept().await {
                number += 1;
                tokio::spawn(serve(socket, number, frames.clone()));
            }
        });
        Ok(Self { port, server })
    }

    /// What pages connect to.
    pub fn url(&self) -> String {
        format!("ws://localhost:{}", self.port)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Until the page goes away.
async fn serve(socket: TcpStream, number: u64, frames: broadcast::Sender<(u64, Message)>) {
    // Whatever goes wrong with it, the page finds out: nothing opens.
    let _ = socket.set_nodelay(true);
    let Ok(socket) = accept_async(socket).await else { return };
    let (mut out, mut from) = socket.split();
    let mut others = frames.subscribe();
    loop {
        tokio::select! {
            frame = from.next() => match frame {
                Some(Ok(frame)) if frame.is_text() => drop(frames.send((number, frame))),
                Some(Ok(_)) => {}
                _ => return,
            },
            frame = others.recv() => match frame {
                Ok((by, frame)) if by != number => if out.send(frame).await.is_err() { return },
                Ok(_) => {}
                Err(_) => return,
            },
        }
    }
}
