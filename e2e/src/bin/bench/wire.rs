//! Counts what really goes over the wire: a forwarder between the browser and the relay. It knows nothing of HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A forwarder. It ends when it is dropped.
pub struct Wire {
    port: u16,
    to_browser: Arc<AtomicU64>,
    server: JoinHandle<()>,
}

impl Wire {
    /// Starts one to `target` on a free port.
    pub async fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let to_browser = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&to_browser);
        let server = tokio::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                tokio::spawn(forward(browser, target, Arc::clone(&counter)));
            }
        });
        Ok(Self { port, to_browser, server })
    }

    /// What the browser opens.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Bytes that went to the browser so far, heads of responses included.
    pub fn bytes(&self) -> u64 {
        self.to_browser.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn forward(browser: TcpStream, target: SocketAddr, counter: Arc<AtomicU64>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_browser, to_browser), (from_server, to_server)) = (browser.into_split(), server.into_split());
    let unread = Arc::new(AtomicU64::new(0));
    tokio::join!(pump(from_browser, to_server, unread), pump(from_server, to_browser, counter));
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, counter: Arc<AtomicU64>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        counter.fetch_add(count as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    // The other end may be gone already.
    let _ = to.shutdown().await;
}
