//! The path of the tour, as data: what each step tells, and what it presses.

use crate::domain::job::JobKind;
use crate::tui::action::Action;
use crate::tui::tour::seen::Seen;

/// One step of the path.
#[derive(Debug)]
pub struct Step {
    /// What it is about.
    pub title: &'static str,
    /// Why somebody does this.
    pub why: &'static str,
    /// What the presenter's key does.
    pub does: &'static str,
    /// What is to be seen once it is done.
    pub then: &'static str,
    /// How long it takes to tell.
    pub seconds: u64,
    /// What is pressed, one after the other. Empty where there is something to look at alone.
    pub beats: &'static [Beat],
}

/// One press, once what it waits for is on the screen.
#[derive(Debug)]
pub struct Beat {
    /// What has to be so before.
    pub when: Seen,
    /// What is pressed then.
    pub press: Press,
    /// Whether what is on the screen is to be read before.
    pub slowly: bool,
}

/// What is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Esc, until nothing lies over the main screen.
    Home,
    /// The key of an action.
    Key(Action),
    /// The key that marks, unless what is chosen is marked.
    Mark,
    /// A text.
    Text(Words),
    /// The arrows, until this is selected.
    To(Aim),
    /// Nothing: what was waited for is what counts.
    Nothing,
}

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// What a backup is noted with.
    Note,
    /// The name of what is gone.
    Lost,
    /// The name of the environment.
    Environment,
}

/// What is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// The backup that the tour has taken.
    Backup,
    /// What is gone, in what differs or in what was found.
    Lost,
}

/// The note of the backup that the tour takes.
pub const NOTE: &str = "Before the tour";

const fn beat(when: Seen, press: Press) -> Beat {
    Beat {
        when,
        press,
        slowly: false,
    }
}

const fn slow(when: Seen, press: Press) -> Beat {
    Beat {
        when,
        press,
        slowly: true,
    }
}

const HOME: Beat = beat(Seen::Always, Press::Home);
const TO_BACKUP: Beat = beat(Seen::Listed, Press::To(Aim::Backup));

/// The path.
pub const STEPS: &[Step] = &[
    Step {
        title: "Three at night: can Live be brought back?",
        why: "Somebody calls: pages are missing. The first line answers before anything else: to when Live can be brought \
              back, in how long, and when that was proven. Below it stand the four slots that backups are kept in.",
        does: "go on",
        then: "",
        seconds: 25,
        beats: &[],
    },
    Step {
        title: "A backup that counts",
        why: "Before a campaign or a risky deployment somebody takes a backup by hand. It counts only once all of it was \
              read back from where it is kept: a backup that nobody has read is a hope.",
        does: "take a backup",
        then: "Copied, read back, recorded; only then was the older manual backup let go. An item is a file, or a row of a \
               table. It took seconds: the cost follows what has changed.",
        seconds: 30,
        beats: &[
            HOME,
            beat(Seen::Main, Press::Key(Action::Backup)),
            beat(Seen::Form, Press::Text(Words::Note)),
            beat(Seen::Form, Press::Key(Action::Accept)),
            beat(Seen::Begun(JobKind::Backup), Press::Key(Action::Watch)),
            beat(Seen::Ended, Press::Nothing),
        ],
    },
    Step {
        title: "Live breaks",
        why: "So that there is something to recover, Live is broken for real, as a wrong script would: on all instances a \
              section of the website and a folder of assets are deleted, and pages are garbled.",
        does: "break Live",
        then: "Whoever is called at night has no such list, only \"pages are gone\". So the next step finds out without it.",
        seconds: 25,
        beats: &[
            HOME,
            beat(Seen::Main, Press::Key(Action::BreakLive)),
            slow(Seen::Question, Press::Key(Action::YesForGood)),
            beat(Seen::Notice, Press::Nothing),
        ],
    },
    Step {
        title: "What is missing?",
        why: "The backup and Live are compared, node by node: a node is a page, an asset, or a part of one. Whoever knows \
              what is gone need not bring back everything, and lose the work of all others since.",
        does: "compare",
        then: "Each line is a node, with how many below it went with it. A file holds several: these are more than the files \
               that were deleted. Selected is the largest loss, {lost}.",
        seconds: 30,
        beats: &[
            HOME,
            TO_BACKUP,
            beat(Seen::Chosen, Press::Key(Action::Compare)),
            beat(Seen::Compared, Press::To(Aim::Lost)),
        ],
    },
    Step {
        title: "Look inside the backup",
        why: "A backup is no closed box: it can be gone through as Magnolia itself, and searched by name, path, id or text, \
              without restoring anything. So: is what is gone in this backup?",
        does: "find it",
        then: "There it is, with all that is in it. What is in a backup opens as the nodes that editors know, whether it was \
               kept as XML, as YAML or in tables of a database.",
        seconds: 35,
        beats: &[
            HOME,
            TO_BACKUP,
            beat(Seen::Chosen, Press::Key(Action::Explore)),
            beat(Seen::Inside, Press::Key(Action::Find)),
            beat(Seen::Searching, Press::Text(Words::Lost)),
            beat(Seen::Found, Press::To(Aim::Lost)),
            slow(Seen::Found, Press::Key(Action::Accept)),
            beat(Seen::Node, Press::Nothing),
        ],
    },
    Step {
        title: "Since when is it gone?",
        why: "The history of a node over all backups and Live tells when it came, changed, moved or went. Whoever knows the \
              moment knows which backup is the last good one, and whom to ask.",
        does: "see its history",
        then: "Every backup has it and Live has not: it went after the newest backup was taken. So that one has all of it, \
               and is the right one.",
        seconds: 25,
        beats: &[
            beat(Seen::Node, Press::Key(Action::History)),
            beat(Seen::History, Press::Nothing),
        ],
    },
    Step {
        title: "No surprise: the plan",
        why: "Only this is brought back, on the author, from where it is published again; what others did meanwhile \
              stays. First a plan says what comes, what is lost, how long it takes, and who stops Magnolia for it.",
        does: "mark it, and plan",
        then: "Nothing has been touched yet: one can still go back, and what stands in the way is named now. It counts files \
               (items) and not nodes, as the backup does: files are what is brought back.",
        seconds: 30,
        beats: &[
            beat(Seen::History, Press::Key(Action::PreviousPane)),
            beat(Seen::Node, Press::Mark),
            slow(Seen::Node, Press::Key(Action::Restore)),
            beat(Seen::Planned, Press::Nothing),
        ],
    },
    Step {
        title: "Only what was lost comes back",
        why: "The name of the environment has to be typed: no reflex starts a restore. What is live is kept in a safety \
              backup first; what comes is staged beside Live, verified, and switched in at once.",
        does: "restore it",
        then: "The author has it again, and nothing else was touched: assets, garbled pages and publics are as broken as \
               before. The safety backup can undo this.",
        seconds: 30,
        beats: &[
            slow(Seen::Planned, Press::Key(Action::NextStep)),
            beat(Seen::Name, Press::Text(Words::Environment)),
            slow(Seen::Name, Press::Key(Action::Accept)),
            beat(Seen::Begun(JobKind::Restore), Press::Nothing),
            beat(Seen::Ended, Press::Nothing),
        ],
    },
    Step {
        title: "Changed your mind? Undo",
        why: "A restore is no one-way street: undo puts back what it has replaced. What somebody wrote there since goes with \
              it, and is kept in a safety backup of its own. It asks for the name as well.",
        does: "undo it",
        then: "What the restore brought is gone again: Live is as broken as before it. Had somebody written there in between, \
               that would be in this undo's safety backup.",
        seconds: 25,
        beats: &[
            HOME,
            beat(Seen::Undoable, Press::Key(Action::Undo)),
            slow(Seen::Planned, Press::Key(Action::NextStep)),
            beat(Seen::Name, Press::Text(Words::Environment)),
            beat(Seen::Name, Press::Key(Action::Accept)),
            beat(Seen::Begun(JobKind::Undo), Press::Nothing),
            beat(Seen::Ended, Press::Nothing),
        ],
    },
    Step {
        title: "Now all of Live comes back",
        why: "Section, assets and garbled pages, on every instance: now all of Live goes back to the backup from before. \
              The same way: the backup, all or a part, the plan (it says who stops Magnolia), the name.",
        does: "restore Live",
        then: "Every instance and workspace is as it was when the backup was taken: staged beside Live, read back there, \
               and only then switched in. Undo is there again.",
        seconds: 25,
        beats: &[
            HOME,
            TO_BACKUP,
            beat(Seen::Chosen, Press::Key(Action::Restore)),
            beat(Seen::Choosing, Press::To(Aim::Backup)),
            slow(Seen::Choosing, Press::Key(Action::NextStep)),
            slow(Seen::Scope, Press::Key(Action::NextStep)),
            slow(Seen::Planned, Press::Key(Action::NextStep)),
            beat(Seen::Name, Press::Text(Words::Environment)),
            beat(Seen::Name, Press::Key(Action::Accept)),
            beat(Seen::Begun(JobKind::Restore), Press::Nothing),
            beat(Seen::Ended, Press::Nothing),
        ],
    },
    Step {
        title: "Proof, before it is needed",
        why: "A backup that was never restored is a promise. A drill restores it into a scratch place, compares it there, \
              and leaves Live alone. On a schedule it does so while everybody sleeps.",
        does: "drill the backup",
        then: "Restored, compared, and timed. This was the tour: a backup, a loss found, brought back, undone, and a proof. \
               All of it is yours to play with now; q ends it, and the sandbox {stays}.",
        seconds: 20,
        beats: &[
            HOME,
            TO_BACKUP,
            beat(Seen::Chosen, Press::Key(Action::Drill)),
            slow(Seen::Question, Press::Key(Action::Yes)),
            beat(Seen::Begun(JobKind::Drill), Press::Key(Action::Watch)),
            beat(Seen::Ended, Press::Nothing),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::columns;
    use crate::tui::tour::Tour;
    use crate::tui::view::canvas::wrap;

    #[test]
    fn the_tour_takes_five_minutes_at_most() {
        assert!(STEPS.iter().map(|step| step.seconds).sum::<u64>() <= 300);
        assert_eq!(Tour::minutes(), 5);
    }

    #[test]
    fn every_caption_fits_into_its_three_lines_on_the_smallest_terminal() {
        let long = "author:/website/destinations";
        for step in STEPS {
            let earlier = format!("Done before, and it stays done. {}", step.then);
            for text in [step.why, step.then, &earlier] {
                let lines = wrap(&text.replace("{lost}", long), 78).len();
                assert!(lines <= 3, "{}: {lines} lines: {text}", step.title);
            }
            // Beside it stands the key that leaves the path.
            assert!(columns::count(step.title) <= 41, "{}", step.title);
        }
    }

    #[test]
    fn a_step_begins_where_the_one_before_has_ended_or_on_the_main_screen() {
        for (before, step) in STEPS.iter().zip(&STEPS[1..]) {
            let first = &step.beats[0];
            let follows = before.beats.last().is_some_and(|last| last.when == first.when);
            assert!(first.press == Press::Home || follows, "{}", step.title);
        }
    }
}
