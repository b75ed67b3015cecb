//! The WebSocket to the relay of the page's own origin.

use std::cell::RefCell;
use std::rc::Rc;

use b4_protocol::node::Input;
use gloo::events::EventListener;
use js_sys::ArrayBuffer;
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, MessageEvent, WebSocket};

use super::{Inputs, PlatformError, js};

/// Bytes that may wait in the socket; beyond, it is closed, as the relay is not taking them. All that the core has to say to the
/// relay in a minute is below.
const BUFFERED_BYTES_MAX: u32 = 1024 * 1024;

/// At most one socket. Every `connect` is answered by `RelayOpened` or `RelayClosed`, every end by one `RelayClosed`.
pub struct RelaySocket {
    state: Rc<State>,
}

struct State {
    inputs: Inputs,
    open: RefCell<Option<Open>>,
}

/// The socket with its listeners; dropping it silences and closes it.
struct Open {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl RelaySocket {
    /// Connects nothing yet.
    pub fn new(inputs: Inputs) -> Self {
        Self { state: Rc::new(State { inputs, open: RefCell::new(None) }) }
    }

    /// Begins to connect. A socket that is there already goes without a word.
    pub fn connect(&self) {
        self.state.open.replace(None);
        match open(&self.state) {
            Ok(socket) => drop(self.state.open.replace(Some(socket))),
            Err(_) => self.state.inputs.send(Input::RelayClosed),
        }
    }

    /// Sends one frame. A socket that cannot take it ends.
    pub fn send(&self, frame: &[u8]) {
        let taken = match &*self.state.open.borrow() {
            Some(open) => open.socket.buffered_amount() <= BUFFERED_BYTES_MAX && open.socket.send_with_u8_array(frame).is_ok(),
            None => return,
        };
        if !taken {
            self.state.end();
        }
    }

    /// Closes the socket.
    pub fn close(&self) {
        self.state.end();
    }
}

impl State {
    /// Ends the socket and says so, once.
    fn end(&self) {
        if self.open.replace(None).is_some() {
            self.inputs.send(Input::RelayClosed);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Closing one that is closed already does nothing; without a code it cannot throw.
        let _ = self.socket.close();
    }
}

impl Drop for RelaySocket {
    fn drop(&mut self) {
        // The listeners hold the state, and the state the listeners.
        self.state.open.replace(None);
    }
}

fn open(state: &Rc<State>) -> Result<Open, PlatformError> {
    let location = js::window().location();
    let scheme = if location.protocol().is_ok_and(|protocol| protocol == "https:") { "wss" } else { "ws" };
    let host = location.host().map_err(PlatformError::at("location"))?;
    let socket = WebSocket::new(&format!("{scheme}://{host}/relay")).map_err(PlatformError::at("WebSocket"))?;
    socket.set_binary_type(BinaryType::Arraybuffer);
    let inputs = state.inputs.clone();
    let opened = EventListener::new(&socket, "open", move |_| inputs.send(Input::RelayOpened));
    let inputs = state.inputs.clone();
    let message = EventListener::new(&socket, "message", move |event| {
        let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
        // A text frame is none of the relay's; the core learns nothing from it.
        if let Some(buffer) = data.filter(|data| data.is_instance_of::<ArrayBuffer>()) {
            inputs.send(Input::RelayFrame(js::bytes(&buffer)));
        }
    });
    // An error is always followed by a close.
    let ending = Rc::downgrade(state);
    let closed = EventListener::new(&socket, "close", move |_| {
        if let Some(state) = ending.upgrade() {
            state.end();
        }
    });
    Ok(Open { socket, _listeners: [opened, message, closed] })
}
