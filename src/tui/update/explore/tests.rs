//! Looking inside, over an answer that comes late, never, or for another place.

use std::sync::Arc;

use chrono::{TimeZone as _, Utc};
use ratatui::layout::Size;

use super::*;
use crate::backend::link::Link;
use crate::domain::Instant;
use crate::domain::explore::{
    Children, ChildrenRequest, Find, FindRequest, Finds, FirstLook, Line, SourceAt, Step,
};
use crate::tui::clipboard::Clipboard;
use crate::tui::key::{Input, Key, Press};
use crate::tui::message::Message;
use crate::tui::settings::{Care, CockpitSettings};
use crate::tui::theme::{Background, ThemeChoice};
use crate::tui::update::update;

fn now() -> Instant {
    Utc.with_ymd_and_hms(2026, 11, 23, 5, 30, 12).unwrap()
}

fn daily() -> Source {
    Source::Backup("3b90aa17".repeat(8))
}

fn path(text: &str) -> NodePath {
    text.parse().unwrap()
}

/// A cockpit on a place inside a backup, and the questions that it asks.
struct Cockpit {
    model: Model,
    asked: Vec<Question>,
    timers: Vec<Timer>,
}

impl Cockpit {
    fn at(place: &str) -> Self {
        let settings = CockpitSettings {
            showing: crate::tui::Showing::default(),
            context: "local".to_owned(),
            read_only: false,
            accent: None,
            theme: ThemeChoice::Dark,
            background: Background::Dark,
            asks_background: false,
            ascii: false,
            mouse: false,
            demo: false,
            contexts: Vec::new(),
            elsewhere: None,
            idle_lock: None,
            notice: None,
            keys: Arc::default(),
            command: Vec::new(),
            calling: crate::tui::terminal_call::Calling::Off,
            last_view: None,
            beyond: crate::tui::beyond::Beyond::default(),
            clipboard: Clipboard::Terminal,
            care: Care::LEAST,
            clock: Arc::new(now),
        };
        let mut model = Model::new(settings, Size::new(80, 24));
        let explorer = Explorer::new("acme/live".parse().unwrap(), daily(), path(place));
        model.screens.push(Screen::Explorer(Box::new(explorer)));
        let mut cockpit = Self {
            model,
            asked: Vec::new(),
            timers: Vec::new(),
        };
        cockpit.take(Message::Time);
        cockpit
    }

    fn take(&mut self, message: Message) {
        for effect in update(&mut self.model, now(), message) {
            match effect {
                Effect::Ask(question) => self.asked.push(*question),
                Effect::After(_, timer) => self.timers.push(timer),
                _ => {}
            }
        }
    }

    fn press(&mut self, key: Key) {
        self.take(Message::Input(Input::Key(Press::alone(key))));
    }

    fn letters(&mut self, text: &str) {
        for letter in text.chars() {
            self.press(Key::Char(letter));
        }
    }

    /// All timers are over.
    fn wait(&mut self) {
        for timer in std::mem::take(&mut self.timers) {
            self.take(match timer {
                Timer::Rested(number) => Message::Rested(number),
                Timer::AskAgain(number) => Message::AskAgain(number),
                Timer::Read(number) => Message::Read(number),
                Timer::Alone(number) => Message::Alone(number),
                Timer::Tour(number) => Message::Tour(number),
            });
        }
    }

    fn questions(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.asked)
    }

    fn tell(&mut self, question: &Question, told: Told) {
        self.take(Message::Told(Box::new(question.clone()), Ok(told)));
    }

    /// Answers every question about children, until there is none.
    fn answer(&mut self, total: u64) {
        while !self.asked.is_empty() {
            for question in self.questions() {
                if let Question::Children(request) = &question {
                    self.tell(&question, children(request, total));
                }
            }
        }
    }

    fn explorer(&self) -> &Explorer {
        match self.model.screens.last() {
            Some(Screen::Explorer(explorer)) => explorer,
            other => panic!("{other:?}"),
        }
    }
}

fn seen() -> SourceAt {
    SourceAt {
        source: daily(),
        at: now(),
    }
}

fn children(request: &ChildrenRequest, total: u64) -> Told {
    let line = |number: u64| Line {
        name: format!("node-{number}"),
        index: 1,
        kind: Kind::Node,
        id: None,
        primary_type: None,
        children: 0,
        size: 0,
        is_versionable: false,
    };
    Told::Children(Children {
        seen: seen(),
        path: request.path.clone(),
        kind: Kind::Node,
        total,
        from: request.from,
        lines: (request.from..total)
            .take(request.limit as usize)
            .map(line)
            .collect(),
        in_file: None,
        remarks: Vec::new(),
    })
}

fn look() -> Told {
    Told::Reading(FirstLook {
        source: daily(),
        instance: "author".parse().unwrap(),
        workspace: "website".to_owned(),
        done: 1,
        total: 2,
        others: 0,
        comparing: false,
    })
}

#[test]
fn moves_wait_for_no_page() {
    let mut cockpit = Cockpit::at("author:/website/archive");
    cockpit.answer(100_000);
    cockpit.questions();
    for _ in 0..1_000 {
        cockpit.press(Key::PageDown);
    }
    let selected = cockpit.explorer().lines.cursor.selected;
    assert!(selected > 10_000, "{selected}");
    assert_eq!(cockpit.explorer().lines.selected(), None);
    // Over a slow line questions do not pile up.
    let asked = cockpit.questions();
    assert!(asked.len() <= 4, "{}", asked.len());
    for question in &asked {
        if let Question::Children(request) = question {
            cockpit.tell(question, children(request, 100_000));
        }
    }
    cockpit.answer(100_000);
    let name = cockpit.explorer().lines.selected().map(|line| line.name.clone());
    assert_eq!(name, Some(format!("node-{selected}")));
    assert_eq!(cockpit.explorer().lines.cursor.selected, selected);
}

#[test]
fn an_answer_for_a_place_that_was_left_is_dropped() {
    let mut cockpit = Cockpit::at("author:/website/archive");
    let late = cockpit.questions();
    cockpit.press(Key::Char('h'));
    let Question::Children(request) = &late[0] else {
        panic!("{late:?}")
    };
    cockpit.tell(&late[0], children(request, 7));
    assert_eq!(cockpit.explorer().path, path("author:/website"));
    assert_eq!(cockpit.explorer().lines.len(), 0);
    cockpit.answer(12);
    assert_eq!(cockpit.explorer().lines.len(), 12);
    // Nobody has asked for this.
    cockpit.tell(&late[0], children(request, 7));
    assert_eq!(cockpit.explorer().lines.len(), 12);
}

#[test]
fn a_node_is_found_among_its_siblings() {
    let mut cockpit = Cockpit::at("author:/website/node-450/deep");
    cockpit.press(Key::Char('h'));
    cockpit.answer(1_000);
    assert_eq!(
        cockpit.explorer().chosen(),
        Some(path("author:/website/node-450/deep"))
    );
    cockpit.press(Key::Char('h'));
    cockpit.answer(1_000);
    assert_eq!(cockpit.explorer().lines.cursor.selected, 450);
    // What is too far down stays chosen all the same, until somebody moves.
    let mut cockpit = Cockpit::at("author:/website/node-90000");
    cockpit.press(Key::Char('h'));
    cockpit.answer(100_000);
    assert_eq!(
        cockpit.explorer().chosen(),
        Some(path("author:/website/node-90000"))
    );
    cockpit.press(Key::Down);
    assert_eq!(cockpit.explorer().chosen(), Some(path("author:/website/node-1")));
}

#[test]
fn marks_survive_scrolling() {
    let mut cockpit = Cockpit::at("author:/website/archive");
    cockpit.answer(100_000);
    cockpit.letters("  ");
    cockpit.press(Key::Char('G'));
    cockpit.answer(100_000);
    cockpit.letters(" g");
    cockpit.answer(100_000);
    let environment = "acme/live".parse().unwrap();
    let marked: Vec<_> = cockpit
        .model
        .marks
        .of(&environment, &daily())
        .map(NodePath::name)
        .collect();
    assert_eq!(marked, ["node-0", "node-1", "node-99999"]);
    // It is marked by what it is, not by where its line is.
    cockpit.letters(" ");
    assert_eq!(cockpit.model.marks.of(&environment, &daily()).len(), 2);
}

#[test]
fn a_node_in_a_file_is_marked_with_all_of_the_file() {
    let file = path("author:/website/home/about.xml");
    let mut cockpit = Cockpit::at("author:/website/home/about.xml/about");
    for question in cockpit.questions() {
        let Question::Children(request) = &question else {
            continue;
        };
        let Told::Children(mut of_file) = children(request, 4) else {
            continue;
        };
        of_file.in_file = Some(file.clone());
        cockpit.tell(&question, Told::Children(of_file));
    }
    cockpit.letters(" ");
    let environment = "acme/live".parse().unwrap();
    let marked = |cockpit: &Cockpit| -> Vec<NodePath> {
        cockpit.model.marks.of(&environment, &daily()).cloned().collect()
    };
    assert_eq!(marked(&cockpit), std::slice::from_ref(&file));
    // On the line, or where that is too short in a box.
    let told = |cockpit: &Cockpit| format!("{:?} {:?}", cockpit.model.line, cockpit.model.dialog);
    assert!(
        told(&cockpit).contains("about.xml is marked as a whole"),
        "{}",
        told(&cockpit)
    );
    // Another node of the same file does not take the mark away.
    cockpit.press(Key::Esc);
    cockpit.press(Key::Down);
    cockpit.letters(" ");
    assert_eq!(marked(&cockpit), [file]);
    assert!(
        told(&cockpit).contains("there Space takes the mark away"),
        "{}",
        told(&cockpit)
    );
    cockpit.press(Key::Esc);
    cockpit.letters("u");
    assert_eq!(marked(&cockpit), []);
}

#[test]
fn a_reading_is_asked_for_again_until_nobody_wants_it() {
    let mut cockpit = Cockpit::at("author:/website");
    let first = cockpit.questions();
    cockpit.tell(&first[0], look());
    assert_eq!(cockpit.questions(), []);
    cockpit.wait();
    let second = cockpit.questions();
    assert_eq!(second, first);
    cockpit.tell(&second[0], look());
    // Esc: the place is left, and its reading is asked for no more.
    cockpit.press(Key::Esc);
    assert_eq!(cockpit.explorer().path, path("author:/"));
    let asked = cockpit.questions();
    assert!(!asked.contains(&first[0]), "{asked:?}");
    cockpit.wait();
    assert!(!cockpit.questions().contains(&first[0]));
}

#[test]
fn help_over_it_ends_no_reading_for_good() {
    let mut cockpit = Cockpit::at("author:/website");
    let first = cockpit.questions();
    cockpit.tell(&first[0], look());
    cockpit.press(Key::Char('?'));
    cockpit.wait();
    assert_eq!(cockpit.questions(), []);
    cockpit.press(Key::Esc);
    assert_eq!(cockpit.questions(), first);
}

#[test]
fn everything_is_asked_for_once_the_link_is_up_again() {
    let mut cockpit = Cockpit::at("author:/website");
    let first = cockpit.questions();
    cockpit.take(Message::Link(Link::Down {
        since: now(),
        attempt: 1,
        next_try: None,
        why: "no route".to_owned(),
    }));
    cockpit.press(Key::Char('j'));
    assert_eq!(cockpit.questions(), []);
    cockpit.take(Message::Link(Link::Up));
    assert_eq!(cockpit.questions(), first);
    // Out of reach is no answer: it is asked for again in a while, not at once.
    let error = BackendError::OutOfReach("no route".to_owned());
    cockpit.take(Message::Told(Box::new(first[0].clone()), Err(error)));
    assert_eq!(cockpit.questions(), []);
    cockpit.wait();
    assert_eq!(cockpit.questions(), first);
}

#[test]
fn the_other_columns_follow_once_the_selection_rests() {
    let mut cockpit = Cockpit::at("author:/website");
    cockpit.answer(10);
    let nodes = |cockpit: &mut Cockpit| -> Vec<String> {
        let questions = cockpit.questions().into_iter();
        questions
            .filter_map(|question| match question {
                Question::Node(request) => Some(request.path.name()),
                _ => None,
            })
            .collect()
    };
    cockpit.questions();
    for _ in 0..5 {
        cockpit.press(Key::Down);
    }
    assert_eq!(nodes(&mut cockpit), Vec::<String>::new());
    cockpit.wait();
    assert_eq!(nodes(&mut cockpit), ["node-5"]);
    let step = Step::new("node-5");
    let chosen = path("author:/website").child(step);
    assert_eq!(
        cockpit.explorer().node.as_ref().map(|node| node.path.clone()),
        Some(chosen)
    );
}

fn finds(question: &Question, names: &[&str], is_over: bool) -> Told {
    let Question::Find(FindRequest { from, below, .. }) = question else {
        panic!("{question:?}")
    };
    let find = |name: &&str| Find {
        seen: seen(),
        path: below.child(Step::new(*name)),
        kind: Kind::Node,
        id: None,
        primary_type: None,
        property: None,
        excerpt: None,
    };
    Told::Finds(Finds {
        from: *from,
        finds: names.iter().map(find).collect(),
        total: names.len() as u64,
        is_over,
        is_cut: false,
        reading: None,
        remarks: Vec::new(),
        not_read: None,
    })
}

#[test]
fn a_search_begins_once_what_is_typed_rests_and_goes_on_until_it_is_over() {
    let mut cockpit = Cockpit::at("author:/website");
    cockpit.answer(10);
    cockpit.questions();
    cockpit.letters("/ne");
    cockpit.wait();
    let early = cockpit.questions();
    assert_eq!(early.len(), 1);
    cockpit.letters("ws");
    assert_eq!(cockpit.questions(), []);
    cockpit.wait();
    let late = cockpit.questions();
    assert!(matches!(&late[0], Question::Find(request) if request.text == "news"));
    // What was found of an earlier text is not what is looked for.
    cockpit.tell(&early[0], finds(&early[0], &["network"], true));
    cockpit.tell(&late[0], finds(&late[0], &["news"], false));
    let found = |cockpit: &Cockpit| match cockpit.model.screens.last() {
        Some(Screen::Search(search)) => (search.finds.len(), search.is_over),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(&cockpit), (1, false));
    cockpit.wait();
    let again = cockpit.questions();
    assert_eq!(again, late);
    cockpit.tell(&again[0], finds(&again[0], &["news", "newsletter"], true));
    assert_eq!(found(&cockpit), (2, true));
    cockpit.wait();
    assert_eq!(cockpit.questions(), []);
    // The arrows choose while the text is still typed; Enter goes there.
    cockpit.press(Key::Down);
    cockpit.press(Key::Enter);
    assert_eq!(
        cockpit.explorer().chosen(),
        Some(path("author:/website/newsletter"))
    );
    cockpit.press(Key::Esc);
    assert_eq!(found(&cockpit), (2, true));
}

#[test]
fn a_text_in_properties_is_looked_for_only_after_enter() {
    let mut cockpit = Cockpit::at("author:/website");
    cockpit.answer(10);
    cockpit.questions();
    cockpit.press(Key::Char('/'));
    for _ in 0..3 {
        cockpit.press(Key::Tab);
    }
    cockpit.letters("spring");
    cockpit.wait();
    assert_eq!(cockpit.questions(), []);
    cockpit.press(Key::Enter);
    assert_eq!(cockpit.questions().len(), 1);
}
