//! The documents of the content: JCR system view XML and YAML as Magnolia exports them.

use std::fmt::Write as _;

use chrono::TimeDelta;

use super::random::Random;
use super::words;
use crate::domain::Instant;

/// An XML export of one node with its properties and children, built from the outside in.
struct Export {
    text: String,
    depth: usize,
}

impl Export {
    /// The outermost node.
    fn of(name: &str, kind: &str, random: &mut Random) -> Self {
        let mut export = Self {
            text: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
            depth: 0,
        };
        export.open(name, kind, random);
        export
    }

    fn open(&mut self, name: &str, kind: &str, random: &mut Random) {
        let spaces = if self.depth == 0 {
            " xmlns:sv=\"http://www.jcp.org/jcr/sv/1.0\" xmlns:jcr=\"http://www.jcp.org/jcr/1.0\" \
             xmlns:mgnl=\"http://www.magnolia.info/jcr/mgnl\""
        } else {
            ""
        };
        let _ = writeln!(
            self.text,
            "{:indent$}<sv:node sv:name=\"{}\"{spaces}>",
            "",
            escaped(name),
            indent = self.depth * 2
        );
        self.depth += 1;
        self.property("jcr:primaryType", "Name", kind);
        self.property("jcr:uuid", "String", &random.uuid());
    }

    fn close(&mut self) {
        self.depth -= 1;
        let _ = writeln!(self.text, "{:indent$}</sv:node>", "", indent = self.depth * 2);
    }

    fn property(&mut self, name: &str, kind: &str, value: &str) {
        let _ = writeln!(
            self.text,
            "{:indent$}<sv:property sv:name=\"{name}\" sv:type=\"{kind}\"><sv:value>{}</sv:value></sv:property>",
            "",
            escaped(value),
            indent = self.depth * 2
        );
    }

    /// Who made the node and changed it, and when.
    fn history(&mut self, random: &mut Random, modified: Instant) {
        let (first, last) = words::person(random);
        let editor = words::plain(&format!("{first}.{last}"));
        let age = TimeDelta::hours(i64::try_from(random.between(20, 9_000)).unwrap_or(20));
        self.property("mgnl:created", "Date", &date(modified - age));
        self.property("mgnl:createdBy", "String", &editor);
        self.property("mgnl:lastModified", "Date", &date(modified));
        self.property("mgnl:lastModifiedBy", "String", &editor);
        self.property(
            "mgnl:lastActivated",
            "Date",
            &date(modified + TimeDelta::seconds(95)),
        );
        self.property("mgnl:activationStatus", "Boolean", "true");
    }

    /// Closes what is open and gives the text.
    fn finish(mut self) -> Vec<u8> {
        while self.depth > 0 {
            self.close();
        }
        self.text.into_bytes()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A time as Jackrabbit writes it.
fn date(at: Instant) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A page with its areas and components.
pub(super) fn page(random: &mut Random, name: &str, modified: Instant) -> Vec<u8> {
    let mut export = Export::of(name, "mgnl:page", random);
    export.history(random, modified);
    export.property(
        "mgnl:template",
        "String",
        random.pick(&[
            "site:pages/standard",
            "site:pages/landing",
            "site:pages/article",
            "site:pages/overview",
        ]),
    );
    export.property("title", "String", &words::title(random));
    export.property("description", "String", &words::paragraph(random, 1));
    export.property(
        "hideInNav",
        "Boolean",
        if random.is_in(10) { "true" } else { "false" },
    );
    for (area, most) in [("main", 3), ("extras", 1)] {
        export.open(area, "mgnl:area", random);
        for number in 0..random.between(1, most) {
            component(&mut export, &format!("{number:02}"), random, modified);
        }
        export.close();
    }
    export.finish()
}

fn component(export: &mut Export, name: &str, random: &mut Random, modified: Instant) {
    export.open(name, "mgnl:component", random);
    export.property(
        "mgnl:template",
        "String",
        random.pick(&[
            "mtk:components/textImage",
            "mtk:components/teaser",
            "mtk:components/stage",
            "mtk:components/linkList",
            "mtk:components/html",
            "mtk:components/video",
        ]),
    );
    export.property("mgnl:lastModified", "Date", &date(modified));
    export.property("headline", "String", &words::title(random));
    let sentences = random.between(1, 3);
    export.property(
        "text",
        "String",
        &format!("<p>{}</p>", words::paragraph(random, sentences)),
    );
    if random.is_in(60) {
        export.property("image", "String", &format!("jcr:{}", random.uuid()));
    }
    export.close();
}

/// The description of an asset whose bytes are in the file beside it.
pub(super) fn asset(random: &mut Random, name: &str, bytes: usize, modified: Instant) -> Vec<u8> {
    let mut export = Export::of(name, "mgnl:asset", random);
    export.history(random, modified);
    export.property("title", "String", &words::title(random));
    export.property("caption", "String", &words::paragraph(random, 1));
    export.property("type", "String", name.rsplit('.').next().unwrap_or_default());
    export.open("jcr:content", "mgnl:resource", random);
    export.property("fileName", "String", name);
    export.property("size", "Long", &bytes.to_string());
    export.property("jcr:lastModified", "Date", &date(modified));
    export.finish()
}

/// Any other node: a user, a role, a category, a form.
pub(super) fn node(
    random: &mut Random,
    name: &str,
    kind: &str,
    modified: Instant,
    pairs: &[(&str, String)],
) -> Vec<u8> {
    let mut export = Export::of(name, kind, random);
    export.history(random, modified);
    for (key, value) in pairs {
        export.property(key, "String", value);
    }
    export.finish()
}

/// A node of the configuration, as YAML.
pub(super) fn configuration(random: &mut Random, name: &str) -> Vec<u8> {
    let mut text = format!("'{name}':\n  'jcr:primaryType': 'mgnl:content'\n");
    for _ in 0..random.between(2, 6) {
        let _ = writeln!(text, "  '{}':", words::plain(&words::title(random)));
        let _ = writeln!(text, "    'jcr:primaryType': 'mgnl:contentNode'");
        let _ = writeln!(text, "    'enabled': {}", random.is_in(85));
        let _ = writeln!(
            text,
            "    'class': 'info.magnolia.{}.Definition{}'",
            random.pick(&words::MODULES),
            random.below(90)
        );
        let _ = writeln!(text, "    'order': {}", random.below(1_000));
    }
    text.into_bytes()
}

/// A content item of an app, as YAML: a tour, a contact, a story.
pub(super) fn item(
    random: &mut Random,
    name: &str,
    kind: &str,
    modified: Instant,
    pairs: &[(&str, String)],
) -> Vec<u8> {
    let mut text = format!("'{}':\n  'jcr:primaryType': '{kind}'\n", name.replace('\'', "''"));
    let _ = writeln!(text, "  'jcr:uuid': '{}'", random.uuid());
    let _ = writeln!(text, "  'mgnl:lastModified': {}", date(modified));
    for (key, value) in pairs {
        let _ = writeln!(text, "  '{key}': '{}'", value.replace('\'', "''"));
    }
    text.into_bytes()
}
