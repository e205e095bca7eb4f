//! `browse`, `find`, `diff` and `history` on content in a folder whose files hold nodes.

use tempfile::tempdir;

use crate::program::{answer, configured, program, text};

fn page(title: &str) -> String {
    format!(
        "'news':\n  'jcr:primaryType': 'mgnl:page'\n  'jcr:uuid': '11111111-0000-4000-8000-000000000002'\n  'title': \
         '{title}'\n  'main':\n    'jcr:primaryType': 'mgnl:area'\n    'text': 'Ahoy'\n"
    )
}

#[test]
fn a_page_in_an_export_is_browsed_found_compared_and_followed() {
    let home = tempdir().unwrap();
    let website = home.path().join("author/website");
    std::fs::create_dir_all(&website).unwrap();
    let file = website.join("website.home.news.yaml");
    std::fs::write(&file, page("News")).unwrap();
    let broken = "a:\n  jcr:primaryType: b\n  c: *d\n";
    std::fs::write(website.join("broken.yaml"), broken).unwrap();
    configured(home.path());
    answer(home.path(), &["backup", "acme/live"]);
    std::fs::write(&file, page("Old news")).unwrap();
    let said = |arguments: &[&str]| {
        let output = program(home.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout) + &text(&output.stderr)
    };

    let browsed = said(&["browse", "acme/live", "manual", "/website"]);
    assert!(browsed.contains("website.home.news.yaml"), "{browsed}");
    let browsed = said(&["browse", "acme/live", "manual", "/website/home/news"]);
    for expected in [
        "author:/website/website.home.news.yaml/news",
        "11111111-0000-4000-8000-000000000002",
        "mgnl:page",
        "title (String)",
        "main",
    ] {
        assert!(browsed.contains(expected), "{expected}: {browsed}");
    }
    let browsed = said(&["browse", "acme/live", "live", "/website/broken.yaml"]);
    assert!(browsed.contains("it is shown as a file: "), "{browsed}");

    let found = answer(
        home.path(),
        &["find", "acme/live", "ahoy", "--by", "text", "--in", "manual"],
    );
    let path = "author:/website/website.home.news.yaml/news/main";
    assert_eq!(found["found"]["finds"][0]["path"], path, "{found}");
    let differs = said(&["diff", "acme/live", "manual", "live", "/website", "--properties"]);
    assert!(
        differs.contains("website.home.news.yaml/news") && differs.contains("title"),
        "{differs}"
    );
    // A file that cannot be read in either is told as that, and not as the same.
    let same = said(&["diff", "acme/live", "manual", "live", "/website/broken.yaml"]).replace('\n', " ");
    for expected in [
        "There is no difference in what could be compared",
        "note: 1 file cannot be read in either of the two, and was not compared: author:/website/broken.yaml, ",
    ] {
        assert!(same.contains(expected), "{expected}: {same}");
    }
    let same = answer(
        home.path(),
        &["diff", "acme/live", "manual", "live", "/website/broken.yaml"],
    );
    assert_eq!(same["diff"]["not_read"]["files"], 1, "{same}");
    let followed = answer(home.path(), &["history", "acme/live", "/website/home/news"]);
    assert_eq!(
        followed["history"]["occurrences"][1]["what"], "changed",
        "{followed}"
    );
}
