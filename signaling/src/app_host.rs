//! Serves the built app: types, caching, compressed siblings, client-side routes, and the headers that hold the page in.

use std::path::Path;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use crate::origin::is_host;

/// What a content-hashed file may be kept for.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The rest is asked for again each time (and answered 304).
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Digits of a content hash in a file's name: `-0123456789abcdef.`
const HASH_DIGITS: usize = 16;

/// Headers that are the same on every response. Features that the app uses are its own; all others are off.
const FIXED: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), clipboard-write=(self), \
         fullscreen=(self), accelerometer=(), bluetooth=(), browsing-topics=(), clipboard-read=(), \
         cross-origin-isolated=(), encrypted-media=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), \
         idle-detection=(), keyboard-map=(), local-fonts=(), magnetometer=(), midi=(), otp-credentials=(), payment=(), \
         picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), \
         serial=(), storage-access=(), sync-xhr=(), usb=(), window-management=(), xr-spatial-tracking=()",
    ),
];

/// The files of a build.
#[derive(Clone)]
pub(crate) struct AppHost {
    files: ServeDir,
}

impl AppHost {
    /// Serves `dist`, which holds an `index.html`.
    pub(crate) fn new(dist: &Path) -> Self {
        let files = ServeDir::new(dist).precompressed_br().precompressed_gzip();
        Self { files: files.append_index_html_on_directories(true) }
    }

    /// Answers a request for a file or for one of the app's own routes.
    pub(crate) async fn serve(self, request: Request) -> Response {
        let wants_page = is_route(&request);
        let headers = request.headers().clone();
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let response = self.file(request).await;
        if response.status() == StatusCode::NOT_FOUND && wants_page {
            return with_caching(self.file(page_request(method, headers)).await, "/index.html");
        }
        with_caching(response, &path)
    }

    async fn file(&self, request: Request) -> Response {
        match self.files.clone().oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }
}

fn page_request(method: Method, headers: HeaderMap) -> Request {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from_static("/index.html");
    *request.headers_mut() = headers;
    request
}

/// A route of the app, such as `/chat/anna`: a page is wanted, and no file is meant.
fn is_route(request: &Request) -> bool {
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    reads && accepts.contains("text/html") && !request.uri().path().contains('.')
}

fn with_caching(mut response: Response, path: &str) -> Response {
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        let caching = if is_hashed(path) { FOREVER } else { ASK_AGAIN };
        response.headers_mut().insert(header::CACHE_CONTROL, caching);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// Whether the file's name carries the hash of its content.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.match_indices('-').any(|(dash, _)| {
        let after = &name.as_bytes()[dash + 1..];
        let digits = after.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
        digits == HASH_DIGITS && after.get(digits) == Some(&b'.')
    })
}

/// The page's content security policy. Its sockets go to its own host alone.
fn content_security_policy(host: Option<&str>) -> String {
    let sockets = match host {
        Some(host) if is_host(host) => format!(" ws://{host} wss://{host}"),
        _ => String::new(),
    };
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; \
         media-src 'self' blob:; connect-src 'self'{sockets}; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types b4"
    )
}

/// Puts the security headers on a response, whatever it is.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let policy = content_security_policy(host);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    match HeaderValue::from_str(&policy) {
        Ok(policy) => headers.insert(header::CONTENT_SECURITY_POLICY, policy),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_of_sixteen_digits_in_the_name_is_forever() {
        for hashed in ["/app-0123456789abcdef.wasm", "/a/b-c-0123456789abcdef.js", "/x-0123456789abcdef.css.map"] {
            assert!(is_hashed(hashed), "{hashed}");
        }
        for other in [
            "/", "/index.html", "/app-0123456789abcde.js", "/app-0123456789abcdef0.js", "/app-0123456789ABCDEF.js",
            "/app-0123456789abcdef", "/x-0123456789abcdef./y.js", "/sw.js", "/appé-0123456789abcdeé.js",
        ] {
            assert!(!is_hashed(other), "{other}");
        }
    }

    #[test]
    fn the_policy_names_the_own_host_and_never_what_is_not_one() {
        let policy = content_security_policy(Some("b4.example:8443"));
        assert!(policy.contains("; connect-src 'self' ws://b4.example:8443 wss://b4.example:8443; worker-src"));
        for bad in [None, Some("a; script-src *"), Some("*")] {
            assert!(content_security_policy(bad).contains("; connect-src 'self'; worker-src 'self'; "));
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains(" 'unsafe-eval'"));
    }

    #[test]
    fn an_apps_route_is_a_wanted_page_without_a_dot() {
        let request = |method, path: &'static str, accept: &'static str| {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method;
            *request.uri_mut() = Uri::from_static(path);
            request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(accept));
            request
        };
        assert!(is_route(&request(Method::GET, "/chat/anna", "text/html,*/*")));
        assert!(!is_route(&request(Method::GET, "/chat/anna", "*/*")));
        assert!(!is_route(&request(Method::GET, "/gone.js", "text/html")));
        assert!(!is_route(&request(Method::POST, "/chat/anna", "text/html")));
    }
}
