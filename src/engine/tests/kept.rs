//! What a restore of whole folders keeps besides content.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{XattrFlags, setxattr};

use super::house::{House, back_up, everything, only, restore};

fn note(path: &std::path::Path) -> Option<Vec<u8>> {
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(path, "user.note", &mut value[..]).ok()?;
    Some(value[..length].to_vec())
}

#[test]
fn attributes_and_names_come_back_and_the_content_folder_keeps_its_own() {
    let house = House::new();
    let (root, page) = (
        house.root("author"),
        house.root("author").join("website/page-0.xml"),
    );
    fs::hard_link(&page, root.join("website/page-9.xml")).unwrap();
    let has = [&root, &page]
        .iter()
        .all(|path| setxattr(path.as_path(), "user.note", b"important", XattrFlags::empty()).is_ok());
    let engine = house.engine();
    back_up(&engine);
    for selection in [everything(), only(&["author"], &["website"])] {
        house.remove("author", "website");
        house.write("author", "website/page-0.xml", "broken");
        restore(&engine, "manual", selection);
        assert_eq!(fs::read_to_string(&page).unwrap(), "author 0");
        assert_eq!(fs::metadata(&page).unwrap().nlink(), 2);
        let expected = has.then(|| b"important".to_vec());
        assert_eq!((note(&root), note(&page)), (expected.clone(), expected));
    }
}
