//! Which pages may open the relay's socket, and what a Host header may be. Pure text.

/// Whether a WebSocket handshake with this Origin header may go on. With a list, the origin has to be on it; without, it has
/// to be the page that this server itself would have served under this Host. A handshake without an origin is refused.
pub fn is_allowed(origin: &str, host: Option<&str>, allowed: &[String]) -> bool {
    if !allowed.is_empty() {
        return allowed.iter().any(|allowed| allowed == origin);
    }
    let Some(authority) = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")) else {
        return false;
    };
    host.is_some_and(|host| is_host(host) && host.eq_ignore_ascii_case(authority))
}

/// Whether this is an origin as a browser writes one: scheme, host and port, without a path or a slash at the end.
pub fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    host.is_some_and(|host| is_host(host) && host == host.to_ascii_lowercase())
}

/// Whether this is a plain host with an optional port: safe to be put into a header of ours.
pub fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, after)) => (inside, after.strip_prefix(':').or(after.is_empty().then_some("0"))),
        None => host.rsplit_once(':').map_or((host, Some("0")), |(name, port)| (name, Some(port))),
    };
    let bracketed = host.starts_with('[');
    let fits = |byte: u8| match byte {
        b':' => bracketed,
        b'.' => true,
        b'-' => !bracketed,
        other if bracketed => other.is_ascii_hexdigit(),
        other => other.is_ascii_alphanumeric(),
    };
    let port_fits = port.is_some_and(|port| port.len() <= 5 && port.parse::<u16>().is_ok());
    !name.is_empty() && name.len() <= 253 && name.bytes().all(fits) && port_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_list_only_the_servers_own_page_is_allowed() {
        for (origin, host, allowed) in [
            ("https://b4.example", "b4.example", true),
            ("http://localhost:8080", "localhost:8080", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("https://B4.example", "b4.example", true),
            ("https://evil.example", "b4.example", false),
            ("https://b4.example:444", "b4.example", false),
            ("https://b4.example.evil.example", "b4.example", false),
            ("ftp://b4.example", "b4.example", false),
            ("null", "b4.example", false),
            ("", "b4.example", false),
            ("https://", "", false),
        ] {
            assert_eq!(is_allowed(origin, Some(host), &[]), allowed, "{origin} at {host}");
        }
        assert!(!is_allowed("https://b4.example", None, &[]));
    }

    #[test]
    fn with_a_list_only_what_is_on_it_is_allowed() {
        let list = ["https://b4.example".to_owned()];
        assert!(is_allowed("https://b4.example", Some("inside:8080"), &list));
        assert!(!is_allowed("http://inside:8080", Some("inside:8080"), &list));
    }

    #[test]
    fn an_origin_that_no_browser_sends_is_none() {
        for good in ["https://b4.example", "http://localhost:8080", "https://[2001:db8::1]:443"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in ["b4.example", "https://b4.example/", "https://B4.example", "https://b4.example/app", "*", "null", "wss://b4.example"] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn a_host_that_could_break_a_header_is_none() {
        for good in ["b4.example", "localhost:8080", "127.0.0.1:1", "[::1]", "[2001:db8::1]:443"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", ":80", "a b", "a;b", "a'b", "a\"", "a:b", "a:123456", "[::1", "[::1]x", "a/b", "é", "[a-b]", "a,b", "*"] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
