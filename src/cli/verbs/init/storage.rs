//! What `lifeboat init` asks about the place of the backups: a folder, or a bucket in object storage, which is tried
//! before anything is written.

use std::path::{Path, PathBuf};

use super::answers::{NamedContent, Questions, absolute};
use super::databases::is_there;
use super::{InitArguments, checks};
use crate::cli::CliError;
use crate::domain::address::Address;
use crate::domain::environment::EnvironmentName;
use crate::domain::os_error::in_words;
use crate::domain::settings::{CredentialSource, StorageOptions};

/// Where the backups are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) address: Address,
    /// How object storage is reached; as they are by default for a folder.
    pub(super) options: StorageOptions,
    /// Whether there are backups of Live already.
    pub(super) has_backups: bool,
}

const WHERE: &str = "Folder for the backups, best on another disk, or s3://BUCKET/PREFIX for object storage";

impl Questions<'_, '_> {
    /// Asks for a root until it can be used. What came as an argument is refused instead.
    pub(super) async fn root(
        &mut self,
        arguments: &InitArguments,
        default: &Path,
        live: &EnvironmentName,
        instances: &[NamedContent],
    ) -> Result<Root, CliError> {
        let proposed = default.display().to_string();
        if arguments.repository.is_some() || !self.asks {
            let address = address(arguments.repository.as_deref().unwrap_or(&proposed))?;
            let options = given(arguments, &address)?;
            return self
                .tried(address, options, live, instances)
                .map_err(|why| CliError::usage(format!("{why}. Nothing was written")));
        }
        loop {
            let answer = self.ask(WHERE, Some(&proposed)).await?.unwrap_or_default();
            let tried = match address(&answer) {
                Ok(address) => {
                    let options = match address {
                        Address::Folder(_) => StorageOptions::default(),
                        Address::Bucket { .. } => self.options().await?,
                    };
                    self.tried(address, options, live, instances)
                }
                Err(error) => Err(error.message),
            };
            match tried {
                Ok(root) => return Ok(root),
                Err(why) => self.say(&why)?,
            }
        }
    }

    /// Whether backups can be kept there: a folder that lies apart from the content, a bucket that answers.
    fn tried(
        &self,
        address: Address,
        options: StorageOptions,
        live: &EnvironmentName,
        instances: &[NamedContent],
    ) -> Result<Root, String> {
        if let Some(folder) = address.folder() {
            checks::repository(folder, instances)?;
        }
        let has_backups = self.call.house.survey().storage(&address, &options, live)?;
        Ok(Root {
            address,
            options,
            has_backups,
        })
    }

    /// How a bucket is reached.
    async fn options(&mut self) -> Result<StorageOptions, CliError> {
        let mut options = StorageOptions::default();
        loop {
            let endpoint = self
                .ask(
                    "Address of the service, for example https://s3.example.com (Enter for Amazon's own)",
                    None,
                )
                .await?;
            match endpoint.as_deref().map_or(Ok(()), is_endpoint) {
                Ok(()) => {
                    options.endpoint = endpoint;
                    break;
                }
                Err(why) => self.say(&why)?,
            }
        }
        if options
            .endpoint
            .as_deref()
            .is_some_and(|endpoint| endpoint.starts_with("https://"))
        {
            options.ca_file = self.place(
                "File with the certificates of a private authority that vouch for it (Enter for those of the system)",
                is_there,
            ).await?;
        }
        if let Some(region) = self
            .ask("Region that the bucket is in", Some(&options.region))
            .await?
        {
            options.region = region;
        }
        loop {
            let keys = self.ask(
                "Where the keys come from: environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), files, or aws (as \
                 Amazon's tools find them)",
                Some("environment"),
            ).await?;
            match keys.as_deref() {
                Some("environment") => break,
                Some("aws") => {
                    options.credentials = CredentialSource::Aws;
                    break;
                }
                Some("files") => {
                    options.access_key_id_file = Some(
                        self.key_file("File whose first line is the id of the access key")
                            .await?,
                    );
                    options.secret_access_key_file = Some(
                        self.key_file("File whose first line is the secret access key")
                            .await?,
                    );
                    break;
                }
                _ => self.say("Write one of the three words: environment, files or aws.")?,
            }
        }
        Ok(options)
    }

    async fn key_file(&mut self, question: &str) -> Result<PathBuf, CliError> {
        let file = self
            .text(None, question, "--access-key-id-file", None, |file| {
                std::fs::metadata(file)
                    .map(drop)
                    .map_err(|error| format!("{file} cannot be read: {error}", error = in_words(&error)))
            })
            .await?;
        absolute(file.as_ref())
    }
}

/// The place that a text names, in full.
fn address(text: &str) -> Result<Address, CliError> {
    Ok(match Address::parse(text).map_err(CliError::usage)? {
        Address::Folder(folder) => Address::Folder(absolute(&folder)?),
        bucket @ Address::Bucket { .. } => bucket,
    })
}

/// What the arguments say of object storage.
fn given(arguments: &InitArguments, address: &Address) -> Result<StorageOptions, CliError> {
    let mut options = StorageOptions::default();
    if let Some(endpoint) = &arguments.endpoint {
        is_endpoint(endpoint).map_err(CliError::usage)?;
        options.endpoint = Some(endpoint.clone());
    }
    if let Some(region) = &arguments.region {
        options.region.clone_from(region);
    }
    if arguments.aws_keys {
        options.credentials = CredentialSource::Aws;
    }
    let file = |given: &Option<PathBuf>| given.as_deref().map(absolute).transpose();
    options.ca_file = file(&arguments.ca_file)?;
    options.access_key_id_file = file(&arguments.access_key_id_file)?;
    options.secret_access_key_file = file(&arguments.secret_access_key_file)?;
    if address.folder().is_some() && options != StorageOptions::default() {
        return Err(CliError::usage(
            "--endpoint, --region, --ca-file and the keys are about object storage, and the backups are to be kept in a folder: write \
             --repository s3://BUCKET/PREFIX, or leave them out",
        ));
    }
    Ok(options)
}

fn is_endpoint(text: &str) -> Result<(), String> {
    if text.starts_with("https://") || text.starts_with("http://") {
        return Ok(());
    }
    Err(format!(
        "\"{text}\" is no address of a service: write one that begins with https:// (or http://, where nobody can listen)"
    ))
}
