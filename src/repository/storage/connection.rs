//! A connection to object storage, shared by all repositories in one bucket: credentials, limits, time.
//!
//! Every request is bounded in time. A request that fails for a passing reason is made again, later and later, until
//! a while after its first failure. A storage that has just been given up gets one short try a request, so that a job
//! that has failed ends, instead of waiting once more for each thing that it tidies up.

use std::fmt;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use opendal::services::S3;
use opendal::{HttpTransporter, OperationContext, Operator};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use super::refusal::{Rights, StorageRefusal};
use super::signed::Signing;
use super::transport::Transport;
use crate::domain::address::Address;
use crate::domain::os_error::in_words;
use crate::domain::settings::{CredentialSource, StorageOptions};
use crate::repository::error::RepositoryError;

/// How long it may take until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a storage counts as given up after it was.
const GIVEN_UP: Duration = Duration::from_mins(1);
/// What a request to a storage that was given up may take.
const QUICK: Duration = Duration::from_secs(5);
/// How long the first pause between two tries is; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How long a pause gets at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// See the module.
pub struct Connection(Arc<Inner>);

struct Inner {
    operator: Operator,
    /// With the key that may delete, where that is another one.
    deleter: Option<Operator>,
    signing: Arc<Signing>,
    /// What the first key needs.
    rights: Rights,
    bucket: String,
    limit: Semaphore,
    retry: Duration,
    given_up: Mutex<Option<Instant>>,
    background: Background,
}

/// Where requests run. Dropped without waiting: dropping it the usual way is not allowed everywhere.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("bucket", &self.0.bucket)
            .finish_non_exhaustive()
    }
}

impl Clone for Connection {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Connection {
    pub(super) fn new(
        address: &Address,
        bucket: &str,
        options: &StorageOptions,
        base: &Path,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, RepositoryError> {
        let no_access = |why: String| RepositoryError::NoAccess {
            place: address.clone(),
            why,
        };
        let key = access_key(options, base, variables).map_err(no_access)?;
        let deletion_key = deletion_key(options, base, variables).map_err(no_access)?;
        let operator = |key: Option<&AccessKey>| operator(bucket, options, key).map_err(no_access);
        let (first, second) = (
            operator(key.as_ref())?,
            deletion_key.map(|key| operator(Some(&key))),
        );
        let silence = Duration::from_secs(options.timeout_seconds.into());
        let transport = Transport::new(
            client(options, base).map_err(no_access)?,
            silence,
            options.bandwidth,
        );
        let transport = HttpTransporter::new(transport);
        let signing = Signing::new(bucket, options, key.as_ref(), &transport);
        let context = OperationContext::default().with_http_transport(transport);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("object-storage")
            .enable_all()
            .build()
            .map_err(|error| no_access(format!("no threads could be started for it: {error}")))?;
        Ok(Self(Arc::new(Inner {
            operator: first.with_context(context.clone()),
            deleter: second.transpose()?.map(|operator| operator.with_context(context)),
            signing: Arc::new(signing),
            rights: match options.immutable {
                Some(_) => Rights::Keeping,
                None => Rights::All,
            },
            bucket: bucket.to_owned(),
            limit: Semaphore::new(options.connections.into()),
            retry: Duration::from_secs(options.retry_seconds.into()),
            given_up: Mutex::new(None),
            background: Background(Some(runtime)),
        })))
    }

    /// Asks for something and waits for the answer. May be called from any thread.
    pub(super) fn ask<T, Call, Asked>(&self, call: Call) -> Result<T, StorageRefusal>
    where
        Call: Fn(Operator) -> Asked + Send + Sync + 'static,
        Asked: Future<Output = opendal::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let operator = self.0.operator.clone();
        self.answered(self.0.rights, move || call(operator.clone()))
    }

    /// The same with the key that may delete.
    pub(super) fn ask_to_delete<T, Call, Asked>(&self, call: Call) -> Result<T, StorageRefusal>
    where
        Call: Fn(Operator) -> Asked + Send + Sync + 'static,
        Asked: Future<Output = opendal::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let operator = self
            .0
            .deleter
            .clone()
            .ok_or_else(StorageRefusal::no_key_for_deletions)?;
        self.answered(Rights::Deleting, move || call(operator.clone()))
    }

    /// The same for what the library does not know.
    pub(super) fn ask_signed<T, Call, Asked>(&self, call: Call) -> Result<T, StorageRefusal>
    where
        Call: Fn(Arc<Signing>) -> Asked + Send + Sync + 'static,
        Asked: Future<Output = opendal::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let signing = Arc::clone(&self.0.signing);
        self.answered(self.0.rights, move || call(Arc::clone(&signing)))
    }

    /// Whether there is a key that may delete.
    pub(super) fn may_delete(&self) -> bool {
        self.0.deleter.is_some()
    }

    fn answered<T, Call, Asked>(&self, rights: Rights, call: Call) -> Result<T, StorageRefusal>
    where
        Call: Fn() -> Asked + Send + Sync + 'static,
        Asked: Future<Output = opendal::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let lost = || StorageRefusal::Silent("the request was lost on the way".to_owned());
        let (answer, answered) = sync_channel(1);
        let inner = Arc::clone(&self.0);
        let runtime = self.0.background.0.as_ref().ok_or_else(lost)?;
        runtime.spawn(async move {
            // Nobody waits any more when the thread that asked was stopped.
            let _ = answer.send(inner.attempts(rights, call).await);
        });
        answered.recv().map_err(|_| lost())?
    }
}

impl Inner {
    async fn attempts<T, Call, Asked>(&self, rights: Rights, call: Call) -> Result<T, StorageRefusal>
    where
        Call: Fn() -> Asked,
        Asked: Future<Output = opendal::Result<T>>,
    {
        let Ok(_permit) = self.limit.acquire().await else {
            return Err(StorageRefusal::Silent("it is being closed".to_owned()));
        };
        let mut first_failure = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let was_given_up = self.was_given_up();
            let asked = call();
            let answer = if was_given_up {
                tokio::time::timeout(QUICK, asked).await.unwrap_or_else(|_| {
                    let text = format!("no answer in {} s", QUICK.as_secs());
                    Err(opendal::Error::new(opendal::ErrorKind::Unexpected, text).set_temporary())
                })
            } else {
                asked.await
            };
            let error = match answer {
                Ok(answer) => {
                    self.give_up(None);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if !error.is_temporary() {
                return Err(StorageRefusal::from(&error, &self.bucket, rights));
            }
            let failing_since = *first_failure.get_or_insert_with(Instant::now);
            if was_given_up || failing_since.elapsed() + pause > self.retry {
                self.give_up(Some(Instant::now()));
                return Err(StorageRefusal::from(&error, &self.bucket, rights));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn was_given_up(&self) -> bool {
        self.given_up.lock().is_some_and(|at| at.elapsed() < GIVEN_UP)
    }

    fn give_up(&self, at: Option<Instant>) {
        *self.given_up.lock() = at;
    }
}

fn client(options: &StorageOptions, base: &Path) -> Result<reqwest::Client, String> {
    // A second installation is refused, and the first one serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none());
    if let Some(file) = &options.ca_file {
        let file = base.join(file);
        let failed = |why: String| format!("the certificate in {} cannot be used: {why}", file.display());
        let text = fs::read(&file).map_err(|error| failed(in_words(&error)))?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(&text).map_err(|error| failed(error.to_string()))?;
        if certificates.is_empty() {
            return Err(failed("there is none in it, in PEM form".to_owned()));
        }
        client = client.tls_certs_merge(certificates);
    }
    client
        .build()
        .map_err(|error| format!("the connections cannot be prepared: {error}"))
}

fn operator(bucket: &str, options: &StorageOptions, key: Option<&AccessKey>) -> Result<Operator, String> {
    // Buckets whose objects are locked for a while take none without a checksum, and this one every service knows.
    let mut s3 = S3::default()
        .bucket(bucket)
        .region(&options.region)
        .checksum_algorithm("md5");
    if let Some(endpoint) = &options.endpoint {
        s3 = s3.endpoint(endpoint);
    }
    if options.virtual_host_style {
        s3 = s3.enable_virtual_host_style();
    }
    if let Some(key) = key {
        s3 = s3.access_key_id(&key.id).secret_access_key(&key.secret);
        if let Some(token) = &key.token {
            s3 = s3.session_token(token);
        }
        s3 = s3.disable_config_load().disable_ec2_metadata();
    }
    Operator::new(s3).map_err(|error| format!("its options make no sense: {}", error.message()))
}

/// A key to object storage.
pub(super) struct AccessKey {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

/// The key that the options name. `None` where it is found as Amazon's tools find it.
fn access_key(
    options: &StorageOptions,
    base: &Path,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<AccessKey>, String> {
    if options.credentials != CredentialSource::Options {
        return Ok(None);
    }
    let read = |what, file: &Option<PathBuf>, variable: &Option<String>, usual| {
        secret(
            what,
            file.as_deref().map(|file| base.join(file)),
            variable.as_deref().unwrap_or(usual),
            variables,
        )
    };
    let id = read(
        "access_key_id",
        &options.access_key_id_file,
        &options.access_key_id_env,
        "AWS_ACCESS_KEY_ID",
    )?;
    let secret = read(
        "secret_access_key",
        &options.secret_access_key_file,
        &options.secret_access_key_env,
        "AWS_SECRET_ACCESS_KEY",
    )?;
    let token = if options.session_token_file.is_some() || options.session_token_env.is_some() {
        Some(read(
            "session_token",
            &options.session_token_file,
            &options.session_token_env,
            "AWS_SESSION_TOKEN",
        )?)
    } else if options.access_key_id_file.is_none() && options.access_key_id_env.is_none() {
        // Belongs to the usual variables, where temporary keys are in them.
        variables("AWS_SESSION_TOKEN")
    } else {
        None
    };
    Ok(Some(AccessKey { id, secret, token }))
}

/// The key that may delete, if one is named.
fn deletion_key(
    options: &StorageOptions,
    base: &Path,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<AccessKey>, String> {
    let Some(named) = &options.deletions else {
        return Ok(None);
    };
    let read = |what, file: &Option<PathBuf>, variable: &Option<String>| {
        secret(
            what,
            file.as_deref().map(|file| base.join(file)),
            variable.as_deref().unwrap_or_default(),
            variables,
        )
        .map_err(|why| format!("the key for deletions cannot be read: {why}"))
    };
    let has_token = named.session_token_file.is_some() || named.session_token_env.is_some();
    Ok(Some(AccessKey {
        id: read(
            "access_key_id",
            &named.access_key_id_file,
            &named.access_key_id_env,
        )?,
        secret: read(
            "secret_access_key",
            &named.secret_access_key_file,
            &named.secret_access_key_env,
        )?,
        token: has_token
            .then(|| {
                read(
                    "session_token",
                    &named.session_token_file,
                    &named.session_token_env,
                )
            })
            .transpose()?,
    }))
}

/// The first line of a file, or a variable.
fn secret(
    what: &str,
    file: Option<PathBuf>,
    variable: &str,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let (text, place) = if let Some(file) = file {
        let place = file.display().to_string();
        let text = fs::read_to_string(&file).map_err(|error| {
            format!(
                "the {what} cannot be read from {place}: {error}",
                error = in_words(&error)
            )
        })?;
        (text, place)
    } else {
        let text = variables(variable).ok_or_else(|| {
            format!(
                "the environment variable {variable} is not set: set it, or name another one or a file with {what}_env or \
                 {what}_file in [repository.options]"
            )
        })?;
        (text, format!("the environment variable {variable}"))
    };
    match text.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(format!(
            "the {what} is missing: the first line of {place} is empty"
        )),
    }
}
