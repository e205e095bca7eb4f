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
    /// What is told of it to whoever goes back to it, where what was to be seen then may not be so any more: the same, as what was.
    /// Empty where it stays so.
    pub later: &'static str,
    /// How long it takes to tell.
    pub seconds: u64,
    /// What is pressed, one after the other. Empty where there is something to look at alone.
    pub beats: &'static [Beat],
}

impl Step {
    /// What is told of it to whoever goes back to it.
    #[must_use]
    pub fn told_later(&self) -> String {
        if self.later.is_empty() {
            format!("Done before, and it stays done. {}", self.then)
        } else {
            format!("Done before. {}", self.later)
        }
    }
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
        title: "3 in the morning: can Live be recovered?",
        why: "Somebody calls: pages are missing. The line \"back to\" answers at once: to which moment Live can be brought \
              back, in how long, and when that was last proven. Below it are the backups to choose from.",
        does: "go on",
        then: "",
        later: "",
        seconds: 25,
        beats: &[],
    },
    Step {
        title: "A backup that counts",
        why: "Before a campaign or a risky deployment, somebody takes a backup by hand. It counts only after all of it was \
              read back from where it is kept: a backup that nobody has read is only a hope.",
        does: "take a backup",
        then: "It was copied and read back; only then was the older manual backup dropped. An item is a file, or a row of a \
               database. It took seconds: the time depends on what has changed, not on all there is.",
        later: "",
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
        why: "The next key breaks Live for real, as a faulty script would: on every instance it deletes a section of the \
              website and a folder of assets, and garbles pages. Nothing outside this sandbox is touched.",
        does: "break Live",
        then: "The box says what was broken. Whoever is called at night has no such list, and hears only \"pages are gone\". \
               So the next step finds the damage without it.",
        later: "Live was broken for real, on every instance: a section of the website and a folder of assets were deleted, \
                and pages garbled. Whoever is called at night has no such list.",
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
        why: "The backup is compared with Live, node by node: a node is a page, an asset, or a part of one. Who knows what \
              is missing can bring back that alone, and what others have written since stays.",
        does: "compare",
        then: "Each line is a node, with how many below it went too. A file holds several nodes, so there are more of them \
               than files deleted. Selected: the largest loss, {lost}.",
        later: "",
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
        why: "A backup can be looked into like Magnolia itself, and searched by name, path, id or text, without restoring \
              anything. Does this one hold the section that Live has lost?",
        does: "find it",
        then: "It does: here is the section, with all that is in it. Content opens as the nodes that editors know, whether it \
               was kept as XML, as YAML or in a database.",
        later: "",
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
        title: "Since when is it missing?",
        why: "The history of a node, across all backups and Live, tells when it was added, changed, moved or deleted. From \
              that moment follows which backup is the last good one.",
        does: "see its history",
        then: "It is in every backup, and not in Live: it was deleted after the newest backup was taken. So that backup has \
               all of it, and is the right one to restore from.",
        later: "It was in every backup, and not in Live any more: it had been deleted after the newest backup was taken. So \
                that backup was the right one to restore from.",
        seconds: 25,
        beats: &[
            beat(Seen::Node, Press::Key(Action::History)),
            beat(Seen::History, Press::Nothing),
        ],
    },
    Step {
        title: "No surprise: the plan",
        why: "Only this section is to come back, and only on the author: editors publish it again from there. First there is \
              a plan. It says what comes back, what would be lost, and how long it takes.",
        does: "mark it, and plan",
        then: "A plan changes nothing: one can still go back. Lines with \"!\" are worth a second look. It counts items, here \
               files, as the backup does, and not nodes.",
        later: "The plan said what would come back, what would be lost, and how long it takes, and changed nothing. It \
                counted items, here files, as the backup does, and not nodes.",
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
        why: "No restore starts by accident: the environment's name has to be typed. First Lifeboat keeps what is in Live \
              now in a safety backup; what comes back is staged beside Live, verified, and then switched in.",
        does: "restore it",
        then: "The author has the section again. Nothing else was touched: assets, garbled pages and public instances are as \
               broken as before. The safety backup can undo this.",
        later: "The author had the section again. Nothing else was touched: assets, garbled pages and public instances were \
                as broken as before. A safety backup was there to undo this.",
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
        why: "An undo puts back what a restore has replaced. What somebody wrote there since then goes as well, and is kept \
              in a safety backup of its own first. It shows a plan and asks for the name too.",
        does: "undo it",
        then: "The section is gone again: Live is as broken as before the restore. Had somebody written in it meanwhile, that \
               would now be in the undo's safety backup.",
        later: "The section was gone again: Live was as broken as before the restore. Had somebody written in it meanwhile, \
                that would have been in the undo's safety backup.",
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
        why: "Section, assets and garbled pages, on every instance: now all of Live goes back to the backup of step 2. The \
              way is the same: choose the backup, all or a part, read the plan, type the name.",
        does: "restore Live",
        then: "Every instance and workspace is as it was when the backup was taken: staged beside Live, read back there, and \
               only then switched in. This can be undone too.",
        later: "",
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
        why: "A backup that was never restored is only a promise. A drill restores it into a scratch place, compares what \
              came back with what was taken, and leaves Live alone. A schedule can have it done regularly.",
        does: "drill the backup",
        then: "Restored, compared and timed. You saw a backup, a loss, a part brought back, its undo, and all restored. Now \
               try it yourself: q quits, and the sandbox {stays}.",
        later: "",
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
            for text in [step.why, step.then, &step.told_later()] {
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
