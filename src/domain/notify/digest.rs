//! How much one message to a receiver holds: what is grave comes first and is never only counted.
//!
//! What people read shows so many events and counts the rest. What does not fit and is more than information goes into a
//! further message.

use std::cmp::Reverse;

use super::receiver::weight;
use super::{ReceiverKind, Told};
use crate::domain::activity::Severity;

/// The most that is told one by one where people read it.
const MOST_LINES: usize = 20;
/// What a line takes beside its text where it is one part of a card.
const AROUND: usize = 200;
/// Room for the line that counts the rest.
const COUNTING: usize = 100;

/// How many bytes a message of this kind may have, and a line of it. Teams refuses a card above 28 KB, ntfy a text above 4,096
/// bytes. `None` where there is no bound that matters.
fn room(kind: ReceiverKind) -> Option<(usize, usize)> {
    match kind {
        ReceiverKind::Ntfy => Some((4_000, 2_000)),
        ReceiverKind::Slack | ReceiverKind::Teams => Some((20_000, 4_000)),
        ReceiverKind::Webhook | ReceiverKind::Email | ReceiverKind::Command | ReceiverKind::Alive => None,
    }
}

/// The text of an event, cut to what a receiver of this kind takes of one.
pub(super) fn cut(kind: ReceiverKind, mut text: String) -> String {
    if let Some((_, most)) = room(kind)
        && text.len() > most
    {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

/// Them with the gravest first, and the oldest first of those that are equally grave.
pub(super) fn gravest_first<'t>(told: impl IntoIterator<Item = &'t Told>) -> Vec<&'t Told> {
    let mut all: Vec<_> = told.into_iter().collect();
    all.sort_by_key(|told| Reverse(weight(&told.message)));
    all
}

/// How many of these, in their order, a message of this kind shows one by one. At least one.
pub(super) fn shown(kind: ReceiverKind, told: &[&Told]) -> usize {
    // Slack wants each text a second time, for where it shows no attachments.
    let (times, around) = match kind {
        ReceiverKind::Slack => (2, AROUND),
        ReceiverKind::Ntfy => (1, 1),
        _ => (1, AROUND),
    };
    let mut left = room(kind).map(|(all, _)| all - COUNTING);
    let mut count = 0;
    for one in told.iter().take(MOST_LINES) {
        if let Some(left) = &mut left {
            let takes = cut(kind, super::form::line(one)).len() * times + around;
            match left.checked_sub(takes) {
                Some(rest) => *left = rest,
                None => break,
            }
        }
        count += 1;
    }
    count.max(1)
}

/// What of a digest goes into one message for a receiver of this kind each, by its place in `told`. Whoever reads by machine
/// gets all at once, the oldest first. People get the gravest first, and one message more where something graver than
/// information would be left out of it.
#[must_use]
pub fn portions(kind: ReceiverKind, told: &[Told]) -> Vec<Vec<usize>> {
    let mut places: Vec<usize> = (0..told.len()).collect();
    match kind {
        ReceiverKind::Webhook | ReceiverKind::Command | ReceiverKind::Alive => return vec![places],
        ReceiverKind::Slack | ReceiverKind::Teams | ReceiverKind::Ntfy | ReceiverKind::Email => (),
    }
    let grave = |place: &usize| told.get(*place).map(|told| weight(&told.message));
    places.sort_by_key(|place| Reverse(grave(place)));
    let mut portions = Vec::new();
    while !places.is_empty() {
        let rest: Vec<_> = places.iter().filter_map(|place| told.get(*place)).collect();
        let fit = shown(kind, &rest).min(places.len());
        let is_left = places
            .get(fit)
            .is_some_and(|place| grave(place) > Some(Severity::Information));
        let further = places.split_off(if is_left { fit } else { places.len() });
        portions.push(std::mem::replace(&mut places, further));
    }
    portions
}
