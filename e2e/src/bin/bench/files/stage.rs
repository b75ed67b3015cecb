//! A page for the libraries of others: an empty document with a file field, their scripts, and ours that uses them. A server of
//! a handful of files on loopback; it knows no more of HTTP than that.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const PAGE: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>stage</title><link rel="icon" href="data:,">
<input type="file" data-testid="file-field" aria-label="file">
<script src="/peerjs.js"></script><script src="/simple-peer.js"></script><script type="module" src="/rivals.js"></script>"#;
const SCRIPT: &str = include_str!("rivals.js");
/// Bytes of a line of a request, at most.
const LINE_BYTES_MAX: u64 = 8 * 1024;

/// What is served, by its path.
type Files = BTreeMap<String, (&'static str, Vec<u8>)>;

/// The server. It ends when it is dropped.
pub struct Stage {
    port: u16,
    server: JoinHandle<()>,
}

impl Stage {
    /// Starts one on a free port, with the libraries in `modules`.
    pub async fn start(modules: &Path) -> Result<Self> {
        let files = Arc::new(files(modules)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let files = Arc::clone(&files);
                // What goes wrong with it, the page finds out: something is missing in it.
                tokio::spawn(async move { serve(socket, &files).await.ok() });
            }
        });
        Ok(Self { port, server })
    }

    /// What browsers open.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn files(modules: &Path) -> Result<Files> {
    const SCRIPTS: &str = "text/javascript";
    let read = |path: &Path| fs::read(path).with_context(|| format!("reading {}", path.display()));
    let mut files = Files::new();
    files.insert("/".to_owned(), ("text/html", PAGE.into()));
    files.insert("/rivals.js".to_owned(), (SCRIPTS, SCRIPT.into()));
    files.insert("/peerjs.js".to_owned(), (SCRIPTS, read(&modules.join("peerjs/dist/peerjs.min.js"))?));
    files.insert("/simple-peer.js".to_owned(), (SCRIPTS, read(&modules.join("simple-peer/simplepeer.min.js"))?));
    for entry in fs::read_dir(modules.join("@trystero-p2p/core/dist")).context("Trystero's modules")? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".mjs")) {
            files.insert(format!("/trystero/{name}"), (SCRIPTS, read(&path)?));
        }
    }
    Ok(files)
}

/// Answers one request.
async fn serve(socket: TcpStream, files: &Files) -> Result<()> {
    let (from, mut to) = socket.into_split();
    let mut from = tokio::io::AsyncReadExt::take(BufReader::new(from), LINE_BYTES_MAX);
    let mut asked = String::new();
    from.read_line(&mut asked).await?;
    let mut line = String::new();
    while from.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let found = asked.split_whitespace().nth(1).and_then(|path| files.get(path));
    let (status, (kind, body)) = found.map_or(("404 Not Found", ("text/plain", &[][..])), |(kind, body)| ("200 OK", (*kind, &body[..])));
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n", body.len());
    to.write_all(head.as_bytes()).await?;
    to.write_all(body).await?;
    to.shutdown().await?;
    Ok(())
}
