//! The HTTP calls of the authority and the operator, and the relay's handshake (PROTOCOL.md#enrolment, PROTOCOL.md#relay).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{DefaultBodyLimit, Extension, FromRequestParts, Path, Request, State, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use b4_protocol::identity::{Issuer, REQUEST_BYTES_MAX, RequestError};
use base64ct::{Base64, Encoding as _};
use serde::Serialize;

use crate::app_host::AppHost;
use crate::authority::Refusal;
use crate::clock::Clock;
use crate::enrolment::{Enrolment, NameState};
use crate::holding::secure;
use crate::limits::{FRAME_BYTES_READ, REQUEST_MS, SOCKET_BUFFER_BYTES};
use crate::metrics::{Gauges, Tally, render};
use crate::operator::{hex, unhex};
use crate::origin::is_allowed;
use crate::registry::{ClaimError, Registry};
use crate::revocation::CurrentList;
use crate::server::Place;
use crate::socket::RelayHost;

/// When to try again after the registry has failed, in seconds. Guess.
const RETRY_AFTER_FAILURE_S: u64 = 5;

/// All that the calls need.
pub(crate) struct Server {
    pub(crate) issuer: Issuer,
    pub(crate) registry: Arc<Registry>,
    pub(crate) enrolment: Enrolment,
    pub(crate) revocations: CurrentList,
    pub(crate) relay: RelayHost,
    pub(crate) clock: Clock,
    pub(crate) origins: Arc<[String]>,
    pub(crate) behind_proxy: bool,
    pub(crate) tally: Tally,
}

/// A client's address, as the socket or the proxy tells it.
#[derive(Clone, Copy)]
struct Address(IpAddr);

/// The routes; `app` serves what is none of them.
pub(crate) fn router(server: Arc<Server>, app: AppHost) -> Router {
    let files = get(move |request: Request| app.serve(request));
    Router::new()
        .route("/authority.pem", get(authority_pem))
        .route("/names/{id}", get(name))
        .route("/enrol", post(enrol))
        .route("/enrol/{ticket}", post(answer))
        .route("/revoked", get(revoked))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .route("/relay", get(relay))
        .fallback_service(files)
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(middleware::from_fn_with_state(server.clone(), place))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn_with_state(server.origins.clone(), secure))
        .with_state(server)
}

/// Ends a request that takes too long with 408. A WebSocket has answered long before.
async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(Duration::from_millis(REQUEST_MS), next.run(request));
    answer.await.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

/// Notes where the request comes from, and what became of it.
async fn place(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let socket = request.extensions().get::<SocketAddr>().map(SocketAddr::ip);
    let proxied = if server.behind_proxy { last_hop(request.headers()) } else { None };
    match proxied.or(socket) {
        Some(address) => {
            request.extensions_mut().insert(Address(address));
            let response = next.run(request).await;
            if let Some(Refused(code)) = response.extensions().get::<Refused>() {
                server.tally.refused(code);
            }
            response
        }
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The address that our own proxy saw: the last one of X-Forwarded-For. Those before it are the client's word.
fn last_hop(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

async fn authority_pem(State(server): State<Arc<Server>>) -> Response {
    typed("application/x-pem-file", server.issuer.anchor().to_pem())
}

async fn revoked(State(server): State<Arc<Server>>) -> Response {
    typed("application/octet-stream", server.revocations.bytes())
}

#[derive(Serialize)]
struct NameAnswer {
    id: String,
    state: &'static str,
}

async fn name(
    State(server): State<Arc<Server>>,
    Extension(Address(address)): Extension<Address>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    // What is not even text is nobody's name, like the mark that stands for it.
    let id = id.map_or_else(|_| char::REPLACEMENT_CHARACTER.to_string(), |Path(id)| id);
    let state = blocking(&server, {
        let id = id.clone();
        move |server| server.enrolment.name_state(&server.registry, &id, address, server.clock.now())
    });
    let state = match state.await? {
        NameState::Free => "free",
        NameState::Taken => "taken",
        NameState::Reserved => "reserved",
    };
    Ok(fresh(Json(NameAnswer { id, state })))
}

#[derive(Serialize)]
struct EnrolAnswer {
    ticket: String,
    challenge: String,
}

async fn enrol(
    State(server): State<Arc<Server>>,
    Extension(Address(address)): Extension<Address>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let csr = body?;
    let invite = headers.get("b4-invite").map(|invite| invite.to_str().unwrap_or_default().to_owned());
    let begun = blocking(&server, move |server| {
        server.enrolment.begin(&server.registry, &csr, invite.as_deref(), address, server.clock.now())
    });
    let (ticket, challenge) = begun.await?;
    Ok(fresh(Json(EnrolAnswer { ticket: hex(&ticket), challenge: Base64::encode_string(&challenge) })))
}

async fn answer(
    State(server): State<Arc<Server>>,
    Path(ticket): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let body = body?;
    let ticket = unhex(&ticket).ok_or(ClaimError::Refused(Refusal::NoTicket))?;
    let certificate = blocking(&server, move |server| {
        server.enrolment.complete(&server.registry, &server.issuer, &ticket, &body, server.clock.now())
    });
    let certificate = certificate.await?;
    server.tally.issued();
    Ok(typed("application/pkix-cert", certificate))
}

/// Well is who can read the registry; whether the disk takes more, only a write shows.
async fn healthz(State(server): State<Arc<Server>>) -> Response {
    match blocking(&server, |server| Ok(server.registry.names()?)).await {
        Ok(_) => fresh("ok\n"),
        Err(_) => fresh((StatusCode::SERVICE_UNAVAILABLE, "the registry cannot be read\n")),
    }
}

async fn metrics(State(server): State<Arc<Server>>) -> Response {
    let (counters, connections, peers, watches) = server.relay.status();
    let names = blocking(&server, |server| Ok(server.registry.names()?)).await.ok();
    let revocation_sequence = server.revocations.list().sequence();
    let gauges = Gauges { connections, peers, watches, names, revocation_sequence };
    typed("text/plain; version=0.0.4", render(&gauges, &counters, &server.tally))
}

/// Opens the relay's socket to a page of an allowed origin.
async fn relay(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let origin = text(&parts.headers, header::ORIGIN).unwrap_or_default().to_owned();
    if !is_allowed(&origin, text(&parts.headers, header::HOST), &server.origins) {
        return refusal(StatusCode::FORBIDDEN, "wrong-origin", "this origin may not open the relay's socket", None);
    }
    let Some(Address(address)) = parts.extensions.get::<Address>().copied() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection> =
        WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let upgrade = upgrade
        .read_buffer_size(SOCKET_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(FRAME_BYTES_READ)
        .max_frame_size(FRAME_BYTES_READ);
    let place = parts.extensions.remove::<Arc<Place>>();
    upgrade.on_upgrade(move |socket| async move {
        server.relay.serve(socket, address, origin).await;
        drop(place);
    })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Why a call failed: a refusal, or our own fault.
struct Failure(Result<Refusal, String>);

impl From<ClaimError> for Failure {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Refused(refusal) => Self(Ok(refusal)),
            ClaimError::Registry(error) => Self(Err(error.to_string())),
        }
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self(Ok(Refusal::TooLarge));
        }
        // The client stopped in the middle of it.
        Self(Ok(Refusal::BadRequest(RequestError::NotDer)))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self.0 {
            Ok(cause) => {
                let (code, status) = cause.code();
                let retry_after_ms = match cause {
                    Refusal::TooMany { retry_after_ms } => Some(retry_after_ms),
                    _ => None,
                };
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
                refusal(status, code, &cause.to_string(), retry_after_ms)
            }
            Err(error) => {
                tracing::error!(%error, "a call failed");
                let detail = "the authority cannot do this now; nothing has changed";
                refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail, Some(RETRY_AFTER_FAILURE_S * 1_000))
            }
        }
    }
}

#[derive(Serialize)]
struct RefusalAnswer<'a> {
    code: &'a str,
    detail: &'a str,
}

/// Marks a refusal, to be counted.
#[derive(Clone, Copy)]
struct Refused(&'static str);

fn refusal(status: StatusCode, code: &'static str, detail: &str, retry_after_ms: Option<u64>) -> Response {
    let mut response = fresh((status, Json(RefusalAnswer { code, detail })));
    response.extensions_mut().insert(Refused(code));
    if let Some(ms) = retry_after_ms {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000).max(1)));
    }
    response
}

fn typed(content_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = fresh(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer that is true only now.
fn fresh(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Runs what signs or waits for the disk off the async threads.
async fn blocking<T: Send + 'static>(
    server: &Arc<Server>,
    work: impl FnOnce(&Server) -> Result<T, ClaimError> + Send + 'static,
) -> Result<T, Failure> {
    let server = server.clone();
    match tokio::task::spawn_blocking(move || work(&server)).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(Failure(Err(error.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxys_own_word_is_the_last_hop() {
        let hop = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", HeaderValue::from_static(value));
            }
            last_hop(&headers).map(|address| address.to_string())
        };
        assert_eq!(hop(&["6.6.6.6, 10.0.0.1"]).as_deref(), Some("10.0.0.1"));
        assert_eq!(hop(&["6.6.6.6", "2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(hop(&["10.0.0.1:4711"]).as_deref(), Some("10.0.0.1"));
        assert_eq!(hop(&["[2001:db8::1]:4711"]).as_deref(), Some("2001:db8::1"));
        assert_eq!((hop(&[]), hop(&["6.6.6.6, nonsense"])), (None, None));
    }
}
