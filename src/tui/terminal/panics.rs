//! Panics: the cockpit's own ends it, with the terminal given back before the report is printed; one elsewhere is shown
//! on the screen instead of being printed across it.

use std::cell::Cell;
use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use super::give_back;
use crate::tui::key::Input;

thread_local! {
    /// Whether this thread is updating or drawing. A panic there ends the cockpit; one elsewhere does not.
    static IN_LOOP: Cell<bool> = const { Cell::new(false) };
}

/// Runs a part of the loop, so that a panic in it is known to be the cockpit's own.
pub fn in_loop<T>(part: impl FnOnce() -> T) -> T {
    IN_LOOP.set(true);
    let result = part();
    IN_LOOP.set(false);
    result
}

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send>;

/// While it lives, a panic of the cockpit itself gives the terminal back before it is reported, and a panic elsewhere
/// is shown on the screen instead of being printed across it.
pub struct PanicGuard {
    before: Arc<Hook>,
    /// The panic that was handed on last, for one that turns out to be the cockpit's own.
    handed_on: Arc<Mutex<Option<String>>>,
}

impl PanicGuard {
    /// Puts the guard up.
    pub fn new(inputs: UnboundedSender<Input>) -> Self {
        let before: Arc<Hook> = Arc::new(std::panic::take_hook());
        let handed_on = Arc::<Mutex<Option<String>>>::default();
        let (report, last) = (Arc::clone(&before), Arc::clone(&handed_on));
        std::panic::set_hook(Box::new(move |info| {
            let text = described(info);
            if IN_LOOP.get() || inputs.send(Input::Panicked(text.clone())).is_err() {
                give_back();
                report(info);
            } else {
                *last.lock() = Some(text);
            }
        }));
        Self { before, handed_on }
    }
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        // Hooks cannot be changed while a panic is on its way.
        if !std::thread::panicking() {
            let before = Arc::clone(&self.before);
            std::panic::set_hook(Box::new(move |info| before(info)));
        } else if !IN_LOOP.get() {
            // Between two parts of the loop: nobody is left who could show it on the screen.
            give_back();
            let mut last = self.handed_on.lock();
            if let Some(text) = last.take() {
                // Without a standard error there is nobody to tell.
                let _ = writeln!(std::io::stderr(), "lifeboat: the cockpit panicked: {text}");
            }
        }
    }
}

fn described(info: &std::panic::PanicHookInfo<'_>) -> String {
    let what = info.payload_as_str().unwrap_or("no reason was given");
    match info.location() {
        Some(at) => format!("{what} ({}:{})", at.file(), at.line()),
        None => what.to_owned(),
    }
}
