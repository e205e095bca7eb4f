//! A system view that Lifeboat writes is what Jackrabbit imports: every node comes back with its id and everything in it.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Cursor, Read};
use std::path::{Path, PathBuf};

use lifeboat::domain::explore::{ExportForm, ExportRequest, Looked, Source};
use lifeboat::jcr::bundle;
use lifeboat::jcr::namespaces::{Namespaces, indexes};
use lifeboat::jcr::xml::read::{Limits, read};
use lifeboat::jcr::xml::write::{Binaries, SystemView};
use lifeboat::jcr::{Binary, Name, NodeId, ids, values};
use serde_json::{Value, json};

use crate::bundles::{Bundles, Repository, told};
use crate::house::{House, back_up};

const WORKSPACE: &str = "website";

/// What an import makes anew, whatever it is given: moments and versions of its own.
const MADE_ANEW: [&str; 10] = [
    "jcr:activity",
    "jcr:baseVersion",
    "jcr:configuration",
    "jcr:created",
    "jcr:createdBy",
    "jcr:etag",
    "jcr:isCheckedOut",
    "jcr:mergeFailed",
    "jcr:predecessors",
    "jcr:versionHistory",
];

type Told = BTreeMap<String, Value>;

/// The nodes of the workspace by path, without what an import makes anew.
fn nodes(repository: &Repository) -> Told {
    let told = told(repository).into_iter();
    let of_it = told.filter(|((workspace, path), _)| workspace == WORKSPACE && path != "/");
    let kept = of_it.map(|((_, path), mut node)| {
        let properties = node["properties"].as_object_mut().unwrap();
        properties.retain(|name, _| !MADE_ANEW.contains(&name.as_str()));
        for property in properties.values_mut() {
            // An import gives a list without values the type that its node type says, and not the one that is written.
            if property["values"].as_array().is_some_and(Vec::is_empty) {
                property["type"] = Value::from(0);
            }
        }
        // What another mixin includes is not given once more.
        properties.remove("jcr:mixinTypes");
        let mixins = node["mixins"].as_array_mut().unwrap();
        if mixins.contains(&Value::from("mix:versionable")) {
            mixins.retain(|mixin| mixin != "mix:referenceable");
        }
        (path, node)
    });
    kept.collect()
}

/// Of each node by path what [`nodes`] leaves out: the types of its lists without values, and its mixins.
fn left_to_jackrabbit(repository: &Repository) -> Told {
    let told = told(repository).into_iter();
    let of_it = told.filter(|((workspace, path), _)| workspace == WORKSPACE && path != "/");
    let kept = of_it.map(|((_, path), node)| {
        let properties = node["properties"].as_object().unwrap().iter();
        let lists = properties.filter(|(_, one)| one["values"].as_array().is_some_and(Vec::is_empty));
        let lists: BTreeMap<_, _> = lists
            .map(|(name, one)| (name.clone(), one["type"].clone()))
            .collect();
        let mixins = &node["properties"]["jcr:mixinTypes"];
        (
            path,
            json!({ "lists": lists, "mixins": node["mixins"], "shown": mixins }),
        )
    });
    kept.collect()
}

/// A data store in a folder.
struct Store(PathBuf);

impl Binaries for Store {
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>> {
        match values::place(binary) {
            values::Place::Held(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            values::Place::Record { path, .. } => Ok(Box::new(File::open(self.0.join(path))?)),
            place => panic!("{place:?}"),
        }
    }
}

struct Export<'r> {
    bundles: &'r Bundles,
    store: &'r Store,
    namespaces: &'r Namespaces,
    written: HashSet<NodeId>,
    /// Further places of shared nodes, which no import takes.
    shares: Vec<String>,
}

impl Export<'_> {
    fn write(&mut self, view: &mut SystemView<'_, BufWriter<File>>, (name, id): (&Name, NodeId), path: &str) {
        let node = bundle::read(id, &self.bundles[&id]).unwrap();
        if !self.written.insert(id) {
            self.shares.push(path.to_owned());
            return view.share(name, &id).unwrap();
        }
        view.node(name, &node, self.store).unwrap();
        for (child, index) in node.children.iter().zip(indexes(&node.children)) {
            let step = self.namespaces.step(&child.name, index);
            self.write(view, (&child.name, child.id), &format!("{path}/{step}"));
        }
        view.end().unwrap();
    }
}

/// Writes what is below the root, a file for each node there. Gives the files by the paths of the nodes, and the
/// places that are not written.
fn export(
    repository: &Repository,
    namespaces: &Namespaces,
    folder: &Path,
) -> (BTreeMap<String, PathBuf>, Vec<String>) {
    let bundles = Repository::bundles(&mut repository.client())
        .remove(WORKSPACE)
        .unwrap();
    let store = Store(repository.home().join("repository/datastore"));
    let mut export = Export {
        bundles: &bundles,
        store: &store,
        namespaces,
        shares: Vec::new(),
        written: HashSet::new(),
    };
    let root = bundle::read(ids::ROOT, &bundles[&ids::ROOT]).unwrap();
    let mut files = BTreeMap::new();
    for (number, (child, index)) in root.children.iter().zip(indexes(&root.children)).enumerate() {
        let shown = namespaces.show(&child.name);
        if child.id == ids::SYSTEM || shown.starts_with("rep:") {
            continue;
        }
        let path = format!("/{}", namespaces.step(&child.name, index));
        if export.written.contains(&child.id) {
            export.shares.push(path);
            continue;
        }
        let file = folder.join(format!("{number:04}.xml"));
        let mut view = SystemView::begin(BufWriter::new(File::create(&file).unwrap()), namespaces).unwrap();
        let known = export.shares.len();
        export.write(&mut view, (&child.name, child.id), &path);
        let (_, left_out) = view.finish().unwrap();
        assert_eq!(left_out.len(), export.shares.len() - known, "{left_out:?}");
        files.insert(path, file);
    }
    (files, export.shares)
}

fn import(repository: &Repository, folder: &Path, options: &[&str]) {
    let options = [
        &["--workspace", WORKSPACE, "--folder", folder.to_str().unwrap()],
        options,
    ]
    .concat();
    let imported = repository.java("import", &options);
    assert!(
        imported.status.success(),
        "{}{}",
        String::from_utf8_lossy(&imported.stdout),
        String::from_utf8_lossy(&imported.stderr)
    );
}

/// Fails with the first nodes that are not the same.
fn are_the_same(before: &Told, after: &Told) {
    let paths: HashSet<&String> = before.keys().chain(after.keys()).collect();
    let mut other: Vec<_> = paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .collect();
    other.sort();
    let shown: Vec<_> = other
        .iter()
        .take(3)
        .map(|path| format!("{path}\n{:#?}\n{:#?}", before.get(*path), after.get(*path)))
        .collect();
    assert!(other.is_empty(), "{} differ:\n{}", other.len(), shown.join("\n"));
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    let options = ["--count", "1500", "--seed", "4"];
    let Some(repository) = Repository::made("file", "assorted", &options) else {
        return;
    };
    let mut before = nodes(&repository);
    let [all, one, own] = ["all", "one", "own"].map(|name| repository.house.path(name));
    for folder in [&all, &one, &own] {
        fs::create_dir(folder).unwrap();
    }
    let namespaces = repository.namespaces();
    let (files, shares) = export(&repository, &namespaces, &all);
    let is_share = |path: &str, share: &String| path == share || path.starts_with(&format!("{share}/"));
    before.retain(|path, _| !shares.iter().any(|share| is_share(path, share)));
    // What is written is read again by Lifeboat, too.
    let mut read_again = 0;
    for file in files.values() {
        let input = BufReader::new(File::open(file).unwrap());
        read(input, Limits::default(), &mut |_| read_again += 1).unwrap();
    }
    assert!(read_again >= before.len(), "{read_again} of {}", before.len());

    // What the comparison leaves out is Jackrabbit's doing: it makes the same of its own export.
    repository.run(
        "export",
        &["--workspace", WORKSPACE, "--folder", own.to_str().unwrap()],
    );
    import(&repository, &own, &["--empty", "yes"]);
    let by_itself = left_to_jackrabbit(&repository);
    import(&repository, &all, &["--empty", "yes"]);
    are_the_same(&by_itself, &left_to_jackrabbit(&repository));
    are_the_same(&before, &nodes(&repository));
    // Over what is there with the same ids.
    let lists = &files["/lists"];
    fs::copy(lists, one.join(lists.file_name().unwrap())).unwrap();
    import(&repository, &one, &[]);
    are_the_same(&before, &nodes(&repository));
}

/// The subtree of a node, by path.
fn below(told: Told, top: &str) -> Told {
    let is_in = |path: &String| path == top || path.starts_with(&format!("{top}/"));
    told.into_iter().filter(|(path, _)| is_in(path)).collect()
}

/// Takes the properties out of a node that are paths through siblings of one name in a namespace of the test's own. Gives
/// how many there were.
fn without_numbers_behind_odd_names(node: &mut Value) -> usize {
    let properties = node["properties"].as_object_mut().unwrap();
    let all = properties.len();
    properties.retain(|_, property| {
        let is_path = property["type"] == 8;
        let mut values = property["values"].as_array().unwrap().iter();
        !(is_path && values.any(|value| value.as_str().unwrap().split('/').any(is_numbered)))
    });
    all - properties.len()
}

/// Whether a step of a path has a prefix of the test's own and a number.
fn is_numbered(step: &str) -> bool {
    step.starts_with("odd") && step.contains(':') && step.ends_with(']')
}

#[test]
fn binaries_out_of_tables_are_imported_as_they_were() {
    for store in ["none", "db"] {
        let options = ["--count", "200", "--seed", "6"];
        let Some(repository) = Repository::made(store, "assorted", &options) else {
            return;
        };
        let mut before = below(nodes(&repository), "/lists");
        // The home is not configured, so nobody knows the prefixes that are registered there.
        let mut left_out: usize = before.values_mut().map(without_numbers_behind_odd_names).sum();
        assert!(left_out > 0);
        let engine = repository.house.engine();
        let backup = Source::from(&back_up(&engine));
        let live = engine.live(&House::live()).unwrap();
        for source in [backup, Source::Live] {
            let request = ExportRequest {
                environment: House::live(),
                path: format!("author:/{WORKSPACE}/lists").parse().unwrap(),
                form: ExportForm::Xml,
                source,
            };
            let facts = loop {
                if let Looked::Ready(facts) = live.export_facts(&request).unwrap() {
                    break facts;
                }
            };
            let told = facts
                .remarks
                .iter()
                .filter(|remark| remark.contains("is a path through"));
            assert_eq!(told.count(), left_out, "{:?}", facts.remarks);
            // The next is exported out of what has been imported.
            left_out = 0;
            let folder = repository
                .house
                .path(&format!("{}-lists", request.source.short()));
            fs::create_dir(&folder).unwrap();
            let mut file = File::create(folder.join("lists.xml")).unwrap();
            live.export(&request).unwrap().write(&mut file).unwrap();
            import(&repository, &folder, &[]);
            are_the_same(&before, &below(nodes(&repository), "/lists"));
        }
    }
}
