//! Receivers that are reached by HTTP: webhooks, Slack and its like, Teams, ntfy, and dead man's switches.
//!
//! A webhook with a secret is signed: `Lifeboat-Signature: t=SECONDS,v1=HEX`, the HMAC-SHA256 of `SECONDS.BODY`. Whoever
//! checks it refuses what is older than a few minutes, so that nobody can send it again later; `Lifeboat-Id` is the same
//! for something that comes twice.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde_json::Value;
use sha2::Sha256;

use super::quoted::quoted;
use super::reach::{Ready, Refused};
use crate::certificates::Distrust;
use crate::domain::notify::{self, Parcel, Topic};

/// So much of an answer is told.
const TOLD: usize = 200;
/// More of an answer is not read.
const MOST_READ: usize = 16 * 1024;

pub(super) async fn webhook(to: &Ready, parcel: &Parcel) -> Result<String, Refused> {
    let body = notify::webhook(parcel).to_string();
    let url = address(&to.url)?;
    let mut request = client(to)?
        .post(url.clone())
        .header("content-type", "application/json")
        .header("lifeboat-id", &parcel.id);
    if let Some(secret) = &to.secret {
        let seconds = parcel.sent.timestamp();
        let signature = signed(secret, seconds, &body)?;
        request = request.header("lifeboat-signature", format!("t={seconds},v1={signature}"));
    }
    send(to, &url, with_token(request, to), body).await
}

pub(super) async fn slack(to: &Ready, parcel: &Parcel) -> Result<String, Refused> {
    post_json(to, address(&to.url)?, &notify::slack(parcel)).await
}

pub(super) async fn teams(to: &Ready, parcel: &Parcel) -> Result<String, Refused> {
    post_json(to, address(&to.url)?, &notify::teams(parcel)).await
}

/// The address of a topic of ntfy is that of its server with the topic behind it. As JSON it goes to the server itself:
/// in headers there would be no room for what is not ASCII.
pub(super) async fn ntfy(to: &Ready, parcel: &Parcel) -> Result<String, Refused> {
    let mut url = address(&to.url)?;
    let topic = url
        .path_segments()
        .and_then(|mut parts| parts.next_back().map(str::to_owned))
        .filter(|topic| !topic.is_empty())
        .ok_or_else(|| Refused::now("its url names no topic: write https://SERVER/TOPIC"))?;
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.pop();
    }
    post_json(to, url, &notify::ntfy(parcel, &topic)).await
}

/// A dead man's switch: `/start`, nothing, or `/fail` behind its address, as Healthchecks has it. What a failure says is
/// the body.
pub(super) async fn alive(to: &Ready, parcel: &Parcel) -> Result<String, Refused> {
    let Some(told) = parcel.told.first() else {
        return Ok("there was nothing to tell".to_owned());
    };
    let end = match told.message.topic {
        Topic::BackupBegun => Some("start"),
        Topic::BackupFailed | Topic::Attention => Some("fail"),
        // A test must not pass for a backup, nor for a failure.
        Topic::Test => Some("log"),
        _ => None,
    };
    let mut url = to.url.clone();
    if let Some(name) = &told.message.environment {
        url = url
            .replace("{project}", name.project())
            .replace("{environment}", name.environment());
    }
    let secret = address(&url)?;
    let mut url = secret.clone();
    if let (Some(end), Ok(mut parts)) = (end, url.path_segments_mut()) {
        parts.pop_if_empty().push(end);
    }
    let text = told.message.text.clone();
    let request = client(to)?
        .post(url)
        .header("content-type", "text/plain; charset=utf-8");
    send(to, &secret, request, text).await
}

fn address(url: &str) -> Result<Url, Refused> {
    let url = Url::parse(url.trim())
        .map_err(|error| Refused::now(format!("its url is no address ({error}): write https://…")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::now("its url is no address of the web: write https://…"));
    }
    Ok(url)
}

fn client(to: &Ready) -> Result<Client, Refused> {
    // A second installation is refused, and the first one serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder()
        .user_agent(concat!("lifeboat/", env!("CARGO_PKG_VERSION")))
        // What is told goes to the address that somebody has written, and nowhere else.
        .redirect(reqwest::redirect::Policy::none());
    if let Some(text) = &to.authorities {
        let certificates = reqwest::Certificate::from_pem_bundle(text)
            .map_err(|error| Refused::now(format!("its ca_file cannot be used: {error}")))?;
        if certificates.is_empty() {
            return Err(Refused::now(
                "its ca_file has no certificate in it: write one in PEM form",
            ));
        }
        client = client.tls_certs_merge(certificates);
    }
    client
        .build()
        .map_err(|error| Refused::now(format!("the connection cannot be prepared: {error}")))
}

/// The HMAC-SHA256 of the time and the body, in hexadecimal.
fn signed(secret: &str, seconds: i64, body: &str) -> Result<String, Refused> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|error| Refused::now(format!("its secret cannot be used: {error}")))?;
    mac.update(format!("{seconds}.{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    Ok(digest.iter().fold(String::new(), |mut text, byte| {
        // Writing into memory cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn with_token(request: RequestBuilder, to: &Ready) -> RequestBuilder {
    match &to.token {
        Some(token) => request.bearer_auth(token.trim()),
        None => request,
    }
}

async fn post_json(to: &Ready, url: Url, body: &Value) -> Result<String, Refused> {
    let request = client(to)?
        .post(url.clone())
        .header("content-type", "application/json");
    send(to, &url, with_token(request, to), body.to_string()).await
}

/// Sends it to an address with these secrets in it. Gives how it was answered.
async fn send(to: &Ready, secret: &Url, request: RequestBuilder, body: String) -> Result<String, Refused> {
    let sent = request.body(body).send().await;
    let mut answer = sent.map_err(|error| broke(to, secret, &error))?;
    let status = answer.status();
    // It has taken it, however long it goes on talking.
    if status.is_success() {
        return Ok(format!("it answered {status}"));
    }
    let mut said = Vec::new();
    while said.len() < MOST_READ
        && let Ok(Some(part)) = answer.chunk().await
    {
        said.extend_from_slice(&part);
    }
    let said = match quoted(to, Some(secret), &String::from_utf8_lossy(&said), TOLD) {
        empty if empty.is_empty() => String::new(),
        text => format!(": {text}"),
    };
    let about_message = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNPROCESSABLE_ENTITY,
    ];
    Err(Refused {
        why: format!("it answered {status}{said}"),
        is_about_message: about_message.contains(&status),
        may_have_it: false,
    })
}

/// Why there was no answer. The address stays out of it: it may hold a secret.
fn broke(to: &Ready, secret: &Url, error: &reqwest::Error) -> Refused {
    let whose = error.url().map_or_else(|| "it".to_owned(), machine);
    let trust = "name the certificate of its issuer as ca_file of the receiver";
    if let Some(distrust) = Distrust::of(error, &whose, trust) {
        return Refused::now(distrust.to_string());
    }
    // The innermost cause: what is around it says no more.
    let mut cause = std::error::Error::source(error);
    let mut why = "it does not say why".to_owned();
    while let Some(inner) = cause {
        why = inner.to_string();
        cause = inner.source();
    }
    let why = quoted(to, Some(secret), &why, TOLD);
    if error.is_builder() {
        return Refused::now(format!("the request cannot be prepared: {why}"));
    }
    if error.is_connect() {
        return Refused::now(format!("{whose} was not reached: {why}"));
    }
    Refused::unknown(format!(
        "{whose} was reached, and what it answered is no answer of HTTP: {why}"
    ))
}

/// The machine of an address, with the port where somebody has written one.
fn machine(url: &Url) -> String {
    let host = url.host_str().unwrap_or("it");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::signed;

    #[test]
    fn a_signature_is_what_others_work_out() {
        // printf '1764468600.{"form":1}' | openssl dgst -sha256 -hmac secret
        let signature = signed("secret", 1_764_468_600, "{\"form\":1}").unwrap();
        assert_eq!(
            signature,
            "7ad531de0c6d055c7638f68b2d8c7fc35d0c7aea3facd3f7c918e06dde0d0987"
        );
    }
}
