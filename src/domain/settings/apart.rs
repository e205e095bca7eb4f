//! What Lifeboat keeps has to lie apart from the content: a repository inside of it would be part of every backup, each
//! of which would hold all those before it, and a restore would exchange it along with the content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::address::Address;
use super::{ContentSettings, EnvironmentSettings, RepositorySettings, SettingsError};

/// Whether no two instances of Live environments have their content in one place: each restore would replace what is the
/// other's, and meet what that one has made beside it. `real` gives the place that a path really is.
///
/// # Errors
/// [`SettingsError::Incomplete`] that names both.
pub fn each_has_its_own(
    environments: &[EnvironmentSettings],
    real: &dyn Fn(&Path) -> PathBuf,
) -> Result<(), SettingsError> {
    let mut met = BTreeMap::new();
    for environment in environments
        .iter()
        .filter(|environment| environment.kind.is_recoverable())
    {
        for instance in &environment.instances {
            let place = match &instance.content {
                ContentSettings::Files { path } | ContentSettings::Home { path } => {
                    real(path).display().to_string()
                }
                ContentSettings::Postgres(database) => format!("{} {}", database.connect, database.schema),
            };
            let name = environment.environment_name()?;
            if let Some((other, twin)) = met.insert(place, (name.clone(), &instance.name)) {
                return Err(SettingsError::Incomplete {
                    environment: name,
                    what: format!(
                        "the content of {} is in the same place as that of {twin} of {other}, in {}: a restore of one would \
                         replace the other. Take one of the two out",
                        instance.name,
                        instance.content.place()
                    ),
                });
            }
        }
    }
    Ok(())
}

impl EnvironmentSettings {
    /// Whether what Lifeboat keeps lies apart from this environment's content. `real` gives the place that a path really
    /// is.
    ///
    /// # Errors
    /// [`SettingsError::Incomplete`] that names both places.
    pub fn lies_apart(
        &self,
        repository: Option<&RepositorySettings>,
        state: Option<&Path>,
        real: &dyn Fn(&Path) -> PathBuf,
    ) -> Result<(), SettingsError> {
        if !self.kind.is_recoverable() {
            return Ok(());
        }
        let folder = |place: &Address| match place {
            Address::Folder(folder) => Some(folder.clone()),
            Address::Bucket { .. } => None,
        };
        let root = repository.and_then(|repository| folder(&repository.root));
        let copy = repository.and_then(|repository| folder(&repository.copy.as_ref()?.root));
        let kept = [
            ("the repository", root),
            ("the second repository", copy),
            ("the state folder", state.map(Path::to_owned)),
            ("the scratch folder of drills", self.drill.scratch.clone()),
        ];
        for instance in &self.instances {
            let content = match &instance.content {
                ContentSettings::Files { path } | ContentSettings::Home { path } => Some(path),
                ContentSettings::Postgres(database) => database.data_store.as_ref(),
            };
            let Some(content) = content else { continue };
            for (what, place) in &kept {
                let Some(place) = place else { continue };
                if real(place).starts_with(real(content)) {
                    return Err(SettingsError::Incomplete {
                        environment: self.environment_name()?,
                        what: format!(
                            "{what} in {} lies in the content of {}, in {}: every backup would hold it. Keep it elsewhere, \
                             best on another disk",
                            place.display(),
                            instance.name,
                            content.display()
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}

impl ContentSettings {
    /// Every folder that the content is in, or a part of it, with what it is.
    #[must_use]
    pub fn folders(&self) -> Vec<(&'static str, &Path)> {
        match self {
            Self::Files { path } | Self::Home { path } => vec![("the content", path)],
            Self::Postgres(database) => {
                let store = database
                    .data_store
                    .iter()
                    .map(|path| ("the data store", path.as_path()));
                let home = database.home.iter().map(|path| ("the home", path.as_path()));
                store.chain(home).collect()
            }
        }
    }

    /// The schema of the database that it is in, if it is in one.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        match self {
            Self::Files { .. } | Self::Home { .. } => None,
            Self::Postgres(database) => Some(&database.schema),
        }
    }
}
