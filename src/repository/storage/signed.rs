//! Requests to object storage that the library behind does not know: writing an object together with the time until
//! which it is kept, asking for that time, moving it further away, and asking whether the bucket can do so at all.
//!
//! An object is always kept in the mode COMPLIANCE. The other one, GOVERNANCE, can be taken back by a key that has the
//! right for it, and so by whoever has stolen such a key: it keeps mistakes away, and not ill will.
//!
//! Not in here: when which object is kept (`object_lock`), and trying again (`connection`).

use chrono::{DateTime, SecondsFormat, Utc};
use http::{Method, Request, Response, StatusCode};
use opendal::raw::{format_content_md5_iter, percent_encode_path};
use opendal::{Buffer, Error, ErrorKind, HttpTransporter};
use reqsign_aws_v4::{Credential, DefaultCredentialProvider, RequestSigner, StaticCredentialProvider};
use reqsign_core::{Context, OsEnv, ProvideCredentialChain, Signer};
use reqsign_file_read_tokio::TokioFileRead;

use super::connection::AccessKey;
use crate::domain::Instant;
use crate::domain::settings::StorageOptions;

/// The mode in which objects are kept.
const MODE: &str = "COMPLIANCE";
/// The header that says until when.
const UNTIL: &str = "x-amz-object-lock-retain-until-date";

/// See the module.
pub(super) struct Signing {
    signer: Signer<Credential>,
    transport: HttpTransporter,
    /// With the bucket in it, and no slash at its end.
    endpoint: String,
}

/// What a bucket says of its object lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repository) struct LockLook {
    /// Whether objects can be kept in it.
    pub(in crate::repository) is_enabled: bool,
    /// What time it was there, if it said so.
    pub(in crate::repository) clock: Option<Instant>,
}

impl Signing {
    /// Signs with this key, or with what Amazon's tools find.
    pub(super) fn new(
        bucket: &str,
        options: &StorageOptions,
        key: Option<&AccessKey>,
        transport: &HttpTransporter,
    ) -> Self {
        let context = Context::new()
            .with_file_read(TokioFileRead)
            .with_http_send(transport.clone())
            .with_env(OsEnv);
        let mut providers = ProvideCredentialChain::new();
        providers = match key {
            Some(key) => {
                let provider = StaticCredentialProvider::new(&key.id, &key.secret);
                providers.push(match &key.token {
                    Some(token) => provider.with_session_token(token),
                    None => provider,
                })
            }
            None => providers.push(DefaultCredentialProvider::builder().build()),
        };
        Self {
            signer: Signer::new(context, providers, RequestSigner::new("s3", &options.region)),
            transport: transport.clone(),
            endpoint: endpoint(bucket, options),
        }
    }

    /// Writes an object that is kept until then.
    pub(super) async fn put(
        &self,
        path: &str,
        content: Buffer,
        only_new: bool,
        until: Instant,
    ) -> opendal::Result<()> {
        let mut headers = vec![
            ("x-amz-object-lock-mode", MODE.to_owned()),
            (UNTIL, written(until)),
        ];
        if only_new {
            headers.push(("if-none-match", "*".to_owned()));
        }
        let asked = Self::request(&Method::PUT, &self.object(path), &headers, content)?;
        self.send(asked).await.map(drop)
    }

    /// Keeps an object that is there until then.
    pub(super) async fn keep(&self, path: &str, until: Instant) -> opendal::Result<()> {
        let text = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{MODE}</Mode><RetainUntilDate>{}\
             </RetainUntilDate></Retention>",
            written(until)
        );
        let address = format!("{}?retention", self.object(path));
        let asked = Self::request(&Method::PUT, &address, &[], Buffer::from(text))?;
        self.send(asked).await.map(drop)
    }

    /// Until when an object, or one version of it, is kept. `None` where it is not.
    pub(super) async fn kept_until(
        &self,
        path: &str,
        version: Option<&str>,
    ) -> opendal::Result<Option<Instant>> {
        // It is told with the object, of which one byte is enough; not with its head alone, since a refusal of that has no
        // reason.
        let address = match version {
            Some(version) => format!("{}?versionId={version}", self.object(path)),
            None => self.object(path),
        };
        let first = [("range", "bytes=0-0".to_owned())];
        let asked = Self::request(&Method::GET, &address, &first, Buffer::new())?;
        let answer = self.send(asked).await?;
        let told = answer.headers().get(UNTIL).and_then(|value| value.to_str().ok());
        told.map(|text| {
            text.parse::<Instant>().map_err(|_| {
                Error::new(
                    ErrorKind::Unexpected,
                    format!("it says that an object is kept until \"{text}\", which is no time"),
                )
            })
        })
        .transpose()
    }

    /// Whether objects can be kept in the bucket.
    pub(super) async fn look(&self) -> opendal::Result<LockLook> {
        let address = format!("{}?object-lock", self.endpoint);
        let asked = Self::request(&Method::GET, &address, &[], Buffer::new())?;
        let answer = self.answer(asked).await?;
        let clock = answer
            .headers()
            .get(http::header::DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
            .map(|date| date.with_timezone(&Utc));
        let text = text_of(&answer);
        let is_enabled = match answer.status() {
            status if status.is_success() => element(&text, "ObjectLockEnabled") == Some("Enabled"),
            _ if element(&text, "Code") == Some("ObjectLockConfigurationNotFoundError") => false,
            _ => return Err(refused(&answer)),
        };
        Ok(LockLook { is_enabled, clock })
    }

    fn object(&self, path: &str) -> String {
        format!("{}/{}", self.endpoint, percent_encode_path(path))
    }

    fn request(
        method: &Method,
        address: &str,
        headers: &[(&str, String)],
        body: Buffer,
    ) -> opendal::Result<Request<Buffer>> {
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if *method == Method::PUT {
            // Whoever keeps something wants to know what it is that is to be kept.
            request = request
                .header(http::header::CONTENT_LENGTH, body.len())
                .header("content-md5", format_content_md5_iter(body.clone()));
        }
        request.body(body).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the request cannot be made").set_source(error)
        })
    }

    async fn send(&self, request: Request<Buffer>) -> opendal::Result<Response<Buffer>> {
        let answer = self.answer(request).await?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(refused(&answer))
        }
    }

    async fn answer(&self, request: Request<Buffer>) -> opendal::Result<Response<Buffer>> {
        let (mut parts, body) = request.into_parts();
        self.signer.sign(&mut parts, None).await.map_err(|error| {
            let temporary = error.is_retryable();
            Error::new(
                ErrorKind::Unexpected,
                format!("the request cannot be signed: {error}"),
            )
            .with_temporary(temporary)
        })?;
        parts.headers.remove(http::header::HOST);
        self.transport.send(Request::from_parts(parts, body)).await
    }
}

/// A time as the storage takes it.
fn written(time: Instant) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Where a bucket is, as the library has it.
fn endpoint(bucket: &str, options: &StorageOptions) -> String {
    let endpoint = match &options.endpoint {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => format!("https://s3.{}.amazonaws.com", options.region),
    };
    if options.virtual_host_style {
        endpoint.replacen("//", &format!("//{bucket}."), 1)
    } else {
        format!("{endpoint}/{bucket}")
    }
}

/// An answer that says no, as the library tells its own: one place judges both.
fn refused(answer: &Response<Buffer>) -> Error {
    let text = text_of(answer);
    let code = element(&text, "Code").unwrap_or_default();
    let (kind, is_temporary) = match answer.status() {
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => (ErrorKind::PermissionDenied, false),
        StatusCode::NOT_FOUND => (ErrorKind::NotFound, false),
        StatusCode::PRECONDITION_FAILED => (ErrorKind::ConditionNotMatch, false),
        StatusCode::CONFLICT => (ErrorKind::ConditionNotMatch, true),
        StatusCode::TOO_MANY_REQUESTS => (ErrorKind::RateLimited, true),
        StatusCode::RANGE_NOT_SATISFIABLE => (ErrorKind::RangeNotSatisfied, false),
        status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
            (ErrorKind::Unexpected, code != "XMinioStorageFull")
        }
        _ => (ErrorKind::Unexpected, code == "RequestTimeout"),
    };
    let said = if code.is_empty() {
        answer.status().to_string()
    } else {
        let message = element(&text, "Message").unwrap_or_default();
        format!("S3Error {{ code: {code:?}, message: {message:?} }}")
    };
    Error::new(kind, said).with_temporary(is_temporary)
}

fn text_of(answer: &Response<Buffer>) -> String {
    String::from_utf8_lossy(&answer.body().to_bytes()).into_owned()
}

/// What stands in the first element of this name.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(value, _)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::super::refusal::{Rights, StorageRefusal};
    use super::*;

    #[test]
    fn a_bucket_is_where_the_library_looks_for_it() {
        let options = StorageOptions {
            region: "eu-central-1".to_owned(),
            ..StorageOptions::default()
        };
        assert_eq!(endpoint("b", &options), "https://s3.eu-central-1.amazonaws.com/b");
        let hosted = StorageOptions {
            endpoint: Some("https://s3.example.com:9000/".to_owned()),
            virtual_host_style: true,
            ..options
        };
        assert_eq!(endpoint("b", &hosted), "https://b.s3.example.com:9000");
    }

    #[test]
    fn a_refusal_keeps_the_words_of_the_service() {
        let answer = Response::builder()
            .status(403)
            .body(Buffer::from(
                "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Not today.</Message></Error>",
            ))
            .unwrap();
        let error = refused(&answer);
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let said = StorageRefusal::from(&error, "store", Rights::Keeping).to_string();
        assert!(said.contains("(it says: Not today)"), "{said}");
    }
}
