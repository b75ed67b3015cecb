//! HTTP on the page's own origin: one request, one bounded answer.

use b4_protocol::identity::REVOCATIONS_MAX;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, Headers, RequestCache, RequestCredentials, RequestInit, RequestRedirect, Response};

use super::{PlatformError, js};

/// After this many milliseconds an answer counts as none. Guess: enrolling on a slow phone network took seconds.
const TIMEOUT_MS: u32 = 20_000;
/// The largest answer taken, in bytes: room for the longest revocation list; everything else is far below.
const ANSWER_BYTES_MAX: usize = REVOCATIONS_MAX * 32 + 4_096;

/// What came back.
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// A request.
#[derive(Default)]
pub(super) struct Request<'a> {
    /// The body; makes it a POST.
    pub(super) body: Option<&'a [u8]>,
    /// A header of ours.
    pub(super) header: Option<(&'a str, &'a str)>,
}

/// Sends `request` to `path` of the page's own origin. Never cached, never redirected, without credentials.
pub(super) async fn fetch(path: &str, request: Request<'_>) -> Result<Answer, PlatformError> {
    let init = RequestInit::new();
    init.set_method(if request.body.is_some() { "POST" } else { "GET" });
    init.set_cache(RequestCache::NoStore);
    init.set_redirect(RequestRedirect::Error);
    init.set_credentials(RequestCredentials::Omit);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT_MS)));
    if let Some(body) = request.body {
        init.set_body(&js::array(body));
    }
    if let Some((name, value)) = request.header {
        let headers = Headers::new().map_err(PlatformError::at("Headers"))?;
        headers.append(name, value).map_err(PlatformError::at("Headers"))?;
        init.set_headers(&headers);
    }
    let promise = js::window().fetch_with_str_and_init(path, &init);
    let response: Response = js::settled("fetch", promise).await?.unchecked_into();
    let body = read(&response).await?;
    Ok(Answer { status: response.status(), body })
}

async fn read(response: &Response) -> Result<Vec<u8>, PlatformError> {
    let promise = response.array_buffer().map_err(PlatformError::at("arrayBuffer"))?;
    let buffer: JsValue = js::settled("arrayBuffer", promise).await?;
    let view = Uint8Array::new(&buffer);
    if view.length() as usize > ANSWER_BYTES_MAX {
        return Err(PlatformError::Unexpected("the size of the server's answer"));
    }
    Ok(view.to_vec())
}
