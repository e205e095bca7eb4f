//! What is told of an answer: a line of it, without what is secret of the receiver that gave it.
//!
//! An address may be a secret in itself, and who answers may say it back: `Cannot POST /services/T0/B0/…`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;

use super::reach::Ready;
use crate::domain::printable;
use crate::secret::blot::{Blots, plain};

/// So much at most of what was said, as a line. `address` is where it was said, if that is not where the receiver is.
pub(super) fn quoted(to: &Ready, address: Option<&Url>, said: &str, at_most: usize) -> String {
    // What is cut away first could leave a half of a secret that nobody knows any more.
    let said = blots(to, address).out(said.trim());
    let short: String = said.chars().take(at_most).collect();
    printable::line(&short).into_owned()
}

fn blots(to: &Ready, address: Option<&Url>) -> Blots {
    let mut blots = Blots::default();
    let values = [&to.secret, &to.token, &to.password].into_iter().flatten();
    for value in values.chain(&*to.kept) {
        blots.keep(value);
        // A mail server is told it like this, and how it is told.
        blots.keep(&STANDARD.encode(value));
    }
    if let (Some(user), Some(password)) = (&to.settings.user, &to.password) {
        blots.keep(&STANDARD.encode(format!("\0{user}\0{password}")));
    }
    let written = Url::parse(to.url.trim()).ok();
    // Of a command, the addresses that it is started with.
    let signs = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let words = to.settings.command.iter().flat_map(|word| {
        let begins = word.match_indices("http").map(|(at, _)| at);
        begins.filter_map(move |at| word.get(at..)?.split(signs).next())
    });
    let named = words.filter_map(|word| Url::parse(word).ok());
    for url in written.iter().chain(address).cloned().chain(named) {
        keep_address(&mut blots, &url);
    }
    blots
}

/// Keeps back what may be secret in an address: all but its machine.
fn keep_address(blots: &mut Blots, url: &Url) {
    let path = url.path().trim_matches('/');
    blots.keep(path);
    path.split('/').for_each(|segment| blots.keep(segment));
    if let Some(query) = url.query() {
        blots.keep(&format!("{path}?{query}"));
        blots.keep(query);
        for part in query.split('&') {
            blots.keep(part.split_once('=').map_or(part, |(_, value)| value));
        }
    }
    blots.keep(url.fragment().unwrap_or_default());
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    blots.keep(user);
    blots.keep(password);
    if !user.is_empty() || !password.is_empty() {
        let both = [plain(user), plain(password)].join(&b':');
        blots.keep(&STANDARD.encode(both));
    }
}
