//! What was read out of a file of a folder comes back with all of the file, and with nothing less.

use super::documents::{children, house, path};
use super::house::{OfHouse, back_up, request, restore};
use super::parts::parts;
use crate::domain::explore::Source;
use crate::watch::Unwatched;

#[test]
fn what_lies_in_a_file_comes_back_with_all_of_it() {
    let house = house();
    let engine = house.engine();
    let source = Source::from(&back_up(&engine));
    for (of, file) in [
        ("author:/website", None),
        ("author:/website/home", None),
        (
            "author:/website/home/about.xml",
            Some("author:/website/home/about.xml"),
        ),
        (
            "author:/website/website.home.news.xml/news/00",
            Some("author:/website/website.home.news.xml"),
        ),
        (
            "author:/website/home/news/00",
            Some("author:/website/website.home.news.xml"),
        ),
    ] {
        let found = children(&engine, &source, of).in_file;
        assert_eq!(found, file.map(path), "{of}");
    }
    let live = house.content();
    house.write("author", "website/home/about.xml", "<broken");
    let planned = |chosen: &str| {
        let request = request("manual", parts(&[chosen]));
        engine.of_house().plan_restore(&request, &Unwatched).unwrap()
    };
    for chosen in [
        // Where it lies, and as Magnolia knows it.
        "author:/website/home/about.xml/about",
        "author:/website/home/about",
        "author:/website/home/about/main",
    ] {
        let obstacles = planned(chosen).obstacles;
        assert_eq!(obstacles.len(), 1, "{obstacles:?}");
        assert!(
            obstacles[0].contains("Name /website/home/about.xml instead"),
            "{obstacles:?}"
        );
    }
    for chosen in [
        // Magnolia's export of it, or of what it is in, which is in another folder than its path says.
        "author:/website/home/news",
        "author:/website/home/news/00",
    ] {
        let obstacles = planned(chosen).obstacles;
        assert_eq!(obstacles.len(), 1, "{obstacles:?}");
        assert!(
            obstacles[0].contains("Name /website/website.home.news.xml instead"),
            "{obstacles:?}"
        );
    }
    assert_eq!(
        planned("author:/website/home/about.xml").obstacles,
        Vec::<String>::new()
    );
    restore(&engine, "manual", parts(&["author:/website/home/about.xml"]));
    assert_eq!(house.content(), live);
}
