//! The words that names and texts are made of.

use super::random::Random;

/// The first level of the site.
pub(super) const SECTIONS: [&str; 10] = [
    "destinations",
    "products",
    "services",
    "stories",
    "about",
    "careers",
    "press",
    "events",
    "support",
    "legal",
];

/// Names of pages. Some are not ASCII, as on real sites.
pub(super) const PAGES: [&str; 36] = [
    "overview",
    "alps",
    "coast",
    "islands",
    "city-breaks",
    "rail",
    "family",
    "winter",
    "summer",
    "guides",
    "partners",
    "pricing",
    "faq",
    "contact",
    "team",
    "history",
    "awards",
    "newsroom",
    "downloads",
    "offers",
    "reviews",
    "insurance",
    "groups",
    "business",
    "weekend",
    "hiking",
    "sailing",
    "museums",
    "food",
    "wellness",
    "über-uns",
    "größen",
    "économie",
    "señales",
    "日本",
    "åre",
];

/// Folders of the asset workspace.
pub(super) const ASSET_FOLDERS: [&str; 8] = [
    "heroes",
    "teasers",
    "portraits",
    "logos",
    "brochures",
    "icons",
    "maps",
    "campaigns",
];

/// Modules in the configuration workspace.
pub(super) const MODULES: [&str; 14] = [
    "core",
    "ui-admincentral",
    "pages",
    "dam",
    "contacts",
    "categorization",
    "publishing-core",
    "mail",
    "rest",
    "site",
    "mtk",
    "form",
    "scheduler",
    "cache",
];

/// What a module is configured in.
pub(super) const CONFIG_TOPICS: [&str; 10] = [
    "apps",
    "dialogs",
    "templates",
    "commands",
    "fieldTypes",
    "actions",
    "listeners",
    "rendering",
    "config",
    "virtualUriMapping",
];

pub(super) const FIRST_NAMES: [&str; 20] = [
    "Anna", "Björn", "Carla", "David", "Élodie", "Farid", "Grace", "Hanna", "Iván", "Julia", "Kenji", "Lena",
    "Marek", "Nadia", "Oskar", "Petra", "Renée", "Søren", "Tomás", "Yuki",
];

pub(super) const LAST_NAMES: [&str; 20] = [
    "Meier",
    "Rossi",
    "Novak",
    "Jensen",
    "Okafor",
    "Silva",
    "Tanaka",
    "Müller",
    "Dubois",
    "Kowalski",
    "Larsen",
    "Haas",
    "Moreau",
    "Fischer",
    "Garcia",
    "Lindqvist",
    "Weber",
    "Costa",
    "Ivanova",
    "Brunner",
];

const WORDS: [&str; 64] = [
    "the", "journey", "begins", "with", "a", "quiet", "morning", "by", "water", "and", "our", "guides",
    "know", "every", "path", "from", "old", "harbour", "to", "high", "valley", "guests", "return", "each",
    "year", "for", "warm", "rooms", "good", "food", "clear", "air", "we", "plan", "your", "days", "so",
    "that", "you", "can", "rest", "book", "early", "pay", "later", "change", "at", "any", "time", "trains",
    "leave", "daily", "small", "groups", "meet", "local", "hosts", "in", "their", "homes", "new", "routes",
    "open", "soon",
];

/// The word with its first letter as a capital.
pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// A title of two to five words.
pub(super) fn title(random: &mut Random) -> String {
    let count = random.between(2, 5);
    let words: Vec<&str> = (0..count).map(|_| random.pick(&WORDS)).collect();
    capitalised(&words.join(" "))
}

/// A paragraph of so many sentences.
pub(super) fn paragraph(random: &mut Random, sentences: usize) -> String {
    let mut text = String::new();
    for _ in 0..sentences {
        let count = random.between(7, 16);
        let words: Vec<&str> = (0..count).map(|_| random.pick(&WORDS)).collect();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&capitalised(&words.join(" ")));
        text.push('.');
    }
    text
}

/// A person: first name, last name.
pub(super) fn person(random: &mut Random) -> (&'static str, &'static str) {
    (random.pick(&FIRST_NAMES), random.pick(&LAST_NAMES))
}

/// A text as a login or a file name: small ASCII letters, digits and `-`.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => letter,
            'ä' | 'á' | 'å' => 'a',
            'é' | 'É' => 'e',
            'ö' | 'ø' | 'ó' => 'o',
            'ü' => 'u',
            _ => '-',
        })
        .collect()
}
