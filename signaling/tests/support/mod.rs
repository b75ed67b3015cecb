//! A real server process, and the smallest clients that can talk to it. Shared by the tests and the `idle_peers` example.
#![allow(dead_code, reason = "every test uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use b4_protocol::crypto::Rng;
use b4_protocol::crypto::native::DeviceKeys;
use b4_protocol::identity::testing::{NOW_MS, TestAuthority, request_of};
use b4_protocol::identity::{ENROL_LABEL, answer_challenge};
use b4_protocol::signal::relay::{ClientFrame, RelayFrame, proof_message};
use b4_signaling::data_dir::DataDir;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longest wait for anything but the long deadlines.
const WAIT: Duration = Duration::from_secs(10);

/// A server process in a directory of its own.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    pub home: tempfile::TempDir,
    program: PathBuf,
    flags: Vec<String>,
    /// What is logged, to the file `log` in `home`; else warnings, to the test's own output.
    log: Option<String>,
}

impl Server {
    /// Starts a server over the ready-made authority.
    pub fn start(program: impl Into<PathBuf>, flags: &[&str]) -> Self {
        Self::start_in(program, prepared(), flags)
    }

    /// Starts a server in a directory whose `data` may be missing; an app with one page is put beside it.
    pub fn start_in(program: impl Into<PathBuf>, home: tempfile::TempDir, flags: &[&str]) -> Self {
        Self::launched(program.into(), home, flags, None)
    }

    /// Starts a server whose log goes to the file `log` in `home`.
    pub fn start_logged(program: impl Into<PathBuf>, flags: &[&str], log: &str) -> Self {
        Self::start_logged_in(program, prepared(), flags, log)
    }

    /// The same in a directory of one's own.
    pub fn start_logged_in(program: impl Into<PathBuf>, home: tempfile::TempDir, flags: &[&str], log: &str) -> Self {
        Self::launched(program.into(), home, flags, Some(log.to_owned()))
    }

    fn launched(program: PathBuf, home: tempfile::TempDir, flags: &[&str], log: Option<String>) -> Self {
        let dist = home.path().join("dist");
        if !dist.exists() {
            std::fs::create_dir(&dist).expect("made");
            std::fs::write(dist.join("index.html"), "<!doctype html><title>B4</title>").expect("written");
        }
        let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let (child, address) = launch(&program, home.path(), &flags, log.as_deref());
        Self { child, address, home, program, flags, log }
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Sends a signal by its name. The shell's own `kill`: the program of that name is not on every Debian.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -s {name} {}", self.child.id())).status();
        assert!(sent.expect("a shell").success());
    }

    /// Carries an operator's order out by the command line; what it says.
    pub fn operator(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        let output = command.args(arguments).arg("--data").arg(self.data()).output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// `free`, `taken` or `reserved`.
    pub fn name_state(&self, name: &str) -> String {
        let answer = self.get(&format!("/names/{name}"));
        let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(json["id"].as_str(), Some(name));
        json["state"].as_str().expect("a state").to_owned()
    }

    /// Waits for the process to end.
    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(begun.elapsed() < WAIT, "the server did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts again in the same directory, on another port.
    pub fn restart(&mut self) {
        (self.child, self.address) = launch(&self.program, self.home.path(), &self.flags, self.log.as_deref());
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], b"")
    }

    pub fn get_as(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call("GET", path, headers, b"")
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.call("POST", path, &[], body)
    }

    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_call(method, path, headers, body).expect("the server answers")
    }

    /// `None` when the server ends before it has answered.
    fn try_call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(WAIT)).expect("set");
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).ok()?;
        // The server may refuse a body unread and close: what it said is still to be read.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Answer::parse(&bytes)
    }

    /// Enrols with both calls; the certificate, or the refusal.
    pub fn enrol(&self, name: &str, keys: &DeviceKeys, rng: &mut Rng) -> Result<Vec<u8>, Answer> {
        self.enrol_with(name, keys, rng, &[])
    }

    pub fn enrol_with(
        &self,
        name: &str,
        keys: &DeviceKeys,
        rng: &mut Rng,
        headers: &[(&str, &str)],
    ) -> Result<Vec<u8>, Answer> {
        self.try_enrol(name, keys, rng, headers).expect("the server answers")
    }

    /// `None` when the server ends before it has answered both calls.
    pub fn try_enrol(
        &self,
        name: &str,
        keys: &DeviceKeys,
        rng: &mut Rng,
        headers: &[(&str, &str)],
    ) -> Option<Result<Vec<u8>, Answer>> {
        let csr = request_of(name, keys, rng);
        let begun = self.try_call("POST", "/enrol", headers, &csr)?;
        if begun.status != 200 {
            return Some(Err(begun));
        }
        let json: serde_json::Value = serde_json::from_slice(&begun.body).expect("JSON");
        let challenge = json["challenge"].as_str().expect("a challenge");
        let challenge = <base64ct::Base64 as base64ct::Encoding>::decode_vec(challenge).expect("base64");
        let opened = keys.unwrapping.unwrap(rng, ENROL_LABEL, &challenge).expect("our own key");
        let answer = answer_challenge(&opened, &csr).expect("our own request");
        let ticket = json["ticket"].as_str().expect("a ticket");
        let done = self.try_call("POST", &format!("/enrol/{ticket}"), &[], &answer)?;
        Some(if done.status == 200 { Ok(done.body) } else { Err(done) })
    }

    /// The origin of the page that the server itself serves.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Opens the relay's socket; the HTTP status where that is refused.
    pub async fn socket(&self, origin: &str) -> Result<Socket, u16> {
        let mut request = format!("ws://{}/relay", self.address).into_client_request().expect("a request");
        request.headers_mut().insert("origin", origin.parse().expect("a header"));
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Socket { stream, welcome: None }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens the relay's socket and joins.
    pub async fn join(&self, certificate: &[u8], keys: &DeviceKeys, rng: &mut Rng) -> Socket {
        self.join_timed(certificate, keys, rng).await.0
    }

    /// Joins; how long it took from the proof to the welcome.
    pub async fn join_timed(&self, certificate: &[u8], keys: &DeviceKeys, rng: &mut Rng) -> (Socket, Duration) {
        let mut socket = self.socket(&self.origin()).await.expect("our own origin");
        let RelayFrame::Challenge { nonce } = socket.frame().await else { panic!("a challenge comes first") };
        let hash = b4_protocol::crypto::sha256(&[certificate]);
        let signature = keys.signing.sign(rng, &proof_message(&self.origin(), &nonce, &hash));
        let begun = Instant::now();
        socket.send(&ClientFrame::Prove { certificate: certificate.to_vec(), signature }).await;
        match socket.frame().await {
            welcome @ RelayFrame::Welcome { .. } => {
                socket.welcome = Some(welcome);
                (socket, begun.elapsed())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Processor time that the process has used, to ten milliseconds.
    pub fn processor_ms(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        let (_, after_name) = stat.rsplit_once(") ").expect("a name in brackets");
        // Fields 14 and 15 of proc(5), in ticks of which Linux has 100 a second.
        after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number") * 10).sum()
    }

    /// Resident memory of the process in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident size");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1_024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory whose `data` holds the ready-made authority.
pub fn prepared() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = DataDir::open(&home.path().join("data")).expect("made");
    dir.adopt(TestAuthority::new([1; 32]).issuer()).expect("kept");
    home
}

/// Starts the program and waits until it says where it listens.
fn launch(program: &Path, home: &Path, flags: &[String], log: Option<&str>) -> (Child, SocketAddr) {
    let mut command = serve_command(program, &home.join("data"), &home.join("dist"), "127.0.0.1:0");
    if let Some(level) = log {
        let file = std::fs::File::options().create(true).append(true).open(home.join("log")).expect("made");
        command.env("RUST_LOG", level).stderr(file);
    }
    let mut child = command.args(flags).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("listening on http://").expect("where it listens");
    (child, address.parse().expect("an address"))
}

pub fn serve_command(program: &Path, data: &Path, app: &Path, listen: &str) -> Command {
    let mut command = Command::new(program);
    if program.extension().is_some_and(|extension| extension == "sh") {
        command = Command::new("sh");
        command.arg(program);
    }
    command.arg("serve").args(["--listen", listen]).arg("--data").arg(data).arg("--app").arg(app);
    command.env("RUST_LOG", "warn");
    command
}

/// An HTTP response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head of text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let (status, body) = (status.parse().expect("a status"), bytes[end + 4..].to_vec());
        let answer = Self { status, headers, body };
        let length: Option<usize> = answer.header("content-length").parse().ok();
        length.is_none_or(|length| length == answer.body.len() || answer.body.is_empty()).then_some(answer)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a refusal, with its status.
    pub fn refusal(&self) -> (u16, String) {
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        (self.status, json["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// A client's end of the relay's socket.
pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    /// The relay's welcome, once joined.
    pub welcome: Option<RelayFrame>,
}

impl Socket {
    pub async fn send(&mut self, frame: &ClientFrame) {
        self.raw(Message::Binary(frame.encode().into())).await;
    }

    pub async fn raw(&mut self, message: Message) {
        self.stream.send(message).await.expect("the socket is open");
    }

    /// The next frame of the relay.
    pub async fn frame(&mut self) -> RelayFrame {
        loop {
            match tokio::time::timeout(WAIT, self.stream.next()).await.expect("a frame in time") {
                Some(Ok(Message::Binary(bytes))) => return RelayFrame::decode(&bytes).expect("a good frame"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The close code, and the frames before it; `None` when the connection just ended.
    pub async fn end(&mut self, wait: Duration) -> (Vec<RelayFrame>, Option<u16>) {
        let mut frames = Vec::new();
        loop {
            match tokio::time::timeout(wait, self.stream.next()).await.expect("an end in time") {
                Some(Ok(Message::Binary(bytes))) => frames.push(RelayFrame::decode(&bytes).expect("a good frame")),
                Some(Ok(Message::Close(close))) => {
                    return (frames, close.map(|close| <CloseCode as Into<u16>>::into(close.code)));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (frames, None),
            }
        }
    }
}

/// The time at which the ready-made authority was founded.
pub const FOUNDED_MS: u64 = NOW_MS;
