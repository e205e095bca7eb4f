//! Lists that come a part at a time: the newest first, and more of them as somebody scrolls.

use super::{settle, unanswered};
use crate::tui::effects::{Effect, Fetch};
use crate::tui::message::{Answer, More};
use crate::tui::model::Model;
use crate::tui::model::listing::Reach;
use crate::tui::model::looks::ListKind;
use crate::tui::update::news;

/// The newest entries, and behind them those that are known and older than all of these.
pub(super) fn with_older<T>(mut newest: Vec<T>, known: Vec<T>, number: impl Fn(&T) -> u64) -> Vec<T> {
    // A list that has become empty has been emptied.
    let Some(oldest) = newest.iter().map(&number).min() else {
        return newest;
    };
    newest.extend(known.into_iter().filter(|entry| number(entry) < oldest));
    newest
}

/// Takes more of a list in.
pub(super) fn more(model: &mut Model, list: ListKind, limit: u32, answer: Answer<More>) -> Vec<Effect> {
    let mut effects = settle(model, &Fetch::More(list, limit));
    let count = match answer {
        Ok(More::Jobs(jobs)) => {
            let count = jobs.len();
            model.reach.insert(
                list,
                Reach {
                    asked: limit,
                    all: false,
                },
            );
            for job in jobs {
                news::of_job(model, job);
            }
            count
        }
        Ok(More::Activity(entries)) => {
            let count = entries.len();
            model.activity = Some(entries);
            count
        }
        Ok(More::News(news)) => {
            let count = news.len();
            model.notifications = Some(news);
            count
        }
        Err(error) => {
            effects.extend(unanswered(model, error));
            return effects;
        }
    };
    let all = count < limit as usize;
    model.reach.insert(list, Reach { asked: limit, all });
    effects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_scrolled_to_stays_when_the_newest_are_read_again() {
        let list = with_older(vec![9_u64, 8, 7], vec![8, 7, 6, 5], |number| *number);
        assert_eq!(list, [9, 8, 7, 6, 5]);
        assert_eq!(with_older(Vec::new(), vec![2_u64], |number| *number), [0; 0]);
    }
}
