//! Runs a whole cockpit in memory: keys go in, frames come out, and nothing waits for the clock on the wall.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::cell::Cell;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lifeboat::backend::Backend;
#[cfg(feature = "engine")]
use lifeboat::backend::remote::{Remote, RemoteSettings};
use lifeboat::tui::beyond::Beyond;
use lifeboat::tui::clipboard::Clipboard;
use lifeboat::tui::display::{Display, Shown, Stop};
use lifeboat::tui::key::{How, Input, Key, Pasted, Press};
use lifeboat::tui::paint::{Frame, Painter};
use lifeboat::tui::terminal_call::Calling;
use lifeboat::tui::theme::{Background, ThemeChoice};
use lifeboat::tui::{Care, CockpitError, CockpitSettings, Contexts, run_among};
use ratatui::layout::Size;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[cfg(feature = "engine")]
use super::told::LinkTold;
use crate::made_up::{self, Fixture, two_projects};
#[cfg(feature = "engine")]
use crate::service::Service;

/// How long a test waits for something that does not come. Never waited for in a test that passes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was written, one entry for each write.
#[derive(Clone, Default)]
pub struct Writes(Arc<Mutex<Vec<Vec<u8>>>>);

impl Writes {
    /// What was written since the last time this was asked.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn push(&self, bytes: &[u8]) {
        self.0.lock().unwrap().push(bytes.to_vec());
    }
}

/// A terminal in memory.
struct Memory {
    size: Arc<Mutex<Size>>,
    frames: watch::Sender<Option<Frame>>,
    painter: Painter,
    writes: Writes,
    copied: Arc<Mutex<Vec<String>>>,
}

impl Display for Memory {
    fn size(&self) -> io::Result<Size> {
        Ok(*self.size.lock().unwrap())
    }

    fn corner(&mut self, size: Size) {
        *self.size.lock().unwrap() = size;
    }

    fn show(&mut self, frame: Frame) -> io::Result<Shown> {
        let bytes = self.painter.encode(frame.clone());
        if !bytes.is_empty() {
            self.writes.push(&bytes);
        }
        self.frames.send_replace(Some(frame));
        Ok(Shown::Already)
    }

    fn forget(&mut self) {
        self.painter.forget();
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.copied
            .lock()
            .unwrap()
            .push(String::from_utf8_lossy(bytes).into_owned());
        Ok(())
    }

    fn can_stop(&self) -> bool {
        true
    }

    fn suspend(&mut self, _stop: Stop) -> io::Result<()> {
        self.copied.lock().unwrap().push("suspended".to_owned());
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A running cockpit.
pub struct Runner {
    inputs: UnboundedSender<Input>,
    frames: watch::Receiver<Option<Frame>>,
    size: Arc<Mutex<Size>>,
    task: JoinHandle<Result<(), CockpitError>>,
    pub writes: Writes,
    pub copied: Arc<Mutex<Vec<String>>>,
    pub backend: Arc<Fixture>,
    service: Option<Service>,
}

/// Without an engine there is no service to go through.
#[cfg(not(feature = "engine"))]
enum Service {}

#[cfg(not(feature = "engine"))]
impl Service {
    fn is_idle(&self) -> bool {
        match *self {}
    }

    fn pass(&self, _is_up: bool) {
        match *self {}
    }
}

/// How a test reaches its backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In this process.
    Here,
    /// Through a service on loopback.
    Elsewhere,
}

thread_local! {
    /// The way of the test on this thread: each test has a thread and a runtime of its own.
    pub static WAY: Cell<Way> = const { Cell::new(Way::Here) };
    /// Whether the test says how the link stands.
    static TOLD: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test twice: on a backend in this process, and through a service.
#[allow(unused_macros, reason = "each test program uses a part of this file")]
macro_rules! alike {
    ($name:ident) => {
        mod $name {
            use crate::screens::runner::{WAY, Way};

            // What waits for a moment of rest gets it when a test waits, and not when the machine is busy.
            #[tokio::test(start_paused = true)]
            async fn here() {
                WAY.set(Way::Here);
                super::$name().await;
            }

            #[cfg(feature = "engine")]
            #[tokio::test]
            async fn elsewhere() {
                WAY.set(Way::Elsewhere);
                super::$name().await;
            }
        }
    };
}
#[allow(unused_imports, reason = "each test program uses a part of this file")]
pub(crate) use alike;

/// Answers count at once. What goes through a service takes real time: on a busy machine a moment of rest would be over before
/// all has come, now and then.
fn care() -> Care {
    let rest = Duration::from_millis(1500);
    match WAY.get() {
        Way::Here => Care::LEAST,
        Way::Elsewhere => Care {
            selection_rests: rest,
            typing_rests: rest,
            ..Care::LEAST
        },
    }
}

/// What tests start a cockpit with.
pub fn settings() -> CockpitSettings {
    CockpitSettings {
        showing: lifeboat::tui::Showing::default(),
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
        calling: Calling::default(),
        last_view: None,
        beyond: Beyond::default(),
        clipboard: Clipboard::Terminal,
        care: care(),
        clock: Arc::new(two_projects::now),
    }
}

/// The same backend under every name, except for one that cannot be opened.
struct Others(Arc<dyn Backend>, CockpitSettings);

#[async_trait]
impl Contexts for Others {
    async fn change(&mut self, name: &str) -> Result<(Arc<dyn Backend>, CockpitSettings), String> {
        if name == "broken" {
            return Err("the context \"broken\" cannot be opened: it has no theme \"pink\"".to_owned());
        }
        let mut settings = self.1.clone();
        let chosen = settings.contexts.iter().find(|choice| choice.name == name);
        let chosen = chosen.cloned().unwrap();
        settings.context = chosen.name;
        settings.read_only = chosen.read_only;
        settings.accent = chosen.accent;
        Ok((Arc::clone(&self.0), settings))
    }
}

impl Runner {
    /// Starts a cockpit over a fixture.
    pub async fn start(size: (u16, u16), fixture: Fixture) -> Self {
        Self::start_with(size, fixture, settings()).await
    }

    /// The same, with other settings.
    pub async fn start_with(size: (u16, u16), fixture: Fixture, settings: CockpitSettings) -> Self {
        let backend = made_up::shared(fixture);
        #[cfg(feature = "engine")]
        if WAY.get() == Way::Elsewhere {
            let service = Service::over(Arc::clone(&backend) as _).await;
            let client = Remote::new(RemoteSettings {
                clock: Arc::clone(&settings.clock),
                ..service.settings()
            });
            let mut shared: Arc<dyn Backend> = Arc::new(client.unwrap());
            if TOLD.get() {
                shared = Arc::new(LinkTold(shared, Arc::clone(&backend)));
            }
            return Self::run(size, shared, settings, backend, Some(service)).await;
        }
        let shared = Arc::clone(&backend) as Arc<dyn Backend>;
        let service = None;
        Self::run(size, shared, settings, backend, service).await
    }

    /// The same, where the test says how the link stands: what is shown of it does not depend on a port and on the
    /// system's words. Everything else comes through the service.
    pub async fn start_told(size: (u16, u16), fixture: Fixture, settings: CockpitSettings) -> Self {
        TOLD.set(true);
        let runner = Self::start_with(size, fixture, settings).await;
        TOLD.set(false);
        runner
    }

    /// Starts one over any backend.
    pub async fn over(size: (u16, u16), backend: Arc<dyn Backend>, settings: CockpitSettings) -> Self {
        Self::run(size, backend, settings, made_up::shared(Fixture::new()), None).await
    }

    async fn run(
        size: (u16, u16),
        shared: Arc<dyn Backend>,
        settings: CockpitSettings,
        backend: Arc<Fixture>,
        service: Option<Service>,
    ) -> Self {
        let (inputs, received) = unbounded_channel();
        let (sender, frames) = watch::channel(None);
        let size = Arc::new(Mutex::new(Size::new(size.0, size.1)));
        let writes = Writes::default();
        let copied = Arc::default();
        let mut display = Memory {
            size: Arc::clone(&size),
            frames: sender,
            painter: Painter::default(),
            writes: writes.clone(),
            copied: Arc::clone(&copied),
        };
        let mut contexts = Others(Arc::clone(&shared), settings.clone());
        let task =
            tokio::spawn(
                async move { run_among(&mut display, received, shared, settings, &mut contexts).await },
            );
        let runner = Self {
            inputs,
            frames,
            size,
            task,
            writes,
            copied,
            backend,
            service,
        };
        runner.settle().await;
        runner
    }

    /// Lets every task run that can: the runtime has one thread, and the fixture answers at once.
    pub async fn settle(&self) {
        let Some(service) = &self.service else {
            for _ in 0..300 {
                tokio::task::yield_now().await;
            }
            return;
        };
        // Every so often the runtime looks at its sockets: until then nothing has come.
        // A service that never answers is never idle.
        let mut quiet = 0;
        for _ in 0..100_000 {
            if quiet == 6_000 {
                return;
            }
            tokio::task::yield_now().await;
            quiet = if service.is_idle() { quiet + 1 } else { 0 };
            // On a busy machine the system's own thread carries what was sent, when it gets its turn.
            if quiet % 1_000 == 999 {
                std::thread::yield_now();
            }
        }
    }

    /// Presses keys: characters as they are, others by name in angle brackets, as in `r<Enter>`.
    pub async fn press(&self, keys: &str) -> &Self {
        let mut rest = keys;
        while let Some(c) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|tail| tail.split_once('>'));
            let key = match named {
                Some((name, tail)) if name.len() > 1 => {
                    rest = tail;
                    named_key(name)
                }
                _ => {
                    rest = &rest[c.len_utf8()..];
                    Key::Char(c)
                }
            };
            self.send(Input::Key(Press::alone(key))).await;
        }
        self
    }

    /// Holds a key down: so many presses are there before the cockpit gets to the first.
    pub async fn hold(&self, key: Key, times: usize) {
        for _ in 0..times {
            // The cockpit may have ended already.
            let press = Press {
                how: How::Again,
                ..Press::alone(key)
            };
            let _ = self.inputs.send(Input::Key(press));
        }
        self.settle().await;
    }

    /// Pastes text where the terminal says that it is pasted.
    pub async fn paste(&self, text: &str) {
        self.send(Input::Paste(Pasted {
            text: text.to_owned(),
            left_out: 0,
            marked: true,
        }))
        .await;
    }

    /// Gives any input.
    pub async fn send(&self, input: Input) {
        // The cockpit may have ended already.
        let _ = self.inputs.send(input);
        self.settle().await;
    }

    /// Gives the terminal another size.
    pub async fn resize(&self, width: u16, height: u16) {
        *self.size.lock().unwrap() = Size::new(width, height);
        self.send(Input::Resized).await;
    }

    /// Waits until the screen has the text.
    pub async fn see(&self, text: &str) -> &Self {
        let mut frames = self.frames.clone();
        let has = |frame: &Option<Frame>| frame.as_ref().is_some_and(|frame| text_of(frame).contains(text));
        let found = tokio::time::timeout(PATIENCE, frames.wait_for(has)).await.is_ok();
        assert!(found, "the screen never had {text:?}:\n{}", self.text());
        self.settle().await;
        self
    }

    /// Cuts the network, or mends it. Without a network, the link of the backend goes down or up.
    pub async fn network(&self, is_up: bool) {
        match &self.service {
            Some(service) => service.pass(is_up),
            None => self.backend.reachable(is_up),
        }
        self.settle().await;
    }

    /// The service that it goes through.
    #[cfg(feature = "engine")]
    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("it goes through none")
    }

    /// The frame on the screen.
    pub fn frame(&self) -> Frame {
        self.frames.borrow().clone().expect("nothing has been drawn")
    }

    /// The text on the screen.
    pub fn text(&self) -> String {
        text_of(&self.frame())
    }

    /// Whether the screen has the text now.
    pub fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// What the backend was asked for.
    pub fn calls(&self) -> Vec<String> {
        self.backend.state().calls.clone()
    }

    /// Whether the cockpit has ended.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until the cockpit has ended.
    pub async fn end(self) -> Result<(), CockpitError> {
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("the cockpit has not ended")
            .expect("the cockpit has panicked")
    }
}

fn named_key(name: &str) -> Key {
    match name {
        "Enter" => Key::Enter,
        "Esc" => Key::Esc,
        "Tab" => Key::Tab,
        "BackTab" => Key::BackTab,
        "Up" => Key::Up,
        "Down" => Key::Down,
        "Left" => Key::Left,
        "Right" => Key::Right,
        "PgUp" => Key::PageUp,
        "PgDn" => Key::PageDown,
        "Backspace" => Key::Backspace,
        "C-c" => Key::Ctrl('c'),
        "C-t" => Key::Ctrl('t'),
        "C-z" => Key::Ctrl('z'),
        "C-u" => Key::Ctrl('u'),
        "C-y" => Key::Ctrl('y'),
        other => panic!("there is no key {other}"),
    }
}

/// The text of a frame, row by row.
pub fn text_of(frame: &Frame) -> String {
    let area = frame.buffer.area;
    let mut text = String::new();
    for y in 0..area.height {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = frame.buffer[(x, y)].symbol();
            row.push_str(symbol);
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}
