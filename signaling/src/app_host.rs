//! Serves the built app: types, caching, compressed siblings, client-side routes. The headers that hold the page in are `holding`'s.

use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use b4_protocol::crypto::sha256;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use crate::operator::hex;

/// What a content-hashed file may be kept for.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The rest is asked for again each time (and answered 304).
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Largest file without a hash in its name that is known by its content, in bytes: it is read whole. The page, the service
/// worker, icons.
const CURRENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Digits of a content hash in a file's name: `-0123456789abcdef.`
const HASH_DIGITS: usize = 16;

/// The files of a build.
#[derive(Clone)]
pub(crate) struct AppHost {
    files: ServeDir,
}

impl AppHost {
    /// Serves `dist`, which holds an `index.html`.
    pub(crate) fn new(dist: &Path) -> Self {
        let files = ServeDir::new(dist).precompressed_br().precompressed_gzip();
        Self { files: files.append_index_html_on_directories(false) }
    }

    /// Answers a request for a file or for one of the app's own routes.
    pub(crate) async fn serve(self, request: Request) -> Response {
        if is_hashed(request.uri().path()) {
            return cached(self.file(request).await, FOREVER);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return self.file(request).await;
        }
        let wants_page = is_route(&request);
        let (parts, _) = request.into_parts();
        if parts.uri.path() != "/" {
            let response = self.current(parts.uri, &parts.headers).await;
            if response.status() != StatusCode::NOT_FOUND || !wants_page {
                return response;
            }
        }
        self.current(Uri::from_static("/index.html"), &parts.headers).await
    }

    /// A file whose name stays when its content changes. It is known by its content alone: builds are often given one time
    /// of change for all files, and a page that is taken for unchanged would ask for files of another build.
    async fn current(&self, uri: Uri, headers: &HeaderMap) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        if let Some(accepted) = headers.get(header::ACCEPT_ENCODING) {
            request.headers_mut().insert(header::ACCEPT_ENCODING, accepted.clone());
        }
        let response = self.file(request).await;
        if response.status() != StatusCode::OK {
            return response;
        }
        let bytes = response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if bytes.is_none_or(|bytes: usize| bytes > CURRENT_BYTES_MAX) {
            return cached(response, ASK_AGAIN);
        }
        let (mut parts, body) = response.into_parts();
        let Ok(content) = to_bytes(body, CURRENT_BYTES_MAX).await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let tag = format!("\"{}\"", hex(&sha256(&[&content])[..16]));
        let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        let is_known = known.is_some_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
        for not_ours in [header::LAST_MODIFIED, header::ACCEPT_RANGES] {
            parts.headers.remove(not_ours);
        }
        if parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/html") {
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        }
        parts.headers.insert(header::ETAG, HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes"));
        if is_known {
            parts.status = StatusCode::NOT_MODIFIED;
            for of_the_body in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                parts.headers.remove(of_the_body);
            }
            return cached(Response::from_parts(parts, Body::empty()), ASK_AGAIN);
        }
        cached(Response::from_parts(parts, content.into()), ASK_AGAIN)
    }

    async fn file(&self, request: Request) -> Response {
        match self.files.clone().oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }
}

/// A route of the app, such as `/chat/anna`: a page would do, and no file is meant. A name may hold dots, so under `/chat/`
/// they mean no file where somebody asks for a page outright.
fn is_route(request: &Request) -> bool {
    let accepts = request.headers().get(header::ACCEPT).map_or("*/*", |accept| accept.to_str().unwrap_or_default());
    let path = request.uri().path();
    let names_a_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    if names_a_file {
        return path.starts_with("/chat/") && accepts.contains("text/html");
    }
    accepts.contains("text/html") || accepts.contains("*/*")
}

fn cached(mut response: Response, caching: HeaderValue) -> Response {
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
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
    fn an_apps_route_is_where_a_page_would_do_and_no_file_is_meant() {
        let is_route = |path: &'static str, accept: Option<&'static str>| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = Uri::from_static(path);
            accept.map(|accept| request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(accept)));
            is_route(&request)
        };
        for (path, accept) in [
            ("/chat/anna", Some("text/html,*/*")),
            ("/you", Some("*/*")),
            ("/you", None),
            ("/chat/anna.b", Some("text/html")),
        ] {
            assert!(is_route(path, accept), "{path} {accept:?}");
        }
        for (path, accept) in [
            ("/you", Some("application/json")),
            ("/gone.js", Some("text/html")),
            ("/chat/gone.js", Some("*/*")),
            ("/chat/gone.js", None),
        ] {
            assert!(!is_route(path, accept), "{path} {accept:?}");
        }
    }
}
