//! Looking inside a backup or Live: where one is, what of it is here, and what is still to be asked for.
//!
//! - here: the tree with the node and its history beside it. `search`: finding. `differences`: how two sources differ.
//! - `node`: what is known of the chosen node. `chosen`: what actions are about.
//! - `pages`: a long list of which some pages are here. `asking`: which questions are on their way. `marks`: what is marked.
//!
//! A screen says which questions it wants answered ([`Explorer::wanted`]); whoever is not on the screen wants nothing,
//! and what nobody asks for again is not read any further. An answer that fits nothing on a screen is dropped.

pub mod asking;
pub mod chosen;
pub mod differences;
pub mod marks;
mod node;
pub mod pages;
pub mod search;

pub use self::node::Node;
use self::pages::{PAGE, Pages};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{
    Children, ChildrenRequest, FirstLook, HistoryRequest, Kind, Line, NodePath, NodeRequest, Source,
    SourceAt, Step, USUAL_CHARACTERS, USUAL_LINES, VersionsRequest,
};
use crate::tui::question::{Question, Told};

/// How many pages are looked through for a node of which only the name is known.
const SEEK_PAGES: usize = 25;

/// Something that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// No answer yet.
    NotYet,
    /// It is read for the first time.
    Reading(FirstLook),
    /// The answer.
    Here(T),
    /// There is none, with the sentence that says why.
    Failed(String),
}

impl<T> Known<T> {
    /// The answer, if it is here.
    #[must_use]
    pub fn here(&self) -> Option<&T> {
        match self {
            Self::Here(answer) => Some(answer),
            _ => None,
        }
    }

    /// Whether it is to be asked for, again or for the first time.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::NotYet | Self::Reading(_))
    }

    /// How far the first reading is, if that is what is waited for.
    #[must_use]
    pub fn reading(&self) -> Option<&FirstLook> {
        match self {
            Self::Reading(look) => Some(look),
            _ => None,
        }
    }
}

/// A column of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// What is in the place where one is.
    Tree,
    /// What the chosen node is.
    Node,
    /// What happened to it.
    History,
}

/// The tree, with the node and its history beside it.
#[derive(Debug, Clone)]
pub struct Explorer {
    /// The environment.
    pub environment: EnvironmentName,
    /// The backup, or Live.
    pub source: Source,
    /// The place where one is.
    pub path: NodePath,
    /// What is in it.
    pub lines: Pages<Line>,
    /// What is known of all of them.
    pub folder: Option<Folder>,
    /// The places above it through which one came.
    pub above: Vec<Above>,
    /// The name that is selected as soon as its line is found.
    pub sought: Option<Sought>,
    /// The column that keys go to.
    pub column: Column,
    /// What the other columns are about: the chosen node, once the selection rests.
    pub node: Option<Node>,
    /// Whether the history is followed: reading it may read every backup.
    pub follows_history: bool,
    /// The chosen node's lines, asked for before anybody opens it.
    pub ahead: Option<(NodePath, Children)>,
    /// Whether it was opened on one node, from a list that Esc goes back to.
    pub is_jump: bool,
}

/// What is known of all that is in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// What the place is.
    pub kind: Kind,
    /// When it was like that.
    pub seen: SourceAt,
    /// What should be known.
    pub remarks: Vec<String>,
    /// The file that all of it lies in, where it was read out of one.
    pub in_file: Option<NodePath>,
}

/// A place above, as it was left.
#[derive(Debug, Clone)]
pub struct Above {
    path: NodePath,
    lines: Pages<Line>,
    folder: Option<Folder>,
}

/// A name whose line is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// The name.
    pub step: Step,
    /// The first row of the page to look at next; `None` when it was not found among the first ones.
    pub next: Option<usize>,
}

impl Explorer {
    /// In a place of a source.
    #[must_use]
    pub fn new(environment: EnvironmentName, source: Source, path: NodePath) -> Self {
        Self {
            environment,
            source,
            path,
            lines: Pages::default(),
            folder: None,
            above: Vec::new(),
            sought: None,
            column: Column::Tree,
            node: None,
            follows_history: false,
            ahead: None,
            is_jump: false,
        }
    }

    /// At a node of a source, among its siblings.
    #[must_use]
    pub fn at(environment: EnvironmentName, source: Source, path: &NodePath) -> Self {
        let (Some(step), Some(parent)) = (last_step(path), path.parent()) else {
            return Self::new(environment, source, path.clone());
        };
        let mut explorer = Self::new(environment, source, parent);
        explorer.sought = Some(Sought { step, next: Some(0) });
        explorer.column = Column::Node;
        explorer.is_jump = true;
        explorer.rest();
        explorer
    }

    /// Where the chosen node is.
    #[must_use]
    pub fn chosen(&self) -> Option<NodePath> {
        match &self.sought {
            Some(sought) => Some(below(&self.path, &sought.step, None)),
            None => self.lines.selected().map(|line| path_of(&self.path, line)),
        }
    }

    /// The file that the chosen node lies in, where it was read out of one.
    #[must_use]
    pub fn file_around(&self) -> Option<&NodePath> {
        self.folder.as_ref()?.in_file.as_ref()
    }

    /// The chosen line, if it is here.
    #[must_use]
    pub fn chosen_line(&self) -> Option<&Line> {
        match &self.sought {
            Some(_) => None,
            None => self.lines.selected(),
        }
    }

    /// The selection rests: the other columns follow it.
    pub fn rest(&mut self) {
        let Some(path) = self.chosen() else {
            self.node = None;
            return;
        };
        let kind = self.chosen_line().map(|line| line.kind);
        if self.node.as_ref().is_none_or(|node| node.path != path) {
            self.node = Some(Node::new(path, kind));
        }
        if self.column == Column::Node
            && let Some(node) = &mut self.node
        {
            node.is_asked |= node.path.workspace.is_some();
        }
    }

    /// Goes into something.
    pub fn go_in(&mut self, path: NodePath) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.shrink();
        self.above.push(Above {
            path: std::mem::replace(&mut self.path, path),
            lines,
            folder: self.folder.take(),
        });
        self.sought = None;
        self.node = None;
        if let Some((path, children)) = self.ahead.take()
            && path == self.path
        {
            self.take_lines(children);
        }
    }

    /// Goes to what the place is in. Says whether there is such a place.
    pub fn go_up(&mut self) -> bool {
        let Some(parent) = self.path.parent() else {
            return false;
        };
        let step = last_step(&self.path);
        self.ahead = None;
        self.node = None;
        self.sought = None;
        if let Some(above) = self.above.pop_if(|above| above.path == parent) {
            self.path = above.path;
            self.lines = above.lines;
            self.folder = above.folder;
        } else {
            self.above.clear();
            self.path = parent;
            self.lines = Pages::default();
            self.folder = None;
            self.sought = step.map(|step| Sought { step, next: Some(0) });
        }
        self.rest();
        true
    }

    /// Looks at the same place of another source.
    pub fn look_at(&mut self, source: Source) {
        if self.sought.is_none() {
            let step = self.lines.selected().map(|line| Step {
                name: line.name.clone(),
                index: line.index,
            });
            self.sought = step.map(|step| Sought { step, next: Some(0) });
        }
        self.source = source;
        self.read_again();
    }

    /// Asks for everything once more.
    pub fn read_again(&mut self) {
        let cursor = self.lines.cursor;
        self.lines = Pages::default();
        self.lines.cursor = cursor;
        self.folder = None;
        self.above.clear();
        self.ahead = None;
        if let Some(sought) = &mut self.sought {
            sought.next = Some(0);
        }
        if let Some(node) = self.node.take() {
            let mut again = Node::new(node.path, node.kind);
            again.is_asked |= node.is_asked;
            self.node = Some(again);
        }
    }

    /// Whether something is read for the first time that somebody waits for.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.lines.length().reading().is_some()
            || self
                .node
                .as_ref()
                .is_some_and(|node| node.facts.reading().is_some() || node.history.reading().is_some())
    }

    /// The question for what is in the place, from a row on.
    #[must_use]
    pub fn question(&self, from: usize) -> Question {
        self.children(&self.path, from)
    }

    fn children(&self, path: &NodePath, from: usize) -> Question {
        Question::Children(ChildrenRequest {
            environment: self.environment.clone(),
            source: self.source.clone(),
            path: path.clone(),
            from: from as u64,
            limit: USUAL_LINES,
        })
    }

    /// The questions that are still to be answered, the most wanted one first. `rows` of the list are on the screen.
    #[must_use]
    pub fn wanted(&self, rows: usize) -> Vec<Question> {
        let mut wanted: Vec<Question> = self
            .lines
            .wanted(rows)
            .into_iter()
            .map(|from| self.children(&self.path, from))
            .collect();
        if let Some(Sought { next: Some(next), .. }) = self.sought
            && self.lines.length().here().is_some_and(|length| next < *length)
        {
            wanted.push(self.children(&self.path, next));
        }
        if let Some(node) = &self.node {
            self.want_node(node, &mut wanted);
        }
        if let (Some(line), Some(path)) = (self.chosen_line(), self.chosen())
            && self.node.as_ref().is_some_and(|node| node.path == path)
            && matches!(line.kind, Kind::Node | Kind::Folder | Kind::File | Kind::Instance)
            && line.children > 0
            && self.ahead.as_ref().is_none_or(|(ahead, _)| *ahead != path)
        {
            wanted.push(self.children(&path, 0));
        }
        wanted
    }

    fn want_node(&self, node: &Node, wanted: &mut Vec<Question>) {
        let (environment, source) = (self.environment.clone(), self.source.clone());
        let path = node.path.clone();
        if node.is_asked && node.facts.is_open() {
            wanted.push(Question::Node(NodeRequest {
                environment: environment.clone(),
                source: source.clone(),
                path: path.clone(),
                characters: USUAL_CHARACTERS,
            }));
        }
        if node.facts.here().is_some_and(|facts| facts.is_versionable) && node.versions.is_open() {
            wanted.push(Question::Versions(VersionsRequest {
                environment: environment.clone(),
                source: source.clone(),
                path: path.clone(),
            }));
        }
        if self.follows_history && node.has_history() && node.history.is_open() {
            wanted.push(Question::History(HistoryRequest {
                environment,
                source: Some(source),
                path,
            }));
        }
    }

    /// Whether an answer to a question belongs here.
    #[must_use]
    pub fn fits(&self, question: &Question) -> bool {
        let of_node = |environment: &EnvironmentName, source: Option<&Source>, path: &NodePath| {
            *environment == self.environment
                && source == Some(&self.source)
                && self.node.as_ref().is_some_and(|node| node.path == *path)
        };
        match question {
            Question::Children(request) => {
                request.environment == self.environment
                    && request.source == self.source
                    && (request.path == self.path || self.chosen().as_ref() == Some(&request.path))
            }
            Question::Node(request) => of_node(&request.environment, Some(&request.source), &request.path),
            Question::Versions(request) => {
                of_node(&request.environment, Some(&request.source), &request.path)
            }
            Question::History(request) => {
                self.follows_history && of_node(&request.environment, request.source.as_ref(), &request.path)
            }
            Question::Find(_) | Question::Diff(_) | Question::NodeDiff(_) => false,
        }
    }

    /// Takes an answer that fits, or the sentence that says why there is none.
    pub fn take(&mut self, question: &Question, answer: Result<Told, String>) {
        match (question, answer) {
            (Question::Children(request), answer) if request.path == self.path => match answer {
                Ok(Told::Children(children)) => self.take_lines(children),
                Ok(Told::Reading(look)) => self.lines.reading(look),
                Err(why) => self.lines.failed(why),
                Ok(_) => {}
            },
            // What nobody has opened yet says what is wrong once somebody does.
            (Question::Children(request), Ok(Told::Children(children))) => {
                self.ahead = Some((request.path.clone(), children));
            }
            (_, answer) => {
                if let Some(node) = &mut self.node {
                    node.take(question, answer);
                }
            }
        }
    }

    fn take_lines(&mut self, children: Children) {
        let from = usize::try_from(children.from).unwrap_or(usize::MAX);
        let length = usize::try_from(children.total).unwrap_or(usize::MAX);
        self.path = children.path;
        let found = self.sought.as_ref().and_then(|sought| {
            let is_it = |line: &Line| line.name == sought.step.name && line.index == sought.step.index;
            children.lines.iter().position(is_it)
        });
        if let Some(row) = found {
            self.sought = None;
            self.lines.cursor.selected = from + row;
        } else if let Some(sought) = &mut self.sought
            && sought.next == Some(from)
        {
            let next = from + PAGE;
            sought.next = (next < length && next < SEEK_PAGES * PAGE).then_some(next);
        }
        self.folder = Some(Folder {
            kind: children.kind,
            seen: children.seen,
            remarks: children.remarks,
            in_file: children.in_file,
        });
        self.lines.put(from, length, children.lines, false);
        // Until somebody moves, the other columns are about what was selected by this.
        if self.node.is_none() || found.is_some() {
            self.rest();
        }
    }
}

/// Where a line of a place is.
fn path_of(place: &NodePath, line: &Line) -> NodePath {
    let step = Step {
        name: line.name.clone(),
        index: line.index,
    };
    below(place, &step, Some(line.kind))
}

/// Where something of a place is. In an environment as a whole there are instances.
fn below(place: &NodePath, step: &Step, kind: Option<Kind>) -> NodePath {
    let is_environment = *place == NodePath::default();
    if (is_environment && kind.is_none()) || kind == Some(Kind::Instance) {
        return NodePath {
            instance: step.name.parse().ok(),
            ..NodePath::default()
        };
    }
    place.child(step.clone())
}

/// The last name of a path; an instance's too.
fn last_step(path: &NodePath) -> Option<Step> {
    let last = path.steps.last().cloned();
    let workspace = || path.workspace.clone().map(Step::new);
    let instance = || path.instance.as_ref().map(|name| Step::new(name.as_str()));
    last.or_else(workspace).or_else(instance)
}
