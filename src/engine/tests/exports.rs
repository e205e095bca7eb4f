//! What is taken out of folders: files as they are, and all that a backup holds as a tar.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rustix::fs::XattrFlags;

use super::house::{House, OfHouse, back_up};
use crate::domain::explore::{ExportFacts, ExportForm, ExportRequest, Looked, Source};
use crate::engine::{Engine, EngineError, whose_folder};

fn request(source: &Source, path: &str, form: ExportForm) -> ExportRequest {
    ExportRequest {
        environment: House::live(),
        source: source.clone(),
        path: path.parse().unwrap(),
        form,
    }
}

fn facts(engine: &Engine, request: &ExportRequest) -> Result<ExportFacts, EngineError> {
    loop {
        if let Looked::Ready(facts) = engine.of_house().export_facts(request)? {
            return Ok(facts);
        }
    }
}

/// Unpacks an export with GNU tar.
fn unpacked(engine: &Engine, request: &ExportRequest, into: &Path) -> ExportFacts {
    unpacked_with(engine, request, into, &[])
}

fn unpacked_with(engine: &Engine, request: &ExportRequest, into: &Path, options: &[&str]) -> ExportFacts {
    let facts = facts(engine, request).unwrap();
    fs::create_dir_all(into).unwrap();
    let file = into.with_extension("tar");
    let mut out = File::create(&file).unwrap();
    engine
        .of_house()
        .export(request)
        .unwrap()
        .write(&mut out)
        .unwrap();
    let tar = Command::new("tar")
        .args(options)
        .args(["--extract", "--same-permissions", "--file"])
        .arg(&file)
        .arg("--directory")
        .arg(into)
        .output()
        .unwrap();
    assert!(tar.status.success() && tar.stderr.is_empty(), "{tar:?}");
    facts
}

/// Everything below a folder: what it is, its permissions, owner and time, and what is in it.
fn below(root: &Path) -> BTreeMap<PathBuf, String> {
    fn add(root: &Path, folder: &Path, all: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            let content = if about.is_symlink() {
                format!("{:?}", fs::read_link(&path).unwrap())
            } else if about.is_file() {
                format!("{:?}, {} names", fs::read(&path).unwrap(), about.nlink())
            } else {
                String::new()
            };
            let told = format!(
                "{:o} {}:{} {}.{:09} {content}",
                about.mode(),
                about.uid(),
                about.gid(),
                about.mtime(),
                about.mtime_nsec()
            );
            all.insert(path.strip_prefix(root).unwrap().to_owned(), told);
            if about.is_dir() {
                add(root, &path, all);
            }
        }
    }
    let mut all = BTreeMap::new();
    add(root, root, &mut all);
    all
}

fn made() -> House {
    let house = House::new();
    let website = house.root("author").join("website");
    house.write("author", "website/home/news/item.xml", "news");
    let long = format!("website/{}/{}.xml", "a".repeat(120), "ü".repeat(100));
    house.write("author", &long, "long");
    symlink("../page-0.xml", website.join("home/link")).unwrap();
    fs::hard_link(website.join("page-1.xml"), website.join("home/again.xml")).unwrap();
    let file = File::options()
        .write(true)
        .open(website.join("page-2.xml"))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789))
        .unwrap();
    fs::set_permissions(website.join("page-2.xml"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(website.join("home"), fs::Permissions::from_mode(0o2750)).unwrap();
    house
}

#[test]
fn a_tar_of_a_backup_is_what_restic_restores() {
    let house = made();
    let engine = house.engine();
    let backup = back_up(&engine);
    let source = Source::from(&backup);
    let by_restic = house.path("by-restic");
    let restored = Command::new("restic")
        .args(["--no-cache", "--repo"])
        .arg(house.path("repository/acme/live"))
        .arg("--password-file")
        .arg(house.path("key"))
        .args(["restore", "latest", "--target"])
        .arg(&by_restic)
        .output()
        .expect("these tests need restic: apt-get install restic");
    assert!(restored.status.success(), "{restored:?}");

    let all = house.path("all");
    let facts = unpacked(&engine, &request(&source, "/", ExportForm::Tar), &all);
    assert_eq!(below(&all), below(&by_restic));
    assert!(
        facts.file.starts_with("acme-live-") && facts.nodes > 20,
        "{facts:?}"
    );
    // A part of it is that part.
    let part = house.path("part");
    let facts = unpacked(
        &engine,
        &request(&source, "author:/website", ExportForm::Tar),
        &part,
    );
    assert!(facts.file.ends_with("-author-website.tar"), "{}", facts.file);
    let expected: BTreeMap<_, _> = below(&by_restic)
        .into_iter()
        .filter(|(path, _)| path == Path::new("author") || path.starts_with("author/website"))
        .collect();
    assert_eq!(below(&part), expected);

    for (source, path, why) in [
        (&Source::Live, "/", "Live is none"),
        (&source, "author:/website/home", "leave the rest of the path away"),
        (&source, "author:/nowhere", "there is no"),
        (&source, "nobody", "no instance nobody"),
    ] {
        let refused = facts_of(&engine, source, path);
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn attributes_come_out_of_a_tar_whatever_is_in_their_names() {
    let house = House::new();
    let page = house.root("author").join("website/page-0.xml");
    let attributes = [("user.a=b", "1=2"), ("user.100%3D", "%"), ("user.plain", "plain")];
    for (name, value) in attributes {
        if let Err(error) = rustix::fs::setxattr(&page, name, value.as_bytes(), XattrFlags::empty()) {
            println!("skipped: no attributes can be set here ({error})");
            return;
        }
    }
    let engine = house.engine();
    let source = Source::from(&back_up(&engine));
    let into = house.path("attributes");
    let options = ["--xattrs", "--xattrs-include=*"];
    unpacked_with(
        &engine,
        &request(&source, "author:/website", ExportForm::Tar),
        &into,
        &options,
    );
    for (name, value) in attributes {
        let mut found = [0; 64];
        let path = into.join("author/website/page-0.xml");
        let length = rustix::fs::getxattr(&path, name, &mut found).unwrap();
        assert_eq!(&found[..length], value.as_bytes(), "{name}");
    }
}

#[test]
fn a_file_of_many_gibibytes_is_read_and_written_in_pieces() {
    /// Counts, and keeps nothing.
    struct Sink(u64);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(bytes.len() <= 1 << 20, "{} at once", bytes.len());
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    const SIZE: u64 = (4 << 30) + 1;
    let house = House::new();
    house.write("author", "dam/video.mp4", "");
    let video = house.root("author").join("dam/video.mp4");
    let file = File::options().write(true).open(&video).unwrap();
    file.set_len(SIZE).unwrap();
    let engine = house.engine();
    let asked = request(&Source::Live, "author:/dam/video.mp4", ExportForm::Files);
    assert_eq!(facts(&engine, &asked).unwrap().bytes, SIZE);
    let mut sink = Sink(0);
    engine
        .of_house()
        .export(&asked)
        .unwrap()
        .write(&mut sink)
        .unwrap();
    assert!(sink.0 > SIZE, "{}", sink.0);
}

#[test]
fn whose_a_folder_is_shows_through_links_and_dots() {
    let house = House::new();
    let engine = house.engine();
    symlink(house.root("author"), house.path("link")).unwrap();
    fs::create_dir_all(house.path("mine/deep")).unwrap();
    let dots = house.path("mine").join("../author/content/website");
    for (folder, whose) in [
        (house.root("author"), "the content of author of acme/live"),
        (
            house.root("author").join("website"),
            "the content of author of acme/live",
        ),
        (house.path("link"), "the content of author of acme/live"),
        (house.path("link/dam"), "the content of author of acme/live"),
        (dots, "the content of author of acme/live"),
        (house.path("repository"), "the repository"),
        (house.path("repository/acme"), "the repository"),
        (house.path("state"), "Lifeboat's state"),
    ] {
        fs::create_dir_all(&folder).unwrap();
        let told = whose_folder(&engine, &folder).unwrap().unwrap();
        assert!(told.starts_with(whose), "{}: {told}", folder.display());
    }
    // Above Live, or beside it, is nobody's.
    for folder in ["mine", "mine/deep", "mine/../mine", "."] {
        assert_eq!(
            whose_folder(&engine, &house.path(folder)).unwrap(),
            None,
            "{folder}"
        );
    }
}

fn facts_of(engine: &Engine, source: &Source, path: &str) -> String {
    facts(engine, &request(source, path, ExportForm::Tar))
        .unwrap_err()
        .to_string()
}

#[test]
fn files_of_a_folder_are_copied_out_of_a_backup_and_of_live() {
    let house = made();
    let engine = house.engine();
    let backup = Source::from(&back_up(&engine));
    for (number, source) in [backup, Source::Live].iter().enumerate() {
        let into = house.path(&format!("out-{number}"));
        let facts = unpacked(
            &engine,
            &request(source, "author:/website/home", ExportForm::Files),
            &into,
        );
        assert_eq!(
            (facts.file.as_str(), facts.bytes),
            ("website.home", 12),
            "{source}"
        );
        let found = into.join("website.home");
        assert_eq!(fs::read_to_string(found.join("news/item.xml")).unwrap(), "news");
        assert_eq!(fs::read_to_string(found.join("again.xml")).unwrap(), "author 1");
        assert_eq!(
            fs::read_link(found.join("link")).unwrap(),
            Path::new("../page-0.xml")
        );
        assert_eq!(fs::metadata(&found).unwrap().permissions().mode() & 0o7777, 0o755);
        // A file alone, and a whole workspace.
        let into = house.path(&format!("file-{number}"));
        let page = request(source, "author:/website/page-2.xml", ExportForm::Files);
        unpacked(&engine, &page, &into);
        let file = into.join("website.page-2..xml");
        assert_eq!(fs::read_to_string(&file).unwrap(), "author 2");
        assert_eq!(fs::metadata(&file).unwrap().mtime(), 1_700_000_000);
        let into = house.path(&format!("workspace-{number}"));
        unpacked(
            &engine,
            &request(source, "author:/website", ExportForm::Files),
            &into,
        );
        assert_eq!(fs::read_dir(into.join("website")).unwrap().count(), 6);
        for form in [ExportForm::Xml, ExportForm::Yaml] {
            let why = facts_of_form(&engine, source, form);
            assert!(why.contains("--as files"), "{why}");
        }
    }
}

fn facts_of_form(engine: &Engine, source: &Source, form: ExportForm) -> String {
    let refused = facts(engine, &request(source, "author:/website/home", form));
    refused.unwrap_err().to_string()
}

/// Takes so many bytes, and then goes away.
struct Goes(usize);

impl Write for Goes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nothing_more_is_read_when_nobody_takes_it() {
    let house = made();
    let engine = house.engine();
    let source = Source::from(&back_up(&engine));
    for taken in [0, 700, 5_000] {
        let export = engine
            .of_house()
            .export(&request(&source, "/", ExportForm::Tar))
            .unwrap();
        assert!(export.write(&mut Goes(taken)).is_err(), "{taken}");
    }
}
