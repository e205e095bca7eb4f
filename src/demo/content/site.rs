//! What an instance holds: every workspace of the demo, written into its folder.

use std::panic::resume_unwind;
use std::thread;

use chrono::TimeDelta;

use super::random::Random;
use super::tree::{Tree, Written};
use super::{DemoContentError, Place, Site, binary, document, words};
use crate::domain::Instant;
use crate::domain::environment::Role;

/// The names of the asset workspace's files, so that brochures are PDF files and logos are drawings.
const FORMATS: [(&str, &str); 8] = [
    ("heroes", "jpg"),
    ("teasers", "jpg"),
    ("portraits", "jpg"),
    ("logos", "svg"),
    ("brochures", "pdf"),
    ("icons", "png"),
    ("maps", "png"),
    ("campaigns", "jpg"),
];

/// Assets in each folder of the asset workspace.
const ASSETS: usize = 32;

/// Writes the content of one instance into its folder, which is made if it is not there and has to be empty.
/// Everything was changed last before `until`.
///
/// # Errors
/// [`DemoContentError`] when something cannot be written.
pub fn write(place: &Place, site: &Site, until: Instant) -> Result<Written, DemoContentError> {
    let mut writer = Writer {
        tree: Tree::in_folder(&place.root)?,
        site,
        role: place.role,
        until,
    };
    writer.website()?;
    writer.assets()?;
    writer.configuration()?;
    writer.people()?;
    writer.apps()?;
    writer.oddities()?;
    writer.tree.finish()
}

/// Writes the content of several instances at the same time, and tells how much each of them got, in their order.
///
/// # Errors
/// [`DemoContentError`] when something cannot be written.
pub fn write_all(places: &[Place], site: &Site, until: Instant) -> Result<Vec<Written>, DemoContentError> {
    thread::scope(|scope| {
        let writers: Vec<_> = places
            .iter()
            .map(|place| scope.spawn(|| write(place, site, until)))
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

/// Writes one instance.
struct Writer<'a> {
    tree: Tree<'a>,
    site: &'a Site,
    role: Role,
    until: Instant,
}

/// When an item was changed last: some time in the year before `until`, the same on every instance.
fn changed(random: &mut Random, until: Instant) -> Instant {
    let seconds = i64::try_from(random.between(600, 360 * 86_400)).unwrap_or(600);
    let nanos = i64::try_from(random.below(1_000_000_000)).unwrap_or(0);
    until - TimeDelta::seconds(seconds) + TimeDelta::nanoseconds(nanos)
}

impl Writer<'_> {
    fn random(&self, path: &str) -> (Random, Instant) {
        let mut random = Random::of(self.site.seed, path);
        let changed = changed(&mut random, self.until);
        (random, changed)
    }

    /// Whether this instance holds what can be unpublished.
    fn holds(&self, path: &str) -> bool {
        self.role == Role::Author || !is_draft(self.site, path)
    }

    fn folder(&mut self, path: &str) -> Result<(), DemoContentError> {
        let (_, changed) = self.random(path);
        self.tree.folder(path, changed)
    }

    fn page(&mut self, path: &str) -> Result<(), DemoContentError> {
        self.folder(path)?;
        let file = format!("{path}/page.xml");
        let (mut random, changed) = self.random(&file);
        let name = path.rsplit('/').next().unwrap_or(path);
        self.tree
            .file(&file, &document::page(&mut random, name, changed), changed)
    }

    /// Pages in three levels: sections, their pages, and pages below some of these.
    fn website(&mut self) -> Result<(), DemoContentError> {
        self.folder("website")?;
        self.page("website/home")?;
        for section in words::SECTIONS {
            let section = format!("website/{section}");
            self.page(&section)?;
            let (mut random, _) = self.random(&section);
            for name in words::PAGES
                .into_iter()
                .take(self.site.scaled(words::PAGES.len()))
            {
                let page = format!("{section}/{name}");
                let below = if random.is_in(30) { random.between(1, 3) } else { 0 };
                if !self.holds(&page) {
                    continue;
                }
                self.page(&page)?;
                for number in 1..=below {
                    let page = format!("{page}/{name}-{number}");
                    if self.holds(&page) {
                        self.page(&page)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Assets: bytes, and a description beside them.
    fn assets(&mut self) -> Result<(), DemoContentError> {
        self.folder("dam")?;
        for (folder, format) in FORMATS {
            let folder = format!("dam/{folder}");
            self.folder(&folder)?;
            for number in 0..self.site.scaled(ASSETS) {
                let path = format!("{folder}/{}-{number:03}.{format}", words::PAGES[number % 30]);
                if self.holds(&path) {
                    self.asset(&path)?;
                }
            }
        }
        Ok(())
    }

    fn asset(&mut self, path: &str) -> Result<(), DemoContentError> {
        let (mut random, changed) = self.random(path);
        let content = bytes_of_asset(&mut random, path);
        self.tree.file(path, &content, changed)?;
        let description = description_of_asset(&mut random, path, content.len(), changed);
        self.tree.file(&format!("{path}.xml"), &description, changed)
    }

    fn configuration(&mut self) -> Result<(), DemoContentError> {
        self.folder("config")?;
        self.folder("config/modules")?;
        for module in words::MODULES {
            let module = format!("config/modules/{module}");
            self.folder(&module)?;
            for topic in words::CONFIG_TOPICS {
                let path = format!("{module}/{topic}.yaml");
                let (mut random, changed) = self.random(&path);
                self.tree
                    .file(&path, &document::configuration(&mut random, topic), changed)?;
            }
        }
        self.folder("config/server")?;
        for topic in [
            "filters",
            "URI2RepositoryMapping",
            "i18n",
            "security",
            "activation",
        ] {
            let path = format!("config/server/{topic}.yaml");
            let (mut random, changed) = self.random(&path);
            self.tree
                .file(&path, &document::configuration(&mut random, topic), changed)?;
        }
        Ok(())
    }

    /// Users, roles and groups. Editors have accounts on the author only.
    fn people(&mut self) -> Result<(), DemoContentError> {
        let editors = if self.role == Role::Author {
            self.site.scaled(60)
        } else {
            0
        };
        self.folder("users")?;
        self.folder("users/system")?;
        for name in ["superuser", "anonymous"] {
            self.node("users/system", name, "mgnl:user", &[("name", name.to_owned())])?;
        }
        self.folder("users/admin")?;
        for number in 0..editors {
            let (first, last) = words::person(&mut Random::of(self.site.seed, &format!("editor {number}")));
            let login = words::plain(&format!("{first}.{last}.{number}"));
            let mail = format!("{login}@{}.example", self.site.name);
            let pairs = [
                ("name", login.clone()),
                ("title", format!("{first} {last}")),
                ("email", mail),
            ];
            self.node("users/admin", &login, "mgnl:user", &pairs)?;
        }
        self.folder("userroles")?;
        for module in words::MODULES {
            for suffix in ["base", "editor", "publisher"] {
                let name = format!("{module}-{suffix}");
                self.node("userroles", &name, "mgnl:role", &[("name", name.clone())])?;
            }
        }
        self.folder("usergroups")?;
        for section in words::SECTIONS {
            let name = format!("{section}-editors");
            self.node(
                "usergroups",
                &name,
                "mgnl:group",
                &[("title", words::capitalised(section))],
            )?;
        }
        Ok(())
    }

    fn node(
        &mut self,
        folder: &str,
        name: &str,
        kind: &str,
        pairs: &[(&str, String)],
    ) -> Result<(), DemoContentError> {
        let path = format!("{folder}/{name}.xml");
        let (mut random, changed) = self.random(&path);
        self.tree.file(
            &path,
            &document::node(&mut random, name, kind, changed, pairs),
            changed,
        )
    }

    /// The workspaces of content apps.
    fn apps(&mut self) -> Result<(), DemoContentError> {
        self.app("category", "mgnl:category", 90)?;
        self.app("contacts", "mgnl:contact", 180)?;
        self.app("tours", "mgnl:content", 220)?;
        self.app("stories", "mgnl:composition", 140)?;
        self.app("tags", "mgnl:tag", 60)?;
        self.app("forms", "mgnl:form", 24)?;
        self.app("marketing-tags", "mgnl:content", 18)?;
        self.app("googleSitemaps", "mgnl:content", 3)
    }

    fn app(&mut self, workspace: &str, kind: &str, count: usize) -> Result<(), DemoContentError> {
        self.folder(workspace)?;
        for number in 0..self.site.scaled(count) {
            let mut random = Random::of(self.site.seed, &format!("{workspace} {number}"));
            let (first, last) = words::person(&mut random);
            let name = match workspace {
                "contacts" => format!("{first}-{last}-{number:03}"),
                _ => format!("{}-{number:03}", random.pick(&words::PAGES)),
            };
            let path = format!("{workspace}/{name}.yaml");
            if !self.holds(&path) {
                continue;
            }
            let (mut random, changed) = self.random(&path);
            let pairs = [
                ("title", words::title(&mut random)),
                ("author", format!("{first} {last}")),
                ("body", words::paragraph(&mut random, 4)),
            ];
            self.tree.file(
                &path,
                &document::item(&mut random, &name, kind, changed, &pairs),
                changed,
            )?;
        }
        Ok(())
    }

    /// What a backup has to cope with on any real site: a link, a name as long as a name can be, a file that only its
    /// owner may read, an empty folder and an empty file.
    fn oddities(&mut self) -> Result<(), DemoContentError> {
        let (_, changed) = self.random("oddities");
        self.tree.link("dam/current-campaign", "campaigns", changed)?;
        let long: String = "summer-campaign-".repeat(16).chars().take(251).collect();
        self.tree.file(
            &format!("dam/campaigns/{long}.txt"),
            b"A name of 255 bytes.\n",
            changed,
        )?;
        self.tree.file(
            "dam/campaigns/旅行 ✈ 2026.svg",
            &binary::svg(&mut Random::of(self.site.seed, "travel")),
            changed,
        )?;
        self.tree.file(
            "config/server/keystore.yaml",
            b"'keystore':\n  'type': 'PKCS12'\n",
            changed,
        )?;
        self.tree.permissions("config/server/keystore.yaml", 0o600)?;
        self.tree.folder("forms/submissions", changed)?;
        self.tree.file("forms/.keep", b"", changed)
    }
}

/// Whether the author has not published it. What is below an unpublished page is not published either; whoever walks
/// down meets that page first.
pub(super) fn is_draft(site: &Site, path: &str) -> bool {
    Random::of(site.seed, &format!("{path} draft")).is_in(25)
}

/// The bytes of an asset, by the ending of its name.
pub(super) fn bytes_of_asset(random: &mut Random, path: &str) -> Vec<u8> {
    match path.rsplit('.').next() {
        Some("svg") => binary::svg(random),
        Some("png") => {
            let side = u16::try_from(random.between(12, 40)).unwrap_or(16);
            binary::png(random, side)
        }
        Some("pdf") => {
            let title = words::title(random);
            let size = random.between(4_000, 24_000);
            binary::pdf(random, &title, size)
        }
        _ => {
            let size = random.between(1_500, 6_000);
            binary::photograph(random, size)
        }
    }
}

/// The description that belongs to an asset.
pub(super) fn description_of_asset(
    random: &mut Random,
    path: &str,
    bytes: usize,
    changed: Instant,
) -> Vec<u8> {
    let name = path.rsplit('/').next().unwrap_or(path);
    document::asset(random, name, bytes, changed)
}
