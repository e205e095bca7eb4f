//! Whether a place to restore into is nobody's: neither content of any environment, whatever its kind, nor what Lifeboat
//! keeps. Folders are told apart in `engine::somebodys`; a schema is compared by the server and the database that it is in.

use std::collections::BTreeMap;
use std::path::Path;

use super::Part;
use crate::content::kinds;
use crate::domain::request::ExtractRequest;
use crate::engine::somebodys::whose_around;
use crate::engine::{EngineError, Live};

/// Why the place may not be restored into, as sentences.
pub(super) fn why_not(
    live: &Live,
    parts: &[Part<'_>],
    request: &ExtractRequest,
) -> Result<Vec<String>, EngineError> {
    let mut why: Vec<String> = request
        .into
        .folder
        .as_deref()
        .and_then(|folder| whose_folder(live, folder))
        .into_iter()
        .collect();
    let databases = parts.iter().filter(|part| part.place.keeps_what_it_replaces());
    let mut met = BTreeMap::new();
    for part in databases {
        let Some(identity) = part.place.identity()? else {
            continue;
        };
        why.extend(whose_schema(live, &identity));
        let name = &part.copy.name;
        if let Some(other) = met.insert(identity, name) {
            why.push(format!(
                "{other} and {name} would go into one and the same schema: choose one of them, and restore the other into \
                 another schema"
            ));
        }
    }
    Ok(why)
}

/// Whose a folder is, or one above or below it, as a sentence.
fn whose_folder(live: &Live, folder: &Path) -> Option<String> {
    let whose = whose_around(live.engine(), folder)?;
    Some(format!(
        "the folder {} is or holds {whose}, or lies in it: what is restored to be looked at goes to a place that is nobody's",
        folder.display()
    ))
}

/// Whose content is in the schema of this identity, as a sentence. What cannot be asked is somebody's as long as its schema
/// is called the same.
fn whose_schema(live: &Live, identity: &str) -> Option<String> {
    let schema = identity.rsplit('\n').next().unwrap_or_default();
    for (name, settings) in live.engine().environments() {
        for instance in &settings.instances {
            let place = kinds::place(&instance.content, live.world());
            if !place.keeps_what_it_replaces() {
                continue;
            }
            let whose = format!("the content of {} of {name}", instance.name);
            match place.identity() {
                Ok(Some(known)) if known == identity => {
                    return Some(format!(
                        "the schema {schema} of that database has {whose}: what is restored to be looked at goes to a place that \
                         is nobody's, so name another schema or another database"
                    ));
                }
                Err(error) if instance.content.schema() == Some(schema) => {
                    return Some(format!(
                        "nobody can tell whether the schema {schema} of that database has {whose}, since that cannot be asked \
                         ({error}): name a schema that is called otherwise"
                    ));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    None
}
