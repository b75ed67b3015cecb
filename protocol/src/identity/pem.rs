//! PEM of certificates (RFC 7468): one, in base64 between two lines.

use base64ct::{Base64, Encoding};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Characters of a line (RFC 7468 section 2).
const LINE: usize = 64;

/// The DER in a PEM of one certificate and nothing else; `None` when it is anything else.
pub(super) fn decode(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim_ascii_end().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = body.lines().collect();
    Base64::decode_vec(&base64).ok()
}

/// The PEM of a certificate.
pub(super) fn encode(der: &[u8]) -> String {
    let base64 = Base64::encode_string(der);
    let mut pem = format!("{BEGIN}\n");
    for at in (0..base64.len()).step_by(LINE) {
        pem.push_str(&base64[at..base64.len().min(at + LINE)]);
        pem.push('\n');
    }
    pem + END + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_comes_back_from_its_pem() {
        for length in [1, 47, 48, 49, 1_500] {
            let der: Vec<u8> = (0..length).map(|number: usize| number as u8).collect();
            let pem = encode(&der);
            assert_eq!(pem, ::der::pem::encode_string("CERTIFICATE", ::der::pem::LineEnding::LF, &der).expect("PEM"));
            assert_eq!(decode(&pem), Some(der.clone()));
            assert_eq!(decode(&pem.replace('\n', "\r\n")), Some(der));
        }
    }

    #[test]
    fn what_is_no_pem_of_one_certificate_is_refused() {
        let good = encode(&[1, 2, 3]);
        let twice = good.repeat(2);
        for bad in ["", "AQID", twice.as_str(), &good.replace("CERTIFICATE", "PUBLIC KEY"), &good.replace("AQID", "AQI!")] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
