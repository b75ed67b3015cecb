//! How every peer connection and its channels are made.

use b4_protocol::session::{BULK, COLLECT, DEPOSIT, FILE, LIVE, RING};
use b4_protocol::signal::relay::IceServer;
use js_sys::Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{RtcConfiguration, RtcDataChannel, RtcDataChannelType, RtcPeerConnection};

use crate::platform::{PlatformError, js};

/// The channels that each link begins with, agreed beforehand: labels (PROTOCOL.md#signalling) and ids.
pub(super) const CHANNELS: [(&str, u16); 5] = [("live", LIVE), ("ring", RING), ("deposit", DEPOSIT), ("collect", COLLECT), ("file", FILE)];
/// Low-water mark in bytes: below it `LinkDrained` is told. A quarter of the core's window. Guess.
pub(super) const LOW_WATER_BYTES: u32 = 128 * 1024;
/// The same of a channel `bulk` that the page keeps: what the fastest links send while a worker seals more. Guess.
pub(in crate::platform) const BULK_LOW_WATER_BYTES: u32 = 256 * 1024;

// web-sys has this one without `catch`, and what is thrown would end the app.
#[wasm_bindgen]
extern "C" {
    type Maker;
    #[wasm_bindgen(method, catch, js_name = createDataChannel)]
    fn create_data_channel(this: &Maker, label: &str, options: &JsValue) -> Result<RtcDataChannel, JsValue>;
}

#[derive(Serialize)]
struct ChannelOptions {
    negotiated: bool,
    id: u16,
    ordered: bool,
}

#[derive(Serialize)]
struct Server<'a> {
    urls: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    credential: &'a str,
}

/// A connection and its channels, in the order of [`CHANNELS`]. Nothing is sent before a description is set.
pub(super) fn connection(ice: &[IceServer]) -> Result<(RtcPeerConnection, Vec<RtcDataChannel>), PlatformError> {
    let configuration = RtcConfiguration::new();
    let servers: Array = ice.iter().map(|server| JsValue::from(js::object(&described(server)))).collect();
    configuration.set_ice_servers(&servers);
    let peer = RtcPeerConnection::new_with_configuration(&configuration).map_err(PlatformError::at("RTCPeerConnection"))?;
    let channels: Result<Vec<RtcDataChannel>, PlatformError> =
        CHANNELS.into_iter().map(|(label, id)| channel(&peer, label, id, LOW_WATER_BYTES)).collect();
    match channels {
        Ok(channels) => Ok((peer, channels)),
        Err(refused) => {
            peer.close();
            Err(refused)
        }
    }
}

/// The channel `bulk` of a connection that has the others.
pub(super) fn bulk(peer: &RtcPeerConnection) -> Result<RtcDataChannel, PlatformError> {
    channel(peer, "bulk", BULK, BULK_LOW_WATER_BYTES)
}

fn channel(peer: &RtcPeerConnection, label: &str, id: u16, low_water_bytes: u32) -> Result<RtcDataChannel, PlatformError> {
    let options = js::object(&ChannelOptions { negotiated: true, id, ordered: true });
    let maker: &Maker = peer.unchecked_ref();
    let channel = maker.create_data_channel(label, &options).map_err(|thrown| PlatformError::from_thrown("createDataChannel", &thrown))?;
    channel.set_binary_type(RtcDataChannelType::Arraybuffer);
    channel.set_buffered_amount_low_threshold(low_water_bytes);
    Ok(channel)
}

fn described(server: &IceServer) -> Server<'_> {
    Server { urls: &server.url, username: &server.user_name, credential: &server.credential }
}
