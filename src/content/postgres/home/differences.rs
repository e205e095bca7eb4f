//! What a restore would change in a home, file by file; of namespaces and node types by name.
//!
//! A restore of everything brings the backup's files back. One of chosen workspaces leaves Live's as they are: other
//! workspaces need them. What the chosen ones need and Live does not have is told, and where Live reads their nodes in another
//! way than they were written in, they do not come back: nodes of Jackrabbit 2.2 and newer hold the addresses of namespaces, and
//! older ones numbers, which `ns_idx.properties` explains.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::place::{Kind, in_the_way, kind};
use super::text::{self, NODE_TYPES, NUMBERS, PRIVILEGES, REGISTRY};
use super::{WORKSPACE, content, open, read};
use crate::content::ContentError;
use crate::content::backed_up::BackedUpFiles;
use crate::content::restoring::{Found, RestoreError, World};
use crate::domain::backup::InstanceCopy;
use crate::domain::environment::{HOME, WorkspaceKind};
use crate::domain::os_error::in_words;
use crate::domain::plan::{Selection, WorkspaceChange};

/// How many differences are named.
const NAMED: usize = 5;

/// Files below a home, with what is in them.
type Texts = BTreeMap<PathBuf, Vec<u8>>;

/// What is in a file by the names of it.
type Named = BTreeMap<String, Vec<u8>>;

/// The home of one side and of the other.
struct Sides {
    backup: Texts,
    /// `None` when there is no home.
    live: Option<Texts>,
}

/// Whether a backup holds a home.
pub(crate) fn is_in(copy: &InstanceCopy) -> bool {
    copy.workspaces.iter().any(|workspace| workspace.name == HOME)
}

/// Plans what becomes of an instance's home. `has_to_be_saved` tells whether a safety backup is to be taken of the instance.
pub(crate) fn plan(
    home: Option<&Path>,
    world: &World,
    (copy, files): (&InstanceCopy, &dyn BackedUpFiles),
    selection: &Selection,
    has_to_be_saved: &dyn Fn() -> bool,
    found: &mut Found,
) -> Result<(), RestoreError> {
    let name = &copy.name;
    let Some(home) = home else {
        if is_in(copy) {
            found.warnings.push(format!(
                "the backup holds the home of {name} (namespaces, node types, workspaces), and none is configured: Live's stays as \
                 it is. Name its folder as home to have it brought back"
            ));
        }
        return Ok(());
    };
    if let Kind::Nothing(_) = kind(home) {
        let gone = format!("the home of {name}, {}, is gone", home.display());
        if has_to_be_saved() {
            found.obstacles.push(format!(
                "{gone}. As it is, no backup can be taken of Live: restore everything without a safety backup, which brings back \
                 what the backup has of it"
            ));
        } else if selection.workspaces.is_empty() && is_in(copy) {
            found.beforehand.push(format!("{gone}: its files come back"));
        }
    }
    if !is_in(copy) {
        found.warnings.push(format!(
            "the home of {name} is not in this backup: namespaces, node types and workspaces stay as they are in {}",
            home.display()
        ));
        return Ok(());
    }
    let live = match of_live(home) {
        Ok(live) => live,
        Err(why) => {
            found.obstacles.push(why);
            return Ok(());
        }
    };
    let sides = Sides {
        backup: stored(files)?,
        live,
    };
    if selection.workspaces.is_empty() {
        let change = sides.change(copy);
        let differs = sides.differs();
        if !differs.is_empty() {
            found.obstacles.extend(in_the_way(home, &differs, world));
        }
        found.changes.push(change);
        found.warnings.extend(sides.stays().map(|workspace| {
            format!(
                "the workspace {workspace} of {name} is defined in Live's home and not in the backup: its definition stays, and \
                 Magnolia starts with an empty workspace of that name"
            )
        }));
    } else {
        sides.look_at_chosen(copy, selection, found);
    }
    Ok(())
}

/// Whether a restore of everything has anything to do in a home.
pub(super) fn are_there(home: &Path, files: &dyn BackedUpFiles) -> Result<bool, RestoreError> {
    let live = of_live(home).map_err(RestoreError::Failed)?;
    let sides = Sides {
        backup: stored(files)?,
        live,
    };
    Ok(!sides.differs().is_empty())
}

/// Whether a file that is in Live and not in the backup goes. Jackrabbit makes no workspace in a folder that is there, and
/// does not know one that has no definition: so that stays.
pub(super) fn goes(path: &Path) -> bool {
    path.file_name().is_none_or(|name| name != WORKSPACE)
}

/// What is in Live's home; a sentence when it cannot be read, or is none where another folder is.
fn of_live(home: &Path) -> Result<Option<Texts>, String> {
    match fs::metadata(home) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(format!(
                "the home {} cannot be read: {error}",
                home.display(),
                error = in_words(&error)
            ));
        }
        Ok(_) => {}
    }
    if let Kind::Other(why) = kind(home) {
        return Err(why);
    }
    let small = open(home).and_then(|open| read(home, &open));
    let small = small.map_err(|error: ContentError| error.to_string())?;
    let texts = small.iter().filter_map(content);
    Ok(Some(
        texts
            .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
            .collect(),
    ))
}

fn stored(files: &dyn BackedUpFiles) -> Result<Texts, RestoreError> {
    let mut texts = Texts::new();
    for file in files.below(Path::new(HOME))? {
        let mut bytes = Vec::new();
        files.pour(&file, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        texts.insert(file.item.path, bytes);
    }
    Ok(texts)
}

impl Sides {
    fn live(&self, path: &Path) -> Option<&Vec<u8>> {
        self.live.as_ref()?.get(path)
    }

    /// The files of Live that the backup does not have.
    fn only_live(&self) -> impl Iterator<Item = &PathBuf> {
        let live = self.live.iter().flat_map(BTreeMap::keys);
        live.filter(|path| !self.backup.contains_key(*path))
    }

    /// The files that come, change or go.
    fn differs(&self) -> Vec<PathBuf> {
        let come = self.backup.iter();
        let come = come.filter(|(path, bytes)| self.live(path) != Some(*bytes));
        let come = come.map(|(path, _)| path.clone());
        come.chain(self.only_live().filter(|path| goes(path)).cloned())
            .collect()
    }

    /// The workspaces whose definitions stay though the backup does not have them.
    fn stays(&self) -> impl Iterator<Item = String> {
        let stay = self.only_live().filter(|path| !goes(path));
        stay.filter_map(|path| Some(path.parent()?.file_name()?.to_string_lossy().into_owned()))
    }

    fn change(&self, copy: &InstanceCopy) -> WorkspaceChange {
        let mut change = WorkspaceChange {
            instance: copy.name.clone(),
            workspace: HOME.to_owned(),
            kind: WorkspaceKind::of(HOME),
            added: 0,
            changed: 0,
            removed: 0,
            unchanged: 0,
            bytes: self.backup.values().map(|bytes| bytes.len() as u64).sum(),
            examples: Vec::new(),
            // Each says in its own words what becomes of it.
            example_changes: Vec::new(),
            example_below: Vec::new(),
        };
        let mut others = Vec::new();
        for (path, bytes) in &self.backup {
            let (count, what) = match self.live(path) {
                Some(live) if live == bytes => {
                    change.unchanged += 1;
                    continue;
                }
                Some(_) => (&mut change.changed, "changes"),
                None => (&mut change.added, "comes back"),
            };
            *count += 1;
            let told = self.told(path);
            if told.is_empty() {
                others.push(format!("{} {what}", path.display()));
            }
            change.examples.extend(told);
        }
        for path in self.only_live().filter(|path| goes(path)) {
            change.removed += 1;
            let told = self.told(path);
            if told.is_empty() {
                others.push(format!("{} goes", path.display()));
            }
            change.examples.extend(told);
        }
        change.examples.extend(others);
        change.examples.truncate(NAMED);
        change
    }

    /// What differs in a file, by name, where that can be told.
    fn told(&self, path: &Path) -> Vec<String> {
        let (word, read): (_, fn(&[u8]) -> Named) = match path.to_str() {
            Some(REGISTRY) => ("namespace", |bytes| {
                let all = text::namespaces(bytes).into_iter();
                all.map(|(prefix, address)| (prefix, address.into_bytes()))
                    .collect()
            }),
            Some(NODE_TYPES) => ("node type", |bytes| text::node_types(bytes).unwrap_or_default()),
            Some(PRIVILEGES) => ("privilege", |bytes| text::privileges(bytes).unwrap_or_default()),
            _ => return Vec::new(),
        };
        let side = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| read(bytes)).unwrap_or_default();
        let (then, now) = (side(self.backup.get(path)), side(self.live(path)));
        let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let what = match (then.get(name), now.get(name)) {
                    (Some(then), Some(now)) if then == now => return None,
                    (Some(_), Some(_)) => "changes",
                    (Some(_), None) => "comes back",
                    (None, _) => "goes",
                };
                Some(format!("{word} {name} {what}"))
            })
            .collect()
    }

    /// What chosen workspaces need of a home that stays as it is.
    fn look_at_chosen(&self, copy: &InstanceCopy, selection: &Selection, found: &mut Found) {
        let name = &copy.name;
        let numbered = self.backup.keys().filter(|path| is_index_of(path, selection));
        for path in numbered {
            if let Some(conflict) = self.conflict(path) {
                found.obstacles.push(format!(
                    "only chosen workspaces of {name} would come back, and their nodes may be written with other numbers than \
                     Live reads: {conflict} ({}). Restore everything, which brings these files back as well",
                    path.display()
                ));
            }
        }
        let empty = Vec::new();
        let of = |texts: Option<&Vec<u8>>| text::namespaces(texts.unwrap_or(&empty));
        let registry = Path::new(REGISTRY);
        let (then, now) = (of(self.backup.get(registry)), of(self.live(registry)));
        let known: BTreeSet<&String> = now.values().collect();
        let missing = then.iter().filter(|(_, address)| !known.contains(address));
        let prefixes: Vec<String> = missing.map(|(prefix, _)| named(prefix)).collect();
        let types = |texts: Option<&Vec<u8>>| text::node_types(texts.unwrap_or(&empty)).unwrap_or_default();
        let path = Path::new(NODE_TYPES);
        let (then, now) = (types(self.backup.get(path)), types(self.live(path)));
        let other: Vec<String> = then
            .iter()
            .filter(|(name, text)| now.get(*name) != Some(*text))
            .map(|(name, _)| name.clone())
            .collect();
        for (what, names) in [
            ("namespaces that are not registered", prefixes),
            ("node types that are missing or different", other),
        ] {
            if names.is_empty() {
                continue;
            }
            let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
            let and = if names.len() > NAMED { ", \u{2026}" } else { "" };
            found.warnings.push(format!(
                "only chosen workspaces of {name} come back, Live's home stays as it is, and the backup has {what} there: {}{and}. \
                 Nodes that use them can only be read and saved once they are registered in Live as they were",
                first.join(", ")
            ));
        }
    }

    /// The first name that has another number in Live than in the backup, as a part of a sentence.
    fn conflict(&self, path: &Path) -> Option<String> {
        let live = text::namespaces(self.live(path).map_or(&[][..], Vec::as_slice));
        let by_number: BTreeMap<&String, &String> =
            live.iter().map(|(name, number)| (number, name)).collect();
        let backup = text::namespaces(self.backup.get(path)?);
        backup
            .iter()
            .find_map(|(name, number)| match (live.get(name), by_number.get(number)) {
                (Some(other), _) if other != number => Some(format!(
                    "{} is {number} in the backup and {other} in Live",
                    quoted(name)
                )),
                (None, Some(other)) => Some(format!(
                    "{number} is {} in the backup and {} in Live",
                    quoted(name),
                    quoted(other)
                )),
                _ => None,
            })
    }
}

/// The prefix of a namespace, for people. That of the default one is empty.
fn named(prefix: &str) -> String {
    match prefix {
        "" => "the one without a prefix".to_owned(),
        prefix => prefix.to_owned(),
    }
}

/// A name or the address of a namespace, for people. That of the default one is empty.
fn quoted(name: &str) -> String {
    match name {
        "" => "the empty namespace".to_owned(),
        name => format!("\"{name}\""),
    }
}

/// Whether a file explains numbers in the nodes of chosen workspaces, or in versions of theirs.
fn is_index_of(path: &Path, selection: &Selection) -> bool {
    if path == Path::new(NUMBERS) {
        return true;
    }
    let is_index = path.extension().is_some_and(|ending| ending == "properties");
    let mut parts = path.iter();
    match parts.next().and_then(|part| part.to_str()) {
        Some("version") => is_index,
        Some("workspaces") => {
            let workspace = parts.next().map(|part| part.to_string_lossy());
            is_index && workspace.is_some_and(|name| name == "version" || selection.has_workspace(&name))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[(&str, &str)]) -> Texts {
        let all = all.iter();
        all.map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()))
            .collect()
    }

    fn copy() -> InstanceCopy {
        InstanceCopy {
            name: "author".parse().unwrap(),
            role: crate::domain::environment::Role::Author,
            began: crate::domain::Instant::default(),
            ended: crate::domain::Instant::default(),
            workspaces: Vec::new(),
            tables: Vec::new(),
            left_alone: Vec::new(),
            left_out: Vec::new(),
            doubts: Vec::new(),
        }
    }

    #[test]
    fn what_differs_is_named_and_definitions_of_workspaces_never_go() {
        let sides = Sides {
            backup: texts(&[
                (REGISTRY, "a=urn\\:a\nb=urn\\:b\n"),
                (
                    NODE_TYPES,
                    "<n><nodeType name=\"a:one\"/><nodeType name=\"a:two\"/></n>",
                ),
                ("workspaces/dam/workspace.xml", "<W/>"),
                ("repository/meta/rootUUID", "id"),
            ]),
            live: Some(texts(&[
                (REGISTRY, "a=urn\\:a\nc=urn\\:c\n"),
                (NODE_TYPES, "<n><nodeType name=\"a:one\" isMixin=\"true\"/></n>"),
                (PRIVILEGES, "<p><privilege name=\"c:read\"/></p>"),
                ("workspaces/shop/workspace.xml", "<W/>"),
                ("repository/meta/rootUUID", "id"),
            ])),
        };
        let change = sides.change(&copy());
        assert_eq!(
            (change.added, change.changed, change.removed, change.unchanged),
            (1, 2, 1, 1)
        );
        assert_eq!(
            change.examples,
            [
                "namespace b comes back",
                "namespace c goes",
                "node type a:one changes",
                "node type a:two comes back",
                "privilege c:read goes",
            ]
        );
        assert_eq!(sides.stays().collect::<Vec<_>>(), ["shop"]);
        assert_eq!(sides.differs().len(), 4);
    }

    #[test]
    fn chosen_workspaces_do_not_come_back_where_numbers_mean_something_else() {
        let chosen = Selection {
            workspaces: vec!["website".to_owned()],
            ..Selection::default()
        };
        let look = |then: &[(&str, &str)], now: &[(&str, &str)]| {
            let sides = Sides {
                backup: texts(then),
                live: Some(texts(now)),
            };
            let mut found = Found::default();
            sides.look_at_chosen(&copy(), &chosen, &mut found);
            (found.obstacles, found.warnings)
        };
        let (obstacles, warnings) = look(&[(NUMBERS, "a=1\nb=2\n")], &[(NUMBERS, "b=2\nc=3\na=1\n")]);
        assert_eq!((obstacles.len(), warnings.len()), (0, 0));
        let (obstacles, _) = look(&[(NUMBERS, "a=1\n")], &[(NUMBERS, "a=2\n")]);
        assert!(
            obstacles[0].contains("\"a\" is 1 in the backup and 2 in Live"),
            "{obstacles:?}"
        );
        let (obstacles, _) = look(
            &[(NUMBERS, ".empty.key=0\n")],
            &[(NUMBERS, ".empty.key=1\nb=0\n")],
        );
        assert!(
            obstacles[0].contains("the empty namespace is 0 in the backup and 1"),
            "{obstacles:?}"
        );
        let (obstacles, _) = look(&[(NUMBERS, "a=1\n")], &[(NUMBERS, "c=1\n")]);
        assert!(
            obstacles[0].contains("1 is \"a\" in the backup and \"c\" in Live"),
            "{obstacles:?}"
        );
        // Files of numbers of workspaces that stay say nothing of those that come.
        let (obstacles, _) = look(
            &[("workspaces/dam/names.properties", "title=1\n")],
            &[("workspaces/dam/names.properties", "title=2\n")],
        );
        assert_eq!(obstacles, Vec::<String>::new());
        let (obstacles, _) = look(
            &[("workspaces/website/default/names.properties", "title=1\n")],
            &[("workspaces/website/default/names.properties", "title=2\n")],
        );
        assert_eq!(obstacles.len(), 1);
        let (obstacles, warnings) = look(
            &[
                (REGISTRY, "a=urn\\:a\n"),
                (NODE_TYPES, "<n><nodeType name=\"a:one\"/></n>"),
            ],
            &[(REGISTRY, "b=urn\\:b\n")],
        );
        assert_eq!((obstacles.len(), warnings.len()), (0, 2));
        assert!(warnings[0].contains("not registered there: a."), "{warnings:?}");
        assert!(warnings[1].contains("different there: a:one."), "{warnings:?}");
    }
}
