//! Short texts: addresses of services, and bytes in hexadecimal.

use plimsoll_keeper::deploy::public_url;
use plimsoll_keeper::hexes;
use plimsoll_keeper::urls::{shown, Http};
use reqwest::Url;
use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Duration;

static HTTP: LazyLock<Http> =
    LazyLock::new(|| Http::new(Duration::from_secs(1)).expect("clients can be made"));

/// What is shown of an address, or put into a file that is made to be shown, has scheme,
/// host and port and nothing else of it. Only this machine's own is reached directly.
pub fn urls(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let said = shown(text);
    let parsed = Url::parse(text);
    if let Ok(url) = &parsed {
        let (scheme, rest) = said.split_once("://").expect("a scheme");
        assert_eq!(scheme, url.scheme());
        assert!(!rest.contains(['/', '\\', '@', '?', '#']), "{said}");
        let mut bare = url.clone();
        // An address without a host has no user to take away.
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
        bare.set_path("");
        bare.set_query(None);
        bare.set_fragment(None);
        assert_eq!(shown(bare.as_str()), said, "something else is shown");
    } else {
        assert_eq!(said, "an address that cannot be read");
    }
    if let Some(public) = public_url(text) {
        assert!(parsed.is_ok(), "what is no address is not public");
        assert_eq!(shown(&public), said, "another address is written down");
        let (_, rest) = public.split_once("://").expect("a scheme");
        let secret = |c: char| "/\\@?#".contains(c) || c.is_whitespace() || c.is_control();
        assert!(!rest.contains(secret), "it may hold a secret: {public:?}");
        assert_eq!(public_url(&public), Some(public));
    }
    let direct = std::ptr::eq(HTTP.to(text), HTTP.to("http://127.0.0.1"));
    let local = parsed.ok().and_then(|url| {
        let host = url
            .host_str()?
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Some(match host.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        })
    });
    assert_eq!(direct, local == Some(true), "{text:?}");
}

/// What is read is shown again as it was, but for the case of its digits; a length that is
/// not wanted is refused.
pub fn hex(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let digits = text.strip_prefix("0x").unwrap_or("not hexadecimal");
    let plain = digits.len() % 2 == 0 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match hexes::parse_vec(text) {
        Ok(bytes) => {
            assert!(plain);
            assert_eq!(hexes::show(&bytes), text.to_ascii_lowercase());
            assert_eq!(Ok(&bytes), alloy_primitives::hex::decode(digits).as_ref());
            let array = hexes::parse::<32>(text).ok();
            assert_eq!(array.is_some(), bytes.len() == 32);
            assert!(array.is_none_or(|array| array[..] == bytes[..]));
        }
        Err(error) => assert!(!plain && !error.to_string().is_empty()),
    }
}
