//! The headers that hold the page in, on every response: what it may load, send to, be framed by and ask of the browser.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::origin::is_host;

/// Headers that are the same on every response. Features that the app uses are its own; all others are off that Chromium
/// knows by name: it reports every other name in the page's console.
const FIXED: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), clipboard-write=(self), \
         fullscreen=(self), accelerometer=(), browsing-topics=(), clipboard-read=(), \
         cross-origin-isolated=(), encrypted-media=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), \
         idle-detection=(), keyboard-map=(), local-fonts=(), magnetometer=(), midi=(), otp-credentials=(), payment=(), \
         picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), \
         serial=(), storage-access=(), sync-xhr=(), usb=(), window-management=(), xr-spatial-tracking=()",
    ),
];

/// The page's content security policy. Its sockets go to the given origins, or else to its own host alone.
fn content_security_policy(origins: &[String], host: Option<&str>) -> String {
    let sockets = match host {
        _ if !origins.is_empty() => origins.iter().map(|origin| format!(" {}", origin.replacen("http", "ws", 1))).collect(),
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
pub(crate) async fn secure(State(origins): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let policy = content_security_policy(&origins, host);
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
    fn the_policy_names_the_own_host_and_never_what_is_not_one() {
        let policy = content_security_policy(&[], Some("b4.example:8443"));
        assert!(policy.contains("; connect-src 'self' ws://b4.example:8443 wss://b4.example:8443; worker-src"));
        for bad in [None, Some("a; script-src *"), Some("*")] {
            assert!(content_security_policy(&[], bad).contains("; connect-src 'self'; worker-src 'self'; "));
        }
        let origins = ["https://b4.example".to_owned(), "http://localhost:1".to_owned()];
        let listed = content_security_policy(&origins, Some("inside:8080"));
        assert!(listed.contains("; connect-src 'self' wss://b4.example ws://localhost:1; worker-src"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains(" 'unsafe-eval'"));
    }
}
