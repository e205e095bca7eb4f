//! What editors do between two backups: a little of everything, on the author, and published to the publics.

use std::fs;
use std::path::{Path, PathBuf};

use super::random::Random;
use super::tree::{put, set_time, walk};
use super::{DemoContentError, Place, Site, document, site, words};
use crate::domain::Instant;
use crate::domain::environment::Role;

/// Pages that are changed in one step.
const CHANGED: usize = 7;
/// Pages that are added in one step.
const ADDED: usize = 3;

/// What one step of work came to, counted on the author.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Edits {
    /// Pages changed.
    pub changed: u64,
    /// Pages and assets added.
    pub added: u64,
    /// Pages deleted.
    pub deleted: u64,
}

/// Works on a site for a while: changes some pages, adds a few and an asset, deletes one. The same `step` does the same
/// to the same content; what it touches was changed at `now`.
///
/// # Errors
/// [`DemoContentError`] when something cannot be read or written.
pub fn evolve(places: &[Place], site: &Site, step: u32, now: Instant) -> Result<Edits, DemoContentError> {
    let mut random = Random::of(site.seed, &format!("step {step}"));
    let mut edits = Edits::default();
    let Some(author) = places.iter().find(|place| place.role == Role::Author) else {
        return Ok(edits);
    };
    let pages = pages(&author.root)?;
    let choose = |random: &mut Random| pages.get(random.below(pages.len())).cloned();

    for _ in 0..CHANGED {
        let Some(page) = choose(&mut random) else { break };
        for place in places.iter().filter(|place| place.root.join(&page).is_dir()) {
            write_page(&place.root, &page, site, step, now)?;
        }
        edits.changed += 1;
    }
    if let Some(page) = choose(&mut random) {
        for place in places {
            remove_folder(&place.root.join(&page), now)?;
        }
        edits.deleted += 1;
    }
    for number in 0..ADDED {
        let section = Path::new("website").join(random.pick(&words::SECTIONS));
        let page = section.join(format!("news-{step}-{number}"));
        for place in places.iter().filter(|place| place.root.join(&section).is_dir()) {
            let folder = place.root.join(&page);
            fs::create_dir_all(&folder).map_err(DemoContentError::when("creating", &folder))?;
            write_page(&place.root, &page, site, step, now)?;
            set_time(&folder, now)?;
            set_time(&place.root.join(&section), now)?;
        }
        edits.added += 1;
    }
    add_asset(places, site, step, now)?;
    edits.added += 1;
    Ok(edits)
}

/// The folders of the pages below the sections, in order.
pub(super) fn pages(root: &Path) -> Result<Vec<PathBuf>, DemoContentError> {
    let website = root.join("website");
    if !website.is_dir() {
        return Ok(Vec::new());
    }
    let folders = walk(&website)?
        .into_iter()
        .filter(|(path, metadata)| metadata.is_dir() && path.components().count() > 1);
    Ok(folders.map(|(path, _)| Path::new("website").join(path)).collect())
}

/// Writes a page's document as it is after this step.
fn write_page(
    root: &Path,
    page: &Path,
    site: &Site,
    step: u32,
    now: Instant,
) -> Result<(), DemoContentError> {
    let mut random = Random::of(site.seed, &format!("{} in step {step}", page.display()));
    let name = page.file_name().unwrap_or_default().to_string_lossy();
    put(
        &root.join(page).join("page.xml"),
        &document::page(&mut random, &name, now),
        now,
    )
}

fn add_asset(places: &[Place], site: &Site, step: u32, now: Instant) -> Result<(), DemoContentError> {
    let folder = "dam/campaigns";
    let path = format!("{folder}/campaign-{step}.jpg");
    for place in places.iter().filter(|place| place.root.join(folder).is_dir()) {
        let mut random = Random::of(site.seed, &path);
        let content = site::bytes_of_asset(&mut random, &path);
        let description = site::description_of_asset(&mut random, &path, content.len(), now);
        put(&place.root.join(&path), &content, now)?;
        put(&place.root.join(format!("{path}.xml")), &description, now)?;
        set_time(&place.root.join(folder), now)?;
    }
    Ok(())
}

/// Removes a folder with everything in it, if it is there.
pub(super) fn remove_folder(folder: &Path, now: Instant) -> Result<(), DemoContentError> {
    if !folder.is_dir() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(DemoContentError::when("removing", folder))?;
    folder.parent().map_or(Ok(()), |parent| set_time(parent, now))
}
