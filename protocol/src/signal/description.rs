//! What one end of a link tells the other about itself, as fixed fields instead of SDP text: PROTOCOL.md#signalling.
//! SDP is read strictly and written from a template, so that nothing of the other end's text reaches the browser.

use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::Fingerprint;
use crate::limits::CANDIDATES_MAX;

/// RFC 8839 5.4: an ICE ufrag has 4 to 256 characters; one byte of length lets 255 through.
const UFRAG_CHARACTERS: std::ops::RangeInclusive<usize> = 4..=255;
/// RFC 8839 5.4: an ICE password has 22 to 256 characters.
const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 22..=255;
/// Longest address: an mDNS name is a UUID and `.local`, 42 characters; an IPv6 address at most 45. The rest is slack.
const ADDRESS_CHARACTERS_MAX: usize = 64;

/// The SDP of a data-channel link, as far as the other end needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// ICE user fragment.
    pub ufrag: String,
    /// ICE password.
    pub password: String,
    /// SHA-256 of the DTLS certificate.
    pub fingerprint: Fingerprint,
    /// Candidates known so far, at most 24.
    pub candidates: Vec<Candidate>,
}

/// One UDP candidate of component 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    kind: CandidateKind,
    priority: u32,
    port: u16,
    address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CandidateKind {
    Host,
    ServerReflexive,
    PeerReflexive,
    Relayed,
}

const KINDS: [(CandidateKind, &str); 4] = [
    (CandidateKind::Host, "host"),
    (CandidateKind::ServerReflexive, "srflx"),
    (CandidateKind::PeerReflexive, "prflx"),
    (CandidateKind::Relayed, "relay"),
];

/// Which end's SDP is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdpKind {
    /// `a=setup:actpass`
    Offer,
    /// `a=setup:active`
    Answer,
}

/// The text is not the SDP of a data-channel link that can be described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// There is not exactly one section, or it is not a data channel's.
    #[error("not one data-channel section")]
    Sections,
    /// Not exactly one distinct sha-256 fingerprint.
    #[error("not exactly one sha-256 fingerprint")]
    Fingerprint,
    /// ICE user fragment or password missing, repeated or out of form.
    #[error("ICE credentials missing or malformed")]
    Credentials,
}

impl Description {
    /// Reads what the browser made. Candidates in it that do not travel are left out.
    ///
    /// # Errors
    /// See [`SdpError`].
    pub fn from_sdp(sdp: &str) -> Result<Self, SdpError> {
        let lines: Vec<&str> = sdp.lines().map(str::trim_end).collect();
        let sections: Vec<&&str> = lines.iter().filter(|line| line.starts_with("m=")).collect();
        if sections.len() != 1 || !sections[0].starts_with("m=application ") || !sections[0].ends_with("webrtc-datachannel") {
            return Err(SdpError::Sections);
        }
        let ufrag = sole(&lines, "a=ice-ufrag:").ok_or(SdpError::Credentials)?;
        let password = sole(&lines, "a=ice-pwd:").ok_or(SdpError::Credentials)?;
        if !is_ice_text(ufrag, &UFRAG_CHARACTERS) || !is_ice_text(password, &PASSWORD_CHARACTERS) {
            return Err(SdpError::Credentials);
        }
        let fingerprint = sole(&lines, "a=fingerprint:").and_then(parse_fingerprint).ok_or(SdpError::Fingerprint)?;
        let candidates =
            lines.iter().filter_map(|line| Candidate::from_line(line.strip_prefix("a=")?)).take(CANDIDATES_MAX).collect();
        Ok(Self { ufrag: ufrag.to_owned(), password: password.to_owned(), fingerprint, candidates })
    }

    /// Writes SDP that a browser takes as the remote description.
    pub fn to_sdp(&self, kind: SdpKind) -> String {
        let setup = match kind {
            SdpKind::Offer => "actpass",
            SdpKind::Answer => "active",
        };
        let fingerprint: Vec<String> = self.fingerprint.0.iter().map(|byte| format!("{byte:02X}")).collect();
        let mut sdp = format!(
            "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
             a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=ice-options:trickle\r\na=fingerprint:sha-256 {}\r\n\
             a=setup:{setup}\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n",
            self.ufrag,
            self.password,
            fingerprint.join(":"),
        );
        for candidate in &self.candidates {
            sdp.push_str("a=");
            sdp.push_str(&candidate.to_line());
            sdp.push_str("\r\n");
        }
        sdp
    }

    /// Appends the fields.
    pub(super) fn write(&self, writer: Writer) -> Writer {
        let count = u8::try_from(self.candidates.len()).expect("at most 24 candidates are kept");
        let head = writer.lp8(self.ufrag.as_bytes()).lp8(self.password.as_bytes()).raw(&self.fingerprint.0).u8(count);
        self.candidates.iter().fold(head, |writer, candidate| candidate.write(writer))
    }

    /// Takes the fields.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let ufrag = ice_text(reader.lp8()?, &UFRAG_CHARACTERS)?;
        let password = ice_text(reader.lp8()?, &PASSWORD_CHARACTERS)?;
        let fingerprint = Fingerprint(reader.array()?);
        let count = usize::from(reader.u8()?);
        if count > CANDIDATES_MAX {
            return Err(Malformed);
        }
        let candidates = (0..count).map(|_| Candidate::read(reader)).collect::<Result<_, _>>()?;
        Ok(Self { ufrag, password, fingerprint, candidates })
    }
}

impl Candidate {
    /// Reads `candidate:…`. `None` for one that does not travel: TCP, another component, an address out of form.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("candidate:")?.split_ascii_whitespace();
        let _foundation = words.next()?;
        let component = words.next()?;
        let transport = words.next()?;
        let priority = words.next()?.parse().ok()?;
        let address = words.next()?;
        let port = words.next()?.parse().ok()?;
        let typ = (words.next()? == "typ").then(|| words.next()).flatten()?;
        let kind = KINDS.iter().find(|(_, name)| *name == typ)?.0;
        let travels = component == "1" && transport.eq_ignore_ascii_case("udp") && is_address(address.as_bytes());
        travels.then(|| Self { kind, priority, port, address: address.to_owned() })
    }

    /// Writes `candidate:…` for the browser. The foundation is the priority: candidates of one kind and base share it.
    pub fn to_line(&self) -> String {
        let typ = KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("host", |(_, name)| name);
        let related = if self.kind == CandidateKind::Host { "" } else { " raddr 0.0.0.0 rport 0" };
        format!("candidate:{} 1 udp {} {} {} typ {typ}{related}", self.priority, self.priority, self.address, self.port)
    }

    /// Appends the fields.
    pub(super) fn write(&self, writer: Writer) -> Writer {
        let kind = KINDS.iter().position(|(kind, _)| *kind == self.kind).unwrap_or_default();
        let kind = u8::try_from(kind).expect("there are four kinds");
        writer.u8(kind).u32(self.priority).u16(self.port).lp8(self.address.as_bytes())
    }

    /// Takes the fields.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = KINDS.get(usize::from(reader.u8()?)).ok_or(Malformed)?.0;
        let (priority, port) = (reader.u32()?, reader.u16()?);
        let address = reader.lp8()?;
        if !is_address(address) {
            return Err(Malformed);
        }
        let address = String::from_utf8(address.to_vec()).map_err(|_| Malformed)?;
        Ok(Self { kind, priority, port, address })
    }
}

/// The value of the lines with this prefix, when all of them agree and there is one.
fn sole<'a>(lines: &[&'a str], prefix: &str) -> Option<&'a str> {
    let mut values = lines.iter().filter_map(|line| line.strip_prefix(prefix));
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn parse_fingerprint(value: &str) -> Option<Fingerprint> {
    let hex = value.strip_prefix("sha-256 ")?;
    let bytes: Option<Vec<u8>> = hex
        .split(':')
        .map(|pair| if pair.len() == 2 { u8::from_str_radix(pair, 16).ok() } else { None })
        .collect();
    Some(Fingerprint(bytes?.try_into().ok()?))
}

fn is_ice_text(text: &str, length: &std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn ice_text(bytes: &[u8], length: &std::ops::RangeInclusive<usize>) -> Result<String, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
    if is_ice_text(text, length) { Ok(text.to_owned()) } else { Err(Malformed) }
}

fn is_address(bytes: &[u8]) -> bool {
    (1..=ADDRESS_CHARACTERS_MAX).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHROMIUM: &str = "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\n\
        a=msid-semantic: WMS\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:Wg5r\r\n\
        a=ice-pwd:dLHWsjPPpCWlSKrbYYuVRPjk\r\na=ice-options:trickle\r\na=fingerprint:sha-256 \
        0F:74:31:25:CB:A2:13:EC:28:6F:6D:2C:61:FF:5D:C2:BC:B9:DB:3D:98:14:8D:1A:BB:EA:33:0C:A4:60:A8:8E\r\n\
        a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";
    const HOST: &str = "candidate:842163049 1 udp 2113937151 6c2d1bd0-1f55-4a41-9b5c-0a1d9f0c8a11.local 50123 typ host generation 0 ufrag Wg5r";

    fn round_trip(description: &Description) -> Description {
        let bytes = description.write(Writer::new()).into_bytes();
        let mut reader = Reader::new(&bytes);
        let read = Description::read(&mut reader).expect("what was written can be read");
        reader.finish().expect("nothing is left");
        read
    }

    #[test]
    fn a_browsers_description_survives_the_fields_and_the_template() {
        let mut description = Description::from_sdp(CHROMIUM).unwrap();
        description.candidates.push(Candidate::from_line(HOST).unwrap());
        assert_eq!(round_trip(&description), description);
        assert_eq!(Description::from_sdp(&description.to_sdp(SdpKind::Answer)), Ok(description));
    }

    #[test]
    fn sdp_out_of_form_is_refused() {
        let other = "a=fingerprint:sha-256 1F:74:31:25:CB:A2:13:EC:28:6F:6D:2C:61:FF:5D:C2:BC:B9:DB:3D:98:14:8D:1A:BB:EA:33:0C:A4:60:A8:8E\r\n";
        let rows = [
            (format!("{CHROMIUM}{other}"), SdpError::Fingerprint),
            (CHROMIUM.replace("sha-256", "sha-1"), SdpError::Fingerprint),
            (CHROMIUM.replace("0F:74", "0F7:4"), SdpError::Fingerprint),
            (CHROMIUM.replace("m=application", "m=audio"), SdpError::Sections),
            (format!("{CHROMIUM}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"), SdpError::Sections),
            (CHROMIUM.replace("a=ice-pwd:dLHWsjPPpCWlSKrbYYuVRPjk\r\n", ""), SdpError::Credentials),
            (CHROMIUM.replace("Wg5r", "W\u{e9}5r"), SdpError::Credentials),
            (CHROMIUM.replace("Wg5r", "Wg5"), SdpError::Credentials),
        ];
        for (sdp, error) in rows {
            assert_eq!(Description::from_sdp(&sdp), Err(error), "{sdp}");
        }
    }

    #[test]
    fn candidates_that_do_not_travel_are_left_out() {
        for line in [
            "candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active",
            "candidate:1 2 udp 1 10.0.0.1 9 typ host",
            "candidate:1 1 udp 1 10.0.0.1\r\na=x 9 typ host",
            "candidate:1 1 udp 1 [evil] 9 typ host",
            "candidate:1 1 udp 1 10.0.0.1 70000 typ host",
            "",
        ] {
            assert_eq!(Candidate::from_line(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            let _ = Description::read(&mut Reader::new(&bytes));
            let _ = Description::from_sdp(&text);
            let _ = Candidate::from_line(&text);
        }
    }
}
