//! Landing: what is whole, what is not, and what is there already.

use std::future::{pending, ready};
use std::process::Command;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

async fn landed(
    pieces: Vec<Result<Vec<u8>, BackendError>>,
    target: &Path,
    form: ExportForm,
) -> Result<u64, LandingError> {
    land(Download::of(pieces), target, form, &|_| {}, pending()).await
}

#[tokio::test]
async fn a_file_is_whole_or_not_there_and_nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("news.xml");
    let broken = || vec![Ok(b"ab".to_vec()), Err(BackendError::Failed("no".to_owned()))];
    assert!(landed(broken(), &target, ExportForm::Xml).await.is_err());
    assert_eq!(names(folder.path()), [""; 0]);
    let pieces = vec![Ok(b"ab".to_vec()), Ok(b"c".to_vec())];
    assert_eq!(landed(pieces.clone(), &target, ExportForm::Xml).await.unwrap(), 3);
    assert_eq!(fs::read(&target).unwrap(), b"abc");
    let again = landed(pieces, &target, ExportForm::Xml).await;
    assert!(matches!(again, Err(LandingError::IsThere(_))), "{again:?}");
    let stopped = land(
        Download::of(broken()),
        &folder.path().join("x"),
        ExportForm::Xml,
        &|_| {},
        ready(()),
    )
    .await;
    assert!(stopped.is_err());
    assert_eq!(names(folder.path()), ["news.xml"]);
}

#[tokio::test]
async fn what_a_dead_process_has_left_goes_with_the_next_export_and_what_a_living_one_writes_stays() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join(".lifeboat-export-1-1/news")).unwrap();
    fs::write(folder.path().join(".lifeboat-export-1-2"), "half").unwrap();
    let living = Unfinished::of_file(folder.path()).unwrap();
    let target = folder.path().join("news.xml");
    landed(vec![Ok(b"abc".to_vec())], &target, ExportForm::Xml)
        .await
        .unwrap();
    let mut found = names(folder.path());
    found.sort();
    let name = living.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(found, [name, "news.xml"]);
}

/// A tar of entries, of which a link's content is where it leads to.
fn tar(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, kind, content) in entries {
        let (bytes, target) = if *kind == tar::EntryType::Regular {
            (*content, "")
        } else {
            ("", *content)
        };
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o777);
        header.set_size(bytes.len() as u64);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

#[tokio::test]
async fn files_are_unpacked_and_none_of_them_leads_elsewhere() {
    use tar::EntryType::{Directory, Link, Regular, Symlink};

    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("news");
    let good = tar(&[
        ("news/", Directory, ""),
        ("news/properties.json", Regular, "{}"),
        ("news/link", Symlink, "/etc/passwd"),
        ("news/item/", Directory, ""),
        ("news/item/data.bin", Regular, "abc"),
    ]);
    landed(vec![Ok(good)], &target, ExportForm::Files).await.unwrap();
    assert_eq!(fs::read(target.join("item/data.bin")).unwrap(), b"abc");
    assert_eq!(
        fs::read_link(target.join("link")).unwrap(),
        Path::new("/etc/passwd")
    );
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let out = outside.to_str().unwrap();
    for bad in [
        &[("news/", Directory, ""), ("news/../../evil", Regular, "x")][..],
        &[("/evil", Regular, "x")],
        &[
            ("a/", Directory, ""),
            ("a/l", Symlink, out),
            ("a/l/evil", Regular, "x"),
        ],
        &[("a/", Directory, ""), ("a/h", Link, "/etc/passwd")],
        &[
            ("a/", Directory, ""),
            ("a/f", Regular, "x"),
            ("a/f", Regular, "y"),
        ],
        &[("a/", Directory, ""), ("b/", Directory, "")],
        &[],
    ] {
        let other = folder.path().join("other");
        let landed = landed(vec![Ok(tar(bad))], &other, ExportForm::Files).await;
        assert!(landed.is_err(), "{bad:?}");
    }
    let mut found = names(folder.path());
    found.sort();
    assert_eq!(found, ["news", "outside"]);
    assert_eq!(names(&outside), [""; 0]);
}

/// Names the folder for the part of the next test that runs where small disks are mounted.
const SMALL_DISK: &str = "LIFEBOAT_TEST_SMALL_DISK";

#[test]
fn a_full_disk_and_one_that_is_not_written_to_are_told_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let this = std::env::current_exe().unwrap();
    fs::create_dir(folder.path().join("small")).unwrap();
    fs::create_dir(folder.path().join("closed")).unwrap();
    // In a namespace of its own anybody may mount something, where the system allows that at all.
    let mounted = "mount -t tmpfs -o size=1m small \"$0/small\" && mount -t tmpfs -o ro closed \"$0/closed\" && exec \"$1\" \
                   --exact backend::landing::tests::on_a_small_disk --ignored";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", mounted])
        .args([folder.path(), &this])
        .env(SMALL_DISK, folder.path())
        .output();
    let said = output.as_ref().map_or_else(ToString::to_string, |output| {
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    });
    if !said.contains("running 1 test") {
        println!("skipped: no small disk can be mounted here ({})", said.trim());
        return;
    }
    assert!(output.unwrap().status.success(), "{said}");
}

#[tokio::test]
#[ignore = "runs inside the test before it, on small disks"]
async fn on_a_small_disk() {
    let disks = std::env::var_os(SMALL_DISK).unwrap();
    let small = Path::new(&disks).join("small");
    let large = "x".repeat(3 << 20);
    let tarred = tar(&[
        ("news/", tar::EntryType::Directory, ""),
        ("news/small", tar::EntryType::Regular, "abc"),
    ]);
    let large_tar = tar(&[
        ("news/", tar::EntryType::Directory, ""),
        ("news/large", tar::EntryType::Regular, &large),
    ]);
    for (form, too_much, fits) in [
        (ExportForm::Xml, large.clone().into_bytes(), b"<node/>".to_vec()),
        (ExportForm::Files, large_tar, tarred),
    ] {
        let target = small.join(form.word());
        let pieces = |bytes: &[u8]| bytes.chunks(64 << 10).map(|piece| Ok(piece.to_vec())).collect();
        let failed = landed(pieces(&too_much), &target, form)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            failed.contains("not enough room") && failed.contains("nothing is left of it"),
            "{failed}"
        );
        assert!(!target.exists());
        // It can be done again, with as much room as there was.
        landed(pieces(&fits), &target, form).await.unwrap();
        assert!(target.exists());
    }
    let mut found = names(&small);
    found.sort();
    assert_eq!(found, ["files", "xml"]);
    let closed = Path::new(&disks).join("closed/news.xml");
    let failed = landed(vec![Ok(b"<node/>".to_vec())], &closed, ExportForm::Xml).await;
    let failed = failed.unwrap_err().to_string();
    assert!(
        failed.contains("news.xml") && failed.contains("Read-only"),
        "{failed}"
    );
}
