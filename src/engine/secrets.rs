//! Which environment variables hold secrets of Lifeboat's, by what is configured.
//!
//! Not in here: reading them (`secret`).

use super::Engine;
use crate::domain::settings::SecretSource;

/// The environment variables that hold secrets of Lifeboat's, by what is configured: nothing that it starts is to
/// see them.
pub(super) fn variables(engine: &Engine) -> Vec<String> {
    let mut names = Vec::new();
    let mut keep = |source: Option<&SecretSource>| {
        if let Some(SecretSource::PasswordEnv(name)) = source {
            names.push(name.clone());
        }
    };
    keep(engine.0.catalog_password.as_ref());
    let repository = engine.0.repository.as_ref();
    keep(repository.map(|settings| &settings.key));
    keep(repository.and_then(|settings| settings.copy.as_ref()?.key.as_ref()));
    for instance in engine.known().flat_map(|known| &known.settings.instances) {
        keep(instance.content.password().as_ref());
    }
    for options in repository.into_iter().flat_map(|settings| {
        std::iter::once(&settings.options).chain(settings.copy.as_ref().map(|copy| &copy.options))
    }) {
        names.extend(options.secret_access_key_env.clone());
        names.extend(options.session_token_env.clone());
        if let Some(deletions) = &options.deletions {
            names.extend(deletions.secret_access_key_env.clone());
            names.extend(deletions.session_token_env.clone());
        }
    }
    names.extend(engine.notifier().secret_variables().cloned());
    if repository.is_some() {
        names.extend(["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map(str::to_owned));
    }
    names
}
