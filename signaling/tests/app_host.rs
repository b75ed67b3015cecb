//! The app's host and the command line against the real program.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use b4_signaling::data_dir::DataDir;
use b4_signaling::limits::WRITE_MS;
use b4_signaling::registry::Registry;
use support::{Server, serve_command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_b4-signaling");
const HASHED: &str = "app-0123456789abcdef";

fn host() -> Server {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dist = home.path().join("dist");
    std::fs::create_dir(&dist).expect("made");
    for (name, content) in [
        ("index.html".to_owned(), "page"),
        (format!("{HASHED}.wasm"), "wasm"),
        (format!("{HASHED}.wasm.br"), "brotli"),
        (format!("{HASHED}.wasm.gz"), "gzip"),
        (format!("{HASHED}.js"), "script"),
        ("sw.js".to_owned(), "worker"),
        ("manifest.webmanifest".to_owned(), "{}"),
        ("style.css".to_owned(), "style"),
        ("icon.svg".to_owned(), "icon"),
    ] {
        std::fs::write(dist.join(name), content).expect("written");
    }
    std::fs::write(home.path().join("secret"), "secret").expect("written");
    let data = DataDir::open(&home.path().join("data")).expect("made");
    data.adopt(b4_protocol::identity::testing::TestAuthority::new([1; 32]).issuer()).expect("kept");
    Server::start_in(PROGRAM, home, &[])
}

#[test]
fn every_response_has_the_headers_that_hold_the_page_in() {
    let server = host();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; media-src 'self' \
         blob:; connect-src 'self' ws://{0} wss://{0}; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action \
         'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types b4",
        server.address
    );
    for path in ["/", "/index.html", "/sw.js", "/gone.js", "/authority.pem", "/names/Anna", "/metrics", "/relay"] {
        let answer = server.get(path);
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        let permissions = answer.header("permissions-policy");
        assert!(permissions.contains("camera=(self), microphone=(self), display-capture=(self)"), "{path}");
        assert!(permissions.contains("geolocation=()") && !permissions.contains('*'), "{path}");
    }
}

#[test]
fn files_have_their_types_and_are_kept_as_long_as_their_names_say() {
    let server = host();
    let (forever, ask) = ("public, max-age=31536000, immutable", "no-cache");
    for (path, content_type, caching, body) in [
        ("/", "text/html", ask, "page"),
        ("/index.html", "text/html", ask, "page"),
        (&format!("/{HASHED}.wasm"), "application/wasm", forever, "wasm"),
        (&format!("/{HASHED}.js"), "text/javascript", forever, "script"),
        ("/sw.js", "text/javascript", ask, "worker"),
        ("/manifest.webmanifest", "application/manifest+json", ask, "{}"),
        ("/style.css", "text/css", ask, "style"),
        ("/icon.svg", "image/svg+xml", ask, "icon"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.text().as_str(), answer.header("cache-control")), (200, body, caching), "{path}");
        assert_eq!(answer.header("content-type").split(';').next(), Some(content_type), "{path}");
    }
}

#[test]
fn compressed_siblings_are_served_to_those_who_take_them() {
    let server = host();
    let path = format!("/{HASHED}.wasm");
    let fetch = |accept: &str| {
        let answer = server.get_as(&path, &[("Accept-Encoding", accept)]);
        assert_eq!((answer.header("content-type"), answer.header("vary")), ("application/wasm", "accept-encoding"));
        (answer.header("content-encoding").to_owned(), answer.text())
    };
    assert_eq!(fetch("gzip, br"), ("br".to_owned(), "brotli".to_owned()));
    assert_eq!(fetch("gzip"), ("gzip".to_owned(), "gzip".to_owned()));
    assert_eq!(fetch("identity"), (String::new(), "wasm".to_owned()));
    let plain = server.get_as("/sw.js", &[("Accept-Encoding", "br")]);
    assert_eq!((plain.header("content-encoding"), plain.text().as_str()), ("", "worker"));
}

#[test]
fn the_apps_own_routes_get_the_page_and_nothing_else_does() {
    let server = host();
    let page = |path: &str| server.get_as(path, &[("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")]);
    for path in ["/chat/anna", "/you", "/chat/anna.b", "/chat/anna.js", "/chat/%2e%2e"] {
        let answer = page(path);
        assert_eq!((answer.status, answer.text().as_str(), answer.header("cache-control")), (200, "page", "no-cache"));
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
    assert_eq!((server.get("/you").text(), server.get("/chat/anna").text()), ("page".to_owned(), "page".to_owned()));
    assert_eq!((page("/gone.js").status, server.get("/chat/gone.js").status), (404, 404));
    assert_eq!(server.get_as("/chat/anna", &[("Accept", "application/json")]).status, 404);
    assert_eq!(server.post("/", b"").status, 405);
}

#[test]
fn nothing_outside_the_build_is_served() {
    let server = host();
    std::fs::write(server.home.path().join("dist").join("folder"), "").expect("written");
    for path in [
        "/../secret", "/%2e%2e/secret", "/..%2fsecret", "//secret", "/chat/../../secret", "/..%5csecret", "/%2e%2e%2fsecret",
        "/./../secret", "/a/%2e%2e/%2e%2e/secret", "/../data/authority.key.der", "/%00", "/..%c0%afsecret",
    ] {
        for headers in [&[][..], &[("Accept", "text/html")][..]] {
            let answer = server.get_as(path, headers);
            assert!(!answer.text().contains("secret") && !answer.body.starts_with(&[0x30]), "{path}");
            assert!([200, 400, 404].contains(&answer.status), "{path}: {}", answer.status);
            assert!(answer.header("location").is_empty(), "{path} leads elsewhere");
        }
    }
}

#[test]
fn a_head_has_the_headers_of_a_get_and_no_body() {
    let server = host();
    for path in ["/", "/sw.js", "/you", &format!("/{HASHED}.wasm"), "/authority.pem", "/healthz"] {
        let (get, head) = (server.get(path), server.call("HEAD", path, &[], b""));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        let but_the_date = |answer: &support::Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("date");
            headers
        };
        assert_eq!(but_the_date(&head), but_the_date(&get), "{path}");
    }
}

#[test]
fn what_is_known_is_not_sent_again_and_what_has_changed_is_whatever_its_date_says() {
    let server = host();
    let file = server.home.path().join("dist").join("index.html");
    let changed = |content: &str| {
        std::fs::write(&file, content).expect("written");
        let date = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
        std::fs::File::options().write(true).open(&file).and_then(|file| file.set_modified(date)).expect("set");
    };
    changed("old!");
    let first = server.get("/");
    let tag = first.header("etag").to_owned();
    assert!(tag.len() > 16 && first.header("last-modified").is_empty());
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let again = server.get_as("/", &[("If-None-Match", &known)]);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()), "{known}");
        assert_eq!((again.header("cache-control"), again.header("vary")), ("no-cache", "accept-encoding"));
        assert!(!again.header("content-security-policy").is_empty());
    }
    // As long and as old as before.
    changed("new!");
    let since = ("If-Modified-Since", "Thu, 01 Jan 2026 00:00:00 GMT");
    let next = server.get_as("/", &[("If-None-Match", &tag), since]);
    assert_eq!((next.status, next.text().as_str()), (200, "new!"));
    let hashed = format!("/{HASHED}.wasm");
    let tag = server.get(&hashed).header("etag").to_owned();
    assert_eq!(server.get_as(&hashed, &[("If-None-Match", &tag)]).status, 304);
}

#[test]
fn a_client_that_does_not_read_what_it_asked_for_is_left_after_ten_seconds() {
    let server = host();
    // More than the system keeps for both ends.
    const BYTES: u64 = 64 * 1_024 * 1_024;
    let large = server.home.path().join("dist").join(format!("{HASHED}.txt"));
    std::fs::File::create(large).and_then(|file| file.set_len(BYTES)).expect("made");
    let mut stream = TcpStream::connect(server.address).expect("the server listens");
    stream.write_all(format!("GET /{HASHED}.txt HTTP/1.1\r\nHost: b4\r\n\r\n").as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(WRITE_MS + 2_000));
    let (mut read, mut bytes) = (0, vec![0; 65_536]);
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        read += count as u64;
    }
    assert!(read > 0 && read < BYTES, "{read} bytes came");
}

#[test]
fn a_start_that_cannot_be_says_what_to_do() {
    let server = host();
    let check = |data: &Path, app: &Path, listen: &str, remedy: &str| {
        let output = serve_command(Path::new(PROGRAM), data, app, listen).output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(remedy), "{said}");
    };
    let (data, dist) = (server.home.path().join("other"), server.home.path().join("dist"));
    let taken = server.address.to_string();
    check(&data, &dist, &taken, "give another --listen");
    check(&server.data(), &dist, "127.0.0.1:0", "stop it first");
    check(&data, &data, "127.0.0.1:0", "build the app first");
    // Of two first starts at once, only the one that has the registry makes a key.
    let founding = DataDir::open(&data).expect("made");
    let held = Registry::open(&founding.registry()).expect("made");
    check(&data, &dist, "127.0.0.1:0", "stop it first");
    assert!(!data.join("authority.key.der").exists());
    drop(held);
    check(&dist.join("index.html"), &dist, "127.0.0.1:0", "a directory that this user may write");
}
