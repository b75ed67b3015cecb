//! How every peer connection and its channel are made.

use b4_protocol::signal::relay::IceServer;
use js_sys::Array;
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

/// An RTCIceServer. What is empty is left out: a browser takes an empty credential for one.
fn described(server: &IceServer) -> JsValue {
    let fields = [("urls", &server.url), ("username", &server.user_name), ("credential", &server.credential)];
    let fields: Vec<(&str, JsValue)> =
        fields.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.into())).collect();
    js::object(&fields).into()
}
