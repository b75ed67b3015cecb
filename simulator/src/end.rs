//! Virtual peer connections: what a browser's WebRTC does, as far as the node sees it.

use b4_protocol::node::LinkId;
use b4_protocol::signal::description::Description;

/// One end of a peer connection.
#[derive(Clone, Debug)]
pub struct End {
    /// Whose.
    pub node: usize,
    /// Its number there.
    pub link: LinkId,
    /// Distinguishes all ends of a world: stands in the ICE ufrag.
    pub number: u64,
    /// The number of the other end, once its description was set.
    pub remote: Option<u64>,
    /// The channel is open.
    pub is_open: bool,
    /// A path is there: a candidate of the other end was added.
    pub has_candidate: bool,
}

impl End {
    /// SDP as a browser would write it.
    pub fn sdp(number: u64, is_offer: bool) -> String {
        let fingerprint: Vec<String> = (0..32).map(|at| format!("{:02X}", (number >> (8 * (at % 8))) as u8 ^ at)).collect();
        let setup = if is_offer { "actpass" } else { "active" };
        format!(
            "v=0\r\no=- {number} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
             c=IN IP4 0.0.0.0\r\na=ice-ufrag:{number:016x}\r\na=ice-pwd:{number:032x}\r\na=fingerprint:sha-256 {}\r\n\
             a=setup:{setup}\r\na=mid:0\r\na=sctp-port:5000\r\n",
            fingerprint.join(":")
        )
    }

    /// A host candidate.
    pub fn candidate(number: u64) -> String {
        format!("candidate:1 1 udp 2113937151 10.0.{}.{} 5000 typ host", (number >> 8) as u8, number as u8)
    }

    /// Whose description this is: its number, when the fingerprint is its own as well.
    pub fn number_of(sdp: &str) -> Option<u64> {
        let description = Description::from_sdp(sdp).ok()?;
        let number = u64::from_str_radix(&description.ufrag, 16).ok()?;
        let own = Description::from_sdp(&Self::sdp(number, true)).ok()?;
        (own.fingerprint == description.fingerprint).then_some(number)
    }
}
