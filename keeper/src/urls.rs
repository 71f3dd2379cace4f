//! Addresses of services: how they are shown, and how they are reached.

use reqwest::Url;
use std::net::IpAddr;
use std::time::Duration;

/// An address without what may be secret: user, password, path and query, in which
/// providers put keys.
#[must_use]
pub fn shown(url: &str) -> String {
    let Ok(url) = Url::parse(url) else {
        // Where the secret ends cannot be told.
        return "an address that cannot be read".to_owned();
    };
    let host = url.host_str().unwrap_or("");
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{host}{port}", url.scheme())
}

/// Whether the service is on this machine.
fn is_local(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or("");
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// HTTP clients that give a service `timeout` for an answer. A proxy that the environment
/// names is for other machines: it could not reach this one's own addresses.
#[derive(Clone, Debug)]
pub struct Http {
    direct: reqwest::Client,
    outward: reqwest::Client,
}

impl Http {
    /// Makes the clients.
    ///
    /// # Errors
    /// If they cannot be made: the system has no certificates, or the environment names
    /// a proxy that is none.
    pub fn new(timeout: Duration) -> Result<Self, reqwest::Error> {
        let builder = || reqwest::Client::builder().timeout(timeout);
        Ok(Self {
            direct: builder().no_proxy().build()?,
            outward: builder().build()?,
        })
    }

    /// The client for a service.
    #[must_use]
    pub fn to(&self, url: &str) -> &reqwest::Client {
        if is_local(url) {
            &self.direct
        } else {
            &self.outward
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        for (url, expected) in [
            (
                "wss://me:word@rpc.example:8443/key?k=1#x",
                "wss://rpc.example:8443",
            ),
            (
                "https://token@attester.example/",
                "https://attester.example",
            ),
            ("ws://127.0.0.1:9944", "ws://127.0.0.1:9944"),
            ("http://[::1]:9501/a@b", "http://[::1]:9501"),
        ] {
            assert_eq!(shown(url), expected);
        }
        // No address at all: the word in it may be a password.
        for broken in ["wss://me:wo/rd@rpc.example", "me:word@", "word"] {
            assert!(!shown(broken).contains("wo"), "{}", shown(broken));
        }
    }

    #[test]
    fn only_this_machines_own_addresses_are_local() {
        for url in [
            "http://127.0.0.1:9501",
            "http://127.9.9.9",
            "http://[::1]:9501/x",
            "http://localhost:1",
            "http://a.localhost",
        ] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "http://10.0.0.1:9501",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "http://127.0.0.1@example.com",
            "127.0.0.1:9501",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }

    /// Serves `text` at every path, and gives the address.
    async fn serve(text: &'static str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("bound");
        let routes = axum::Router::new().fallback(move || async move { text });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    async fn get(http: &Http, url: &str) -> String {
        let answer = http.to(url).get(url).send().await.expect("it answers");
        answer.text().await.expect("text")
    }

    #[tokio::test]
    async fn a_proxy_does_not_stand_between_services_of_one_machine() {
        const NAME: &str = "a_proxy_does_not_stand_between_services_of_one_machine";
        const INSIDE: &str = "IN_THE_PROCESS_WITH_A_PROXY";
        if std::env::var_os(INSIDE).is_none() {
            // Again, in a process whose environment names a proxy.
            let (_, module) = module_path!().split_once("::").expect("in a crate");
            let said = tokio::process::Command::new(std::env::current_exe().expect("a test"))
                .args(["--exact", &format!("{module}::{NAME}")])
                .env("http_proxy", serve("the proxy").await)
                .env(INSIDE, "1")
                .env_remove("no_proxy")
                .env_remove("NO_PROXY")
                .output()
                .await
                .expect("it starts");
            let out = String::from_utf8_lossy(&said.stdout);
            assert!(said.status.success() && out.contains("1 passed"), "{out}");
            return;
        }
        let http = Http::new(Duration::from_secs(20)).expect("clients");
        let url = serve("the service").await;
        assert_eq!(get(&http, &url).await, "the service");
        assert_eq!(get(&http, "http://attester.invalid/").await, "the proxy");
    }
}
