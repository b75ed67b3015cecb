//! How every peer connection and its channel are made.

use b4_protocol::signal::relay::IceServer;
use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;
use web_sys::{RtcConfiguration, RtcDataChannel, RtcDataChannelType, RtcPeerConnection};

use crate::platform::{PlatformError, js};

/// Label of the channel (PROTOCOL.md#signalling).
const LABEL: &str = "live";
/// Id of the channel, agreed beforehand.
const CHANNEL_ID: u16 = 1;
/// Low-water mark in bytes: below it `LinkDrained` is told. A quarter of the core's window. Guess.
pub(super) const LOW_WATER_BYTES: u32 = 128 * 1024;

// web-sys has this one without `catch`, and what is thrown would end the app.
#[wasm_bindgen]
extern "C" {
    type Maker;
    #[wasm_bindgen(method, catch, js_name = createDataChannel)]
    fn create_data_channel(this: &Maker, label: &str, options: &JsValue) -> Result<RtcDataChannel, JsValue>;
}

/// A connection and its channel. Neither sends anything before a description is set.
pub(super) fn connection(ice: &[IceServer]) -> Result<(RtcPeerConnection, RtcDataChannel), PlatformError> {
    let configuration = RtcConfiguration::new();
    let servers: Array = ice.iter().map(described).collect();
    configuration.set_ice_servers(&servers);
    let peer = RtcPeerConnection::new_with_configuration(&configuration).map_err(PlatformError::at("RTCPeerConnection"))?;
    let options = js::object(&[("negotiated", true.into()), ("id", CHANNEL_ID.into()), ("ordered", true.into())]);
    let maker: &Maker = peer.unchecked_ref();
    match maker.create_data_channel(LABEL, &options) {
        Ok(channel) => {
            channel.set_binary_type(RtcDataChannelType::Arraybuffer);
            channel.set_buffered_amount_low_threshold(LOW_WATER_BYTES);
            Ok((peer, channel))
        }
        Err(thrown) => {
            peer.close();
            Err(PlatformError::from_thrown("createDataChannel", &thrown))
        }
    }
}

fn described(server: &IceServer) -> Object {
    let server_object = js::object(&[("urls", JsValue::from_str(&server.url))]);
    // STUN has neither, and an empty one is not the same as none.
    for (name, value) in [("username", &server.user_name), ("credential", &server.credential)] {
        if !value.is_empty() {
            js::set_field(&server_object, name, &JsValue::from_str(value));
        }
    }
    server_object
}
