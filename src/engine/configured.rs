//! What an engine was told about environments and receivers, and taking over what has changed in that while it runs.
//!
//! An [`Engine`] is of one configuration for as long as somebody holds it: a job goes on with what it has begun with.
//! Whoever begins something takes [`Engine::current`]. Not in here: reading the configuration, and what of it needs a new
//! start (`cli`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::jobs::fence::Fence;
use super::live::Known;
use super::opening::real;
use super::overview::glance;
use super::{Engine, EngineError};
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::notify::Receiver;
use crate::domain::settings::{EnvironmentSettings, RepositorySettings, each_has_its_own};

/// The environments and the receivers of a configuration.
pub(super) struct Configured {
    pub(super) environments: BTreeMap<EnvironmentName, Arc<Known>>,
    pub(super) receivers: Vec<Receiver>,
    /// Why it is used although its file says something else by now.
    doubt: Option<String>,
}

impl Configured {
    pub(super) fn new(
        environments: BTreeMap<EnvironmentName, Arc<Known>>,
        receivers: Vec<Receiver>,
    ) -> Arc<Self> {
        Arc::new(Self {
            environments,
            receivers,
            doubt: None,
        })
    }
}

/// Notes why the file of the configuration cannot be used as it is by now, or that it can: [`super::check()`] tells it.
pub fn note_doubt(engine: &Engine, doubt: Option<String>) {
    let mut configured = engine.0.configured.lock();
    if configured.doubt != doubt {
        *configured = Arc::new(Configured {
            environments: configured.environments.clone(),
            receivers: configured.receivers.clone(),
            doubt,
        });
    }
}

/// Why the file of the configuration cannot be used as it is by now. `None` while it can.
pub(super) fn doubt(engine: &Engine) -> Option<String> {
    engine.0.configured.lock().doubt.clone()
}

/// The settings of environments by their names, where they hold together.
///
/// # Errors
/// What does not, as a sentence.
pub(super) fn by_name(
    environments: Vec<EnvironmentSettings>,
    repository: Option<&RepositorySettings>,
    state: &std::path::Path,
) -> Result<BTreeMap<EnvironmentName, EnvironmentSettings>, EngineError> {
    each_has_its_own(&environments, &real)?;
    let mut configured = BTreeMap::new();
    for environment in environments {
        environment.validate()?;
        environment.lies_apart(repository, Some(state), &real)?;
        let name = environment.environment_name()?;
        if configured.insert(name.clone(), environment).is_some() {
            let twice = format!("{name} is configured twice: remove one of the two");
            return Err(EngineError::Failed(twice));
        }
    }
    Ok(configured)
}

/// Takes over other environments and receivers. What is at work goes on with what it has begun with; what begins from
/// here on has these. The repositories, the state folder and the catalog stay those of the start.
///
/// # Errors
/// Settings that do not hold together, and a catalog that cannot be asked: then nothing has changed.
pub fn take_over(
    engine: &Engine,
    environments: Vec<EnvironmentSettings>,
    receivers: Vec<Receiver>,
) -> Result<(), EngineError> {
    let settings = by_name(environments, engine.repository_settings(), engine.state())?;
    let met = engine.catalog().known()?;
    let fresh: Vec<_> = settings
        .keys()
        .filter(|name| !met.contains(&name.to_string()))
        .cloned()
        .collect();
    engine.catalog().meet(&fresh, engine.now())?;
    {
        let mut configured = engine.0.configured.lock();
        let known = |(name, settings): (EnvironmentName, EnvironmentSettings)| {
            let known = match configured.environments.get(&name) {
                // What is known of it, and its open repositories, stay.
                Some(known) if known.settings == settings => Arc::clone(known),
                Some(known) => Arc::new(known.with(settings)),
                None => {
                    let (catalog, clock) = (Arc::clone(&engine.0.catalog), Arc::clone(&engine.0.clock));
                    let fence = Fence::new(catalog, clock, name.clone());
                    let is_new = fresh.contains(&name);
                    Arc::new(Known::new(name.clone(), settings, fence, is_new))
                }
            };
            (name, known)
        };
        let environments = settings.into_iter().map(known).collect();
        *configured = Configured::new(environments, receivers);
    }
    let engine = engine.current();
    engine.notifier().receivers_have_changed();
    glance::look_again_at(&engine, None);
    engine.tell(Event::Missed);
    Ok(())
}
