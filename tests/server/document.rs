//! The published description: what is stored in the tree is what the code makes.

use std::fs;
use std::path::Path;

use lifeboat::server::document;
use serde_json::Value;

use crate::house::{House, answered};

#[test]
fn the_stored_description_is_the_one_that_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/openapi.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    let stored = fs::read_to_string(&path).unwrap_or_default();
    if stored != made {
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
        fs::write(&new, made).unwrap();
        panic!(
            "the interface has changed: look at the difference and store it with cp {} {}",
            new.display(),
            path.display()
        );
    }
}

#[test]
fn every_reference_in_it_leads_somewhere() {
    fn walk(value: &Value, document: &Value, found: &mut usize) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                    *found += 1;
                }
                object.values().for_each(|value| walk(value, document, found));
            }
            Value::Array(array) => array.iter().for_each(|value| walk(value, document, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = 0;
    walk(&document, &document, &mut found);
    assert!(found > 100, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_there_for_everybody() {
    let house = House::new().await;
    let answer = answered(house.request(reqwest::Method::GET, "/api/v1/openapi.json", None)).await;
    assert_eq!(answer.json(), document());
}
