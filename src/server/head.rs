//! What the head of a request says before anybody looks at who asks: from where it came, under which id, and whether it is
//! refused as it is.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Version, header};

use super::problem::Problem;

/// The header with a request's id.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// The connection is one too many: only how the service is can be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowded;

/// What is refused whoever asks, before anything of it is looked at.
pub(super) fn refused_unread(request: &Request) -> Option<Problem> {
    let is_health = matches!(request.uri().path(), "/livez" | "/readyz");
    if request.extensions().get::<Crowded>().is_some() && !is_health {
        return Some(
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_connections",
                "there are too many connections, from this address or in all: close some, or try again in a moment",
            )
            .after(1),
        );
    }
    (!has_one_host(request))
        .then(|| Problem::bad_request("a request needs one header Host, with the name of the service"))
}

/// Whether the request says once for whom it is. What stands in front of the service may go by the first of two and
/// something else by the second. HTTP/1.0 does without.
fn has_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(|host| {
            host.parse::<Authority>()
                .is_ok_and(|host| !host.as_str().contains('@'))
        }),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// The address that a request came from: that of the connection, unless a proxy that is believed says another.
pub(super) fn address(headers: &HeaderMap, peer: IpAddr, proxies: &[IpAddr]) -> IpAddr {
    let peer = peer.to_canonical();
    if !proxies.contains(&peer) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let named: Vec<&str> = forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    // From the nearest outwards: the first that is no proxy of ours. What stands before it, anybody may have written.
    named
        .iter()
        .rev()
        .map_while(|text| text.trim().parse::<IpAddr>().ok())
        .map(|address| address.to_canonical())
        .find(|address| !proxies.contains(address))
        .unwrap_or(peer)
}

/// The id that a client gave its request, if it can stand in a log.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    ((1..=64).contains(&id.len()) && id.bytes().all(is_plain)).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_proxy_that_is_believed_says_where_a_request_came_from() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            HeaderValue::from_static("6.6.6.6, 192.0.2.7, 10.0.0.2"),
        );
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        assert_eq!(address(&headers, ip("10.0.0.1"), &proxies), ip("192.0.2.7"));
        assert_eq!(
            address(&headers, ip("::ffff:10.0.0.1"), &proxies),
            ip("192.0.2.7")
        );
        assert_eq!(
            address(&headers, ip("198.51.100.1"), &proxies),
            ip("198.51.100.1")
        );
        headers.insert("x-forwarded-for", HeaderValue::from_static("nonsense"));
        assert_eq!(address(&headers, ip("10.0.0.1"), &proxies), ip("10.0.0.1"));
    }

    #[test]
    fn an_id_from_outside_is_taken_over_if_it_is_plain() {
        let id = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(text));
            request_id(&headers)
        };
        assert_eq!(id("ab-12_3.z").as_deref(), Some("ab-12_3.z"));
        for odd in ["", "a b", "a\"b", "<x>"] {
            assert_eq!(id(odd), None, "{odd}");
        }
    }
}
