//! Breaks Live for real, the way a wrong script or a hurried hand does, so that a recovery has something to recover.

use std::fs;
use std::path::{Path, PathBuf};

use super::editorial::{pages, remove_folder};
use super::random::Random;
use super::tree::{put, walk};
use super::{DemoContentError, Place, Site, words};
use crate::domain::Instant;
use crate::domain::environment::Role;
use crate::domain::measure;

/// Pages that are garbled on the author.
const GARBLED: usize = 24;

/// What was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakage {
    /// Folders, files and links that are gone, over all instances.
    pub deleted: u64,
    /// Files that hold something else now, over all instances.
    pub changed: u64,
    /// A sentence that says it.
    pub what: String,
}

/// Deletes the largest section of the website and a folder of assets, and garbles pages, on all instances. Breaking it
/// again breaks what is left.
///
/// # Errors
/// [`DemoContentError`] when something cannot be read or written.
pub fn break_live(places: &[Place], site: &Site, now: Instant) -> Result<Breakage, DemoContentError> {
    let mut deleted = 0;
    let mut losses = Vec::new();
    let author = places.iter().find(|place| place.role == Role::Author);
    if let Some(author) = author {
        for folder in [largest_section(&author.root)?, first_assets(&author.root)]
            .into_iter()
            .flatten()
        {
            for place in places {
                deleted += remove(&place.root.join(&folder), now)?;
            }
            losses.push(format!("{} is gone", folder.display()));
        }
    }
    let (garbled, changed) = match author {
        Some(author) => garble(places, &author.root, site, now)?,
        None => (0, 0),
    };
    losses.push(measure::so_many(garbled, "page is garbled", "pages are garbled"));
    Ok(Breakage {
        deleted,
        changed,
        what: format!(
            "{} is broken on all {} instances: {} ({} deleted, {} changed)",
            site.title(),
            places.len(),
            losses.join(", "),
            measure::so_many(deleted, "file or folder", "files and folders"),
            measure::so_many(changed, "file", "files"),
        ),
    })
}

/// The section of the website with the most pages.
fn largest_section(root: &Path) -> Result<Option<PathBuf>, DemoContentError> {
    let pages = pages(root)?;
    let sections = words::SECTIONS.iter().map(|name| Path::new("website").join(name));
    let sized = sections.map(|section| {
        (
            pages.iter().filter(|page| page.starts_with(&section)).count(),
            section,
        )
    });
    Ok(sized
        .filter(|(pages, _)| *pages > 0)
        .max()
        .map(|(_, section)| section))
}

/// The first folder of assets that is still there.
fn first_assets(root: &Path) -> Option<PathBuf> {
    let folders = words::ASSET_FOLDERS
        .iter()
        .map(|name| Path::new("dam").join(name));
    folders.into_iter().find(|folder| root.join(folder).is_dir())
}

/// Removes a folder and tells how many items went.
fn remove(folder: &Path, now: Instant) -> Result<u64, DemoContentError> {
    if !folder.is_dir() {
        return Ok(0);
    }
    let items = walk(folder)?.len() + 1;
    remove_folder(folder, now)?;
    Ok(u64::try_from(items).unwrap_or(u64::MAX))
}

/// Cuts pages off and ends them in noise. Returns the number of pages, and of files over all instances.
fn garble(
    places: &[Place],
    author: &Path,
    site: &Site,
    now: Instant,
) -> Result<(u64, u64), DemoContentError> {
    let mut random = Random::of(site.seed, "garbled");
    let mut pages = pages(author)?;
    let (mut garbled, mut changed) = (0, 0);
    for _ in 0..GARBLED.min(pages.len()) {
        let page = pages.swap_remove(random.below(pages.len())).join("page.xml");
        for file in places
            .iter()
            .map(|place| place.root.join(&page))
            .filter(|file| file.is_file())
        {
            let mut content = fs::read(&file).map_err(DemoContentError::when("reading", &file))?;
            content.truncate(content.len() / 3);
            content.extend(random.bytes(200));
            put(&file, &content, now)?;
            changed += 1;
        }
        garbled += 1;
    }
    Ok((garbled, changed))
}
